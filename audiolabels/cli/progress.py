"""A progress bar on a terminal, nothing in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from audiolabels.cli.output import is_set


@contextmanager
def progress_bar(what: str, unit: str = "") -> Iterator[Callable[[int, int], None] | None]:
    """A function to call with (done, in all), or None if standard error is no terminal.

    Args:
        what: what is being done.
        unit: what is counted; bytes if empty.
    """
    if not sys.stderr.isatty() or is_set("quiet"):
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    counted = [MofNCompleteColumn(), TextColumn(unit)] if unit else [DownloadColumn()]
    columns = (TextColumn(what), BarColumn(), *counted, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

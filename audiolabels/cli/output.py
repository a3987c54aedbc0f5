"""What commands print: a summary as text, as JSON, or none."""

import math
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from audiolabels.labels.report import Report


class Summary(NamedTuple):
    """What a command has to say at its end.

    Attributes:
        lines: for people.
        facts: the same for programs, as JSON can hold it.
        code: the exit code.
    """

    lines: Sequence[str]
    facts: Mapping[str, Any]
    code: int = 0


def _remember(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    ctx.meta[f"{__name__}.{option.name}"] = value


def is_set(name: str) -> bool:
    """Whether `quiet` or `json` was given to the command that runs."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.meta.get(f"{__name__}.{name}"))


def output_options() -> list[click.Parameter]:
    """The options that every command with a summary has."""
    return [
        click.Option([f"--{name}"], is_flag=True, expose_value=False, callback=_remember, help=text)
        for name, text in (
            ("quiet", "Print nothing but errors."),
            ("json", "Print the summary as JSON."),
        )
    ]


def note(text: str) -> None:
    """Print a line about work in progress to standard error, unless --quiet."""
    if not is_set("quiet"):
        click.echo(text, file=sys.stderr)  # which a progress bar replaces to stay below it


@contextmanager
def keeping_parts() -> Iterator[None]:
    """Work whose finished parts are kept, as the message of an interrupt explains."""
    try:
        yield
    except KeyboardInterrupt:
        text = "Interrupted; finished parts are kept: run the same command again to go on."
        raise KeyboardInterrupt(text) from None


def print_summary(summary: Summary) -> None:
    """Print a summary as the options of the command ask for it."""
    if is_set("json"):
        import json

        click.echo(json.dumps(_plain(summary.facts), ensure_ascii=False, indent=2))
    elif not is_set("quiet"):
        click.echo("\n".join(summary.lines))


def report_facts(report: "Report", counts: Counter[tuple[str, str]]) -> dict[str, Any]:
    """A report for programs: notes, rows, and the number of findings by kind and reason."""
    from audiolabels.labels.report import FATES

    findings = [
        {"kind": kind, "fate": FATES[kind], "reason": reason, "count": number}
        for (kind, reason), number in counts.most_common()
    ]
    return {
        "sources": report.sources,
        "notes": report.notes,
        "rows": report.rows,
        "rows_used": report.rows_used,
        "findings": findings,
    }


def _plain(value: Any) -> Any:
    """A value of plain types; numbers that JSON lacks become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value

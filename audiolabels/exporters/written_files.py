"""What an export wrote, and new folders that are complete or absent."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import pyarrow as pa

from audiolabels.errors import OptionError, TargetsFileError
from audiolabels.exporters.text_columns import Column, gather
from audiolabels.files import apart, blame, partial_path, real_path, write_blocks, write_rows


@dataclass
class Export:
    """Result of an export.

    Attributes:
        files: the written files, and the number of rows in each.
        left_out: what the format cannot hold, by reason.
        names: string arrays of the clips or files left out, by reason, where they have names.
        notes: sentences about what the files lack.
    """

    files: dict[Path, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    names: dict[str, pa.StringArray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def leave_out(self, reason: str, names: pa.StringArray) -> None:
        """Count and name what is left out, if anything."""
        if len(names):
            self.left_out[reason] = len(names)
            self.names[reason] = names

    def write_table(
        self,
        path: str | Path,
        head: Sequence[str],
        rows: Iterable[Sequence[str]],
        separator: str = "\t",
    ) -> None:
        """Write a header and rows of cells, whole or not at all, and note the number of rows."""
        lines = (separator.join(cells) for cells in chain([head], rows))
        self.files[Path(path)] = write_rows(path, lines) - 1

    def write_columns(
        self,
        path: str | Path,
        head: Sequence[str],
        parts: Iterable[Sequence[Column]],
        rows: int,
        separator: str = "\t",
    ) -> None:
        """The same of columns, part by part, with so many rows; an empty header is none."""
        header = [f"{separator.join(head)}\n".encode()] if head else []
        cells = ([c for column in columns for c in (column, separator)][:-1] for columns in parts)
        lines = chain.from_iterable(gather([*line, "\n"]) for line in cells)
        write_blocks(path, chain(header, lines))
        self.files[Path(path)] = rows


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A temporary folder to write into; it is renamed to `path` only after success.

    Raises:
        OptionError: `path` exists; a folder is never replaced.
        TargetsFileError: the parent folder does not exist, or writing fails.
    """
    if path.exists():
        raise OptionError(f"{path}: is there already, and a folder is never replaced")
    if not real_path(path).parent.is_dir():
        raise TargetsFileError(f"{path.parent}: no such folder; make it first")
    partial = partial_path(real_path(path))
    try:
        with blame(path):
            partial.mkdir()
        with apart():
            yield partial
        with blame(path):
            partial.rename(real_path(path))
    finally:
        shutil.rmtree(partial, ignore_errors=True)

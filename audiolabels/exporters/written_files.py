"""What an export wrote, and new folders that are complete or absent."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from audiolabels.errors import OptionError, TargetsFileError
from audiolabels.exporters.text_columns import Column, count_rows, gather
from audiolabels.files import apart, blame, partial_path, real_path, write_blocks


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

    def write_columns(
        self,
        path: str | Path,
        head: Sequence[str],
        parts: Iterable[Sequence[Column]],
        separator: str = "\t",
    ) -> None:
        """Write a header, unless it is empty, and rows, whole or not at all; note their number.

        `parts`: some rows each, as columns of cells.
        """
        path = Path(path)
        self.files[path] = 0

        def lines() -> Iterator[bytes | memoryview]:
            yield f"{separator.join(head)}\n".encode() if head else b""
            for columns in parts:
                self.files[path] += count_rows(columns)
                cells = [cell for column in columns for cell in (column, separator)]
                yield from gather([*cells[:-1], "\n"])

        write_blocks(path, lines())


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

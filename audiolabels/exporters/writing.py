"""What exporters share: files that are whole or not there, and what could not be written."""

import csv
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from audiolabels.errors import OptionError, TargetsFileError
from audiolabels.files import atomic_path, blame


@dataclass
class Export:
    """What an export did.

    Attributes:
        files: what was written, and the number of rows in each.
        left_out: what the form cannot express, by reason.
        names: string arrays of the clips or files that were left out, by reason, where each of
            them has a name.
        notes: sentences about what the files lack.
    """

    files: dict[Path, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    names: dict[str, pa.StringArray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def leave_out(self, reason: str, names: pa.StringArray) -> None:
        """Count and name what is left out; nothing happens if that is none."""
        if len(names):
            self.left_out[reason] = len(names)
            self.names[reason] = names


def write_rows(path: str | Path, rows: Iterable[str]) -> int:
    """Write lines to a file, whole or not at all; returns their number.

    Raises:
        TargetsFileError: the file cannot be written; what was there is untouched.
    """
    count = 0
    with (
        atomic_path(path) as partial,
        blame(path),
        partial.open("w", encoding="utf-8", newline="") as file,
    ):
        for row in rows:
            file.write(f"{row}\n")
            count += 1
    return count


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder beside `path` to write into; it becomes `path` only if all went well.

    Raises:
        OptionError: `path` is there; a folder is never replaced.
        TargetsFileError: the folder that it is in does not exist, or writing fails.
    """
    if path.exists():
        raise OptionError(f"{path}: is there already, and a folder is never replaced")
    if not path.resolve().parent.is_dir():
        raise TargetsFileError(f"{path.parent}: no such folder; make it first")
    partial = path.resolve().with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with blame(path):
            partial.mkdir()
        yield partial
        with blame(path):
            partial.rename(path.resolve())
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_classes(
    path: Path, rows: Sequence[Sequence[str]], *, header: bool = True, quoted: bool = True
) -> int:
    """Write a list of classes in CSV, unless it stands there already; returns their number.

    Args:
        path: a list with other classes is never replaced.
        rows: cells.
        header: whether the first row is one.
        quoted: whether the last cell of each class is in quotes, as in AudioSet's own list.

    Raises:
        OptionError: the file is there and holds something else.
        TargetsFileError: the file cannot be written.
    """
    if path.exists():
        refuse_other_classes(path, rows)
    else:
        lines = [",".join([*row[:-1], quote(row[-1]) if quoted else row[-1]]) for row in rows]
        write_rows(path, [",".join(rows[0]), *lines[1:]] if header else lines)
    return len(rows) - header


def refuse_other_classes(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Raise OptionError if a list of classes is there and holds something else."""
    if not path.exists():
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            same = list(csv.reader(file)) == [list(row) for row in rows]
    except (OSError, ValueError, csv.Error):
        same = False
    if not same:
        raise OptionError(
            f"{path}: lists other classes than the labels have; write into another folder"
        )


def quote(cell: str) -> str:
    """A cell of a CSV file in quotes.

    >>> quote("Bass, drum")
    '"Bass, drum"'
    """
    return '"' + cell.replace('"', '""') + '"'


def plain(cell: str) -> str:
    """A cell of a CSV or TSV file, in quotes only where it needs them.

    >>> plain("64760"), plain("a, b.wav")
    ('64760', '"a, b.wav"')
    """
    return quote(cell) if re.search(r'[",\t\r\n]', cell) else cell


def seconds(ms: int) -> str:
    """Seconds with three decimals, exactly.

    >>> seconds(960), seconds(10_000)
    ('0.960', '10.000')
    """
    return f"{ms // 1000}.{ms % 1000:03}"

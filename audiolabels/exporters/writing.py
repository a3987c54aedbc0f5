"""What exporters share: files that are whole or not there, and what could not be written."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from audiolabels.store import atomic_path, blame


@dataclass
class Export:
    """What an export did.

    Attributes:
        files: what was written, and the number of rows in each.
        left_out: what the form cannot express, by reason.
    """

    files: dict[Path, int] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


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


def seconds(ms: int) -> str:
    """Seconds with three decimals, exactly.

    >>> seconds(960), seconds(10_000)
    ('0.960', '10.000')
    """
    return f"{ms // 1000}.{ms % 1000:03}"

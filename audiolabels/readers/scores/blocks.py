"""Files of scores as blocks of rows: what each format makes of an opened file."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import texts_to_arrow, to_arrow
from audiolabels.arrays.grid import LONGEST_S, Ms
from audiolabels.errors import ScoresFileError, shortlist


class Block(NamedTuple):
    """Some rows of a file, n clips or segments.

    Attributes:
        first: number of the first row, from 1.
        names: the clip of each row, as the file names it, string (n,).
        values: (n, K), or (n, T, K) where a row holds T segments.
        onset_ms, offset_ms: int64 (n,) or (n, T); None: from the clip's start, end unknown.
        known: bool of the shape of `values`; None where all are.
        masked: likewise: what is unknown whatever `beyond_top` is; None where nothing is.
    """

    first: int
    names: pa.StringArray
    values: npt.NDArray[Any]
    onset_ms: Ms | None = None
    offset_ms: Ms | None = None
    known: npt.NDArray[np.bool_] | None = None
    masked: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class ScoreTable:
    """What an open file of scores holds.

    Attributes:
        classes: number of classes, K; 0 where only the class order gives it.
        labels: their ids or names in order, if file or format gives them.
        order: what that order is called.
        rows: how many rows it has.
        blocks: a function of K to the rows in order, from the first, each time it is called.
        top: how many scores a row lists, if only the highest.
        of_video: whether all clips are of YouTube videos.
        side_files: further files that were read for it.
        notes: what else is to be reported of the file.
    """

    classes: int
    labels: Sequence[str] | None
    order: str
    rows: int
    blocks: Callable[[int], Iterator[Block]]
    top: int = 0
    of_video: bool = False
    side_files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


def unused_note(names: Iterable[str], used: Collection[str]) -> tuple[str, ...]:
    """A note of the columns or arrays that are not read, if there are any."""
    unused = [name for name in names if name not in used]
    return (f"not used: {shortlist(unused)}",) if unused else ()


def row_slices(rows: int, size: int, segments: int = 1) -> Iterator[slice]:
    """The rows in order, in slices of at most `size` segments or one row of `segments`."""
    step = max(1, size // max(1, segments))
    return (slice(start, start + step) for start in range(0, rows, step))


def texts(values: npt.NDArray[Any] | Sequence[Any]) -> list[str]:
    """Strings of an array of strings or bytes."""
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]


def row_texts(values: npt.NDArray[Any]) -> pa.StringArray:
    """Strings of an array of strings or bytes; equal ones that follow each other are made once."""
    first = np.ones(len(values), np.bool_)
    first[1:] = values[1:] != values[:-1]
    return texts_to_arrow(texts(values[first])).take(to_arrow(np.cumsum(first) - 1))


def filled_texts(column: pa.Array) -> pa.StringArray:
    """A column of texts of any type as strings, empty where they are null."""
    return pc.coalesce(column.cast(pa.string()), texts_to_arrow([""])[0])


def whole_ms(seconds: npt.NDArray[Any], path: Path, what: str) -> Ms:
    """Whole milliseconds of times in seconds.

    Raises:
        ScoresFileError: one is no number, below zero, or a billion or more.
    """
    times = np.asarray(seconds, np.float64)
    if not ((times >= 0) & (times < LONGEST_S)).all():
        raise ScoresFileError(f"{path}: {what} holds a time that is no number of seconds")
    return np.rint(times * 1000).astype(np.int64)

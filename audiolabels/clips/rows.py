"""Rows of clips: which clip, frame or segment each row of a table is about.

`clip_id`, `onset` and `offset` travel together as one record batch; arrays with an entry per row
are sliced, taken and joined with it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import index
from typing import TYPE_CHECKING, Any, ClassVar, Self, SupportsIndex, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import one_chunk, texts_to_arrow, to_arrow
from audiolabels.errors import InputTypeError

if TYPE_CHECKING:
    import pandas

SCHEMA = pa.schema({"clip_id": pa.string(), "onset": pa.float64(), "offset": pa.float64()})


def clip_rows(
    clip_id: pa.StringArray, onset: pa.DoubleArray, offset: pa.DoubleArray
) -> pa.RecordBatch:
    """A record batch of N rows: ids, and seconds from the start of the clip or null."""
    return pa.RecordBatch.from_arrays([clip_id, onset, offset], schema=SCHEMA)


def join_rows(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """The rows of all batches."""
    columns = pa.Table.from_batches(batches, SCHEMA).columns
    return pa.RecordBatch.from_arrays([one_chunk(column) for column in columns], schema=SCHEMA)


@dataclass(frozen=True, eq=False)
class ClipRows:
    """The base of every table with a row per clip, frame or segment.

    Attributes:
        clips: record batch with N rows of `clip_id` (string), `onset` and `offset` (double,
            seconds from the start of the clip, null where unknown).
        PER_ROW: names of the arrays of a subclass that have an entry per row.
    """

    clips: pa.RecordBatch
    PER_ROW: ClassVar[tuple[str, ...]] = ()

    @property
    def clip_id(self) -> pa.StringArray:
        """String (N,): ids of the clips."""
        return self.clips.column(0)

    @property
    def onset(self) -> pa.DoubleArray:
        """Double (N,): seconds from the start of the clip; null where unknown."""
        return self.clips.column(1)

    @property
    def offset(self) -> pa.DoubleArray:
        """Double (N,): seconds from the start of the clip; null where unknown."""
        return self.clips.column(2)

    def __len__(self) -> int:
        return int(self.clips.num_rows)

    def slice(self, start: int, stop: int) -> Self:
        """The rows from `start` up to `stop`."""
        arrays = {name: getattr(self, name)[start:stop] for name in self.PER_ROW}
        return replace(self, clips=self.clips[start:stop], **arrays)

    def take(self, rows: npt.NDArray[np.integer]) -> Self:
        """The rows with these numbers, int (M,), in that order."""
        arrays = {name: getattr(self, name)[rows] for name in self.PER_ROW}
        return replace(self, clips=self.clips.take(to_arrow(np.asarray(rows, np.int64))), **arrays)

    def _data_frame(self, **columns: Any) -> "pandas.DataFrame":
        """A data frame with `clip_id`, `onset`, `offset` and further columns."""
        import pandas

        own = {name: self.clips[name].to_pylist() for name in SCHEMA.names}
        return pandas.DataFrame({**own, **columns})

    def to_arrow(self) -> pa.Table:
        """An Arrow table with `clip_id`, `onset`, `offset` and the columns of the subclass."""
        return pa.Table.from_batches([self.clips])

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The table as an Arrow stream, for what takes such (PyCapsule interface)."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def renamed(self, clip_id: pa.StringArray) -> Self:
        """The same rows with other ids, string (N,)."""
        return replace(self, clips=clip_rows(clip_id, self.onset, self.offset))

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """All rows of one part or more, which share the rest."""
        first, clips = parts[0], join_rows([part.clips for part in parts])
        arrays = {name: np.concatenate([getattr(p, name) for p in parts]) for name in first.PER_ROW}
        return replace(first, clips=clips, **arrays)


def prefixed(prefix: str, clip_id: pa.StringArray) -> pa.StringArray:
    """Ids with a text before each."""
    start, nothing = texts_to_arrow([prefix, ""])
    return pc.binary_join_element_wise(start, clip_id, nothing) if prefix else clip_id


def row_number(row: SupportsIndex, rows: int) -> int:
    """The number of one of so many rows; negative numbers count from the end.

    Raises:
        IndexError: no such row.
        InputTypeError: no whole number; a slice or a list is none.
    """
    try:
        return range(rows)[index(row)]
    except IndexError:
        raise IndexError(f"no row {row}: there are {rows:,}") from None
    except TypeError:
        raise InputTypeError(f"expected a clip's id or a row's number; got {row!r}") from None


T = TypeVar("T", bound=ClipRows)


def rechunk(parts: Iterable[T], size: int) -> Iterator[T]:
    """The same rows in parts of `size`, except the last."""
    return (held[0].concat(held) for held in regroup(parts, size))


def regroup(parts: Iterable[T], size: int) -> Iterator[list[T]]:
    """The same rows in lists of parts that have `size` rows together, except the last."""
    held: list[T] = []
    count = 0
    for part in parts:
        start = 0
        while start < len(part):
            stop = min(len(part), start + size - count)
            held.append(part if stop - start == len(part) else part.slice(start, stop))
            count += stop - start
            start = stop
            if count == size:
                yield held
                held, count = [], 0
    if held:
        yield held

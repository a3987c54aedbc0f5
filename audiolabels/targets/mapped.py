"""Soft targets that stay in their files: rows are read where they are asked for.

The layout `packed` stores each row group of `target` and `masked` as one page without compression,
so the bytes of a row are at a place that the footer and the number of the row determine.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from audiolabels.errors import TargetsFileError, guarded
from audiolabels.targets.parts import files_of

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class MappedRows:
    """A column of N rows of bytes, in files that are mapped; rows are taken as from an array.

    Attributes:
        path, name: of the targets, a file or a folder of parts, and of the column.
        identity: of the targets, as `store.file_identity` gives it.
        data: uint8: the bytes of each file.
        files: int64 (G,): the file of each row group.
        starts: int64 (G,): where row 0 would be, if all rows were in the page of this row group.
        ends: int64 (G,): one after the last row of each row group.
        width: bytes of a row.
        halves: whether they are float16; else they are bits in `numpy.packbits` order.
        chosen: numbers of the columns to be taken; None: all.
    """

    path: Path
    name: str
    identity: tuple[int, int, str]
    data: list[npt.NDArray[np.uint8]]
    files: Ints
    starts: Ints
    ends: Ints
    width: int
    halves: bool
    chosen: npt.NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return int(self.ends[-1])

    def __getitem__(self, rows: Any) -> npt.NDArray[Any]:
        """The chosen columns of rows, given as to an array of numpy: a copy, in memory."""
        if isinstance(rows, slice):
            rows = np.arange(*rows.indices(len(self)))
        rows = np.asarray(rows)
        if rows.ndim == 0:
            one: npt.NDArray[Any] = self[rows[None]][0]
            return one
        if rows.dtype == np.bool_:
            if len(rows) != len(self):
                raise IndexError(f"{len(rows)} truth values for {len(self)} rows")
            rows = np.flatnonzero(rows)
        rows = np.where(rows < 0, rows + len(self), rows).astype(np.int64)
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"a row that is none of the {len(self)}")
        group = np.searchsorted(self.ends, rows, side="right")
        places = self.starts[group] + rows * self.width
        if len(self.data) == 1:
            cells = self._cells(0, places)
        else:
            cells, files = np.empty(len(rows), f"V{self.width}"), self.files[group]
            for number in np.unique(files).tolist():
                cells[files == number] = self._cells(number, places[files == number])
        kind, columns = ("<f2", self.width // 2) if self.halves else ("u1", self.width)
        values: npt.NDArray[Any] = cells.view(kind).reshape(len(rows), columns)
        if self.chosen is None:
            return values
        if not self.halves:
            values = np.unpackbits(values, axis=1)
        taken: npt.NDArray[Any] = values.take(self.chosen, axis=1)
        return taken if self.halves else np.packbits(taken, axis=1)

    def _cells(self, file: int, places: Ints) -> npt.NDArray[np.void]:
        """The `width` bytes from each place of a file on."""
        data = self.data[file]
        count = len(data) - self.width + 1
        every: npt.NDArray[np.void] = np.ndarray(count, f"V{self.width}", data, strides=(1,))
        return every[places]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """All rows, in memory."""
        return self[:].astype(dtype or np.dtype("<f2" if self.halves else np.uint8), copy=False)

    def over(self, columns: npt.NDArray[np.intp]) -> "MappedRows":
        """The same rows with the columns of these numbers, in their order."""
        return replace(self, chosen=columns if self.chosen is None else self.chosen[columns])

    def __reduce__(self) -> tuple[Any, ...]:
        return _map_again, (self.path, self.name, self.identity, self.halves, self.chosen)


def map_rows(
    path: Path, name: str, identity: tuple[int, int, str], *, halves: bool
) -> MappedRows | None:
    """A column of fixed-size binary, mapped; None if its bytes are not plain in the files."""
    pages, mapped, width = list[tuple[int, int, int]](), list[npt.NDArray[np.uint8]](), 0
    for number, one in enumerate(files_of(path)):
        with guarded(one, TargetsFileError, "cannot be read as Parquet"):
            file = pq.ParquetFile(one)
            index = file.schema_arrow.get_field_index(name)
            if file.schema.column(index).max_definition_level or not file.metadata.num_rows:
                return None
            width = file.schema_arrow.field(name).type.byte_width
            mapped.append(np.memmap(one, np.uint8, "r"))
            pages += ((number, *page) for page in _pages(file.metadata, index, width, mapped[-1]))
    files, places, sizes = np.array(pages, np.int64).T
    if (places < 0).any():
        return None
    ends = np.cumsum(sizes)
    starts = places - (ends - sizes) * width
    return MappedRows(path, name, identity, mapped, files, starts, ends, width, halves)


def _pages(
    facts: pq.FileMetaData, index: int, width: int, data: npt.NDArray[np.uint8]
) -> Iterator[tuple[int, int]]:
    """Where the values of each row group with rows begin, -1 if not in one page, and their number.

    A page of values begins with a header in Thrift's compact protocol, whose first two fields are
    the kind of page, 0, and the number of bytes that follow it.
    """
    for number in range(facts.num_row_groups):
        group = facts.row_group(number)
        rows, chunk = group.num_rows, group.column(index)
        if not rows:
            continue
        begin, size = chunk.data_page_offset, rows * width
        head = b"\x15\x00\x15" + _varint(2 * size)
        plain = chunk.compression == "UNCOMPRESSED" and set(chunk.encodings) <= {"PLAIN", "RLE"}
        end = begin + chunk.total_compressed_size
        whole = size < end - begin and end <= len(data)
        if not (plain and whole and data[begin : begin + len(head)].tobytes() == head):
            yield -1, rows
            return
        yield end - size, rows


def _varint(number: int) -> bytes:
    """A number in groups of seven bits, the lowest first."""
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])


def _map_again(
    path: Path,
    name: str,
    identity: tuple[int, int, str],
    halves: bool,
    chosen: npt.NDArray[np.intp] | None,
) -> MappedRows:
    """A column from its pickled place."""
    from audiolabels.targets.store import refuse_changed

    refuse_changed(path, identity)
    rows = map_rows(path, name, identity, halves=halves)
    assert rows is not None
    return replace(rows, chosen=chosen)

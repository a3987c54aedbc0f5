"""The layouts: the columns that hold targets in a Parquet file.

| layout | columns |
|---|---|
| `lists` | `positive`, `masked`: list<uint16> of column numbers, ascending |
| `packed` | `positive`, `masked`: ceil(C / 8) bytes each, `numpy.packbits` order |
| `dense` | `target`: C float32, float16 for soft targets; `mask`: C uint8, 1 = known |

Soft targets have `dense` and `packed` only, which for them is `target`: 2·C bytes, C little-endian
float16, and `masked` as above.

Where most classes are unknown, `lists` and `packed` have `negative` in place of `masked`; the
metadata name the one that a file has. Targets with weights have a further column, `weight`: in
`lists` map<uint16, float16>, those other than 1 by column number, in `packed` 2·C bytes, C
little-endian float16, in `dense` C float16. Distinct targets are encoded once, as *cells*, from
which the columns of all clips are gathered.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.bits import CHUNK, Bits, third_state
from audiolabels.arrays.columns import fixed_binary, fixed_bytes, text_buffers, to_arrow, to_numpy
from audiolabels.errors import OptionError, choose

COLUMN_NUMBERS = pa.list_(pa.field("element", pa.uint16(), nullable=False))
BY_NUMBER = pa.map_(pa.uint16(), pa.field("value", pa.float16(), nullable=False))

Cells = list[pa.Array]  # of the target columns
WEIGHT = "weight"


@dataclass(frozen=True)
class Coding:
    """How one target column of C classes is stored.

    Attributes:
        type: C to the column's type.
        encode: bits, uint8 (D, ceil(C / 8)), or float16 scores (D, C), and C to D cells.
        gather: the chosen cells, N of them, and C to the column.
        load: the column and C to bits or scores of its N rows.
    """

    type: Callable[[int], pa.DataType]
    encode: Callable[[npt.NDArray[Any], int], pa.Array]
    gather: Callable[[pa.Array, int], pa.Array]
    load: Callable[[pa.Array, int], npt.NDArray[Any]]


@dataclass(frozen=True)
class Layout:
    """One way to store targets.

    Attributes:
        name: how options and metadata call it.
        group: clips of a row group.
        codings: how each target column is stored; `listed` is replaced by the listed state.
        dictionary: whether the target columns are dictionary-encoded.
        plain: whether the target columns are stored as they are in memory, so that a file can be
            mapped: uncompressed, each row group one page.
        soft: whether it is one of soft targets.
        weight: how weights are stored.
    """

    name: str
    group: int
    codings: Mapping[str, Coding]
    weight: Coding
    dictionary: bool = False
    plain: bool = False
    soft: bool = False

    @property
    def weighted(self) -> bool:
        """Whether targets have weights."""
        return WEIGHT in self.codings

    def with_weights(self) -> "Layout":
        """The same layout, of targets with weights."""
        return replace(self, codings={**self.codings, WEIGHT: self.weight})

    def columns(self, columns: int, listed: str) -> dict[str, pa.DataType]:
        """Names and types of the target columns, for C classes and a listed state."""
        return {
            listed if name == "listed" else name: coding.type(columns)
            for name, coding in self.codings.items()
        }

    def swap(self, one: npt.NDArray[Any], second: Bits, columns: int, listed: str) -> Bits:
        """Bits of the listed state from those of the masked one, or the masked from the listed."""
        negative = listed == "negative" and "listed" in self.codings
        return third_state(one, second, columns) if negative else second

    def encode(self, tables: Iterable[npt.NDArray[Any]], columns: int) -> Cells:
        """Distinct targets (positive or scores, the listed state, any weights) as one cell each."""
        return [c.encode(t, columns) for c, t in zip(self.codings.values(), tables, strict=True)]

    def gather(
        self, cells: Cells, which: npt.NDArray[np.int32] | None, columns: int
    ) -> list[pa.Array]:
        """The target columns of N clips, from the number of each clip's cell, int32 (N,); None if
        each has its own, in order.
        """
        taken = cells if which is None else [cell.take(to_arrow(which)) for cell in cells]
        return [c.gather(t, columns) for c, t in zip(self.codings.values(), taken, strict=True)]

    def load(self, held: Iterable[pa.Array], columns: int) -> list[npt.NDArray[Any]]:
        """The target columns as bits, or scores and bits, and weights, with an entry per row."""
        return [c.load(t, columns) for c, t in zip(self.codings.values(), held, strict=True)]


def append_cells(cells: Cells | None, more: Cells) -> Cells:
    """The cells of both, one after the other."""
    if cells is None:
        return more
    return [pa.concat_arrays(both) for both in zip(cells, more, strict=True)]


def _encode_list(bits: Bits, columns: int) -> pa.BinaryArray:
    """The column numbers of each list as bytes, which Arrow gathers five times faster."""
    width = bits.shape[1]
    sizes, values = [np.zeros(1, np.int64)], [np.zeros(0, np.uint16)]
    for start in range(0, len(bits), CHUNK):
        part = bits[start : start + CHUNK].ravel()
        some = np.flatnonzero(part != 0)  # few bytes hold any bit
        held, row = part[some], some // width
        first = ((some - row * width) * 8).astype(np.uint16)
        cells = np.flatnonzero(np.unpackbits(held).view(np.bool_))
        sizes.append(np.bincount(row, np.bitwise_count(held), len(part) // width))
        values.append(first[cells >> 3] + (cells & 7).astype(np.uint16))
    offsets = np.cumsum(np.concatenate(sizes)) * 2
    data = pa.py_buffer(np.concatenate(values))
    return pa.Array.from_buffers(
        pa.binary(), len(bits), [None, pa.py_buffer(offsets.astype(np.int32)), data]
    )


def _gather_list(cells: pa.BinaryArray, columns: int) -> pa.ListArray:
    offsets, data = text_buffers(cells)
    numbers = to_arrow(data.view(np.uint16))
    return pa.ListArray.from_arrays(to_arrow(offsets // 2), numbers, type=COLUMN_NUMBERS)


def _load_list(lists: pa.ListArray, columns: int) -> Bits:
    offsets = to_numpy(lists.offsets).astype(np.int64)
    values = to_numpy(lists.values)[offsets[0] : offsets[-1]].astype(np.int64)
    if values.max(initial=0) >= columns:
        raise ValueError(f"column {values.max()} of {columns}")
    width = -(-columns // 8)
    rows = np.repeat(np.arange(len(lists)), np.diff(offsets))
    weights = (128 >> (values & 7)).astype(np.float64)
    sums = np.bincount(rows * width + (values >> 3), weights, len(lists) * width)
    return sums.astype(np.uint8).reshape(len(lists), width)


PAIR = np.dtype([("column", "<u2"), ("weight", "<f2")])


def _encode_map(weights: npt.NDArray[np.float16], columns: int) -> pa.BinaryArray:
    """The pairs of each map as bytes, as lists are encoded."""
    sizes, pairs = [np.zeros(1, np.int64)], [np.zeros(0, PAIR)]
    for start in range(0, len(weights), CHUNK):
        part = weights[start : start + CHUNK]
        row, column = np.nonzero(part != 1)
        own = np.empty(len(row), PAIR)
        own["column"], own["weight"] = column, part[row, column]
        sizes.append(np.bincount(row, minlength=len(part)))
        pairs.append(own)
    offsets = np.cumsum(np.concatenate(sizes)) * PAIR.itemsize
    data = pa.py_buffer(np.concatenate(pairs))
    return pa.Array.from_buffers(
        pa.binary(), len(weights), [None, pa.py_buffer(offsets.astype(np.int32)), data]
    )


def _gather_map(cells: pa.BinaryArray, columns: int) -> pa.MapArray:
    offsets, data = text_buffers(cells)
    pairs = data.view(PAIR)
    keys, values = (to_arrow(pairs[name]) for name in ("column", "weight"))
    return pa.MapArray.from_arrays(to_arrow(offsets // PAIR.itemsize), keys, values, type=BY_NUMBER)


def _load_map(maps: pa.MapArray, columns: int) -> npt.NDArray[np.float16]:
    offsets = to_numpy(maps.offsets).astype(np.int64)
    keys, values = (to_numpy(a)[offsets[0] : offsets[-1]] for a in (maps.keys, maps.items))
    if keys.max(initial=0) >= columns:
        raise ValueError(f"column {keys.max()} of {columns}")
    weights = np.ones((len(maps), columns), np.float16)
    weights[np.repeat(np.arange(len(maps)), np.diff(offsets)), keys] = values
    return weights


def _fixed_list(values: npt.NDArray[Any], columns: int) -> pa.FixedSizeListArray:
    return pa.FixedSizeListArray.from_arrays(to_arrow(values.ravel()), columns)


def _unpacked(cells: pa.FixedSizeBinaryArray, columns: int) -> npt.NDArray[np.uint8]:
    return np.unpackbits(fixed_bytes(cells), axis=1, count=columns)


def _rows(column: pa.FixedSizeListArray, columns: int) -> npt.NDArray[Any]:
    flat = column.flatten()
    if flat.null_count:
        raise ValueError("a list holds nulls")
    return to_numpy(flat).reshape(-1, columns)


LISTS = Coding(lambda c: COLUMN_NUMBERS, _encode_list, _gather_list, _load_list)
PACKED = Coding(
    type=lambda c: pa.binary(-(-c // 8)),
    encode=lambda bits, c: fixed_binary(bits),
    gather=lambda cells, c: cells,
    load=lambda column, c: fixed_bytes(column),
)
TARGET = Coding(
    type=lambda c: pa.list_(pa.float32(), c),
    encode=PACKED.encode,
    gather=lambda cells, c: _fixed_list(_unpacked(cells, c).astype(np.float32), c),
    load=lambda column, c: np.packbits(_rows(column, c) > 0, axis=1),
)
SCORES = Coding(
    type=lambda c: pa.list_(pa.float16(), c),
    encode=lambda scores, c: fixed_binary(np.ascontiguousarray(scores, np.float16).view(np.uint8)),
    gather=lambda cells, c: _fixed_list(fixed_bytes(cells).view(np.float16), c),
    load=_rows,
)
HALVES = Coding(
    type=lambda c: pa.binary(2 * c),
    encode=lambda scores, c: fixed_binary(np.ascontiguousarray(scores, "<f2").view(np.uint8)),
    gather=PACKED.gather,
    load=lambda column, c: fixed_bytes(column).view("<f2"),
)
BY_COLUMN = Coding(lambda c: BY_NUMBER, _encode_map, _gather_map, _load_map)
MASK = Coding(
    type=lambda c: pa.list_(pa.uint8(), c),
    encode=PACKED.encode,
    gather=lambda cells, c: _fixed_list(1 - _unpacked(cells, c), c),
    load=lambda column, c: np.packbits(_rows(column, c) == 0, axis=1),
)
HARD = (
    Layout("lists", 65_536, {"positive": LISTS, "listed": LISTS}, BY_COLUMN),
    Layout("packed", 65_536, {"positive": PACKED, "listed": PACKED}, HALVES, dictionary=True),
    Layout("dense", 8_192, {"target": TARGET, "mask": MASK}, SCORES),
)
# A teacher's scores hardly compress (by 8 % with zstd, whether or not their bytes are shuffled),
# and take five times longer then.
SOFT = (
    Layout("packed", 8_192, {"target": HALVES, "masked": PACKED}, HALVES, plain=True, soft=True),
    Layout("dense", 8_192, {"target": SCORES, "mask": MASK}, SCORES, soft=True),
)
LAYOUTS: Mapping[str, Layout] = MappingProxyType({layout.name: layout for layout in HARD})
SOFT_LAYOUTS: Mapping[str, Layout] = MappingProxyType({layout.name: layout for layout in SOFT})


def choose_layout(name: str | None, *, soft: bool = False) -> Layout:
    """The layout of a name, for soft or for hard targets; `packed` or `lists` if none is named.

    An OptionError is raised for other names, and where soft targets do not have the layout.
    """
    name = choose("layout", name or ("packed" if soft else "lists"), LAYOUTS)
    if soft and name not in SOFT_LAYOUTS:
        raise OptionError(
            f"layout {name!r} holds no soft targets, only {' and '.join(SOFT_LAYOUTS)} do; a "
            f"threshold (--threshold, threshold=0.5) makes them hard"
        )
    return (SOFT_LAYOUTS if soft else LAYOUTS)[name]

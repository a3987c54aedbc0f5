"""The layouts: how targets stand in the columns of a Parquet file.

| layout | columns |
|---|---|
| `lists` | `positive`, `masked`: list<uint16> of column numbers, ascending |
| `packed` | `positive`, `masked`: ceil(C / 8) bytes each, `numpy.packbits` order |
| `dense` | `target`: C float32, float16 for soft targets; `mask`: C uint8, 1 = known |

Where most classes are unknown, `lists` and `packed` have `negative` in place of `masked`; which of
the two a file lists, its metadata say. Distinct targets are encoded once, as *cells*; a clip's
columns are gathered from them. Soft targets stand in `dense` alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import (
    fixed_binary,
    fixed_bytes,
    list_of,
    text_buffers,
    to_arrow,
    to_numpy,
)
from audiolabels.errors import OptionError, choose

COLUMN_NUMBERS = pa.list_(pa.field("element", pa.uint16(), nullable=False))
CHUNK = 8192  # rows of bits unpacked at a time


Cells = tuple[pa.Array, pa.Array]


@dataclass(frozen=True)
class Layout:
    """One way to store targets.

    Attributes:
        group: clips of a row group.
        columns: names and types of the target columns, for C classes and a listed state.
        encode: bits of distinct targets (positive, and the listed state) and C, to one cell each;
            for soft targets float16 scores (N, C) in the place of positive.
        gather: such cells, int32 (N,) which of them each clip has, and C, to the target columns.
        load: the two target columns and C to bits (and scores), one row a clip.
        dictionary: whether the target columns are dictionary-encoded.
        lists: whether the columns list two of the three states; if not, the second is masked.
    """

    group: int
    columns: Callable[[int, str], dict[str, pa.DataType]]
    encode: Callable[[npt.NDArray[Any], Bits, int], Cells]
    gather: Callable[[Cells, npt.NDArray[np.int32], int], list[pa.Array]]
    load: Callable[[pa.Array, pa.Array, int], tuple[npt.NDArray[Any], Bits]]
    dictionary: bool
    lists: bool


def append_cells(cells: Cells | None, more: Cells) -> Cells:
    """The cells of both, one after the other."""
    if cells is None:
        return more
    positive, masked = (pa.concat_arrays(pair) for pair in zip(cells, more, strict=True))
    return positive, masked


def _encode_lists(positive: Bits, listed: Bits, columns: int) -> Cells:
    """The column numbers of each list as bytes, which Arrow gathers five times faster."""
    return _numbers(positive, columns), _numbers(listed, columns)


def _numbers(bits: Bits, columns: int) -> pa.BinaryArray:
    width = bits.shape[1]
    sizes, values = [np.zeros(1, np.int64)], [np.zeros(0, np.uint16)]
    for start in range(0, len(bits), CHUNK):
        part = bits[start : start + CHUNK].ravel()
        some = np.flatnonzero(part != 0)  # few bytes hold any bit
        cells = np.flatnonzero(np.unpackbits(part[some]).view(np.bool_))
        byte = some[cells >> 3]
        rows = byte // width
        sizes.append(np.bincount(rows, minlength=len(part) // width))
        values.append(((byte - rows * width) * 8 + (cells & 7)).astype(np.uint16))
    offsets = np.cumsum(np.concatenate(sizes)) * 2
    data = pa.py_buffer(np.concatenate(values))
    return pa.Array.from_buffers(
        pa.binary(), len(bits), [None, pa.py_buffer(offsets.astype(np.int32)), data]
    )


def _gather_lists(cells: Cells, which: npt.NDArray[np.int32], columns: int) -> list[pa.Array]:
    arrays = []
    for cell in cells:
        offsets, data = text_buffers(cell.take(to_arrow(which)))
        arrays.append(list_of(offsets // 2, data.view(np.uint16)))
    return arrays


def _load_lists(positive: pa.Array, listed: pa.Array, columns: int) -> tuple[Bits, Bits]:
    return _scatter(positive, columns), _scatter(listed, columns)


def _scatter(lists: pa.ListArray, columns: int) -> Bits:
    offsets = to_numpy(lists.offsets).astype(np.int64)
    values = to_numpy(lists.values)[offsets[0] : offsets[-1]].astype(np.int64)
    if values.max(initial=0) >= columns:
        raise ValueError(f"column {values.max()} of {columns}")
    width = -(-columns // 8)
    rows = np.repeat(np.arange(len(lists)), np.diff(offsets))
    weights = (128 >> (values & 7)).astype(np.float64)
    sums = np.bincount(rows * width + (values >> 3), weights, len(lists) * width)
    return sums.astype(np.uint8).reshape(len(lists), width)


def _encode_packed(positive: Bits, listed: Bits, columns: int) -> Cells:
    return fixed_binary(positive), fixed_binary(listed)


def _gather_packed(cells: Cells, which: npt.NDArray[np.int32], columns: int) -> list[pa.Array]:
    return [cell.take(to_arrow(which)) for cell in cells]


def _load_packed(positive: pa.Array, listed: pa.Array, columns: int) -> tuple[Bits, Bits]:
    return fixed_bytes(positive), fixed_bytes(listed)


def _gather_dense(cells: Cells, which: npt.NDArray[np.int32], columns: int) -> list[pa.Array]:
    positive, masked = (
        np.unpackbits(fixed_bytes(cell)[which], axis=1, count=columns).ravel() for cell in cells
    )
    return [
        pa.FixedSizeListArray.from_arrays(to_arrow(positive.astype(np.float32)), columns),
        pa.FixedSizeListArray.from_arrays(to_arrow(1 - masked), columns),
    ]


def _load_dense(target: pa.Array, mask: pa.Array, columns: int) -> tuple[Bits, Bits]:
    def table(column: pa.Array) -> npt.NDArray[Any]:
        return to_numpy(column.flatten()).reshape(-1, columns)

    return np.packbits(table(target) > 0, axis=1), np.packbits(table(mask) == 0, axis=1)


def _encode_soft(scores: npt.NDArray[Any], masked: Bits, columns: int) -> Cells:
    halves = np.ascontiguousarray(scores, np.float16)
    return fixed_binary(halves.view(np.uint8)), fixed_binary(masked)


def _gather_soft(cells: Cells, which: npt.NDArray[np.int32], columns: int) -> list[pa.Array]:
    scores = fixed_bytes(cells[0])[which].view(np.float16).ravel()
    known = 1 - np.unpackbits(fixed_bytes(cells[1])[which], axis=1, count=columns).ravel()
    return [
        pa.FixedSizeListArray.from_arrays(to_arrow(values), columns) for values in (scores, known)
    ]


def _load_soft(target: pa.Array, mask: pa.Array, columns: int) -> tuple[npt.NDArray[Any], Bits]:
    scores = to_numpy(target.flatten()).reshape(-1, columns)
    known = to_numpy(mask.flatten()).reshape(-1, columns)
    return scores, np.packbits(known == 0, axis=1)


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "lists": Layout(
            group=65_536,
            columns=lambda c, listed: {"positive": COLUMN_NUMBERS, listed: COLUMN_NUMBERS},
            encode=_encode_lists,
            gather=_gather_lists,
            load=_load_lists,
            dictionary=False,
            lists=True,
        ),
        "packed": Layout(
            group=65_536,
            columns=lambda c, listed: dict.fromkeys(("positive", listed), pa.binary(-(-c // 8))),
            encode=_encode_packed,
            gather=_gather_packed,
            load=_load_packed,
            dictionary=True,
            lists=True,
        ),
        "dense": Layout(
            group=8_192,
            columns=lambda c, listed: {
                "target": pa.list_(pa.float32(), c),
                "mask": pa.list_(pa.uint8(), c),
            },
            encode=_encode_packed,
            gather=_gather_dense,
            load=_load_dense,
            dictionary=False,
            lists=False,
        ),
    }
)
SOFT = Layout(
    group=8_192,
    columns=lambda c, listed: {
        "target": pa.list_(pa.float16(), c),
        "mask": pa.list_(pa.uint8(), c),
    },
    encode=_encode_soft,
    gather=_gather_soft,
    load=_load_soft,
    dictionary=False,
    lists=False,
)


def choose_layout(name: str, *, soft: bool = False) -> Layout:
    """The layout of a name, for soft or for hard targets.

    Raises:
        OptionError: no such layout, or one that soft targets do not have.
    """
    choose("layout", name, LAYOUTS)
    if soft and name != "dense":
        raise OptionError(
            f"layout {name!r} holds no soft targets, only 'dense' does; a threshold (--threshold, "
            f"threshold=0.5) makes them hard"
        )
    return SOFT if soft else LAYOUTS[name]

"""The three layouts: how targets stand in the columns of a Parquet file.

| layout | columns |
|---|---|
| `lists` | `positive`, `masked`: list<uint16> of column numbers, ascending |
| `packed` | `positive`, `masked`: ceil(C / 8) bytes each, `numpy.packbits` order |
| `dense` | `target`: C float32; `mask`: C uint8, 1 = known |

Distinct targets are encoded once, as *cells*; a clip's columns are gathered from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.columns import fixed_binary, fixed_bytes, list_of, text_buffers, to_arrow, to_numpy
from audiolabels.targets import Bits

COLUMN_NUMBERS = pa.list_(pa.field("element", pa.uint16(), nullable=False))
CHUNK = 8192  # rows of bits unpacked at a time


Cells = tuple[pa.Array, pa.Array]


@dataclass(frozen=True)
class Layout:
    """One way to store targets.

    Attributes:
        group: clips of a row group.
        columns: names and types of the target columns, for C classes.
        encode: bits of distinct targets (positive, masked) and C, to one cell each.
        gather: such cells, int32 (N,) which of them each clip has, and C, to the target columns.
        load: the target columns and C to bits, one row a clip.
        dictionary: target columns that are dictionary-encoded.
    """

    group: int
    columns: Callable[[int], dict[str, pa.DataType]]
    encode: Callable[[Bits, Bits, int], Cells]
    gather: Callable[[Cells, npt.NDArray[np.int32], int], list[pa.Array]]
    load: Callable[[pa.RecordBatch, int], tuple[Bits, Bits]]
    dictionary: tuple[str, ...]


def append_cells(cells: Cells | None, more: Cells) -> Cells:
    """The cells of both, one after the other."""
    if cells is None:
        return more
    positive, masked = (pa.concat_arrays(pair) for pair in zip(cells, more, strict=True))
    return positive, masked


def _encode_lists(positive: Bits, masked: Bits, columns: int) -> Cells:
    """The column numbers of each list as bytes, which Arrow gathers five times faster."""
    return _numbers(positive, columns), _numbers(masked, columns)


def _numbers(bits: Bits, columns: int) -> pa.BinaryArray:
    sizes, values = [np.zeros(1, np.int64)], [np.zeros(0, np.uint16)]
    for start in range(0, len(bits), CHUNK):
        part = np.unpackbits(bits[start : start + CHUNK], axis=1, count=columns)
        cells = np.flatnonzero(part.view(np.bool_))
        rows = cells // columns
        sizes.append(np.bincount(rows, minlength=len(part)))
        values.append((cells - rows * columns).astype(np.uint16))
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


def _load_lists(batch: pa.RecordBatch, columns: int) -> tuple[Bits, Bits]:
    return _scatter(batch["positive"], columns), _scatter(batch["masked"], columns)


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


def _encode_packed(positive: Bits, masked: Bits, columns: int) -> Cells:
    return fixed_binary(positive), fixed_binary(masked)


def _gather_packed(cells: Cells, which: npt.NDArray[np.int32], columns: int) -> list[pa.Array]:
    return [cell.take(to_arrow(which)) for cell in cells]


def _load_packed(batch: pa.RecordBatch, columns: int) -> tuple[Bits, Bits]:
    return fixed_bytes(batch["positive"]), fixed_bytes(batch["masked"])


def _gather_dense(cells: Cells, which: npt.NDArray[np.int32], columns: int) -> list[pa.Array]:
    positive, masked = (
        np.unpackbits(fixed_bytes(cell)[which], axis=1, count=columns).ravel() for cell in cells
    )
    return [
        pa.FixedSizeListArray.from_arrays(to_arrow(positive.astype(np.float32)), columns),
        pa.FixedSizeListArray.from_arrays(to_arrow(1 - masked), columns),
    ]


def _load_dense(batch: pa.RecordBatch, columns: int) -> tuple[Bits, Bits]:
    def table(name: str) -> npt.NDArray[Any]:
        return to_numpy(batch[name].flatten()).reshape(-1, columns)

    return np.packbits(table("target") > 0, axis=1), np.packbits(table("mask") == 0, axis=1)


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "lists": Layout(
            group=65_536,
            columns=lambda c: {"positive": COLUMN_NUMBERS, "masked": COLUMN_NUMBERS},
            encode=_encode_lists,
            gather=_gather_lists,
            load=_load_lists,
            dictionary=(),
        ),
        "packed": Layout(
            group=65_536,
            columns=lambda c: {"positive": pa.binary(-(-c // 8)), "masked": pa.binary(-(-c // 8))},
            encode=_encode_packed,
            gather=_gather_packed,
            load=_load_packed,
            dictionary=("positive", "masked"),
        ),
        "dense": Layout(
            group=8_192,
            columns=lambda c: {
                "target": pa.list_(pa.float32(), c),
                "mask": pa.list_(pa.uint8(), c),
            },
            encode=_encode_packed,
            gather=_gather_dense,
            load=_load_dense,
            dictionary=(),
        ),
    }
)

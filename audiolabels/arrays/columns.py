"""numpy arrays and Arrow arrays over the same memory.

Arrow's own conversions import pandas on the way, which costs a quarter of a second at start.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.errors import InputTypeError

ARROW_TYPES: dict[np.dtype[Any], pa.DataType] = {
    np.dtype(name): pa.type_for_alias(name)
    for name in ("uint8", "uint16", "int32", "int64", "float16", "float32", "float64")
}
NUMPY_TYPES: dict[pa.DataType, np.dtype[Any]] = {a: n for n, a in ARROW_TYPES.items()}


def to_arrow(values: npt.NDArray[Any]) -> pa.Array:
    """A one-dimensional array of numbers, shared, without nulls."""
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(
        ARROW_TYPES[values.dtype], len(values), [None, pa.py_buffer(values)]
    )


def to_numpy(array: pa.Array) -> npt.NDArray[Any]:
    """The numbers of an Arrow array, shared and read-only; what nulls hold is undefined."""
    dtype = NUMPY_TYPES[array.type]
    buffer = array.buffers()[1]
    if buffer is None:
        return np.zeros(0, dtype)
    return np.frombuffer(buffer, dtype)[array.offset : array.offset + len(array)]


def to_bools(array: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    """An Arrow array without nulls as bool (N,)."""
    if not len(array):
        return np.zeros(0, np.bool_)
    bits = np.frombuffer(array.buffers()[1], np.uint8)
    unpacked = np.unpackbits(bits, bitorder="little", count=array.offset + len(array))
    return unpacked[array.offset :].view(np.bool_)


def whole_ms(seconds: pa.DoubleArray) -> npt.NDArray[np.int64]:
    """Times in seconds as whole milliseconds, to the nearest; what nulls become is undefined."""
    ms: npt.NDArray[np.int64] = np.rint(to_numpy(seconds) * 1000).astype(np.int64)
    return ms


def row_order(*keys: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """The order in which rows of non-negative integers ascend; equal rows in any order.

    The columns have equal length, the most significant is first.
    """
    bits = [int(key.max(initial=0)).bit_length() for key in keys]
    if sum(bits) > 63:
        return np.lexsort(keys[::-1])
    packed = np.zeros(len(keys[0]), np.int64)
    for key, size in zip(keys, bits, strict=True):
        packed <<= size
        packed |= key
    return np.argsort(packed)  # of one number, ten times faster than of several columns


def texts_to_arrow(texts: Sequence[str]) -> pa.StringArray:
    """A `string` array of Python strings; an InputTypeError for what no file can hold."""
    try:
        data = "".join(texts).encode()
    except UnicodeEncodeError as error:
        around = error.object[max(0, error.start - 20) : error.end + 20]
        raise InputTypeError(f"{around!r}: half of a character, a lone surrogate") from error
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    if len(data) != sizes.sum():  # not all ASCII
        sizes = np.fromiter((len(text.encode()) for text in texts), np.int64, len(texts))
    if len(data) > np.iinfo(np.int32).max:
        raise OverflowError("more than 2 GiB of text in one array")
    ends = np.append(0, np.cumsum(sizes)).astype(np.int32)
    return pa.StringArray.from_buffers(len(sizes), pa.py_buffer(ends), pa.py_buffer(data))


def doubles_to_arrow(values: Sequence[float | None]) -> pa.DoubleArray:
    """A `double` array in which None is null."""
    known = np.array([value is not None for value in values], np.bool_)
    filled = np.array([0.0 if value is None else value for value in values], np.float64)
    validity = None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.DoubleArray.from_buffers(pa.float64(), len(filled), [validity, pa.py_buffer(filled)])


def one_chunk(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column as a single array."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if not column.num_chunks:
        return pa.nulls(0, column.type)
    return column.combine_chunks()


def text_buffers(array: pa.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    """Offsets (N + 1,) and bytes of a `string` or `binary` array, shared."""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1]
    raw = np.frombuffer(data, np.uint8) if data else np.zeros(0, np.uint8)
    return ends, raw


def places_in(texts: pa.StringArray, table: pa.StringArray) -> npt.NDArray[np.int64]:
    """Where each text first occurs in a table, int64 (N,); -1 where it does not."""
    nowhere = to_arrow(np.array([-1], np.int32))[0]
    return to_numpy(pc.coalesce(pc.index_in(texts, value_set=table), nowhere)).astype(np.int64)


def fixed_binary(rows: npt.NDArray[np.uint8]) -> pa.FixedSizeBinaryArray:
    """Rows of bytes, shape (N, width), as an Arrow fixed-size binary array."""
    rows = np.ascontiguousarray(rows)
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(rows.shape[1]), len(rows), [None, pa.py_buffer(rows)]
    )


def fixed_bytes(array: pa.FixedSizeBinaryArray) -> npt.NDArray[np.uint8]:
    """The bytes of a fixed-size binary array, shared: shape (N, width)."""
    width = array.type.byte_width
    raw = np.frombuffer(array.buffers()[1], np.uint8)
    return raw[array.offset * width : (array.offset + len(array)) * width].reshape(-1, width)

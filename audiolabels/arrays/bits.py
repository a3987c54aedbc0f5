"""Bit tables: rows of bits in `numpy.packbits` order, one column per class."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint8]
CHUNK = 8192  # rows unpacked or hashed at a time
BYTES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)  # the bits of each byte


def unpack_floats(bits: Bits, columns: int) -> npt.NDArray[np.float32]:
    """Bits, shape (B, ceil(C / 8)), as zeros and ones, shape (B, C)."""
    return np.unpackbits(bits, axis=1, count=columns).astype(np.float32)


def by_chunk(work: Callable[[Any], npt.NDArray[Any]], rows: Any) -> npt.NDArray[Any]:
    """The results of `work` for `CHUNK` rows of an array at a time, joined."""
    starts = range(0, max(1, len(rows)), CHUNK)
    return np.concatenate([work(rows[start : start + CHUNK]) for start in starts])


def third_state(one: Bits, other: Bits, columns: int) -> Bits:
    """Bits of what is in neither of two states, shape (D, ceil(C / 8)) each."""
    bits = one | other
    np.invert(bits, out=bits)
    bits[:, -1] &= np.uint8(0xFF << (-columns % 8) & 0xFF)
    return bits


def weigh(
    bits: npt.NDArray[np.uint8], weights: npt.NDArray[np.int64], columns: int
) -> npt.NDArray[np.int64]:
    """Weighted count of set bits by column: int64 (C,)."""
    exact, width = weights.astype(np.float64), bits.shape[1]
    counts = np.zeros(width * 256)  # of each byte's values
    for start in range(0, len(bits), CHUNK):
        flat, own = bits[start : start + CHUNK].ravel(), exact[start : start + CHUNK]
        some = np.flatnonzero(flat != 0)
        if 2 * len(some) > len(flat):
            each = [np.bincount(byte, own, 256) for byte in flat.reshape(-1, width).T]
            counts += np.concatenate(each)
        else:  # five times faster where few bytes hold any bit
            rows = some // width
            keys = (some - rows * width) * 256 + flat[some]
            counts += np.bincount(keys, own[rows], width * 256)
    return (counts.reshape(width, 256) @ BYTES).ravel()[:columns].astype(np.int64)

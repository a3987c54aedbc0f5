"""Parts of a data set and held-out clips, drawn by recording.

A clip's recording is the YouTube video in its canonical id, else that id itself (`clips.names`). A
hash of the recording gives a number from 0 to 1, which decides. So a clip's part depends neither on
the other clips nor on how a file names it, and all clips of a video are in one part.
"""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.bits import by_chunk
from audiolabels.arrays.columns import to_numpy
from audiolabels.clips.names import canonical_ids, videos_of
from audiolabels.clips.rows import prefixed
from audiolabels.errors import OptionError


def draw_parts(
    clip_id: pa.StringArray, shares: Sequence[float] = (80, 10, 10), *, seed: int = 0
) -> npt.NDArray[np.int64]:
    """A part for each clip, the same in every split with these shares and this seed.

    The sizes of parts are approximately the shares.

    Args:
        clip_id: N clips, by id or by file name.
        shares: of each part, in proportion.
        seed: another gives another division.

    Returns:
        int64 (N,): positions in `shares`.

    Raises:
        OptionError: a share is not above zero.

    >>> clips = pa.array([f"abcdefghij{n}_0" for n in range(8)])
    >>> draw_parts(clips, (50, 50), seed=1).tolist()
    [0, 0, 1, 0, 0, 1, 1, 0]
    """
    sizes = np.array(shares, np.float64)
    if not len(sizes) or not (np.isfinite(sizes) & (sizes > 0)).all():
        raise OptionError(f"shares are numbers above zero, not {', '.join(map(str, shares))}")
    bounds = np.cumsum(sizes) / sizes.sum()
    return np.searchsorted(bounds[:-1], _draw(clip_id, seed), side="right").astype(np.int64)


def held_out(clip_id: pa.StringArray, share: float, *, seed: int = 0) -> npt.NDArray[np.bool_]:
    """Which clips are held out for validation, bool (N,); as the first part of `draw_parts`.

    Clips, by id or by file name, that are held out at one share of all recordings, from 0 to 1, are
    held out at greater ones too; another seed holds out others.

    >>> held_out(pa.array(["abcdefghijk_0", "audio/Yabcdefghijk_30.000_40.000.wav"]), 0.9).tolist()
    [True, True]
    """
    return _draw(clip_id, seed) < share


def draw_folds(clip_id: pa.StringArray, folds: int) -> npt.NDArray[np.int64]:
    """A fold for each clip, int64 (N,) from 0 on, in about equal numbers.

    Each fold has its share of the clips that are held out for validation, which are drawn with
    another seed.
    """
    return draw_parts(clip_id, (1,) * folds, seed=1)


def in_subset(clip_id: pa.StringArray, share: float, *, seed: int = 0) -> npt.NDArray[np.bool_]:
    """Which clips are in a subset of all recordings, bool (N,); nested like those held out.

    A subset has its share of the clips that are held out, which are drawn otherwise.
    """
    return _draw(clip_id, f"subset {seed}") < share


def subset_order(clip_id: pa.StringArray, *, seed: int = 0) -> npt.NDArray[np.int64]:
    """The clips in the order in which subsets take them, int64 (N,): the first are those that
    `in_subset` has at the smallest shares. Clips of a recording are in the order of their ids.
    """
    keys = {"draw": _draw(clip_id, f"subset {seed}"), "id": clip_id}
    order = pc.sort_indices(pa.table(keys), sort_keys=[(key, "ascending") for key in keys])
    return to_numpy(order.cast(pa.int64()))


def _draw(clip_id: pa.StringArray, seed: int | str) -> npt.NDArray[np.float64]:
    recordings = prefixed(f"{seed}:", videos_of(canonical_ids(clip_id, of_video=True)))
    drawn: npt.NDArray[np.float64] = by_chunk(_hash, recordings) / float(1 << 48)
    return drawn


def _hash(names: pa.StringArray) -> npt.NDArray[np.uint64]:
    """The first six bytes of the SHA-256 of each, as numbers."""
    digests = [sha256(name).digest() for name in names.cast(pa.binary()).to_pylist()]
    heads: npt.NDArray[np.uint64] = np.frombuffer(b"".join(digests), ">u8")[::4] >> np.uint64(16)
    return heads

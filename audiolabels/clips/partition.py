"""Which part of a data set a clip is in: decided by its recording alone."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.clips.names import STARTED
from audiolabels.errors import OptionError


def draw_parts(
    clip_id: pa.StringArray, shares: Sequence[float] = (80, 10, 10), *, seed: int = 0
) -> npt.NDArray[np.int64]:
    """A part for each clip, drawn by a hash of its recording's id.

    A clip's part depends on nothing but its id, the shares and the seed: not on the other clips, so
    it is the same in every split; clips of one YouTube video are in one part. So the sizes of parts
    are near the shares, not exactly these.

    Args:
        clip_id: N clips.
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
    bounds[-1] = 1
    drawn = np.array([_draw(clip, seed) for clip in clip_id.to_pylist()], np.float64)
    return np.searchsorted(bounds[:-1], drawn, side="right").astype(np.int64)


def _draw(clip: str, seed: int) -> float:
    recording = clip[:11] if re.fullmatch(STARTED, clip) else clip
    digest = hashlib.sha256(f"{seed}:{recording}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)

"""Which clips stand in the input more than once, at eight bytes a clip."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.annotations import Annotations, Finding
from audiolabels.columns import text_buffers, to_arrow


class ClipIndex:
    """Hashes of the clip ids seen, and where each part of them came from."""

    def __init__(self) -> None:
        self._hashes = bytearray()
        self._starts: list[int] = []
        self._origins: list[tuple[str, npt.NDArray[np.int64] | int]] = []

    def add(self, part: Annotations, source: str) -> None:
        """Take in the clips of one part, which came from the file `source`."""
        if not len(part):
            return
        self._starts.append(len(self._hashes) // 8)
        consecutive = part.rows[-1] - part.rows[0] == len(part) - 1
        self._origins.append((source, int(part.rows[0]) if consecutive else part.rows))
        self._hashes += hash_strings(part.clip_id).tobytes()

    def duplicates(self, clip_ids: Iterable[pa.StringArray]) -> Iterator[Finding]:
        """A finding for every clip but the first of its name.

        Args:
            clip_ids: the ids of all clips that were added, in order, in pieces of any size; they
                are gone through again only if some hash occurred twice.
        """
        hashes = np.frombuffer(self._hashes, np.uint64)
        hashes.sort()
        candidates = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        if not len(candidates):
            return
        seen: set[str] = set()
        start = 0
        for ids in clip_ids:
            own = hash_strings(ids)
            nearest = np.searchsorted(candidates, own).clip(max=len(candidates) - 1)
            for row in np.flatnonzero(candidates[nearest] == own).tolist():
                clip = ids[row].as_py()
                if clip in seen:
                    source, number = self._origin(start + row)
                    reason = "the clip stands there more than once"
                    yield Finding(source, number, clip, "duplicate clip", reason)
                seen.add(clip)
            start += len(ids)

    def _origin(self, clip: int) -> tuple[str, int]:
        part = bisect_right(self._starts, clip) - 1
        source, rows = self._origins[part]
        within = clip - self._starts[part]
        return source, rows + within if isinstance(rows, int) else int(rows[within])


def hash_strings(texts: pa.StringArray) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each string: equal strings hash alike, others all but never do."""
    offsets, _ = text_buffers(texts)
    lengths = np.diff(offsets)
    hashes = np.zeros(len(texts), np.uint64)
    for length in np.flatnonzero(np.bincount(lengths)).tolist():
        rows = np.flatnonzero(lengths == length)
        starts, raw = text_buffers(texts.take(to_arrow(rows)))
        words = np.zeros((len(rows), -(-length // 8) * 8), np.uint8)
        words[:, :length] = raw[starts[0] : starts[-1]].reshape(len(rows), length)
        mixed = np.full(len(rows), length + 1, np.uint64)
        for word in words.view(np.uint64).T:
            mixed = (mixed ^ word) * np.uint64(0x9E3779B97F4A7C15)
            mixed ^= mixed >> np.uint64(29)
        hashes[rows] = mixed
    return hashes

"""Which clips stand in the input more than once, at eight bytes a clip."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import to_numpy
from audiolabels.clips.index import hash_strings, mix
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Finding


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
        self._hashes += _hash_places(part.clip_id, part.onset).tobytes()

    def repeated(self) -> npt.NDArray[np.uint64]:
        """The hashes that occurred more than once, ascending; nothing can be added afterwards."""
        return repeated_hashes(self._hashes)

    def duplicates(
        self,
        candidates: npt.NDArray[np.uint64],
        places: Iterable[tuple[pa.StringArray, pa.DoubleArray]],
    ) -> Iterator[Finding]:
        """A finding for every clip but the first of its name and onset.

        Args:
            candidates: what `repeated` gave.
            places: ids and onsets of all clips that were added, in order, in pieces of any size;
                they are gone through only if there are candidates.
        """
        if not len(candidates):
            return
        seen: set[tuple[str, float]] = set()
        start = 0
        for ids, onsets in places:
            own = _hash_places(ids, onsets)
            nearest = np.searchsorted(candidates, own).clip(max=len(candidates) - 1)
            for row in np.flatnonzero(candidates[nearest] == own).tolist():
                clip, onset = ids[row].as_py(), onsets[row].as_py()
                if (clip, onset) in seen:
                    source, number = self._origin(start + row)
                    reason = "the clip stands there more than once"
                    yield Finding(source, number, clip, "duplicate clip", reason)
                seen.add((clip, onset))
            start += len(ids)

    def _origin(self, clip: int) -> tuple[str, int]:
        part = bisect_right(self._starts, clip) - 1
        source, rows = self._origins[part]
        within = clip - self._starts[part]
        return source, rows + within if isinstance(rows, int) else int(rows[within])


def repeated_hashes(hashes: bytearray) -> npt.NDArray[np.uint64]:
    """Those of many 64-bit hashes that occur more than once, ascending; sorts them in place."""
    values = np.frombuffer(hashes, np.uint64)
    values.sort()
    return np.unique(values[1:][values[1:] == values[:-1]])


def _hash_places(ids: pa.StringArray, onsets: pa.DoubleArray) -> npt.NDArray[np.uint64]:
    return mix(hash_strings(ids), to_numpy(onsets).view(np.uint64))

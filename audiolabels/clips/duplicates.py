"""Duplicate clips, of equal id and onset, found in a stream with eight bytes per clip."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import to_numpy
from audiolabels.clips.index import Rows, hash_strings, mix

REPEATED = "the clip occurs more than once"  # the reason in reports


class SeenClips:
    """Hashes of the clips so far, and the origin of each part of them."""

    def __init__(self) -> None:
        self._hashes = bytearray()
        self._parts: list[tuple[int, str, Rows | int]] = []

    def add(self, clips: pa.RecordBatch, rows: Rows, source: str) -> None:
        """Add a part of a file: `clip_id` and `onset`, and the ascending rows in the file."""
        if not len(rows):
            return
        consecutive = rows[-1] - rows[0] == len(rows) - 1
        origin = int(rows[0]) if consecutive else rows
        self._parts.append((len(self._hashes) // 8, source, origin))
        self._hashes += _hash_places(clips).tobytes()

    def origins(self) -> list[tuple[int, str, list[int] | int]]:
        """Where the clips came from: for each part its first clip, the file, and its rows there, or
        the first of them where they follow one another.
        """
        return [(s, n, r if isinstance(r, int) else r.tolist()) for s, n, r in self._parts]

    def add_origins(
        self, origins: Sequence[tuple[int, str, list[int] | int]], parts: Iterable[pa.RecordBatch]
    ) -> None:
        """Add clips with `origins` of another, and their ids and onsets, in parts of any size."""
        if not origins:
            return
        start = len(self._hashes) // 8
        for first, source, rows in origins:
            origin = rows if isinstance(rows, int) else np.array(rows, np.int64)
            self._parts.append((start + first, source, origin))
        for clips in parts:
            self._hashes += _hash_places(clips).tobytes()

    def repeated(self) -> npt.NDArray[np.uint64]:
        """The hashes that occur more than once, ascending; nothing can be added afterwards."""
        return repeated_hashes(self._hashes)

    def duplicates(
        self, candidates: npt.NDArray[np.uint64], parts: Iterable[pa.RecordBatch]
    ) -> Iterator[tuple[str, int, str]]:
        """File, row and id of every clip except the first of its id and onset.

        `candidates` are from `repeated`; `parts` are all clips that were added, in order, in parts
        of any size, and are read only if there are candidates.
        """
        if not len(candidates):
            return
        seen: set[tuple[str, float]] = set()
        start = 0
        for clips in parts:
            own = _hash_places(clips)
            nearest = np.searchsorted(candidates, own).clip(max=len(candidates) - 1)
            for row in np.flatnonzero(candidates[nearest] == own).tolist():
                place = clips["clip_id"][row].as_py(), clips["onset"][row].as_py()
                if place in seen:
                    yield (*self.origin(start + row), place[0])
                seen.add(place)
            start += len(own)

    def origin(self, clip: int) -> tuple[str, int]:
        """The file of a clip, and its row there; clips are numbered as they were added."""
        part = bisect_right(self._parts, clip, key=itemgetter(0)) - 1
        start, source, rows = self._parts[part]
        return source, rows + clip - start if isinstance(rows, int) else int(rows[clip - start])


def repeated_hashes(hashes: bytearray) -> npt.NDArray[np.uint64]:
    """Those of many 64-bit hashes that occur more than once, ascending; sorts them in place."""
    values = np.frombuffer(hashes, np.uint64)
    values.sort()
    again = values[1:][values[1:] == values[:-1]]
    distinct: npt.NDArray[np.uint64] = again[np.diff(again, prepend=~again[:1]) != 0]
    return distinct  # without np.unique, which imports numpy.ma


def _hash_places(clips: pa.RecordBatch) -> npt.NDArray[np.uint64]:
    return mix(hash_strings(clips["clip_id"]), to_numpy(clips["onset"]).view(np.uint64))

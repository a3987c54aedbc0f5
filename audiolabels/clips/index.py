"""Which clip a name means: the one finder.

A clip is found by its id as it stands; else by what its name says, as `clips.names` takes names
apart: without folder, audio extension and leading `Y`, with the start read from the name. Where
only one side tells the start (0, or a second and more), the eleven characters of the video decide,
if one clip alone has them.
"""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import text_buffers, texts_to_arrow, to_arrow
from audiolabels.clips.names import STARTED, VIDEO, parse_clip_name

MISSING = -1
CHUNK = 1 << 16  # ids hashed at a time
WINDOW = 8  # entries of a bucket looked at together; few hold more
LOW_HALF = 0xFFFFFFFF
Rows = npt.NDArray[np.int64]


def hash_strings(texts: pa.StringArray) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each string: equal strings hash alike, others all but never do."""
    offsets, raw = text_buffers(texts)
    padded = np.zeros(8 + offsets[-1] - offsets[0], np.uint8)
    padded[8:] = raw[offsets[0] : offsets[-1]]
    # Eight bytes from any position on, as one number; the last of a string ends where it ends.
    words = np.ndarray(len(padded) - 7, np.uint64, padded, strides=(1,))
    places = offsets.astype(np.int64) - (offsets[0] - 8)
    starts, last = places[:-1], places[1:] - 8
    lengths = last - starts + 8
    # What a short string's word holds of the string before is shifted out, an empty one's whole.
    half = np.maximum(8 - lengths, 0).astype(np.uint64) * 4
    first = words[np.minimum(starts, last)] >> half >> half
    hashes = mix(mix(lengths.view(np.uint64), np.uint64(1)), first)
    for position in range(8, int(lengths.max(initial=0)), 8):
        longer = np.flatnonzero(lengths > position)
        word = words[np.minimum(starts[longer] + position, last[longer])]
        hashes[longer] = mix(hashes[longer], word)
    return hashes


def mix(
    state: npt.NDArray[np.uint64], word: npt.NDArray[np.uint64] | np.uint64
) -> npt.NDArray[np.uint64]:
    """A hash with one more word taken in."""
    mixed = (state ^ word) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(29))


class ClipFinder:
    """Where clips stand among others, by the rules in the module's first lines.

    Args:
        clip_ids: string (N,), as `readers.clips` makes them; one that comes twice is found where
            it stands first.
    """

    def __init__(self, clip_ids: pa.StringArray) -> None:
        self._clip_ids = clip_ids
        self._index = _Index(clip_ids)

    def find(self, clips: Sequence[str]) -> Rows:
        """The row of each clip, int64 (B,), or -1."""
        rows = self._index.find(texts_to_arrow(clips))
        lost = np.flatnonzero(rows == MISSING)
        if len(lost):
            rows[lost] = self._find_names([clips[i] for i in lost.tolist()])
        return rows

    def _find_names(self, names: Sequence[str]) -> Rows:
        ids = [parse_clip_name(name).clip_id for name in names]
        rows = self._index.find(texts_to_arrow(ids))
        if (rows == MISSING).any():
            started = [re.fullmatch(STARTED, clip) is not None for clip in ids]
            bare = np.array([VIDEO.fullmatch(clip) is not None for clip in ids], np.bool_)
            videos = texts_to_arrow(
                [clip[:11] if has else clip for clip, has in zip(ids, started, strict=True)]
            )
            unique, without_start = self._videos.find(videos), self._index.find(videos)
            rows = np.where(rows != MISSING, rows, np.where(bare, unique, without_start))
        return rows

    @cached_property
    def _videos(self) -> "_Index":
        """The clips by video, where there is one clip of it."""
        started = pc.match_substring_regex(self._clip_ids, STARTED)
        videos = pc.utf8_slice_codeunits(self._clip_ids, 0, 11)
        return _Index(pc.if_else(started, videos, self._clip_ids), unique=True)


class _Index:
    """Rows of texts, by their hashes; texts that come twice are found where they stand first.

    By the first bits of a hash, rows fall into about as many buckets as there are rows. An entry
    of a bucket is one number: as many further bits of the hash as there is room for, then the row.
    So a look-up goes to three distant places, bucket, entries and text, where a binary search goes
    to twenty.

    Args:
        ids: string (N,).
        unique: whether texts that come twice are not found at all.
    """

    def __init__(self, ids: pa.StringArray, *, unique: bool = False) -> None:
        self._ids = ids
        self._bits = max(1, len(ids).bit_length())
        keys = np.empty(len(ids), np.uint64)
        for start in range(0, len(ids), CHUNK):
            keys[start : start + CHUNK] = hash_strings(ids.slice(start, CHUNK))
        rows = np.arange(len(ids), dtype=np.uint64)
        if unique:
            _, first, counts = np.unique(keys, return_index=True, return_counts=True)
            rows = rows[first[counts == 1]]
            keys = keys[rows]
        keys &= LOW_HALF << 32
        keys |= rows
        keys.sort()
        high = (keys >> 32).astype(np.uint32)
        sizes = np.bincount(high >> (32 - self._bits), minlength=1 << self._bits)
        self._starts = np.append(0, np.cumsum(sizes)).astype(np.int32)
        self._entries = np.full(len(keys) + WINDOW, LOW_HALF, np.uint32)  # no row is that large
        self._entries[:-WINDOW] = (high << self._bits) | keys.astype(np.uint32)

    def find(self, ids: pa.StringArray) -> Rows:
        """The row of each id, int64 (B,), or -1."""
        if not len(self._ids):
            return np.full(len(ids), MISSING, np.int64)
        high = (hash_strings(ids) >> 32).astype(np.uint32)
        bucket = high >> (32 - self._bits)
        start = self._starts[bucket]
        # `WINDOW` entries from any on. Where the bits of the hash that they tell agree, the row is
        # left over; else a number greater than all rows.
        shape = len(self._entries) - WINDOW + 1, WINDOW
        entries = np.ndarray(shape, np.uint32, self._entries, strides=(4, 4))[start]
        entries ^= (high << self._bits)[:, None]
        rows: Rows = entries.min(axis=1).astype(np.int64)
        found = rows < len(self._ids)
        rows[~found] = 0
        # The few bits can agree by chance; the comparison makes it sure.
        found &= to_bools(pc.equal(self._ids.take(to_arrow(rows)), ids))
        if not found.all():
            rows[~found] = MISSING
            size = self._starts[bucket + 1] - start
            several = (entries < len(self._ids)).sum(axis=1) > 1
            for i in np.flatnonzero(~found & (several | (size > WINDOW))).tolist():
                rows[i] = self._search(ids[i], start[i], start[i] + size[i])
        return rows

    def _search(self, text: pa.StringScalar, start: int, stop: int) -> int:
        """The row of a text in a whole bucket, or -1."""
        rows = (self._entries[start:stop] & ((1 << self._bits) - 1)).astype(np.int64)
        place = pc.index(self._ids.take(to_arrow(rows)), text).as_py()
        return MISSING if place < 0 else int(rows[place])


def to_bools(array: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    """An Arrow array without nulls as bool (N,)."""
    bits = np.frombuffer(array.buffers()[1], np.uint8)
    unpacked = np.unpackbits(bits, bitorder="little", count=array.offset + len(array))
    return unpacked[array.offset :].view(np.bool_)

"""Finding a clip by name, wherever two tables of clips are joined.

A name means the clip that the first of these steps finds (`docs/clips.md` has examples):

1. The same id, character by character; or, of ids that keep folders, the same path, or the end of
   it, without extension.
2. The same canonical id (`clips.names`): without folder, audio extension and leading `Y`, with the
   start read from the name. This holds for names on both sides. After that, names made of words
   are read as YouTube's too: `Yellowhammer` means `ellowhammer` if there is no clip of its name.
3. For YouTube videos, a start in the other unit. No clip starts in the first second except at 0,
   so a number from 1 to 999 after a video is a start in seconds, if all starts of the table are in
   milliseconds; and vice versa.
4. For YouTube videos, the same video, if only one side has a start: a name without a start means
   the only clip of its video, and a name with a start means the clip of the video without one,
   unless the table has the video with another start too.

A YouTube video with a start is 11 characters, `_`, and 0 or at least 1,000 milliseconds;
`office_day1_5` only looks like one. A name that a step finds several times, as a duplicate clip,
is an error that lists them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.bits import by_chunk
from audiolabels.arrays.columns import text_buffers, texts_to_arrow, to_arrow, to_bools, to_numpy
from audiolabels.clips.names import EXTENSION, STARTED, canonical_ids
from audiolabels.errors import UnknownClipError, shortlist

MISSING = -1
SEVERAL = -2
WINDOW = 8  # entries of a bucket looked at together; few hold more
LOW_HALF = 0xFFFFFFFF
# Videos without a start, with one in seconds, in milliseconds, and in whole seconds thereof.
BARE = r"^[A-Za-z0-9_-]{11}$"
SECONDS = r"^[A-Za-z0-9_-]{11}_[1-9][0-9]{0,2}$"
MILLISECONDS = r"^[A-Za-z0-9_-]{11}_[1-9][0-9]{3,8}$"
WHOLE_SECONDS = r"^[A-Za-z0-9_-]{11}_[1-9][0-9]{0,2}000$"
# As Arrow scalars, since Arrow imports pandas to convert Python's.
NOTHING, THOUSANDS = texts_to_arrow(["", "000"])
Rows = npt.NDArray[np.int64]
Tables = Mapping[str, npt.NDArray[Any]]
Flags = npt.NDArray[np.bool_]


def hash_strings(texts: pa.StringArray) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each string, with rare collisions."""
    offsets, raw = text_buffers(texts)
    padded = np.zeros(8 + offsets[-1] - offsets[0], np.uint8)
    padded[8:] = raw[offsets[0] : offsets[-1]]
    # Eight bytes from each position on, as one number; the last word of a string ends with it.
    words = np.ndarray(len(padded) - 7, np.uint64, padded, strides=(1,))
    places = offsets.astype(np.int64) - (offsets[0] - 8)
    starts, last = places[:-1], places[1:] - 8
    lengths = last - starts + 8
    # A short string's word begins with bytes of the string before; these are shifted out.
    half = np.maximum(8 - lengths, 0).astype(np.uint64) * 4
    first = words[np.minimum(starts, last)] >> half >> half
    hashes = mix(mix(lengths.view(np.uint64), np.uint64(1)), first)
    for position in range(8, int(lengths.max(initial=0)), 8):
        longer = np.flatnonzero(lengths > position)
        if len(longer) == len(lengths):  # without picking, in half the time
            hashes = mix(hashes, words[np.minimum(starts + position, last)])
            continue
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
    """Finds clips, string (N,), by the rule in the module's docstring.

    `tables` are those of another finder of the same clips, which need not be made again.
    """

    def __init__(self, clip_ids: pa.StringArray, tables: "Tables | None" = None) -> None:
        self._clip_ids = clip_ids
        self._exact = _Index(clip_ids, tables)

    @property
    def tables(self) -> "Tables":
        """What finds the exact ids, by name: one-dimensional arrays, to be stored."""
        return self._exact.tables

    def find(self, names: Sequence[str] | pa.StringArray) -> Rows:
        """The row of each clip, int64 (B,), or -1; an UnknownClipError if it could be several."""
        texts = names if isinstance(names, pa.Array) else texts_to_arrow(_storable(names))
        rows = self._exact.find(texts)
        lost = np.flatnonzero(rows == MISSING)
        if len(lost):
            rows[lost] = self._find_otherwise(texts.take(to_arrow(lost)))
        unclear = np.flatnonzero(rows == SEVERAL)
        if len(unclear):
            raise UnknownClipError(self._list_meanings(texts.take(to_arrow(unclear))))
        return rows

    def _find_otherwise(self, names: pa.StringArray) -> Rows:
        rows = np.full(len(names), MISSING, np.int64)
        for index, keys, applies in self._steps(names):
            chosen = np.flatnonzero((rows == MISSING) & applies)
            rows[chosen] = index.find(keys.take(to_arrow(chosen)))
            if not (rows == MISSING).any():
                break
        return rows

    def _steps(self, names: pa.StringArray) -> Iterator[tuple["_Index", pa.StringArray, Flags]]:
        """Index, keys and names concerned of each step of the rule after the first."""
        ids, of_videos = canonical_ids(names), canonical_ids(names, of_video=True)
        if self._has_folders:
            paths = [EXTENSION.sub("", name.replace("\\", "/")) for name in names.to_pylist()]
            while any(paths):
                deep = np.array(["/" in path for path in paths], np.bool_)
                yield self._exact, texts_to_arrow(paths), deep
                paths = [path.partition("/")[2] for path in paths]
        yield self._canonical, ids, np.ones(len(ids), np.bool_)
        yield self._of_videos, of_videos, np.ones(len(ids), np.bool_)
        started, seconds, whole = (
            _matches(ids, pattern) for pattern in (STARTED, SECONDS, WHOLE_SECONDS)
        )
        if seconds.any() and self._unit == "ms":
            yield self._canonical, pc.binary_join_element_wise(ids, THOUSANDS, NOTHING), seconds
        if whole.any() and self._unit == "s":
            yield self._canonical, pc.utf8_slice_codeunits(ids, 0, -3), whole
        yield self._by_video, of_videos, _matches(of_videos, BARE)
        videos = pc.utf8_slice_codeunits(ids, 0, 11)
        yield self._of_videos, videos, started & (self._by_video.find(videos) == MISSING)

    def _list_meanings(self, names: pa.StringArray) -> str:
        """An error message on names that could mean several rows."""
        first = names.slice(0, 1)
        tables = [(self._exact, first, True), *self._steps(first)]
        found = (np.flatnonzero(to_bools(pc.equal(each.ids, keys[0]))) for each, keys, _ in tables)
        rows = next(rows for rows in found if len(rows) > 1)
        ids = self._clip_ids.take(to_arrow(rows)).to_pylist()
        clips = [f"{id_} ({row})" for id_, row in zip(ids, rows.tolist(), strict=True)]
        others = shortlist(map(repr, names.unique().to_pylist()[1:]), 3)
        return (
            f"{first[0].as_py()!r} could mean several clips, numbered from 0: {shortlist(clips)}"
            f"{f'; other unclear names: {others}' * bool(others)}"
        )

    @cached_property
    def _canonical(self) -> "_Index":
        ids = canonical_ids(self._clip_ids)
        return self._exact if ids is self._clip_ids else _Index(ids)

    @cached_property
    def _has_folders(self) -> bool:
        return bool(_matches(self._clip_ids, "/").any())

    @cached_property
    def _of_videos(self) -> "_Index":
        ids = canonical_ids(self._clip_ids, of_video=True)
        return self._canonical if ids.equals(self._canonical.ids) else _Index(ids)

    @cached_property
    def _by_video(self) -> "_Index":
        """The clips with a start, by their video."""
        ids = self._canonical.ids
        started = pc.match_substring_regex(ids, STARTED)
        return _Index(pc.if_else(started, pc.utf8_slice_codeunits(ids, 0, 11), NOTHING))

    def row_of(self, name: str) -> int:
        """The row of one clip.

        Raises:
            UnknownClipError: it is not found, or the name could mean several clips.
        """
        row = int(self.find([name])[0])
        if row == MISSING:
            ids = self._canonical.ids
            shown = shortlist(map(repr, ids[:2].to_pylist()))
            raise UnknownClipError(f"no clip {name!r} among {len(ids):,}; those look like {shown}")
        return row

    def __contains__(self, name: object) -> bool:
        """Whether a name means one clip."""
        try:
            return isinstance(name, str) and int(self.find([name])[0]) != MISSING
        except UnknownClipError:  # ambiguous
            return False

    @cached_property
    def _unit(self) -> str:
        """The unit of all starts of videos: ms, s, or empty if mixed or unclear."""
        ids = self._canonical.ids
        seconds, ms = (_matches(ids, pattern).any() for pattern in (SECONDS, MILLISECONDS))
        return "" if seconds == ms else "s" if seconds else "ms"


def deciding_ids(names: pa.StringArray, parts: Iterable[pa.StringArray]) -> pa.StringArray:
    """Of ids that come in parts those, each once, on which it depends what the names mean.

    A `ClipFinder` of them finds what one of all the ids, each once, finds.
    """
    wanted = pa.concat_arrays(_coarse(names)).unique()
    kept, units = [texts_to_arrow([])], [SECONDS, MILLISECONDS]
    for ids in parts:
        near = [pc.is_in(keys, value_set=wanted) for keys in _coarse(ids)]
        kept.append(ids.filter(pc.or_(*near)))
        for unit in tuple(units):  # one id of each shows in which units starts are
            some = ids.filter(pc.match_substring_regex(ids, unit)).slice(0, 1)
            if len(some):
                kept.append(some)
                units.remove(unit)
    return pa.concat_arrays(kept).unique()


def _coarse(names: pa.StringArray) -> list[pa.StringArray]:
    """Names without what may differ in two names of a clip, read in either of two ways."""
    every = []
    for of_video in (False, True):
        ids = canonical_ids(names, of_video=of_video)
        started = pc.match_substring_regex(ids, f"{STARTED}|{SECONDS}")
        every.append(pc.if_else(started, pc.utf8_slice_codeunits(ids, 0, 11), ids))
    return every


class _Index:
    """Rows of strings by their hashes.

    The first bits of a hash choose one of about as many buckets as there are rows. An entry of a
    bucket is one number: as many further bits of the hash as fit, then the row. So a look-up reads
    three distant places, bucket, entries and text, where a binary search reads twenty.
    """

    def __init__(self, ids: pa.StringArray, tables: Tables | None = None) -> None:
        self.ids = ids
        self._bits = max(1, len(ids).bit_length())
        self.tables = tables or self._make_tables()
        self._starts, self._entries = self.tables["starts"], self.tables["entries"]
        self._several = self.tables.get("several")

    def _make_tables(self) -> Tables:
        ids = self.ids
        keys = by_chunk(hash_strings, ids)
        keys &= LOW_HALF << 32
        keys |= np.arange(len(ids), dtype=np.uint64)
        keys.sort()
        high = (keys >> 32).astype(np.uint32)
        sizes = np.bincount(high >> (32 - self._bits), minlength=1 << self._bits)
        starts = np.append(0, np.cumsum(sizes)).astype(np.int32)
        entries = np.full(len(keys) + WINDOW, LOW_HALF, np.uint32)  # no row is that large
        entries[:-WINDOW] = (high << self._bits) | keys.astype(np.uint32)
        several = self._find_several(keys, high)
        found: dict[str, npt.NDArray[Any]] = {"starts": starts, "entries": entries}
        return found if several is None else found | {"several": several}

    def _find_several(
        self, keys: npt.NDArray[np.uint64], high: npt.NDArray[np.uint32]
    ) -> Flags | None:
        """The first row of each repeated text, bool (N,); None if all are unique."""
        again = np.flatnonzero(high[1:] == high[:-1])
        rows = (keys[np.union1d(again, again + 1)] & LOW_HALF).astype(np.int64)
        texts = self.ids.take(to_arrow(rows)).dictionary_encode()
        _, first, counts = np.unique(to_numpy(texts.indices), return_index=True, return_counts=True)
        if not (counts > 1).any():
            return None
        several = np.zeros(len(self.ids), np.bool_)
        several[rows[first[counts > 1]]] = True  # rows of equal hash ascend
        return several

    def find(self, ids: pa.StringArray) -> Rows:
        """The row of each id, int64 (B,); -1 if there is none, -2 if there are several."""
        if not len(self.ids):
            return np.full(len(ids), MISSING, np.int64)
        high = (hash_strings(ids) >> 32).astype(np.uint32)
        bucket = high >> (32 - self._bits)
        start = self._starts[bucket]
        # `WINDOW` entries from each start on. If the bits of the hash in an entry agree, its row
        # remains; else a number greater than all rows.
        shape = len(self._entries) - WINDOW + 1, WINDOW
        entries = np.ndarray(shape, np.uint32, self._entries, strides=(4, 4))[start]
        entries ^= (high << self._bits)[:, None]
        rows: Rows = entries.min(axis=1).astype(np.int64)
        found = rows < len(self.ids)
        rows[~found] = 0
        # A few bits can agree by chance, so the texts are compared.
        found &= to_bools(pc.equal(self.ids.take(to_arrow(rows)), ids))
        if not found.all():
            rows[~found] = MISSING
            size = self._starts[bucket + 1] - start
            several = (entries < len(self.ids)).sum(axis=1) > 1
            for i in np.flatnonzero(~found & (several | (size > WINDOW))).tolist():
                whole = self._entries[start[i] : start[i] + size[i]]
                others = (whole & ((1 << self._bits) - 1)).astype(np.int64)
                place = pc.index(self.ids.take(to_arrow(others)), ids[i]).as_py()
                rows[i] = MISSING if place < 0 else others[place]
        if self._several is not None:
            rows[(rows != MISSING) & self._several[rows]] = SEVERAL
        return rows


def _storable(names: Sequence[str]) -> Sequence[str]:
    """The names with lone surrogates, which no table holds, as others that no clip has."""
    if "".join(names).isascii():
        return names
    return [re.sub("[\ud800-\udfff]", "\0", name) for name in names]


def _matches(texts: pa.StringArray, pattern: str) -> Flags:
    return to_bools(pc.match_substring_regex(texts, pattern))

"""Duplicate clips: hashes, and where each clip came from."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels.clips import duplicates
from audiolabels.clips.duplicates import SeenClips
from audiolabels.clips.index import hash_strings
from audiolabels.clips.rows import clip_rows

TEXTS = st.text(max_size=40) | st.text("ab", max_size=20) | st.text("\0a", max_size=20)
NAMES = [*"abcdef", "", "-aaaaaaaaaa_30000", "-aaaaaaaaaa_3000"]
PLACES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([0.0, 2.5])), max_size=12)
Places = list[tuple[str, float]]
Parts = list[tuple[str, Places, list[int]]]


@st.composite
def parts(draw: st.DrawFn) -> Parts:
    """Parts of some files: source, clips with onsets, ascending rows with gaps or without."""
    made = []
    for number in range(draw(st.integers(0, 4))):
        clips = draw(PLACES)
        gaps = draw(st.lists(st.integers(1, 3), min_size=len(clips), max_size=len(clips)))
        steps = gaps if draw(st.booleans()) else [1] * len(clips)
        rows = (draw(st.integers(0, 9)) + np.cumsum(steps)).astype(int).tolist()
        made.append((f"file {number // 2}", clips, rows))
    return made


def batch(places: Places) -> pa.RecordBatch:
    clips, onsets = [clip for clip, _ in places], [onset for _, onset in places]
    ids, seconds = pa.array(clips, pa.string()), pa.array(onsets, pa.float64())
    return clip_rows(ids, seconds, seconds)


def index_of(given_parts: Parts) -> SeenClips:
    index = SeenClips()
    for source, places, rows in given_parts:
        index.add(batch(places), np.array(rows, np.int64), source)
    return index


def naive(given_parts: Parts) -> list[tuple[str, int, str]]:
    seen: set[tuple[str, float]] = set()
    found = []
    for source, places, rows in given_parts:
        for place, row in zip(places, rows, strict=True):
            if place in seen:
                found.append((source, row, place[0]))
            seen.add(place)
    return found


def indexed(given_parts: Parts, cuts: list[int]) -> list[tuple[str, int, str]]:
    index = index_of(given_parts)
    clips = batch([place for _, places, _ in given_parts for place in places])
    bounds = [0, *sorted(min(cut, len(clips)) for cut in cuts), len(clips)]
    pieces = [clips.slice(a, b - a) for a, b in pairwise(bounds)]
    return list(index.duplicates(index.repeated(), pieces))


@given(st.lists(TEXTS, max_size=20), st.lists(TEXTS, max_size=5))
def test_equal_strings_hash_alike_wherever_they_stand(texts: list[str], before: list[str]) -> None:
    alone = [int(hash_strings(pa.array([text], pa.string()))[0]) for text in texts]
    together = pa.array([*before, *texts], pa.string())
    assert hash_strings(together)[len(before) :].tolist() == alone
    assert hash_strings(together.slice(len(before))).tolist() == alone
    assert hash_strings(together.slice(0, len(before))).tolist() == [
        int(hash_strings(pa.array([text], pa.string()))[0]) for text in before
    ]


@given(st.lists(TEXTS, unique=True, max_size=30))
def test_different_strings_hash_differently(texts: list[str]) -> None:
    assert len(set(hash_strings(pa.array(texts, pa.string())).tolist())) == len(texts)


def test_strings_of_equal_bytes_but_other_length_hash_differently() -> None:
    texts = [character * length for character in "\0a\xff" for length in range(1, 50)]
    assert len(set(hash_strings(pa.array(["", *texts])).tolist())) == len(texts) + 1


def test_many_clip_ids_hash_differently() -> None:
    clips = pa.array([f"{i:011}_{start}" for i in range(20_000) for start in (0, 30_000)])
    assert len(np.unique(hash_strings(clips))) == len(clips)


@pytest.mark.parametrize("empty", [pa.array([], pa.string()), pa.array(["a", "b"]).slice(1, 0)])
def test_no_strings_have_no_hashes(empty: pa.StringArray) -> None:
    assert hash_strings(empty).tolist() == []


@given(parts(), st.lists(st.integers(0, 40), max_size=5))
def test_duplicates_are_those_of_a_plain_set(given_parts: Parts, cuts: list[int]) -> None:
    assert indexed(given_parts, cuts) == naive(given_parts)


@given(parts())
def test_strings_that_share_a_hash_are_no_duplicates(given_parts: Parts) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "hash_strings", lambda texts: np.zeros(len(texts), np.uint64))
        assert indexed(given_parts, [3]) == naive(given_parts)


@given(parts())
def test_as_many_hashes_are_repeated_as_places_are(given_parts: Parts) -> None:
    counts = Counter(place for _, places, _ in given_parts for place in places)
    repeated = index_of(given_parts).repeated()
    assert len(repeated) == sum(count > 1 for count in counts.values())
    assert repeated.tolist() == sorted(set(repeated.tolist()))


def test_clips_are_not_gone_through_without_need() -> None:
    places = [("a", 0.0), ("b", 0.0), ("a", 2.5)]
    index = index_of([("x", places, [1, 2, 3])])
    unread = iter([batch(places)])
    assert list(index.duplicates(index.repeated(), unread)) == []
    assert len(list(unread)) == 1

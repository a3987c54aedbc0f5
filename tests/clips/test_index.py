"""The finder of clips against the rule as the documentation states it."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.clips import rows_meant

from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.clips.index import (
    MISSING,
    SEVERAL,
    ClipFinder,
    _Index,
    deciding_ids,
    hash_strings,
)
from audiolabels.errors import UnknownClipError

FOLDERS = st.sampled_from(["", "", "", "audio/", "a/b/", "C:\\audio\\"])
VIDEOS = st.sampled_from(["", "", "Y"]).flatmap(
    lambda y: st.sampled_from(["abcdefghijk", "Ybcdefghijk", "-bcd_fghi_Y", "office_day1"]).map(
        lambda video: y + video
    )
)
STARTS = st.sampled_from(
    "_0 _5 _30 _40 _30000 _40000 _30500 _500000 _5000 _000030 _30.000_40.000 _30.5 _30_40 "
    "_30000_40000 _1_2_3 _x _ _07".split()
) | st.just("")
EXTENSIONS = st.sampled_from(["", "", "", ".wav", ".MP3", ".v2", ".npz"])
OTHERS = st.sampled_from(["001", "street", "a b", "Österreich", "Yellowhammer", "song_10_20", ""])
NAMES = st.builds(
    "".join, st.tuples(FOLDERS, st.builds(str.__add__, VIDEOS, STARTS) | OTHERS, EXTENSIONS)
)


def first_row(text: str, table: list[str]) -> int:
    return {0: MISSING, 1: table.index(text) if text in table else 0}.get(
        table.count(text), SEVERAL
    )


@given(st.lists(NAMES, max_size=12), st.lists(NAMES, max_size=8))
def test_few_ids_of_a_stream_decide_what_names_mean(table: list[str], names: list[str]) -> None:
    parts = [texts_to_arrow(table[start : start + 5]) for start in range(0, len(table), 5)]
    every, few = [*dict.fromkeys(table)], deciding_ids(texts_to_arrow(names), parts)
    assert len(few) == len(set(few.to_pylist()) & set(every))
    for name in names:
        found = []
        for ids in (texts_to_arrow(every), few):
            try:
                row = ClipFinder(ids).find([name])[0]
                found.append(ids[row].as_py() if row != MISSING else None)
            except UnknownClipError:
                found.append("several")
        assert found[0] == found[1], name


def test_few_ids_are_held_of_many() -> None:
    parts = (texts_to_arrow([f"{i:011}_{n}000" for i in range(999)]) for n in range(1, 4))
    kept = deciding_ids(texts_to_arrow(["00000000007", "00000000008_2000"]), parts)
    assert len(kept) == 7  # three of each video, and one whose start is in milliseconds


@given(st.lists(NAMES, max_size=12), st.lists(NAMES, max_size=8))
def test_clips_are_found_as_the_documentation_says(table: list[str], names: list[str]) -> None:
    finder = ClipFinder(texts_to_arrow(table))
    meant = [rows_meant(name, table) for name in names]
    for name, rows in zip(names, meant, strict=True):
        if len(rows) > 1:
            with pytest.raises(UnknownClipError, match="could mean several clips") as error:
                finder.find([name])
            listed = ", ".join(f"{table[row]} ({row})" for row in rows[:5])
            assert str(error.value).startswith(
                f"{name!r} could mean several clips, numbered from 0: {listed}"
            )
    clear = [len(rows) < 2 for rows in meant]
    wanted = [name for name, one in zip(names, clear, strict=True) if one]
    right = [rows[0] if rows else MISSING for rows in meant if len(rows) < 2]
    assert finder.find(wanted).tolist() == right
    assert finder.find(pa.array(["", *wanted], pa.string()).slice(1)).tolist() == right
    if not all(clear):
        with pytest.raises(UnknownClipError, match="could mean several clips"):
            finder.find(names)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("street/001", 1),
        ("street/001.wav", 1),
        ("data\\street\\001.flac", 1),
        ("/data/home/001.wav", 0),
        ("002.wav", 2),
        ("elsewhere/003", MISSING),
    ],
)
def test_ids_with_folders_are_found_by_the_end_of_a_path(name: str, row: int) -> None:
    table = ["home/001", "street/001", "002"]
    assert ClipFinder(texts_to_arrow(table)).find([name]).tolist() == [row]
    with pytest.raises(UnknownClipError, match=r"home/001 \(0\), street/001 \(1\)"):
        ClipFinder(texts_to_arrow(table)).find(["001.wav"])


@pytest.mark.parametrize(
    ("table", "name", "row"),
    [
        (["ellowhammer_0", "Yellowhammer"], "a/Yellowhammer.wav", 1),
        (["ellowhammer_0"], "a/Yellowhammer.wav", 0),
        (["Yellowhammer"], "ellowhammer_0", 0),
        (["city_center_10_20"], "city_center_10000", 0),
        (["city_center_10000"], "city_center_10_20.wav", 0),
        (["city_center_10_20"], "city_center", MISSING),
        (["city_center"], "city_center_10_20", MISSING),
    ],
)
def test_words_are_names_first_and_videos_second(table: list[str], name: str, row: int) -> None:
    assert ClipFinder(texts_to_arrow(table)).find([name]).tolist() == [row]
    assert ([row] if row >= 0 else []) == rows_meant(name, table)


@pytest.mark.parametrize(
    ("table", "name", "meanings"),
    [
        (["lmnopqrstuv_0", "lmnopqrstuv_5000"], "a/Ylmnopqrstuv.wav", [0, 1]),
        (["home/1.wav", "2.wav", "street/1.wav", "1.flac"], "1", [0, 2, 3]),
        (["a", "b", "a"], "a", [0, 2]),
        (["abcdefghijk", "abcdefghijk"], "abcdefghijk_30000", [0, 1]),
        (["abcdefghijk_30000", "abcdefghijk_30000"], "abcdefghijk_30", [0, 1]),
    ],
)
def test_what_a_name_could_mean_is_listed(table: list[str], name: str, meanings: list[int]) -> None:
    listed = ", ".join(f"{table[row]} ({row})" for row in meanings)
    message = f"{name!r} could mean several clips, numbered from 0: {listed}"
    with pytest.raises(UnknownClipError, match=f"^{re.escape(message)}$"):
        ClipFinder(texts_to_arrow(table)).find(["elsewhere", name])


def test_what_does_not_fit_in_a_message_is_counted() -> None:
    finder = ClipFinder(texts_to_arrow(["a", "b"] * 9))
    with pytest.raises(UnknownClipError, match=r"^'b' .* and 4 more; other unclear names: 'a'$"):
        finder.find(["b", "a", "b", "c"])


def test_nothing_is_found_among_no_clips() -> None:
    assert ClipFinder(texts_to_arrow([])).find(["a", "abcdefghijk", ""]).tolist() == [-1] * 3
    assert ClipFinder(texts_to_arrow(["a"])).find([]).tolist() == []


@given(st.lists(st.text("ab", max_size=3)), st.lists(st.text("ab", max_size=3)))
def test_texts_are_found_if_they_are_there_once(table: list[str], wanted: list[str]) -> None:
    index = _Index(pa.array(table, pa.string()))
    right = [first_row(text, table) for text in wanted]
    assert index.find(texts_to_arrow(wanted)).tolist() == right


@pytest.mark.parametrize("kept", [0, 0xF << 60, 0xFFFF, 0xFFFF << 32])
def test_clips_whose_hashes_agree_are_told_apart(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "audiolabels.clips.index.hash_strings",
        lambda texts: hash_strings(texts) & np.uint64(kept),
    )
    ids = [f"clip {number % 90}" for number in range(100)]
    index = _Index(pa.array(ids, pa.string()))
    wanted = [*ids, "clip 90", "", "abcdefghijk"]
    right = [first_row(text, ids) for text in wanted]
    assert index.find(pa.array(wanted, pa.string())).tolist() == right

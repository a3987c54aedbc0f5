"""Clip ids and times out of the names and numbers that label files hold."""

import string

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reader_support import DOG, MUSIC, SEGMENTS, Reader, by_clip, findings, parquet_bytes

from audiolabels.clips.names import Clip, canonical_ids, parse_clip_name, to_ms

VIDEOS = st.text(string.ascii_letters + string.digits + "-_", min_size=11, max_size=11)
NAMES = st.from_regex(r"(a/)?Y?[a-z_-]{11}(_[0-9.]{1,7}){0,3}(\.wav)?", fullmatch=True)


@pytest.mark.parametrize(
    ("name", "clip_id", "duration_ms"),
    [
        ("s9d-2nhuJCQ", "s9d-2nhuJCQ", None),
        ("s9d-2nhuJCQ.wav", "s9d-2nhuJCQ", None),
        ("s9d-2nhuJCQ.FLAC", "s9d-2nhuJCQ", None),
        (" s9d-2nhuJCQ ", "s9d-2nhuJCQ", None),
        ("Ys9d-2nhuJCQ", "s9d-2nhuJCQ", None),
        ("Ys9d-2nhuJCQ.mp3", "s9d-2nhuJCQ", None),
        ("Ys9d-2nhuJC", "Ys9d-2nhuJC", None),
        ("YYaaaaaaaaaa", "Yaaaaaaaaaa", None),
        ("Y_aaaaaaaaa.wav", "Y_aaaaaaaaa", None),
        ("-_________-", "-_________-", None),
        ("audio/train/Ys9d-2nhuJCQ.wav", "s9d-2nhuJCQ", None),
        ("/data/16k/Ys9d-2nhuJCQ.flac", "s9d-2nhuJCQ", None),
        ("D:\\audio\\Ys9d-2nhuJCQ.wav", "s9d-2nhuJCQ", None),
        ("s9d-2nhuJCQ_30000", "s9d-2nhuJCQ_30000", None),
        ("s9d-2nhuJCQ_0", "s9d-2nhuJCQ_0", None),
        ("Ys9d-2nhuJCQ_30000.wav", "s9d-2nhuJCQ_30000", None),
        ("s9d-2nhuJCQ_30.000", "s9d-2nhuJCQ_30000", None),
        ("s9d-2nhuJCQ_30.5.wav", "s9d-2nhuJCQ_30500", None),
        ("s9d-2nhuJCQ_000030", "s9d-2nhuJCQ_30000", None),
        ("s9d-2nhuJCQ_000000.mp4", "s9d-2nhuJCQ_0", None),
        ("s9d-2nhuJCQ_30.000_40.000.wav", "s9d-2nhuJCQ_30000", 10_000),
        ("Ys9d-2nhuJCQ_30.000_39.5.wav", "s9d-2nhuJCQ_30000", 9_500),
        ("s9d-2nhuJCQ_30_40.wav", "s9d-2nhuJCQ_30000", 10_000),
        ("s9d-2nhuJCQ_30000_40000", "s9d-2nhuJCQ_30000", 10_000),
        ("s9d-2nhuJCQ_40_30", "s9d-2nhuJCQ_40000", None),
        ("s9d-2nhuJCQ_30_30", "s9d-2nhuJCQ_30000", None),
        ("_Y_Y_Y_Y_Y__10_20.wav", "_Y_Y_Y_Y_Y__10000", 10_000),
        ("64760.wav", "64760", None),
        ("64760", "64760", None),
        ("song.v2.ogg", "song.v2", None),
        ("song_10_20.wav", "song_10_20", None),
        ("My song.wav", "My song", None),
        ("Österreich.wav", "Österreich", None),
        ("Ärgernisser.wav", "Ärgernisser", None),
        ("s9d-2nhuJCQ_x", "s9d-2nhuJCQ_x", None),
        ("s9d-2nhuJCQ_1_2_3", "s9d-2nhuJCQ_1_2_3", None),
        ("s9d-2nhuJCQ_", "s9d-2nhuJCQ_", None),
        # Words, and the two forms of times that make even them YouTube's.
        ("recording_1_1_3.wav", "recording_1_1_3", None),
        ("city_center_10_20.wav", "city_center_10_20", None),
        ("city_center_00_10.wav", "city_center_00_10", None),
        ("my-file-abc_10_20.wav", "my-file-abc_10_20", None),
        ("S01E02_part_10_20.wav", "S01E02_part_10_20", None),
        ("cam2-take03_0_10.wav", "cam2-take03_0_10", None),
        ("20200101_12_0_10.wav", "20200101_12_0_10", None),
        ("Yellowhammer.wav", "Yellowhammer", None),
        ("YellowStones.wav", "YellowStones", None),
        ("Yoga_class_1", "Yoga_class_1", None),
        ("Y20200101_12.wav", "Y20200101_12", None),
        ("Yellowhammer_30_40.wav", "Yellowhammer_30_40", None),
        ("Yellowhammer_30.000_40.000.wav", "ellowhammer_30000", 10_000),
        ("abcdefghijk_000046.mp4", "abcdefghijk_46000", None),
        ("https://www.youtube.com/watch?v=s9d-2nhuJCQ", "s9d-2nhuJCQ", None),
        ("http://youtube.com/watch?feature=share&v=s9d-2nhuJCQ&t=30s", "s9d-2nhuJCQ_30000", None),
        ("https://youtu.be/s9d-2nhuJCQ?t=30", "s9d-2nhuJCQ_30000", None),
        ("youtu.be/s9d-2nhuJCQ?si=abc", "s9d-2nhuJCQ", None),
        ("https://www.youtube.com/embed/s9d-2nhuJCQ?start=5&end=15", "s9d-2nhuJCQ_5000", None),
        ("", "", None),
        ("folder/", "", None),
        (".wav", "", None),
    ],
)
def test_clip_names(name: str, clip_id: str, duration_ms: int | None) -> None:
    assert parse_clip_name(name) == Clip(clip_id, duration_ms)


@given(VIDEOS, st.integers(0, 10**8))
def test_a_clip_id_stays_itself(video: str, start_ms: int) -> None:
    clip = f"{video}_{start_ms}"
    assert parse_clip_name(clip) == Clip(clip, None)
    assert parse_clip_name(video) == Clip(video, None)


@given(VIDEOS, st.integers(0, 10**6), st.integers(1, 10**4), st.sampled_from(["", "Y", "a/b/Y"]))
def test_names_in_seconds_and_milliseconds_mean_the_same(
    video: str, start: int, length: int, before: str
) -> None:
    end = start + length
    right = Clip(f"{video}_{start}", length)
    seconds = f"{before}{video}_{start / 1000:.3f}_{end / 1000:.3f}.wav"
    assert parse_clip_name(seconds) == right
    if length >= 1000:
        assert parse_clip_name(f"{before}{video}_{start}_{end}", of_video=True) == right


def test_names_made_of_words_are_read_as_of_videos_where_that_is_known() -> None:
    names = pa.array(["city_center_10_20.wav", "Yellowhammer", "Yellowhammer_5_15", "street"])
    own = ["city_center_10_20", "Yellowhammer", "Yellowhammer_5_15", "street"]
    videos = ["city_center_10000", "ellowhammer", "ellowhammer_5000", "street"]
    assert canonical_ids(names).to_pylist() == own
    assert canonical_ids(names, of_video=True).to_pylist() == videos


@given(st.text())
def test_any_text_is_a_name(text: str) -> None:
    assert isinstance(parse_clip_name(text).clip_id, str)


@given(st.lists(st.text() | NAMES))
def test_many_names_are_read_as_each_is(names: list[str]) -> None:
    ids = canonical_ids(pa.array(["first", *names], pa.string()).slice(1))
    assert ids.to_pylist() == [parse_clip_name(name).clip_id for name in names]
    assert canonical_ids(ids[:0]).to_pylist() == []


HUGE = [
    "aaaaaaaaaaa_1.5_99999999999.0.wav",
    "aaaaaaaaaaa_9999999999.5",
    f"aaaaaaaaaaa_{'1' * 5000}",
    f"aaaaaaaaaaa_{'1' * 5000}_{'2' * 5000}",
]


@pytest.mark.parametrize("name", HUGE, ids=["end", "start", "digits", "both"])
def test_a_name_with_a_huge_number_is_no_reason_to_fail(name: str, read: Reader) -> None:
    csv = f"clip_id,labels\nb,Music\n{name},Music\n"
    json = (
        f'{{"data": [{{"wav": "b", "labels": "Music"}}, {{"wav": "{name}", "labels": "Music"}}]}}'
    )
    table = parquet_bytes({"clip_id": ["b", name], "labels": [["Music"]] * 2})
    for content in (csv, json, table):
        labels = read(content)
        assert labels.report.rows == 2
        assert labels.clip_id[0].as_py() == "b"


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("30.000", 30_000),
        ("30", 30_000),
        (" 7.5 ", 7_500),
        ("0", 0),
        ("0.0004", 0),
        ("0.0005", 1),
        ("1.0015", 1_002),
        ("1e1", 10_000),
        ("999999999", 999_999_999_000),
    ],
)
def test_times(text: str, ms: int) -> None:
    assert to_ms(text) == ms


NO_TIMES = ["", "x", "NaN", "-1", "-0.001", "Infinity", "1e9", "1e400", "1,5", "0:30", "#REF!"]


@pytest.mark.parametrize("text", NO_TIMES)
def test_texts_that_are_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="not a time in seconds"):
        to_ms(text)


@given(st.integers(0, 10**12 - 1))
def test_milliseconds_are_exact(ms: int) -> None:
    assert to_ms(f"{ms // 1000}.{ms % 1000:03}") == ms


@pytest.mark.parametrize("text", NO_TIMES)
def test_rows_without_a_time_are_reported(text: str, read: Reader) -> None:
    labels = read(SEGMENTS + f'bbbbbbbbbbb,0,9,Music\naaaaaaaaaaa,0,"{text}",Music\n'.encode())
    assert by_clip(labels) == {"bbbbbbbbbbb_0": {MUSIC}}
    assert [(f.row, f.clip, f.kind) for f in labels.report.findings] == [
        (3, "aaaaaaaaaaa", "row unused")
    ]


@pytest.mark.parametrize(
    ("times", "reason"), [("5,5", "has no length"), ("9,5", "ends before it begins")]
)
def test_rows_without_a_length_are_reported(times: str, reason: str, read: Reader) -> None:
    labels = read(SEGMENTS + f"bbbbbbbbbbb,0,9,Music\naaaaaaaaaaa,{times},Music\n".encode())
    assert by_clip(labels) == {"bbbbbbbbbbb_0": {MUSIC}}
    assert findings(labels) == [(3, "aaaaaaaaaaa", "row unused", reason)]


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ("#NAME?", "id is lost: #NAME"),
        ("#REF!", "id is lost: #REF!"),
        ("#N/A", "id is lost: #N/A"),
        ("#DIV/0!", "id is lost: #DIV/0!"),
        ("", "id is lost: empty"),
        ("1E+10", "not a YouTube id of 11 characters"),
        ("1.23E+11", "not a YouTube id of 11 characters"),
        ("aaaaaaaaaa", "not a YouTube id of 11 characters"),
        ("aaaaaaaaaaaa", "not a YouTube id of 11 characters"),
        ("aaaaaaaaaa\u00e4", "not a YouTube id of 11 characters"),
    ],
)
@pytest.mark.parametrize("place", ["first", "last"])
def test_rows_whose_id_is_lost_are_reported(
    lost: str, reason: str, place: str, read: Reader
) -> None:
    lines = [f"{lost},0,9,Music\n", "bbbbbbbbbbb,0,9,Music\n"]
    labels = read(SEGMENTS + "".join(lines if place == "first" else lines[::-1]).encode())
    assert by_clip(labels) == {"bbbbbbbbbbb_0": {MUSIC}}
    (finding,) = labels.report.findings
    assert (finding.row, finding.kind) == (2 if place == "first" else 3, "row unused")
    assert reason in finding.reason
    assert (labels.report.rows, labels.report.rows_used) == (2, 1)


@pytest.mark.parametrize("lost", ["#NAME?", "#N/A", "#DIV/0!"])
@pytest.mark.parametrize("columns", ["clip_id,labels", "labels,clip_id"])
def test_an_error_of_a_spreadsheet_is_no_clip(lost: str, columns: str, read: Reader) -> None:
    lines = [columns, "b,Dog", f"{lost},Music"]
    if columns.startswith("labels"):
        lines = [columns, *(",".join(line.split(",")[::-1]) for line in lines[1:])]
    labels = read("\n".join(lines))
    assert by_clip(labels) == {"b": {DOG}}
    assert findings(labels) == [(3, lost, "row unused", f"the clip's id is lost: {lost}")]

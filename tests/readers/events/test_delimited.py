"""Rows of event files: states, times, lengths of clips."""

from pathlib import Path

import pytest
from event_examples import read
from reader_support import (
    statements,
    told,
    write,
)

from audiolabels import Events, read_events
from audiolabels.errors import LabelFileError

TSV = "filename\tonset\toffset\tevent_label\n"


def fates(events: Events) -> list[tuple[int, str, str]]:
    return [(row, kind, reason) for _, row, _, kind, reason in told(events)]


@pytest.mark.parametrize(
    ("row", "kind", "reason"),
    [
        ("a\t1", "row unused", "2 cells where 4 are expected"),
        ("a\t1\t2\tDog\tmore", "row unused", "5 cells where 4 are expected"),
        ("\t1\t2\tDog", "row unused", "the clip's id is lost: empty"),
        ("#NAME?\t1\t2\tDog", "row unused", "the clip's id is lost: #NAME?"),
        ('a\t1\t2\t"Dog', "row unused", "a quote has no partner: labels were cut off"),
        ("a\t1\t2\tDog\ra\t2\t3\tDog", "row unused", "a lone carriage return: lines run together"),
        ("a\t1\t2\t\udcff", "row unused", "not UTF-8"),
        ("a\t1\t2\t", "label dropped", "no label"),
        ("a\t1\t2\tnan", "label dropped", "no label"),
        ("a\t1\t2\tBlub", "label dropped", "unknown label: Blub"),
        ("a\t1\t2\tBlub, Dog", "label dropped", "unknown label: Blub, Dog"),
    ],
)
def test_every_odd_row_has_its_fate(row: str, kind: str, reason: str, tmp_path: Path) -> None:
    content = f"{TSV}a\t5\t6\tDog\n{row}\na\t0\t1\tMusic\n".encode(errors="surrogateescape")
    events = read(tmp_path, content, unknown="drop")
    assert fates(events) == [(3, kind, reason)]
    assert events.report.rows == 3
    assert events.report.rows_used == 3 - (kind == "row unused")
    assert events.labelled.tolist() == [True]


def test_a_state_that_is_neither_is_no_statement(tmp_path: Path) -> None:
    content = TSV.strip() + "\tpresent\na\t0\t1\tDog\tPRESENT\na\t1\t2\tDog\tMAYBE\n"
    events = read(tmp_path, content)
    assert fates(events) == [(3, "row unused", "neither PRESENT nor NOT_PRESENT: MAYBE")]


@pytest.mark.parametrize("column", ["YTID", "video_id"])
def test_times_beside_a_video_are_its_place_and_no_event(column: str, tmp_path: Path) -> None:
    path = write(tmp_path, f"{column},start,end,label\naaaaaaaaaaa,30,40,Dog\n")
    with pytest.raises(
        LabelFileError, match=r"none of the 1 rows can be used: .* place in the video"
    ):
        read_events(path)


def test_milliseconds(tmp_path: Path) -> None:
    content = TSV + "a\t0\t10000\tMusic\na\t2627\t7237\tSpeech\nb\t0.4\t1500.5\tDog\n"
    events = read(tmp_path, content, time_unit="ms")
    assert [s[2:4] for s in statements(events)] == [(0, 10_000), (2627, 7237), (0, 1501)]
    with pytest.raises(LabelFileError, match=r"3 of 3 rows last 1,000 seconds or more.*ms"):
        read_events(tmp_path / "e.tsv")
    as_seconds = read_events(tmp_path / "e.tsv", time_unit="s", clip_duration=20_000)
    assert as_seconds.offset_ms.tolist() == [10_000_000, 7_237_000, 1_500_500]


LENGTH = "filename\tclip_duration\tonset\toffset\tevent_label\n"


def test_every_clip_has_its_own_length(tmp_path: Path) -> None:
    rows = "".join(f"{i}.wav\t{i + 1}.5\t0\t1\tDog\n" for i in range(5))
    events = read(tmp_path, LENGTH + rows)
    assert events.duration_ms.tolist() == [1500, 2500, 3500, 4500, 5500]
    one = read(tmp_path, f"{LENGTH}a.wav\t4\t0\t1\tDog\n")
    assert one.duration_ms.tolist() == [4000]

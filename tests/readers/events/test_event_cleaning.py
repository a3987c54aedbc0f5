"""Odd events and what becomes of them."""

from collections import Counter
from pathlib import Path

import pytest
from event_examples import read
from reader_support import (
    DOG,
    statements,
    told,
    write,
)

from audiolabels import Events, read_events
from audiolabels.labels.report import FATES

TSV = "filename\tonset\toffset\tevent_label\n"


def fates(events: Events) -> list[tuple[int, str, str]]:
    return [(row, kind, reason) for _, row, _, kind, reason in told(events)]


ODD: list[tuple[str, str, str, str]] = [  # onset, offset, kind, reason
    ("3", "2", "event dropped", "an event ends before it begins"),
    ("2", "2", "event dropped", "an event has no length"),
    ("2", "2.0004", "event dropped", "an event has no length"),
    ("10", "11", "event dropped", "lies outside its clip; is the clip's duration right?"),
    ("-2", "-1", "event dropped", "lies outside its clip; is the clip's duration right?"),
    ("-2", "0", "event dropped", "lies outside its clip; is the clip's duration right?"),
    ("nan", "1", "event dropped", "a time is not a number of seconds"),
    ("", "1", "event dropped", "a time is not a number of seconds"),
    ("1", "inf", "event dropped", "a time is not a number of seconds"),
    ("0:01", "0:02", "event dropped", "a time is not a number of seconds"),
    ("-0.5", "1", "event as it is", "an event begins before its clip"),
    ("9", "10.001", "event as it is", "an event ends after its clip"),
    ("5.5", "7", "event as it is", "overlaps another event of its class"),
    ("6", "7", "event as it is", "touches another event of its class"),
    ("5", "6", "event as it is", "the same event occurs twice"),
]


@pytest.mark.parametrize(("onset", "offset", "kind", "reason"), ODD)
@pytest.mark.parametrize("form", ["tsv", "CRLF"])
def test_every_odd_event_has_its_fate(
    onset: str, offset: str, kind: str, reason: str, form: str, tmp_path: Path
) -> None:
    end = "\r\n" if form == "CRLF" else "\n"
    content = f"{TSV}a\t5\t6\tDog{end}a\t{onset}\t{offset}\tDog{end}a\t0\t1\tMusic{end}"
    events = read(tmp_path, content)
    assert [(row, k) for row, k, _ in fates(events)] == [(3, kind)]
    assert reason in events.report.findings[0].reason
    assert events.report.findings[0].clip == "a"
    assert (events.report.rows, events.report.rows_used) == (3, 3)
    odd = statements(events, place=False)[1]
    if kind == "event dropped":
        assert odd == ("a", DOG, 0, 10_000, "unknown")
    else:
        assert odd[-1] == "present"


def test_a_clip_of_which_no_event_is_left_is_unlabelled(tmp_path: Path) -> None:
    events = read(tmp_path, TSV + "a\t2\t1\tDog\nb\t0\t1\tBlub\nc\t0\t1\tDog\n", unknown="drop")
    assert [f for f in fates(events) if f[1] == "clip unlabelled"] == [
        (2, "clip unlabelled", "no event is left"),
        (3, "clip unlabelled", "no event is left"),
    ]
    assert events.labelled.tolist() == [False, False, True]
    assert [events.events(row) for row in range(3)] == [None, None, (("Dog", 0.0, 1.0),)]


@pytest.mark.parametrize("cells", ["\t\t", "nan\tnan\tnan", "NA\t\tNone", "null\tN/A\tNaN"])
def test_a_clip_without_events_is_verified_empty(cells: str, tmp_path: Path) -> None:
    events = read(tmp_path, f"{TSV}a.wav\t{cells}\nb.wav\t0\t1\tDog\n")
    assert events.labelled.tolist() == [True, True]
    assert events.events(0) == ()
    assert events.report.findings == []


def test_an_event_in_a_clip_said_to_be_empty_is_used(tmp_path: Path) -> None:
    events = read(tmp_path, TSV + "a\t\t\t\na\t0\t1\tDog\n")
    assert fates(events) == [(3, "event as it is", "an event in a verified empty clip")]
    assert events.events(0) == (("Dog", 0.0, 1.0),)


def test_every_kind_of_finding_has_a_fate(tmp_path: Path) -> None:
    content = (
        TSV + "a\t1\na\t2\t1\tDog\na\t-1\t1\tDog\nb\t0\t1\tBlub\nc.wav\t0\t1\tDog\nc\t0\t1\tDog\n"
    )
    path = write(tmp_path, content)
    absent = write(tmp_path, "clip_id,labels\na,Music\nd,Music\n", "absent.csv")
    events = read_events(path, unknown="drop", explicit_negatives=absent)
    kinds = Counter(f.kind for f in events.report.findings)
    assert kinds.keys() <= FATES.keys()
    assert kinds == {
        "row unused": 1,
        "event dropped": 1,
        "event as it is": 1,
        "label dropped": 1,
        "clip unlabelled": 1,
        "duplicate clip": 1,
        "clip added": 1,
    }


def test_the_frames_of_a_framed_release_touch_each_other_and_that_is_no_finding(
    tmp_path: Path,
) -> None:
    rows = [f"a_\t{i * 0.96:.2f}\t{i * 0.96 + 0.96:.2f}\tDog\tPRESENT\n" for i in range(10)]
    events = read(tmp_path, TSV.strip() + "\tpresent\n" + "".join(rows))
    assert len(events.clip) == 10
    assert events.report.findings == []

"""Lengths of clips and confirmed absences from files beside the events."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from event_examples import read
from reader_support import (
    DOG,
    MUSIC,
    ONTOLOGY,
    SPEECH,
    event_outcome,
    statements,
    streamed_outcome,
    told,
    write,
)

from audiolabels import expand, read_events
from audiolabels.errors import LabelFileError, OptionError, UnknownLabelError
from audiolabels.readers import BlockSizes
from audiolabels.readers.events import delimited as event_rows

TSV = "filename\tonset\toffset\tevent_label\n"


def test_short_events_in_milliseconds_are_noticed_too(tmp_path: Path) -> None:
    """Events of less than a second last less than a thousandfold; where they lie tells it."""
    content = TSV + "".join(f"a\t{i * 100}\t{i * 100 + 250}\tDog\n" for i in range(1, 90))
    with pytest.raises(LabelFileError, match="time-unit ms"):
        read_events(write(tmp_path, content))


LENGTH = "filename\tclip_duration\tonset\toffset\tevent_label\n"


@pytest.mark.parametrize(
    ("options", "table", "column", "name", "length"),
    [
        ({}, "", "", "a.wav", 10_000),
        ({"clip_duration": 7.5}, "", "", "a.wav", 7500),
        ({"clip_duration": 7.5}, "", "", "Yaaaaaaaaaa_1.0_13.0.wav", 12_000),
        ({"clip_duration": 7.5}, "", "11", "Yaaaaaaaaaa_1.0_13.0.wav", 11_000),
        ({"clip_duration": 7.5}, "20.5", "11", "Yaaaaaaaaaa_1.0_13.0.wav", 20_500),
        ({}, "20.5", "", "a.wav", 20_500),
    ],
)
def test_the_length_of_a_clip_is_that_which_is_told_nearest(
    options: dict[str, Any], table: str, column: str, name: str, length: int, tmp_path: Path
) -> None:
    if table:
        options = {**options, "clip_durations": tmp_path / "d.csv"}
        (tmp_path / "d.csv").write_text(f"filename,duration\nother.wav,3\n{name},{table}\n")
    events = read(tmp_path, f"{LENGTH}{name}\t{column}\t0\t1\tDog\n", **options)
    assert events.duration_ms.tolist() == [length]
    assert events.report.findings == []


@pytest.mark.parametrize(
    ("rows", "length", "reasons"),
    [
        ("a\t\t0\t1\tDog\na\t12\t2\t3\tDog\n", 12_000, []),
        ("a\t12\t0\t1\tDog\na\t\t2\t3\tDog\n", 12_000, []),
        ("a\t12\t0\t1\tDog\na\t9\t2\t3\tDog\n", 12_000, [event_rows.ANOTHER_LENGTH]),
        ("a\tx\t0\t1\tDog\n", 10_000, ["no length of the clip above zero, in seconds"]),
        ("a\t0\t0\t1\tDog\n", 10_000, ["no length of the clip above zero, in seconds"]),
        ("a\t-3\t0\t1\tDog\n", 10_000, ["no length of the clip above zero, in seconds"]),
    ],
)
def test_odd_lengths_are_told(rows: str, length: int, reasons: list[str], tmp_path: Path) -> None:
    events = read(tmp_path, LENGTH + rows)
    assert events.duration_ms.tolist() == [length]
    assert [f.reason for f in events.report.findings] == reasons
    assert events.labelled.all()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.wav", "no clip, or no length in seconds"),
        ("a.wav,x", "no clip, or no length in seconds"),
        ("a.wav,-1", "no clip, or no length in seconds"),
        ("a.wav,0", "no clip, or no length above zero"),
        (",5", "no clip, or no length above zero"),
        ("z.wav,5", "another length of the clip than in an earlier row"),
    ],
)
def test_odd_rows_of_a_table_of_lengths(row: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(f"filename,duration\nz.wav,4\n{row}\n\nb.wav,3\n")
    events = read(tmp_path, TSV + "z.wav\t0\t1\tDog\n", clip_durations=tmp_path / "d.csv")
    assert told(events) == [("d.csv", 3, "", "row unused", reason)]
    assert events.duration_ms.tolist() == [4000]
    assert sorted(s["format"] for s in events.report.sources) == ["clip-durations", "events"]


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "filename\na\n", "duration\n3\n", "a.wav,3\n"])
def test_what_is_no_table_of_lengths_is_refused(content: str, tmp_path: Path) -> None:
    path = write(tmp_path, TSV + "a\t0\t1\tDog\n")
    with pytest.raises(LabelFileError, match=r"d.csv: no table of clips and their lengths"):
        read_events(path, clip_durations=write(tmp_path, content, "d.csv"))


def test_a_table_of_lengths_of_other_clips_is_refused(tmp_path: Path) -> None:
    """Else all clips would have the usual length, and nobody would know."""
    path = write(tmp_path, TSV + "a\t0\t1\tDog\n")
    table = write(tmp_path, "filename,duration\nb,3\n", "d.csv")
    with pytest.raises(LabelFileError, match=r"d.csv: none of its 1 clips is among those with ev"):
        read_events(path, clip_durations=table)


@pytest.mark.parametrize("duration", [0, -1, "x", 0.0004])
def test_a_length_that_is_none_is_refused(duration: Any, tmp_path: Path) -> None:
    path = write(tmp_path, TSV + "a\t0\t1\tDog\n")
    with pytest.raises(OptionError, match=r"a clip of .* seconds|not a time in seconds: 'x'"):
        read_events(path, clip_duration=duration)


def test_lengths_too_are_milliseconds_if_told_so(tmp_path: Path) -> None:
    content = LENGTH + "a\t4000\t500\t1500\tDog\n"
    for quoted in (content, content.replace("Dog", '"Dog"')):
        events = read_events(write(tmp_path, quoted), time_unit="ms")
        assert events.duration_ms.tolist() == [4000]
    table = write(tmp_path, "filename,duration\na,5000\n", "d.csv")
    events = read_events(write(tmp_path, content), time_unit="ms", clip_durations=table)
    assert events.duration_ms.tolist() == [5000]


def test_clips_that_only_the_table_of_lengths_names_are_told(tmp_path: Path) -> None:
    table = write(tmp_path, "filename,duration\na,5\nb,5\nc,5\n", "d.csv")
    events = read_events(write(tmp_path, TSV + "a\t0\t1\tDog\n"), clip_durations=table)
    assert any(note.startswith("2 clips of d.csv have no row") for note in events.report.notes)


FRAMED = "segment_id\tstart_time_seconds\tend_time_seconds\tlabel\tpresent\n"
EVENTS = TSV + "a_\t0\t1\tDog\nb_\t2\t3\tMusic\n"


@pytest.mark.parametrize(
    "content",
    [
        'clip_id,labels\nb_,"Speech,Dog"\nz_,Music\n',
        "clip_id\tlabel\nb_\tSpeech\nz_\tMusic\nb_\tDog\n",
        FRAMED + "b_\t0\t10\tSpeech\tNOT_PRESENT\nb_\t0\t10\tDog\tNOT_PRESENT\n"
        "z_\t0\t10\tMusic\tNOT_PRESENT\nb_\t1\t2\tMusic\tPRESENT\n",
        '{"data": [{"wav": "b_.wav", "labels": "/m/09x0r,/m/0bt9lr"}, '
        '{"wav": "z_", "labels": "/m/04rlf"}]}',
    ],
    ids=["one row a clip", "one row a label", "framed", "json"],
)
@pytest.mark.parametrize("block", [1, 1 << 20])
def test_absences_of_any_form(content: str, block: int, tmp_path: Path) -> None:
    path, absent = write(tmp_path, EVENTS, "e.tsv"), write(tmp_path, content, "absent")
    options = {"explicit_negatives": absent, "block_sizes": BlockSizes(text=block)}
    events = read_events(path, **options)
    assert events.clip_id.to_pylist() == ["a_", "b_", "z_"]
    assert sorted(statements(events, place=False)) == sorted(
        [
            ("a_", DOG, 0, 1000, "present"),
            ("b_", MUSIC, 2000, 3000, "present"),
            ("b_", SPEECH, 0, 10_000, "absent"),
            ("b_", DOG, 0, 10_000, "absent"),
            ("z_", MUSIC, 0, 10_000, "absent"),
        ]
    )
    assert events.duration_ms.tolist() == [10_000] * 3
    assert events.labelled.tolist() == [True, True, False]
    assert [(f.source, f.clip, f.kind, f.reason) for f in events.report.findings] == [
        ("absent", "z_", "clip added", "explicit negatives, but no events")
    ]
    assert [s["name"] for s in events.report.sources] == ["absent", "e.tsv"]
    assert streamed_outcome(path, **options) == event_outcome(path, **options)


def test_rows_of_a_framed_file_that_are_not_taken_make_no_findings(tmp_path: Path) -> None:
    rows = [f"a_\t{i * 0.96:.2f}\t{i * 0.96 + 0.96:.2f}\tDog\tPRESENT\n" for i in range(5)]
    absent = write(tmp_path, FRAMED + "".join(rows) + "a_\t0\t0.96\tMusic\tNOT_PRESENT\n", "f.tsv")
    events = read_events(write(tmp_path, EVENTS), explicit_negatives=absent)
    assert [s for s in statements(events, place=False) if s[-1] == "absent"] == [
        ("a_", MUSIC, 0, 960, "absent")
    ]
    assert events.report.findings == []


def test_absences_in_a_framed_file_of_events_hold_in_their_frames(tmp_path: Path) -> None:
    content = FRAMED + "a_\t0.96\t1.92\tDog\tPRESENT\na_\t2.88\t3.84\tAnimal\tNOT_PRESENT\n"
    events = read_events(write(tmp_path, content), clip_duration=4.8)
    targets = expand(events, "strong-framed", vocabulary=["Dog", "Cat"], negatives="explicit")
    target, mask = targets.to_numpy()
    assert np.argwhere(target).tolist() == [[1, 0]]
    assert np.argwhere(mask).tolist() == [[1, 0], [3, 0], [3, 1]]


def test_an_absence_lasts_as_long_as_its_clip(tmp_path: Path) -> None:
    """Whatever tells the length of the clip, be it the file of events alone."""
    path = write(
        tmp_path, "filename\tclip_duration\tonset\toffset\tevent_label\na_\t30\t0\t1\tDog\n"
    )
    for content in (
        "clip_id,labels\na_,Speech\n",
        FRAMED + "a_\t0\t30\tSpeech\tNOT_PRESENT\n",
    ):
        events = read_events(path, explicit_negatives=write(tmp_path, content, "absent"))
        assert statements(events, place=False)[1] == ("a_", SPEECH, 0, 30_000, "absent")


def test_an_absence_late_in_a_long_clip_is_inside_it(tmp_path: Path) -> None:
    path = write(
        tmp_path, "filename\tclip_duration\tonset\toffset\tevent_label\na_\t30\t0\t1\tDog\n"
    )
    absent = write(tmp_path, FRAMED + "a_\t20\t21\tSpeech\tNOT_PRESENT\n", "absent")
    events = read_events(path, explicit_negatives=absent)
    assert statements(events, place=False)[1] == ("a_", SPEECH, 20_000, 21_000, "absent")
    assert events.report.findings == []


def test_absences_of_impossible_times_are_dropped_and_told(tmp_path: Path) -> None:
    rows = "a_\t2\t1\tSpeech\tNOT_PRESENT\na_\t11\t12\tMusic\tNOT_PRESENT\na_\t0\t1\tMusic\t0\n"
    absent = write(tmp_path, FRAMED + rows, "f.tsv")
    events = read_events(write(tmp_path, EVENTS), explicit_negatives=absent)
    assert [(row, kind) for _, row, _, kind, _ in told(events)] == [
        (2, "label dropped"),
        (3, "label dropped"),
    ]
    assert [s[1] for s in statements(events) if s[4] == "absent"] == [MUSIC]


def test_an_absence_outside_a_clip_of_its_own_names_no_clip(tmp_path: Path) -> None:
    rows = "a_\t0\t1\tSpeech\t0\ny_\t12\t13\tMusic\t0\nz_\t9\t13\tMusic\t0\n"
    absent = write(tmp_path, FRAMED + rows, "f.tsv")
    events = read_events(write(tmp_path, EVENTS), explicit_negatives=absent)
    assert events.clip_id.to_pylist() == ["a_", "b_", "z_"]
    assert statements(events, place=False)[-1] == ("z_", MUSIC, 9000, 10_000, "absent")
    assert [(row, kind) for _, row, _, kind, _ in told(events)] == [
        (3, "label dropped"),
        (4, "clip added"),
    ]


def test_no_clip_in_common_is_refused(tmp_path: Path) -> None:
    path, absent = write(tmp_path, EVENTS), write(tmp_path, "clip_id,labels\nx_,Dog\n", "absent")
    with pytest.raises(LabelFileError, match=r"absent: none of its 1 clips .* look like x_"):
        read_events(path, explicit_negatives=absent)


@pytest.mark.parametrize("content", [FRAMED + "a_\t0\t1\tDog\tPRESENT\n"])
def test_a_file_without_any_absence_is_refused(content: str, tmp_path: Path) -> None:
    """Else there would be no explicit negatives, and nobody would know."""
    absent = write(tmp_path, content, "absent")
    with pytest.raises(LabelFileError, match=r"absent: .*no.* NOT_PRESENT"):
        read_events(write(tmp_path, EVENTS), explicit_negatives=absent)


def test_absences_are_those_of_the_file_in_the_same_folder(tmp_path: Path) -> None:
    path = write(tmp_path, TSV + "f1/a.wav\t0\t1\tDog\nf2/a.wav\t0\t1\tMusic\n")
    absent = write(tmp_path, "clip_id,labels\nf2/a.wav,Speech\n", "absent")
    events = read_events(path, explicit_negatives=absent)
    assert [s[0] for s in statements(events) if s[4] == "absent"] == ["f2/a"]


def test_unknown_labels_are_refused_there_too(tmp_path: Path) -> None:
    path, absent = write(tmp_path, EVENTS), write(tmp_path, "clip_id,labels\na_,Blub\n", "absent")
    with pytest.raises(UnknownLabelError, match=r"absent: .*'Blub'"):
        read_events(path, explicit_negatives=absent)
    events = read_events(
        path,
        explicit_negatives=write(tmp_path, "clip_id,labels\na_,Blub;Speech\n", "absent"),
        unknown="drop",
        ontology=ONTOLOGY,
    )
    assert [s[1] for s in statements(events) if s[4] == "absent"] == [SPEECH]


def test_framed_absences_need_times(tmp_path: Path) -> None:
    absent = write(tmp_path, "filename\tlabel\tpresent\na_\tMusic\t0\n", "f.tsv")
    with pytest.raises(LabelFileError, match="without columns of onset and offset"):
        read_events(write(tmp_path, EVENTS), explicit_negatives=absent)


def test_times_of_events_taken_for_absences_are_said_to_be_unused(tmp_path: Path) -> None:
    absent = write(tmp_path, "filename\tonset\toffset\tevent_label\na_\t0\t1\tMusic\n", "f.tsv")
    events = read_events(write(tmp_path, EVENTS), explicit_negatives=absent)
    assert any("f.tsv has times, which are not used" in note for note in events.report.notes)


def test_a_class_whose_event_has_impossible_times_is_not_confirmed_absent(tmp_path: Path) -> None:
    rows = "a_\t0\t0.96\tDog\tNOT_PRESENT\na_\t2\t1\tDog\tPRESENT\n"
    events = read_events(write(tmp_path, FRAMED + rows, "f.tsv"), ontology=ONTOLOGY)
    assert sorted(s[4] for s in statements(events)) == ["silent", "unknown"]

"""Classes confirmed absent, from a label file or the NOT_PRESENT rows of a framed file."""

from pathlib import Path

import numpy as np
import pytest
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
from audiolabels.errors import LabelFileError, UnknownLabelError
from audiolabels.readers import BlockSizes

TSV = "filename\tonset\toffset\tevent_label\n"
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


def test_two_names_of_one_id_have_the_same_absences(tmp_path: Path) -> None:
    path = write(tmp_path, TSV + "f1/a.wav\t0\t1\tDog\nf2/a.wav\t0\t1\tMusic\n")
    absent = write(tmp_path, "clip_id,labels\na,Speech\n", "absent")
    events = read_events(path, explicit_negatives=absent)
    assert [s[0] for s in statements(events) if s[4] == "absent"] == ["a", "a"]


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

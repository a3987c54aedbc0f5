"""Reference events, read as the evaluators read them."""

import csv
import itertools
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Events, export, read_events, toy_ontology
from audiolabels.errors import OptionError
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.schemes.event_spans import merge_events

TOY = toy_ontology()
VOCABULARY = load_vocabulary(list(TOY), ontology=TOY)
EVENTS = Events.from_dict(
    {
        "a.b_0": [("Bell", 0, 2), ("Bell", 2, 3), ("Bell", 2.5, 4), ("Bell", 4.001, 4.5)],
        "c": [("Church bell", 1, 2), ("Bell", 1.5, 12)],
        "verified empty": [],
        "nobody listened": None,
    },
    ontology=TOY,
)


def read_by_clip(path: Path) -> dict[str, list[tuple[float, float, str]]]:
    """As sed_scores_eval: the name up to its last dot; a row without label is a silent clip."""
    table = pd.read_csv(path, sep="\t")
    assert list(table.columns) == ["filename", "onset", "offset", "event_label"]
    clips: dict[str, list[tuple[float, float, str]]] = {}
    for name, onset, offset, label in table.itertuples(index=False):
        events = clips.setdefault(name.rsplit(".", maxsplit=1)[0], [])
        if isinstance(label, str):
            events.append((float(onset), float(offset), label))
    return clips


def assert_apart(clips: dict[str, list[tuple[float, float, str]]]) -> None:
    """As sed_scores_eval: events of a class neither overlap nor touch."""
    for events in clips.values():
        for label in {event[2] for event in events}:
            ordered = sorted(event for event in events if event[2] == label)
            for (_, end, _), (start, *_) in itertools.pairwise(ordered):
                assert start > end


def test_sed_scores_eval_reads_it(tmp_path: Path) -> None:
    events, durations = tmp_path / "events.tsv", tmp_path / "durations.tsv"
    done = export(
        EVENTS, "sed-scores-eval", events, vocabulary=VOCABULARY, names=True, durations=durations
    )
    clips = read_by_clip(events)
    assert_apart(clips)
    assert clips == {
        "a.b_0": [(0.0, 4.0, "Bell"), (4.001, 4.5, "Bell")],
        "c": [(1.5, 10.0, "Bell"), (1.0, 2.0, "Church bell")],
        "verified empty": [],
    }
    lengths = pd.read_csv(durations, sep="\t")
    assert {n.rsplit(".", maxsplit=1)[0] for n in lengths["filename"]} == set(clips)
    assert set(lengths["duration"]) == {10.0}
    assert done.left_out["unannotated clips"] == 1
    assert done.files == {events: 5, durations: 3}


def test_psds_eval_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    done = export(EVENTS, "psds-eval", path, vocabulary=VOCABULARY)
    table = pd.read_csv(path, sep="\t")
    assert not table.isna().any(axis=None)
    assert (table["onset"] < table["offset"]).all()
    assert set(table["event_label"]) <= set(TOY.ids)
    assert done.left_out["clips without events"] == 1


def test_sed_eval_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    export(EVENTS, "sed-eval", path, vocabulary=VOCABULARY)
    with path.open(newline="") as file:
        header, *rows = csv.reader(file, delimiter="\t")
    # Without these names dcase_util takes the first event for a header.
    assert header == ["filename", "onset", "offset", "event_label"]
    assert rows[0] == ["a.b_0.wav", "0.000", "4.000", TOY.find("Bell")]
    assert all(len(row) == 4 for row in rows)


def test_parents_go_up_before_events_are_merged(tmp_path: Path) -> None:
    path = tmp_path / "events.tsv"
    export(EVENTS, "psds-eval", path, vocabulary=VOCABULARY, parents="all", names=True)
    assert (1.0, 10.0, "Bell") in read_by_clip(path)["c"]
    assert_apart(read_by_clip(path))


def test_what_the_form_cannot_hold_is_counted(tmp_path: Path) -> None:
    only = load_vocabulary(["Church bell"], ontology=TOY)
    done = export(EVENTS, "psds-eval", tmp_path / "events.tsv", vocabulary=only)
    assert done.left_out["events of classes outside the vocabulary"] == 5
    with pytest.raises(OptionError, match="no option 'durationz'"):
        export(EVENTS, "psds-eval", tmp_path / "x.tsv", durationz="y")
    with pytest.raises(OptionError, match="is made from Targets, not Events"):
        export(EVENTS, "framed-release", tmp_path / "x.tsv")


@given(st.lists(st.tuples(st.integers(-50, 150), st.integers(1, 60)), max_size=12))
def test_merged_events_cover_the_same_milliseconds(spans: list[tuple[int, int]]) -> None:
    given = [("Bell", start / 1000, (start + length) / 1000) for start, length in spans]
    events = Events.from_dict({"clip": given}, duration=0.12, ontology=TOY)
    merged = merge_events(events, VOCABULARY)
    covered = {ms for start, length in spans for ms in range(start, start + length)}
    pieces = list(zip(merged.first.tolist(), merged.stop.tolist(), strict=True))
    assert {ms for first, stop in pieces for ms in range(first, stop)} == {
        ms for ms in covered if 0 <= ms < 120
    }
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(pieces))


@pytest.mark.shared
def test_real_events_come_back(shared_data: Path, tmp_path: Path) -> None:
    events = read_events(shared_data / "audioset" / "strong_eval_110_classes.tsv.gz")
    path = tmp_path / "events.tsv"
    done = export(events, "sed-scores-eval", path)
    assert_apart(read_by_clip(path))
    again = read_events(path)
    assert again.report.findings == []
    vocabulary = load_vocabulary("audioset-strong")
    first, second = (merge_events(e, vocabulary) for e in (events, again))
    names = [e.clip_id.to_pylist() for e in (events, again)]
    as_set = [
        {(ids[c], *rest) for c, *rest in zip(*(a.tolist() for a in runs), strict=True)}
        for ids, runs in zip(names, (first, second), strict=True)
    ]
    assert as_set[0] == as_set[1]
    assert len(as_set[0]) == done.files[path] == 103_113


def test_that_classes_nobody_listened_for_are_unknown_is_stated(tmp_path: Path) -> None:
    rows = {"filename": ["a"], "onset": [0], "offset": [1], "label": ["Rain"]}
    for annotated, notes in ((["Rain", "Dog"], 1), (None, 0)):
        events = read_events(rows, clip_duration=2, annotated=annotated)
        done = export(events, "psds-eval", tmp_path / "events.tsv")
        assert [n.startswith("the clips were annotated for 2 classes") for n in done.notes] == [
            True
        ] * notes

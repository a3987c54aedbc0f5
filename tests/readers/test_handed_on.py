"""Labels and events that were handed on as tables are read again as they were."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import events_of, framing_clips, grids, ontologies

import audiolabels
from audiolabels import Annotations, Events, expand, read_events, read_labels
from audiolabels.errors import LabelFileError
from audiolabels.labels.annotations import LabelSets
from audiolabels.readers.events.event_cleaning import Durations, clean_events

HANDED: dict[str, Callable[[Any], Any]] = {
    "as they are": lambda labels: labels,
    "arrow": pa.table,
    "polars": pl.DataFrame,
    "pandas": lambda labels: labels.to_pandas(),
    "duckdb": lambda labels: duckdb.from_arrow(pa.table(labels)),
    "rows": lambda labels: pa.table(labels).to_pylist(),
}
KINDS = ("labels", "absent_labels", "unsure_labels", "judged_labels")
TABLE = {
    "clip": ["a", "b", "c", "d"],
    "labels": [["Dog", "Rain"], None, [], None],
    "absent_labels": [["Cat"], ["Cat", "Speech"], [], None],
    "unsure_labels": [None, ["Dog"], ["Rain"], []],
}


def states(labels: Annotations) -> list[Any]:
    """All that is stated of each clip."""
    sets = labels.sets
    each = []
    for i, number in enumerate(labels.set_of_clip.tolist()):
        clip = [column[i].as_py() for column in (labels.clip_id, labels.onset, labels.offset)]
        own = {"labels": sets, "absent_labels": sets.absent, "unsure_labels": sets.unsure}
        own["judged_labels"] = sets.judged
        spans = {k: slice(*s.offsets[number : number + 2]) for k, s in own.items() if s}
        found = {k: own[k].classes[span].tolist() for k, span in spans.items()}
        values = np.ones(len(sets.classes)) if sets.values is None else sets.values
        facts = values[spans["labels"]].tolist(), bool(sets.labelled[number])
        each.append((*clip, [found.get(kind, []) for kind in KINDS], *facts))
    return each


@st.composite
def labelled_clips(draw: st.DrawFn) -> Annotations:
    """Clips with labels that are present, absent and unsure, values, equal ids and a coverage."""
    ontology = draw(ontologies(6))
    classes = st.integers(0, len(ontology) - 1)
    clips = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=5))
    n, soft = len(clips), draw(st.booleans())
    given_ = draw(st.lists(st.none() | st.sets(classes), min_size=n, max_size=n))
    labelled = np.array([own is not None for own in given_])

    def sets(drawn: list[Any], values: bool = False) -> LabelSets:
        pairs = [(i, c) for i, own in enumerate(drawn) for c in sorted(own or ())]
        owners, which = np.array(pairs, np.int64).reshape(-1, 2).T
        value = st.floats(1 / 1024, 1, width=32)
        sizes = {"min_size": len(pairs), "max_size": len(pairs)}
        found = np.array(draw(st.lists(value, **sizes)), np.float32) if values else None
        return LabelSets.build(owners, which, labelled, found)

    others = st.lists(st.sets(classes, max_size=2), min_size=n, max_size=n)
    made = replace(
        sets(given_, soft),
        absent=sets(draw(others)),
        unsure=sets(draw(others)),
        judged=sets(draw(others)),
    )
    annotated = draw(st.none() | st.sets(classes).map(sorted).map(tuple))
    empty = Annotations.from_dict(dict.fromkeys(map(str, range(n))), ontology=ontology)
    return replace(empty, sets=made, annotated=annotated).renamed(pa.array(clips))


@pytest.mark.parametrize("hand_on", HANDED.values(), ids=HANDED)
@settings(max_examples=20)
@given(labels=labelled_clips())
def test_labels_are_read_again(hand_on: Callable[[Any], Any], labels: Annotations) -> None:
    values = None if labels.sets.values is None else "soft"
    again = read_labels(hand_on(labels), ontology=labels.ontology, values=values)
    assert states(again) == states(labels)
    assert again.annotated == labels.annotated


@pytest.mark.parametrize("scheme", ["weak", "pel", "pe-cml"])
def test_targets_of_labels_that_were_handed_on_are_the_same(scheme: str, tmp_path: Path) -> None:
    wide = {"clip": ["a", "b"], "Dog": [1, -1], "Cat": [0, None], "Animal": [-1, 0]}
    for labels in (
        read_labels(TABLE, annotated=["Dog", "Cat"]),
        read_labels(wide),
        read_labels({"clip": ["a"], "label": ["Dishes"]}, mapping="desed"),
    ):
        pq.write_table(pa.table(labels), tmp_path / "labels.parquet")
        old, new = expand(labels, scheme), expand(read_labels(tmp_path / "labels.parquet"), scheme)
        for a, b in zip(old.to_numpy(), new.to_numpy(), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("hand_on", HANDED.values(), ids=HANDED)
def test_ids_that_look_like_those_of_videos_are_read_again(hand_on: Callable[[Any], Any]) -> None:
    ids = ["s9d-2nhuJCQ", "1-15689-A-4", "000178_3840", "street"]  # the second of ESC-50
    table = {"clip_id": [*ids, "s9d-2nhuJCQ_1.0_2.0.wav"], "label": ["Dog"] * 5}
    labels = read_labels(table, mapping="desed")
    again = read_labels(hand_on(labels))
    assert again.clip_id.to_pylist() == [*ids, "s9d-2nhuJCQ_1000"]
    assert not again.report.findings


def statements(events: Events) -> list[tuple[Any, ...]]:
    """All rows; what is about no class has no times."""
    rows = pa.table(events).to_pylist()
    return [
        tuple(row.values()) if row["label"] else (row["clip_id"], row["state"], row["clip_length"])
        for row in rows
    ]


@st.composite
def read_clips(draw: st.DrawFn) -> Events:
    """Events of all kinds as they are once they are read, with values, lengths and a coverage."""
    ontology, grid = draw(ontologies(6)), draw(grids())
    clips = draw(st.lists(framing_clips(ontology, grid, unsure=True), min_size=1, max_size=3))
    events = events_of(clips, ontology)
    nothing = Durations(10_000, pa.array([], pa.string()), np.zeros(0, np.int64))
    cleaned = clean_events(events, nothing)
    chosen = st.lists(st.sampled_from([1.0, 0.25, 0.3]), min_size=len(cleaned.state))
    values = np.array(draw(chosen)[: len(cleaned.state)], np.float32)
    annotated = draw(st.none() | st.sets(st.integers(0, len(ontology) - 1)).map(sorted).map(tuple))
    return replace(cleaned, annotated=annotated, soft=draw(st.booleans()), values=values)


@pytest.mark.parametrize("hand_on", HANDED.values(), ids=HANDED)
@settings(max_examples=20)
@given(events=read_clips())
def test_events_are_read_again(hand_on: Callable[[Any], Any], events: Events) -> None:
    values = "soft" if events.soft else None
    again = read_events(hand_on(events), ontology=events.ontology, values=values, time_unit="s")
    assert statements(again) == statements(events)
    assert again.annotated == events.annotated
    assert again.duration_ms.tolist() == events.duration_ms.tolist()


def test_what_was_handed_on_needs_the_options_of_a_file() -> None:
    soft = read_labels(
        {"clip": ["a", "a"], "label": ["Dog", "Cat"], "value": [1, 0.3]}, values="soft"
    )
    assert pl.DataFrame(soft)["label_values"].to_list() == [[1, pytest.approx(0.3)]]
    with pytest.raises(LabelFileError, match=r"column label_values holds 0\.3.*Use --values soft"):
        read_labels(soft)
    assert read_labels(pa.table(soft), values=0.5)[0] == ("Dog",)
    frames = [pl.DataFrame(read_labels({"a": ["Dog"]}, annotated=own)) for own in ("none", ["Cat"])]
    with pytest.raises(LabelFileError, match="column annotated_for differs from row to row"):
        read_labels(pl.concat(frames))
    with pytest.raises(LabelFileError, match=r"annotated_for holds 'dogs'; expected the classes"):
        read_labels({"clip": ["a"], "labels": [["Dog"]], "annotated_for": ["dogs"]})
    assert read_labels(pl.concat(frames), annotated="none").annotated == ()


def test_a_value_in_a_list_is_reached_by_itself_and_zero_is_absent() -> None:
    table = {"clip": ["a"], "labels": [["Dog", "Cat", "Rain"]], "scores": [[0.7, 0.0, 0.2]]}
    hard = expand(table, "weak", vocabulary=["Dog", "Cat", "Rain"], values=0.7, annotated="none")
    soft = expand(table, "weak", vocabulary=["Dog", "Cat", "Rain"], values="soft", annotated="none")
    assert hard["a"][0].tolist() == [1, 0, 0]
    assert soft["a"][0].tolist() == pytest.approx([0.7, 0, 0.2], abs=1e-3)
    assert hard["a"][1].tolist() == soft["a"][1].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"label": ["Dog"], "masked": ["Cat"]}, "column masked lists labels of a clip, which need"),
        (
            {"labels": [["Dog", "Cat"]], "scores": [[0.5]]},
            "row 1 has 2 labels with 1 values: 'Dog;Cat', '0.5'",
        ),
        (
            {"labels": [["Dog", "Cat"]], "scores": ["0.5;1"]},
            "none of the 1 rows can be used: 1 × no value from 0 to 1: 0.5;1",
        ),
        ({"labels": [["Dog"]], "scores": [["x"]]}, "row 1: Dog: no value from 0 to 1: 'x'"),
        (
            {"labels": [["Dog"]], "scores": [[0.5]], "confidence": [0.5]},
            "columns scores and confidence both hold values",
        ),
    ],
)
def test_lists_that_do_not_fit_are_refused(columns: dict[str, Any], match: str) -> None:
    with pytest.raises(LabelFileError, match=match):
        read_labels({"clip": ["a"], **columns}, values="soft")


@pytest.mark.parametrize("name", ["absent_labels", "unsure_labels", "Masked", "annotated_for"])
def test_lists_of_a_type_that_is_not_read_are_refused(name: str) -> None:
    with pytest.raises(LabelFileError, match=f"column {name} may change .* its type list<"):
        read_labels({"clip": ["a"], "labels": [["Dog"]], name: [[{"label": "Cat"}]]})


@pytest.mark.parametrize("read", [read_labels, read_events])
def test_states_beside_other_words_are_refused(read: Callable[..., Any]) -> None:
    times = {"onset": [0.0, 0.0], "offset": [1.0, 1.0]} if read is read_events else {}
    table = {"clip": ["a", "a"], "label": ["Dog", "Cat"], **times, "state": ["absent", "odd"]}
    with pytest.raises(LabelFileError, match="column state holds odd beside absent; states are pr"):
        read(table)
    assert read(table, columns="ignored=state").report.notes[0].endswith("not used: state")
    assert len(read(table | {"state": ["unknown", "Texas"]})[0]) == 2


def test_lists_in_text_are_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "clip,labels,absent_labels,unsure_labels\na,Dog;Rain,Cat,\nb,,Cat;Speech,Dog\nd,,,\n"
    )
    kept = [own for own in states(read_labels(TABLE)) if own[0] != "c"]  # verified empty
    assert states(read_labels(path)) == kept
    events = {"clip": ["a"], "onset": [0.0], "offset": [1.0], "label": ["Rain"]}
    absent = audiolabels.read_events(events, explicit_negatives=path).to_pandas()
    assert absent.query("state == 'absent'")[["clip_id", "label"]].to_numpy().tolist() == [
        ["a", "Cat"],
        ["b", "Speech"],
        ["b", "Cat"],
    ]


def test_presence_in_a_file_of_negatives_states_what_is_absent(tmp_path: Path) -> None:
    path, clips = tmp_path / "absent.csv", {"a": ["Dog"], "b": ["Dog"]}
    for column in ("present", "state"):
        words = ("absent", "present") if column == "state" else ("0", "1")
        path.write_text(f"clip,label,{column}\na,Cat,{words[0]}\nb,Rain,{words[1]}\n")
        labels = read_labels(clips, annotated="none", explicit_negatives=path)
        _, mask = expand(labels, "weak", vocabulary=["Dog", "Cat", "Rain"]).to_numpy()
        assert mask.tolist() == [[1, 1, 0], [1, 0, 0]]
    path.write_text("clip,label,present\na,Cat,1\n")
    with pytest.raises(LabelFileError, match=r"absent\.csv: no class is confirmed absent"):
        read_labels(clips, explicit_negatives=path)

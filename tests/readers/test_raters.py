"""Values of labels and events, and labels of several raters."""

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import (
    SoftTargets,
    Targets,
    expand,
    expand_files,
    join,
    read_events,
    read_labels,
)
from audiolabels.clips.names import parse_clip_name
from audiolabels.errors import LabelFileError, OptionError
from audiolabels.labels.events import ABSENT, PRESENT, UNSURE
from audiolabels.ontology import load_mapping
from audiolabels.readers.raters import Votes, unite_raters
from audiolabels.targets import read_targets

PAIR = ["Dog", "Cat"]
VOTES = {
    "clip": ["a", "a", "b", "b"],
    "label": ["Dog", "Cat", "Dog", "Cat"],
    "rater_1": ["1", "0", "", "1"],
    "rater_2": ["1", "1", "", "1"],
    "rater_3": ["0", "", "", "1"],
}


@pytest.mark.parametrize(
    ("rule", "target", "mask"),
    [
        ("mean", [[2 / 3, 0.5], [0, 1]], [[1, 1], [0, 1]]),
        ("majority", [[1, 0], [0, 1]], [[1, 0], [0, 1]]),
        ("any", [[1, 1], [0, 1]], [[1, 1], [0, 1]]),
        ("all", [[0, 0], [0, 1]], [[1, 1], [0, 1]]),
    ],
)
def test_raters_are_united(rule: str, target: list[list[float]], mask: list[list[int]]) -> None:
    found, known = expand(VOTES, "weak", vocabulary=PAIR, raters=rule).to_numpy()
    assert np.allclose(found, target, atol=1e-3)
    if rule == "all":  # clip a has no label that all found: nothing else of it is known
        mask = [[1, 1], [0, 1]]
    assert known.tolist() == mask


def test_raters_in_rows_saw_the_labels_of_others() -> None:
    rows = {"clip": ["a"] * 3, "label": ["Dog", "Dog", "Cat"], "rater": ["x", "y", "x"]}
    assert expand(rows, "weak", vocabulary=PAIR, raters="mean")["a"][0].tolist() == [1, 0.5]
    with pytest.raises(LabelFileError, match="--raters mean"):
        read_labels(rows)


def test_dawid_skene_is_that_of_crowd_kit() -> None:
    from crowdkit.aggregation import DawidSkene
    from pandas import DataFrame

    rng = np.random.default_rng(1)
    truth, skill = rng.random(40) < 0.5, [0.95, 0.9, 0.6]
    right = np.array([rng.random(40) < s for s in skill]).T
    answers = np.where(right, truth[:, None], ~truth[:, None])
    rows = [(f"c{i}", "Dog", f"r{j}", int(answers[i, j])) for i in range(40) for j in range(3)]
    columns = dict(zip(("clip", "label", "rater", "present"), zip(*rows, strict=True), strict=True))
    columns["present"] = [str(answer) for answer in columns["present"]]
    columns = {name: list(cells) for name, cells in columns.items()}
    made = expand(columns, "weak", vocabulary=["Dog"], raters="dawid-skene").to_numpy()[0][:, 0]
    frame = DataFrame({"task": [r[0] for r in rows], "worker": [r[2] for r in rows]})
    frame["label"] = [r[3] for r in rows]
    probabilities = DawidSkene(n_iter=100).fit_predict_proba(frame)[1]
    assert np.allclose(made, [probabilities[f"c{i}"] for i in range(40)], atol=1e-3)


@given(st.data())
def test_uniting_equals_its_definition(data: st.DataObject) -> None:
    small = st.integers(0, 2)
    vote = st.tuples(small, small, small, st.sampled_from([0.0, 1.0]))
    votes = data.draw(st.lists(vote, min_size=1, max_size=12, unique_by=lambda v: v[:3]))
    clip, label, rater = (np.array([v[i] for v in votes]) for i in range(3))
    value = np.array([v[3] for v in votes], np.float32)
    state = np.where(value > 0, PRESENT, ABSENT).astype(np.uint8)
    rows = np.arange(len(votes))
    answers: dict[tuple[int, int], list[float]] = defaultdict(list)
    for c, name, _, v in votes:
        answers[c, name].append(v)
    for rule in ("mean", "majority", "any", "all"):
        made = unite_raters(Votes(rows, clip, label, state, value, rater, False), rule, None)
        assert list(zip(made.clip.tolist(), made.label.tolist(), strict=True)) == list(answers)
        for own, found, what in zip(answers.values(), made.value, made.state, strict=True):
            share = sum(own) / len(own)
            right = {
                "mean": share,
                "majority": float(share > 0.5),
                "any": float(share > 0),
                "all": float(share == 1),
            }[rule]
            assert found == pytest.approx(right)
            tie = rule == "majority" and share == 0.5
            assert what == (UNSURE if tie else PRESENT if right > 0 else ABSENT)


def test_values_of_labels_are_targets_or_reach_a_threshold(tmp_path: Path) -> None:
    path = tmp_path / "values.csv"
    path.write_text("clip,label,confidence\na,Bark,0.75\na,Cat,0.25\nb,Cat,1\n")
    with pytest.raises(LabelFileError, match="--values soft or a threshold"):
        read_labels(path)
    classes = ["Dog", "Bark", "Cat"]
    soft = expand(read_labels(path, values="soft"), "pel", vocabulary=classes)
    assert isinstance(soft, SoftTargets)
    assert soft.to_numpy()[0].tolist() == [[0.75, 0.75, 0.25], [0, 0, 1]]
    hard = expand(read_labels(path, values=0.5), "pel", vocabulary=classes)
    assert isinstance(hard, Targets)
    assert hard.to_numpy()[0].tolist() == [[1, 1, 0], [0, 0, 1]]
    with pytest.raises(OptionError, match="give a threshold"):
        expand(read_labels(path, values="soft"), "pe-cml", vocabulary=classes)
    out = tmp_path / "t.parquet"
    (tmp_path / "classes.txt").write_text("\n".join(classes))
    expand_files(path, out, "pel", vocabulary=tmp_path / "classes.txt", values="soft")
    assert (read_targets(out).to_numpy()[0] == soft.to_numpy()[0]).all()


def mean_over(frame: tuple[int, int], events: list[tuple[int, int, float]]) -> float:
    """Millisecond by millisecond."""
    total = 0.0
    for ms in range(*frame):
        total += max((v for on, off, v in events if on <= ms < off), default=0.0)
    return total / (frame[1] - frame[0])


@given(st.data())
def test_values_of_events_are_means_over_frames(data: st.DataObject) -> None:
    event = st.tuples(st.integers(0, 39), st.integers(1, 30), st.sampled_from([0.25, 0.5, 1.0]))
    drawn = data.draw(st.lists(event, min_size=1, max_size=5))
    events = [(onset, min(40, onset + length), v) for onset, length, v in drawn]
    columns = {
        "clip": ["a"] * len(events),
        "onset": [e[0] / 1000 for e in events],
        "offset": [e[1] / 1000 for e in events],
        "label": ["Dog"] * len(events),
        "value": [e[2] for e in events],
    }
    length, hop = data.draw(st.sampled_from([(10, 10), (10, 4), (5, 8)]))
    options = {"frame_length": length / 1000, "frame_hop": hop / 1000, "clip_duration": 0.04}
    soft = expand(columns, "strong-framed", vocabulary=["Dog"], values="soft", **options)
    found = soft.to_numpy()[0][:, 0]
    frames = [(i * hop, i * hop + length) for i in range(len(found))]
    assert np.allclose(found, [mean_over(frame, events) for frame in frames], atol=1e-3)


def test_an_event_counts_if_its_value_reaches_the_threshold() -> None:
    columns = {
        "clip": ["a", "a", "b"],
        "onset": [0.0, 0.96, 0.0],
        "offset": [0.96, 1.92, 0.96],
        "label": ["Dog"] * 3,
        "value": [0.25, 0.5, 0.25],
    }
    events = read_events(columns, values=0.5, clip_duration=1.92)
    assert events.labelled.tolist() == [True, True]
    target, mask = expand(events, "strong-framed", vocabulary=["Dog"]).to_numpy()
    assert target.ravel().tolist() == [0, 1, 0, 0]
    assert mask.all()


@pytest.mark.parametrize("cell", ["maybe", "0.5", "2"])
def test_a_cell_that_is_no_vote_is_refused(tmp_path: Path, cell: str) -> None:
    (tmp_path / "votes.csv").write_text(f"clip,label,rater_1,rater_2\na,Dog,1,-1\na,Cat,{cell},1\n")
    with pytest.raises(
        LabelFileError, match=rf"votes\.csv: column rater_1 holds '{cell}'; votes are"
    ):
        read_labels(tmp_path / "votes.csv", raters="mean")


def test_a_mean_that_is_the_threshold_reaches_it() -> None:
    rated = {"clip": ["a"] * 3, "label": ["Dog"] * 3, "rater": ["x", "y", "z"]}
    rated |= {"value": [0.2, 0.9, 0.4]}
    assert read_labels(rated, raters="mean", values=0.5)[0] == ("Dog",)
    _, mask = expand(rated, "weak", vocabulary=["Dog"], raters="majority")["a"]
    assert mask.tolist() == [0]  # a tie


def test_raters_that_no_column_has_are_refused(tmp_path: Path) -> None:
    rated, plain = tmp_path / "rated.csv", tmp_path / "plain.csv"
    rated.write_text("clip,label,rater\na,Dog,x\na,Dog,y\nb,Cat,x\n")
    plain.write_text("clip,labels,note\nc,Dog,near\n")
    asked = (
        r"plain\.csv: no column of raters, nor one per rater, .*columns are clip, labels, note\. "
    )
    with pytest.raises(OptionError, match=asked + r"Give them: --columns rater=NAME"):
        read_labels(plain, raters="mean")
    with pytest.raises(OptionError, match=asked):
        expand_files([rated, plain], tmp_path / "t.parquet", "weak", raters="majority")
    unnamed = tmp_path / "unnamed.csv"
    unnamed.write_text("a.wav,Dog\n")
    with pytest.raises(OptionError, match=r"unnamed\.csv: .*columns are without names"):
        read_labels(unnamed, raters="mean")
    sources = {"x": {"labels": str(rated)}, "y": {"labels": str(plain)}}
    with pytest.raises(OptionError, match=r"source 'y': .*plain\.csv: no column of raters"):
        join(sources, "weak", vocabulary=PAIR, raters="majority")
    toml = tmp_path / "joint.toml"
    toml.write_text('raters = "any"\n[x]\nlabels = "rated.csv"\n[y]\nlabels = "plain.csv"\n')
    with pytest.raises(OptionError, match=r"source 'y': .*plain\.csv: no column of raters"):
        expand_files(toml, tmp_path / "t.parquet", "weak")
    sources["x"]["raters"] = "majority"
    assert len(join(sources, "weak", vocabulary=PAIR)) == 3


def test_raters_of_events_are_refused(tmp_path: Path) -> None:
    events = {"clip": ["a"], "onset": [0.0], "offset": [1.0], "label": ["Dog"]}
    for held in (events, events | {"rater": ["x"]}):
        with pytest.raises(OptionError, match="raters are united for labels of clips, not for ev"):
            read_events(held, raters="mean")
    framed, rated = tmp_path / "framed.csv", tmp_path / "rated.csv"
    framed.write_text("clip,onset,offset,label,present\na,0,1,Cat,NOT_PRESENT\n")
    rated.write_text("clip,label,rater\na,Cat,x\na,Cat,y\n")
    with pytest.raises(OptionError, match=r"framed\.csv: raters are united for labels of clips"):
        read_events(events, raters="any", explicit_negatives=framed)
    made = read_events(events, raters="any", explicit_negatives=rated)
    assert (made.state == ABSENT).sum() == 1


@pytest.mark.parametrize("twice", [True, False])
def test_one_annotation_in_jams_is_that_of_one_rater(twice: bool, tmp_path: Path) -> None:
    data = [{"time": 0, "duration": 1, "value": "Dog", "confidence": None}]
    tags = [{"namespace": "tag_open", "data": data}, {"namespace": "tag_open", "data": []}]
    annotations = tags[: 1 + twice]
    (tmp_path / "a.jams").write_text(
        json.dumps({"annotations": annotations, "file_metadata": {"duration": 4}})
    )
    assert list(read_labels(tmp_path / "a.jams", raters="any")) == [("Dog",)]


@pytest.mark.shared
def test_what_vggsounders_raters_state(shared_data: Path) -> None:
    """By a plain script, targets are the same but for 13 cells, each with its reason."""
    path = shared_data / "datasets" / "vggsounder_raters.csv"
    labels = read_labels(path, columns="video=id", raters="mean", mapping="vggsound")
    targets = expand(labels, "weak", vocabulary="audioset")
    values, known = targets.to_numpy()
    row = {clip: i for i, clip in enumerate(targets.clip_id.to_pylist())}
    column = {id_: i for i, id_ in enumerate(targets.vocabulary.ids)}
    mapping = load_mapping("vggsound")
    share, absent, unsure = {}, set(), set()
    with path.open(newline="") as file:
        for line in (line for line in csv.DictReader(file) if line["modality"] == "audible"):
            votes = [line[f"labeler_{i}"] == "True" for i in range(4) if line[f"labeler_{i}"]]
            clip = row[parse_clip_name(line["id"], of_video=True).clip_id]
            for state, ids in mapping.classes(line["label"]).items():
                for cell in ((clip, column[id_]) for id_ in ids if id_ in column):
                    if state == "present" and any(votes):
                        share[cell] = max(share.get(cell, 0), sum(votes) / len(votes))
                    elif state == "unsure" and any(votes):
                        unsure.add(cell)
                    elif state == "absent" and not any(votes):
                        absent.add(cell)
    assert {*map(tuple, np.argwhere(values > 0).tolist())} == {*share}
    rounded = [cell for cell, own in share.items() if values[cell] != own]
    assert [share[cell] for cell in rounded] == [2 / 3] * 5
    assert {float(values[cell]) for cell in rounded} == {float(np.float16(2 / 3))}
    left_open = [cell for cell in absent - {*share} if not known[cell]]
    assert len(left_open) == 8
    assert unsure.issuperset(left_open)  # unknown wins over negative: another label may mean it


@pytest.mark.parametrize(
    ("rule", "dog", "cat"), [("mean", 0.5, 1), ("majority", "?", 1), ("any", 1, 1), ("all", 0, 1)]
)
def test_raters_vote_on_each_label_of_a_cell(rule: str, dog: Any, cat: int, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(
        "clip,labels,annotator\na,Cat;Dog,x\na,/m/01yrx,y\n"  # the id of Cat
    )
    lists = {"clip": ["a", "a"], "labels": [["Dog", "Cat"], ["Cat"]], "annotator": ["x", "y"]}
    absent = {"absent_labels": [[], ["Dog"]]}
    valued = lists | {"labels": [["Dog", "Cat"]] * 2, "label_values": [[1, 1], [0, 1]]}
    for held in (path, lists, lists | absent, valued):
        labels = read_labels(held, raters=rule)
        assert not labels.report.findings
        target, mask = expand(labels, "weak", vocabulary=["Dog", "Cat"])["a"]
        found = [t if m else "?" for t, m in zip(target.tolist(), mask.tolist(), strict=True)]
        assert found == [dog, cat]


def test_raters_vote_on_the_labels_of_a_mapping_that_are_spelled_alike() -> None:
    votes = {"clip": ["a", "a"], "label": ["Dog", "dog"], "annotator": ["x", "y"]}
    labels = read_labels(votes, raters="mean", mapping="desed")
    assert labels.sets.values is not None
    assert labels.sets.values.tolist() == [1]


@pytest.mark.parametrize(("nothing", "share"), [(None, 1), ([], 0.5)])
def test_who_has_not_annotated_a_clip_does_not_vote(
    nothing: list[str] | None, share: float
) -> None:
    table = {"clip": ["a", "a"], "labels": [["Dog"], nothing], "annotator": ["x", "y"]}
    labels = read_labels(table, raters="mean")
    assert labels.sets.values is not None
    assert labels.sets.values.tolist() == [share]

"""Suspicious labels, by an obvious program and by laws."""

import csv
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from audiolabels import (
    Annotations,
    Scores,
    Targets,
    Vocabulary,
    compare,
    expand,
    load_ontology,
    load_vocabulary,
    read_labels,
)
from audiolabels.audit import audit, label_statistics
from audiolabels.errors import InputTypeError, OptionError
from audiolabels.schemes.class_quality import ClassQuality

NAMES = [
    "Music", "Musical instrument", "Plucked string instrument", "Guitar", "Electric guitar",
    "Water", "Rain", "Speech", "Silence",
]  # fmt: skip
CLASSES = load_vocabulary(NAMES)
ONTOLOGY = load_ontology().with_supplement()
IDS = dict(zip(CLASSES.names, CLASSES.ids, strict=True))


def rows(found: object, kind: str) -> dict[tuple[str, str], tuple[float, str]]:
    table = found.table[found.table["kind"] == kind]
    return {
        (row.clip_id, row.name): (row.suspicion, row.evidence)
        for row in table.itertuples(index=False)
    }


def certain(name: str) -> set[str]:
    """The classes that a class implies in every way up the ontology."""
    return {CLASSES.names[CLASSES.index[i]] for i in ONTOLOGY.dominators(IDS[name])
            if i in CLASSES.index and i != IDS[name]}  # fmt: skip


clips = st.lists(
    st.tuples(
        st.sets(st.sampled_from(NAMES), max_size=4),
        st.lists(st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0]), min_size=9, max_size=9),
    ),
    min_size=1, max_size=6,
)  # fmt: skip
ratings = st.dictionaries(
    st.sampled_from(CLASSES.ids),
    st.integers(0, 10).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
)


@drawn(clips, ratings)
def test_implied_missing_wrong_and_unspecified_are_those_of_a_plain_program(
    drawn_clips: list[tuple[set[str], list[float]]], quality: dict[str, tuple[int, int]]
) -> None:
    ids = [f"c{i}" for i in range(len(drawn_clips))]
    labels = Annotations.from_dict(
        {c: sorted(own) for c, (own, _) in zip(ids, drawn_clips, strict=True)}
    )
    scores = Scores.from_arrays(ids, [values for _, values in drawn_clips], classes=CLASSES)
    found = audit(labels, scores, class_quality=ClassQuality(Path("q.csv"), "", quality))
    wanted: dict[str, dict[tuple[str, str], float]] = {
        kind: {} for kind in ("implied", "missing", "wrong", "unspecified")
    }

    def share(name: str) -> float:
        rated, true = quality.get(IDS[name], (0, 0))
        return (true + 9) / (rated + 10)

    for clip, (own, values) in zip(ids, drawn_clips, strict=True):
        score = dict(zip(NAMES, values, strict=True))
        for name in NAMES:
            by = [g for g in own if name in certain(g)]
            if name in own:
                if score[name] == 0:
                    wanted["wrong"][clip, name] = 1.0
                else:
                    odds = (
                        (1 - share(name)) / share(name) * math.sqrt((1 - score[name]) / score[name])
                    )
                    wanted["wrong"][clip, name] = odds / (1 + odds)
                below = [n for n in NAMES if IDS[n] in ONTOLOGY.descendants(IDS[name])]
                best = max((score[n] for n in below), default=0)
                if not own.intersection(below) and best >= 0.5:
                    wanted["unspecified"][clip, name] = best
                continue
            present = score[name]
            if by:
                odds = math.exp(2) * present
                present = odds / (1 - present + odds)
            if by and present < 0.5:
                wanted["implied"][clip, name] = max(map(share, by))
            else:
                wanted["missing"][clip, name] = present
    for kind, pairs in wanted.items():
        got = {pair: value for pair, (value, _) in rows(found, kind).items()}
        assert got == pytest.approx({pair: round(v, 4) for pair, v in pairs.items()}, abs=1e-4)
        values = [value for value, _ in rows(found, kind).values()]
        assert values == sorted(values, reverse=True)


STATES = st.sampled_from(["positive", "negative", "unknown"])


def targets_of(ids: list[str], drawn: list[list[str]], classes: Vocabulary) -> Targets:
    """Targets of rows in these states."""
    states = np.array(drawn)
    bits = [np.packbits(states == state, axis=1) for state in ("positive", "unknown")]
    rows = Annotations.from_dict({str(i): [] for i in range(len(ids))}).clips
    each = np.arange(len(ids), dtype=np.int32)
    made = Targets(rows, classes, each, *bits, np.zeros_like(each))
    return made.renamed(pa.array(ids))


@settings(max_examples=40)
@drawn(clips, st.data())
def test_what_targets_settle_is_left_out(
    drawn_clips: list[tuple[set[str], list[float]]], data: st.DataObject
) -> None:
    ids = [f"c{i}" for i in range(len(drawn_clips))]
    labels = Annotations.from_dict(
        {c: sorted(own) for c, (own, _) in zip(ids, drawn_clips, strict=True)}
    )
    scores = Scores.from_arrays(ids, [values for _, values in drawn_clips], classes=CLASSES)
    covered = load_vocabulary(data.draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True)))
    row = st.lists(STATES, min_size=len(covered), max_size=len(covered))
    framed = [c for c in ids for _ in range(data.draw(st.integers(0, 2)))]
    framed = framed or ids[:1]
    states = [data.draw(row) for _ in framed]
    targets = targets_of(framed, states, covered)

    def taught(clip: str, name: str) -> str:
        own = [s[covered.names.index(name)] for c, s in zip(framed, states, strict=True)
               if c == clip and name in covered.names]  # fmt: skip
        return next((s for s in ("positive", "negative") if s in own), "unknown")

    whole = audit(labels, scores, vocabulary=CLASSES)
    found = audit(labels, scores, targets=targets, vocabulary=CLASSES)
    needs = {"implied": "negative", "missing": "negative", "wrong": "positive",
             "excluded": "positive"}  # fmt: skip
    for kind, state in needs.items():
        before = rows(whole, kind)
        right = {pair: of for pair, of in before.items() if taught(*pair) == state}
        assert list(rows(found, kind).items()) == list(right.items())
        assert found.settled[kind] == len(before) - len(right)
    right = {}
    for clip, name in rows(whole, "unspecified"):
        score = dict(zip(NAMES, drawn_clips[ids.index(clip)][1], strict=True))
        below = [score[n] for n in NAMES if IDS[n] in ONTOLOGY.descendants(IDS[name])
                 and taught(clip, n) == "negative"]  # fmt: skip
        if max(below, default=0) >= 0.5:
            right[clip, name] = max(below)
    assert {pair: value for pair, (value, _) in rows(found, "unspecified").items()} == right
    assert found.without_targets == len(set(ids) - set(framed))
    assert whole.settled == {}


@settings(max_examples=20)
@drawn(clips)
def test_schemes_settle_what_they_are_for(drawn_clips: list[tuple[set[str], list[float]]]) -> None:
    ids = [f"c{i}" for i in range(len(drawn_clips))]
    labels = Annotations.from_dict(
        {c: sorted(own) for c, (own, _) in zip(ids, drawn_clips, strict=True)}
    )
    scores = Scores.from_arrays(ids, [values for _, values in drawn_clips], classes=CLASSES)
    for scheme, kinds in (("weak", set()), ("pel", {"implied"}),
                          ("pe-cml", {"implied", "unspecified"})):  # fmt: skip
        found = audit(labels, scores, targets=expand(labels, scheme), vocabulary=CLASSES)
        assert not kinds & set(found.table["kind"])
        if scheme == "weak":
            assert set(found.settled.values()) == {0}


def test_the_list_fills_up_with_what_is_not_settled() -> None:
    ids = [f"c{i}" for i in range(6)]
    labels = Annotations.from_dict({clip: ["Rain"] for clip in ids})
    values = np.linspace(0.5, 1, 6)[:, None]
    scores = Scores.from_arrays(ids, values, classes=["Speech"])
    speech = load_vocabulary(["Speech"])
    targets = targets_of(ids, [[s] for s in ["negative"] * 4 + ["positive", "unknown"]], speech)
    found = audit(labels, scores, targets=targets, most=3)
    assert [clip for clip, _ in rows(found, "missing")] == ["c3", "c2", "c1"]
    assert found.settled["missing"] == 2
    assert repr(found) == "Audit(3 missing; 2 settled by the targets)"
    soft = expand(scores, "pseudo-strong")  # positive from 0.5 on
    assert audit(labels, scores, targets=soft).table.empty


def test_contradictions_that_are_masked_are_settled() -> None:
    parts = [Annotations.from_dict({"a": own}) for own in (["Rain", "Dog"], ["Rain", "Speech"])]
    labels, classes = Annotations.concat(parts), load_vocabulary(["Rain", "Dog", "Speech"])
    targets = targets_of(["a"], [["positive", "unknown", "positive"]], classes)
    found = audit(labels, targets=targets)
    assert set(rows(found, "contradictory")) == {("a", "Speech")}
    assert found.settled == {"implied": 0, "excluded": 0, "contradictory": 1}


def test_classes_outside_the_vocabulary_imply_those_inside(tmp_path: Path) -> None:
    labels = Annotations.from_dict({"a": ["Bark"], "b": ["Bark", "Rain"], "c": ["Dog"]})
    quality = ClassQuality(Path("q.csv"), "", {"Dog": (10, 0)})
    found = audit(labels, vocabulary=["Animal", "Dog", "Rain"], class_quality=quality).table
    pairs = found[["clip_id", "name", "suspicion"]].values.tolist()
    assert pairs == [["a", "Animal", 0.9], ["a", "Dog", 0.9], ["b", "Animal", 0.9],
                     ["b", "Dog", 0.9], ["c", "Animal", 0.45]]  # fmt: skip
    assert found["evidence"][0] == "implied by a given class outside the vocabulary"
    (path := tmp_path / "q.csv").write_text("label_id,num_rated,num_true\nDog,10,0\n")
    read = audit(labels, vocabulary=["Animal", "Dog", "Rain"], class_quality=path).table
    assert read.equals(found)


def test_labels_with_values_need_a_threshold(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("clip_id,label,value\na,Rain,0.4\n")
    labels = read_labels(path, values="soft")
    for use in (audit, lambda own: compare(own, own)):
        with pytest.raises(OptionError, match="the labels have values, and hard ones are needed"):
            use(labels)
    assert len(audit(read_labels(path, values=0.3)).table) == 1  # Water


def test_targets_of_other_clips_are_refused() -> None:
    labels = Annotations.from_dict({"a": ["Rain"]})
    other = expand(Annotations.from_dict({"z": ["Rain"]}), "weak")
    with pytest.raises(OptionError, match="none of the clips is among those of the targets"):
        audit(labels, targets=other)
    with pytest.raises(InputTypeError, match="targets"):
        audit(labels, targets="t.parquet")  # type: ignore[arg-type]


def test_what_hardly_ever_occurs_together_is_excluded() -> None:
    clips = {f"a{i}": ["Rain"] for i in range(200)} | {f"b{i}": ["Speech"] for i in range(300)}
    labels = Annotations.from_dict({**clips, "c": ["Rain", "Speech"], "d": ["Silence", "Speech"]})
    found = rows(audit(labels, vocabulary=CLASSES), "excluded")
    assert set(found) == {("c", "Rain"), ("d", "Silence")}
    assert found["d", "Silence"][0] == 1
    assert 0.8 < found["c", "Rain"][0] < 1
    assert found["c", "Rain"][1] == "with Speech: 1 clips have both, 120.9 by chance"


def test_rows_of_a_clip_that_differ_are_contradictory() -> None:
    parts = [Annotations.from_dict({"a": own}) for own in (["Rain"], ["Rain", "Speech"], ["Rain"])]
    found = audit(Annotations.concat([*parts, Annotations.from_dict({"b": ["Rain"]})]))
    assert {pair: v for pair, (v, _) in rows(found, "contradictory").items()} == {
        ("a", "Speech"): pytest.approx(0.6667)
    }


def test_unknown_scores_and_clips_without_scores_are_no_evidence() -> None:
    labels = Annotations.from_dict({"a": ["Rain"], "b": ["Rain"], "c": None})
    scores = Scores.from_arrays(["a"], [[0.9]], classes=["Speech"])
    found = audit(labels, scores, vocabulary=CLASSES)
    assert set(rows(found, "missing")) == {("a", "Speech")}
    assert rows(found, "wrong") == {}
    assert set(rows(found, "implied")) == {("a", "Water"), ("b", "Water")}
    with pytest.raises(OptionError, match="none of the clips has scores"):
        audit(Annotations.from_dict({"z": ["Rain"]}), scores)
    with pytest.raises(InputTypeError, match="annotations"):
        audit({"z": ["Rain"]})  # type: ignore[arg-type]


def test_the_most_suspicious_are_kept() -> None:
    labels = Annotations.from_dict({f"c{i}": ["Rain"] for i in range(50)})
    values = np.linspace(0.5, 1, 50)[:, None]
    scores = Scores.from_arrays([f"c{i}" for i in range(50)], values, classes=["Speech"])
    found = rows(audit(labels, scores, most=3), "missing")
    assert [clip for clip, _ in found] == ["c49", "c48", "c47"]


def test_statistics_are_counts() -> None:
    labels = Annotations.from_dict(
        {"a": ["Guitar", "Electric guitar"], "b": ["Electric guitar"], "c": ["Rain"], "d": None}
    )
    found = label_statistics(labels, CLASSES)
    assert found.clips == 3
    assert found.share_of_parents == 1 / 4  # Electric guitar twice, Guitar, Rain
    pairs = found.pairs().set_index(["child", "parent"])["share"].to_dict()
    assert pairs["Electric guitar", "Guitar"] == 0.5
    assert math.isnan(label_statistics(Annotations.from_dict({}), CLASSES).share_of_parents)


@pytest.mark.shared
def test_parents_left_out_of_audioset(shared_data: Path) -> None:

    folder = shared_data / "audioset"
    files = [folder / "balanced_train_segments.csv", folder / "eval_segments.csv"]
    found = label_statistics(read_labels(files), load_vocabulary("audioset"))
    assert found.share_of_parents == pytest.approx(0.37, abs=0.01)


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text('clip_id,labels\na,"Silence;Rain"\nb,Electric guitar\n')
    made = [sys.executable, "-m", "audiolabels", "audit", "l.csv", "-o", "a.csv"]
    done = subprocess.run(made, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 clips; 0.0% of" in done.stdout
    assert "implied                5" in done.stdout
    listed = [*csv.DictReader((tmp_path / "a.csv").read_text("utf-8").splitlines())]
    assert list(listed[0]) == ["clip_id", "id", "name", "kind", "evidence", "suspicion"]
    assert [row["name"] for row in listed if row["kind"] == "excluded"] == ["Silence"]
    (tmp_path / "one.csv").write_text('clip_id,labels\na,"Silence;Rain"\n')
    for command in (["expand", "one.csv", "--scheme", "pel", "-o", "t.parquet"],
                    ["audit", "l.csv", "--targets", "t.parquet", "-o", "b.csv"]):  # fmt: skip
        done = subprocess.run([*made[:3], *command], cwd=tmp_path, capture_output=True, text=True,
                              check=False)  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert "implied                0                         5\n" in done.stdout
    assert "1 clips are not among the targets\n" in done.stdout
    listed = [*csv.DictReader((tmp_path / "b.csv").read_text("utf-8").splitlines())]
    assert [row["kind"] for row in listed] == ["excluded"]

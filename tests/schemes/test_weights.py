"""Weights of targets, against a plain program, through all files, and by laws."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.weights import weigh_evidence, weigh_quality
from strategies import SCHEME_OPTIONS, ontologies, vocabularies

from audiolabels import (
    Annotations,
    SoftTargets,
    Targets,
    expand,
    expand_files,
    export,
    join,
    load_vocabulary,
    read_info,
    read_labels,
    read_targets,
    write_targets,
)
from audiolabels import open as open_source
from audiolabels.clips.names import parse_clip_name
from audiolabels.errors import AudioLabelsError, OptionError
from audiolabels.labels.annotations import LabelSets
from audiolabels.ontology import Ontology, load_mapping
from audiolabels.schemes.class_quality import ClassQuality
from audiolabels.targets.layouts import LAYOUTS, SOFT_LAYOUTS

CLASSES = ["Music", "Bell", "Church bell", "Dog", "Rain"]
VOTES = """\
clip_id,label,presence,annotator
a,Church bell,present,x
a,Church bell,present,y
a,Church bell,absent,z
a,Dog,absent,x
a,Dog,absent,y
b,Rain,present,x
b,Dog,present,y
b,Dog,absent,z
"""


def words(targets: Targets | SoftTargets) -> list[dict[str, str]]:
    target, mask = targets.to_numpy()
    known = np.where(target > 0, "positive", "negative")
    rows = np.where(mask == 0, "unknown", known).tolist()
    return [dict(zip(targets.vocabulary.ids, row, strict=True)) for row in rows]


def weights(targets: Targets | SoftTargets) -> list[dict[str, float]]:
    rows = targets.weights().tolist()
    return [dict(zip(targets.vocabulary.ids, row, strict=True)) for row in rows]


def known(states: dict[str, str], weight: dict[str, float]) -> dict[str, float]:
    return {c: float(np.float16(w)) for c, w in weight.items() if states[c] != "unknown"}


def same_but_for_weights(one: Targets, other: Targets) -> None:
    for mine, theirs in zip(one.to_numpy(), other.to_numpy(), strict=True):
        assert np.array_equal(mine, theirs)
    assert one.clips.equals(other.clips)


Clip = tuple[set[str], set[str], set[str], dict[str, int]]


@st.composite
def clips(draw: st.DrawFn, ontology: Ontology) -> list[Clip]:
    """Classes that are present, absent and unsure, and how many stated something of some."""
    made = []
    for _ in range(draw(st.integers(1, 4))):
        states = draw(
            st.dictionaries(
                st.sampled_from(ontology.ids), st.sampled_from(["+", "-", "?", "+?"]), max_size=6
            )
        )
        parts = [{c for c, state in states.items() if which in state} for which in "+-?"]
        counts = st.just({})
        if states:
            counts = st.dictionaries(st.sampled_from(sorted(states)), st.integers(1, 9))
        made.append((*parts, draw(counts)))
    return made


def labels_of(ontology: Ontology, drawn: list[Clip], which: str) -> Annotations:
    """Annotations with these statements; `which` is judged or rated."""

    def sets(part: list[Any]) -> LabelSets:
        pairs = [(i, ontology.index[c]) for i, own in enumerate(part) for c in own]
        owners, classes = np.array(pairs, np.int64).reshape(-1, 2).T
        values = None
        if which == "rated" and part is counts:
            values = np.array([n for own in part for n in own.values()], np.float32)
        return LabelSets.build(owners, classes, np.ones(len(part), np.bool_), values)

    present, absent, unsure, counts = (list(part) for part in zip(*drawn, strict=True))
    given_ = sets(present)
    held = replace(given_, absent=sets(absent), unsure=sets(unsure), **{which: sets(counts)})
    whole = Annotations.from_dict({f"c{i}": [] for i in range(len(drawn))}, ontology=ontology)
    return replace(whole, sets=held)


@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@pytest.mark.parametrize("by", ["verdicts", "raters"])
@settings(max_examples=30)
@given(data=st.data())
def test_weights_of_verdicts_and_raters_are_those_of_a_plain_program(
    by: str, scheme: str, options: dict[str, str], data: st.DataObject
) -> None:
    ontology = data.draw(ontologies())
    vocabulary, drawn = data.draw(vocabularies(ontology)), data.draw(clips(ontology))
    labels = labels_of(ontology, drawn, {"verdicts": "judged", "raters": "rated"}[by])
    more = {"verdict_weight": "3"} if by == "verdicts" else {}
    plain = expand(labels, scheme, vocabulary=vocabulary, **options)
    made = expand(labels, scheme, vocabulary=vocabulary, weights=by, **more, **options)
    same_but_for_weights(made, plain)
    assert plain.weight is None
    assert (plain.weights() == 1).all()
    for (present, absent, _, counts), states, found in zip(
        drawn, words(made), weights(made), strict=True
    ):
        number = {c: 3.0 if by == "verdicts" else float(n) for c, n in counts.items()}
        right = weigh_evidence(
            ontology.graph,
            states,
            {c: n for c, n in number.items() if c in present},
            {c: n for c, n in number.items() if c in absent},
            scheme,
            options.get("parents", "all"),
        )
        assert known(states, found) == known(states, right)


@pytest.mark.parametrize(("scheme", "options"), SCHEME_OPTIONS)
@settings(max_examples=30)
@given(data=st.data())
def test_weights_of_quality_are_those_of_a_plain_program(
    scheme: str, options: dict[str, str], data: st.DataObject
) -> None:
    ontology = data.draw(ontologies())
    vocabulary, drawn = data.draw(vocabularies(ontology)), data.draw(clips(ontology))
    labels = labels_of(ontology, drawn, "judged")
    counts = st.integers(0, 10).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
    ratings = data.draw(st.dictionaries(st.sampled_from(ontology.ids), counts, min_size=1))
    quality = ClassQuality(Path("q.csv"), "", ratings)
    plain = expand(labels, scheme, vocabulary=vocabulary, **options)
    made = expand(
        labels, scheme, vocabulary=vocabulary, class_quality=quality, weights="quality", **options
    )
    same_but_for_weights(made, plain)
    for (*_, judged), states, found in zip(drawn, words(made), weights(made), strict=True):
        right = weigh_quality(states, ratings, set(judged))
        assert known(states, found) == known(states, right)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "votes.csv").write_text(VOTES)
    (tmp_path / "labels.csv").write_text("clip_id,labels\na,Church bell;Dog\nb,Rain\nc,Dog\n")
    (tmp_path / "verdicts.csv").write_text(
        "clip_id,id,verdict\na,Church bell,present\na,Dog,absent\nc,Dog,unsure\nb,Bell,absent\n"
    )
    (tmp_path / "quality.csv").write_text("label_id,num_rated,num_true\nDog,10,1\nRain,10,10\n")
    (tmp_path / "classes.txt").write_text("\n".join(CLASSES))
    return tmp_path


def inputs(folder: Path) -> list[tuple[str, dict[str, Any], dict[str, Any], list[list[float]]]]:
    """File of labels, how it is read, options of weights, and the weights of pel by hand."""
    labels, votes = "labels.csv", "votes.csv"
    verdicts = {"verdicts": str(folder / "verdicts.csv")}
    quality = {"class_quality": str(folder / "quality.csv"), "weights": "quality"}
    q = float(np.float16(0.95))
    return [
        (labels, {}, quality, [[0.9, 0.9, 0.9, 0.5, 1], [1, 1, 1, 1, q], [1, 1, 1, 0.5, 1]]),
        (labels, verdicts, {"weights": "verdicts"}, [[2, 2, 2, 2, 1], [1, 2, 2, 1, 1], [1] * 5]),
        (
            votes,
            {"raters": "majority"},
            {"weights": "raters"},
            [[3, 3, 3, 2, 1], [1, 1, 1, 1, 1]],
        ),
    ]


@pytest.mark.parametrize("case", [0, 1, 2])
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_files_folders_joins_and_memory_agree(folder: Path, case: int, layout: str) -> None:
    name, reading, options, right = inputs(folder)[case]
    labels, out, parts = folder / name, folder / "out.parquet", f"{folder}/parts/"
    files: dict[str, Any] = {"vocabulary": folder / "classes.txt", "layout": layout}
    files |= reading | options
    expand_files(labels, out, "pel", **files)
    expand_files(labels, parts, "pel", rows_per_part=1, **files)
    (folder / "joint.toml").write_text(
        f'[one]\nlabels = "{name}"\n'
        + "".join(f"{key} = {value!r}\n" for key, value in (reading | options).items())
        + '[two]\nlabels = "labels.csv"\nprefix = "two/"\n'
    )
    whole = folder / "whole.parquet"
    expand_files(folder / "joint.toml", whole, "pel", **{**files, **dict.fromkeys(options)}
                 | dict.fromkeys(reading))  # fmt: skip
    held = read_labels(labels, **reading)
    memory = expand(held, "pel", vocabulary=CLASSES, **options)
    write_targets(memory, folder / "memory.parquet", layout=layout)
    two = {"labels": folder / "labels.csv", "prefix": "two/"}
    one = {"labels": labels, **reading, **options}
    joined = join({"one": one, "two": two}, "pel", vocabulary=CLASSES)
    again = [read_targets(folder / "memory.parquet"), read_targets(parts), read_targets(out)]
    for made in (memory, *again):
        states = made.to_numpy()[1] > 0
        assert np.allclose(np.where(states, made.weights(), 1), right, atol=1e-3)
    for made in (read_targets(whole), joined):
        n = len(right)
        assert np.allclose(made.weights()[:n][made.to_numpy()[1][:n] > 0],
                           np.array(right)[made.to_numpy()[1][:n] > 0], atol=1e-3)  # fmt: skip
        assert (made.weights()[n:] == 1).all()
    assert read_info(out)["weights"] is True
    assert read_info(out)["columns"] == read_info(parts)["columns"]
    assert "weight" not in read_info(out)["columns"]
    assert read_info(out)["options"]["weights"] == options["weights"]
    stored = pq.read_table(out)["weight"].to_pylist()
    if layout == "packed":
        stored = [np.frombuffer(cell, "<f2") for cell in stored]
    if layout == "lists":
        stored = [[dict(own).get(c, 1) for c in range(5)] for own in stored]
        assert 1 not in {w for own in pq.read_table(out)["weight"].to_pylist() for _, w in own}
    assert np.array_equal(np.array(stored, np.float32), again[-1].weights())


@pytest.mark.parametrize("layout", list(SOFT_LAYOUTS))
def test_soft_labels_weigh_by_the_number_of_raters(folder: Path, layout: str) -> None:
    out = folder / "out.parquet"
    expand_files(folder / "votes.csv", out, "pel", vocabulary=folder / "classes.txt",
                 raters="mean", weights="raters", layout=layout)  # fmt: skip
    made = read_targets(out)
    assert isinstance(made, SoftTargets)
    assert made["a"][0].tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 0, 0], abs=1e-3)
    assert made.weights().tolist() == [[3, 3, 3, 2, 1], [1, 1, 1, 2, 1]]
    assert made.take(np.array([1])).weights().tolist() == [[1, 1, 1, 2, 1]]
    assert type(made).concat([made.slice(1, 2), made]).weights()[:, 3].tolist() == [2, 2, 2]


def test_a_floor_masks_only_where_it_is_asked_for_beside_weights(folder: Path) -> None:
    options: dict[str, Any] = {"class_quality": folder / "quality.csv", "weights": "quality"}
    labels = read_labels(folder / "labels.csv")
    soft, hard = (
        expand(labels, "pel", vocabulary=CLASSES, **options, **more)
        for more in ({}, {"quality_floor": 0.5})
    )
    assert soft["c"][0].tolist() == [0, 0, 0, 1, 0]
    assert hard["c"][1].tolist() == [1, 1, 1, 0, 1]
    assert soft.metadata["options"]["quality_floor"] == 0
    assert hard.metadata["options"]["quality_floor"] == 0.5


def test_weights_follow_their_columns_rows_and_parts(folder: Path) -> None:
    labels = read_labels(folder / "labels.csv", verdicts=folder / "verdicts.csv")
    made = expand(labels, "pel", vocabulary=CLASSES, weights="verdicts", verdict_weight=4)
    turned = made.select(load_vocabulary(["Rain", "Dog"]))
    assert turned.weights(slice(0, 1)).tolist() == [[1, 4]]
    assert made.take(np.array([1, 0])).weights().tolist() == made.weights([1, 0]).tolist()
    plain = expand(labels, "pel", vocabulary=CLASSES)
    both = Targets.concat([plain, made])
    assert (both.weights()[:3] == 1).all()
    assert np.array_equal(both.weights()[3:], made.weights())
    table = made.to_arrow()
    assert np.array_equal(np.array(table["weight"].to_pylist()), made.weights())
    assert "weight" not in plain.to_arrow().column_names


@given(data=st.data())
@settings(max_examples=30)
def test_weights_of_ones_own_come_back(tmp_path_factory: Any, data: st.DataObject) -> None:
    ontology = data.draw(ontologies())
    labels = labels_of(ontology, data.draw(clips(ontology)), "judged")
    made = expand(labels, "pel", vocabulary=data.draw(vocabularies(ontology)))
    shape = (len(labels), len(made.vocabulary))
    given_ = np.random.default_rng(data.draw(st.integers(0, 99))).random(shape)
    path = tmp_path_factory.getbasetemp() / "own.parquet"
    for layout in LAYOUTS:
        write_targets(made.with_weights(given_), path, layout=layout)
        found = read_targets(path)
        same_but_for_weights(found, made)
        assert np.array_equal(found.weights(), given_.astype(np.float16).astype(np.float32))
    ones = made.with_weights(1)
    write_targets(ones, path)
    assert (read_targets(path).weights() == 1).all()
    assert np.array_equal(made.with_weights(given_[:1]).weights()[-1], given_[0].astype("f2"))
    assert np.array_equal(
        made.with_weights(given_[:, :1]).weights()[:, -1], given_[:, 0].astype("f2")
    )


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([[1, 2, 3]], r"expected numbers of shape \(3, 5\), \(5,\) or \(3, 1\); got \(1, 3\)"),
        ("heavy", r"weights: expected numbers of shape"),
        (-1, r"weights: give numbers from 0 to 65504"),
        (float("nan"), r"weights: give numbers from 0 to 65504"),
        (1e6, r"weights: give numbers from 0 to 65504"),
        (1e-9, r"0 or above 6e-8"),
    ],
)
def test_weights_that_are_none_are_refused(folder: Path, weight: Any, message: str) -> None:
    made = expand(read_labels(folder / "labels.csv"), "pel", vocabulary=CLASSES)
    with pytest.raises(OptionError, match=message):
        made.with_weights(weight)


@pytest.mark.parametrize("arrays", ["numpy", "torch"])
def test_sources_hand_them_out(folder: Path, arrays: str) -> None:
    out = folder / "out.parquet"
    expand_files(folder / "labels.csv", out, "pel", vocabulary=folder / "classes.txt",
                 verdicts=folder / "verdicts.csv", weights="verdicts")  # fmt: skip
    source = open_source(out, arrays=arrays, weights=True)
    target, mask, weight = source["b"]
    assert (target.tolist(), mask.tolist()) == ([0, 0, 0, 0, 1], [1, 1, 1, 1, 1])
    assert weight.tolist() == [1, 2, 2, 1, 1]
    assert source.take([0, -1]).weight.tolist() == [[2, 2, 2, 2, 1], [1] * 5]
    assert len(open_source(out, arrays=arrays)["b"]) == 2
    write_targets(expand(read_labels(folder / "labels.csv"), "pel"), out)
    assert (open_source(out, arrays=arrays, weights=True)["b"].weight == 1).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "quality"}, r"need a file of label quality \(--class-quality FILE\)"),
        ({"weights": "verdicts"}, r"weights by verdicts need verdicts \(--verdicts FILE"),
        ({"weights": "raters"}, r"weights by raters need labels of raters \(--raters RULE"),
        ({"weights": "votes"}, r"votes"),
        ({"verdict_weight": 2}, r"verdict_weight needs weights by verdicts"),
        (
            {"weights": "verdicts", "verdict_weight": 1e9},
            r"verdict_weight 1000000000\.0: give a number from 0\.001 to 65504",
        ),
    ],
)
def test_options_that_are_refused(folder: Path, options: dict[str, Any], message: str) -> None:
    labels = folder / "labels.csv"
    with pytest.raises(OptionError, match=message):
        expand(read_labels(labels), "pel", **options)
    with pytest.raises(OptionError, match=message):
        expand_files(labels, folder / "out.parquet", "pel", **options)
    assert not (folder / "out.parquet").exists()


def test_exports_state_that_they_hold_none(folder: Path) -> None:
    options: dict[str, Any] = {"class_quality": folder / "quality.csv", "weights": "quality"}
    labels = read_labels(folder / "labels.csv")
    note = "the targets have weights, which this format cannot hold"
    done = export(expand(labels, "pel", **options), "desed", folder / "weak.tsv")
    assert any(text.startswith(note) for text in done.notes)
    done = export(expand(labels, "pel"), "desed", folder / "weak.tsv")
    assert not any(text.startswith(note) for text in done.notes)


def test_a_weight_of_a_class_that_is_none_is_refused(folder: Path) -> None:
    out = folder / "out.parquet"
    labels = read_labels(folder / "labels.csv")
    quality: Any = {"class_quality": folder / "quality.csv", "weights": "quality"}
    write_targets(expand(labels, "pel", **quality), out)
    table = pq.read_table(out)
    odd = pa.array([[(527, np.float16(2))]] * 3, table.schema.field("weight").type)
    place = table.column_names.index("weight")
    pq.write_table(table.set_column(place, table.schema.field("weight"), odd), out)
    with pytest.raises(AudioLabelsError, match=r"out\.parquet: broken: column 527 of 527"):
        read_targets(out)


@pytest.mark.shared
def test_what_vggsounders_raters_weigh(shared_data: Path) -> None:
    """By a plain script, of each positive."""
    path = shared_data / "datasets" / "vggsounder_raters.csv"
    labels = read_labels(path, columns="video=id", raters="mean", mapping="vggsound")
    made = expand(labels, "weak", vocabulary="audioset", weights="raters")
    row = {clip: i for i, clip in enumerate(made.clip_id.to_pylist())}
    column = {id_: i for i, id_ in enumerate(made.vocabulary.ids)}
    mapping, right = load_mapping("vggsound"), dict[tuple[int, int], int]()
    with path.open(newline="") as file:
        for line in (line for line in csv.DictReader(file) if line["modality"] == "audible"):
            votes = [line[f"labeler_{i}"] == "True" for i in range(4) if line[f"labeler_{i}"]]
            clip = row[parse_clip_name(line["id"], of_video=True).clip_id]
            for id_ in mapping.classes(line["label"])["present"] if any(votes) else ():
                if id_ in column:
                    cell = clip, column[id_]
                    right[cell] = max(right.get(cell, 0), len(votes))
    target, weight = made.to_numpy()[0], made.weights()
    assert {tuple(cell): weight[tuple(cell)] for cell in np.argwhere(target > 0).tolist()} == right
    assert set(right.values()) == {1, 2, 3, 4}


def test_a_damaged_column_is_refused(folder: Path) -> None:
    out = folder / "out.parquet"
    labels = read_labels(folder / "labels.csv")
    options: dict[str, Any] = {"class_quality": folder / "quality.csv", "weights": "quality"}
    write_targets(expand(labels, "pel", **options), out)
    table = pq.read_table(out)
    pq.write_table(table.drop_columns(["weight"]), out)
    with pytest.raises(AudioLabelsError, match="columns or rows do not match the metadata"):
        read_targets(out)

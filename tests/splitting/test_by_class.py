"""Base and target domains against a slow oracle, and against the paper's table."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import splitting as oracle

from audiolabels import Annotations, expand, load_vocabulary, read_labels, toy_ontology
from audiolabels.errors import OptionError, UnknownClassError
from audiolabels.splitting.by_class import split_by_root

TOY = toy_ontology()
ALL = load_vocabulary(list(TOY), ontology=TOY)
label_sets = st.one_of(st.none(), st.sets(st.sampled_from(TOY.ids), max_size=4))


def rows_of(annotations: Annotations) -> list[tuple[str, set[str] | None]]:
    found = []
    for row in range(len(annotations)):
        names = annotations.labels(row)
        ids = None if names is None else {annotations.ontology.resolve(name) for name in names}
        found.append((annotations.clip_id[row].as_py(), ids))
    return found


def annotate(rows: list[tuple[str, set[str] | None]]) -> Annotations:
    """Rows of which several may be of one clip."""
    parts = [Annotations.from_dict({clip: labels}, ontology=TOY) for clip, labels in rows]
    return Annotations.concat(parts, TOY)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), label_sets), min_size=1, max_size=8),
    st.sampled_from(TOY.ids),
)
def test_the_split_is_what_the_paper_says(rows: list, root: str) -> None:
    children = {id_: TOY.children(id_) for id_ in TOY}
    base, target, discarded = oracle.split(rows, children, root)
    try:
        split = split_by_root(annotate(rows), root, vocabulary=ALL)
    except OptionError:
        assert not base or not target
        return
    assert rows_of(split.base) == base
    assert rows_of(split.target) == target
    assert split.discarded == discarded
    assert split.rows_dropped == len(rows) - len(base) - len(target)
    assert split.unlabelled == sum(labels is None for _, labels in base)
    assert set(split.target_vocabulary.ids) == {
        c for c in TOY.ids if oracle.is_below(children, root, c)
    }
    assert sorted(split.base_vocabulary.ids + split.target_vocabulary.ids) == sorted(TOY.ids)


def test_parents_of_base_labels_stay_in_the_base() -> None:
    clips = {"a": ["/toy/engine"], "b": ["/toy/church"], "c": ["/toy/electric"]}
    split = split_by_root(Annotations.from_dict(clips, ontology=TOY), "Music", vocabulary=ALL)
    assert rows_of(split.base) == [("a", {"/toy/engine"})]
    above = expand(split.base, "pel", vocabulary=ALL).to_pandas()["positive"][0]
    assert not {TOY.find(name) for name in above} & set(split.target_vocabulary.ids)


def test_a_class_of_two_parents_is_below_both() -> None:
    labels = Annotations.from_dict({"a": ["/toy/church"], "b": ["/toy/engine"]}, ontology=TOY)
    assert rows_of(split_by_root(labels, "Music", vocabulary=ALL).target)[0][0] == "a"
    labels = Annotations.from_dict({"a": ["/toy/church"], "b": ["/toy/guitar"]}, ontology=TOY)
    assert rows_of(split_by_root(labels, "Things", vocabulary=ALL).target)[0][0] == "a"


@pytest.mark.parametrize(
    ("root", "classes"),
    [
        ("Human sounds", 72),
        ("Sounds of things", 176),
        ("Source ambiguous sounds", 55),
        ("Natural sounds", 18),
    ],
)
def test_target_classes_are_as_many_as_in_table_i(root: str, classes: int) -> None:
    labels = Annotations.from_dict(
        {"a": ["Baby laughter"], "b": ["Clang"], "c": ["Bus"], "d": ["Rain"], "e": ["Dog"]}
    )
    split = split_by_root(labels, root)
    assert (len(split.target_vocabulary), len(split.base_vocabulary)) == (classes, 527 - classes)


def test_what_cannot_be_split_is_said() -> None:
    labels = Annotations.from_dict({"a": ["Rain"], "b": ["Dog"]})
    with pytest.raises(UnknownClassError, match="nearest"):
        split_by_root(labels, "Natural sound things")
    with pytest.raises(OptionError, match="no clip has a label of Music or below"):
        split_by_root(labels, "Music")
    with pytest.raises(OptionError, match="0 of the 1 classes"):
        split_by_root(labels, "Rain", vocabulary=load_vocabulary(["Dog"]))
    with pytest.raises(OptionError, match="every clip has a label of Rain or below"):
        split_by_root(Annotations.from_dict({"a": ["Rain"]}), "Rain")


@pytest.mark.shared
def test_real_labels_are_all_accounted_for(shared_data: Path) -> None:
    labels = read_labels(shared_data / "audioset" / "eval_segments.csv")
    split = split_by_root(labels, "Natural sounds")
    assert len(split.base) + len(split.target) == len(labels)

    def count(annotations: Annotations) -> int:
        return sum(len(own or ()) for _, own in rows_of(annotations))

    assert count(split.base) + count(split.target) + split.discarded == count(labels)
    given_to = Counter(clip for side in (split.base, split.target) for clip, _ in rows_of(side))
    assert max(given_to.values()) == 1

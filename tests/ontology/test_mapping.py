"""Mappings: their files, and what labels become by them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles.mapping import annotated_for, mapped
from strategies import ontologies

from audiolabels import load_vocabulary, read_events, read_labels, toy_ontology
from audiolabels.errors import MappingError, UnknownLabelError, VocabularyError
from audiolabels.ontology.mapping import RELATIONS, load_annotated, load_mapping

HEAD = "subject_label\tpredicate_id\tobject_id\tobject_label\n"
TOY = """parrot talking\tskos:broadMatch\t/toy/music
strum\tskos:exactMatch\t/toy/guitar
dishes\tskos:narrowMatch\t/toy/bell
Dishes-and Pots\tskos:exactMatch\t/toy/engine
silence\tskos:exactMatch\tsssom:NoTermFound
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    path = tmp_path / "toy.sssom.tsv"
    path.write_text("#mapping_set_id: toy\n" + HEAD + TOY.replace("\n", "\tx\n"))
    return path


def read(tmp_path: Path, text: str, **options: object):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    return read_labels(path, ontology=toy_ontology(), **options)


def test_labels_become_what_their_relations_state(tmp_path: Path, toy: Path) -> None:
    text = "clip_id,label\na,parrot talking\na,strum\nb,dishes\nc,silence\n"
    labels = read(tmp_path, text, mapping=toy)
    assert [labels.labels(i) for i in range(3)] == [("Music", "Guitar"), (), ()]
    assert labels.sets.unsure is not None
    assert labels.sets.unsure.classes.tolist() == [labels.ontology.index["/toy/bell"]]
    assert labels.annotated == tuple(
        sorted(labels.ontology.index[f"/toy/{c}"] for c in ("guitar", "bell", "engine"))
    )


def test_absent_labels_deny_exact_and_narrower_classes_only(tmp_path: Path, toy: Path) -> None:
    text = "clip_id,label,present\na,parrot talking,0\na,strum,0\na,dishes,0\na,Dishes and pots,1\n"
    labels = read(tmp_path, text, mapping=toy)
    index = labels.ontology.index
    assert labels.labels(0) == ("Engine",)
    assert labels.sets.absent.classes.tolist() == sorted([index["/toy/guitar"], index["/toy/bell"]])


def test_case_and_underscores_matter_only_where_two_labels_differ_in_them(
    tmp_path: Path, toy: Path
) -> None:
    labels = read(tmp_path, "clip_id,label\na,STRUM\na,parrot_Talking\n", mapping=toy)
    assert labels.labels(0) == ("Music", "Guitar")
    assert any("2 labels are found regardless of case" in n for n in labels.report.notes)
    toy.write_text(
        HEAD + "A b\tskos:exactMatch\t/toy/bell\tx\na_b\tskos:exactMatch\t/toy/engine\tx\n"
    )
    with pytest.raises(UnknownLabelError, match="A_B"):
        read(tmp_path, "clip_id,label\na,A_B\n", mapping=toy)
    assert read(tmp_path, "clip_id,label\na,a_b\n", mapping=toy).labels(0) == ("Engine",)


def test_with_a_mapping_other_labels_are_unknown(tmp_path: Path, toy: Path) -> None:
    with pytest.raises(UnknownLabelError, match="Guitar"):
        read(tmp_path, "clip_id,label\na,Guitar\n", mapping=toy)
    lacking = (
        r"labels that mapping toy lacks, in 1 row so far: 'Bell' \(row 3\)\. Correct them, give"
    )
    with pytest.raises(UnknownLabelError, match=lacking):
        read(tmp_path, "clip_id,label\na,strum\na,Bell\n", mapping=toy)
    dropped = read(tmp_path, "clip_id,label\na,Guitar\na,strum\n", mapping=toy, unknown="drop")
    assert dropped.labels(0) == ("Guitar",)


def test_a_file_of_which_no_label_is_known_is_refused(tmp_path: Path, toy: Path) -> None:
    text = "clip_id,label\na,Guitar\nb,Bell\n"
    with pytest.raises(UnknownLabelError, match="no label of the file is known in mapping toy"):
        read(tmp_path, text, mapping=toy, unknown="drop")


def test_events_become_what_their_relations_state(tmp_path: Path, toy: Path) -> None:
    path = tmp_path / "events.tsv"
    path.write_text(
        "filename\tonset\toffset\tevent_label\na\t0\t1\tstrum\na\t1\t2\tdishes\nb\t0\t1\tsilence\n"
    )
    events = read_events(path, ontology=toy_ontology(), mapping=toy, clip_duration=4)
    frame = events.to_pandas()
    assert frame[["label", "state"]].fillna("").values.tolist() == [
        ["Guitar", "present"],
        ["Bell", "unsure"],
        ["", "other"],
    ]
    assert events.labelled.tolist() == [True, True]
    assert events.annotated is not None


@given(data=st.data())
def test_a_mapping_equals_its_definition(data: st.DataObject) -> None:
    ontology = data.draw(ontologies())
    labels = st.sampled_from(["one", "two", "three"])
    row = st.tuples(labels, st.sampled_from([*RELATIONS]), st.sampled_from(ontology.ids))
    rows = data.draw(st.lists(row, min_size=1, max_size=8, unique_by=lambda r: (r[0], r[2])))
    path = Path(data.draw(st.just("x")))
    from audiolabels.ontology.mapping import LabelMapping, Row

    mapping = LabelMapping(str(path), tuple(Row(*r) for r in rows))
    plain = [(label, relation.removeprefix("skos:"), c) for label, relation, c in rows]
    assert set(mapping.covered) == annotated_for(plain)
    for label in mapping.labels:
        found = {state: set(ids) for state, ids in mapping.classes(label).items()}
        positive, unknown, _ = mapped(plain, {label}, set())
        absent = mapped(plain, set(), {label})[2]
        assert found == {"present": positive, "unsure": unknown, "absent": absent}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\n", "no column subject_label, predicate_id, object_id"),
        (HEAD + "a\tskos:exact\t/toy/bell\tx\n", "row 2: predicate_id 'skos:exact'"),
        (HEAD + "a\tskos:exactMatch\t/toy/none\tx\n", "row 2: the ontology has no class"),
        (HEAD + "a\tskos:exactMatch\n", "row 2 has 2 of 4 cells"),
        (HEAD + "\tskos:exactMatch\t/toy/bell\tx\n", "row 2 has no subject_label"),
        (
            HEAD + "a\tskos:exactMatch\t/toy/bell\tx\na\tskos:broadMatch\t/toy/bell\tx\n",
            "row 3: 'a' has two relations",
        ),
        (
            "predicate_modifier\t" + HEAD + "Not\ta\tskos:exactMatch\t/toy/bell\tx\n",
            "row 2: predicate_modifier 'Not': relations that do not hold are not read",
        ),
        (
            '#other: "annotated=all"\n' + HEAD + "a\tskos:exactMatch\t/toy/bell\tx\n",
            "annotated=all in the slot other: only none is read",
        ),
    ],
)
def test_broken_mappings_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "broken.tsv"
    path.write_text(text)
    with pytest.raises(MappingError, match=message):
        load_mapping(path, ontology=toy_ontology())


def test_no_such_coverage_is_refused_with_what_there_is(tmp_path: Path) -> None:
    match = "'dessed' is neither 'none', nor a named mapping .*; did you mean 'desed'"
    with pytest.raises(VocabularyError, match=match):
        read(tmp_path, "clip_id,label\na,Dog\n", annotated="dessed")


def test_a_name_that_misses_suggests_the_nearest() -> None:
    with pytest.raises(MappingError, match="did you mean 'desed'"):
        load_mapping("dsed")


def test_what_was_annotated_is_a_mapping_a_vocabulary_a_file_or_none(tmp_path: Path) -> None:
    ontology = toy_ontology()
    path = tmp_path / "classes.txt"
    path.write_text("Bell\nGuitar\n")
    assert load_annotated(path, ontology) == ("classes.txt", {"/toy/bell", "/toy/guitar"})
    assert load_annotated("none", ontology) == ("none", frozenset())
    embedded = load_vocabulary("audioset")
    from audiolabels import load_ontology

    name, ids = load_annotated("audioset", load_ontology().with_supplement())
    assert (name, len(ids)) == ("audioset", len(embedded))

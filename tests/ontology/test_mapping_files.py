"""The embedded mappings of data sets: form, labels, and what VGGSounder shows of VGGSound's."""

import csv
from collections import Counter, defaultdict
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import pytest

from audiolabels import load_ontology, load_vocabulary
from audiolabels.ontology.embedded import ontology_folder

COLUMNS = "subject_label predicate_id object_id object_label mapping_justification comment".split()
RELATIONS = tuple(f"skos:{name}Match" for name in ("exact", "broad", "narrow", "close"))
COVERING = ("skos:exactMatch", "skos:narrowMatch")
NO_CLASS = "sssom:NoTermFound"
LABELS = {
    "desed": 10,
    "esc50": 50,
    "fsdkaggle2018": 41,
    "fsdkaggle2019": 80,
    "maestro": 17,
    "openmic": 20,
    "sonyc-ust": 38,
    "urbansound8k": 10,
    "vggsound": 309,
}
ONTOLOGY = load_ontology()
NAMES = dict(zip(load_vocabulary("ontology").ids, load_vocabulary("ontology").names, strict=True))


class Row(NamedTuple):
    subject_label: str
    predicate_id: str
    object_id: str
    object_label: str
    mapping_justification: str
    comment: str


def lines(name: str) -> tuple[list[str], list[str]]:
    text = (ontology_folder() / "mappings" / f"{name}.sssom.tsv").read_bytes().decode("utf-8")
    assert "\r" not in text
    assert text.endswith("\n")
    header = [line for line in text.splitlines() if line.startswith("#")]
    return header, text.splitlines()[len(header) :]


def rows(name: str) -> list[Row]:
    head, *table = lines(name)[1]
    assert head.split("\t") == COLUMNS
    return [Row(*line.split("\t")) for line in table]


def classes(name: str) -> dict[str, dict[str, str]]:
    """Ids of the classes of each label, with the relation."""
    found: dict[str, dict[str, str]] = {row.subject_label: {} for row in rows(name)}
    for row in rows(name):
        if row.object_id != NO_CLASS:
            found[row.subject_label][row.object_id] = row.predicate_id
    return found


def test_which_mappings_there_are() -> None:
    paths = (ontology_folder() / "mappings").iterdir()
    assert {path.name for path in paths} == {f"{name}.sssom.tsv" for name in LABELS}


@pytest.mark.parametrize("name", LABELS)
def test_header_states_what_is_mapped_and_under_which_licence(name: str) -> None:
    keys = {line[1:].split(":")[0] for line in lines(name)[0]}
    slots = "curie_map license mapping_set_description mapping_set_id object_source subject_source"
    assert keys >= {*slots.split(), "subject_type"}


@pytest.mark.parametrize("name", LABELS)
def test_every_label_has_rows(name: str) -> None:
    assert len({row.subject_label for row in rows(name)}) == LABELS[name]
    assert all(row.subject_label == row.subject_label.strip() != "" for row in rows(name))


@pytest.mark.parametrize("name", LABELS)
def test_rows_are_in_the_ontology_under_its_names_and_have_a_reason(name: str) -> None:
    for row in rows(name):
        assert row.predicate_id in RELATIONS, row
        if row.object_id == NO_CLASS:
            assert (row.predicate_id, row.object_label) == ("skos:exactMatch", ""), row
        else:
            assert NAMES[row.object_id] == row.object_label, row
        assert row.mapping_justification == "semapv:ManualMappingCuration", row
        assert row.comment.strip(), row


@pytest.mark.parametrize("name", LABELS)
def test_a_label_has_one_relation_to_a_class_and_none_if_no_class_fits(name: str) -> None:
    pairs = Counter((row.subject_label, row.object_id) for row in rows(name))
    assert [pair for pair, times in pairs.items() if times > 1] == []
    labels = Counter(row.subject_label for row in rows(name))
    assert all(labels[label] == 1 for label, object_id in pairs if object_id == NO_CLASS)


@pytest.mark.parametrize("name", LABELS)
def test_a_label_is_not_exactly_a_class_and_its_ancestor(name: str) -> None:
    for label, given in classes(name).items():
        exact = [id_ for id_, relation in given.items() if relation == "skos:exactMatch"]
        for one, other in permutations(exact, 2):
            assert one not in ONTOLOGY.ancestors(other), label


@pytest.mark.parametrize("name", LABELS)
def test_what_a_label_surely_implies_is_not_left_open_by_it(name: str) -> None:
    for label, given in classes(name).items():
        narrower = {id_ for id_, relation in given.items() if relation == "skos:narrowMatch"}
        for id_ in given.keys() - narrower:
            assert not ONTOLOGY.dominators(id_) & narrower, label


@pytest.mark.parametrize("name", LABELS)
def test_a_label_leaves_no_class_absent_above_one_that_it_may_mean(name: str) -> None:
    mapped = classes(name)
    covered = {
        id_ for given in mapped.values() for id_, relation in given.items() if relation in COVERING
    }
    for label, given in mapped.items():
        for id_ in given:
            assert not (ONTOLOGY.ancestors(id_) & covered) - given.keys(), (label, NAMES[id_])


@pytest.mark.parametrize("name", LABELS)
def test_an_exact_class_outside_the_527_has_another_row_within(name: str) -> None:
    weak = set(load_vocabulary("audioset").ids)
    within = {row.subject_label for row in rows(name) if row.object_id in weak}
    outside = {
        row.subject_label
        for row in rows(name)
        if row.predicate_id == "skos:exactMatch" and row.object_id not in weak | {NO_CLASS}
    }
    assert outside <= within


REAL = {
    "desed": ("desed_public.tsv", "event_label"),
    "esc50": ("esc50.csv", "category"),
    "openmic": ("openmic_labels.csv", "instrument"),
    "urbansound8k": ("UrbanSound8K.csv", "class"),
    "vggsound": ("vggsounder.csv", "label"),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_labels_are_those_of_the_real_file(shared_data: Path, name: str) -> None:
    file, column = REAL[name]
    with (shared_data / "datasets" / file).open(encoding="utf-8", newline="") as text:
        table = csv.DictReader(text, delimiter="\t" if file.endswith(".tsv") else ",")
        found = {cells[column] for cells in table}
    assert found == {row.subject_label for row in rows(name)}


def original_labels(shared_data: Path) -> dict[str, str]:
    path = shared_data / "datasets" / "vggsound_test.csv"
    with path.open(encoding="utf-8", newline="") as text:
        return {video.removesuffix(".mp4"): label for video, label in csv.reader(text)}


@pytest.mark.shared
def test_labels_of_files_without_header(shared_data: Path) -> None:
    labels = set(original_labels(shared_data).values())
    assert labels == {row.subject_label for row in rows("vggsound")}
    text = (shared_data / "datasets" / "maestro_cafe_14.txt").read_text("utf-8")
    some = {line.split("\t")[2] for line in text.splitlines()}
    assert some <= {row.subject_label for row in rows("maestro")}


@pytest.mark.shared
def test_what_vggsound_leaves_out_is_absent_by_its_new_annotation(shared_data: Path) -> None:
    """Of the absences that follow from VGGSound's one label per clip, few are refuted."""
    mapped = classes("vggsound")
    present = {
        label: {id_ for id_, relation in given.items() if relation != "skos:narrowMatch"}
        for label, given in mapped.items()
    }
    covered = {
        id_ for given in mapped.values() for id_, relation in given.items() if relation in COVERING
    }
    heard = defaultdict[str, set[str]](set)
    with (shared_data / "datasets" / "vggsounder.csv").open(encoding="utf-8", newline="") as text:
        for cells in csv.DictReader(text):
            if cells["modality"] != "V":
                heard[cells["video_id"]] |= present[cells["label"]]
    absent, wrong = Counter[str](), Counter[str]()
    for video, label in original_labels(shared_data).items():
        if video in heard:
            absent.update(covered - mapped[label].keys())
            wrong.update((covered - mapped[label].keys()) & heard[video])
    assert absent.total() > 1_000_000
    assert wrong.total() < 0.0025 * absent.total()
    assert max(wrong[id_] / absent[id_] for id_ in covered) < 0.015

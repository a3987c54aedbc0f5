"""Proposals for a mapping: which classes labels may mean, and the drafts that hold them."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ontologies

from audiolabels import load_ontology, toy_ontology
from audiolabels.errors import MappingError, OptionError
from audiolabels.ontology import Ontology, OntologyClass
from audiolabels.ontology.mapping import check_mapping, load_draft, load_mapping
from audiolabels.ontology.mapping_proposals import COLUMNS, HEADER, propose, write_draft
from audiolabels.readers.label_lists import list_labels

ONTOLOGY = load_ontology().with_supplement()
texts = st.text(max_size=20) | st.sampled_from(["class_0", "CLASS 1", "a Class 2", "Classes, 3"])


def names(label: str) -> list[tuple[str, str, float]]:
    """Class, relation without prefix and score of each proposal."""
    found = propose([label], ONTOLOGY)[label]
    return [
        (ONTOLOGY.name(p.class_id), p.relation.removeprefix("skos:"), p.confidence) for p in found
    ]


@pytest.mark.parametrize(
    ("label", "name", "score"),
    [
        ("Vacuum cleaner", "Vacuum cleaner", 1.0),
        ("/m/0d31p", "Vacuum cleaner", 1.0),
        ("vacuum cleaner", "Vacuum cleaner", 0.99),
        ("vacuum-Cleaner", "Vacuum cleaner", 0.98),
        ("Vacuum_cleaners", "Vacuum cleaner", 0.95),
        ("drum kits", "Drum kit", 0.95),
        ("firework", "Fireworks", 0.95),
    ],
)
def test_equal_names_are_exact(label: str, name: str, score: float) -> None:
    assert names(label) == [(name, "exactMatch", score)]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("airplane", ("Fixed-wing aircraft, airplane", "", 0.9)),
        ("revving", ("Accelerating, revving, vroom", "", 0.9)),
        ("cat meowing", ("Meow", "", 0.4)),
        ("gun_shot", ("Gunshot, gunfire", "", 0.75)),
    ],
)
def test_other_classes_are_left_open(label: str, expected: tuple[str, str, float]) -> None:
    assert expected in names(label)
    assert all(not relation for _, relation, _ in names(label))


def test_a_name_of_several_classes_is_left_open() -> None:
    twins = Ontology(
        [OntologyClass("/1", "Bell"), OntologyClass("/2", "bells"), OntologyClass("/3", "Bell")]
    )
    found = propose(["Bell", "bells", "BELLS"], twins)
    assert [(p.class_id, p.relation) for p in found["Bell"]] == [("/1", ""), ("/3", "")]
    assert found["Bell"][0].reason == "same name, as 2 classes have"
    assert [(p.class_id, p.relation) for p in found["bells"]] == [("/2", "skos:exactMatch")]
    assert [p.class_id for p in found["BELLS"]] == ["/2"]


def test_nothing_similar_is_no_proposal() -> None:
    assert propose(["xyzzy", ""], ONTOLOGY) == {"xyzzy": (), "": ()}


@given(ontology=ontologies(), labels=st.lists(texts, max_size=6))
def test_proposals_are_classes_in_the_order_of_their_scores(
    ontology: Ontology, labels: list[str]
) -> None:
    found = propose(labels, ontology)
    assert [*found] == [*dict.fromkeys(labels)]
    assert found == propose(labels[::-1], ontology)
    for own in found.values():
        assert [p.class_id for p in own] == [*dict.fromkeys(p.class_id for p in own)]
        assert all(p.class_id in ontology and 0 < p.confidence <= 1 for p in own)
        keys = [(-p.confidence, ontology.index[p.class_id]) for p in own]
        assert keys == sorted(keys)
        assert sum(bool(p.relation) for p in own) == (len(own) if own and own[0].relation else 0)


def test_every_name_is_found_first() -> None:
    own = [*((c.name, c.id) for c in ONTOLOGY.classes), *ONTOLOGY.display_names]
    found = propose([name for name, _ in own], ONTOLOGY)
    for name, id_ in own:
        assert id_ in [p.class_id for p in found[name] if p.confidence == 1.0]
        assert ONTOLOGY.resolve(name) in (None, found[name][0].class_id)


def test_a_draft_is_a_mapping_once_it_is_decided(tmp_path: Path) -> None:
    toy, path = toy_ontology(), tmp_path / "draft.sssom.tsv"
    labels = ["electric_guitar", "bell ringing", "#1", 'a "quoted" one', "church, tower"]
    assert write_draft(path, propose(labels, toy), toy) == 5
    with pytest.raises(MappingError, match=r"draft.sssom.tsv: 4 rows are undecided, .*'bell ringi"):
        load_mapping(path, ontology=toy)
    draft = load_draft(path, ontology=toy)
    assert [row.label for row in draft.rows + draft.undecided] == labels
    assert check_mapping(draft, [*labels, "Rain"])[:3] == (("Rain",), tuple(labels[1:]), ())
    text = path.read_text()
    rows = [*csv.reader(text.splitlines()[len(HEADER) :], delimiter="\t")]
    assert rows[0] == [
        *("electric_guitar", "skos:exactMatch", "/toy/electric", "Electric guitar"),
        *("semapv:LexicalMatching", "0.98", "same name but for case, underscores and hyphens"),
    ]
    assert rows[2] == ["#1", *[""] * 6]
    assert text.splitlines()[len(HEADER) - 1].split("\t") == [*COLUMNS]
    decided = [line.replace("\t\t/toy", "\tskos:closeMatch\t/toy") for line in text.splitlines()]
    decided = [line for line in decided if "\t\t\t" not in line]
    path.write_text("\n".join(decided) + "\n")
    mapping = load_mapping(path, ontology=toy)
    assert mapping.classes("bell ringing")["present"] == ("/toy/bell",)
    assert mapping.covered == {"/toy/electric"}


def test_a_draft_replaces_no_file(tmp_path: Path) -> None:
    path = tmp_path / "draft.sssom.tsv"
    path.write_text("decisions")
    with pytest.raises(OptionError, match="exists already, perhaps with decisions"):
        write_draft(path, propose(["Dog"], ONTOLOGY), ONTOLOGY)
    assert path.read_text() == "decisions"


@pytest.mark.parametrize("label", ["two\nlines", " Dog", "a\u2028b", ""])
def test_labels_that_no_row_can_hold_are_refused(tmp_path: Path, label: str) -> None:
    with pytest.raises(MappingError, match="no line breaks or outer spaces"):
        write_draft(tmp_path / "draft.sssom.tsv", propose([label], ONTOLOGY), ONTOLOGY)
    assert not list(tmp_path.iterdir())


@given(labels=st.lists(st.text(min_size=1, max_size=8), max_size=5, unique=True))
def test_drafts_keep_labels(tmp_path_factory: pytest.TempPathFactory, labels: list[str]) -> None:
    path = tmp_path_factory.mktemp("draft") / "draft.sssom.tsv"
    labels = [x for x in labels if x == x.strip() and len(x.splitlines()) == 1]
    write_draft(path, propose(labels, ONTOLOGY), ONTOLOGY)
    draft = load_draft(path, ontology=ONTOLOGY)
    assert {row.label for row in draft.rows + draft.undecided} == set(labels)


def test_check_lists_what_is_open(tmp_path: Path) -> None:
    found = check_mapping(load_mapping("esc50"), ["dog", "Pouring water", "Rain stick"])
    assert found.missing == ("Rain stick",)
    assert found.undecided == ()
    assert len(found.unused) == 48
    assert found.shared[ONTOLOGY.find("Rain")] == ("rain", "thunderstorm")
    assert check_mapping(load_mapping("esc50")).unused == ()


# Of each data set: labels; those that names alone decide, and of these those that a person mapped
# to the same class exactly; those whose proposals have the class that a person found exact.
AGREEMENT = {
    "vggsound": ("vggsound_test.csv", 309, 30, 25, 162),
    "esc50": ("esc50.csv", 50, 24, 22, 31),
    "urbansound8k": ("UrbanSound8K.csv", 10, 3, 3, 9),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", AGREEMENT)
def test_proposals_agree_with_the_mappings_made_by_hand(shared_data: Path, name: str) -> None:
    file, *expected = AGREEMENT[name]
    labels, _ = list_labels(shared_data / "datasets" / file, ontology=ONTOLOGY)
    mapping = load_mapping(name)
    assert set(labels) == set(mapping.labels)
    exact = {(row.label, row.class_id) for row in mapping.rows if row.relation == "skos:exactMatch"}
    found = propose(labels, ONTOLOGY)
    decided = [(label, own[0].class_id) for label, own in found.items() if own and own[0].relation]
    hits = sum(any((label, p.class_id) in exact for p in own) for label, own in found.items())
    assert [len(labels), len(decided), len(exact.intersection(decided)), hits] == expected

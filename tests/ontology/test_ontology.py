import json
import pickle
from collections import Counter
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from strategies import ontologies

from audiolabels import load_ontology, load_vocabulary, toy_ontology
from audiolabels.errors import OntologyError, UnknownClassError
from audiolabels.ontology.graph import OntologyClass
from audiolabels.ontology.ontology import Ontology

ONTOLOGY = load_ontology()
EXTENDED = ONTOLOGY.with_supplement()


def entry(id_: str, *children: str, name: str | None = None) -> OntologyClass:
    return OntologyClass(id_, name or id_, children)


def test_size_of_the_graph() -> None:
    assert len(ONTOLOGY) == 632
    assert ONTOLOGY.edge_count == 670
    assert len(ONTOLOGY.roots) == 7
    assert len(ONTOLOGY.leaves) == 474
    assert nx.dag_longest_path_length(ONTOLOGY.graph) == 5


def test_flags() -> None:
    flags = Counter(flag for c in ONTOLOGY.classes for flag in c.flags)
    assert flags == {"abstract": 23, "blacklist": 67}
    assert sum(len(c.flags) == 2 for c in ONTOLOGY.classes) == 1
    weak = load_vocabulary("audioset")
    assert sum("blacklist" in ONTOLOGY[id_].flags for id_ in weak.ids) == 12


def test_classes_of_several_parents() -> None:
    assert sum(len(ONTOLOGY.parents(id_)) > 1 for id_ in ONTOLOGY) == 38
    named = {
        name: {ONTOLOGY.name(p) for p in ONTOLOGY.parents(ONTOLOGY.find(name))}
        for name in ("Hiss", "Bell", "Rattle")
    }
    assert named == {
        "Hiss": {"Cat", "Snake", "Steam", "Onomatopoeia"},
        "Bell": {"Musical instrument", "Sounds of things"},
        "Rattle": {"Snake", "Onomatopoeia"},
    }


@pytest.mark.shared
def test_official_file_gives_the_same_graph(shared_data: Path) -> None:
    official = load_ontology(shared_data / "audioset" / "ontology.json")
    assert official.classes == ONTOLOGY.classes
    assert official.digest == ONTOLOGY.digest
    assert nx.utils.graphs_equal(official.graph, ONTOLOGY.graph)


@given(ontologies())
def test_relations_agree_with_networkx(ontology: Ontology) -> None:
    graph = nx.DiGraph(ontology.graph)
    graph.add_edges_from(("top", root) for root in ontology.roots)
    immediate = nx.immediate_dominators(graph, "top")
    for id_ in ontology:
        assert ontology.ancestors(id_) == nx.ancestors(ontology.graph, id_)
        assert ontology.descendants(id_) == nx.descendants(ontology.graph, id_)
        chain, above = set(), immediate[id_]
        while above != "top":
            chain.add(above)
            above = immediate[above]
        assert ontology.dominators(id_) == chain


@given(ontologies())
def test_digest_ignores_order(ontology: Ontology) -> None:
    backwards = Ontology(
        OntologyClass(c.id, c.name, c.children[::-1], c.flags) for c in reversed(ontology.classes)
    )
    assert backwards.digest == ontology.digest


def test_digest_sees_a_changed_edge() -> None:
    assert toy_ontology().digest != Ontology(toy_ontology().classes[1:]).digest


def test_graph_cannot_be_changed() -> None:
    with pytest.raises(nx.NetworkXError, match="Frozen"):
        ONTOLOGY.graph.add_node("new")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<html>", "not valid JSON"),
        ("{}", "expected a list of classes"),
        ("[]", "expected a list of classes"),
        ('{"data": [{"wav": "a.wav", "labels": "/m/a"}]}', "expected a list of classes"),
        ("[1]", "entry 1 is not a class"),
        ('[{"id": "/a", "name": "A", "child_ids": "/b"}]', "entry 1 is not a class"),
        ('[{"id": "/a", "name": "A", "child_ids": [1]}]', "entry 1 is not a class"),
        ("[" * 100_000, "not valid JSON"),
    ],
)
def test_wrong_json_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "ontology.json"
    path.write_text(text)
    with pytest.raises(OntologyError, match=message):
        load_ontology(path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OntologyError, match=r"gone\.json: cannot be read"):
        load_ontology(tmp_path / "gone.json")


@pytest.mark.shared
def test_ontology_with_a_broken_id_names_it(shared_data: Path) -> None:
    with pytest.raises(OntologyError, match="'Human locomotion'"):
        load_ontology(shared_data / "messy" / "34_ontology_broken_id.json")


def test_own_json_form_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    facts = [
        {"id": "/a", "name": "A", "children": ["/b"]},
        {"id": "/b", "name": "B", "children": []},
    ]
    path.write_text(json.dumps({"classes": facts}))
    assert load_ontology(path).descendants("/a") == {"/b"}


def test_supplement_adds_leaves_only() -> None:
    added = EXTENDED.ids[len(ONTOLOGY) :]
    assert len(added) == 31
    assert all(not EXTENDED.children(id_) and len(EXTENDED.parents(id_)) == 1 for id_ in added)
    for id_ in ONTOLOGY:
        assert EXTENDED.ancestors(id_) == ONTOLOGY.ancestors(id_)
        assert EXTENDED.descendants(id_) - set(added) == ONTOLOGY.descendants(id_)
        assert EXTENDED.dominators(id_) == ONTOLOGY.dominators(id_)
    assert EXTENDED.with_supplement().digest == EXTENDED.digest


def test_supplement_leaves_a_foreign_ontology_alone() -> None:
    assert toy_ontology().with_supplement().classes == toy_ontology().classes


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("/m/02sgy", "Electric guitar"),
        ("Electric guitar", "Electric guitar"),
        ("/t/dd00138", "Brief tone"),
        ("Stream, river", "Stream"),  # the strong labels' name
        ("Accelerating_and_revving_and_vroom", "Accelerating, revving, vroom"),  # FSD50K's
        ("Washing machine", "Washing machine"),  # in the supplement
    ],
)
def test_labels_resolve_by_id_alias_and_exact_name(label: str, name: str) -> None:
    resolved = EXTENDED.resolve(label)
    assert resolved is not None
    assert EXTENDED.name(resolved) == name


@pytest.mark.parametrize("label", ["electric guitar", "Electric  guitar", "Tender", "", "/m/02sg"])
def test_labels_do_not_resolve_by_likeness(label: str) -> None:
    assert EXTENDED.resolve(label) is None


def test_every_class_is_found_by_its_own_name() -> None:
    assert all(EXTENDED.find(c.name) == c.id for c in EXTENDED.classes)


@pytest.mark.parametrize("text", ["ELECTRIC GUITAR", " electric_guitar ", "Electric-guitar"])
def test_finding_forgives(text: str) -> None:
    assert ONTOLOGY.find(text) == "/m/02sgy"


def test_finding_takes_a_part_of_a_name() -> None:
    assert ONTOLOGY.name(ONTOLOGY.find("gunfire")) == "Gunshot, gunfire"


def test_finding_suggests_the_nearest() -> None:
    with pytest.raises(UnknownClassError, match="no class matches 'Gitar'; the nearest: Guitar"):
        ONTOLOGY.find("Gitar")


def test_finding_says_when_nothing_is_near() -> None:
    with pytest.raises(UnknownClassError, match=r"no class matches 'qqqq'$"):
        ONTOLOGY.find("qqqq")


def test_finding_refuses_to_choose() -> None:
    twins = Ontology([entry("/a", name="Ring, bell"), entry("/b", name="Ring, phone")])
    with pytest.raises(UnknownClassError, match=r"not one class; give an id: .*/a.*/b"):
        twins.find("ring")


def test_an_unknown_id_is_an_error_of_the_library() -> None:
    with pytest.raises(UnknownClassError, match="no class has the id 'Guitar'"):
        ONTOLOGY.ancestors("Guitar")


def test_html_shows_the_roots() -> None:
    page = ONTOLOGY._repr_html_()
    assert all(ONTOLOGY.name(root) in page for root in ONTOLOGY.roots)


def test_ontologies_travel_to_other_processes() -> None:
    there = pickle.loads(pickle.dumps(EXTENDED))
    assert there.digest == EXTENDED.digest
    assert there.resolve("/t/dd00138") == "/t/dd000138"


def test_a_name_of_two_classes_is_neither() -> None:
    twins = Ontology([entry("/a", name="Bell"), entry("/b", name="Bell")])
    assert twins.resolve("Bell") is None
    with pytest.raises(UnknownClassError, match="not one class"):
        twins.find("bell")

"""Graphs of classes that are refused."""

import pytest

from audiolabels.errors import OntologyError
from audiolabels.ontology.graph import OntologyClass
from audiolabels.ontology.ontology import Ontology


def entry(id_: str, *children: str, name: str | None = None) -> OntologyClass:
    return OntologyClass(id_, name or id_, children)


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([entry("/a", "/b"), entry("/b", "/c"), entry("/c", "/b")], r"cycles: /b \(/b\) > /c"),
        ([entry("/a", "/a")], r"cycles: /a \(/a\)"),
        ([entry("/a", "/gone")], r"no class of the file: '/gone' \(child of /a\)"),
        ([entry("/a"), entry("/a")], "more than once: /a"),
        ([entry("/a", "/b", "/b"), entry("/b")], "list a child twice: /a"),
        ([entry("Human locomotion")], "malformed ids .*'Human locomotion'"),
        ([entry("")], "malformed ids .*''"),
        ([entry("/m/a,b")], "malformed ids .*'/m/a,b'"),
    ],
)
def test_broken_graphs_name_the_offenders(classes: list[OntologyClass], message: str) -> None:
    with pytest.raises(OntologyError, match=message):
        Ontology(classes)


def test_two_cycles_are_both_named() -> None:
    classes = [entry("/a", "/b"), entry("/b", "/a"), entry("/c", "/d"), entry("/d", "/c")]
    with pytest.raises(OntologyError, match=r"/a \(/a\).*, /c \(/c\)"):
        Ontology(classes)

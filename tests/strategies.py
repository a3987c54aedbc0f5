"""Random ontologies, label sets and vocabularies for hypothesis."""

from hypothesis import strategies as st

from audiolabels import Annotations, Ontology, Vocabulary
from audiolabels.graph import OntologyClass

SCHEME_OPTIONS = [("weak", {})] + [
    (scheme, {"parents": parents})
    for scheme in ("pel", "pe-cml")
    for parents in ("all", "unambiguous", "certain")
]


@st.composite
def ontologies(draw: st.DrawFn, most: int = 12) -> Ontology:
    """A random acyclic graph: each class may have any earlier classes as parents."""
    count = draw(st.integers(1, most))
    children: list[list[int]] = [[] for _ in range(count)]
    for child in range(1, count):
        for parent in draw(st.sets(st.integers(0, child - 1), max_size=3)):
            children[parent].append(child)
    order = draw(st.permutations(range(count)))
    return Ontology(
        OntologyClass(f"/x/{i}", f"Class {i}", tuple(f"/x/{c}" for c in children[i])) for i in order
    )


@st.composite
def vocabularies(draw: st.DrawFn, ontology: Ontology) -> Vocabulary:
    chosen = draw(st.lists(st.sampled_from(ontology.ids), min_size=1, unique=True))
    return Vocabulary("drawn", tuple(chosen), tuple(map(ontology.name, chosen)))


@st.composite
def annotations(draw: st.DrawFn, ontology: Ontology, most: int = 8) -> Annotations:
    labels = st.none() | st.lists(st.sampled_from(ontology.ids), max_size=5)
    sets = draw(st.lists(labels, max_size=most))
    return Annotations.from_dict({f"clip {i}": s for i, s in enumerate(sets)}, ontology=ontology)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Annotations, Vocabulary]:
    ontology = draw(ontologies())
    return draw(annotations(ontology)), draw(vocabularies(ontology))

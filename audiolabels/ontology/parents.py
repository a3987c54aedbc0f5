"""The three policies for classes with several parents: which ancestors a class implies.

- `all`: every ancestor over every path. Source: Grzywalski & Botteldooren, §III.A.
- `unambiguous`: in the graph contracted to the vocabulary, its parent, and that one's, while there
  is exactly one. Source: Tuncay et al., ICASSP 2025 ("HLP").
- `certain`: the ancestors on every path to a root (its dominators); its other ancestors are
  unknown. Source: this project.

Deviations: none known. For `unambiguous`, the parents in the contracted graph are the nearest
ancestors in the vocabulary, also of a given class outside the vocabulary.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary


class Implication(NamedTuple):
    """Ancestors that a class implies.

    Attributes:
        implied: ancestors that become positive with the class.
        unsure: ancestors that become unknown, unless another label makes them positive.
    """

    implied: frozenset[str]
    unsure: frozenset[str] = frozenset()


Implications = Mapping[str, Implication]


def _imply_unambiguous(ontology: Ontology, vocabulary: Vocabulary) -> Implications:
    inside = {ontology.resolve(id_) for id_ in vocabulary.ids}
    nearest: dict[str, frozenset[str]] = {}
    implied: dict[str, frozenset[str]] = {}
    for id_ in sorted(ontology, key=lambda i: len(ontology.ancestors(i))):  # parents come first
        parents = ontology.parents(id_)
        nearest[id_] = frozenset().union(*({p} if p in inside else nearest[p] for p in parents))
        only = next(iter(nearest[id_])) if len(nearest[id_]) == 1 else None
        implied[id_] = frozenset() if only is None else implied[only] | {only}
    return {id_: Implication(above) for id_, above in implied.items()}


PARENTS: Mapping[str, Callable[[Ontology, Vocabulary], Implications]] = MappingProxyType(
    {
        "all": lambda ontology, _: {id_: Implication(ontology.ancestors(id_)) for id_ in ontology},
        "unambiguous": _imply_unambiguous,
        "certain": lambda ontology, _: {
            id_: Implication(
                ontology.dominators(id_), ontology.ancestors(id_) - ontology.dominators(id_)
            )
            for id_ in ontology
        },
    }
)
# For schemes that climb only if asked to.
PARENTS_OR_NONE: Mapping[str, Callable[[Ontology, Vocabulary], Implications]] = MappingProxyType(
    {"none": lambda ontology, _: dict.fromkeys(ontology, Implication(frozenset())), **PARENTS}
)

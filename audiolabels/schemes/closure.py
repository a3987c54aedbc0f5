"""The ontology's relations as bit tables, and label sets looked up in them.

Every rule runs on the whole ontology; the vocabulary's classes take the first C columns, so that
cutting the result to the vocabulary is cutting off the other columns.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from audiolabels.annotations import LabelSets
from audiolabels.errors import VocabularyError, shortlist
from audiolabels.ontology import Ontology
from audiolabels.schemes.parents import PARENTS
from audiolabels.vocabulary import Vocabulary

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Closure:
    """What one given class says about every class; row = the class's position in the ontology.

    Attributes:
        columns: C, the number of classes of the vocabulary.
        given: uint64 (K, W): the class itself.
        lifted: the class and the ancestors that become positive with it.
        unsure: the ancestors that become unknown.
        below: its descendants.
    """

    columns: int
    given: Words
    lifted: Words
    unsure: Words
    below: Words

    def union(self, table: Words, sets: LabelSets) -> Words:
        """For each label set, the union of its classes' rows: uint64 (S, W)."""
        return union(table[sets.classes], sets)

    def cut(self, words: Words) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
        """Bits of the vocabulary's columns, uint8 (S, ceil(C / 8)); how many others were set."""
        width = -(-self.columns // 8)
        bits = words.view(np.uint8)[:, :width].copy()
        bits[:, -1] &= np.uint8(0xFF << (-self.columns % 8) & 0xFF)
        lost = np.bitwise_count(words).sum(1, dtype=np.int32)
        return bits, lost - np.bitwise_count(bits).sum(1, dtype=np.int32)


def union(rows: Words, sets: LabelSets) -> Words:
    """Bitwise or of the rows of each set, one row an entry of `sets.classes`: uint64 (S, W)."""
    result = np.zeros((len(sets), rows.shape[1]), np.uint64)
    filled = np.flatnonzero(sets.sizes)
    if len(filled):  # reduceat would give an empty set its neighbour's row
        result[filled] = np.bitwise_or.reduceat(rows, sets.offsets[filled], axis=0)
    return result


@lru_cache(maxsize=16)
def closure(ontology: Ontology, vocabulary: Vocabulary, parents: str) -> Closure:
    """Tables for one ontology, vocabulary and parent policy.

    Raises:
        VocabularyError: the ontology lacks a class of the vocabulary.
    """
    lacking = [id_ for id_ in vocabulary.ids if ontology.resolve(id_) is None]
    if lacking:
        raise VocabularyError(
            f"the ontology lacks {len(lacking)} classes of vocabulary {vocabulary.name!r}: "
            f"{shortlist(lacking)}"
        )
    columns: dict[str, int] = {}
    for id_ in (*vocabulary.ids, *ontology.ids):
        columns.setdefault(ontology.resolve(id_) or id_, len(columns))
    climbs = PARENTS[parents](ontology, vocabulary)

    def table(related: dict[str, frozenset[str]]) -> Words:
        bits = np.zeros((len(ontology), -(-len(ontology) // 64) * 64), np.uint8)
        for id_, others in related.items():
            bits[ontology.index[id_], [columns[other] for other in others]] = 1
        return np.packbits(bits, axis=1).view(np.uint64)

    return Closure(
        columns=len(vocabulary),
        given=table({id_: frozenset([id_]) for id_ in ontology}),
        lifted=table({id_: climbs[id_].lifted | {id_} for id_ in ontology}),
        unsure=table({id_: climbs[id_].unsure for id_ in ontology}),
        below=table({id_: ontology.descendants(id_) for id_ in ontology}),
    )

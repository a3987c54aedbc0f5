"""The ontology's relations as bit tables, and unions of their rows over label sets.

Every rule runs on the whole ontology; the vocabulary's classes take the first C columns, so that
cutting the result to the vocabulary is cutting off the other columns.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from audiolabels.labels.annotations import LabelSets
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.parents import PARENTS_OR_NONE
from audiolabels.ontology.vocabulary import Vocabulary, refuse_lacking

Words = npt.NDArray[np.uint64]


CHUNK = 2048  # sets at a time, so that their rows stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Closure:
    """What a given class implies for every class; a row per class, in the ontology's order.

    Attributes:
        columns: C, the number of classes of the vocabulary.
        column: int64 (K,): the column of each class; those of the vocabulary come first.
        given: uint64 (K, W): the class itself.
        implied: the class and the ancestors that become positive with it.
        unsure: the ancestors that become unknown.
        lifts: the classes without which it is absent: itself and the ancestors that it implies or,
            of the policy `none`, all its ancestors.
        above: all its ancestors, whatever the policy.
        below: its descendants.
        children: its direct ones.
    """

    columns: int
    column: npt.NDArray[np.int64]
    given: Words
    implied: Words
    unsure: Words
    lifts: Words
    above: Words
    below: Words
    children: Words

    def holds(self, words: Words, sets: LabelSets) -> npt.NDArray[np.bool_]:
        """Whether the bits of its own set hold each entry of `sets.classes`: bool (L,)."""
        column = self.column[sets.classes]
        cells = words.view(np.uint8)[sets.owners, column >> 3]
        held: npt.NDArray[np.bool_] = (cells << (column & 7).astype(np.uint8)) & 0x80 != 0
        return held

    def cut(self, words: Words) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
        """Bits of the vocabulary's columns, uint8 (S, ceil(C / 8)); how many others were set."""
        width, whole = -(-self.columns // 8), self.columns // 64
        bits = words.view(np.uint8)[:, :width].copy()
        bits[:, -1] &= np.uint8(0xFF << (-self.columns % 8) & 0xFF)
        others = np.packbits(np.arange(64 * words.shape[1]) >= self.columns).view(np.uint64)
        lost = np.bitwise_count(words[:, whole:] & others[whole:])
        return bits, lost.sum(1, dtype=np.int32)


def union(table: Words, sets: LabelSets) -> Words:
    """For each label set, the union of its classes' rows in a table: uint64 (S, W)."""
    result = np.zeros((len(sets), table.shape[1]), np.uint64)
    if not table.any():
        return result
    # The largest first, so that those with a class after the k-th are the first of a chunk.
    falling = -sets.sizes
    order = np.argsort(falling.astype(np.min_scalar_type(falling.min(initial=-1))), kind="stable")
    for start in range(0, len(order), CHUNK):
        rows = order[start : start + CHUNK]
        sizes, first = -falling[rows], sets.offsets[rows]
        part = np.zeros((len(rows), table.shape[1]), np.uint64)
        for k in range(int(sizes[0])):
            longer = np.count_nonzero(sizes > k)
            part[:longer] |= table.take(sets.classes[first[:longer] + k], axis=0)
        result[rows] = part
    return result


@lru_cache(maxsize=16)
def closure(ontology: Ontology, vocabulary: Vocabulary, parents: str) -> Closure:
    """Tables for one ontology, vocabulary and parent policy.

    Raises:
        VocabularyError: the ontology lacks a class of the vocabulary.
    """
    refuse_lacking(vocabulary, ontology)
    columns: dict[str, int] = {}
    for id_ in (*vocabulary.ids, *ontology.ids):
        columns.setdefault(ontology.resolve(id_) or id_, len(columns))
    climbs = PARENTS_OR_NONE[parents](ontology, vocabulary)

    def table(related: dict[str, frozenset[str]]) -> Words:
        bits = np.zeros((len(ontology), -(-len(ontology) // 64) * 64), np.uint8)
        rows = [ontology.index[id_] for id_, others in related.items() for _ in others]
        bits[rows, [columns[other] for others in related.values() for other in others]] = 1
        return np.packbits(bits, axis=1).view(np.uint64)

    lifted = ontology.ancestors if parents == "none" else lambda id_: climbs[id_].implied
    return Closure(
        columns=len(vocabulary),
        column=np.array([columns[id_] for id_ in ontology], np.int64),
        given=table({id_: frozenset([id_]) for id_ in ontology}),
        implied=table({id_: climbs[id_].implied | {id_} for id_ in ontology}),
        unsure=table({id_: climbs[id_].unsure for id_ in ontology}),
        lifts=table({id_: lifted(id_) | {id_} for id_ in ontology}),
        above=table({id_: ontology.ancestors(id_) for id_ in ontology}),
        below=table({id_: ontology.descendants(id_) for id_ in ontology}),
        children=table({id_: frozenset(ontology.children(id_)) for id_ in ontology}),
    )

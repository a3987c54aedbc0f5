"""The ontology's relations among the columns of a vocabulary, and scores that agree with them.

Relations hold through classes outside the vocabulary too. A class that the ontology lacks is
related to none.

Source: Giunchiglia & Lukasiewicz, "Coherent hierarchical multi-label classification networks",
NeurIPS 2020 (C-HMCNN), §3: the score of a class is the maximum over itself and all below it.
Deviation: none.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary, refuse_lacking

Pairs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
ROWS = 4096  # scored at a time


def descendant_pairs(vocabulary: Vocabulary, ontology: Ontology | None = None) -> Pairs:
    """The column of each class with its own and with those of the classes below it.

    Args:
        vocabulary: C classes.
        ontology: the embedded one with its supplement by default.

    Returns:
        int64 (2, P) in ascending order: columns of classes, and of what is equal or below.

    >>> from audiolabels import load_vocabulary
    >>> guitars = load_vocabulary(["Electric guitar", "Rain", "Guitar"])
    >>> descendant_pairs(guitars).tolist()
    [[0, 1, 2, 2], [0, 1, 0, 2]]
    """
    ontology = default_ontology(ontology)
    ids = [ontology.resolve(id_) or id_ for id_ in vocabulary.ids]
    own = {id_: column for column, id_ in enumerate(ids)}
    found = [
        (column, below)
        for column, id_ in enumerate(ids)
        for below in sorted(
            {column, *(own[d] for d in ontology.descendants(id_) if d in own)}
            if id_ in ontology
            else {column}
        )
    ]
    return np.array(found, np.int64).T


def descendant_table(vocabulary: Vocabulary, ontology: Ontology | None = None) -> Flags:
    """`descendant_pairs` as a table, bool (C, C): whether a column's class is the row's or below.

    Raises:
        VocabularyError: the ontology lacks classes of the vocabulary.
    """
    ontology = default_ontology(ontology)
    refuse_lacking(vocabulary, ontology)
    table = np.zeros((len(vocabulary), len(vocabulary)), np.bool_)
    table[tuple(descendant_pairs(vocabulary, ontology))] = True
    return table


def parent_pairs(table: Flags) -> Pairs:
    """Each class with its parents: the ancestors with no other class of the vocabulary in between.

    Args:
        table: from `descendant_table`.

    Returns:
        int64 (2, P): columns of parents and of their children.
    """
    strict = (table & ~np.eye(len(table), dtype=np.bool_)).astype(np.float32)
    return np.array(np.nonzero((strict > 0) & (strict @ strict == 0)), np.int64)


def coherent_scores(scores: npt.NDArray[Any], pairs: Pairs) -> npt.NDArray[Any]:
    """The highest score of each class and all below it.

    Args:
        scores: (N, C), numbers of any type.
        pairs: from `descendant_pairs`.

    Returns:
        (N, C) of the same type.

    >>> pairs = np.array([[0, 1, 2, 2], [0, 1, 0, 2]])
    >>> coherent_scores(np.array([[0.9, 0.1, 0.2]]), pairs).tolist()
    [[0.9, 0.1, 0.9]]
    """
    classes, below = pairs
    starts = np.searchsorted(classes, np.arange(scores.shape[1]))
    made = np.empty_like(scores)
    for start in range(0, len(scores), ROWS):
        part = slice(start, start + ROWS)
        made[part] = np.maximum.reduceat(scores[part].take(below, axis=1), starts, axis=1)
    return made

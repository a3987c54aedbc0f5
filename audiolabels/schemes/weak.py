"""Weak labels as they are (OL): the given classes are positive, all others negative.

Source: Gemmeke et al., ICASSP 2017. Deviation: an unannotated clip is unknown in every class,
not negative.
"""

from typing import Any

import numpy as np

from audiolabels.labels.annotations import Annotations
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.closure import closure, union
from audiolabels.schemes.label_targets import LabelCounts, make_targets
from audiolabels.schemes.scheme import Expanded, Scheme
from audiolabels.schemes.weights import WeightOptions


def weak(annotations: Annotations, vocabulary: Vocabulary, options: WeightOptions) -> Expanded[Any]:
    """Positive: the given classes. Everything else is negative.

    Args:
        annotations: N clips.
        vocabulary: C classes.
        options: classes whose positives are unknown, and weights.

    Returns:
        Targets of shape (N, C), and counts of labels; of labels with values soft ones, whose value
        for a class is the highest of the labels that make it positive.

    Raises:
        VocabularyError: the annotations' ontology lacks a class of the vocabulary.
    """
    tables = closure(annotations.ontology, vocabulary, "all")
    positive = union(tables.given, annotations.sets)
    none = np.zeros_like(positive)
    return make_targets(annotations, vocabulary, tables, positive, none, options, tables.given)


WEAK = Scheme(
    "weak",
    weak,
    Annotations,
    LabelCounts,
    "given classes positive, all others negative",
    "Gemmeke et al., ICASSP 2017",
    WeightOptions(),
)

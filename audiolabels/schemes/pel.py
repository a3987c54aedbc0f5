"""Parent-expanded labels (PEL): the given classes and their ancestors.

Source: Grzywalski & Botteldooren, "Automatic re-labeling of Google AudioSet", §III.A. The paper's
rule is `parents="all"`. Deviations: the two other policies are offered (see `ontology.parents`); an
unannotated clip is unknown in every class, not negative.
"""

from typing import Any

from audiolabels.labels.annotations import Annotations
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.closure import closure, union
from audiolabels.schemes.label_targets import LabelCounts, ParentOptions, make_targets
from audiolabels.schemes.scheme import Expanded, Scheme


def pel(annotations: Annotations, vocabulary: Vocabulary, options: ParentOptions) -> Expanded[Any]:
    """Positive: the given classes and the ancestors that they imply. Everything else is negative.

    Args:
        annotations: N clips.
        vocabulary: C classes; the rule runs on the whole ontology and is cut to them afterwards.
        options: under `parents="certain"` the ancestors that lie on some paths only are unknown,
            unless another label implies them.

    Returns:
        Targets of shape (N, C), and counts of labels; of labels with values soft ones, whose value
        for a class is the highest of the labels that make it positive.

    Raises:
        VocabularyError: the annotations' ontology lacks a class of the vocabulary.
    """
    tables = closure(annotations.ontology, vocabulary, options.parents)
    positive = union(tables.implied, annotations.sets)
    unsure = union(tables.unsure, annotations.sets)
    return make_targets(annotations, vocabulary, tables, positive, unsure, options, tables.implied)


PEL = Scheme(
    "pel",
    pel,
    Annotations,
    LabelCounts,
    "given classes and their ancestors positive, all others negative",
    "Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet, §III.A",
    ParentOptions(),
)

"""Parent-expanded, children-masked labels (PE-CML).

Source: Grzywalski & Botteldooren, "Automatic re-labeling of Google AudioSet", §III.B. The paper's
rule is `parents="all"`. Deviations: as for PEL.
"""

from typing import Any

import numpy as np

from audiolabels.labels.annotations import Annotations
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.closure import closure, union
from audiolabels.schemes.label_targets import LabelCounts, ParentOptions, make_targets
from audiolabels.schemes.scheme import Expanded, Scheme


def pe_cml(
    annotations: Annotations, vocabulary: Vocabulary, options: ParentOptions
) -> Expanded[Any]:
    """Positives as in PEL. A given class without a given descendant masks all its descendants.

    Parents that were added mask nothing; a positive class is never masked.

    Args:
        annotations: N clips.
        vocabulary: C classes; the rule runs on the whole ontology and is cut to them afterwards,
            so a given class outside the vocabulary counts as a given descendant too.
        options: as of `pel`.

    Returns:
        Targets of shape (N, C), and counts of labels.

    Raises:
        VocabularyError: the annotations' ontology lacks a class of the vocabulary.
    """
    tables = closure(annotations.ontology, vocabulary, options.parents)
    sets = annotations.sets
    both = np.hstack([tables.implied, tables.above])
    positive, above = np.hsplit(union(both, sets), 2)
    # A given class has a given descendant exactly if it is an ancestor of a given class.
    specified = tables.holds(above, sets)
    masked = union(tables.below, sets.keep(~specified)) | union(tables.unsure, sets)
    return make_targets(
        annotations, vocabulary, tables, positive, masked, options, tables.implied, soft=False
    )


PE_CML = Scheme(
    "pe-cml",
    pe_cml,
    Annotations,
    LabelCounts,
    "as pel; descendants of a given class are unknown unless one of them is given",
    "Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet, §III.B",
    ParentOptions(),
)

"""From bits over the whole ontology to targets over a vocabulary, the same for all schemes."""

import numpy as np

from audiolabels.labels.annotations import Annotations
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.closure import Closure, Words
from audiolabels.targets.targets import Targets


def make_targets(
    annotations: Annotations,
    vocabulary: Vocabulary,
    tables: Closure,
    positive: Words,
    masked: Words,
) -> Targets:
    """Targets of the clips, from the bits of their label sets.

    Args:
        annotations: N clips with S label sets.
        vocabulary: C classes.
        tables: the tables that the bits were made with.
        positive, masked: uint64 (S, W), no bit in both.
    """
    masked[~annotations.sets.labelled] = ~np.uint64(0)
    positive_bits, cut = tables.cut(positive)
    masked_bits, _ = tables.cut(masked)
    return Targets(
        annotations.clips,
        vocabulary,
        annotations.set_of_clip,
        positive_bits,
        masked_bits,
        cut,
    )

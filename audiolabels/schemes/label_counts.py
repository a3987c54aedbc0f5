"""Counts over annotations and targets: what a scheme did to the labels."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import weigh
from audiolabels.arrays.totals import Counts
from audiolabels.labels.annotations import LabelSets
from audiolabels.ontology.ontology import Ontology
from audiolabels.targets.targets import Targets


@dataclass
class LabelCounts(Counts):
    """What a scheme did to the labels of N clips; parts add up.

    Attributes:
        clips: number of clips.
        unlabelled: clips of which nobody said anything.
        given: labels given, over all classes.
        given_cut: given labels that the vocabulary has no column for.
        positive: positive targets in the vocabulary.
        positive_cut: positive classes that the vocabulary has no column for.
        masked: unknown targets in the vocabulary, without those of unlabelled clips.
        given_by_class, positive_by_class, masked_by_class: int64 (C,); masked without those of
            unlabelled clips.
    """

    clips: int = 0
    unlabelled: int = 0
    given: int = 0
    given_cut: int = 0
    positive: int = 0
    positive_cut: int = 0
    masked: int = 0
    given_by_class: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    positive_by_class: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    masked_by_class: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass
class RepairCounts(LabelCounts):
    """What a scheme and a teacher did to the labels of N clips; parts add up.

    Attributes:
        without_labels: clips with scores that do not stand among the given labels.
        without_scores: given clips without scores, which are not repaired.
    """

    without_labels: int = 0
    without_scores: int = 0


def count_labels(
    ontology: Ontology, sets: LabelSets, weights: npt.NDArray[np.int64], targets: Targets
) -> LabelCounts:
    """Counts for label sets and the targets that a scheme made of them.

    Args:
        ontology: the graph whose positions the sets hold.
        sets: S label sets.
        weights: int64 (S,): how many clips have each set.
        targets: row i of the tables belongs to set i.
    """
    given = np.bincount(sets.classes, np.repeat(weights, sets.sizes), len(ontology))
    columns = [ontology.index[ontology.resolve(i) or i] for i in targets.vocabulary.ids]
    given_by_class = given[columns].astype(np.int64)
    stated = weights * sets.labelled
    positive_by_class = weigh(targets.positive, stated, len(targets.vocabulary))
    masked_by_class = weigh(targets.masked, stated, len(targets.vocabulary))
    return LabelCounts(
        clips=int(weights.sum()),
        unlabelled=int(weights[~sets.labelled].sum()),
        given=int(given.sum()),
        given_cut=int(given.sum() - given_by_class.sum()),
        positive=int(positive_by_class.sum()),
        positive_cut=int(stated @ targets.cut),
        masked=int(masked_by_class.sum()),
        given_by_class=given_by_class,
        positive_by_class=positive_by_class,
        masked_by_class=masked_by_class,
    )

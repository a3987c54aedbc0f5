"""Targets of labels of clips, from bits over the whole ontology, and counts before and after."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import weigh
from audiolabels.errors import OptionError
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.parents import PARENTS
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import option
from audiolabels.schemes.closure import Closure, Words, closure, union
from audiolabels.schemes.coverage import uncovered
from audiolabels.schemes.scheme import POLICIES, Expanded, SchemeCounts, no_counts
from audiolabels.schemes.weights import WeightOptions, highest_values, weigh_targets
from audiolabels.targets.targets import SoftTargets, Targets


@dataclass(frozen=True)
class ParentOptions(WeightOptions):
    """Options of schemes that expand labels of clips by parents."""

    parents: str = option("all", f"{POLICIES}.", choices=PARENTS)


@dataclass
class LabelCounts(SchemeCounts):
    """What a scheme did to the labels of N clips; parts add up.

    Attributes:
        unlabelled: unannotated clips.
        given: labels given, over all classes.
        given_cut: given labels that the vocabulary has no column for.
        positive: positive targets in the vocabulary.
        positive_cut: positive classes that the vocabulary has no column for.
        masked: unknown targets in the vocabulary, without those of unlabelled clips.
        absences: confirmed absences of classes.
        clashes: positive targets of classes that were confirmed absent, or lie below such.
        doubtful: targets that would be positive, but are unknown since raters seldom confirmed
            labels of their class.
        given_by_class, positive_by_class, masked_by_class: int64 (C,); masked without those of
            unlabelled clips.
        unknown_by_class: int64 (C,): unknown targets, those of unlabelled clips too.
    """

    unlabelled: int = 0
    given: int = 0
    given_cut: int = 0
    positive: int = 0
    positive_cut: int = 0
    masked: int = 0
    absences: int = 0
    clashes: int = 0
    doubtful: int = 0
    given_by_class: npt.NDArray[np.int64] = field(default_factory=no_counts)
    positive_by_class: npt.NDArray[np.int64] = field(default_factory=no_counts)
    masked_by_class: npt.NDArray[np.int64] = field(default_factory=no_counts)
    unknown_by_class: npt.NDArray[np.int64] = field(default_factory=no_counts)

    def stated(self) -> dict[str, int]:
        """See `SchemeCounts`."""
        return {**super().stated(), **({"doubtful": self.doubtful} if self.doubtful else {})}

    def nothing_known(self) -> bool:
        """See `SchemeCounts`."""
        return bool((self.unknown_by_class == self.clips).all())


def count_labels(
    ontology: Ontology,
    sets: LabelSets,
    weights: npt.NDArray[np.int64],
    targets: Targets,
    doubtful: npt.NDArray[np.int64] | None = None,
) -> LabelCounts:
    """Counts for label sets and the targets that a scheme made of them.

    Args:
        ontology: the graph whose positions the sets hold.
        sets: S label sets.
        weights: int64 (S,): how many clips have each set.
        targets: row i of the tables belongs to set i.
        doubtful: see `Expanded`.
    """
    given = np.bincount(sets.classes, np.repeat(weights, sets.sizes), len(ontology))
    columns = [ontology.index[ontology.resolve(i) or i] for i in targets.vocabulary.ids]
    given_by_class = given[columns].astype(np.int64)
    stated = weights * sets.labelled
    absences = clashes = 0
    if sets.absent is not None:
        absences = int(weights @ sets.absent.sizes)
        tables = closure(ontology, targets.vocabulary, "all")
        denied, _ = tables.cut(union(tables.given | tables.below, sets.absent))
        clashes = int(weights @ np.bitwise_count(denied & targets.positive).sum(1, dtype=np.int64))
    positive_by_class = weigh(targets.positive, stated, len(targets.vocabulary))
    masked_by_class = weigh(targets.masked, stated, len(targets.vocabulary))
    others = np.flatnonzero(~sets.labelled)
    unlabelled = weigh(targets.masked[others], weights[others], len(targets.vocabulary))
    return LabelCounts(
        clips=int(weights.sum()),
        unlabelled=int(weights[~sets.labelled].sum()),
        given=int(given.sum()),
        given_cut=int(given.sum() - given_by_class.sum()),
        positive=int(positive_by_class.sum()),
        positive_cut=int(stated @ targets.cut),
        masked=int(masked_by_class.sum()),
        absences=absences,
        clashes=clashes,
        doubtful=0 if doubtful is None else int(stated @ doubtful),
        given_by_class=given_by_class,
        positive_by_class=positive_by_class,
        masked_by_class=masked_by_class,
        unknown_by_class=masked_by_class + unlabelled,
    )


def make_targets(
    annotations: Annotations,
    vocabulary: Vocabulary,
    tables: Closure,
    positive: Words,
    masked: Words,
    options: WeightOptions,
    implied: Words,
    *,
    soft: bool = True,
) -> Expanded[Any]:
    """Targets of the clips, from the bits of their label sets.

    Unknown are, besides `masked`, classes that the sets leave unsure, and those whose absence
    nobody confirmed (see `coverage`); in an unannotated clip every class but those confirmed
    absent. A class that was judged is what it was judged to be, and what lies below an absent one
    of these is not masked by the scheme.

    Args:
        annotations: N clips with S label sets.
        vocabulary: C classes.
        tables: the tables that the bits were made with.
        positive, masked: uint64 (S, W); a bit in both is positive.
        options: classes whose positives are unknown, unless they were judged to be present; and
            what targets are weighed by.
        implied: a row of bits for each class: those that are positive with it, and that its value,
            if it has one, holds for, as far as no other is higher.
        soft: whether the scheme has a meaning for values.

    Raises:
        OptionError: the labels have values, and the scheme has no meaning for them.
    """
    sets = annotations.sets
    judged = refuted = open_ = np.zeros_like(positive)
    if sets.judged is not None:
        no = sets.judged.keep(sets.judged.within(sets.absent or sets.none))
        judged, refuted = union(tables.given, sets.judged), union(tables.given, no)
        unsure = sets.judged.keep(sets.judged.within(sets.unsure or sets.none))
        open_ = union(tables.given, unsure)
        positive = positive & ~(refuted | open_)
        masked = masked & ~union(tables.given | tables.below, no)
    low = np.bitwise_or.reduce(tables.given[options.doubtful(annotations.ontology)], axis=0)
    low = positive & low & ~judged
    positive, open_ = positive & ~low, open_ | low
    if sets.values is not None and not soft:
        raise OptionError(
            "this scheme is of hard labels: give a threshold for the values (--values, values=), "
            "or use weak or pel"
        )
    if sets.unsure is not None:
        masked = masked | union(tables.given, sets.unsure)
    denied = None if sets.absent is None else union(tables.given | tables.below, sets.absent)
    masked |= uncovered(tables, positive | masked, annotations.annotated, denied)
    masked[~sets.labelled] = ~np.uint64(0)
    if denied is not None:
        masked[~sets.labelled] &= ~denied[~sets.labelled]
    masked = (masked | open_) & ~positive
    positive_bits, cut = tables.cut(positive)
    masked_bits, _ = tables.cut(masked)
    which = annotations.set_of_clip
    weight = weigh_targets(annotations, vocabulary, tables, positive_bits, implied, options)
    targets = Targets(
        annotations.clips, vocabulary, which, positive_bits, masked_bits, cut, weight=weight
    )
    bits, _ = tables.cut(low)
    doubtful = np.bitwise_count(bits).sum(1, dtype=np.int64)
    counts = LabelCounts()
    if len(annotations):
        weights = np.bincount(annotations.set_of_clip, minlength=len(sets))
        counts = count_labels(annotations.ontology, sets, weights, targets, doubtful)
    if sets.values is None:
        return Expanded(targets, counts, doubtful=doubtful)
    scores = highest_values(implied, sets, len(vocabulary))
    nought, _ = tables.cut(refuted | open_)
    scores[np.unpackbits(nought, axis=1, count=len(vocabulary)) > 0] = 0
    own = None if weight is None else weight[which]
    made = scores.astype(np.float16)[which], masked_bits[which]
    return Expanded(SoftTargets(annotations.clips, vocabulary, *made, weight=own), counts)

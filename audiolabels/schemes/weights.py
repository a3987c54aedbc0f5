"""Weights of targets: how much each counts in a loss, by what is known of the labels behind it.

- `quality`: a positive weighs the share of the labels of its class that raters confirmed, smoothed
  as by `class_quality.smoothed_quality`; 1 if a verdict is on its class. A negative weighs 1.
- `verdicts`: what follows from a verdict weighs `verdict_weight`, all else 1.
- `raters`: what follows from the label of raters weighs the number of those who saw it, all else 1.

From a class that is present follow the positives that it implies, from an absent one the negatives
below it, and from each its own target; of several weights the highest counts. Weights change
neither targets nor masks. In a loss only their ratios matter.

Source: this project.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import Bits
from audiolabels.errors import OptionError
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import above_zero, option
from audiolabels.schemes.class_quality import ClassQuality, QualityOptions, smoothed_quality
from audiolabels.schemes.closure import Closure, Words, union

WEIGHTS = ("quality", "verdicts", "raters")
VERDICT_WEIGHT = 2.0
MOST = 65_504.0  # the highest number of float16


def _weight(name: str, value: float | str) -> float:
    number = above_zero(name, value)
    if not 1e-3 <= number <= MOST:
        raise OptionError(f"{name} {value!r}: give a number from 0.001 to {MOST:g}")
    return number


@dataclass(frozen=True)
class WeightOptions(QualityOptions):
    """Options of schemes of labels of clips: how much targets count in a loss."""

    weights: str | None = option(
        None,
        "Write a weight for each target, for the loss. quality: the share of confirmed labels of "
        "its class, if it is positive; verdicts: more where there is a verdict; raters: the number "
        "of those who saw the label.",
        choices=WEIGHTS,
    )
    verdict_weight: float | None = option(
        None,
        "How much a target counts that follows from a verdict, as against 1.",
        check=_weight,
        metavar="W",
        shown=f"{VERDICT_WEIGHT:g}",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.verdict_weight is not None and self.weights != "verdicts":
            raise OptionError("verdict_weight needs weights by verdicts (--weights verdicts)")
        if self.weights == "quality" and self.class_quality is None:
            raise OptionError(
                "weights by quality need a file of label quality (--class-quality FILE)"
            )

    @property
    def weighted(self) -> bool:
        """See `SchemeOptions`."""
        return self.weights is not None

    @property
    def floor(self) -> float:
        """See `QualityOptions`; labels that weigh by their quality are unknown only if asked."""
        return 0.0 if self.weights == "quality" and self.quality_floor is None else super().floor

    def stated(self, *, labels: bool) -> dict[str, Any]:
        """See `SchemeOptions`."""
        own = super().stated(labels=labels)
        if self.weights == "verdicts":
            own["verdict_weight"] = self.verdict_weight or VERDICT_WEIGHT
        return own

    def require_evidence(self, *, verdicts: bool, raters: bool) -> None:
        """See `SchemeOptions`."""
        if self.weights == "verdicts" and not verdicts:
            raise OptionError("weights by verdicts need verdicts (--verdicts FILE, verdicts=)")
        if self.weights == "raters" and not raters:
            raise OptionError("weights by raters need labels of raters (--raters RULE, raters=)")


def weigh_targets(
    annotations: Annotations,
    vocabulary: Vocabulary,
    tables: Closure,
    positive: Bits,
    implied: Words,
    options: WeightOptions,
) -> npt.NDArray[np.float16] | None:
    """Weights of the targets of S label sets; None if there are none.

    Args:
        annotations: with the label sets.
        vocabulary: C classes.
        tables: of the scheme.
        positive: uint8 (S, ceil(C / 8)): the positive targets.
        implied: a row of bits for each class: those that are positive with it.
        options: what the weights are by.

    Returns:
        float16 (S, C); that of an unknown target has no meaning.
    """
    sets, columns = annotations.sets, len(vocabulary)
    if options.weights is None:
        return None
    none, given = sets.none, np.unpackbits(positive, axis=1, count=columns) > 0
    judged = sets.judged or none
    if options.weights == "quality":
        assert isinstance(options.class_quality, ClassQuality)
        quality = smoothed_quality(options.class_quality, vocabulary, annotations.ontology)
        bits, _ = tables.cut(union(tables.given, judged))
        given &= np.unpackbits(bits, axis=1, count=columns) == 0
        return np.where(given, quality.astype(np.float16), np.float16(1))
    stated = sets.rated or none
    if options.weights == "verdicts":
        values = np.full(len(judged.classes), options.verdict_weight or VERDICT_WEIGHT, np.float32)
        stated = replace(judged, values=values)
    present, absent = stated.within(sets), stated.within(sets.absent or none)
    for_it = highest_values(implied, stated.keep(present), columns)
    against = highest_values(tables.given | tables.below, stated.keep(absent), columns)
    found = np.where(given, for_it, against)
    found[found == 0] = 1
    weight: npt.NDArray[np.float16] = np.minimum(found, MOST).astype(np.float16)
    return weight


def highest_values(table: Words, sets: LabelSets, columns: int) -> npt.NDArray[np.float32]:
    """The highest value of a class whose row of a table has the bit of each column: float32 (S, C),
    0 where there is none.
    """
    found = np.zeros((len(sets), columns), np.float32)
    if sets.values is None:
        return found
    bits = np.unpackbits(table.view(np.uint8), axis=1, count=columns)
    entry, column = np.nonzero(bits[sets.classes])
    np.maximum.at(found, (sets.owners[entry], column), sets.values[entry])
    return found

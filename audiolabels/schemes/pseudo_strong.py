"""A teacher's scores as soft targets, alone or mixed with given labels.

Pseudo strong labels (PSL): scores of short segments. Source: Dinkel et al. 2022, "Pseudo strong
labels for large scale weakly supervised audio tagging", §2, and §4.2 for mixing with the given
labels, which hold in every segment. The loss there mixes two cross-entropies by a weight α;
cross-entropy is linear in its target, so this is training on the mixed target, and α is the teacher
weight here. In the paper scores are made hard, at 0.5, for analysis only.

Co-supervision (SeCoST): given labels and the scores of the stage before, mixed. Source: Kumar &
Ithapu, "SeCoST: sequential co-supervision for large scale weakly labeled audio event detection",
ICASSP 2020. Its target ȳ = α y + (1 - α) ŷ is the same mixture with w = 1 - α, as α weighs the
given labels there. In the paper targets are for whole recordings; here the rows are those of the
scores, so scores of segments make targets of segments, as in PSL.

Deviations from both: given labels may be expanded first (`labels_scheme`), and what they leave
unknown stays unknown in the mixture. A class that the teacher does not score is unknown. Scores are
stored as float16. An unannotated clip has no mixture: it is unknown throughout if it is among the
given labels, and left out otherwise. A class can be made to score at least as high as its
descendants (`propagate_scores`), which neither paper does.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.errors import OptionError
from audiolabels.labels.scores import Floats, Scores, by_value, reach
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import option, portion
from audiolabels.schemes.class_thresholds import ClassThresholds, threshold_or_file
from audiolabels.schemes.given_labels import GivenOptions, MatchedScores
from audiolabels.schemes.scheme import Expanded, Scheme
from audiolabels.schemes.score_counts import ScoreCounts, count_scores
from audiolabels.targets.targets import SoftTargets, Targets

MIXTURE = "The target is W times the score plus 1-W times the given label."


@dataclass(frozen=True)
class CoSupervisedOptions(GivenOptions):
    """Options of co-supervised. 0.7 was the best fixed weight over four stages (SeCoST)."""

    teacher_weight: float = option(0.7, MIXTURE, check=portion, metavar="W")
    propagate_scores: bool = option(
        False, "A class scores at least as high as each of its descendants."
    )

    @property
    def threshold(self) -> float | str | Path | ClassThresholds | None:
        """The score from which on hard targets are positive, or those of the classes; None for soft
        targets.
        """
        return None

    @property
    def soft(self) -> bool:
        """See `SchemeOptions`."""
        return self.threshold is None


@dataclass(frozen=True)
class PseudoStrongOptions(CoSupervisedOptions):
    """Options of pseudo-strong."""

    teacher_weight: float = option(1.0, MIXTURE, check=portion, metavar="W")
    threshold: float | str | Path | ClassThresholds | None = option(
        None,
        "Make hard targets: positive from T on, else negative. T is a number, or a file with one "
        "for each class, which evaluate --thresholds writes.",
        check=threshold_or_file,
        metavar="T|FILE",
    )

    @property
    def side_files(self) -> list[Path]:
        """See `SchemeOptions`."""
        return [self.threshold.path] if isinstance(self.threshold, ClassThresholds) else []

    def stated(self, *, labels: bool) -> dict[str, Any]:
        """See `SchemeOptions`; of the file its name."""
        own = super().stated(labels=labels)
        if isinstance(self.threshold, ClassThresholds):
            own |= {"threshold": self.threshold.path.name}
        return own

    def facts(self) -> dict[str, Any]:
        """See `SchemeOptions`."""
        if not isinstance(self.threshold, ClassThresholds):
            return {}
        return {"thresholds": {"name": self.threshold.path.name, "sha256": self.threshold.sha256}}


def mix_scores(
    scores: MatchedScores, vocabulary: Vocabulary, options: CoSupervisedOptions
) -> Expanded[Any]:
    """The target is w · score + (1 - w) · given label, with the teacher weight w.

    Args:
        scores: N segments of whole clips. Given labels hold in each of their segments; they are
            needed if w < 1, then segments of clips without labels are left out. At w = 1 a cell is
            the score, also where the given label is unknown.
        vocabulary: C classes.
        options: with a threshold targets are hard. Scores are propagated (see `Scores.propagate`)
            among all of the teacher's classes, before the mixture.

    Returns:
        Soft targets of shape (N, C), or hard ones. Unknown is what the given label leaves unknown,
        if w < 1, and what the teacher does not score, if w > 0.

    Raises:
        OptionError: w < 1 without labels.
        VocabularyError: the teacher scores no class of the vocabulary.
        UnknownClassError: a file of thresholds lacks a class of the vocabulary.
    """
    weight = options.teacher_weight
    if scores.labels is None and weight < 1:
        raise OptionError(
            f"teacher weight {weight:g} mixes scores with given labels: give label files, or "
            f"teacher weight 1"
        )
    if weight < 1:
        scores = scores.keep(scores.given >= 0)
    scores = (scores.propagate() if options.propagate_scores else scores).over(vocabulary)
    clips = scores.highest()
    counts = count_scores(scores, clips)
    values, bits = scores.scores, scores.unknown
    level: Any = options.threshold
    if isinstance(level, ClassThresholds):
        level = level.of(vocabulary, scores.ontology)
    made: Any
    if weight == 1:
        made = values.astype(np.float16, copy=False) if level is None else reach(values, level)
    else:

        def mixed(own: Floats, given: int) -> npt.NDArray[Any]:
            mixture = weight * own + np.float64((1 - weight) * given)
            return mixture.astype(np.float16) if level is None else mixture

        positive, unknown = scores.bits
        if weight > 0:
            unscored = np.unpackbits(bits, axis=1, count=len(vocabulary))
            unknown = unknown | unscored.view(np.bool_)
        made = by_value(partial(mixed, given=0), values)
        made[positive] = by_value(partial(mixed, given=1), values[positive])
        if level is not None:
            made = made >= np.asarray(level, np.float32)
        made[unknown] = 0
        bits = np.packbits(unknown, axis=1)
    counts.unknown = counts.unscored if weight == 1 else int(np.bitwise_count(bits).sum())
    if level is None:
        return Expanded(SoftTargets(scores.clips, vocabulary, made, bits), counts, clips=clips)
    n = len(made)
    hard = Targets(
        scores.clips,
        vocabulary,
        np.arange(n, dtype=np.int32),
        np.packbits(made, axis=1),
        bits,
        np.zeros(n, np.int32),
    )
    return Expanded(hard, counts, clips=clips)


PSEUDO_STRONG = Scheme(
    "pseudo-strong",
    mix_scores,
    Scores,
    ScoreCounts,
    "a teacher's scores of segments, soft or hard, alone or mixed with given labels",
    "Dinkel et al. 2022, Pseudo strong labels, §2",
    PseudoStrongOptions(),
)
CO_SUPERVISED = Scheme(
    "co-supervised",
    mix_scores,
    Scores,
    ScoreCounts,
    "given labels mixed with a teacher's scores, soft",
    "Kumar & Ithapu, ICASSP 2020, SeCoST",
    CoSupervisedOptions(),
    needs_labels=True,
)

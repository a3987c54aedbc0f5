"""A teacher's scores as soft targets, alone or mixed with given labels.

Pseudo strong labels (PSL): scores of short segments. Source: Dinkel et al. 2022, "Pseudo strong
labels for large scale weakly supervised audio tagging", §2, and §4.2 for mixing with the given
labels, which hold in every segment. The loss there mixes two cross-entropies by a weight α;
cross-entropy is linear in its target, so this is training on the mixed target, and α is the teacher
weight here. In the paper scores are made hard, at 0.5, for analysis only.

Co-supervision (SeCoST): given labels and the scores of the stage before, mixed. Source: Kumar &
Ithapu, "SeCoST: sequential co-supervision for large scale weakly labeled audio event detection",
ICASSP 2020. Its target ȳ = α y + (1 - α) ŷ is the same mixture with w = 1 - α, for there α weighs
the given labels. In the paper a target is one of a whole recording; here the rows are those of the
scores, so scores of segments make targets of segments, as in PSL.

Deviations, of both: given labels may be expanded first (`labels_scheme`), and what they leave
unknown stays unknown in the mixture. A class that the teacher does not tell of is unknown. Scores
are stored as float16. A clip of which nobody said anything has no mixture: it is unknown throughout
if it stands among the given labels, and left out if it does not. A class can be made to score at
least as high as those below it (`propagate_scores`), which neither paper does.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import to_arrow
from audiolabels.errors import OptionError
from audiolabels.labels.scores import Floats, Scores
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import option, portion
from audiolabels.schemes.given_labels import GivenLabels, GivenOptions, Ints
from audiolabels.schemes.scheme import Scheme
from audiolabels.targets.soft import SoftTargets
from audiolabels.targets.targets import Targets


@dataclass(frozen=True)
class CoSupervisedOptions(GivenOptions):
    """Options of co-supervised. 0.7 was the best fixed weight over four stages (SeCoST)."""

    teacher_weight: float = option(
        0.7, "The target is W times the score plus 1-W times the given label.",
        check=portion, metavar="W",
    )  # fmt: skip
    propagate_scores: bool = option(
        False, "A class scores at least as high as each class below it."
    )

    @property
    def soft(self) -> bool:
        """See `SchemeOptions`."""
        return True


@dataclass(frozen=True)
class PseudoStrongOptions(CoSupervisedOptions):
    """Options of pseudo-strong."""

    teacher_weight: float = option(
        1.0, "The target is W times the score plus 1-W times the given label.",
        check=portion, metavar="W",
    )  # fmt: skip
    threshold: float | None = option(
        None, "Make hard targets: positive from T on, else negative.",
        check=partial(portion, above=True), metavar="T",
    )  # fmt: skip

    @property
    def soft(self) -> bool:
        """See `SchemeOptions`."""
        return self.threshold is None


def pseudo_strong(
    scores: Scores,
    vocabulary: Vocabulary,
    options: PseudoStrongOptions,
    given: GivenLabels | None = None,
) -> SoftTargets | Targets:
    """The target is w · score + (1 - w) · given label, with the teacher weight w.

    Args:
        scores: N segments; each is a row of the result.
        vocabulary: C classes.
        options: with a threshold targets are hard. Scores are propagated (see `Scores.propagate`)
            among all of the teacher's classes, before the mixture.
        given: labels of clips, which hold in each of their segments. They are needed if w < 1;
            then segments of clips without labels are left out.

    Returns:
        Soft targets of shape (N, C), or hard ones. Unknown is what the given label leaves unknown,
        if w < 1, and what the teacher does not tell, if w > 0.

    Raises:
        OptionError: w < 1 without labels.
        VocabularyError: the teacher tells of no class of the vocabulary.
    """
    return _mix(scores, vocabulary, options, given, options.threshold)


def co_supervised(
    scores: Scores,
    vocabulary: Vocabulary,
    options: CoSupervisedOptions,
    given: GivenLabels | None = None,
) -> SoftTargets | Targets:
    """`pseudo_strong` with given labels at any weight, and soft targets only.

    Arguments and errors are those of `pseudo_strong`. At w = 1 a cell is the score, also where the
    given label is unknown, and clips without labels stay.
    """
    return _mix(scores, vocabulary, options, given, None)


def _mix(
    scores: Scores,
    vocabulary: Vocabulary,
    options: CoSupervisedOptions,
    given: GivenLabels | None,
    threshold: float | None,
) -> SoftTargets | Targets:
    weight = options.teacher_weight
    if given is None and weight < 1:
        raise OptionError(
            f"teacher weight {weight:g} mixes scores with given labels: give label files, or "
            f"teacher weight 1"
        )
    if given is not None:
        scores, rows = match_given(scores, given, weight)
    told = (scores.propagate() if options.propagate_scores else scores).over(vocabulary)
    unknown = np.unpackbits(told.unknown, axis=1, count=len(vocabulary)).astype(np.bool_)
    values = told.scores
    if given is not None and weight < 1:
        positive, masked = given.bits(rows)
        values = weight * values + (1 - weight) * positive
        unknown = masked | (unknown & (weight > 0))
    facts: dict[str, Any] = {
        "clips": told.clips,
        "vocabulary": vocabulary,
        "masked": np.packbits(unknown, axis=1),
    }
    if threshold is None:
        return SoftTargets(scores=_rounded(values, unknown), **facts)
    reached = values >= np.float32(threshold)
    n = len(values)
    return Targets(
        positive=np.packbits(reached & ~unknown, axis=1),
        row_of_clip=np.arange(n, dtype=np.int32),
        cut=np.zeros(n, np.int32),
        **facts,
    )


def match_given(scores: Scores, given: GivenLabels, weight: float) -> tuple[Scores, Ints]:
    """The scores that can be used with given labels, and the given clip of each row.

    Clips keep the id of the scores; only a bare video takes the given id, which has its start. At a
    weight below 1 rows without given labels are left out; else they stay, and the given clip is -1.

    Raises:
        UnknownClipError: an id could mean several given clips.
    """
    rows = given.find(scores.clip_id)
    if weight < 1:
        scores, rows = scores.keep(rows >= 0), rows[rows >= 0]
    places = to_arrow(rows)
    nowhere, none = to_arrow(np.array([-1]))[0], pa.nulls(1, pa.int64())[0]
    places = pc.if_else(pc.equal(places, nowhere), none, places)
    own, found = scores.clip_id, given.labels.clip_id.take(places)
    bare = pc.equal(pc.utf8_slice_codeunits(found, 0, 11), own)
    return scores.renamed(pc.coalesce(pc.if_else(bare, found, own), own)), rows


def _rounded(values: Floats, unknown: npt.NDArray[np.bool_]) -> npt.NDArray[np.float16]:
    rounded = values.astype(np.float16)
    rounded[unknown] = 0
    return rounded


PSEUDO_STRONG = Scheme(
    "pseudo-strong",
    pseudo_strong,
    Scores,
    "a teacher's scores of segments, soft or hard, alone or mixed with given labels",
    "Dinkel et al. 2022, Pseudo strong labels, §2",
    PseudoStrongOptions(),
)
CO_SUPERVISED = Scheme(
    "co-supervised",
    co_supervised,
    Scores,
    "given labels mixed with a teacher's scores, soft",
    "Kumar & Ithapu, ICASSP 2020, SeCoST",
    CoSupervisedOptions(),
    needs_labels=True,
)

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

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import to_arrow
from audiolabels.errors import OptionError
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.scores import Floats, Scores
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.given_labels import GivenLabels, Ints, labels_options
from audiolabels.targets.soft import SoftTargets
from audiolabels.targets.targets import Targets

# Options that are shares, and whether 0 is refused.
NUMBERS: Mapping[str, bool] = MappingProxyType(
    {"teacher_weight": False, "threshold": True, "mask_share": False}
)
BEST_FIXED_WEIGHT = 0.7  # of the teacher, over four stages; SeCoST


def pseudo_strong(
    scores: Scores,
    vocabulary: Vocabulary,
    *,
    given: Annotations | GivenLabels | None = None,
    teacher_weight: float = 1.0,
    threshold: float | None = None,
    labels_scheme: str = "weak",
    parents: str | None = None,
    propagate_scores: bool = False,
) -> SoftTargets | Targets:
    """The target is w · score + (1 - w) · given label, with the teacher weight w.

    Args:
        scores: N segments; each is a row of the result.
        vocabulary: C classes.
        given: labels of clips, which hold in each of their segments. They are needed if w < 1;
            then segments of clips without labels are left out.
        teacher_weight: w, from 0 to 1.
        threshold: if given, targets are hard: positive from this value on, else negative.
        labels_scheme: how the given labels become positive, negative or unknown: `weak`, `pel` or
            `pe-cml`.
        parents: the parent policy of `pel` and `pe-cml`, `all` by default.
        propagate_scores: whether a class scores at least as high as those below it; see
            `Scores.propagate`. That happens among all of the teacher's classes, before the mixture.

    Returns:
        Soft targets of shape (N, C), or hard ones. Unknown is what the given label leaves unknown,
        if w < 1, and what the teacher does not tell, if w > 0.

    Raises:
        OptionError: a weight or threshold outside its range, w < 1 without labels, or see
            `GivenLabels.make`.
        VocabularyError: the teacher tells of no class of the vocabulary.
    """
    weight = portion("teacher_weight", teacher_weight)
    if given is None and weight < 1:
        raise OptionError(
            f"teacher weight {weight:g} mixes scores with given labels: give label files, or "
            f"teacher weight 1"
        )
    if isinstance(given, Annotations):
        given = GivenLabels.make(given, vocabulary, labels_scheme=labels_scheme, parents=parents)
    if given is not None:
        scores, rows = match_given(scores, given, weight)
    told = (scores.propagate() if propagate_scores else scores).over(vocabulary)
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
    reached = values >= np.float32(portion("threshold", threshold, above=True))
    n = len(values)
    return Targets(
        positive=np.packbits(reached & ~unknown, axis=1),
        row_of_clip=np.arange(n, dtype=np.int32),
        cut=np.zeros(n, np.int32),
        **facts,
    )


def co_supervised(
    scores: Scores,
    vocabulary: Vocabulary,
    *,
    given: Annotations | GivenLabels,
    teacher_weight: float = BEST_FIXED_WEIGHT,
    labels_scheme: str = "weak",
    parents: str | None = None,
    propagate_scores: bool = False,
) -> SoftTargets:
    """`pseudo_strong` with given labels at any weight, and soft targets only.

    Arguments and errors are those of `pseudo_strong`. At w = 1 a cell is the score, also where the
    given label is unknown, and clips without labels stay.
    """
    made = pseudo_strong(
        scores,
        vocabulary,
        given=given,
        teacher_weight=teacher_weight,
        labels_scheme=labels_scheme,
        parents=parents,
        propagate_scores=propagate_scores,
    )
    assert isinstance(made, SoftTargets)
    return made


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


def stated_options(options: Mapping[str, Any], *, labels: bool) -> dict[str, Any]:
    """The options as metadata hold them: those that had a part in the result.

    Args:
        options: all options of the scheme.
        labels: whether labels were given.
    """
    climbing = ("labels_scheme", "parents")
    stated = {
        name: portion(name, value, above=NUMBERS[name]) if name in NUMBERS else value
        for name, value in options.items()
        if name not in climbing and value is not None and value is not False
    }
    if labels:
        scheme, parents = (options[name] for name in climbing)
        return {**stated, "labels_scheme": scheme, **labels_options(scheme, parents)}
    return stated


def _rounded(values: Floats, unknown: npt.NDArray[np.bool_]) -> npt.NDArray[np.float16]:
    rounded = values.astype(np.float16)
    rounded[unknown] = 0
    return rounded


def portion(option: str, value: float | str, *, above: bool = False) -> float:
    """A number from 0 to 1.

    Args:
        option: what it is called.
        value: the number.
        above: whether 0 itself is refused.

    Raises:
        OptionError: it is none.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not (number > 0 if above else number >= 0) or not number <= 1:
        least = "above 0" if above else "0"
        raise OptionError(f"{option} {value!r}: give a number from {least} to 1")
    return number

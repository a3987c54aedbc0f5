"""Ranking of clips for each class, and of classes for each clip, by scores, with a mask.

Unknown targets are left out: a ranking is that of the known cells, of a class among clips for
average precision and AUC, of a clip among classes for lωlrap and mAP@3. Cells with equal scores
share the lowest of their ranks, so the order of clips and classes has no effect, and equal scores
are no advantage.

Sources and deviations:

- *average precision*: the mean over a class's positives of the precision at their score, without
  interpolation, as in scikit-learn's `average_precision_score`. mAP is its mean over the classes
  with a positive.
- *d′* = √2·Φ⁻¹(AUC), in both uses: of the mean AUC (Gong et al., PSLA, and AST), and the mean over
  classes (Turian et al., HEAR). HEAR's is infinite with one perfect class; here classes with an AUC
  of 1 or 0 are left out of that mean, and counted.
- *lωlrap*: Fonseca et al. 2019, DCASE 2019 task 2: label-ranking average precision in which each
  positive label of any clip has equal weight. The ranks of equal scores are scikit-learn's
  (`label_ranking_average_precision_score`); the task's own code ranks them by their column.
- *mAP@3*: Fonseca et al. 2018, DCASE 2018 task 2 (FSDKaggle2018), for one label per clip: the mean
  of 1/rank of the true class, 0 beyond the third. For several labels, Kaggle's definition: the sum
  of precisions at the positives among the first three, divided by the lesser of three and their
  number.
- *hard negatives*: Hershey et al. 2021, §3.2, had raters confirm absences where the scores of a
  classifier were highest. `hard_negatives` selects by such scores alone, among unconfirmed
  negatives.
"""

from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.errors import MetricError, shortlist
from audiolabels.ontology.vocabulary import Vocabulary

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FIRST_RANKS = 3  # of mAP@3
CELLS = 1 << 22  # of scores compared at a time


def average_precision(
    scores: npt.ArrayLike, target: npt.ArrayLike, mask: npt.ArrayLike | None = None
) -> Floats:
    """Average precision of each class.

    Args:
        scores: (N, C) or (N, T, C), whose frames count one by one; probabilities, logits, or any
            number of the same order.
        target: 0 or 1, of the same shape.
        mask: 1 = known, 0 = unknown, of the same shape; all are known by default.

    Returns:
        float64 (C,); nan for classes without a positive.

    Raises:
        MetricError: shapes differ, a score is NaN (the message has the number and the columns), or
            a target or mask is neither 0 nor 1.

    >>> average_precision([[0.9], [0.8], [0.7]], [[1], [0], [1]]).round(3).tolist()
    [0.833]
    """
    return rank_clips(*check_cells(scores, target, mask))[0]


def area_under_roc(
    scores: npt.ArrayLike, target: npt.ArrayLike, mask: npt.ArrayLike | None = None
) -> Floats:
    """Area under the ROC curve of each class: the share of (positive, negative) pairs in order.

    Arguments and errors are those of `average_precision`. Pairs of equal scores count half.

    Returns:
        float64 (C,); nan for classes without a positive or without a negative.

    >>> area_under_roc([[0.9], [0.8], [0.7]], [[1], [0], [1]]).tolist()
    [0.5]
    """
    return rank_clips(*check_cells(scores, target, mask))[1]


def d_prime(auc: npt.ArrayLike) -> Floats:
    """√2·Φ⁻¹(AUC), elementwise; infinite for 1, minus infinite for 0, nan for nan.

    >>> d_prime([0.5, 0.975, 1.0]).round(3).tolist()
    [0.0, 2.772, inf]
    """
    areas = np.asarray(auc, np.float64)
    values = np.full(areas.shape, np.nan)
    values[areas >= 1], values[areas <= 0] = np.inf, -np.inf
    inner = (areas > 0) & (areas < 1)
    normal = NormalDist()
    values[inner] = [np.sqrt(2) * normal.inv_cdf(area) for area in areas[inner].tolist()]
    return values


def lwlrap(
    scores: npt.ArrayLike, target: npt.ArrayLike, mask: npt.ArrayLike | None = None
) -> tuple[float, Floats]:
    """Label-weighted label-ranking average precision, over all classes and of each.

    Arguments and errors are those of `average_precision`; unknown classes are not ranked.

    Returns:
        The mean over all positive labels, nan without any; and that over each class's: float64
        (C,), nan for classes without a positive.

    >>> overall, by_class = lwlrap([[0.9, 0.1, 0.8], [0.2, 0.7, 0.1]], [[0, 1, 1], [0, 1, 0]])
    >>> round(overall, 3), by_class.round(3).tolist()
    (0.722, [nan, 0.833, 0.5])
    """
    ranks = rank_classes(*check_cells(scores, target, mask))
    return mean_or_nan(ranks.hits / ranks.rank), ranks.lwlrap


def map_at_3(
    scores: npt.ArrayLike, target: npt.ArrayLike, mask: npt.ArrayLike | None = None
) -> float:
    """Mean over clips with a positive of the average precision of their first three classes.

    Arguments and errors are those of `average_precision`; unknown classes are not ranked. nan if no
    clip has a positive.

    >>> map_at_3([[0.9, 0.5, 0.1, 0.0], [0.9, 0.5, 0.1, 0.0]], [[0, 1, 0, 0], [0, 0, 0, 1]])
    0.25
    """
    return rank_classes(*check_cells(scores, target, mask)).map_at_3


def hard_negatives(
    scores: npt.ArrayLike,
    target: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    *,
    complementary: bool = True,
) -> npt.NDArray[np.uint8]:
    """A mask of the positives and of the negatives that are hard for another model.

    A substitute for confirmed absences. For each class, the clips without it that the other model
    scores highest stay negative, as many as there are clips with it, or all if there are fewer; of
    equal scores the first clips. A clip is with a class if any known frame is positive, without it
    if none is and some is negative. Its score is the highest of its known frames.

    Args:
        scores: (N, C) or (N, T, C): those of a model trained independently of the evaluated one.
        target: (N, C) or (N, T, C), 0 or 1. Scores of clips may have targets of frames.
        mask: of the target's shape; padded frames are unknown. All are known by default.
        complementary: whether the negative frames of clips with the class stay too (§3.2).

    Returns:
        uint8 of the target's shape, 1 = known, for `evaluate`; a subset of `mask`.

    Raises:
        MetricError: as for `average_precision`.

    >>> hard_negatives([[0.9], [0.2], [0.8], [0.1]], [[1], [0], [0], [0]]).ravel().tolist()
    [1, 0, 1, 0]
    """
    values, truth = np.asarray(scores), np.asarray(target)
    if values.ndim == 2 and truth.ndim == 3 and len(values) == len(truth):
        values = np.broadcast_to(values[:, None], (*truth.shape[:2], values.shape[1]))
    flat, positive, known = check_cells(values, truth, mask)
    frames = (len(truth), truth.shape[1] if truth.ndim == 3 else 1, flat.shape[1])
    positive, known = (cells.reshape(frames) for cells in (positive, known))
    with_class: Flags = np.logical_or.reduce(positive, axis=1)
    without_class: Flags = np.logical_or.reduce(known, axis=1) & ~with_class
    highest = np.where(known, flat.reshape(frames), -np.inf).max(axis=1, initial=-np.inf)
    hard = np.zeros_like(without_class)
    for column, count in enumerate(with_class.sum(axis=0).tolist()):
        clips = np.flatnonzero(without_class[:, column])
        order = np.argsort(-highest[clips, column], kind="stable")
        hard[clips[order[:count]], column] = True
    kept = positive | (known & hard[:, None])
    if complementary:
        kept |= known & with_class[:, None]
    return kept.reshape(truth.shape).astype(np.uint8)


class Ranks(NamedTuple):
    """Rank of each positive cell in its row, positives up to it, int64 (P,) each; and metrics."""

    rank: Ints
    hits: Ints
    lwlrap: Floats
    map_at_3: float


def check_cells(
    scores: npt.ArrayLike,
    target: npt.ArrayLike,
    mask: npt.ArrayLike | None,
    vocabulary: Vocabulary | None = None,
) -> tuple[npt.NDArray[Any], Flags, Flags]:
    """Scores, positive cells and known cells, (N, C) each."""
    values, truth = np.asarray(scores), np.asarray(target)
    if values.ndim not in (2, 3):
        raise MetricError(
            f"scores of shape {values.shape}; metrics take (clips, classes) or (clips, frames, "
            f"classes)"
        )
    known = np.ones(truth.shape, np.bool_) if mask is None else np.asarray(mask)
    for what, cells in (("targets", truth), ("a mask", known)):
        if cells.shape != values.shape:
            raise MetricError(f"scores of shape {values.shape}, but {what} of {cells.shape}")
    classes = values.shape[-1]
    if vocabulary is not None and len(vocabulary) != classes:
        raise MetricError(f"{classes} columns of scores, but {len(vocabulary)} classes")
    values, truth, known = (cells.reshape(-1, classes) for cells in (values, truth, known))
    if values.dtype.kind not in "fiub":
        raise MetricError(f"scores are {values.dtype}, not numbers")
    if values.dtype.kind == "f":
        wrong = np.isnan(values).sum(axis=0)
        if wrong.any():
            columns = np.flatnonzero(wrong).tolist()
            named = [f"{c} ({vocabulary.names[c]})" for c in columns] if vocabulary else columns
            raise MetricError(
                f"{wrong.sum():,} of {values.size:,} scores are NaN, in {len(columns)} of "
                f"{classes} columns: {shortlist(named)}"
            )
    for what, cells in (("targets", truth), ("masks", known)):
        if cells.dtype != np.bool_ and not ((cells == 0) | (cells == 1)).all():
            raise MetricError(f"{what} must be 0 or 1; choose a threshold for soft ones")
    certain = known.astype(np.bool_, copy=False)
    return values, truth.astype(np.bool_, copy=False) & certain, certain


def rank_clips(values: npt.NDArray[Any], positive: Flags, known: Flags) -> tuple[Floats, Floats]:
    """Average precision and AUC of each class, float64 (C,) each."""
    precision, auc = np.full((2, values.shape[1]), np.nan)
    for c in range(values.shape[1]):
        own = np.sort(values[positive[:, c], c])
        if not len(own):
            continue
        every = np.sort(values[known[:, c], c])
        below, upto = (np.searchsorted(every, own, side) for side in ("left", "right"))
        below_own, upto_own = (np.searchsorted(own, own, side) for side in ("left", "right"))
        precision[c] = np.mean((len(own) - below_own) / (len(every) - below))
        others = len(every) - len(own)
        if others:
            # Negatives below count in full, those with an equal score half.
            won = int((below - below_own).sum() + (upto - upto_own).sum())
            auc[c] = won / (2 * len(own) * others)
    return precision, auc


def rank_classes(values: npt.NDArray[Any], positive: Flags, known: Flags) -> Ranks:
    """Rank of each positive class in its row."""
    row, column = np.nonzero(positive)
    rank, hits = np.zeros((2, len(row)), np.int64)
    size = max(1, CELLS // max(1, values.shape[1]))
    for start in range(0, len(row), size):
        part = slice(start, start + size)
        rows = row[part]
        before = (values[rows] >= values[rows, column[part], None]) & known[rows]
        rank[part] = before.sum(axis=1)
        hits[part] = (before & positive[rows]).sum(axis=1)
    precision = hits / np.maximum(rank, 1)
    in_class = np.bincount(column, minlength=values.shape[1])
    in_row = np.bincount(row, minlength=len(values))
    with np.errstate(invalid="ignore"):
        by_class = np.bincount(column, precision, values.shape[1]) / in_class
    first = rank <= FIRST_RANKS
    gained = np.bincount(row[first], precision[first], len(values))[in_row > 0]
    return Ranks(
        rank, hits, by_class, mean_or_nan(gained / np.minimum(in_row[in_row > 0], FIRST_RANKS))
    )


def mean_or_nan(values: npt.NDArray[Any]) -> float:
    """The mean; nan of no values."""
    return float(values.mean()) if len(values) else float("nan")

"""Average precision of clips drawn again: how far a figure moves by the choice of clips.

Clips are drawn with all their rows. Where two models are compared, both are measured on the same
draws. Intervals are by percentiles.

Sources: Efron, "Bootstrap methods: another look at the jackknife" (1979), for draws with
replacement; Politis & Romano, "Large sample confidence regions based on subsamples" (1994), for
subsets.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.metrics.ranking import Flags, Floats

BLOCK = 128  # draws at a time, so that their rows stay in the processor's cache
Weights = npt.NDArray[np.unsignedinteger]
MOST = np.iinfo(np.uint16).max


def draw_again(clips: npt.NDArray[np.int64], draws: int, *, seed: int = 0) -> Weights:
    """How often each row is drawn, as many clips as there are, with replacement.

    Args:
        clips: int64 (N,): the clip of each row, numbered from 0.
        draws: R.
        seed: of the draws.

    Returns:
        uint16 (N, R), or uint32 where they could be more; rows of a clip are equal.
    """
    count = int(clips.max(initial=-1)) + 1
    generator = np.random.default_rng(seed)
    drawn: Weights = np.empty((count, draws), np.uint16 if count <= MOST else np.uint32)
    for draw in range(draws if count else 0):
        drawn[:, draw] = np.bincount(generator.integers(0, count, count), minlength=count)
    return drawn[clips]


def draw_subsets(clips: npt.NDArray[np.int64], kept: int, draws: int, *, seed: int = 0) -> Weights:
    """The rows of so many clips, drawn without replacement.

    Args:
        clips: int64 (N,): the clip of each row, numbered from 0.
        kept: clips of a draw.
        draws: R.
        seed: of the draws.

    Returns:
        uint16 (N, R), 0 or 1.
    """
    count = int(clips.max(initial=-1)) + 1
    generator = np.random.default_rng(seed)
    drawn = np.zeros((count, draws), np.uint16)
    for draw in range(draws):
        drawn[generator.permutation(count)[:kept], draw] = 1
    return drawn[clips]


def resampled_precision(
    scores: npt.NDArray[Any],
    positive: Flags,
    known: Flags,
    weights: Weights,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Floats:
    """Average precision of each class in each draw.

    Args:
        scores: (N, C).
        positive, known: bool (N, C).
        weights: (N, R): how often each row counts.
        progress: called after each class with classes done and classes in all.

    Returns:
        float64 (R, C); nan where a class has no positive in a draw.
    """
    draws, classes = weights.shape[1], scores.shape[1]
    found = np.full((draws, classes), np.nan)
    for column in range(classes):
        rows = np.flatnonzero(known[:, column])
        order = rows[np.argsort(-scores[rows, column], kind="stable")]
        places = np.flatnonzero(positive[order, column])
        if len(places):
            own = scores[order, column]
            # Of equal scores each counts as the last.
            ends = np.searchsorted(-own, -own[places], "right")
            last = np.searchsorted(places, ends) - 1
            stops, which = np.unique(ends, return_inverse=True)
            starts, order = np.append(0, stops[:-1]), order[: stops[-1]]
            for first in range(0, draws, BLOCK):
                part = weights[order, first : first + BLOCK]
                every = np.add.reduceat(part, starts, axis=0, dtype=np.int64).cumsum(axis=0)
                mine = part[places].astype(np.int64)
                hits, total = mine.cumsum(axis=0)[last], mine.sum(axis=0)
                share = mine * hits / np.maximum(every[which], 1)
                with np.errstate(invalid="ignore"):
                    found[first : first + BLOCK, column] = share.sum(axis=0) / total
        if progress:
            progress(column + 1, classes)
    return found


def interval_with_lost(
    scores: npt.NDArray[Any],
    positive: Flags,
    known: Flags,
    *,
    clips: npt.NDArray[np.int64],
    lost: int,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[float, float]:
    """Where mAP would be with clips that are lost, if these are like those that are left.

    In each draw as large a share of the clips is lost again, and mAP changes from what is left of
    them to all as it would from all to those with the lost ones. So the bias of average precision
    with the number of clips is in it; clips drawn in the place of the lost ones would lack that.

    Args:
        scores, positive, known, progress: as for `resampled_precision`.
        clips: int64 (N,): the clip of each row, numbered from 0.
        lost: clips of which nothing is left.
        draws: their number.
        level: the share of the draws in the interval.
        seed: of the draws.

    Returns:
        Both ends, from 0 to 1; nan if no class has a positive.
    """
    count = int(clips.max(initial=-1)) + 1
    kept = max(1, round(count * count / max(1, count + lost)))
    whole = resampled_precision(scores, positive, known, np.ones((len(clips), 1), np.uint16))
    weights = draw_subsets(clips, kept, draws, seed=seed)
    drawn = resampled_precision(scores, positive, known, weights, progress=progress)
    value = mean_of_classes(whole)[0]
    low, high = interval(2 * value - mean_of_classes(drawn), level)
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))


def mean_of_classes(values: Floats) -> Floats:
    """The mean of each draw, (R,), over the classes that have a value; nan where none has.

    >>> mean_of_classes(np.array([[1.0, np.nan], [1.0, 2.0], [np.nan, np.nan]])).tolist()
    [1.0, 1.5, nan]
    """
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        means: Floats = np.where(there, values, 0).sum(axis=1) / there.sum(axis=1)
    return means


def interval(values: Floats, level: float) -> tuple[Floats, Floats]:
    """Lower and upper end of the middle `level` of the draws, (…) each, of values (R, …).

    nan where no draw has a value.

    >>> [round(float(end)) for end in interval(np.arange(101.0), 0.9)]
    [5, 95]
    """
    tail = (1 - level) / 2
    some = ~np.isnan(values).all(axis=0)
    ends = np.full((2, *values.shape[1:]), np.nan)
    ends[:, some] = np.nanquantile(values[:, some], [tail, 1 - tail], axis=0)
    return ends[0], ends[1]

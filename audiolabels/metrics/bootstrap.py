"""Average precision of clips drawn again: how far a figure moves by the choice of clips.

Source: Efron, "Bootstrap methods: another look at the jackknife" (1979), by percentiles; clips are
drawn, with all their rows. Where two models are compared, both are measured on the same draws.
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
    return _draw(clips, draws, seed, None)


def draw_lost(clips: npt.NDArray[np.int64], lost: int, draws: int, *, seed: int = 0) -> Weights:
    """Every row once, and again for each lost clip in whose place its clip is drawn.

    Args:
        clips: int64 (N,): the clip of each row, numbered from 0.
        lost: clips of which nothing is left.
        draws: R.
        seed: of the draws.

    Returns:
        uint16 (N, R), or uint32 where they could be more.
    """
    times = _draw(clips, draws, seed, lost)
    return times + times.dtype.type(1)


def _draw(clips: npt.NDArray[np.int64], draws: int, seed: int, size: int | None) -> Weights:
    count = int(clips.max(initial=-1)) + 1
    size = count if size is None else size
    generator = np.random.default_rng(seed)
    times: Weights = np.empty((count, draws), np.uint16 if size < MOST else np.uint32)
    for draw in range(draws if count else 0):
        drawn = generator.integers(0, count, size)
        times[:, draw] = np.bincount(drawn, minlength=count)
    return times[clips]


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

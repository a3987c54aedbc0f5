"""2 × 2 tables of classes of two sides over common clips, and their odds ratios.

The pairs of classes that occur in a clip are enumerated and counted, so the work grows with the
labels, not with clips times classes. Unknown targets are listed as sets too, and the clips in which
a pair of classes is known follow by inclusion and exclusion.

Source of the odds ratio between label sets: Hershey et al., ICASSP 2021, §3.1. The intervals are
the usual ones, from the normal approximation to its logarithm (Szumilas 2010, which the paper
cites). If one of the four counts is zero, a half is added to all four (Haldane and Anscombe).
"""

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.errors import OptionError
from audiolabels.labels.annotations import LabelSets

AnyInts = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CHUNK = 1 << 21  # pairs of classes counted at a time
CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class States:
    """States of K classes in N clips of one side.

    Attributes:
        positive: sets of positive classes.
        positive_of_clip: int (N,): the set of each clip.
        listed: sets of the known classes, or of the unknown ones, whichever are fewer.
        listed_of_clip: int (N,): likewise.
        lists_known: whether `listed` has the known ones.
        covers: bool (K,): False for classes that are unknown in all clips.
    """

    positive: LabelSets
    positive_of_clip: AnyInts
    listed: LabelSets
    listed_of_clip: AnyInts
    lists_known: bool
    covers: npt.NDArray[np.bool_]

    def positives(self) -> Ints:
        """int64 (K,): clips in which each class is positive."""
        return count_classes(self.positive, self.positive_of_clip, len(self.covers))

    def known(self) -> Ints:
        """int64 (K,): clips in which each class is positive or negative."""
        listed = count_classes(self.listed, self.listed_of_clip, len(self.covers))
        return self.of_known(listed, len(self.listed_of_clip)) * self.covers

    def of_known(self, of_listed: Ints, of_all: Ints | int) -> Ints:
        """Clips with a known class, from those with a listed one and from all."""
        return of_listed if self.lists_known else of_all - of_listed


def cross_tables(a: States, b: States) -> Ints:
    """2 × 2 tables of every class in A with every class in B, over clips in which both are known.

    Returns:
        int64 (4, K, K): for class i in A and j in B the clips with both positive, with i alone,
        with j alone, with neither.
    """
    positive_a = (a.positive, a.positive_of_clip)
    positive_b = (b.positive, b.positive_of_clip)
    listed_a, listed_b = (a.listed, a.listed_of_clip), (b.listed, b.listed_of_clip)
    classes, clips = len(a.covers), len(a.listed_of_clip)
    both = count_together(positive_a, positive_b, classes)
    in_a = b.of_known(count_together(positive_a, listed_b, classes), a.positives()[:, None])
    in_b = a.of_known(count_together(listed_a, positive_b, classes), b.positives()[None, :])
    count_a = count_classes(*listed_a, classes)[:, None]
    listed_known = b.of_known(count_together(listed_a, listed_b, classes), count_a)
    count_b = count_classes(*listed_b, classes)[None, :]
    known = a.of_known(listed_known, b.of_known(count_b, clips))
    tables = np.stack([both, in_a - both, in_b - both, known - in_a - in_b + both])
    tables *= a.covers[:, None] & b.covers[None, :]
    return tables


def count_classes(sets: LabelSets, of_clip: AnyInts, classes: int) -> Ints:
    """Clips with each class in their set: int64 (K,)."""
    weights = np.bincount(of_clip, minlength=len(sets))
    return np.bincount(sets.classes, np.repeat(weights, sets.sizes), classes).astype(np.int64)


def count_together(
    x: tuple[LabelSets, AnyInts], y: tuple[LabelSets, AnyInts], classes: int
) -> Ints:
    """Clips with class i in their set in x and class j in their set in y: int64 (K, K).

    Args:
        x, y: sets, and int (N,), the set of each clip. Clips with the same two sets are counted at
            once.
        classes: K.
    """
    (x_sets, x_of_clip), (y_sets, y_of_clip) = x, y
    counts = np.zeros(classes * classes, np.int64)
    keys = np.sort(x_of_clip.astype(np.int64) * len(y_sets) + y_of_clip)
    if not len(keys):
        return counts.reshape(classes, classes)
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    weights = np.diff(first, append=len(keys))
    left, right = np.divmod(keys[first], len(y_sets))
    ends = np.cumsum(x_sets.sizes[left] * y_sets.sizes[right])
    steps = np.searchsorted(ends, np.arange(CHUNK, ends[-1], CHUNK)).tolist()
    for start, stop in zip([0, *steps], [*steps, len(ends)], strict=True):
        mine = x_sets.take(left[start:stop])
        met = right[start:stop][mine.owners]  # the set that each class of `mine` meets
        sizes = y_sets.sizes[met]
        pairs = np.repeat(mine.classes.astype(np.int64) * classes, sizes)
        pairs += y_sets.take(met).classes
        each = np.repeat(weights[start:stop][mine.owners], sizes)
        counts += np.bincount(pairs, each, len(counts)).astype(np.int64)
    return counts.reshape(classes, classes)


def odds_ratio(
    tables: AnyInts, level: float = CONFIDENCE_LEVEL
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.bool_]]:
    """Odds ratios of 2 × 2 tables, their confidence intervals, and which were corrected.

    With z of the normal distribution the interval is exp(ln OR ± z · sqrt(sum of 1 / count)).

    Args:
        tables: int (4, ...): clips with both, with the first alone, with the second alone, with
            neither. A table with a zero gets a half more in all four.
        level: of the interval, between 0 and 1.

    Raises:
        OptionError: `level` is not between 0 and 1.

    >>> ratio, low, high, corrected = odds_ratio([20, 10, 30, 60])
    >>> f"{ratio:.2f} ({low:.2f} to {high:.2f})", bool(corrected)
    ('4.00 (1.66 to 9.61)', False)
    """
    if not 0 < level < 1:
        raise OptionError(f"level {level} is not between 0 and 1; 0.95 is usual")
    counts = np.asarray(tables, np.float64)
    corrected = (counts == 0).any(axis=0)
    both, first, second, neither = counts + 0.5 * corrected
    logarithm = np.log(both) + np.log(neither) - np.log(first) - np.log(second)
    error = np.sqrt(1 / both + 1 / first + 1 / second + 1 / neither)
    reach = NormalDist().inv_cdf(0.5 + level / 2) * error
    return (
        np.exp(logarithm),
        np.exp(logarithm - reach),
        np.exp(logarithm + reach),
        corrected,
    )

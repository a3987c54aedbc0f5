"""What is suspicious about labels: pairs of a clip and a class, ranked.

Kinds, each with a suspicion between 0 and 1 that orders the pairs of that kind:

- `implied`: not given, but implied by a given class under the parent policy `certain`: the label
  quality of that class; of one outside the vocabulary that of a class without ratings.
- `excluded`: given together with a class that hardly ever occurs with it: 1 less the upper end of
  the interval of their odds ratio, of the rarer of both; `Silence` with any other class.
- `contradictory`: given in one row of a clip and not in another: the share of its rows.
- `missing`: not given, though a teacher finds it: its score. Where a given class implies it, the
  score's odds are raised by `IMPLIED`, and from `SURE` on the pair is here and not in `implied`.
- `wrong`: given, though a teacher doubts it: the odds are those that raters did not confirm the
  class, divided by the square root of the score's.
- `unspecified`: given without any class below it, of which the teacher finds one: its score.

Label quality is that of `schemes.class_quality.smoothed_quality`. The weights were chosen on one
seed of the experiment in `docs/reproduce/audit.md`, by precision at 1,000. A teacher must not have
been trained on the clips that are audited.

Targets settle a suspicion that training on them would not learn: that a class is missing, if it is
positive or unknown there; that it is wrong, if it is negative or unknown; that it is unspecified,
by a class below that is not negative.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from numpy import nan

from audiolabels.audit.statistics import LabelStatistics
from audiolabels.comparison.odds_ratios import odds_ratio
from audiolabels.schemes.class_quality import PRIOR_QUALITY

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Pairs = npt.NDArray[np.int64]

IMPLIED = np.exp(2.0)  # what odds of a class that a given one implies are multiplied by
SURE = 0.5  # score from which a class is found
EXCLUDED = 0.2  # the upper end of the interval of an odds ratio, below which classes exclude
SILENCE = "/m/028v0c"


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of B clips, over C classes.

    Attributes:
        given: bool (B, C).
        implied: bool (B, C): not given, but implied under `certain`.
        scores: float64 (B, C): of a teacher, nan where there is none.
        learned: bool (B, C) each: whether targets state that a class is positive, and negative;
            None: there are no targets.
    """

    given: Flags
    implied: Flags
    scores: Floats
    learned: tuple[Flags, Flags] | None = None

    @property
    def unlearned(self) -> Floats:
        """Scores of the classes that targets do not teach already: nan of the others."""
        return self.scores if self.learned is None else np.where(self.learned[1], self.scores, nan)


@dataclass(frozen=True, eq=False)
class Background:
    """What is known of C classes.

    Attributes:
        statistics: of all labels.
        quality: float64 (C,): share of the ratings that confirmed the label.
        below: bool (C, C): whether the class of a column is below that of the row.
        implies: bool (C, C): whether the class of the row implies that of the column for certain.
    """

    statistics: LabelStatistics
    quality: Floats
    below: Flags
    implies: Flags

    @cached_property
    def exclusions(self) -> Floats:
        """How little a class goes with another that is not rarer: float64 (C, C), the upper end of
        the interval of their odds ratio; of silence 0, and inf where the other is the rarer one.
        """
        found, given = self.statistics, self.statistics.given
        both = found.together
        one, other = given[:, None] - both, given[None, :] - both
        tables = np.stack([both, one, other, found.clips - both - one - other])
        high: Floats = odds_ratio(tables)[2]
        high[given[:, None] > given[None, :]] = np.inf
        silence = found.vocabulary.index.get(SILENCE)
        if silence is not None:
            high[:, silence], high[silence] = np.inf, 0.0
        np.fill_diagonal(high, np.inf)
        return high


def _present(clips: Evidence) -> Floats:
    """Scores, raised where a given class implies another: float64 (B, C)."""
    return np.where(clips.implied, raised(clips.scores, IMPLIED), clips.scores)


# A suspicion for each pair, -1 where there is none: float64 (B, C).
Finder = Callable[[Evidence, Background], Floats]


def _implied(clips: Evidence, classes: Background) -> Floats:
    """The highest quality of a given class that implies another."""
    weights = classes.implies * classes.quality[:, None]
    found = np.full(clips.given.shape, -1.0)
    for row in np.flatnonzero(clips.implied.any(axis=1)):
        found[row] = weights[clips.given[row]].max(axis=0, initial=0.0)
    found[found == 0] = PRIOR_QUALITY
    return np.where(clips.implied & ~(_present(clips) >= SURE), found, -1.0)


def _excluded(clips: Evidence, classes: Background) -> Floats:
    found = np.full(clips.given.shape, -1.0)
    for row, columns in enumerate(map(np.flatnonzero, clips.given)):
        lowest = classes.exclusions[np.ix_(columns, columns)].min(axis=1, initial=np.inf)
        found[row, columns] = np.where(lowest < EXCLUDED, 1 - lowest, -1.0)
    return found


def _missing(clips: Evidence, classes: Background) -> Floats:
    score = _present(clips)
    found = ~clips.given & np.where(clips.implied, score >= SURE, ~np.isnan(score))
    return np.where(found, score, -1.0)


def _wrong(clips: Evidence, classes: Background) -> Floats:
    doubt = (1 - classes.quality) / classes.quality
    with np.errstate(divide="ignore"):
        suspicion = 1 / (1 + np.sqrt(clips.scores / (1 - clips.scores)) / doubt)
    return np.where(clips.given & ~np.isnan(clips.scores), suspicion, -1.0)


def _unspecified(clips: Evidence, classes: Background) -> Floats:
    open_ = clips.given & ~((clips.given.astype(np.float32) @ classes.below.T) > 0)
    found = np.full(clips.given.shape, -1.0)
    scores = np.nan_to_num(clips.unlearned, nan=-1.0)
    for row, column in np.argwhere(open_ & classes.below.any(axis=1)):
        found[row, column] = scores[row, classes.below[column]].max()
    return np.where(found >= SURE, found, -1.0)


# Those that need a teacher's scores come last.
KINDS: Mapping[str, Finder] = {
    "implied": _implied,
    "excluded": _excluded,
    "missing": _missing,
    "wrong": _wrong,
    "unspecified": _unspecified,
}
OF_SCORES = ("missing", "wrong", "unspecified")
# In which state of the target a suspicion still matters; of `unspecified`, that of classes below.
MATTERS = {"implied": 1, "missing": 1, "excluded": 0, "contradictory": 0, "wrong": 0}


def judge(kind: str, clips: Evidence, classes: Background) -> tuple[Floats, Floats]:
    """Suspicions of a kind, and those of them that targets have not settled: float64 (B, C), -1
    where there is none.
    """
    found = KINDS[kind](replace(clips, learned=None), classes)
    if clips.learned is None:
        return found, found
    if kind not in MATTERS:
        return found, KINDS[kind](clips, classes)
    return found, np.where(clips.learned[MATTERS[kind]], found, -1.0)


def raised(scores: Floats, factor: float) -> Floats:
    """Scores whose odds are multiplied by a factor.

    >>> raised(np.array([0.5, 1.0]), 3.0).tolist()
    [0.75, 1.0]
    """
    return factor * scores / (1 - scores + factor * scores)


@dataclass
class Highest:
    """The pairs with the highest suspicion, the highest first; of equal ones those added first.

    Attributes:
        most: pairs at most.
        pairs: row and column of each, int64 (M, 2).
        values: suspicion of each, float64 (M,).
    """

    most: int
    pairs: Pairs = field(default_factory=lambda: np.zeros((0, 2), np.int64))
    values: Floats = field(default_factory=lambda: np.zeros(0))

    def add(self, first: int, suspicions: Floats) -> None:
        """Take the suspicions of the clips from row `first` on, (B, C), into account."""
        rows, columns = np.nonzero(suspicions >= 0)
        pairs = np.concatenate([self.pairs, np.stack([rows + first, columns], axis=1)])
        values = np.concatenate([self.values, suspicions[rows, columns]])
        best = np.argsort(-values, kind="stable")[: self.most]
        self.pairs, self.values = pairs[best], values[best]

"""How a teacher's scores agree with given labels, and what they find in clips.

Average precision is that of `metrics.ranking`. A class that stands in a wrong column shows no
more than a shuffled order of the classes does. For labels per clip and label coverage see Dinkel et
al. 2022, §4.3; a clip has the classes that reach 0.5 in any of its segments.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.totals import Counts
from audiolabels.clips.index import hash_strings
from audiolabels.labels.scores import Floats, Scores
from audiolabels.metrics.ranking import average_precision

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

FOUND_FROM = 0.5  # from here on a class counts as found
SAMPLE = 10_000  # clips on which average precision is measured
NEAR_CHANCE = 2  # odds of the mean over those with shuffled classes; on AudioSet 10 if all is well


@dataclass
class ScoreCounts(Counts):
    """What a teacher finds in N clips, and how it agrees with given labels; parts add up.

    Attributes:
        clips: clips in the targets.
        segments: rows of the targets.
        unlabelled: clips in the targets of which no given label says anything.
        without_labels: clips with scores that do not stand among the given labels.
        without_scores: given clips without scores.
        segments_empty, clips_empty: those in which no class reaches 0.5.
        untold: (segment, class) pairs of which the teacher says nothing.
        given: labels given, of clips with scores, over the vocabulary.
        found: those of them that reach 0.5 in some segment.
        covered: clips with given labels, all of which are found.
        uncovered: clips with given labels, none of which is found.
        labelled: clips with given labels in the vocabulary.
        coverage: sum over these clips of the share of labels that are found.
        clips_by_coverage: int64 (11,): these clips by that share, in tenths rounded down.
        clips_by_number: int64 (C + 1,): clips in which so many classes are found.
        clips_by_given: int64 (C + 1,): clips to which so many classes are given, without those of
            which no given label says anything.
        given_by_class, found_by_class: int64 (C,): clips with the class given, and found.
    """

    clips: int = 0
    segments: int = 0
    unlabelled: int = 0
    without_labels: int = 0
    without_scores: int = 0
    segments_empty: int = 0
    clips_empty: int = 0
    untold: int = 0
    given: int = 0
    found: int = 0
    covered: int = 0
    uncovered: int = 0
    labelled: int = 0
    coverage: float = 0.0
    clips_by_coverage: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    clips_by_number: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    clips_by_given: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    given_by_class: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    found_by_class: Ints = field(default_factory=lambda: np.zeros(0, np.int64))


def count_scores(
    part: Scores,
    clips: Scores,
    positive: Flags | None,
    known: Flags | None,
    *,
    level: float = FOUND_FROM,
) -> ScoreCounts:
    """What a teacher finds.

    Args:
        part: some segments.
        clips: the M clips that end with them, as `Scores.highest` has them.
        positive: bool (M, C), the given labels, if there are any.
        known: bool (M,): whether anybody said anything of the clip.
        level: from here on a class counts as found.
    """
    found = clips.scores >= np.float32(level)
    numbers, columns = found.sum(1), found.shape[1]
    counts = ScoreCounts(
        clips=len(found),
        segments=len(part),
        segments_empty=int((part.scores < np.float32(level)).all(1).sum()),
        untold=int(np.bitwise_count(part.unknown).sum(dtype=np.int64)),
        clips_empty=int((numbers == 0).sum()),
        clips_by_coverage=np.zeros(11, np.int64),
        clips_by_number=np.bincount(numbers, minlength=columns + 1),
        clips_by_given=np.zeros(columns + 1, np.int64),
        found_by_class=found.sum(0, dtype=np.int64),
        given_by_class=np.zeros(columns, np.int64),
    )
    if positive is not None and known is not None:
        given, again = positive.sum(1), (positive & found).sum(1)
        some = given > 0
        counts.unlabelled = int((~known).sum())
        counts.given, counts.found = int(given.sum()), int(again.sum())
        counts.labelled = int(some.sum())
        counts.covered = int((some & (again == given)).sum())
        counts.uncovered = int((some & (again == 0)).sum())
        counts.coverage = float((again[some] / given[some]).sum())
        tenths = 10 * again[some] // given[some]
        counts.clips_by_coverage = np.bincount(tenths, minlength=11)
        counts.clips_by_given = np.bincount(given[known], minlength=columns + 1)
        counts.given_by_class = positive.sum(0, dtype=np.int64)
    return counts


@dataclass(frozen=True)
class Agreement:
    """Average precision of scores against given labels.

    Attributes:
        clips: clips of both; of more than 10,000 the sample that hashes of their ids choose.
        classes: those with a positive and a negative clip, and of which the teacher tells.
        mean: mean average precision over these classes.
        shuffled: the same with the classes of the scores in another order, each in a wrong place.
    """

    clips: int
    classes: int
    mean: float
    shuffled: float

    @property
    def near_chance(self) -> bool:
        """Whether the scores agree hardly better than with a shuffled class order."""
        return self.mean * (1 - self.shuffled) < NEAR_CHANCE * self.shuffled * (1 - self.mean)


class AgreementSample:
    """A sample of clips with scores and labels, whatever their order and parts."""

    def __init__(self) -> None:
        self._parts: list[tuple[npt.NDArray[np.uint64], Floats, Flags, Flags]] = []
        self._size = 0
        self._untold: list[Bits] = []

    def add(self, clips: Scores, positive: Flags, unknown: Flags) -> None:
        """Take in clips with labels, as `Scores.highest` has them."""
        if not len(clips):
            return
        self._untold.append(np.bitwise_and.reduce(clips.unknown, axis=0))
        self._parts.append((hash_strings(clips.clip_id), clips.scores, positive, unknown))
        self._size += len(clips.scores)
        if self._size > 2 * SAMPLE:
            self._prune()

    def _prune(self) -> None:
        if not self._parts:
            return
        hashes, scores, positive, unknown = (
            np.concatenate([part[i] for part in self._parts]) for i in range(4)
        )
        chosen = np.argsort(hashes, kind="stable")[:SAMPLE]
        self._parts = [(hashes[chosen], scores[chosen], positive[chosen], unknown[chosen])]
        self._size = len(chosen)

    def agreement(self) -> Agreement | None:
        """Measure it; None without two clips and two classes to measure it on."""
        self._prune()
        if self._size < 2:
            return None
        _, scores, positive, unknown = self._parts[0]
        untold = np.unpackbits(np.bitwise_and.reduce(self._untold), count=positive.shape[1])
        both = positive.any(0) & (~positive & ~unknown).any(0) & (untold == 0)
        columns = np.flatnonzero(both)
        if len(columns) < 2:
            return None
        ring = np.random.default_rng(0).permutation(columns)
        other = dict(zip(ring.tolist(), np.roll(ring, 1).tolist(), strict=True))
        own_mean = shuffled = 0.0
        for column in columns.tolist():
            for labels in (column, other[column]):
                known = ~unknown[:, labels]
                own = scores[known, column, None], positive[known, labels, None]
                value = float(average_precision(*own)[0])
                if labels == column:
                    own_mean += value / len(columns)
                else:
                    shuffled += value / len(columns)
        return Agreement(self._size, len(columns), own_mean, shuffled)

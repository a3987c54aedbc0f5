"""Agreement of a teacher's scores with given labels.

Average precision is that of `metrics.ranking`. Scores in wrong columns agree no better than scores
in a shuffled class order.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import Bits
from audiolabels.clips.index import hash_strings
from audiolabels.labels.scores import Floats
from audiolabels.metrics.ranking import average_precision
from audiolabels.schemes.given_labels import Flags, MatchedScores

SAMPLE = 10_000  # clips on which average precision is measured
NEAR_CHANCE = 2  # odds of the mean over those with shuffled classes; on AudioSet 10 if all is well


@dataclass(frozen=True)
class Agreement:
    """Average precision of scores against given labels.

    Attributes:
        clips: clips with both; of more than 10,000 a sample by the hashes of their ids.
        classes: scored classes with a positive and a negative clip.
        mean: mean average precision over these classes.
        shuffled: the same with the classes of the scores permuted, none in its own place.
    """

    clips: int
    classes: int
    mean: float
    shuffled: float

    @property
    def near_chance(self) -> bool:
        """Whether the scores agree hardly better than in a shuffled class order."""
        return self.mean * (1 - self.shuffled) < NEAR_CHANCE * self.shuffled * (1 - self.mean)


class AgreementSample:
    """A sample of clips with scores and labels, independent of order and parts.

    Args:
        most: clips in the sample.
    """

    def __init__(self, most: int = SAMPLE) -> None:
        self._most = most
        self._parts: list[tuple[npt.NDArray[np.uint64], Floats, Flags, Flags]] = []
        self._size = 0
        self._unscored: list[Bits] = []

    def add(self, clips: MatchedScores) -> None:
        """Add clips, from `Scores.highest`; unannotated ones do not count."""
        known = clips.annotated
        if not known.any():
            return
        positive, unknown = (bits[known] for bits in clips.bits)
        chosen = clips.keep(known)
        self._unscored.append(np.bitwise_and.reduce(chosen.unknown, axis=0))
        self._parts.append((hash_strings(chosen.clip_id), chosen.scores, positive, unknown))
        self._size += len(chosen)
        if self._size > 2 * self._most:
            self._prune()

    def _prune(self) -> None:
        if not self._parts:
            return
        hashes, scores, positive, unknown = (
            np.concatenate([part[i] for part in self._parts]) for i in range(4)
        )
        chosen = np.argsort(hashes, kind="stable")[: self._most]
        self._parts = [(hashes[chosen], scores[chosen], positive[chosen], unknown[chosen])]
        self._size = len(chosen)

    def agreement(self) -> Agreement | None:
        """The agreement; None with fewer than two clips or two classes."""
        self._prune()
        if self._size < 2:
            return None
        _, scores, positive, unknown = self._parts[0]
        unscored = np.unpackbits(np.bitwise_and.reduce(self._unscored), count=positive.shape[1])
        both = positive.any(0) & (~positive & ~unknown).any(0) & (unscored == 0)
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

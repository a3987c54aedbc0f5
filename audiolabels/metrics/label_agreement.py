"""Agreement of a teacher's scores with given labels.

Average precision is that of `metrics.ranking`. Scores in wrong columns agree no better than scores
in a shuffled class order.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import Bits
from audiolabels.clips.index import hash_strings
from audiolabels.metrics.ranking import average_precision
from audiolabels.schemes.given_labels import MatchedScores
from audiolabels.schemes.repair import unpack

LAST = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
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
        self._parts: list[tuple[npt.NDArray[Any], ...]] = []
        self._size = 0
        self._last = LAST  # the highest hash that can be in the sample
        self._unscored: list[Bits] = []

    def add(self, clips: MatchedScores) -> None:
        """Add clips, from `Scores.highest`; unannotated ones do not count."""
        known = clips.annotated
        if not known.any():
            return
        self._unscored.append(np.bitwise_and.reduce(clips.unknown[known], axis=0))
        hashes = hash_strings(clips.clip_id)
        chosen = np.flatnonzero(known & (hashes <= self._last))
        bits = (np.packbits(flags[chosen], axis=1) for flags in clips.bits)
        self._parts.append((hashes[chosen], clips.scores[chosen], *bits))
        self._size += len(chosen)
        if self._size > 2 * self._most:
            self._prune()

    def _prune(self) -> None:
        if not self._parts:
            return
        columns = [np.concatenate(column) for column in zip(*self._parts, strict=True)]
        chosen = np.argsort(columns[0], kind="stable")[: self._most]
        self._parts = [tuple(column[chosen] for column in columns)]
        self._size = len(chosen)
        if self._size == self._most:
            self._last = columns[0][chosen[-1]]

    def agreement(self) -> Agreement | None:
        """The agreement; None with fewer than two clips or two classes."""
        self._prune()
        if self._size < 2:
            return None
        scores, *bits = self._parts[0][1:]
        scores = scores.astype(np.float32)
        positive, unknown = (unpack(each, scores.shape[1]) for each in bits)
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

"""Thresholds of classes, chosen on known cells: best F1, or a precision to reach.

A class is predicted from its threshold on. It lies halfway between the lowest score that is to be
predicted and the next lower one, so that rounding, as of score files to float16, changes little.

- *Best F1*: the threshold with the highest F1; of several, the highest.
- *Precision*: the lowest threshold at which precision is reached; where none reaches it, that with
  the highest precision.
- *Classes without a positive* have no threshold of their own: theirs is that of all cells together,
  chosen in the same way.

Thresholds that were chosen on the cells they are judged by look too good: choose them on other
clips.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.errors import MetricError
from audiolabels.files import atomic_path
from audiolabels.metrics.ranking import Flags, Floats, check_cells
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import portion

OWN, POOLED, UNREACHED = "class", "pooled", "unreached"
BEST = "f1"


class _Choice(NamedTuple):
    """A threshold, and precision and recall there."""

    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Thresholds of C classes.

    Attributes:
        vocabulary: the classes.
        precision_wanted: None for the best F1.
        threshold: float64 (C,), above 0 and up to 1.
        precision, recall: float64 (C,): at the threshold; nan where nothing is predicted, or
            nothing is positive.
        chosen_on: of each class `class`; `unreached` if that does not reach the precision; or
            `pooled`, of classes without a positive.
        positives: int64 (C,).
    """

    vocabulary: Vocabulary
    precision_wanted: float | None
    threshold: Floats
    precision: Floats
    recall: Floats
    chosen_on: tuple[str, ...]
    positives: npt.NDArray[np.int64]

    def classes(self, chosen_on: str) -> list[str]:
        """Names of the classes whose threshold is `class`, `pooled` or `unreached`."""
        pairs = zip(self.vocabulary.names, self.chosen_on, strict=True)
        return [name for name, how in pairs if how == chosen_on]

    def write(self, path: str | Path) -> None:
        """Write a CSV file, which `expand --threshold` reads.

        Raises:
            TargetsFileError: it cannot be written.
        """
        columns: tuple[Any, ...] = (
            self.vocabulary.ids,
            self.vocabulary.names,
            *(each.tolist() for each in (self.threshold, self.precision, self.recall)),
            self.positives.tolist(),
            self.chosen_on,
        )
        head = ("id", "name", "threshold", "precision", "recall", "positives", "chosen_on")
        with atomic_path(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([head, *zip(*columns, strict=True)])


def choose_thresholds(
    scores: npt.ArrayLike,
    target: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    *,
    vocabulary: Vocabulary,
    precision: float | None = None,
) -> Thresholds:
    """A threshold for each class.

    Args:
        scores: (N, C), from 0 to 1.
        target, mask: as for `average_precision`.
        vocabulary: the C classes.
        precision: to be reached; None for the best F1.

    Raises:
        MetricError: as for `average_precision`; scores outside 0 to 1, or no known positive at all
            with a score above 0.
        OptionError: a precision that is no number above 0 and up to 1.

    >>> from audiolabels import load_vocabulary
    >>> classes = load_vocabulary(["Rain", "Guitar"])
    >>> found = choose_thresholds([[0.9, 0.1], [0.6, 0.2], [0.2, 0.3]], [[1, 0], [1, 0], [0, 0]],
    ...                           vocabulary=classes)
    >>> found.threshold.round(2).tolist(), found.chosen_on
    ([0.4, 0.45], ('class', 'pooled'))
    """
    values, positive, known = check_cells(scores, target, mask, vocabulary)
    wanted = None if precision is None else portion("precision", precision, above=True)
    values = values.astype(np.float64)
    if len(values) and not ((values >= 0) & (values <= 1) | ~known).all():
        raise MetricError("thresholds are chosen for scores from 0 to 1, such as the sigmoid of "
                          "logits")  # fmt: skip
    pooled = _choose(values[known], positive[known], wanted)
    if pooled is None:
        raise MetricError("no known target is positive, so that no threshold can be chosen")
    choices, how = [], []
    for column in range(values.shape[1]):
        rows = known[:, column]
        own = values[rows, column], positive[rows, column]
        choice = _choose(*own, wanted)
        reached = choice is not None and (wanted is None or choice.precision >= wanted)
        how.append(POOLED if choice is None else OWN if reached else UNREACHED)
        choices.append(choice or _at(*own, pooled.threshold))
    threshold, at_precision, recall = np.array(choices, np.float64).reshape(-1, 3).T
    return Thresholds(
        vocabulary, wanted, threshold, at_precision, recall, tuple(how), positive.sum(axis=0)
    )


def _choose(
    scores: Floats, positive: npt.NDArray[np.bool_], wanted: float | None
) -> _Choice | None:
    """The threshold of some cells; None without a positive that has a score above 0."""
    order = np.argsort(-scores, kind="stable")
    scores, positive = scores[order], positive[order]
    ends = np.flatnonzero(np.append(np.diff(scores) < 0, True)) if len(scores) else np.zeros(0, int)
    ends = ends[scores[ends] > 0]
    hits = np.cumsum(positive)[ends] if len(ends) else ends
    if not len(ends) or not hits[-1]:
        return None
    precision, total = hits / (ends + 1), int(positive.sum())
    if wanted is None:
        best = int(np.argmax(2 * hits / (ends + 1 + total)))
    else:
        good = np.flatnonzero(precision >= min(wanted, precision.max()))
        best = int(good[-1])
    last = int(ends[best])
    below = float(scores[last + 1]) if last + 1 < len(scores) else 0.0
    threshold = (float(scores[last]) + below) / 2
    return _Choice(threshold, float(precision[best]), float(hits[best] / total))


def _at(scores: Floats, positive: Flags, threshold: float) -> _Choice:
    """Precision and recall at a threshold."""
    predicted = scores >= threshold
    hits, guesses, total = (predicted & positive).sum(), predicted.sum(), positive.sum()
    shares = [hits / n if n else np.nan for n in (guesses, total)]
    return _Choice(threshold, *map(float, shares))

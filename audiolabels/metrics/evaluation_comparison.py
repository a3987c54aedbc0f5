"""Two stored evaluations compared: classes that got better and worse, and by how much, by group.

- *Gain*: average precision in B less that in A, of classes with a positive in both.
- *Groups*: by range of the average precision in A (after Kumar & Ithapu, SeCoST, 2020, whose figure
  has the mean gain by range), by root of the ontology (a class below two roots counts in both), and
  by frequency: quarters of the classes by their positive rows, equal numbers together.
- *Intervals*: a paired bootstrap. Clips are drawn with replacement, with all their rows, and both
  models are measured on the same draws; the groups stay those of all clips. In a draw without a
  positive of a class, its gain is left out. Intervals are by percentiles.

Rows that only one side has, or whose targets differ, cannot be paired: where scores are kept, both
sides are measured again on the rows that are equal.

Groups by A's average precision favour B in the low ranges, and A in the high ones: what A has low
by chance is higher in B. To rule that out, compare the other way round as well.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.errors import MetricError, expect
from audiolabels.metrics.bootstrap import (
    Weights,
    draw_again,
    interval,
    mean_of_classes,
    resampled_precision,
)
from audiolabels.metrics.evaluated_rows import EvaluatedRows
from audiolabels.metrics.evaluation_folder import StoredEvaluation, read_evaluation
from audiolabels.metrics.ranking import Flags, Floats
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary

if TYPE_CHECKING:
    import pandas

RANGES = 10  # of average precision, of equal width


class GroupGain(NamedTuple):
    """The gain of a group of classes.

    Attributes:
        kind: `all`, `AP in A`, `root` or `frequency`.
        name: of the group.
        classes: with a positive in both evaluations.
        higher, lower: of these, in B.
        gain: the mean; nan without classes.
        low, high: ends of its interval; None without scores.
    """

    kind: str
    name: str
    classes: int
    higher: int
    lower: int
    gain: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, eq=False)
class EvaluationComparison:
    """Result of `compare_evaluations`, over C classes.

    Attributes:
        vocabulary: the classes.
        precision_a, precision_b: average precision, float64 (C,); nan for classes without a
            positive.
        positives: int64 (C,): positive rows in A.
        groups: gains; the first is that of all classes.
        low, high: float64 (C,): ends of the interval of each class's gain; None without scores.
        draws: of the bootstrap; 0 without scores.
        level: of the intervals.
        rows, clips: that were compared; None without scores.
        notes: what could not be compared, and why there are no intervals.
    """

    vocabulary: Vocabulary
    precision_a: Floats
    precision_b: Floats
    positives: npt.NDArray[np.int64]
    groups: tuple[GroupGain, ...]
    low: Floats | None
    high: Floats | None
    draws: int
    level: float
    rows: int | None
    clips: int | None
    notes: tuple[str, ...]

    @property
    def gain(self) -> Floats:
        """Average precision in B less that in A, float64 (C,)."""
        return self.precision_b - self.precision_a

    @property
    def beyond_chance(self) -> tuple[int, int] | None:
        """Classes whose interval lies above 0, and below; None without scores."""
        if self.low is None or self.high is None:
            return None
        return int((self.low > 0).sum()), int((self.high < 0).sum())

    def per_class(self) -> "pandas.DataFrame":
        """A row for each class: `id`, `name`, `positives`, `average_precision_a`, `_b`, `gain`,
        and with scores `low` and `high`.
        """
        import pandas

        columns = {
            "id": self.vocabulary.ids,
            "name": self.vocabulary.names,
            "positives": self.positives,
            "average_precision_a": self.precision_a,
            "average_precision_b": self.precision_b,
            "gain": self.gain,
        }
        ends = {} if self.low is None else {"low": self.low, "high": self.high}
        return pandas.DataFrame({**columns, **ends})

    def by_group(self) -> "pandas.DataFrame":
        """`groups` as a data frame."""
        import pandas

        return pandas.DataFrame(self.groups, columns=GroupGain._fields)

    def __repr__(self) -> str:
        whole = self.groups[0]
        return (
            f"EvaluationComparison({whole.classes} classes; {whole.higher} higher in B, "
            f"{whole.lower} lower; mean gain {whole.gain:+.4f})"
        )


def compare_evaluations(
    a: str | Path | StoredEvaluation,
    b: str | Path | StoredEvaluation,
    *,
    ontology: Ontology | None = None,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationComparison:
    """Compare two evaluations that `audiolabels evaluate` wrote.

    Args:
        a, b: folders, or from `read_evaluation`.
        ontology: for roots; the embedded one with its supplement by default. Classes that it lacks
            are in no root.
        draws: of the bootstrap, where both kept their scores.
        level: of the intervals.
        seed: of the draws.
        progress: called with classes done and classes in all.

    Raises:
        MetricError: no such evaluation, other classes, or no row in common with equal targets.
    """
    sides = [
        each if isinstance(each, StoredEvaluation) else read_evaluation(each) for each in (a, b)
    ]
    one, other = sides
    ontology = default_ontology(ontology)
    expect("draws", draws, int, "how many draws the bootstrap has")
    if one.vocabulary.ids != other.vocabulary.ids:
        raise MetricError(
            f"{one.folder} and {other.folder} are over other classes, or in another order: "
            f"{len(one.vocabulary):,} and {len(other.vocabulary):,}; evaluate both on the same "
            f"targets"
        )
    notes = []
    alike = one.fingerprint is not None and one.fingerprint == other.fingerprint
    if None in (one.fingerprint, other.fingerprint):
        notes.append("whether A and B were evaluated on equal clips and labels is not known (an "
                     "earlier version wrote no fingerprint of these)")  # fmt: skip
    elif not alike:
        notes.append("A and B were evaluated on other clips or labels (their fingerprints differ)")
    rows = [side.rows for side in sides]
    paired = None
    if rows[0] is None or rows[1] is None:
        lacking = [name for name, own in zip("AB", rows, strict=True) if own is None]
        notes.append(
            f"no intervals: {' and '.join(lacking)} kept no scores; evaluate again with "
            f"--keep-scores for a bootstrap over clips"
        )
    else:
        paired = _pair(rows[0], rows[1], notes)
    precision = [side.average_precision for side in sides]
    positives = one.positives
    if paired is not None and not alike:
        precision = [each.evaluate().average_precision for each in paired]
        positives = (paired[0].positive & paired[0].known).sum(axis=0)
    gain = precision[1] - precision[0]
    drawn = None
    if paired is not None:
        weights = draw_again(paired[0].clips, draws, seed=seed)
        drawn = _draw_gains(paired, weights, progress)
    some = ~np.isnan(gain)
    groups = tuple(
        _group(kind, name, own & some, gain, drawn, level)
        for kind, name, own in _groups(one.vocabulary, precision[0], positives, some, ontology)
    )
    low, high = (None, None) if drawn is None else interval(drawn, level)
    return EvaluationComparison(
        vocabulary=one.vocabulary,
        precision_a=precision[0],
        precision_b=precision[1],
        positives=positives,
        groups=groups,
        low=low,
        high=high,
        draws=0 if drawn is None else draws,
        level=level,
        rows=None if paired is None else len(paired[0]),
        clips=None if paired is None else int(paired[0].clips.max(initial=-1)) + 1,
        notes=tuple(notes),
    )


def _pair(
    a: EvaluatedRows, b: EvaluatedRows, notes: list[str]
) -> tuple[EvaluatedRows, EvaluatedRows]:
    """The rows of both, in the same order, that have equal targets; of a clip or part that has
    several rows the first with the first, and so on.
    """
    place = {key: row for row, key in enumerate(_numbered(b.keys))}
    found = np.array([place.get(key, -1) for key in _numbered(a.keys)], np.int64)
    mine = np.flatnonzero(found >= 0)
    left, right = a.take(mine), b.take(found[mine])
    equal = (left.known == right.known).all(axis=1) & (
        (left.positive & left.known) == (right.positive & right.known)
    ).all(axis=1)
    alone = len(a) + len(b) - 2 * len(mine)
    if alone or not equal.all():
        notes.append(
            f"compared on {int(equal.sum()):,} rows; left out: {alone:,} that one side alone has, "
            f"{int((~equal).sum()):,} with other targets"
        )
    if not equal.any():
        raise MetricError("A and B have no row with equal targets in common, so that nothing can "
                          "be compared; evaluate both on the same targets")  # fmt: skip
    chosen = np.flatnonzero(equal)
    return left.take(chosen), right.take(chosen)


def _numbered(keys: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Keys, each with the number of its occurrence."""
    seen = Counter[Any]()
    for key in keys:
        seen[key] += 1
        yield (*key, seen[key])


def _draw_gains(
    paired: tuple[EvaluatedRows, EvaluatedRows],
    weights: Weights,
    progress: Callable[[int, int], None] | None,
) -> Floats:
    """The gain of each class in each draw, float64 (R, C)."""
    drawn = []
    for number, rows in enumerate(paired):
        classes = len(rows.vocabulary)

        def report(done: int, total: int, before: int = number * classes) -> None:
            if progress:
                progress(before + done, 2 * total)

        drawn.append(
            resampled_precision(rows.scores, rows.positive, rows.known, weights, progress=report)
        )
    gains: Floats = drawn[1] - drawn[0]
    return gains


def _groups(
    vocabulary: Vocabulary,
    precision: Floats,
    positives: npt.NDArray[np.int64],
    some: Flags,
    ontology: Ontology,
) -> Iterator[tuple[str, str, Flags]]:
    """Kind, name and classes of each group that has any of `some`."""
    yield "all", "all classes", some
    number = np.minimum(np.nan_to_num(precision) * RANGES, RANGES - 1).astype(np.int64)
    for each in np.unique(number[some]).tolist():
        yield "AP in A", f"{each / RANGES:.1f} to {(each + 1) / RANGES:.1f}", number == each
    above = [_roots(ontology, id_) for id_ in vocabulary.ids]
    for root in ontology.roots:
        own = np.array([root in roots for roots in above], np.bool_)
        if (own & some).any():
            yield "root", ontology.name(root), own
    if some.any():
        edges = np.quantile(positives[some], [0.25, 0.5, 0.75])
        quarter = np.searchsorted(edges, positives)
        for each in np.unique(quarter[some]).tolist():
            own = quarter == each
            ends = np.unique(positives[own & some])[[0, -1]]
            yield "frequency", " to ".join(f"{end:,}" for end in np.unique(ends).tolist()), own


def _roots(ontology: Ontology, id_: str) -> frozenset[str]:
    own = ontology.resolve(id_)
    return frozenset() if own is None else ontology.ancestors(own) | {own}


def _group(
    kind: str, name: str, own: Flags, gain: Floats, drawn: Floats | None, level: float
) -> GroupGain:
    count, mean = int(own.sum()), float(gain[own].mean()) if own.any() else float("nan")
    found = GroupGain(
        kind, name, count, int((gain[own] > 0).sum()), int((gain[own] < 0).sum()), mean
    )
    if drawn is None or not count:
        return found
    low, high = interval(mean_of_classes(drawn[:, own]), level)
    return found._replace(low=float(low), high=float(high))

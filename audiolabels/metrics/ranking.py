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

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.plotting import Pictures
from audiolabels.arrays.tables import html_table
from audiolabels.errors import MetricError, UnknownClassError, choose, shortlist
from audiolabels.ontology.vocabulary import Vocabulary

if TYPE_CHECKING:
    import pandas

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FIRST_RANKS = 3  # of mAP@3
CELLS = 1 << 22  # of scores compared at a time
# What a printed evaluation shows of its numbers; those with the format `,d` where they are not 0.
LINES = (
    ("rows", "rows", ","),
    ("classes", "classes", ","),
    ("mAP", "mAP", ".4f"),
    ("mean AUC", "mean_auc", ".4f"),
    ("d′ of the mean AUC (PSLA, AST)", "d_prime_of_mean_auc", ".3f"),
    ("mean d′ (HEAR)", "mean_d_prime", ".3f"),
    ("lωlrap", "lwlrap", ".4f"),
    ("mAP@3", "mAP@3", ".4f"),
    ("classes without a positive", "classes_without_positive", ",d"),
    ("classes without a negative", "classes_without_negative", ",d"),
    ("classes with an infinite d′", "classes_with_infinite_d_prime", ",d"),
    ("unknown targets", "unknown", ",d"),
)
PER_CLASS = ("average_precision", "auc", "d_prime", "lwlrap_per_class")


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
    return _rank_clips(*_check(scores, target, mask))[0]


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
    return _rank_clips(*_check(scores, target, mask))[1]


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
    ranks = _rank_classes(*_check(scores, target, mask))
    return _mean(ranks.hits / ranks.rank), ranks.lwlrap


def map_at_3(
    scores: npt.ArrayLike, target: npt.ArrayLike, mask: npt.ArrayLike | None = None
) -> float:
    """Mean over clips with a positive of the average precision of their first three classes.

    Arguments and errors are those of `average_precision`; unknown classes are not ranked. nan if no
    clip has a positive.

    >>> map_at_3([[0.9, 0.5, 0.1, 0.0], [0.9, 0.5, 0.1, 0.0]], [[0, 1, 0, 0], [0, 0, 0, 1]])
    0.25
    """
    return _rank_classes(*_check(scores, target, mask)).map_at_3


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
    flat, positive, known = _check(values, truth, mask)
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


class Improvement(NamedTuple):
    """Classes whose average precision is higher than another evaluation's.

    Attributes:
        share: of `classes`; nan without any.
        higher, lower: classes.
        classes: those with an average precision in both.
    """

    share: float
    higher: int
    lower: int
    classes: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Result of `evaluate`, over N clips or frames and C classes.

    Attributes:
        vocabulary: the classes; None if they have no names.
        rows: N.
        positives, negatives, unknown: int64 (C,): rows in each state.
        average_precision: float64 (C,); nan for classes without a positive.
        auc: float64 (C,); nan for classes without a positive or without a negative.
        lwlrap_per_class: float64 (C,); nan for classes without a positive.
        map_at_3: over rows with a positive; nan without any.

    >>> from audiolabels import load_vocabulary
    >>> classes = load_vocabulary(["Rain", "Guitar"])
    >>> found = evaluate([[0.9, 0.1], [0.2, 0.8], [0.3, 0.9]], [[1, 0], [0, 1], [1, 0]],
    ...                  vocabulary=classes)
    >>> found
    Evaluation(3 rows, 2 classes; mAP 0.7500, d′ of mean AUC 0.954, lωlrap 0.8333)
    >>> found.macro(classes=["Guitar"])
    0.5
    """

    plot = Pictures("average_precision compare_evaluations")
    vocabulary: Vocabulary | None
    rows: int
    positives: Ints
    negatives: Ints
    unknown: Ints
    average_precision: Floats
    auc: Floats
    lwlrap_per_class: Floats
    map_at_3: float

    @property
    def d_prime(self) -> Floats:
        """float64 (C,): d′ of each class; infinite where the AUC is 1 or 0, nan where it is nan."""
        return d_prime(self.auc)

    @property
    def mean_average_precision(self) -> float:
        """mAP: over the classes with a positive."""
        return self.macro("average_precision")

    @property
    def mean_auc(self) -> float:
        """Over the classes with a positive and a negative."""
        return self.macro("auc")

    @property
    def d_prime_of_mean_auc(self) -> float:
        """As PSLA and AST report it."""
        return float(d_prime(self.mean_auc))

    @property
    def mean_d_prime(self) -> float:
        """As HEAR reports it, but over the classes whose d′ is finite."""
        return self.macro("d_prime")

    @property
    def lwlrap(self) -> float:
        """Over all positive labels."""
        some = self.positives > 0
        weighed = self.lwlrap_per_class[some] * self.positives[some]
        return float(weighed.sum() / self.positives.sum()) if some.any() else float("nan")

    @property
    def infinite_d_prime(self) -> int:
        """Classes with an AUC of 1 or 0, which the mean d′ leaves out."""
        return int(np.isinf(self.d_prime).sum())

    def macro(
        self, metric: str = "average_precision", classes: Iterable[str | int] | None = None
    ) -> float:
        """Mean of the finite values of a metric over all classes, or some.

        Args:
            metric: `average_precision`, `auc`, `d_prime` or `lwlrap_per_class`.
            classes: ids, display names as in the vocabulary, or columns; all by default.

        Returns:
            nan without a finite value.

        Raises:
            OptionError: no such metric.
            UnknownClassError: the vocabulary lacks a class.
        """
        values: Floats = getattr(self, choose("metric", metric, PER_CLASS))
        if classes is not None:
            values = values[[self.column(label) for label in classes]]
        return _mean(values[np.isfinite(values)])

    def column(self, label: str | int) -> int:
        """Column of a class, given by id, display name in the vocabulary, or column.

        Raises:
            UnknownClassError: there is no such class.
        """
        if isinstance(label, str):
            for labels in (self.vocabulary.ids, self.vocabulary.names) if self.vocabulary else ():
                if label in labels:
                    return labels.index(label)
        elif 0 <= label < len(self.auc):
            return int(label)
        raise UnknownClassError(f"no class {label!r} among the {len(self.auc)} evaluated ones")

    def share_improved(self, other: "Evaluation") -> Improvement:
        """Classes whose average precision is higher here than in another evaluation.

        Kumar & Ithapu (SeCoST, 2020) report 448 of 527. Classes without a positive in either
        evaluation do not count.

        Raises:
            MetricError: the other evaluation has other classes.
        """
        if len(self.auc) != len(other.auc) or (
            self.vocabulary and other.vocabulary and self.vocabulary.ids != other.vocabulary.ids
        ):
            raise MetricError("the two evaluations are over other classes, or in another order")
        change = self.average_precision - other.average_precision
        higher, lower, classes = (
            int(flags.sum()) for flags in (change > 0, change < 0, ~np.isnan(change))
        )
        return Improvement(higher / classes if classes else float("nan"), higher, lower, classes)

    def numbers(self) -> dict[str, float | int]:
        """The overall numbers by name, for a log or a table of results."""
        return {
            "rows": self.rows,
            "classes": len(self.auc),
            "mAP": self.mean_average_precision,
            "mean_auc": self.mean_auc,
            "d_prime_of_mean_auc": self.d_prime_of_mean_auc,
            "mean_d_prime": self.mean_d_prime,
            "lwlrap": self.lwlrap,
            "mAP@3": self.map_at_3,
            "classes_without_positive": int((self.positives == 0).sum()),
            "classes_without_negative": int((self.negatives == 0).sum()),
            "classes_with_infinite_d_prime": self.infinite_d_prime,
            "positives": int(self.positives.sum()),
            "negatives": int(self.negatives.sum()),
            "unknown": int(self.unknown.sum()),
        }

    def per_class(self) -> dict[str, list[Any]]:
        """Columns of equal length, one row per class.

        Returns:
            `id` and `name` if there is a vocabulary, `positives`, `negatives`, `unknown`,
            `average_precision`, `auc`, `d_prime`, `lwlrap`.
        """
        columns: dict[str, Any] = {}
        if self.vocabulary:
            columns |= {"id": list(self.vocabulary.ids), "name": list(self.vocabulary.names)}
        for name in ("positives", "negatives", "unknown", "average_precision", "auc", "d_prime"):
            columns[name] = getattr(self, name).tolist()
        return columns | {"lwlrap": self.lwlrap_per_class.tolist()}

    def to_pandas(self) -> "pandas.DataFrame":
        """A data frame with a row for each class; see `per_class`."""
        import pandas

        return pandas.DataFrame(self.per_class())

    def __repr__(self) -> str:
        return (
            f"Evaluation({self.rows:,} rows, {len(self.auc)} classes; mAP "
            f"{self.mean_average_precision:.4f}, d′ of mean AUC {self.d_prime_of_mean_auc:.3f}, "
            f"lωlrap {self.lwlrap:.4f})"
        )

    def __str__(self) -> str:
        return "\n".join(f"{what:<34}{number:>14}" for what, number in self._lines())

    def _repr_html_(self) -> str:
        return html_table(repr(self), (), self._lines())

    def _lines(self) -> list[tuple[str, str]]:
        found = self.numbers()
        return [
            (what, format(found[name], form))
            for what, name, form in LINES
            if found[name] or form != ",d"
        ]


def evaluate(
    scores: npt.ArrayLike,
    target: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    *,
    vocabulary: Vocabulary | None = None,
) -> Evaluation:
    """All metrics of this module at once.

    Args:
        scores: (N, C) or (N, T, C), whose frames count one by one; probabilities or logits.
        target: 0 or 1, of the same shape.
        mask: 1 = known, 0 = unknown, of the same shape; all are known by default. Padded frames
            must be unknown.
        vocabulary: the C classes in the order of the columns.

    Raises:
        MetricError: as for `average_precision`, or the vocabulary has another length.
    """
    values, positive, known = _check(scores, target, mask, vocabulary)
    precision, auc = _rank_clips(values, positive, known)
    ranks = _rank_classes(values, positive, known)
    positives, certain = (cells.sum(axis=0, dtype=np.int64) for cells in (positive, known))
    return Evaluation(
        vocabulary=vocabulary,
        rows=len(values),
        positives=positives,
        negatives=certain - positives,
        unknown=len(values) - certain,
        average_precision=precision,
        auc=auc,
        lwlrap_per_class=ranks.lwlrap,
        map_at_3=ranks.map_at_3,
    )


class _Ranks(NamedTuple):
    """Rank of each positive cell in its row, positives up to it, int64 (P,) each; and metrics."""

    rank: Ints
    hits: Ints
    lwlrap: Floats
    map_at_3: float


def _check(
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


def _rank_clips(values: npt.NDArray[Any], positive: Flags, known: Flags) -> tuple[Floats, Floats]:
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


def _rank_classes(values: npt.NDArray[Any], positive: Flags, known: Flags) -> _Ranks:
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
    return _Ranks(rank, hits, by_class, _mean(gained / np.minimum(in_row[in_row > 0], FIRST_RANKS)))


def _mean(values: npt.NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")

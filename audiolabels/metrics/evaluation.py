"""All ranking metrics of scores against targets at once, overall and of each class."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.plotting import Pictures
from audiolabels.arrays.tables import html_table
from audiolabels.errors import MetricError, UnknownClassError, choose
from audiolabels.metrics.ranking import (
    Floats,
    Ints,
    check_cells,
    d_prime,
    mean_or_nan,
    rank_classes,
    rank_clips,
)
from audiolabels.ontology.vocabulary import Vocabulary

if TYPE_CHECKING:
    import pandas

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
        return mean_or_nan(values[np.isfinite(values)])

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
    values, positive, known = check_cells(scores, target, mask, vocabulary)
    precision, auc = rank_clips(values, positive, known)
    ranks = rank_classes(values, positive, known)
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

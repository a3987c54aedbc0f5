"""Comparison of two sides on the same clips: priors, common pairs, odds ratios.

Source: Hershey et al., ICASSP 2021, §3.1, which compares AudioSet's weak and strong labels.
Additions: confidence intervals, and unknown targets, which are left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.plotting import Pictures
from audiolabels.arrays.tables import html_table
from audiolabels.comparison.matching import ClipCounts, Statements, match_clips
from audiolabels.comparison.odds_ratios import (
    CONFIDENCE_LEVEL,
    Floats,
    Ints,
    cross_tables,
    odds_ratio,
)
from audiolabels.errors import UnknownClassError, VocabularyError, expect
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Report
from audiolabels.ontology.ontology import Ontology, load_ontology
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary

if TYPE_CHECKING:
    import pandas

SHOWN = 5  # classes of each kind that a notebook shows


@dataclass(frozen=True)
class Overlap:
    """Pairs (clip, class) of some classes, over the targets known in both sides.

    Attributes:
        scope: which classes.
        classes: their number.
        in_a, in_b, in_both: positive pairs.
    """

    scope: str
    classes: int
    in_a: int
    in_b: int
    in_both: int

    @property
    def share_of_a(self) -> float:
        """The share of A's pairs that are in B; nan without any in A."""
        return self.in_both / self.in_a if self.in_a else float("nan")

    @property
    def share_of_b(self) -> float:
        """The share of B's pairs that are in A; nan without any in B."""
        return self.in_both / self.in_b if self.in_b else float("nan")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two sides over the same N clips and the K classes of either.

    Attributes:
        ontology: for the look-up of classes.
        ids, names: the classes, in the ontology's order, then any others.
        in_a, in_b: bool (K,): whether the side has the class: in some clip of annotations, in the
            vocabulary of targets.
        chosen: bool (K,): the classes in the tables.
        vocabulary: name of the vocabulary that chose them; None if all are chosen.
        clips: N, the clips that are annotated in both sides.
        clips_a, clips_b: counts of each side's clips.
        positive_a, known_a, positive_b, known_b: int64 (K,): clips in which the class is positive,
            and in which it is positive or negative.
        tables: int64 (4, K, K): for class i in A and j in B the clips with both positive, with i
            alone, with j alone, with neither; over those in which both are known.
        report: of reading the files.

    >>> weak = Annotations.from_dict({"a": ["Speech"], "b": ["Speech", "Dog"], "c": ["Rain"]})
    >>> strong = Annotations.from_dict({"a": ["Speech"], "b": ["Dog", "Bark"], "d": ["Rain"]})
    >>> compare(weak, strong)
    Comparison(2 clips, 4 classes; A holds 66.7% of B's 3 pairs, B holds 66.7% of A's 3)
    """

    plot = Pictures("priors odds_ratios")
    ontology: Ontology
    ids: tuple[str, ...]
    names: tuple[str, ...]
    in_a: npt.NDArray[np.bool_]
    in_b: npt.NDArray[np.bool_]
    chosen: npt.NDArray[np.bool_]
    vocabulary: str | None
    clips: int
    clips_a: ClipCounts
    clips_b: ClipCounts
    positive_a: Ints
    known_a: Ints
    positive_b: Ints
    known_b: Ints
    tables: Ints
    report: Report = field(default_factory=Report)

    def overlaps(self) -> list[Overlap]:
        """Pairs over all classes, over those of the vocabulary, and over those of both sides."""
        scopes = [("all classes", np.ones(len(self.ids), np.bool_))]
        if self.vocabulary is not None:
            scopes.append((f"in vocabulary {self.vocabulary}", self.chosen))
        scopes.append(("in both sides", self.chosen & self.in_a & self.in_b))
        return [self._overlap(scope, classes) for scope, classes in scopes]

    def _overlap(self, scope: str, classes: npt.NDArray[np.bool_]) -> Overlap:
        both, a_only, b_only, _ = self.tables.diagonal(axis1=1, axis2=2)[:, classes].sum(1).tolist()
        return Overlap(scope, int(classes.sum()), both + a_only, both + b_only, both)

    def per_class(self) -> "pandas.DataFrame":
        """Priors and pairs of each chosen class, in the comparison's order.

        Returns:
            A data frame: `id`, `name`; `in_a`, `in_b`: whether the side has the class;
            `positive_a`, `known_a`, `prior_a`, likewise `_b`: clips and their share; `ratio`: prior
            in B to prior in A; `known_in_both`: clips in which both sides know the class; of these
            `in_both`, `a_only`, `b_only`: clips in which it is positive there; `share_of_a`,
            `share_of_b`: share of the side's positive clips that are positive in the other too;
            `unknown_in_b`, `unknown_in_a`: clips positive in the one and unknown in the other.
            Quotients with 0 are nan or inf.
        """
        import pandas

        tables = self.tables.diagonal(axis1=1, axis2=2)
        both, a_only, b_only, _ = tables
        columns = {
            "id": self.ids,
            "name": self.names,
            "in_a": self.in_a,
            "in_b": self.in_b,
            "positive_a": self.positive_a,
            "known_a": self.known_a,
            "prior_a": self.prior_a,
            "positive_b": self.positive_b,
            "known_b": self.known_b,
            "prior_b": self.prior_b,
            "ratio": _divide(self.prior_b, self.prior_a),
            "known_in_both": tables.sum(0),
            "in_both": both,
            "a_only": a_only,
            "b_only": b_only,
            "share_of_a": _divide(both, both + a_only),
            "share_of_b": _divide(both, both + b_only),
            "unknown_in_b": self.positive_a - both - a_only,
            "unknown_in_a": self.positive_b - both - b_only,
        }
        return pandas.DataFrame(columns)[self.chosen].reset_index(drop=True)

    def odds_ratios(
        self,
        a: str | None = None,
        b: str | None = None,
        *,
        minimum: int = 1,
        level: float = CONFIDENCE_LEVEL,
    ) -> "pandas.DataFrame":
        """Odds ratios of chosen classes in A with chosen classes in B, the largest first.

        Args:
            a, b: only pairs with this class in A, or in B; an id, or a name for `Ontology.find`.
            minimum: clips with both classes, at least 1.
            level: of the intervals, between 0 and 1.

        Returns:
            A data frame: `id_a`, `name_a`, `id_b`, `name_b`; `both`, `a_only`, `b_only`, `neither`:
            clips, over those in which both are known; `odds_ratio`, `low`, `high`: the ratio and
            the ends of its interval; `corrected`: whether a half was added to the counts.

        Raises:
            UnknownClassError: no such class, or it is not compared.
            OptionError: `level` is not between 0 and 1.
        """
        import pandas

        wanted = self.tables[0] >= max(1, minimum)
        for axis, label in enumerate((a, b)):
            kept = self.chosen
            if label is not None:
                kept = np.arange(len(self.ids)) == self.position(label)
            wanted &= np.expand_dims(kept, 1 - axis)
        rows, columns = np.nonzero(wanted)
        counts = self.tables[:, rows, columns]
        found: dict[str, Any] = {
            f"{what}_{side}": np.array(values, np.object_)[places]
            for side, places in (("a", rows), ("b", columns))
            for what, values in (("id", self.ids), ("name", self.names))
        }
        found |= zip(("both", "a_only", "b_only", "neither"), counts, strict=True)
        ratios = ("odds_ratio", "low", "high", "corrected")
        found |= zip(ratios, odds_ratio(counts, level), strict=True)
        order = np.argsort(-found["odds_ratio"], kind="stable")
        return pandas.DataFrame(found).iloc[order].reset_index(drop=True)

    def position(self, label: str) -> int:
        """Position of a chosen class, given by its id or by a name for `Ontology.find`.

        Raises:
            UnknownClassError: no such class, or it is not compared.
        """
        id_ = label if label in self.ids else self.ontology.find(label)
        if id_ not in self.ids:
            raise UnknownClassError(f"neither A nor B has the class {self.ontology.name(id_)}")
        position = self.ids.index(id_)
        if not self.chosen[position]:
            raise UnknownClassError(
                f"the class {self.names[position]} is outside the vocabulary {self.vocabulary}"
            )
        return position

    def changed_priors(self, minimum: int = 1) -> list[int]:
        """Classes of both sides with different priors, by their ratio, B to A, the largest first.

        Args:
            minimum: clips with the class in each side.
        """
        enough = np.minimum(self.positive_a, self.positive_b) >= max(1, minimum)
        differs = self.prior_a != self.prior_b
        classes = np.flatnonzero(self.chosen & self.in_a & self.in_b & enough & differs)
        ratios = _divide(self.prior_b[classes], self.prior_a[classes])
        return [int(c) for c in classes[np.argsort(-ratios, kind="stable")]]

    @property
    def prior_a(self) -> Floats:
        """Share of the known clips of A in which each class is positive: float (K,)."""
        return _divide(self.positive_a, self.known_a)

    @property
    def prior_b(self) -> Floats:
        """Share of the known clips of B in which each class is positive: float (K,)."""
        return _divide(self.positive_b, self.known_b)

    def __repr__(self) -> str:
        all_classes = self.overlaps()[0]
        return (
            f"Comparison({self.clips:,} clips, {len(self.ids):,} classes; A holds "
            f"{percent(all_classes.share_of_b)} of B's {all_classes.in_b:,} pairs, B holds "
            f"{percent(all_classes.share_of_a)} of A's {all_classes.in_a:,})"
        )

    def _repr_html_(self) -> str:
        overlaps = []
        for o in self.overlaps():
            pairs = (f"{count:,}" for count in (o.classes, o.in_a, o.in_b, o.in_both))
            overlaps.append((o.scope, *pairs, percent(o.share_of_a), percent(o.share_of_b)))
        order, (a, b) = self.changed_priors(SHOWN), (self.prior_a, self.prior_b)
        shown = order if len(order) <= 2 * SHOWN else [*order[:SHOWN], *order[-SHOWN:]]
        priors = (
            (self.names[c], f"{a[c]:.4f}", f"{b[c]:.4f}", f"{b[c] / a[c]:.2f}") for c in shown
        )
        head = ("pairs (clip, class)", "classes", "in A", "in B", "in both", "of A's", "of B's")
        changes = ("class", "prior in A", "prior in B", "B / A")
        return html_table(self, head, overlaps) + html_table("largest changes", changes, priors)


def compare(
    a: Statements,
    b: Statements,
    *,
    vocabulary: str | Path | Iterable[str] | Vocabulary | None = None,
    ontology: Ontology | None = None,
) -> Comparison:
    """Compare two sides on their common clips.

    Args:
        a, b: annotations or targets, in any combination.
        vocabulary: restricts the tables to its classes; a vocabulary, or a source for
            `load_vocabulary`. All classes of either side by default.
        ontology: for matching classes by id; that of the annotations by default, else the embedded
            one with its supplement.

    Raises:
        ComparisonError: no common clip, or none that is annotated in both.
        OptionError: labels have values.
        VocabularyError: no such vocabulary, or neither side has any of its classes.
    """
    for side in (a, b):
        expect("sides to compare", side, Statements, "annotations or targets")
    own = [side.ontology for side in (a, b) if isinstance(side, Annotations)]
    ontology = ontology or (own[0] if own else load_ontology().with_supplement())
    if vocabulary is not None:
        vocabulary = load_vocabulary(vocabulary, ontology=ontology)
    matched = match_clips(a, b, ontology)
    chosen = np.ones(len(matched.ids), np.bool_)
    if vocabulary is not None:
        inside = {ontology.resolve(id_) or id_ for id_ in vocabulary.ids}
        chosen = np.array([id_ in inside for id_ in matched.ids], np.bool_)
        if not chosen.any():
            raise VocabularyError(
                f"neither A nor B has any class of the vocabulary {vocabulary.name!r}"
            )
    report = Report()
    for side in (a, b):
        if isinstance(side, Annotations):
            report.merge(side.report)
    return Comparison(
        ontology=ontology,
        ids=matched.ids,
        names=matched.names,
        in_a=matched.in_a,
        in_b=matched.in_b,
        chosen=chosen,
        vocabulary=vocabulary.name if vocabulary is not None else None,
        clips=matched.clips,
        clips_a=matched.counts_a,
        clips_b=matched.counts_b,
        positive_a=matched.a.positives(),
        known_a=matched.a.known(),
        positive_b=matched.b.positives(),
        known_b=matched.b.known(),
        tables=cross_tables(matched.a, matched.b),
        report=report,
    )


def shifted_classes(
    comparison: Comparison, *, minimum: int = 1, level: float = CONFIDENCE_LEVEL
) -> list[tuple[int, int]]:
    """Classes of A that occur with another class of B more than with themselves.

    Args:
        comparison: K classes.
        minimum: clips with both classes, at least 1.
        level: of the intervals, between 0 and 1.

    Returns:
        Positions of a class of both sides and of the class of B with which it has the highest odds
        ratio, where the interval of that is entirely above the interval of the class with itself;
        those with most clips in A first.

    Raises:
        OptionError: `level` is not between 0 and 1.
    """
    ratio, low, high, _ = odds_ratio(comparison.tables, level)
    above = (comparison.tables[0] >= max(1, minimum)) & (low > high.diagonal()[:, None])
    above &= comparison.chosen
    if not above.any():
        return []
    best = np.where(above, ratio, 0).argmax(axis=1)
    shifted = above.any(axis=1) & comparison.chosen & comparison.in_a & comparison.in_b
    order = np.argsort(-comparison.positive_a, kind="stable")
    return [(int(c), int(best[c])) for c in order if shifted[c]]


def percent(share: float) -> str:
    """A share in percent; a dash for nan.

    >>> percent(0.2117), percent(float("nan"))
    ('21.2%', '–')
    """
    return "–" if np.isnan(share) else f"{share:.1%}"


def _divide(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: Floats = above / below
    return quotient

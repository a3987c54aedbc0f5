"""Metrics that know the ontology, with a mask.

- *hP, hR, hF*: Kiritchenko, Matwin, Nock & Famili, "Learning and evaluation in the presence of
  class hierarchies" (2006): precision, recall and F1 after predicted and true classes are joined by
  all their ancestors, micro-averaged: summed over clips and classes.
- *mAP by level and by root*: average precision of `metrics.ranking`, averaged over the classes of a
  depth (the shortest path from a root) or below a root; a class below two roots counts in both.
- *OmAP*: see `metrics.omap`.
- *violations*: the share of (clip, child, parent) in which the child scores higher than the parent
  by more than a margin. A parent is an ancestor with no class of the vocabulary in between.

Unknown cells are left out everywhere: of hP, hR and hF they are on neither side, and a predicted
class that is unknown implies no ancestor; of violations a pair counts only if both are known.

Deviation from Kiritchenko et al.: ancestors outside the vocabulary, which have no target, do not
count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.errors import MetricError
from audiolabels.metrics.evaluation import Evaluation
from audiolabels.metrics.omap import class_distances, ontology_aware_precision
from audiolabels.metrics.ranking import Flags, Floats, check_cells, mean_or_nan
from audiolabels.ontology.hierarchy import descendant_table, parent_pairs
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary

ROWS = 4096  # looked at together


class HierarchicalF(NamedTuple):
    """hP, hR and hF; nan without anything predicted, without anything true, or without either."""

    precision: float
    recall: float
    f: float


class GroupMean(NamedTuple):
    """mAP of a group of classes: over those with a positive, and how many these are."""

    mean_average_precision: float
    classes: int


class Violations(NamedTuple):
    """(clip, child, parent): how many violate the hierarchy, of how many that are known."""

    violated: int
    pairs: int

    @property
    def share(self) -> float:
        """Violated of all; nan without any."""
        return self.violated / self.pairs if self.pairs else float("nan")


@dataclass(frozen=True, eq=False)
class HierarchicalEvaluation:
    """Result of `evaluate_hierarchy`, over C classes.

    Attributes:
        vocabulary: the C classes.
        threshold: from which scores on a class is predicted, for hP, hR and hF; float64 (C,).
        f: these.
        ontology_aware: float64 (L, C): average precision at each coarse level, see `metrics.omap`.
        violations: of score by child and parent, by more than the margin.
        margin: of these.
        by_level: mAP by depth, from 0, of the roots, on.
        by_root: mAP by name of the root.
        depth: int64 (C,).
        roots: names of the roots above each class.
    """

    vocabulary: Vocabulary
    threshold: Floats
    f: HierarchicalF
    ontology_aware: Floats
    violations: Violations
    margin: float
    by_level: Mapping[int, GroupMean]
    by_root: Mapping[str, GroupMean]
    depth: npt.NDArray[np.int64]
    roots: tuple[tuple[str, ...], ...]

    @property
    def omap(self) -> float:
        """OmAP: the mean over levels and classes with a positive."""
        return float(self.omap_by_level.mean()) if len(self.omap_by_level) else float("nan")

    @property
    def omap_by_level(self) -> Floats:
        """float64 (L,): the mean over classes with a positive at each coarse level."""
        some = ~np.isnan(self.ontology_aware[0])
        means: Floats = self.ontology_aware[:, some].mean(axis=1) if some.any() else np.zeros(0)
        return means

    def numbers(self) -> dict[str, float | int]:
        """The overall numbers by name."""
        found: dict[str, float | int] = {
            "hP": self.f.precision,
            "hR": self.f.recall,
            "hF": self.f.f,
            "OmAP": self.omap,
            "violations": self.violations.share,
            "violated_pairs": self.violations.violated,
            "known_pairs": self.violations.pairs,
            "violation_margin": self.margin,
        }
        found |= {f"mAP_level_{level}": group[0] for level, group in self.by_level.items()}
        return found | {f"mAP_root_{root}": group[0] for root, group in self.by_root.items()}

    def per_class(self) -> dict[str, list[Any]]:
        """Columns of equal length, one row per class: `id`, `name`, `depth`, `roots` (names joined
        by `;`), `ontology_aware_precision` (the mean over levels), `threshold`.
        """
        return {
            "id": list(self.vocabulary.ids),
            "name": list(self.vocabulary.names),
            "depth": self.depth.tolist(),
            "roots": [";".join(names) for names in self.roots],
            "ontology_aware_precision": self.ontology_aware.mean(axis=0).tolist(),
            "threshold": self.threshold.tolist(),
        }

    def __repr__(self) -> str:
        return (
            f"HierarchicalEvaluation({len(self.vocabulary)} classes; hF {self.f.f:.4f}, OmAP "
            f"{self.omap:.4f})"
        )

    def __str__(self) -> str:
        own = np.unique(self.threshold)
        at = f"from {own[0]:g}" if len(own) == 1 else "by class"
        lines = [
            (f"hP (predicted {at})", f"{self.f.precision:.4f}"),
            ("hR", f"{self.f.recall:.4f}"),
            ("hF", f"{self.f.f:.4f}"),
            ("OmAP", f"{self.omap:.4f}"),
            (f"child above parent by over {self.margin:g}", f"{self.violations.share:.2%}"),
        ]
        text = [f"{what:<34}{number:>14}" for what, number in lines]
        groups = {f"level {level}": group for level, group in self.by_level.items()}
        for title, each in (("mAP by level", groups), ("mAP by root", self.by_root)):
            text += ["", f"{title:<38}{'mAP':>10}{'classes':>10}"]
            text += [
                f"  {name[:36]:<36}{g[0]:>10.4f}{g[1]:>10,}" for name, g in each.items() if g[1]
            ]
        return "\n".join(text)


def hierarchical_f(
    scores: npt.ArrayLike,
    target: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    *,
    table: Flags,
    threshold: npt.ArrayLike = 0.5,
) -> HierarchicalF:
    """hP, hR and hF.

    Args:
        scores, target, mask: as for `average_precision`.
        table: from `descendant_table`, bool (C, C).
        threshold: the score from which on a class is predicted, or those of the classes, (C,).

    Raises:
        MetricError: as for `average_precision`.

    >>> table = np.array([[True, True, True], [False, True, False], [False, False, True]])
    >>> hierarchical_f([[0.1, 0.9, 0.1]], [[0, 0, 1]], table=table)  # siblings share their parent
    HierarchicalF(precision=0.5, recall=0.5, f=0.5)
    """
    values, positive, known = check_cells(scores, target, mask)
    climbs = table.T.astype(np.float32)
    hits = predicted = true = 0
    for start in range(0, len(values), ROWS):
        part = slice(start, start + ROWS)
        own = (values[part] >= np.asarray(threshold)) & known[part]
        guessed = (own.astype(np.float32) @ climbs > 0) & known[part]
        right = (positive[part].astype(np.float32) @ climbs > 0) & known[part]
        hits += int((guessed & right).sum())
        predicted, true = predicted + int(guessed.sum()), true + int(right.sum())
    share = [hits / n if n else float("nan") for n in (predicted, true, (predicted + true) / 2)]
    return HierarchicalF(*share)


def find_violations(
    scores: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    *,
    pairs: npt.NDArray[np.int64],
    margin: float = 0.0,
) -> Violations:
    """How often a child scores higher than its parent.

    Args:
        scores: (N, C).
        mask: 1 = known, of the same shape; all are known by default.
        pairs: from `parent_pairs`, int64 (2, P).
        margin: by more than which.

    >>> find_violations([[0.5, 0.7], [0.5, 0.2]], pairs=np.array([[0], [1]]))
    Violations(violated=1, pairs=2)
    """
    values, _, known = check_cells(scores, np.zeros(np.shape(scores), np.bool_), mask)
    violated = total = 0
    for parent, child in pairs.T.tolist():
        both = known[:, parent] & known[:, child]
        higher = values[:, child].astype(np.float64) - values[:, parent] > margin
        violated, total = violated + int((both & higher).sum()), total + int(both.sum())
    return Violations(violated, total)


def evaluate_hierarchy(
    scores: npt.ArrayLike,
    target: npt.ArrayLike,
    mask: npt.ArrayLike | None = None,
    *,
    evaluation: Evaluation,
    ontology: Ontology | None = None,
    threshold: npt.ArrayLike = 0.5,
    margin: float = 0.0,
) -> HierarchicalEvaluation:
    """All metrics of this module at once.

    Args:
        scores, target, mask: as for `evaluate`, from which `evaluation` is, with its vocabulary.
        ontology: of the classes; the embedded one with its supplement by default.
        threshold: of hP, hR and hF: one for all classes, or (C,).
        margin: of violations.

    Raises:
        MetricError: as for `evaluate`, or the evaluation has no vocabulary.
        VocabularyError: the ontology lacks classes of the vocabulary.

    >>> from audiolabels import evaluate, load_vocabulary
    >>> classes = load_vocabulary(["Guitar", "Electric guitar", "Rain"])
    >>> cells = [[0.8, 0.9, 0.1], [0.1, 0.2, 0.7]], [[1, 1, 0], [0, 0, 1]]
    >>> found = evaluate_hierarchy(*cells, evaluation=evaluate(*cells, vocabulary=classes))
    >>> found
    HierarchicalEvaluation(3 classes; hF 1.0000, OmAP 1.0000)
    >>> found.violations.share, sorted(found.by_root)
    (1.0, ['Music', 'Natural sounds'])
    """
    vocabulary, ontology = evaluation.vocabulary, default_ontology(ontology)
    if vocabulary is None:
        raise MetricError("metrics of the ontology need the classes' vocabulary")
    table = descendant_table(vocabulary, ontology)
    ids = [ontology.find(id_) for id_ in vocabulary.ids]
    above = {id_: ontology.ancestors(id_) | {id_} for id_ in ids}
    roots = tuple(tuple(ontology.name(r) for r in ontology.roots if r in above[i]) for i in ids)
    depth = np.array([_depth(ontology, id_) for id_ in ids], np.int64)
    names = [ontology.name(root) for root in ontology.roots]
    in_root = {name: np.array([name in own for own in roots]) for name in names}
    precision = evaluation.average_precision
    return HierarchicalEvaluation(
        vocabulary=vocabulary,
        threshold=np.broadcast_to(np.asarray(threshold, np.float64), (len(vocabulary),)),
        f=hierarchical_f(scores, target, mask, table=table, threshold=threshold),
        ontology_aware=ontology_aware_precision(
            scores, target, mask, distances=class_distances(vocabulary, ontology)
        ),
        violations=find_violations(scores, mask, pairs=parent_pairs(table), margin=margin),
        margin=margin,
        by_level={at: _mean_of(precision[depth == at]) for at in np.unique(depth).tolist()},
        by_root={name: _mean_of(precision[own]) for name, own in in_root.items() if own.any()},
        depth=depth,
        roots=roots,
    )


def _mean_of(precision: Floats) -> GroupMean:
    finite = precision[np.isfinite(precision)]
    return GroupMean(mean_or_nan(finite), len(finite))


def _depth(ontology: Ontology, id_: str) -> int:
    """Edges from the nearest root."""
    level, classes = 0, {id_}
    while not classes & set(ontology.roots):
        level, classes = level + 1, {p for each in classes for p in ontology.parents(each)}
    return level

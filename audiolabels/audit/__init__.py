"""The audit: which labels are likely to be missing or wrong, the most suspicious first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.columns import to_numpy
from audiolabels.audit.statistics import LabelStatistics, label_statistics
from audiolabels.audit.suspicions import (
    KINDS,
    MATTERS,
    OF_SCORES,
    Background,
    Evidence,
    Flags,
    Floats,
    Highest,
    Pairs,
    judge,
)
from audiolabels.audit.target_states import TargetStates
from audiolabels.clips.index import ClipFinder
from audiolabels.errors import OptionError, expect
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.scores import Scores
from audiolabels.ontology.hierarchy import descendant_table
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes import expand_hard
from audiolabels.schemes.class_quality import ClassQuality, as_class_quality, smoothed_quality
from audiolabels.targets.targets import SoftTargets, Targets

if TYPE_CHECKING:
    import pandas

__all__ = ["Audit", "LabelStatistics", "audit", "label_statistics"]

BLOCK = 4096  # clips at a time
MOST = 5000  # pairs of a kind
COLUMNS = ["clip_id", "id", "name", "kind", "evidence", "suspicion"]


@dataclass(frozen=True, eq=False)
class Audit:
    """Result of `audit`.

    Attributes:
        table: a data frame with a row for each suspicious pair: `clip_id`, `id` and `name` of the
            class, `kind`, `evidence` (a text), `suspicion` between 0 and 1; kind by kind, the most
            suspicious first.
        statistics: of the labels.
        settled: kind to how many of the most suspicious pairs are not in the table, since targets
            do not teach them; empty without targets.
        without_targets: clips that the targets lack.
    """

    table: "pandas.DataFrame"
    statistics: LabelStatistics
    settled: Mapping[str, int] = field(default_factory=dict)
    without_targets: int = 0

    def __repr__(self) -> str:
        counts = self.table["kind"].value_counts(sort=False)
        listed = ", ".join(f"{n:,} {kind}" for kind, n in counts.items()) or "nothing"
        settled = sum(self.settled.values())
        return f"Audit({listed}{f'; {settled:,} settled by the targets' if self.settled else ''})"


def audit(
    labels: Annotations,
    scores: Scores | None = None,
    *,
    targets: Targets | SoftTargets | None = None,
    vocabulary: str | Path | Vocabulary | None = None,
    class_quality: str | Path | ClassQuality | None = None,
    most: int = MOST,
) -> Audit:
    """Rank pairs of a clip and a class by how suspicious their labels are.

    The kinds and their formulae are those of `audiolabels.audit.suspicions`.

    Args:
        labels: N clips.
        scores: a teacher's, of segments or clips, that was not trained on these clips; the highest
            of a clip counts. Without them nothing is `missing`, `wrong` or `unspecified`.
        targets: made of these clips, by any scheme. Pairs that they settle are left out, so that
            the list is what training on them would still learn wrong; clips and classes that they
            lack are left out too.
        vocabulary: the classes that are looked at; by default those of the scores, else of the
            targets, else AudioSet's.
        class_quality: how many labels of each class raters confirmed: a CSV file of `label_id`,
            `num_rated` and `num_true`, as AudioSet's, or what `read_class_quality` made of one.
        most: pairs of each kind at most.

    Raises:
        OptionError: the labels have values; no clip has scores, or targets.
        VocabularyError: the ontology of the labels lacks a class.

    >>> from audiolabels import expand
    >>> labels = Annotations.from_dict({"a": ["Electric guitar"], "b": ["Silence", "Rain"]})
    >>> found = audit(labels)
    >>> found
    Audit(5 implied, 1 excluded)
    >>> found.table[["clip_id", "name", "kind"]].values.tolist()[-2:]
    [['b', 'Water', 'implied'], ['b', 'Silence', 'excluded']]
    >>> audit(labels, targets=expand(labels, "pel"))
    Audit(1 excluded; 5 settled by the targets)
    """
    import pandas

    expect("labels", labels, Annotations, "annotations")
    expect("scores", scores, Scores | None, "scores, or None")
    expect("targets", targets, Targets | SoftTargets | None, "targets, or None")
    if vocabulary is None:
        known = targets if scores is None else scores
        vocabulary = "audioset" if known is None else known.vocabulary
    given, closed = (
        expand_hard(labels, scheme, vocabulary=vocabulary, **options)
        for scheme, options in (("weak", {}), ("pel", {"parents": "certain"}))
    )
    classes = given.vocabulary
    quality = None if class_quality is None else as_class_quality("class_quality", class_quality)
    background = _background(labels, classes, quality)
    teacher, of_clip = _highest_scores(labels, scores, classes)
    states = None if targets is None else TargetStates.match(targets, labels, classes)

    def evidence(rows: npt.NDArray[np.int64]) -> Evidence:
        own = given.to_numpy(rows)[0] > 0
        found = np.full(own.shape, np.nan)
        scored = of_clip[rows] >= 0
        found[scored] = teacher[of_clip[rows][scored]]
        learned = None if states is None else states.of(rows)
        return Evidence(own, (closed.to_numpy(rows)[0] > 0) & ~own, found, learned)

    chosen = [kind for kind in KINDS if kind not in OF_SCORES or scores is not None]
    # Of all suspicions, and with targets of those that these have not settled.
    rankings = [{kind: Highest(most) for kind in chosen} for _ in range(1 + (states is not None))]
    for start in range(0, len(labels), BLOCK):
        clips = evidence(np.arange(start, min(len(labels), start + BLOCK)))
        for kind in chosen:
            for ranking, found in zip(rankings, judge(kind, clips, background), strict=False):
                ranking[kind].add(start, found)
    listed = {kind: (each.pairs, each.values) for kind, each in rankings[-1].items()}
    ranked = {kind: each.pairs for kind, each in rankings[0].items()}
    pairs, values = _contradictions(labels, given)
    ranked["contradictory"] = pairs[:most]
    if states is not None:
        kept = states.of(pairs[:, 0])[MATTERS["contradictory"]][np.arange(len(pairs)), pairs[:, 1]]
        pairs, values = pairs[kept], values[kept]
    listed["contradictory"] = pairs[:most], values[:most]
    table = [
        (labels.clip_id[row].as_py(), classes.ids[column], classes.names[column], kind,
         _explain(kind, column, evidence(np.array([row])), background), round(value, 4))
        for kind, (pairs, values) in listed.items()
        for (row, column), value in zip(pairs.tolist(), values.tolist(), strict=True)
    ]  # fmt: skip
    settled, lost = {}, 0
    if states is not None:
        settled = {kind: _lacking(pairs, listed[kind][0]) for kind, pairs in ranked.items()}
        lost = int((states.of_clip < 0).sum())
    return Audit(pandas.DataFrame(table, columns=COLUMNS), background.statistics, settled, lost)


def _background(
    labels: Annotations, classes: Vocabulary, quality: ClassQuality | None
) -> Background:
    ids = Annotations.from_dict({id_: [id_] for id_ in classes.ids}, ontology=labels.ontology)
    implies = expand_hard(ids, "pel", vocabulary=classes, parents="certain").to_numpy()[0] > 0
    itself = np.eye(len(classes), dtype=np.bool_)
    return Background(
        label_statistics(labels, classes),
        smoothed_quality(quality, classes, labels.ontology),
        descendant_table(classes, labels.ontology) & ~itself,
        implies & ~itself,
    )


def _highest_scores(
    labels: Annotations, scores: Scores | None, classes: Vocabulary
) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The highest scores of S clips, float64 (S, C), nan where unknown, and the row of each of the
    N clips of the labels, int64 (N,), -1 if it has none.
    """
    if scores is None:
        return np.full((0, len(classes)), np.nan), np.full(len(labels), -1)
    own = scores.over(classes).highest()
    teacher = own.scores.astype(np.float64)
    teacher[np.unpackbits(own.unknown, axis=1, count=len(classes)) > 0] = np.nan
    of_clip = ClipFinder(own.clip_id).find(labels.clip_id)
    if (of_clip < 0).all():
        raise OptionError("none of the clips has scores; see docs/clips.md for what ids mean")
    return teacher, of_clip


def _lacking(pairs: Pairs, listed: Pairs) -> int:
    """How many pairs are not listed."""
    return len({*map(tuple, pairs.tolist())} - {*map(tuple, listed.tolist())})


def _contradictions(labels: Annotations, given: Targets) -> tuple[Pairs, Floats]:
    """Classes that some rows of a clip have and others lack, at the first row that has them."""
    number = to_numpy(labels.clip_id.dictionary_encode().indices)
    several = np.flatnonzero((np.bincount(number, minlength=1) > 1)[number])
    has: Flags = given.to_numpy(several)[0] > 0
    pairs, values = [], []
    for clip in np.unique(number[several]):
        own = np.flatnonzero(number[several] == clip)
        share = has[own].mean(axis=0)
        for column in np.flatnonzero((share > 0) & (share < 1)):
            pairs.append((several[own[has[own, column]][0]], column))
            values.append(1 - share[column])
    order = np.argsort(-np.array(values), kind="stable")
    return np.array(pairs, np.int64).reshape(-1, 2)[order], np.array(values)[order]


def _explain(kind: str, column: int, clip: Evidence, classes: Background) -> str:
    """The evidence for one class of one clip."""
    names, statistics = classes.statistics.vocabulary.names, classes.statistics
    own = np.flatnonzero(clip.given[0])
    score = f"score {clip.scores[0, column]:.2f}"
    others = " · ".join(names[c] for c in own if c != column) or "nothing else"
    if kind == "implied":
        by = " · ".join(names[c] for c in own if classes.implies[c, column])
        return f"implied by {by or 'a given class outside the vocabulary'}"
    if kind == "excluded":
        other = min(own, key=lambda c: classes.exclusions[column, c])
        both = statistics.together[column, other]
        expected = statistics.given[column] * statistics.given[other] / max(1, statistics.clips)
        return f"with {names[other]}: {both:,} clips have both, {expected:,.1f} by chance"
    if kind == "missing":
        by = " · ".join(names[c] for c in own if classes.implies[c, column])
        return f"{score}; implied by {by}" if by else f"{score}; given: {others}"
    if kind == "wrong":
        return f"{score}; quality of the label {classes.quality[column]:.2f}; given: {others}"
    if kind == "unspecified":
        below = np.flatnonzero(classes.below[column])
        best = below[np.nanargmax(clip.unlearned[0, below])]
        return f"{names[best]} has score {clip.scores[0, best]:.2f}"
    return "rows of the clip differ"

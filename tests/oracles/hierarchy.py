"""Metrics that know the ontology as their definitions read: one clip and one class at a time."""

from collections.abc import Sequence
from fractions import Fraction

from oracles.metrics import Scores, Targets

from audiolabels.ontology import Ontology


def above(ontology: Ontology, id_: str) -> set[str]:
    """The ancestors, by climbing."""
    found: set[str] = set()
    for parent in ontology.parents(id_):
        found |= {parent} | above(ontology, parent)
    return found


def coherent(ontology: Ontology, ids: Sequence[str], scores: Sequence[float]) -> list[float]:
    return [
        max(
            s
            for other, s in zip(ids, scores, strict=True)
            if id_ in {other} | above(ontology, other)
        )
        for id_ in ids
    ]


def counts(
    ontology: Ontology,
    ids: Sequence[str],
    scores: Scores,
    targets: Targets,
    thresholds: Sequence[float],
) -> tuple[int, int, int]:
    """Classes in common, predicted and true, over all clips."""
    both = predicted = true = 0
    for row, truth in zip(scores, targets, strict=True):
        known = {id_ for id_, t in zip(ids, truth, strict=True) if t is not None}
        guessed = {i for i, s, t in zip(ids, row, thresholds, strict=True) if s >= t} & known
        right = {id_ for id_, t in zip(ids, truth, strict=True) if t == 1}
        guessed, right = (
            chosen.union(*(above(ontology, id_) for id_ in chosen)) & known
            for chosen in (guessed, right)
        )
        both += len(guessed & right)
        predicted += len(guessed)
        true += len(right)
    return both, predicted, true


def violations(
    ontology: Ontology, ids: Sequence[str], scores: Scores, targets: Targets, margin: float
) -> tuple[int, int]:
    """Violated and all pairs of a class and an ancestor with none of the classes in between."""
    pairs = [
        (child, parent)
        for child in ids
        for parent in ids
        if parent in above(ontology, child)
        and not any(
            other in above(ontology, child) and parent in above(ontology, other) for other in ids
        )
    ]
    violated = total = 0
    for row, truth in zip(scores, targets, strict=True):
        score, state = dict(zip(ids, row, strict=True)), dict(zip(ids, truth, strict=True))
        for child, parent in pairs:
            if state[child] is not None and state[parent] is not None:
                total += 1
                violated += score[child] - score[parent] > margin
    return violated, total


def distance(ontology: Ontology, a: str, b: str) -> int | None:
    """Edges between two classes: wave after wave of parents and children."""
    reached, steps = {a}, 0
    while b not in reached:
        near = {n for id_ in reached for n in (*ontology.parents(id_), *ontology.children(id_))}
        if near <= reached:
            return None
        reached, steps = reached | near, steps + 1
    return steps


def omap(
    distances: Sequence[Sequence[int]], scores: Scores, targets: Targets, level: int, c: int
) -> float | None:
    """Average precision of a class at a coarse level, after the authors' code."""
    size = len(distances)
    coarse = [[d if d > level else 0 for d in row] for row in distances]
    pairs = [coarse[i][j] for i in range(size) for j in range(size) if i != j]
    mean = Fraction(sum(pairs), len(pairs)) if pairs else Fraction(0)
    cells = []  # score, positive, weight
    for row, truth in zip(scores, targets, strict=True):
        own = [k for k, t in enumerate(truth) if t == 1]
        if own and truth[c] is not None:
            nearest = min(coarse[k][c] for k in own)
            weight = Fraction(nearest) / mean if mean else Fraction(0)
            cells.append((row[c], truth[c] == 1, weight))
    precisions = []
    for score in [s for s, positive, _ in cells if positive]:
        hits = sum(positive for s, positive, _ in cells if s >= score)
        false = sum(weight for s, positive, weight in cells if s >= score and not positive)
        precisions.append(hits / (hits + false))
    return float(sum(precisions) / len(precisions)) if precisions else None

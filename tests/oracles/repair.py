"""Labels repaired by a teacher as the definitions read: clip by clip, class by class, slowly."""

from fractions import Fraction

import networkx as nx
from oracles.expansion import NEGATIVE, POSITIVE, UNKNOWN, climb

Given = dict[str, set[str] | None]  # None where it is unannotated
Told = dict[str, dict[str, float]]  # clip to class to the highest score of any segment


def implicit_negatives(given: Given, told: Told, class_id: str) -> list[tuple[float, str]]:
    """Clips to which others were given, but not this class, with what the teacher says of it."""
    return [
        (told[clip][class_id], clip)
        for clip, classes in given.items()
        if classes and class_id not in classes and class_id in told.get(clip, {})
    ]


def likeliest_missing(
    given: Given, told: Told, vocabulary: list[str], share: str
) -> set[tuple[str, str]]:
    """The (clip, class) pairs that become unknown."""
    chosen = set()
    for class_id in vocabulary:
        implicit = implicit_negatives(given, told, class_id)
        ordered = sorted(implicit, key=lambda pair: (-pair[0], pair[1]))
        most = int(Fraction(share) * len(implicit))
        chosen |= {(clip, class_id) for _, clip in ordered[:most]}
    return chosen


def percentile(values: list[float], percent: float) -> float:
    """Between the two nearest values, as far along as the percentage says."""
    ordered = sorted(values)
    place = percent / 100 * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def threshold(given: Given, told: Told, class_id: str, rule: str) -> float | None:
    values = [
        told[clip][class_id]
        for clip, classes in given.items()
        if classes and class_id in classes and class_id in told.get(clip, {})
    ]
    if not values:
        return None
    if rule == "mean":
        return sum(values) / len(values)
    return percentile(values, {"median": 50, "p25": 25, "p10": 10, "p5": 5}[rule])


def sure_additions(
    graph: nx.DiGraph, given: Given, told: Told, enhance: str, rule: str
) -> set[tuple[str, str]]:
    """The (clip, class) pairs that are added."""
    added = set()
    for clip, classes in given.items():
        for class_id in classes or ():
            children, ancestors = set(graph.successors(class_id)), nx.ancestors(graph, class_id)
            near = {"children": children, "ancestors": ancestors, "both": children | ancestors}
            for other in near[enhance] - (classes or set()):
                limit = threshold(given, told, other, rule)
                if limit is not None and told.get(clip, {}).get(other, -1.0) > limit:
                    added.add((clip, other))
    return added


def expand_repaired(
    graph: nx.DiGraph,
    given: set[str] | None,
    vocabulary: list[str],
    scheme: str,
    parents: str,
    *,
    masked: set[str],
    added: set[str],
    added_as_given: bool,
) -> dict[str, str]:
    """State of every class: repair, then parents up, then children masked."""
    if given is None:
        return dict.fromkeys(vocabulary, UNKNOWN)
    positive, unknown = given | added, set(masked)
    if scheme != "weak":
        for class_id in given | added:
            lifted, unsure = climb(graph, class_id, set(vocabulary), parents)
            positive |= lifted
            unknown |= unsure
    if scheme == "pe-cml":
        counted = given | added if added_as_given else given
        for class_id in counted:
            below = nx.descendants(graph, class_id)
            if not below & counted:
                unknown |= below
    return {
        c: POSITIVE if c in positive else UNKNOWN if c in unknown else NEGATIVE for c in vocabulary
    }


def at_least_those_below(graph: nx.DiGraph, told: dict[str, float]) -> dict[str, float]:
    """Scores where a class scores at least as high as each class below it; of told ones only."""
    return {
        c: max([s, *(told.get(d, 0) for d in nx.descendants(graph, c))]) for c, s in told.items()
    }

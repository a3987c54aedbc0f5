"""Weights of the targets of a clip, one class at a time, slowly."""

from collections.abc import Mapping
from fractions import Fraction

import networkx as nx
from oracles.expansion import climb


def weigh_quality(
    states: Mapping[str, str], ratings: Mapping[str, tuple[int, int]], judged: set[str]
) -> dict[str, float]:
    """The smoothed share of confirmed labels for positives, else 1."""
    result = {}
    for class_id, state in states.items():
        rated, true = ratings.get(class_id, (0, 0))
        counts = state == "positive" and class_id not in judged
        result[class_id] = float(Fraction(true + 9, rated + 10)) if counts else 1.0
    return result


def weigh_evidence(
    graph: nx.DiGraph,
    states: Mapping[str, str],
    present: Mapping[str, float],
    absent: Mapping[str, float],
    scheme: str,
    parents: str,
) -> dict[str, float]:
    """The highest number of a class whose presence or absence a target follows from, else 1.

    `present` and `absent` are the classes of which somebody stated this, with their numbers.
    """
    result = {}
    for class_id, state in states.items():
        found = []
        if state == "positive":
            for other, number in present.items():
                lifted: set[str] = set()
                if scheme != "weak":
                    lifted, _ = climb(graph, other, set(states), parents)
                if class_id in {other, *lifted}:
                    found.append(number)
        if state == "negative":
            for other, number in absent.items():
                if class_id in {other, *nx.descendants(graph, other)}:
                    found.append(number)
        result[class_id] = max(found, default=1.0)
    return result

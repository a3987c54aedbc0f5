"""Classes of low label quality, one target at a time, slowly."""

from collections.abc import Mapping
from fractions import Fraction


def doubt(
    states: Mapping[str, str], ratings: Mapping[str, tuple[int, int]], floor: str
) -> dict[str, str]:
    """The states of a clip's classes, where positives of classes below the floor are unknown."""
    result = {}
    for class_id, state in states.items():
        rated, true = ratings.get(class_id, (0, 0))
        low = rated > 0 and Fraction(true, rated) < Fraction(floor)
        result[class_id] = "unknown" if low and state == "positive" else state
    return result

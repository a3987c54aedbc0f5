"""Mixing scores with given labels as the definition reads: one cell at a time."""

POSITIVE, NEGATIVE, UNKNOWN = "positive", "negative", "unknown"


def mix(score: float | None, label: str, weight: float) -> float | None:
    """A soft target; None is unknown.

    Args:
        score: what the teacher says, None if nothing.
        label: the given label's state.
        weight: the teacher's.
    """
    if score is None and weight > 0:
        return None
    if label == UNKNOWN and weight < 1:
        return None
    given = 1.0 if label == POSITIVE else 0.0
    return weight * (score or 0.0) + (1 - weight) * given


def average_precision(scores: list[float], positive: list[bool]) -> float:
    """Mean over the positive clips of the precision among all that score at least as high."""
    total = 0.0
    for score, is_positive in zip(scores, positive, strict=True):
        if is_positive:
            above = [p for s, p in zip(scores, positive, strict=True) if s >= score]
            total += sum(above) / len(above)
    return total / sum(positive)

"""Metrics of scores against targets, PSDS against events, and analyses of a teacher."""

from audiolabels.metrics.ranking import (
    Evaluation,
    Improvement,
    area_under_roc,
    average_precision,
    d_prime,
    evaluate,
    hard_negatives,
    lwlrap,
    map_at_3,
)

__all__ = [
    "Evaluation",
    "Improvement",
    "area_under_roc",
    "average_precision",
    "d_prime",
    "evaluate",
    "hard_negatives",
    "lwlrap",
    "map_at_3",
]

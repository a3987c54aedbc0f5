"""Metrics of scores against targets, PSDS against events, and analyses of a teacher."""

from audiolabels.metrics.evaluation import Evaluation, Improvement, evaluate
from audiolabels.metrics.ranking import (
    area_under_roc,
    average_precision,
    d_prime,
    hard_negatives,
    lwlrap,
    map_at_3,
)
from audiolabels.metrics.score_analysis import ScoreAnalysis, analyse_scores

__all__ = [
    "Evaluation",
    "Improvement",
    "ScoreAnalysis",
    "analyse_scores",
    "area_under_roc",
    "average_precision",
    "d_prime",
    "evaluate",
    "hard_negatives",
    "lwlrap",
    "map_at_3",
]

"""Metrics of scores against targets, PSDS against events, and analyses of a teacher."""

from audiolabels.metrics.evaluation import Evaluation, Improvement, evaluate
from audiolabels.metrics.evaluation_comparison import EvaluationComparison, compare_evaluations
from audiolabels.metrics.evaluation_folder import read_evaluation
from audiolabels.metrics.hierarchical import HierarchicalEvaluation, evaluate_hierarchy
from audiolabels.metrics.ranking import (
    area_under_roc,
    average_precision,
    d_prime,
    hard_negatives,
    lwlrap,
    map_at_3,
)
from audiolabels.metrics.score_analysis import ScoreAnalysis, analyse_scores
from audiolabels.metrics.thresholds import Thresholds, choose_thresholds

__all__ = [
    "Evaluation",
    "EvaluationComparison",
    "HierarchicalEvaluation",
    "Improvement",
    "ScoreAnalysis",
    "Thresholds",
    "analyse_scores",
    "area_under_roc",
    "average_precision",
    "choose_thresholds",
    "compare_evaluations",
    "d_prime",
    "evaluate",
    "evaluate_hierarchy",
    "hard_negatives",
    "lwlrap",
    "map_at_3",
    "read_evaluation",
]

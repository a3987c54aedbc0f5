"""Comparison of two sides, annotations or targets: priors, common pairs, odds ratios."""

from audiolabels.comparison.comparison import Comparison, Overlap, compare, shifted_classes
from audiolabels.comparison.file_comparison import compare_files
from audiolabels.comparison.matching import ClipCounts
from audiolabels.comparison.odds_ratios import odds_ratio

__all__ = [
    "ClipCounts",
    "Comparison",
    "Overlap",
    "compare",
    "compare_files",
    "odds_ratio",
    "shifted_classes",
]

"""Pictures of labels, targets, scores and evaluations, in matplotlib (extra `plots`).

Each function takes our values and an optional `ax`, and returns the axes that it drew in. Figures
are as wide as a column and a half of a paper, in colours that the colour-blind tell apart. Labels,
targets, comparisons and evaluations have them as methods too: `targets.plot.masked_share()`.
"""

from audiolabels.plots.classes import frequencies, labels_per_clip, masked_share, neighbourhood
from audiolabels.plots.results import (
    average_precision,
    compare_evaluations,
    found_per_clip,
    label_coverage,
    odds_ratios,
    priors,
    psd_roc,
    score_histogram,
    training_curves,
)
from audiolabels.plots.times import event_roll, localisation

__all__ = [
    "average_precision",
    "compare_evaluations",
    "event_roll",
    "found_per_clip",
    "frequencies",
    "label_coverage",
    "labels_per_clip",
    "localisation",
    "masked_share",
    "neighbourhood",
    "odds_ratios",
    "priors",
    "psd_roc",
    "score_histogram",
    "training_curves",
]

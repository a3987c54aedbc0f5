"""Targets, hard and soft: their layouts in Parquet, and look-up by clip."""

from audiolabels.targets.layouts import LAYOUTS
from audiolabels.targets.sampling import Mixture, balanced_order, sampling_weights
from audiolabels.targets.source import LabelSource
from audiolabels.targets.source import open_source as open
from audiolabels.targets.store import read_info, read_targets, write_targets
from audiolabels.targets.targets import SoftTargets, Targets

__all__ = [
    "LAYOUTS",
    "LabelSource",
    "Mixture",
    "SoftTargets",
    "Targets",
    "balanced_order",
    "open",
    "read_info",
    "read_targets",
    "sampling_weights",
    "write_targets",
]

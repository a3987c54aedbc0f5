"""Splitting: labels divided by a class of the ontology, clips into parts, and subsets of clips."""

from audiolabels.clips.partition import draw_parts
from audiolabels.splitting.by_class import Split, split_by_root
from audiolabels.splitting.label_files import split_files, write_labels
from audiolabels.splitting.subsets import Subset, draw_subset, subset_files

__all__ = [
    "Split",
    "Subset",
    "draw_parts",
    "draw_subset",
    "split_by_root",
    "split_files",
    "subset_files",
    "write_labels",
]

"""Splitting: labels divided by a class of the ontology, and clips into parts."""

from audiolabels.clips.partition import draw_parts
from audiolabels.splitting.by_class import Split, split_by_root
from audiolabels.splitting.label_files import split_files, write_labels

__all__ = ["Split", "draw_parts", "split_by_root", "split_files", "write_labels"]

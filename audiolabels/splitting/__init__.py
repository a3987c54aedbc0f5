"""Splitting: labels divided by a class of the ontology, and clips into parts."""

from audiolabels.clips.partition import draw_parts
from audiolabels.splitting.files import split_files, write_labels
from audiolabels.splitting.roots import Split, split_by_root

__all__ = ["Split", "draw_parts", "split_by_root", "split_files", "write_labels"]

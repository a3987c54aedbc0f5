"""Expansion: files of labels to files of targets, as a stream in constant memory."""

from audiolabels.expansion.joined import join
from audiolabels.expansion.local import expand_files
from audiolabels.expansion.summary import Summary

__all__ = ["Summary", "expand_files", "join"]

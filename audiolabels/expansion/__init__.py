"""Expansion: files of labels to files of targets, as a stream in constant memory."""

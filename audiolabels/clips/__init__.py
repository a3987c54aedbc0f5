"""Clips: ids in file names, look-up by name, duplicates, and parts of a data set."""

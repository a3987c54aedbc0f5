"""Engines: label files to targets files, in parts."""

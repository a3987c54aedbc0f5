"""Readers of teacher scores, in the files that other projects write."""

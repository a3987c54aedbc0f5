"""Readers of event files: labels with onset and offset, in any known format."""

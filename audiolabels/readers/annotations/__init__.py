"""Readers of label files: labels of whole clips, in any known format."""

"""Arrays: Arrow columns, bit tables, intervals, the frame grid."""

from audiolabels.arrays.grid import Grid

__all__ = ["Grid"]

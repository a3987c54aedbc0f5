"""Importers: teacher scores in the files that other projects write. One file a form.

`IMPORTERS` is the table that command line and documentation read; which form a file has is
detected, and said in the report's notes. Nothing in a file is ever executed.
"""

from audiolabels.readers.scores.blocks import BEYOND_TOP, VALUES, ScoreOptions
from audiolabels.readers.scores.detection import IMPORTERS, Importer
from audiolabels.readers.scores.parquet import write_scores
from audiolabels.readers.scores.reading import class_order, read_scores, side_files, stream_scores

__all__ = [
    "BEYOND_TOP",
    "IMPORTERS",
    "VALUES",
    "Importer",
    "ScoreOptions",
    "class_order",
    "read_scores",
    "side_files",
    "stream_scores",
    "write_scores",
]

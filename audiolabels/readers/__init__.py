"""Readers: label files to annotations, event files to events, score files to scores.

The three are built alike: `formats` holds the table of formats and finds a file's entry in it,
`reading` has the functions that read whole files and streams, and each format has a module.
"""

from audiolabels.readers.annotations.formats import LABEL_FORMATS
from audiolabels.readers.annotations.reading import read_labels, stream_labels
from audiolabels.readers.events.formats import EVENT_FORMATS
from audiolabels.readers.events.reading import read_events, stream_events
from audiolabels.readers.label_lists import list_labels
from audiolabels.readers.options import BlockSizes, EventOptions, ReadOptions, ScoreOptions
from audiolabels.readers.scores.formats import SCORE_FORMATS
from audiolabels.readers.scores.parquet import write_scores
from audiolabels.readers.scores.reading import read_scores, stream_scores

__all__ = [
    "EVENT_FORMATS",
    "LABEL_FORMATS",
    "SCORE_FORMATS",
    "BlockSizes",
    "EventOptions",
    "ReadOptions",
    "ScoreOptions",
    "list_labels",
    "read_events",
    "read_labels",
    "read_scores",
    "stream_events",
    "stream_labels",
    "stream_scores",
    "write_scores",
]

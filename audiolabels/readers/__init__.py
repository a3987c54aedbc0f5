"""Readers: label files to annotations, event files to events.

`FORMATS` is the table of what is read; which format a file has is detected, and said in the
report's notes.
"""

from audiolabels.readers.annotations.reading import no_usable_row, read_labels, stream_source
from audiolabels.readers.events.reading import read_events, stream_events
from audiolabels.readers.options import FORMATS, TIME_UNITS, UNKNOWN, EventOptions, ReadOptions
from audiolabels.readers.scores import read_scores, write_scores

__all__ = [
    "FORMATS",
    "TIME_UNITS",
    "UNKNOWN",
    "EventOptions",
    "ReadOptions",
    "no_usable_row",
    "read_events",
    "read_labels",
    "read_scores",
    "stream_events",
    "stream_source",
    "write_scores",
]

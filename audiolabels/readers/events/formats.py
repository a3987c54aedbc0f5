"""The table of formats of events. One kind of file per module.

Each `read` makes `EventRows`, part by part, of an opened file and its layout.
"""

from collections.abc import Callable, Iterator, Mapping

from audiolabels.readers.events.delimited import read_event_rows
from audiolabels.readers.events.parts import EventRows
from audiolabels.readers.events.pretrained_sed import read_arrow_rows
from audiolabels.readers.formats import Format, format_table

EventFormat = Format[Callable[..., Iterator[EventRows]]]

EVENT_FORMATS: Mapping[str, EventFormat] = format_table(
    EventFormat(
        "events",
        "one row per event: clip, onset, offset, label, as AudioSet strong and DESED",
        "text",
        read_event_rows,
        lambda dialect: dialect.events and "presence" not in dialect.columns.roles,
    ),
    EventFormat(
        "framed",
        "AudioSet's framed release: clip, onset, offset, label, PRESENT or NOT_PRESENT",
        "text",
        read_event_rows,
        lambda dialect: dialect.events,
    ),
    EventFormat(
        "pretrained-sed",
        "PretrainedSED's data set, its .arrow file: filename, events",
        "Arrow",
        read_arrow_rows,
    ),
)

"""The table of formats of events, and detection. One kind of file per module.

Each `read` makes `EventRows`, part by part, of an opened file and its layout.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from audiolabels.errors import LabelFileError
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.formats import ENTRY_FORMS, LABEL_FORMATS, LAYOUTS, is_form
from audiolabels.readers.annotations.tables import TableLayout
from audiolabels.readers.columns import GivenColumns
from audiolabels.readers.dialect import detect_dialect
from audiolabels.readers.events.delimited import read_event_rows
from audiolabels.readers.events.parts import EventRows
from audiolabels.readers.events.pretrained_sed import read_arrow_rows
from audiolabels.readers.events.tables import read_event_table
from audiolabels.readers.formats import Format, Layout, find_format, format_table
from audiolabels.readers.opening import Source

EventFormat = Format[Callable[..., Iterator[EventRows]]]


def _is_event_table(name: str) -> Callable[[Any], bool]:
    return lambda layout: is_form(name)(layout) and layout.dialect.events


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
    EventFormat(
        "event-table",
        "a table in memory, one row per event",
        "memory",
        read_event_table,
        _is_event_table(""),
    ),
    EventFormat(
        "json-events",
        "one JSON object per line, with clip, onset, offset and label",
        "JSON",
        read_event_table,
        _is_event_table(""),
    ),
    *(
        EventFormat(name, form.summary, form.container, read_event_table, _is_event_table(name))
        for name, form in ENTRY_FORMS.items()
    ),
)


def detect_format(
    source: Source, ontology: Ontology, columns: GivenColumns = None
) -> tuple[EventFormat, Layout]:
    """The format of an event file, and its layout.

    Raises:
        LabelFileError: it holds no events.
    """
    container = source.container
    layout = Layout()
    if container == "text":
        layout = detect_dialect(source, ontology, columns)
    elif container in ("JSON", "tar", "TFRecord", "memory"):
        layout = LAYOUTS[container](
            source, ontology, columns, lambda name: ontology.resolve(name) is not None
        )
    found = find_format(EVENT_FORMATS, container, layout)
    if found is not None:
        return found, layout
    known = container == "text" or isinstance(layout, TableLayout)
    labels = find_format(LABEL_FORMATS, container, layout) if known else None
    if labels is None:
        raise LabelFileError(
            f"{source.path}: not an event file; those are CSV or TSV with one row per event: clip, "
            f"onset, offset, label"
        )
    raise LabelFileError(
        f"{source.path}: no events: labels of whole clips, read as {labels.name}. Schemes for such "
        f"labels are weak, pel and pe-cml; event files have the columns clip, onset, offset and "
        f"label"
    )

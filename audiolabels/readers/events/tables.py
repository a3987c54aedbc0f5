"""Events in tables with typed columns: JSON lines, and other JSON made a table."""

from collections.abc import Iterator

from audiolabels.readers.annotations.tables import TableLayout, table_rows
from audiolabels.readers.delimited import checked
from audiolabels.readers.events.delimited import event_rows
from audiolabels.readers.events.parts import EventRows
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions

WHOLE = 1 << 62  # rows; a clip's rows stay in one part


def read_event_table(
    source: Source, layout: TableLayout, options: ReadOptions
) -> Iterator[EventRows]:
    """The rows of a table that is held in memory, in one part.

    Raises:
        LabelFileError: the table is broken, or its times are not seconds.
    """
    dialect = layout.dialect
    rows = table_rows(source, layout, options.unit_ms, WHOLE, events=True)
    made = (event_rows(block, dialect, source, options) for block in rows)
    return checked(made, source, dialect, options)

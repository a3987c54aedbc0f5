"""Which format an event file has: its container, then its columns, against the table of formats."""

from audiolabels.errors import LabelFileError
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.formats import LABEL_FORMATS
from audiolabels.readers.columns import GivenColumns
from audiolabels.readers.dialect import detect_dialect
from audiolabels.readers.events.formats import EVENT_FORMATS, EventFormat
from audiolabels.readers.formats import Layout, find_format
from audiolabels.readers.opening import Source


def detect_format(
    source: Source, ontology: Ontology, columns: GivenColumns = None
) -> tuple[EventFormat, Layout]:
    """The format of an event file, and its layout.

    Raises:
        LabelFileError: it holds no events.
    """
    container = source.container
    layout = detect_dialect(source, ontology, columns) if container == "text" else Layout()
    found = find_format(EVENT_FORMATS, container, layout)
    if found is not None:
        return found, layout
    labels = find_format(LABEL_FORMATS, container, layout) if container == "text" else None
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

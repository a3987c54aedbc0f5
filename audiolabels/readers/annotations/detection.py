"""Which format a label file has: its container, then its columns, against the table of formats."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from audiolabels.errors import LabelFileError
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.formats import LABEL_FORMATS, LabelFormat
from audiolabels.readers.annotations.tables import is_json_lines, open_json_lines, open_parquet
from audiolabels.readers.columns import GivenColumns
from audiolabels.readers.dialect import Dialect, detect_dialect
from audiolabels.readers.formats import Layout, find_format
from audiolabels.readers.opening import Source


def _labels_dialect(source: Source, ontology: Ontology, columns: GivenColumns) -> Dialect:
    """The layout of a delimited file, whose lengths of clips and times of events are not used."""
    dialect = detect_dialect(source, ontology, columns)
    unread = [dialect.clip_length]
    if dialect.events and not dialect.places:
        unread += [dialect.start, dialect.end]
    names = dialect.columns.names
    unused = [names[i] if names else "a time" for i in unread if i is not None]
    return replace(dialect, unused=(*dialect.unused, *unused))


# How the layout of a container is found; `Format.matches` tests it, `Format.read` takes it.
LAYOUTS: Mapping[str, Callable[[Source, Ontology, GivenColumns], Layout]] = MappingProxyType(
    {
        "text": _labels_dialect,
        "Parquet": lambda source, ontology, columns: open_parquet(source, columns),
        "JSON": lambda source, ontology, columns: (
            open_json_lines(source, columns) if is_json_lines(source, columns) else Layout()
        ),
        "Arrow": lambda source, ontology, columns: Layout(),
    }
)
# What a file of a container is that has no format of labels.
EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "text": "framed labels (PRESENT / NOT_PRESENT), with times at which a class is present or "
        "absent; as labels of clips, absences would turn into labels. Read them as events,",
        "Arrow": "an Arrow stream, which is read as events, not labels of clips:",
    }
)


def detect_format(
    source: Source, ontology: Ontology, columns: GivenColumns = None
) -> tuple[LabelFormat, Layout]:
    """The format of a label file, and its layout.

    Raises:
        LabelFileError: it holds no labels of whole clips.
    """
    layout = LAYOUTS[source.container](source, ontology, columns)
    found = find_format(LABEL_FORMATS, source.container, layout)
    if found is None:
        raise LabelFileError(
            f"{source.path}: {EVENTS[source.container]} with --scheme strong-framed or diffuse "
            f"(audiolabels.read_events)"
        )
    return found, layout

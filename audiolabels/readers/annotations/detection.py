"""Which format a label file has: its container, then its columns, against the table of formats."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from audiolabels.errors import LabelFileError
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.formats import LABEL_FORMATS, LabelFormat
from audiolabels.readers.annotations.parquet import open_parquet
from audiolabels.readers.dialect import detect_dialect
from audiolabels.readers.formats import Layout, find_format
from audiolabels.readers.opening import Source

# How the layout of a container is found; `Format.matches` tests it, `Format.read` takes it.
LAYOUTS: Mapping[str, Callable[[Source, Ontology], Layout]] = MappingProxyType(
    {
        "text": detect_dialect,
        "Parquet": lambda source, ontology: open_parquet(source),
        "JSON": lambda source, ontology: Layout(),
        "Arrow": lambda source, ontology: Layout(),
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


def detect_format(source: Source, ontology: Ontology) -> tuple[LabelFormat, Layout]:
    """The format of a label file, and its layout.

    Raises:
        LabelFileError: it holds no labels of whole clips.
    """
    layout = LAYOUTS[source.container](source, ontology)
    found = find_format(LABEL_FORMATS, source.container, layout)
    if found is None:
        raise LabelFileError(
            f"{source.path}: {EVENTS[source.container]} with --scheme strong-framed or diffuse "
            f"(audiolabels.read_events)"
        )
    return found, layout

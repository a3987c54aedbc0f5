"""Which format a label file has: its container, then its columns, against the table of formats."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from audiolabels.errors import LabelFileError
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.formats import LABEL_FORMATS, LabelFormat
from audiolabels.readers.annotations.parquet import open_parquet
from audiolabels.readers.dialect import Dialect, detect_dialect
from audiolabels.readers.formats import find_format
from audiolabels.readers.opening import Source

# How the layout of a container is found; `Format.matches` tests it, `Format.read` takes it.
LAYOUTS: Mapping[str, Callable[[Source, Ontology], Any]] = MappingProxyType(
    {
        "text": detect_dialect,
        "Parquet": lambda source, ontology: open_parquet(source),
        "JSON": lambda source, ontology: None,
    }
)
AS_EVENTS = "with --scheme strong-framed or diffuse (audiolabels.read_events)"


def detect_format(source: Source, ontology: Ontology) -> tuple[LabelFormat, Any]:
    """The format of a label file, and its layout, which `LabelFormat.read` takes.

    Raises:
        LabelFileError: it holds no labels of whole clips.
    """
    container = source.container
    layout = LAYOUTS[container](source, ontology) if container in LAYOUTS else None
    if isinstance(layout, Dialect) and layout.present is not None:
        raise LabelFileError(
            f"{source.path}: framed labels (PRESENT / NOT_PRESENT), with times at which a class is "
            f"present or absent; as labels of clips, absences would turn into labels. Read them as "
            f"events, {AS_EVENTS}"
        )
    found = find_format(LABEL_FORMATS, container, layout)
    if found is None:
        raise LabelFileError(
            f"{source.path}: an Arrow stream, which is read as events, not labels of clips: "
            f"{AS_EVENTS}"
        )
    return found, layout

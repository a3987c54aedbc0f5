"""The table of formats of labels of whole clips, and detection. One kind of file per module.

Each `read` makes `LabelRows`, part by part, of an opened file and its layout.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from audiolabels.errors import LabelFileError
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.ast_json import read_ast_json
from audiolabels.readers.annotations.delimited import read_delimited, read_psl
from audiolabels.readers.annotations.entries import EntryForm, open_entries
from audiolabels.readers.annotations.jams import is_jams, jams_entries
from audiolabels.readers.annotations.label_parsing import LabelRows
from audiolabels.readers.annotations.label_studio import is_label_studio, label_studio_entries
from audiolabels.readers.annotations.lhotse import is_lhotse, lhotse_entries
from audiolabels.readers.annotations.tables import (
    TableLayout,
    is_json_lines,
    open_json_lines,
    open_memory,
    open_parquet,
    read_table,
)
from audiolabels.readers.annotations.tfrecord import tfrecord_entries
from audiolabels.readers.annotations.webdataset import webdataset_entries
from audiolabels.readers.columns import GivenColumns, Known
from audiolabels.readers.dialect import Dialect, detect_dialect
from audiolabels.readers.formats import Format, Layout, find_format, format_table
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions

LabelFormat = Format[Callable[[Source, Any, ReadOptions], Iterator[LabelRows]]]


def _has(clip: str, labels: str, *others: str) -> Callable[[Dialect], bool]:
    """Whether a file has these columns of clips and labels, and one of the others, if any."""

    def matches(dialect: Dialect) -> bool:
        names = dialect.columns.names
        if not names or dialect.clip is None:
            return False
        found = (names[dialect.clip], *(names[i] for i in dialect.labels))
        return found == (clip, labels) and not (others and set(others).isdisjoint(names))

    return matches


_is_psl = _has("filename", "labels", "hdf5path", "from", "masked")


def _delimited(
    name: str,
    summary: str,
    matches: Callable[[Dialect], bool] = lambda _: True,
    read: Callable[..., Iterator[LabelRows]] = read_delimited,
) -> LabelFormat:
    """A format of delimited files; those of frames hold events instead."""
    return LabelFormat(
        name, summary, "text", read, lambda dialect: not dialect.framed and matches(dialect)
    )


# Tried in this order where a file is no table.
ENTRY_FORMS: Mapping[str, EntryForm] = MappingProxyType(
    {
        "jams": EntryForm(
            "JAMS, as Scaper writes it: events and tags of the clip that the file is named after",
            "JSON",
            is_jams,
            jams_entries,
        ),
        "label-studio": EntryForm(
            "Label Studio's JSON export: labelled regions of audio files, or choices",
            "JSON",
            is_label_studio,
            label_studio_entries,
        ),
        "lhotse": EntryForm(
            "Lhotse's supervisions or cuts, JSON lines: audio_event, names or column numbers",
            "JSON",
            is_lhotse,
            lhotse_entries,
        ),
        "webdataset": EntryForm(
            "label members of a webdataset's tar, <key>.json with labels joined by semicolons",
            "tar",
            lambda head: True,
            webdataset_entries,
        ),
        "audioset-tfrecord": EntryForm(
            "AudioSet's features in TFRecord, of which the labels are read: video_id, labels",
            "TFRecord",
            lambda head: True,
            tfrecord_entries,
        ),
    }
)


def is_form(name: str) -> Callable[[Layout], bool]:
    """Whether a layout is that of a table made of this form; empty: of JSON lines."""
    return lambda layout: isinstance(layout, TableLayout) and layout.form == name


LABEL_FORMATS: Mapping[str, LabelFormat] = format_table(
    _delimited(
        "wide",
        "one column per class: 1 present, 0 absent, else unknown; CSV or TSV",
        lambda dialect: bool(dialect.wide),
    ),
    _delimited(
        "long",
        "one row per label: clip, label, with or without times; CSV or TSV",
        lambda dialect: dialect.one_label,
    ),
    _delimited(
        "psl",
        "PSL's TSV: filename, labels (joined column numbers), duration, hdf5path",
        lambda dialect: dialect.numbers and _is_psl(dialect),
        read_psl,
    ),
    _delimited("fsd50k", "FSD50K's CSV: fname, labels, mids", _has("fname", "mids")),
    _delimited(
        "audioset-segments",
        "AudioSet segments CSV: YTID, start_seconds, end_seconds, labels",
        lambda dialect: dialect.timed,
    ),
    _delimited("clip-labels", "one row per clip: clip_id, labels; CSV or TSV"),
    LabelFormat(
        "json-lines",
        "one JSON object per line, with clip and labels",
        "JSON",
        read_table,
        is_form(""),
    ),
    *(
        LabelFormat(name, form.summary, form.container, read_table, is_form(name))
        for name, form in ENTRY_FORMS.items()
    ),
    LabelFormat(
        "ast-json",
        "the JSON of AST, PSLA, SSAST and AudioMAE: data, wav, labels",
        "JSON",
        read_ast_json,
    ),
    LabelFormat("table", "a table in memory", "memory", read_table),
    LabelFormat("parquet", "Hugging Face style Parquet: video_id, labels", "Parquet", read_table),
)


def _labels_dialect(
    source: Source, ontology: Ontology, columns: GivenColumns, known: Known
) -> Dialect:
    """The layout of a delimited file, whose lengths of clips and times of events are not used."""
    dialect = detect_dialect(source, ontology, columns, known)
    unread = {"length": dialect.clip_length}
    if dialect.one_label and not dialect.places:
        unread |= {"onset": dialect.start, "offset": dialect.end}
    names = dialect.columns.names
    unused = [names[i] if names else role for role, i in unread.items() if i is not None]
    return replace(dialect, unused=(*dialect.unused, *unused))


def _entry_layout(
    source: Source, ontology: Ontology, columns: GivenColumns, known: Known
) -> Layout:
    """The layout of a table of JSON lines, or of entries made one; or none of its own."""
    if source.container == "JSON" and is_json_lines(source, columns, known):
        return open_json_lines(source, columns, known)
    for name, form in ENTRY_FORMS.items():
        if form.container == source.container and form.matches(source.head):
            return open_entries(source, name, form, columns)
    return Layout()


# How the layout of a container is found; `Format.matches` tests it, `Format.read` takes it.
LAYOUTS: Mapping[str, Callable[[Source, Ontology, GivenColumns, Known], Layout]] = MappingProxyType(
    {
        "text": _labels_dialect,
        "Parquet": lambda source, _, columns, known: open_parquet(source, columns, known),
        "memory": lambda source, _, columns, known: open_memory(source, columns, known),
        **dict.fromkeys(("JSON", "tar", "TFRecord"), _entry_layout),
        "Arrow": lambda *_: Layout(),
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
    source: Source,
    ontology: Ontology,
    columns: GivenColumns = None,
    known: Known | None = None,
) -> tuple[LabelFormat, Layout]:
    """The format of a label file, and its layout.

    Args:
        source: the opened file.
        ontology: tells a list of classes from labels of clips.
        columns: role to names of columns.
        known: whether a label is known; by default, whether the ontology has it.

    Raises:
        LabelFileError: it holds no labels of whole clips.
    """
    known = known or (lambda name: ontology.resolve(name) is not None)
    layout = LAYOUTS[source.container](source, ontology, columns, known)
    found = find_format(LABEL_FORMATS, source.container, layout)
    if found is None:
        raise LabelFileError(
            f"{source.path}: {EVENTS[source.container]} with --scheme strong-framed or diffuse "
            f"(audiolabels.read_events)"
        )
    return found, layout

"""The distinct labels of a data set: of label files, event files, or a list of labels, one a line.

Formats and columns are those of the readers; clips and times do not matter here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from csv import Error, reader
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiolabels.errors import LabelFileError
from audiolabels.ontology.mapping import LabelMapping
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations import formats as label_formats
from audiolabels.readers.annotations.label_parsing import LabelResolver
from audiolabels.readers.annotations.tables import TableLayout
from audiolabels.readers.columns import ROLES, GivenColumns, Known, as_columns
from audiolabels.readers.events import formats as event_formats
from audiolabels.readers.formats import Format
from audiolabels.readers.opening import Source, open_source
from audiolabels.readers.options import ReadOptions
from audiolabels.readers.reports import listed_inputs

APART = re.compile(r"[;|]|^\s*\[")  # labels that a cell certainly has several of


def list_labels(
    inputs: str | Path | Iterable[str | Path] | Any,
    *,
    ontology: Ontology,
    columns: GivenColumns = None,
    mapping: LabelMapping | None = None,
) -> tuple[tuple[str, ...], list[str]]:
    """The distinct labels of files in the order in which they first occur, and notes on the files.

    Labels that a cell joins by commas are taken apart if the ontology or the mapping has them all,
    or if one of them is in other cells too; else the cell is one label.

    Args:
        inputs: files or data in memory, as `read_labels` and `read_events` take them, or text files
            with a label on each line.
        ontology: for names that hold commas.
        columns: role to names of columns; without `clip`, the column of labels is enough.
        mapping: whose labels may hold commas likewise.

    Raises:
        LabelFileError: a file has no labels, or its columns are not known.
        OptionError: a column that was given is not there.
    """
    roles = as_columns(columns)
    labels: dict[str, None] = {}
    notes: list[str] = []
    for path in listed_inputs(inputs, "label", columns):
        with open_source(path) as source:
            one, several = (
                LabelResolver(ontology, one_label=each, mapping=mapping) for each in (True, False)
            )
            texts, one_label, what = _read(source, ontology, roles, one.knows)
        pieces = {text: (one if one_label else several).split(text) for text in texts}
        number = Counter(piece for each in pieces.values() for piece in set(each))
        for text, each in pieces.items():
            whole = not APART.search(text) and all(number[piece] == 1 for piece in each)
            labels |= dict.fromkeys(one.split(text) if whole else each)
        notes.append(f"{source.name} was read as {what}")
    if not labels:
        raise LabelFileError(f"{'; '.join(notes)}: no label in any row")
    return tuple(labels), notes


def _read(
    source: Source, ontology: Ontology, roles: Mapping[str, tuple[str, ...]], known: Known
) -> tuple[list[str], bool, str]:
    """Distinct texts of labels, whether each is one label, and what the file was read as."""
    labels = roles.get("label") or roles.get("labels")
    lent = bool(labels) and not roles.keys() & {"clip", "video"}
    roles = {**roles, "clip": labels[:1]} if labels and lent else roles
    found: Format[Any]
    layout: Any
    try:
        found, layout = label_formats.detect_format(source, ontology, roles, known)
    except LabelFileError as error:
        if not roles and (lines := _lines(source)):
            return lines, True, "a list of labels"
        try:
            found, layout = event_formats.detect_format(source, ontology, roles)
        except LabelFileError:
            raise error from None
    options = ReadOptions(
        time_unit="s", missing_rows="accept", values="soft", raters="any", columns=roles
    )
    texts = dict.fromkeys(layout.wide)
    for rows in (
        () if texts else found.read(source, _of_one_clip(layout) if lent else layout, options)
    ):
        texts |= dict.fromkeys(rows.labels.unique().dictionary_decode().to_pylist())
    unused = f"; columns not used: {', '.join(layout.unused)}" if layout.unused else ""
    return [*texts], layout.one_label, f"{found.name} ({found.summary}){unused}"


def _of_one_clip(layout: Any) -> Any:
    """A layout in which no column has the clip, so that the column of labels may have lent it."""
    if isinstance(layout, TableLayout):
        return replace(layout, dialect=_of_one_clip(layout.dialect))
    return replace(layout, clip=None, file_clip="any")


def _lines(source: Source) -> list[str]:
    """The lines of a text file if they are no rows of a table: most have a single cell."""
    if source.container != "text":
        return []
    text = source.stream.read().decode("utf-8-sig", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    try:
        cells = [next(reader([line])) for line in lines]
    except Error:
        return []
    if "\t" in text or sum(len(own) == 1 for own in cells) < len(lines) / 2:
        return []
    header = lines[0].casefold() in {*ROLES["label"].names, *ROLES["labels"].names}
    texts = [own[0] if len(own) == 1 else line for own, line in zip(cells, lines, strict=True)]
    return texts[header:]

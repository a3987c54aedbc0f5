"""Entries of JSON files as rows of a table, of which the columns have names that are known."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from audiolabels.errors import LabelFileError, guarded
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.tables import TableLayout, open_table
from audiolabels.readers.columns import GivenColumns
from audiolabels.readers.opening import Source

# The columns that entries may fill: times and lengths are in seconds.
TYPES: Mapping[str, pa.DataType] = MappingProxyType(
    {
        "clip": pa.string(),
        "onset": pa.float64(),
        "offset": pa.float64(),
        "label": pa.string(),
        "clip_length": pa.float64(),
        "confidence": pa.float64(),
        "rater": pa.string(),
    }
)


@dataclass(frozen=True)
class Entries:
    """What a JSON file holds.

    Attributes:
        rows: a label of a clip each, by names of `TYPES`; a row without label or times is a clip
            without labels.
        numbers: the entry that each row is from, from 1; empty if each is one.
        findings: about entries that are no rows.
        unused: what entries hold that is not read.
    """

    rows: Sequence[Mapping[str, Any]]
    numbers: Sequence[int] = ()
    findings: Sequence[Finding] = ()
    unused: Sequence[str] = ()


@dataclass(frozen=True)
class JsonForm:
    """A form of JSON.

    Attributes:
        summary: what it is, in a line.
        matches: whether a file that begins with these bytes has the form.
        entries: reads the file, which is held in memory.
    """

    summary: str
    matches: Callable[[bytes], bool]
    entries: Callable[[Source], Entries]


def open_entries(
    source: Source, name: str, form: JsonForm, given: GivenColumns = None
) -> TableLayout:
    """A JSON file as a table.

    Raises:
        LabelFileError: it is broken, or holds no label.
        OptionError: a column that was given is not there.
    """
    with guarded(source.path, LabelFileError, f"broken, or not the form of {name}"):
        made = form.entries(source)
        if not made.rows:
            reason = made.findings[0].reason if made.findings else "no entries"
            raise LabelFileError(f"{source.path}: no labels (read as {name}): {reason}")
        names = [name for name in TYPES if any(name in row for row in made.rows)]
        table = pa.table(
            {name: pa.array([row.get(name) for row in made.rows], TYPES[name]) for name in names}
        )
        layout = open_table(
            source,
            table.schema,
            lambda size, columns: iter(table.select(columns).to_batches(size)),
            given,
        )
    unused = (*layout.unused, *made.unused)
    return replace(layout, form=name, entries=made.numbers, findings=made.findings, unused=unused)


def load_json(source: Source) -> Any:
    """The whole content of a JSON file."""
    return json.loads(source.stream.read().decode("utf-8-sig"))

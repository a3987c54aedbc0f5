"""Entries of files that are no tables, made rows of a table whose columns' names are known."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from audiolabels.errors import LabelFileError, guarded
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.tables import TableLayout, open_table
from audiolabels.readers.columns import GivenColumns, as_columns
from audiolabels.readers.opening import Source

# Types of columns, with times and lengths in seconds; others have the type of their cells.
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
LABELS = frozenset({"label", "labels", "numbered_label"})


@dataclass(frozen=True)
class Entries:
    """What a file holds.

    Attributes:
        rows: column to cell; without a label and times, of a clip without labels.
        numbers: the entry that each row is from, from 1; empty if each is one.
        findings: about entries that are no rows.
        unused: what entries hold that is not read.
        roles: of columns whose names do not show them.
    """

    rows: Sequence[Mapping[str, Any]]
    numbers: Sequence[int] = ()
    findings: Sequence[Finding] = ()
    unused: Sequence[str] = ()
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EntryForm:
    """A form of files whose entries are made a table.

    Attributes:
        summary: what it is, in a line.
        container: a key of `audiolabels.readers.opening.CONTAINERS`.
        matches: whether a file that begins with these bytes has the form.
        entries: reads the file, which is held in memory.
    """

    summary: str
    container: str
    matches: Callable[[bytes], bool]
    entries: Callable[[Source], Entries]


def open_entries(
    source: Source, name: str, form: EntryForm, given: GivenColumns = None
) -> TableLayout:
    """A file of a form as a table.

    Raises:
        LabelFileError: it is broken, or holds no label.
        OptionError: a column that was given is not there.
    """
    with guarded(source.path, LabelFileError, f"broken, or not the form of {name}"):
        made = form.entries(source)
        if not made.rows:
            reason = made.findings[0].reason if made.findings else "no entries"
            raise LabelFileError(f"{source.path}: no labels (read as {name}): {reason}")
        names = dict.fromkeys(name for row in made.rows for name in row)
        table = pa.table(
            {name: _column(name, [row.get(name) for row in made.rows]) for name in names}
        )
        layout = open_table(
            source,
            table.schema,
            lambda size, columns: iter(table.select(columns).to_batches(size)),
            _with_roles(made.roles, as_columns(given)),
        )
    unused = (*layout.unused, *made.unused)
    return replace(layout, form=name, entries=made.numbers, findings=made.findings, unused=unused)


def _column(name: str, cells: list[Any]) -> pa.Array:
    """The cells of a column; where they are of several kinds, as texts of JSON."""
    try:
        return pa.array(cells, TYPES.get(name))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        texts = [c if c is None or isinstance(c, str) else json.dumps(c) for c in cells]
        return pa.array(texts, pa.string())


def _with_roles(
    roles: Mapping[str, str], given: Mapping[str, Sequence[str]]
) -> Mapping[str, str | Sequence[str]]:
    """The roles of columns, of which those that are given come first."""
    own = {role: name for role, name in roles.items() if role == "clip" or not LABELS & {*given}}
    return {**own, **given}


def load_json(source: Source) -> Any:
    """The whole content of a JSON file."""
    return json.loads(source.stream.read().decode("utf-8-sig"))

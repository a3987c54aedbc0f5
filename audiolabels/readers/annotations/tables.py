"""Tables with typed columns, Parquet and JSON lines, read by the same roles as CSV and TSV."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audiolabels.arrays.columns import one_chunk, texts_to_arrow, to_numpy
from audiolabels.arrays.grid import Ms
from audiolabels.errors import LabelFileError, guarded
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.delimited import place_rows
from audiolabels.readers.annotations.json_fields import check_lines
from audiolabels.readers.annotations.label_parsing import VERIFIED_EMPTY, LabelRows
from audiolabels.readers.batches import is_list, is_text, numbered, validated
from audiolabels.readers.columns import (
    LISTS,
    MISSING,
    ROLES,
    GivenColumns,
    Known,
    as_columns,
    changes_meaning,
    find_column,
    has_header,
)
from audiolabels.readers.delimited import (
    NO_TIME,
    NOT_A_TIME,
    DelimitedRows,
    checked,
    clip_columns,
    per_text,
    time_ms,
)
from audiolabels.readers.dialect import SAMPLE, Dialect, from_header
from audiolabels.readers.formats import Layout
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions

TARGETS_KEY = b"audiolabels"  # the store's metadata; such a file holds targets, not labels
JOINABLE = (pa.string(), pa.large_string())  # in lists; others are joined one by one
NO_CLIP = "the clip's id is null"
NO_LABEL = "null or an empty text in a list of labels"


@dataclass(frozen=True, kw_only=True)
class TableLayout(Layout):
    """An open table.

    Attributes:
        dialect: its columns by role.
        batches: from a number of rows and names of columns to record batches of those.
        names: of all columns, as the file has them.
        form: key in the tables of formats, of a table that was made of other entries.
        entries: the entry that each row was made of, from 1; empty if each row is one.
        findings: about entries.
    """

    dialect: Dialect
    batches: Callable[[int, list[str]], Iterator[pa.RecordBatch]]
    names: Sequence[str]
    form: str = ""
    entries: Sequence[int] = ()
    findings: Sequence[Finding] = ()

    @property
    def gathered(self) -> bool:
        """See `Layout`."""
        return self.dialect.gathered


def open_parquet(
    source: Source, given: GivenColumns = None, known: Known | None = None
) -> TableLayout:
    """Open a Parquet file and find its columns.

    Raises:
        LabelFileError: the file is broken, has no column of clips or of labels, or holds targets.
        OptionError: a column that was given is not there.
    """
    plain = source.stream is source.raw
    with _broken(source, "Parquet"):
        file = pq.ParquetFile(source.path if plain else io.BytesIO(source.stream.read()))
        schema = file.schema_arrow
        if TARGETS_KEY in (schema.metadata or {}):
            raise LabelFileError(
                f"{source.path}: targets that were written before, not labels; 'audiolabels info' "
                f"shows them"
            )
        return open_table(
            source,
            schema,
            lambda size, columns: validated(file.iter_batches(size, columns=columns)),
            given,
            known,
        )


def open_json_lines(
    source: Source, given: GivenColumns = None, known: Known | None = None
) -> TableLayout:
    """Read a file with one JSON object per line and find its columns; it is held in memory.

    Raises:
        LabelFileError: the file is broken, or has no column of clips or of labels.
        OptionError: a column that was given is not there.
    """
    with _broken(source, "JSON lines"):
        table = _parsed_lines(source.stream.read())
        return open_table(
            source,
            table.schema,
            lambda size, columns: iter(table.select(columns).to_batches(size)),
            given,
            known,
        )


def _parsed_lines(content: bytes) -> pa.Table:
    """JSON lines as a table, in which texts that look like times are texts."""
    from pyarrow.json import ParseOptions, read_json  # seldom needed, and slow to load

    try:
        table = read_json(io.BytesIO(content))
    except pa.ArrowInvalid:
        check_lines(content)
        raise
    schema = pa.schema(
        [f.with_type(pa.string()) if pa.types.is_temporal(f.type) else f for f in table.schema]
    )
    # Where Arrow infers the type of lists, it loses nulls before the first value.
    with suppress(pa.ArrowInvalid):
        table.validate(full=True)
        if schema == table.schema:
            return table
    return read_json(io.BytesIO(content), parse_options=ParseOptions(explicit_schema=schema))


def open_memory(
    source: Source, given: GivenColumns = None, known: Known | None = None
) -> TableLayout:
    """The columns of a table in memory.

    Raises:
        LabelFileError: there is no column of clips or of labels.
        OptionError: a column that was given is not there.
    """
    held = source.table
    assert held is not None
    with _broken(source, "table"):
        return open_table(
            source,
            held.schema_arrow,
            lambda size, columns: held.iter_batches(size, columns=columns),
            given,
            known,
        )


def is_json_lines(source: Source, given: GivenColumns = None, known: Known | None = None) -> bool:
    """Whether the first line of a JSON file is an object by itself, with clip or labels."""
    try:
        entry = json.loads(source.head.split(b"\n", 1)[0].decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and has_header([*entry], given, known)


def read_table(source: Source, layout: TableLayout, options: ReadOptions) -> Iterator[LabelRows]:
    """The rows of a table, batch by batch.

    Raises:
        LabelFileError: the file is broken, or its times are not seconds.
    """
    dialect = replace(layout.dialect, folders=layout.folders)
    placed = (
        place_rows(rows, dialect, source, options)
        for rows in table_rows(source, layout, options.unit_ms, options.block_sizes.parquet)
    )
    return checked(placed, source, dialect, options)


def table_rows(
    source: Source, layout: TableLayout, unit_ms: int, size: int, *, events: bool = False
) -> Iterator[DelimitedRows]:
    """The rows of a table, batch by batch of `size`; the times of events may be negative.

    Raises:
        LabelFileError: the file is broken.
    """
    dialect = replace(layout.dialect, folders=layout.folders)
    used = (dialect.clip, *dialect.labels, dialect.start, dialect.end, *dialect.extra)
    columns = {i: layout.names[i] for i in used if i is not None}
    with _broken(source, "table"):
        for first, batch in numbered(layout.batches(size, [*columns.values()])):
            cells = {i: one_chunk(batch[name]) for i, name in columns.items()}
            rows = _rows(first, cells, dialect, source, unit_ms, events)
            yield _of_entries(rows, layout, first) if layout.entries else rows


def _of_entries(rows: DelimitedRows, layout: TableLayout, first: int) -> DelimitedRows:
    """Rows with the numbers of the entries that they were made of; at first, with all findings."""
    numbers = np.array(layout.entries, np.int64)
    lost = [replace(found, row=int(numbers[found.row - 1])) for found in rows.findings]
    findings = [*(layout.findings if first == 1 else ()), *lost]
    return replace(rows, numbers=numbers[rows.numbers - 1], findings=findings)


def _broken(source: Source, what: str) -> AbstractContextManager[None]:
    return guarded(source.path, LabelFileError, f"broken {what}, fetch or write it again")


def open_table(
    source: Source,
    schema: pa.Schema,
    batches: Callable[[int, list[str]], Iterator[pa.RecordBatch]],
    given: GivenColumns,
    known: Known | None = None,
) -> TableLayout:
    """A table of columns by the roles that their names have, or that are given.

    Args:
        source: the file, for messages.
        schema: of the table.
        batches: from a number of rows and names of columns to record batches of those.
        given: role to names of columns.
        known: whether a label is known, to find columns of classes.

    Raises:
        LabelFileError: there is no column of clips or of labels.
        OptionError: a column that was given is not there.
    """
    labelled = find_column(
        [f.name.casefold() for f in schema if _is_readable(f.type)], "labels", "label"
    )
    empty = ("clip", "video", *LISTS, *(() if labelled else ("labels", "label")))
    readable = [
        _is_readable(field.type)
        or (
            pa.types.is_null(field.type)
            and (
                find_column([field.name], *empty) is not None
                or changes_meaning(field.name.casefold())
            )
        )
        for field in schema
    ]
    names = [name if ok else "" for name, ok in zip(schema.names, readable, strict=True)]
    for field, ok in zip(schema, readable, strict=True):
        stating = find_column([field.name.casefold()], *LISTS, "annotated_for") is not None
        if not ok and (stating or changes_meaning(field.name.casefold())):
            raise LabelFileError(
                f"{source.path}: column {field.name} may change what a label means, but its type "
                f"{field.type} is not read; make it text or numbers, or leave it out"
            )
    twice = {name for name in names if name and schema.names.count(name) > 1}
    if twice:
        raise LabelFileError(f"{source.path}: several columns of the name {min(twice)}; rename one")
    head = next(batches(SAMPLE, [name for name in names if name]), None)
    rows = [
        ["" if row.get(name) is None else str(row[name]) for name in names]
        for row in (() if head is None else head.to_pylist())
    ]
    roles = as_columns(given)
    taken = {name.casefold() for own in roles.values() for name in own}
    listed = {f.name.casefold() for f in schema if is_list(f.type)} - taken
    if valued := sorted(listed & {*ROLES["value"].names}):
        roles = {"label_values": tuple(valued), **roles}
    dialect = from_header(source, names, rows, roles, known)
    if is_list(schema.field(dialect.labels[0]).type):
        dialect = replace(dialect, one_label=False)
    unread = [name for name, ok in zip(schema.names, readable, strict=True) if not ok]
    return TableLayout(
        dialect=dialect,
        batches=batches,
        names=schema.names,
        one_label=dialect.one_label,
        folders=dialect.folders,
        file_clip=dialect.file_clip,
        unused=(*dialect.unused, *unread),
        wide=dialect.wide,
        columns=dialect.columns,
        annotated=dialect.annotated,
    )


def _is_readable(type_: pa.DataType) -> bool:
    value = type_.value_type if is_list(type_) else type_
    none = is_list(type_) and pa.types.is_null(value)  # all lists are empty
    plain = pa.types.is_primitive(value) or pa.types.is_decimal(value)
    return is_text(value) or plain or none


def _rows(
    first: int,
    cells: Mapping[int, pa.Array],
    dialect: Dialect,
    source: Source,
    unit_ms: int,
    signed: bool,
) -> DelimitedRows:
    """Rows of a batch, and a finding for each without a clip."""
    count = len(cells[dialect.labels[0]])
    if dialect.clip is None:
        names = texts_to_arrow([dialect.file_clip] * count)
    else:
        names = _texts(cells[dialect.clip])
    clips = names.dictionary_encode()
    known = ~_missing(clips.dictionary)[to_numpy(clips.indices)]
    numbers = np.arange(first, first + count)
    lost = [Finding(source.name, int(n), "", "row unused", NO_CLIP) for n in numbers[~known]]
    lists = {i: _joined(cells[i]) for i in (*dialect.labels, *dialect.extra)}
    joined = [lists[i][0] for i in dialect.labels]
    labels = joined[0] if len(joined) == 1 else pc.binary_join_element_wise(*joined, ";")
    onset, end = (
        np.full(count, NO_TIME)
        if i is None
        else _times(cells[i], f"column {dialect.columns.names[i]}", unit_ms, signed)
        for i in (dialect.start, dialect.end)
    )
    rows = DelimitedRows(
        numbers,
        to_numpy(clips.indices),
        clips.dictionary,
        *clip_columns(clips.dictionary, dialect),
        labels.dictionary_encode(),
        onset,
        np.where(np.minimum(onset, end) > NOT_A_TIME, onset + end, end) if dialect.lasting else end,
        {
            i: pc.replace_substring(lists[i][0], VERIFIED_EMPTY, "").dictionary_encode()
            for i in dialect.extra
        },
        lost,
    )
    for i in (i for _, void in lists.values() for i in void if known[i]):
        clip = rows.clip_id[int(rows.clip[i])].as_py()
        lost.append(Finding(source.name, first + i, clip, "label dropped", NO_LABEL))
    return rows.keep(known)


def _missing(names: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Which names are none; only those short enough are taken out of Arrow."""
    result = np.zeros(len(names), np.bool_)
    longest = max(map(len, MISSING))  # folding the case makes no text shorter
    short = np.flatnonzero(to_numpy(pc.utf8_length(names)) <= longest)
    result[short] = [name.casefold() in MISSING for name in names.take(short).to_pylist()]
    return result


def _texts(column: pa.Array) -> pa.StringArray:
    return pc.fill_null(column.cast(pa.string()), "")


def _joined(column: pa.Array) -> tuple[pa.StringArray, list[int]]:
    """Label texts, and which rows have a list with a label that is none; a list in the form that
    the parser of label texts takes apart again, and `VERIFIED_EMPTY` for an empty one.
    """
    if not is_list(column.type):
        return _texts(column), []
    texts = column.flatten()
    joinable = texts.type in JOINABLE and not pa.types.is_fixed_size_list(column.type)
    if joinable and not texts.null_count and not pc.any(pc.equal(texts, "")).as_py():
        joined = _texts(pc.binary_join(column, pa.scalar(";", texts.type)))
        nothing = pc.fill_null(pc.equal(pc.list_value_length(column), 0), False)
        return pc.if_else(nothing, pa.scalar(VERIFIED_EMPTY, joined.type), joined), []
    cells = column.to_pylist()
    kept = [[str(text) for text in cell or () if text not in (None, "")] for cell in cells]
    void = [i for i, cell in enumerate(cells) if len(cell or ()) > len(kept[i])]
    texts = [VERIFIED_EMPTY if cell == [] else ";".join(kept[i]) for i, cell in enumerate(cells)]
    return texts_to_arrow(texts), void


def _times(column: pa.Array, name: str, unit_ms: int, signed: bool) -> Ms:
    """Milliseconds; cells of text are read as those of CSV.

    Raises:
        LabelFileError: times of a day, or dates.
    """
    if is_text(column.type):
        return per_text(
            _texts(column).dictionary_encode(), lambda text: time_ms(text.strip(), unit_ms, signed)
        )
    if pa.types.is_temporal(column.type):
        raise LabelFileError(
            f"{name} has the type {column.type}; make it seconds from the beginning of the clip, "
            f"as numbers"
        )
    seconds = to_numpy(pc.fill_null(column.cast(pa.float64()), np.nan))
    ms = np.floor(seconds * unit_ms + 0.5)
    fits = ((ms >= 0) | signed) & (np.abs(ms) < 1e12)
    return np.where(np.isnan(ms), NO_TIME, np.where(fits, ms, NOT_A_TIME).astype(np.int64))

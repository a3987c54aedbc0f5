"""Data in memory as tables: what offers Arrow's PyCapsule interface, dictionaries, and rows.

Such are the data frames of pandas and polars, Arrow tables, relations of DuckDB, and the data sets
of Hugging Face. A table in memory is read by the roles of its columns, as files are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from audiolabels.errors import InputTypeError, LabelFileError, guarded, shortlist
from audiolabels.readers.columns import has_header

ORDER = ("label", "onset", "offset")
TAKEN = (
    "dictionaries of columns or of clips, lists of rows, data frames of pandas and polars, Arrow "
    "tables, relations of DuckDB, data sets of Hugging Face"
)
# Methods by which libraries make such of what is not read yet: polars, Dask, Arrow, Spark.
LOADERS = ("collect", "compute", "to_table", "toArrow")


@dataclass(frozen=True)
class InMemory:
    """A table in memory, which is read in the place of a file.

    Attributes:
        path: what it is called in messages and reports.
        table: its columns.
    """

    path: Path
    table: pa.Table

    @property
    def schema_arrow(self) -> pa.Schema:
        """Names and types of the columns, as of a Parquet file."""
        return self.table.schema

    def iter_batches(self, size: int, *, columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Record batches of some columns, of at most so many rows, as of a Parquet file.

        They are validated as a whole: in each batch of lists, Arrow would validate all of them.
        """
        chosen: pa.Table = self.table.select(columns)
        chosen.validate(full=True)
        yield from chosen.to_reader(size)


def in_memory(data: Any, columns: Any = None) -> InMemory | None:
    """Data as a table, or None if it is something else, such as paths.

    Args:
        data: of a dictionary the keys are columns if their names are known as those, else clips
            whose values are their labels or events `(label, onset, offset)`.
        columns: role to names of columns, if they are given.

    Raises:
        LabelFileError: the data cannot be made a table.
    """
    name = _type_name(data)
    held = getattr(getattr(data, "data", None), "table", None)  # a data set of Hugging Face
    if hasattr(data, "__arrow_c_stream__"):
        with guarded(name, LabelFileError, "no table"):
            return InMemory(Path(name), _plain(pa.RecordBatchReader.from_stream(data).read_all()))
    if isinstance(held, pa.Table):
        chosen = held if getattr(data, "_indices", None) is None else _selected(data)
        with guarded(name, LabelFileError, "no table"):
            return InMemory(Path(name), _with_class_names(chosen, data.features))
    rows = isinstance(data, Sequence) and not isinstance(data, str) and len(data)
    if not isinstance(data, Mapping) and not (rows and isinstance(data[0], Mapping)):
        return None
    with guarded(name, LabelFileError, "no table"):
        if isinstance(data, Mapping):
            if any(
                hasattr(own, "column_names") or hasattr(own, "columns") for own in data.values()
            ):
                raise LabelFileError(f"{name}: several tables: {shortlist(data)}; give one of them")
            if nested := [key for key, own in data.items() if isinstance(own, Mapping)]:
                raise LabelFileError(
                    f"{name}: {nested[0]!r} holds a dictionary, not a list of cells or labels"
                )
            keys = [str(key) for key in data]
            own = dict(zip(keys, data.values(), strict=True))
            header = has_header(keys, columns, lambda key: _are_numbers(own[key]))
            table = pa.table(dict(data)) if header else _of_clips(data)
        else:
            table = _of_rows(data)
    return InMemory(Path(name), table)


@contextmanager
def expecting(data: Any) -> Iterator[None]:
    """Errors about the type of an input, neither paths nor a table, name what is taken in memory.

    Raises:
        InputTypeError: where one is raised inside; the message names what makes a table of it.
    """
    try:
        yield
    except InputTypeError as error:
        raise InputTypeError(f"{error}. {in_memory_forms(data)}") from error


def in_memory_forms(data: Any) -> str:
    """What is taken in memory, and how to make a table of data that are none, if that is known."""
    loaders = [name for name in LOADERS if callable(getattr(data, name, None))]
    streams = isinstance(data, Iterable) and not isinstance(data, Sequence | str | Path)
    made = (
        f"call .{loaders[0]}() first" if loaders else "pass list(…) of its rows" if streams else ""
    )
    return f"In memory are read {TAKEN}{made and f'; of {_type_name(data)}, {made}'}"


def _type_name(data: Any) -> str:
    kind = type(data)
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}".removeprefix("builtins.")


def _plain(table: pa.Table) -> pa.Table:
    """The table with polars' categories as texts, since Arrow does not decode them."""
    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) and pa.types.is_string_view(field.type.value_type):
            chunks = [
                pa.DictionaryArray.from_arrays(part.indices, part.dictionary.cast(pa.string()))
                for part in table.column(i).chunks
            ]
            type_ = pa.dictionary(field.type.index_type, pa.string())
            table = table.set_column(i, field.name, pa.chunked_array(chunks, type_))
    return table


def _are_numbers(cells: Any) -> bool:
    """Whether cells are those of a class's column, not labels or events of a clip."""
    return bool(len(cells)) and all(cell is None or isinstance(cell, int | float) for cell in cells)


def _with_class_names(table: pa.Table, features: Mapping[str, Any]) -> pa.Table:
    """The table with names for the numbers of Hugging Face's `ClassLabel`, of which -1 is none."""
    for i, name in enumerate(table.column_names):
        one = getattr(features[name], "names", None)
        listed = getattr(getattr(features[name], "feature", None), "names", None)
        if one is None and listed is None:
            continue
        named: Any = {-1: None, None: None, **dict(enumerate(one or listed or ()))}
        cells = table.column(i).to_pylist()
        if one is not None:
            cells = [named[number] for number in cells]
        else:
            cells = [own if own is None else [named[number] for number in own] for own in cells]
        table = table.set_column(i, name, [cells])
    return table


def _selected(data: Any) -> pa.Table:
    """The chosen rows of a data set of Hugging Face, in their order."""
    table: pa.Table = data.with_format("arrow")[:]
    return table


def _of_rows(data: Sequence[Any]) -> pa.Table:
    """A table of rows; those without a name have a null there (Arrow takes the first row's)."""
    for number, row in enumerate(data, 1):
        if not isinstance(row, Mapping):
            raise LabelFileError(f"list: row {number:,}: {row!r} is no dictionary of columns")
    names = dict.fromkeys(name for row in data for name in row)
    return pa.table({str(name): [row.get(name) for row in data] for name in names})


def _of_clips(data: Mapping[str, Any]) -> pa.Table:
    """A table of clips with labels, or a row per event; a clip without any has a row too."""
    values = [None if own is None else list(own) for own in data.values()]
    cells = [(clip, cell) for clip, own in zip(data, values, strict=True) for cell in own or ()]
    if any(isinstance(own, str) for own in data.values()):
        clip = next(clip for clip, own in data.items() if isinstance(own, str))
        raise LabelFileError(f"dict: clip {clip!r}: {data[clip]!r} is no list of labels")
    if not any(isinstance(cell, tuple | list) for _, cell in cells):
        labels = pa.array(values, pa.list_(pa.string()))
        return pa.table({"clip_id": pa.array(list(data), pa.string()), "labels": labels})
    for clip, event in cells:
        if not isinstance(event, tuple | list) or len(event) != len(ORDER):
            raise LabelFileError(f"dict: clip {clip!r}: {event!r} is no event ({', '.join(ORDER)})")
    rows = [
        (clip, *event)
        for clip, own in zip(data, values, strict=True)
        for event in own or [(None, None, None)]
    ]
    types = (pa.string(), pa.string(), pa.float64(), pa.float64())
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, type_) for column, type_ in zip(columns, types, strict=True)]
    return pa.table(dict(zip(("clip_id", *ORDER), arrays, strict=True)))

"""Text files made of columns of cells.

Few cells of a column differ, and each of these is made once. Lines are gathered from them, and so
cost what their bytes cost.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import text_buffers, texts_to_arrow, to_arrow, to_numpy
from audiolabels.files import UNQUOTED, quote, seconds

LINES = 1 << 15  # gathered at a time
ESCAPED = r'["\\\x00-\x1f]'  # what a text in JSON cannot have as it is


class Chosen(NamedTuple):
    """A column of few distinct cells: string (D,), and which of them each row has, int (N,)."""

    texts: pa.StringArray
    which: npt.NDArray[np.integer]


Cells: TypeAlias = pa.StringArray | Chosen
Column: TypeAlias = Cells | str  # a str is the same in all rows


def each(cells: Cells, change: Callable[[pa.StringArray], pa.StringArray]) -> Cells:
    """The cells, changed."""
    if isinstance(cells, Chosen):
        return Chosen(change(cells.texts), cells.which)
    return change(cells)


def join(*cells: pa.StringArray | str, between: str = "") -> pa.StringArray:
    """The cells of each row, joined."""
    own = (texts_to_arrow([c])[0] if isinstance(c, str) else c for c in (*cells, between))
    return pc.binary_join_element_wise(*own)


def whole(cells: Cells) -> pa.StringArray:
    """The cells of all rows, string (N,)."""
    return cells.texts.take(to_arrow(cells.which)) if isinstance(cells, Chosen) else cells


def count_rows(columns: Sequence[Column]) -> int:
    """The number of rows of columns, not all of which are the same in all rows."""
    varying = next(column for column in columns if not isinstance(column, str))
    return len(varying.which if isinstance(varying, Chosen) else varying)


def gather(columns: Sequence[Column]) -> Iterator[memoryview]:
    """The cells row by row, with nothing between them; some thousand rows at a time."""
    count = count_rows(columns)
    for start in range(0, count, LINES):
        size, tables, before = min(LINES, count - start), [], 0
        places = np.empty((size, len(columns)), np.int32)
        for place, column in zip(places.T, columns, strict=True):
            if isinstance(column, str):
                column = Chosen(texts_to_arrow([column]), np.zeros(size, np.int32))
            elif isinstance(column, Chosen):
                column = Chosen(column.texts, column.which[start : start + size])
            else:
                column = Chosen(column.slice(start, size), np.arange(size))
            np.add(column.which, np.int32(before), out=place)
            before += len(column.texts)
            tables.append(column.texts)
        lines = pa.concat_arrays(tables).take(to_arrow(places.ravel()))
        offsets, data = text_buffers(lines)
        yield data[offsets[0] : offsets[-1]].data


def json_lines(
    head: str, parts: Iterable[Sequence[Column]], tail: str
) -> Iterator[bytes | memoryview]:
    """A JSON text: a line, those of the rows with commas between them, and a last line."""
    yield head.encode()
    skipped = 1  # no comma before the first
    for columns in parts:
        for lines in gather([",\n", *columns]):
            yield lines[skipped:]
            skipped = 0
    yield f"\n{tail}\n".encode()


def mend(texts: pa.StringArray, odd: str, cure: Callable[[str], str]) -> pa.StringArray:
    """The texts; those with a character of the class `odd`, a pattern, as `cure` makes them."""
    offsets, data = text_buffers(texts)
    ends = pa.py_buffer(offsets[[0, -1]])
    whole = pa.StringArray.from_buffers(1, ends, pa.py_buffer(data))  # as one text
    if not pc.match_substring_regex(whole, odd)[0].as_py():
        return texts
    found = pc.match_substring_regex(texts, odd)
    cured = texts_to_arrow(list(map(cure, texts.filter(found).to_pylist())))
    return pc.replace_with_mask(texts, found, cured)


def quote_texts(cells: pa.StringArray) -> pa.StringArray:
    """`quote` of each."""
    return join('"', pc.replace_substring(cells, '"', '""'), '"')


def plain_texts(cells: pa.StringArray) -> pa.StringArray:
    """`plain` of each."""
    return mend(cells, UNQUOTED.pattern, quote)


def json_text(value: object) -> str:
    """A value as JSON, with letters of all scripts as they are."""
    return json.dumps(value, ensure_ascii=False)


def json_texts(texts: pa.StringArray) -> pa.StringArray:
    """Each as JSON."""
    escaped = mend(texts, ESCAPED, lambda text: json_text(text)[1:-1])
    return join('"', escaped, '"')


def json_object(members: Mapping[str, Cells | list[Column]]) -> list[Column]:
    """A JSON object per row; values are texts, or columns that are JSON together."""
    columns: list[Column] = []
    for key, value in members.items():
        columns.append(f"{', ' if columns else '{'}{json_text(key)}: ")
        columns += value if isinstance(value, list) else [each(value, json_texts)]
    return [*columns, "}"]


def or_else(cells: Cells, text: str) -> Cells:
    """The cells, with a text in place of empty ones."""
    none, instead = texts_to_arrow(["", text])
    return each(cells, lambda texts: pc.if_else(pc.equal(texts, none), instead, texts))


def spell(numbers: npt.NDArray[Any], how: Callable[[Any], str]) -> Chosen:
    """`how` of each of some numbers, few of which differ."""
    encoded = to_arrow(numbers).dictionary_encode()
    texts = texts_to_arrow(list(map(how, encoded.dictionary.to_pylist())))
    return Chosen(texts, to_numpy(encoded.indices))


def second_texts(ms: npt.NDArray[np.int64]) -> Chosen:
    """`seconds` of each."""
    return spell(ms, seconds)


def join_labels(bits: Bits, labels: Sequence[str], separator: str) -> pa.StringArray:
    """The labels of the set bits of each row, joined: string (D,), from bits (D, ceil(C / 8))."""
    row, column = np.nonzero(np.unpackbits(bits, axis=1, count=len(labels)).view(np.bool_))
    lists = lists_of(row, texts_to_arrow(labels).take(to_arrow(column)), len(bits))
    return pc.binary_join(lists, texts_to_arrow([separator])[0])


def lists_of(owner: npt.NDArray[np.int64], values: pa.Array, count: int) -> pa.ListArray:
    """Values as `count` lists, given the ascending number of the list of each value."""
    ends = np.cumsum(np.bincount(owner, minlength=count))
    return pa.ListArray.from_arrays(to_arrow(np.append(0, ends).astype(np.int32)), values)

"""Tables with one row per clip that list its labels by what is known of them, and their values.

Besides labels that are present, columns may list those that were confirmed absent, those that are
unknown, and a value for each label. So labels that were handed on as a table are read again, and
so are exports with a column `masked`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from audiolabels.arrays.columns import one_chunk, texts_to_arrow, to_arrow, to_numpy
from audiolabels.errors import LabelFileError
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.events import ABSENT, PRESENT, UNSURE
from audiolabels.readers.annotations.label_parsing import (
    VERIFIED_EMPTY,
    LabelRows,
    TextTable,
    label_rows,
)
from audiolabels.readers.annotations.long import gather_rows
from audiolabels.readers.delimited import NO_STATE, Statements, millionths, per_text
from audiolabels.readers.options import ReadOptions

STATES = {"absent_labels": ABSENT, "unsure_labels": UNSURE}
VALUES = "label_values"


def annotate_lists(
    parts: Iterable[LabelRows], table: TextTable, source: str, *, options: ReadOptions
) -> Iterator[Annotations]:
    """Annotations of rows that are one clip each, part by part, whatever their columns list.

    Raises:
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
        LabelFileError: values that do not fit the labels, or that the options do not ask for.
    """
    for rows in parts:
        if rows.lists and not options.denied:
            numbers = texts_to_arrow(list(map(str, rows.numbers.tolist())))
            each = melted(replace(rows, names=numbers), source, options)
            for part in gather_rows([each], table, source, options):  # each row is a clip
                yield _judged(part, rows, table)
        else:
            yield from label_rows([melted(rows, source, options)], table, source)


def _judged(part: Annotations, rows: LabelRows, table: TextTable) -> Annotations:
    """The clips of as many rows, with the classes on which they list verdicts."""
    if "judged_labels" not in rows.lists:
        return part
    texts = rows.lists["judged_labels"]
    numbers = table.look_up(texts.dictionary)[to_numpy(texts.indices)]
    judged = table.sets.take(numbers)
    return replace(part, sets=replace(part.sets, judged=replace(judged, unsure=None)))


def melted(rows: LabelRows, source: str, options: ReadOptions) -> LabelRows:
    """Rows with a row for each of their lists; where labels have values, for each label.

    Raises:
        LabelFileError: see `annotate_lists`.
    """
    if options.denied:  # then the labels that matter are those confirmed absent
        return replace(rows, labels=rows.lists.get("absent_labels", rows.labels), lists={})
    if not rows.lists:
        return rows
    count = len(rows.numbers)
    sure = np.full(count, PRESENT), np.ones(count, np.float32), np.zeros(count, np.int64)
    own = rows.stated or Statements(*sure, (), listing=False)
    index, labels, state, value = np.arange(count), rows.labels, own.state, own.value
    if VALUES in rows.lists:
        each = list(_valued(rows, source))
        index = np.array([i for i, *_ in each], np.int64)
        labels = texts_to_arrow([label for _, label, _ in each]).dictionary_encode()
        value = np.where(state[index] == PRESENT, [v for *_, v in each], 0).astype(np.float32)
        reaches = value > 0
        if isinstance(options.values, float):
            reaches = value >= np.float32(options.values)
        state = np.where((state[index] == PRESENT) & ~reaches, ABSENT, state[index])
    others = [
        (np.flatnonzero(per_text(rows.lists[role], _has_names)), rows.lists[role], which)
        for role, which in STATES.items()
        if role in rows.lists
    ]
    # An empty text states nothing of a clip of which something else is stated.
    elsewhere = np.concatenate([np.zeros(0, np.int64), *(there for there, *_ in others)])
    kept = (per_text(labels, _has_names) > 0) | ~np.isin(index, elsewhere)
    kept |= per_text(labels, lambda text: text == VERIFIED_EMPTY) > 0
    index, state, value = index[kept], state[kept], value[kept]
    texts = [labels.filter(pa.array(kept)), *(held.take(to_arrow(i)) for i, held, _ in others)]
    state = np.concatenate([state, *(np.full(len(i), which) for i, _, which in others)])
    value = np.append(value, np.zeros(len(state) - len(value), np.float32))
    index = np.concatenate([index, *(there for there, *_ in others)])
    order = np.argsort(index, kind="stable")
    index = index[order]
    joined = one_chunk(pa.chunked_array([text.cast(pa.string()) for text in texts], pa.string()))
    stated = replace(
        own, state=state[order], value=value[order], rater=own.rater[index], listing=False
    )
    return replace(
        rows,
        numbers=rows.numbers[index],
        clips=rows.clips.take(to_arrow(index)),
        labels=joined.take(to_arrow(order)).dictionary_encode(),
        names=rows.names.take(to_arrow(index)),
        stated=stated,
    )


def _has_names(text: str) -> bool:
    return re.search(r"\w", text) is not None and text != VERIFIED_EMPTY


def _valued(rows: LabelRows, source: str) -> Iterator[tuple[int, str, float]]:
    """Each label with its row and its value; at least one a row, even if it is empty.

    Raises:
        LabelFileError: a row has more labels than values or fewer, or a value is none.
    """
    pairs = zip(rows.labels.to_pylist(), rows.lists[VALUES].to_pylist(), strict=True)
    for i, (text, cell) in enumerate(pairs):
        if not _has_names(text) and not _has_names(cell):
            yield i, text, 1.0
            continue
        labels, values = text.split(";"), cell.split(";")
        place = f"{source}: row {rows.numbers[i]:,}"
        if len(labels) != len(values):
            raise LabelFileError(
                f"{place} has {len(labels)} labels with {len(values)} values: {text!r}, {cell!r}"
            )
        for label, value in zip(labels, values, strict=True):
            if millionths(value) == NO_STATE:
                raise LabelFileError(f"{place}: {label}: no value from 0 to 1: {value!r}")
            yield i, label, float(value)

"""CSV and TSV label files, in AudioSet's segments form and in the forms that people make of it."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import doubles_to_arrow, texts_to_arrow, to_arrow
from audiolabels.arrays.grid import Ms
from audiolabels.clips.rows import clip_rows
from audiolabels.labels.events import PRESENT
from audiolabels.labels.report import Finding
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.readers.annotations.label_parsing import LabelRows
from audiolabels.readers.annotations.wide import class_cells
from audiolabels.readers.columns import LISTS
from audiolabels.readers.delimited import (
    NOT_A_TIME,
    DelimitedRows,
    checked,
    per_text,
    read_rows,
    stated_rows,
)
from audiolabels.readers.dialect import Dialect
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions

# A scalar made by Arrow alone: handing Arrow a Python string would import pandas.
SEPARATOR = texts_to_arrow(["_"])[0]
FAULTS = ("a time is not a number of seconds", "ends before it begins", "has no length")


def read_delimited(source: Source, dialect: Dialect, options: ReadOptions) -> Iterator[LabelRows]:
    """The rows of a file, block by block.

    Raises:
        LabelFileError: the file is cut off, or its times are not seconds.
    """
    placed = (
        place_rows(rows, dialect, source, options) for rows in read_rows(source, dialect, options)
    )
    return checked(placed, source, dialect, options)


def read_psl(source: Source, dialect: Dialect, options: ReadOptions) -> Iterator[LabelRows]:
    """As `read_delimited`, of YouTube clips, with column numbers of `audioset` as labels."""
    ids = {str(i): id_ for i, id_ in enumerate(load_vocabulary("audioset").ids)}

    def named(text: str) -> str:
        return re.sub(r"[^;|,]+", lambda number: ids.get(number[0].strip(), number[0]), text)

    def with_names(column: pa.DictionaryArray) -> pa.DictionaryArray:
        texts = texts_to_arrow([named(text) for text in column.dictionary.to_pylist()])
        return pa.DictionaryArray.from_arrays(column.indices, texts)

    for rows in read_delimited(source, replace(dialect, of_video=True), options):
        lists = {role: with_names(column) for role, column in rows.lists.items()}
        yield replace(rows, labels=with_names(rows.labels), lists=lists)


def place_rows(
    rows: DelimitedRows, dialect: Dialect, source: Source, options: ReadOptions
) -> tuple[LabelRows, Ms]:
    """Rows with a place in their clip, and the milliseconds that those with times last.

    The times of a bare YouTube id are the clip's place in the video. Those of other clips are a
    place in the clip or, with one row per label, an event's, of which the label alone is used.
    """
    findings = list(rows.findings)
    stated = stated_rows(rows, dialect, source, options)
    rows = stated.rows
    bare, timed, labels = rows.bare[rows.clip], rows.timed, rows.labels
    event = np.full(len(bare), dialect.one_label) & ~(bare & dialect.places)
    length = np.where(timed, rows.offset_ms - rows.onset_ms, 0)
    fault = np.select([~timed, length < 0, length == 0], [0, 1, 2], -1)
    if dialect.start is None:
        event[:], fault[:] = True, -1
    elif dialect.end is None:
        fault = np.where(event | (rows.onset_ms > NOT_A_TIME), -1, 0)
    labelled = np.ones(len(bare), np.bool_)
    if event.any():  # only then it matters
        labelled = per_text(labels, lambda text: bool(text.strip())) > 0
    unused = (fault >= 0) & ~event
    dropped = (fault > 0) & event
    dropped |= event & (fault == 0) & labelled  # without a label there is none to be dropped
    for i in np.flatnonzero(unused | dropped).tolist():
        number, reason = int(rows.clip[i]), FAULTS[fault[i]]
        shown, kind = rows.names[number].as_py()[:64], "row unused"
        if not unused[i]:
            shown, kind = rows.clip_id[number].as_py(), "label dropped"
            reason = f"an event {reason}" if fault[i] else reason
        findings.append(Finding(source.name, int(rows.numbers[i]), shown, kind, reason))
    if dropped.any():
        texts = zip(labels.to_pylist(), dropped, strict=True)
        labels = texts_to_arrow(["" if out else text for text, out in texts]).dictionary_encode()
    rows = replace(rows, labels=labels).keep(~unused)
    kept = {name: getattr(stated, name)[~unused] for name in ("state", "value", "rater", "below")}
    listed = {role: own[0] for role in LISTS if (own := dialect.columns.roles.get(role))}
    plain = not (stated.raters or dialect.wide or options.soft or listed) and bool(
        (stated.state == PRESENT).all()
    )
    event, length, timed = event[~unused], length[~unused], timed[~unused]
    onset, placed = rows.onset_ms, rows.bare[rows.clip] & ~event
    clip_id = rows.clip_ids
    if placed.any():
        start = to_arrow(onset).dictionary_encode()  # there are few different ones
        starts = start.dictionary.cast(pa.string()).take(start.indices)
        begun = pc.binary_join_element_wise(clip_id, starts, SEPARATOR)
        if not placed.all():
            of_video = to_arrow(placed.view(np.uint8)).cast(pa.bool_())
            begun = pc.if_else(of_video, begun, clip_id)
        clip_id = begun
    ends = [rows.named_ms[rows.clip], length, np.maximum(rows.offset_ms, 0)]
    end = np.select([event, placed], ends[:2], ends[2]) / 1000
    begin = to_arrow(np.where(event | placed, 0, onset) / 1000)
    stop = to_arrow(end) if end.all() else doubles_to_arrow([s or None for s in end.tolist()])
    cells = None
    if dialect.wide:
        cells, odd = class_cells(rows, dialect, source, options)
        findings += odd
    made = LabelRows(
        rows.numbers,
        clip_rows(clip_id, begin, stop),
        rows.labels,
        rows.names if len(rows.names) == len(onset) else rows.names.take(to_arrow(rows.clip)),
        sorted([*findings, *stated.findings], key=lambda finding: finding.row),
        None if plain else replace(stated, rows=rows, **kept),
        cells,
        {role: rows.extra[i] for role, i in listed.items()},
    )
    return made, length[timed]

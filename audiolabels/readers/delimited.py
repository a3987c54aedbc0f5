"""CSV and TSV label files, in AudioSet's segments form and in the forms that people make of it.

A block of the file that is in AudioSet's official form to the letter is parsed at once by Arrow;
any other block line by line, which takes every form. Both give the same rows.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from audiolabels.annotations import Annotations, Finding
from audiolabels.columns import one_chunk, text_buffers, texts_to_arrow, to_arrow, to_numpy
from audiolabels.errors import LabelFileError
from audiolabels.readers.clips import (
    LONGEST_CLIP_S,
    SPREADSHEET_ERROR,
    VIDEO,
    parse_clip_name,
    to_ms,
)
from audiolabels.readers.dialect import Dialect, is_comment, split_cells
from audiolabels.readers.opening import Source
from audiolabels.readers.rows import LabelResolver, LongRows, Row, Rows, TextTable, annotate

BLOCK = 4 << 20
OFFICIAL_TIMES = re.compile(rb", (\d{1,6}\.\d{1,3}), (\d{1,6}\.\d{1,3}), ")
# A scalar made by Arrow alone: handing Arrow a Python string would import pandas.
NO_SEPARATOR = texts_to_arrow([""])[0]
ID_BYTES = np.zeros(256, np.bool_)
ID_BYTES[list(b"-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = True


class BadRowError(Exception):
    """A row that cannot be used; the text says why."""


def read_delimited(
    source: Source, dialect: Dialect, resolver: LabelResolver, time_unit: str
) -> Iterator[Annotations]:
    """Annotations block by block; at once at the end where clips have one row a label.

    Raises:
        LabelFileError: the file is cut off, or its times are not seconds.
        UnknownLabelError: a label is unknown and the resolver does not drop.
    """
    official = (
        dialect.format == "audioset-segments"
        and dialect.delimiter == ","
        and (dialect.clip, dialect.start, dialect.end, dialect.labels) == (0, 1, 2, 3)
        and dialect.video_ids
        and dialect.width is None
        and time_unit != "ms"
    )
    table = TextTable(resolver)
    long = LongRows(table, source.name) if dialect.one_label else None
    line, rows_read, timed, overlong = dialect.begin.line, 0, 0, 0
    source.stream.seek(dialect.begin.position)
    for block in _blocks(source):
        rows = _official_rows(block, line) if official else None
        lines = len(rows.numbers) if rows else block.count(b"\n")
        rows = rows or _tolerant_rows(block, line, dialect, source, time_unit)
        line += lines
        rows_read += len(rows.numbers) + sum(f.kind == "row unused" for f in rows.findings)
        timed, overlong = timed + rows.timed, overlong + rows.overlong
        if long:
            long.add(rows)
        elif len(rows.numbers) or rows.findings:
            yield annotate(rows, table, source.name)
    promised = dialect.begin.promised
    if promised is not None and rows_read < promised:
        raise LabelFileError(
            f"{source.path}: cut off: its header promises {promised:,} rows, it holds "
            f"{rows_read:,}. Fetch it again; if the rest was left out on purpose, remove the "
            f"comment line with num_segs"
        )
    if time_unit == "auto" and overlong > timed / 2:
        raise LabelFileError(
            f"{source.path}: {overlong:,} of {timed:,} rows last {LONGEST_CLIP_S:,} seconds or "
            f"more, a thousandfold too long: a lost decimal point? If the times are milliseconds, "
            f"say --time-unit ms (time_unit='ms'); if they are right, --time-unit s"
        )
    if long:
        yield long.annotations()


def _blocks(source: Source) -> Iterator[bytes]:
    """The file in pieces that end with a line's end."""
    while block := source.stream.read(BLOCK):
        yield block if block.endswith(b"\n") else block + source.stream.readline()


def _official_rows(block: bytes, first_line: int) -> Rows | None:
    """Rows of a block in the official form, or None if a single byte of it is not."""
    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
        return None
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(block),
            read_options=pyarrow.csv.ReadOptions(
                column_names=["clip", "labels", "end"], use_threads=False
            ),
            # The only quotes are those around the labels, so they cut a row into its two parts.
            parse_options=pyarrow.csv.ParseOptions(
                delimiter='"', quote_char=False, ignore_empty_lines=False
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={
                    "clip": pa.binary(),
                    "labels": pa.dictionary(pa.int32(), pa.string()),
                    "end": pa.null(),
                },
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid:
        return None
    clip = one_chunk(table["clip"])
    offsets, _ = text_buffers(clip)
    lengths = np.diff(offsets)
    if len(clip) == 0 or lengths.min() < 11 or lengths.max() > 64:
        return None
    video = pc.binary_slice(clip, 0, 11)
    starts, id_bytes = text_buffers(video)
    times = pc.binary_slice(clip, 11, 64).dictionary_encode()
    matches = [OFFICIAL_TIMES.fullmatch(text) for text in times.dictionary.to_pylist()]
    if not ID_BYTES[id_bytes[starts[0] : starts[-1]]].all() or not all(matches):
        return None
    bounds = [[to_ms(m.group(i).decode()) for i in (1, 2)] for m in matches if m]
    start_ms, end_ms = np.array(bounds, np.int64).T
    labels = one_chunk(table["labels"])
    length_ms = end_ms - start_ms
    longest_text = np.diff(text_buffers(labels.dictionary)[0]).max(initial=0)
    if (length_ms <= 0).any() or longest_text > csv.field_size_limit():
        return None
    which = times.indices
    suffix = texts_to_arrow([f"_{ms}" for ms in start_ms.tolist()]).take(which)
    return Rows(
        np.arange(first_line, first_line + len(clip)),
        pc.binary_join_element_wise(video.cast(pa.string()), suffix, NO_SEPARATOR),
        to_arrow(np.zeros(len(clip))),
        to_arrow(length_ms / 1000).take(which),
        labels,
        timed=len(clip),
        overlong=int((length_ms >= LONGEST_CLIP_S * 1000)[to_numpy(which)].sum()),
    )


def _tolerant_rows(
    block: bytes, first_line: int, dialect: Dialect, source: Source, time_unit: str
) -> Rows:
    rows: list[Row] = []
    findings: list[Finding] = []
    timed = overlong = 0
    for number, raw in enumerate(block.split(b"\n"), first_line):
        if not raw.strip(b" ,;\t\r") or is_comment(raw.decode("utf-8", "replace")):
            continue
        cells: list[str] = []
        try:
            line = raw.decode("utf-8-sig").strip("\r")
            cells = split_cells(line, dialect.delimiter)
            row, length_ms = _parse_cells(number, line, cells, dialect, time_unit)
        except (UnicodeDecodeError, csv.Error, BadRowError) as error:
            reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
            shown = cells[dialect.clip][:64] if len(cells) > dialect.clip else ""
            findings.append(Finding(source.name, number, shown, "row unused", reason))
            continue
        timed += length_ms is not None
        overlong += length_ms is not None and length_ms >= LONGEST_CLIP_S * 1000
        if length_ms is not None and length_ms <= 0:
            what = "an event of no length" if length_ms == 0 else "an event ends before it begins"
            findings.append(Finding(source.name, number, row.clip_id, "label dropped", what))
            row = row._replace(labels="")
        rows.append(row)
    return replace(Rows.from_list(rows, findings), timed=timed, overlong=overlong)


def _parse_cells(
    number: int, line: str, cells: list[str], dialect: Dialect, time_unit: str
) -> tuple[Row, int | None]:
    """The row, and how long it says that its clip or event lasts, in milliseconds.

    Raises:
        BadRowError: the row cannot be used.
    """
    if "\r" in line:
        raise BadRowError("a lone carriage return: lines run together")
    needed = dialect.labels + 1 if dialect.width is None else dialect.width
    if len(cells) < needed or (dialect.width and any(cells[dialect.width :])):
        raise BadRowError(f"{len(cells)} cells where {needed} are expected")
    end = None if dialect.width is None else dialect.labels + 1
    text = ",".join(cells[dialect.labels : end])
    if line.count('"') % 2 or text.count('"') % 2:
        raise BadRowError("a quote has no partner: labels were cut off")
    cell = cells[dialect.clip]
    clip, named_ms = parse_clip_name(cell)
    if SPREADSHEET_ERROR.fullmatch(cell) or not clip:
        raise BadRowError(f"the clip's id is lost: {cell or 'empty'}")
    if dialect.video_ids and not VIDEO.fullmatch(clip):
        raise BadRowError("not a YouTube id of 11 characters")
    if dialect.start is None or dialect.end is None:
        return Row(number, clip, 0, named_ms, text), None
    try:
        start, stop = (_to_ms(cells[i], time_unit) for i in (dialect.start, dialect.end))
    except ValueError:
        raise BadRowError("a time is not a number of seconds") from None
    if dialect.one_label:
        return Row(number, clip, 0, named_ms, text), stop - start
    if stop <= start:
        raise BadRowError("ends before it begins" if stop < start else "has no length")
    if VIDEO.fullmatch(clip):  # the times are the clip's place in the video
        return Row(number, f"{clip}_{start}", 0, stop - start, text), stop - start
    return Row(number, clip, start, stop, text), stop - start


def _to_ms(text: str, time_unit: str) -> int:
    return round(to_ms(text) / 1000) if time_unit == "ms" else to_ms(text)

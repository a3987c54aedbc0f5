"""CSV and TSV label files, in AudioSet's segments form and in the forms that people make of it.

A block of the file that is in AudioSet's official form to the letter is parsed at once by Arrow;
any other block line by line, which takes every form. Both give the same rows.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from audiolabels.arrays.columns import (
    fixed_binary,
    fixed_bytes,
    one_chunk,
    text_buffers,
    texts_to_arrow,
    to_arrow,
    to_numpy,
)
from audiolabels.clips.names import LONGEST_CLIP_S, VIDEO, to_ms
from audiolabels.errors import LabelFileError
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.label_parsing import (
    LabelResolver,
    Row,
    Rows,
    TextTable,
    annotate,
)
from audiolabels.readers.annotations.long import LongRows
from audiolabels.readers.dialect import Dialect
from audiolabels.readers.lines import BadRowError, Line, ahead, blocks, read_lines, shown_clip
from audiolabels.readers.opening import Source

OFFICIAL_TIME = re.compile(r"(\d{1,6}\.\d{1,3}),")
# A scalar made by Arrow alone: handing Arrow a Python string would import pandas.
NO_SEPARATOR = texts_to_arrow([""]).cast(pa.binary())[0]
ID_BYTES = np.zeros(256, np.bool_)
ID_BYTES[list(b"-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = True


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
    rows_read, timed, overlong = 0, 0, 0
    for rows in ahead(_all_rows(source, dialect, official, time_unit)):
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


def _all_rows(source: Source, dialect: Dialect, official: bool, time_unit: str) -> Iterator[Rows]:
    """Rows block by block."""
    line = dialect.begin.line
    source.stream.seek(dialect.begin.position)
    for block in blocks(source):
        rows = _official_rows(block, line) if official else None
        lines = len(rows.numbers) if rows else block.count(b"\n")
        yield rows or _tolerant_rows(block, line, dialect, source, time_unit)
        line += lines


def _official_rows(block: bytes, first_line: int) -> Rows | None:
    """Rows of a block in the official form, or None if a single byte of it is not."""
    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
        return None
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(block),
            # One thread and one chunk: the threads are those of the engine, the chunks its parts.
            read_options=pyarrow.csv.ReadOptions(
                column_names=["id", "start", "end", "labels"],
                use_threads=False,
                block_size=len(block) + 1,
            ),
            # Cut at the spaces; commas and quotes stay in the cells, where they are checked.
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=" ", quote_char=False, ignore_empty_lines=False
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={
                    "id": pa.binary(12),
                    "start": pa.dictionary(pa.int32(), pa.string()),
                    "end": pa.dictionary(pa.int32(), pa.string()),
                    "labels": pa.dictionary(pa.int32(), pa.string()),
                },
                null_values=[],
            ),
        )
    except pa.ArrowInvalid:
        return None
    ids, start, end, labels = map(one_chunk, table.columns)
    id_bytes = fixed_bytes(ids)
    starts, ends = (_official_times(times.dictionary) for times in (start, end))
    unquoted = _unquote(labels.dictionary)
    if (
        starts is None
        or ends is None
        or unquoted is None
        or not (id_bytes[:, 11] == ord(",")).all()
        or not ID_BYTES[id_bytes[:, :11]].all()
    ):
        return None
    start_of, end_of = to_numpy(start.indices), to_numpy(end.indices)
    length_ms = ends[end_of] - starts[start_of]
    if (length_ms <= 0).any():
        return None
    videos = id_bytes.copy()
    videos[:, 11] = ord("_")
    places = texts_to_arrow([str(ms) for ms in starts.tolist()]).take(start.indices)
    clips = pc.binary_join_element_wise(
        fixed_binary(videos).cast(pa.binary()), places.cast(pa.binary()), NO_SEPARATOR
    )
    return Rows(
        np.arange(first_line, first_line + len(clips)),
        clips.view(pa.string()),
        to_arrow(np.zeros(len(clips))),
        to_arrow(length_ms / 1000),
        pa.DictionaryArray.from_arrays(labels.indices, unquoted),
        timed=len(clips),
        overlong=int((length_ms >= LONGEST_CLIP_S * 1000).sum()),
    )


def _official_times(texts: pa.StringArray) -> npt.NDArray[np.int64] | None:
    """Milliseconds of each time with its comma, or None if one is not written officially."""
    matches = [OFFICIAL_TIME.fullmatch(text) for text in texts.to_pylist()]
    return np.array([to_ms(m[1]) for m in matches if m], np.int64) if all(matches) else None


def _unquote(texts: pa.StringArray) -> pa.StringArray | None:
    """Texts without the quotes around them, or None if one is not just so, or over-long."""
    offsets, raw = text_buffers(texts)
    quotes = raw[offsets[0] : offsets[-1]] == ord('"')
    lengths = np.diff(offsets)
    if not len(texts) or lengths.min() < 2 or lengths.max() > csv.field_size_limit():
        return None
    around = quotes[offsets[:-1] - offsets[0]] & quotes[offsets[1:] - offsets[0] - 1]
    if not around.all() or quotes.sum() != 2 * len(texts):
        return None
    return pc.utf8_slice_codeunits(texts, 1, -1)


def _tolerant_rows(
    block: bytes, first_line: int, dialect: Dialect, source: Source, time_unit: str
) -> Rows:
    rows: list[Row] = []
    findings: list[Finding] = []
    names: list[str] = []
    timed = overlong = 0
    for line in read_lines(block, first_line, dialect):
        try:
            if line.fault:
                raise BadRowError(line.fault)
            row, length_ms, fault = _parse_line(line, dialect, time_unit)
        except BadRowError as error:
            shown = shown_clip(line, dialect)
            findings.append(Finding(source.name, line.number, shown, "row unused", str(error)))
            continue
        timed += length_ms is not None
        overlong += length_ms is not None and length_ms >= LONGEST_CLIP_S * 1000
        if fault:
            findings.append(Finding(source.name, line.number, row.clip_id, "label dropped", fault))
            row = row._replace(labels="")
        rows.append(row)
        names.append(line.cells[dialect.clip])
    made = Rows.from_list(rows, findings)
    return replace(made, timed=timed, overlong=overlong, names=names)


def _parse_line(line: Line, dialect: Dialect, time_unit: str) -> tuple[Row, int | None, str]:
    """The row, how many milliseconds its clip or event lasts, and why not to use its label.

    Raises:
        BadRowError: the row cannot be used.
    """
    number, cells, (clip, named_ms), text, _ = line
    if dialect.start is None or dialect.end is None:
        return Row(number, clip, 0, named_ms, text), None, ""
    event = dialect.one_label and not (dialect.places and VIDEO.fullmatch(clip))
    try:
        unit = 1 if time_unit == "ms" else 1000
        start, stop = (to_ms(cells[i], unit) for i in (dialect.start, dialect.end))
    except ValueError:
        fault = "a time is not a number of seconds"
        if event:
            return Row(number, clip, 0, named_ms, text), None, fault if text else ""
        raise BadRowError(fault) from None
    fault = "" if stop > start else "ends before it begins" if stop < start else "has no length"
    if event:
        return Row(number, clip, 0, named_ms, text), stop - start, fault and f"an event {fault}"
    if fault:
        raise BadRowError(fault)
    if VIDEO.fullmatch(clip):  # the times are the clip's place in the video
        return Row(number, f"{clip}_{start}", 0, stop - start, text), stop - start, ""
    return Row(number, clip, start, stop, text), stop - start, ""

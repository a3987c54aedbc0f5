"""Rows of event files: AudioSet's strong labels and its framed release, DESED's TSV.

One row is one class in one span of one clip, in CSV or TSV. A block without quotes, comments or
other peculiarities is parsed at once by Arrow; any other block line by line. Both give the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from audiolabels.arrays.columns import one_chunk, texts_to_arrow, to_numpy
from audiolabels.arrays.grid import Ms
from audiolabels.clips.names import LONGEST_CLIP_S, VIDEO, parse_clip_name, to_ms
from audiolabels.errors import LabelFileError
from audiolabels.labels.events import ABSENT, EMPTY, NOTHING, PRESENT, UNKNOWN
from audiolabels.labels.report import Finding
from audiolabels.readers import lines
from audiolabels.readers.dialect import Dialect
from audiolabels.readers.lines import BadRowError, Line, read_lines, shown_clip
from audiolabels.readers.opening import Source

STATES: Mapping[str, np.uint8] = MappingProxyType(
    {"present": PRESENT, "not_present": ABSENT, "1": PRESENT, "0": ABSENT}
)
MISSING = frozenset({"", "nan", "na", "n/a", "none", "null"})
# A name that is a clip's id already: eleven characters, and the start without leading zeros.
CANONICAL = r"^[A-Za-z0-9_-]{11}_(0|[1-9][0-9]{0,8})$"
LATEST_S = 1e6  # beyond, times are read digit by digit
NOT_TOLD = 0
ANOTHER_LENGTH = "tells another length of the clip than a row before"  # once a clip


@dataclass(frozen=True, eq=False)
class EventRows:
    """Rows of one stretch of an event file, before their labels are looked up.

    Attributes:
        numbers: int64 (R,): line of each row, from 1.
        clip: int32 (R,): each row's clip, as a position in the next three.
        names, clip_id: string (K,): the clips as the file writes them, and their ids.
        duration_ms: int64 (K,): length of each clip, `NOT_TOLD` where the file does not say.
        labels: dictionary<int32, string> (R,).
        onset_ms, offset_ms: int64 (R,).
        says: uint8 (R,), as in `Events`; UNKNOWN where the times are no times.
        findings: rows that are not among the R.
    """

    numbers: npt.NDArray[np.int64]
    clip: npt.NDArray[np.int32]
    names: pa.StringArray
    clip_id: pa.StringArray
    duration_ms: Ms
    labels: pa.DictionaryArray
    onset_ms: Ms
    offset_ms: Ms
    says: npt.NDArray[np.uint8]
    findings: list[Finding] = field(default_factory=list)


def read_event_rows(
    source: Source, dialect: Dialect, time_unit: str, *, whole: bool
) -> Iterator[EventRows]:
    """The rows of a file in stretches; a clip whose rows stand together stays together.

    Args:
        whole: whether stretches may part a clip, as the caller puts them together again.

    Raises:
        LabelFileError: the file is cut off, or its times are not seconds.
    """
    line = dialect.begin.line
    source.stream.seek(dialect.begin.position)
    held, timed, overlong, rows_read = b"", 0, 0, 0
    while True:
        # As much again as is held back: a clip of many blocks is not parsed once for each.
        more = source.stream.read(max(lines.BLOCK, len(held)))
        if more and not more.endswith(b"\n"):
            more += source.stream.readline()
        block = held + more
        if not block:
            break
        rows = _fast_rows(block, line, dialect, time_unit) or _tolerant_rows(
            block, line, dialect, source, time_unit
        )
        stop = _last_clip(rows) if more and not whole else len(rows.numbers)
        if stop < len(rows.numbers):
            held = _from_line(block, int(rows.numbers[stop]) - line)
            rows = _head(rows, stop)
        else:
            held = b""
        line += block.count(b"\n") - held.count(b"\n")
        lasting = (rows.offset_ms - rows.onset_ms)[rows.says <= ABSENT]
        timed += len(lasting)
        overlong += int((lasting >= LONGEST_CLIP_S * 1000).sum())
        rows_read += len(rows.numbers) + sum(f.kind == "row unused" for f in rows.findings)
        if len(rows.numbers) or rows.findings:
            yield rows
    promised = dialect.begin.promised
    if promised is not None and rows_read < promised:
        raise LabelFileError(
            f"{source.path}: cut off: its header promises {promised:,} rows, it holds "
            f"{rows_read:,}. Fetch it again"
        )
    if time_unit == "auto" and overlong > timed / 2:
        raise LabelFileError(
            f"{source.path}: {overlong:,} of {timed:,} events last {LONGEST_CLIP_S:,} seconds or "
            f"more. If the times are milliseconds, say --time-unit ms (time_unit='ms'); if they "
            f"are right, --time-unit s"
        )


def _last_clip(rows: EventRows) -> int:
    """Where the last clip's rows begin, those at the end."""
    others = np.flatnonzero(rows.clip != rows.clip[-1]) if len(rows.clip) else rows.clip
    return int(others[-1]) + 1 if len(others) else 0


def _from_line(block: bytes, skipped: int) -> bytes:
    """The block without its first lines."""
    position = len(block) - 1 if block.endswith(b"\n") else len(block)
    for _ in range(block.count(b"\n", 0, position) - skipped + 1):
        position = block.rfind(b"\n", 0, position)
    return block[position + 1 :]


def _head(rows: EventRows, stop: int) -> EventRows:
    """The first rows, and what was found before the next."""
    limit = rows.numbers[stop]
    clips = int(rows.clip[:stop].max(initial=-1)) + 1
    return EventRows(
        rows.numbers[:stop],
        rows.clip[:stop],
        rows.names.slice(0, clips),
        rows.clip_id.slice(0, clips),
        rows.duration_ms[:clips],
        rows.labels.slice(0, stop),
        rows.onset_ms[:stop],
        rows.offset_ms[:stop],
        rows.says[:stop],
        [f for f in rows.findings if f.row < limit],
    )


def _fast_rows(block: bytes, first_line: int, dialect: Dialect, time_unit: str) -> EventRows | None:
    """Rows of a plain block, or None if anything in it is not plain."""
    assert dialect.start is not None
    assert dialect.end is not None
    plain = block.isascii() and not any(byte in block for byte in (b'"', b"\0", b"\n#"))
    if len(dialect.delimiter) != 1 or not plain or block.startswith(b"#"):
        return None
    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
        return None
    text, time = pa.dictionary(pa.int32(), pa.string()), pa.float64()
    types = {dialect.clip: text, dialect.labels: text, dialect.start: time, dialect.end: time}
    if dialect.present is not None:
        types[dialect.present] = text
    if dialect.duration is not None:
        types[dialect.duration] = time
    columns = [str(i) for i in range(dialect.needed)]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(block),
            read_options=pyarrow.csv.ReadOptions(
                column_names=columns, use_threads=False, block_size=len(block) + 1
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=dialect.delimiter, quote_char=False, ignore_empty_lines=False
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={str(i): type_ for i, type_ in types.items()},
                include_columns=[str(i) for i in types],
                null_values=[],
            ),
        )
    except pa.ArrowInvalid:
        return None
    cells = {i: one_chunk(table[str(i)]) for i in types}
    unit = 1 if time_unit == "ms" else 1000
    onset, offset = (_whole_ms(cells[i], unit) for i in (dialect.start, dialect.end))
    names, labels = cells[dialect.clip], cells[dialect.labels]
    missing = [label.strip().casefold() in MISSING for label in labels.dictionary.to_pylist()]
    ids = _plain_ids(names.dictionary, dialect)
    says = np.full(len(names), PRESENT)
    if dialect.present is not None:
        present = cells[dialect.present]
        states = [STATES.get(s.strip().casefold()) for s in present.dictionary.to_pylist()]
        if None in states:
            return None
        says = np.array(states, np.uint8)[to_numpy(present.indices)]
    durations: Ms | None = np.full(len(names.dictionary), NOT_TOLD, np.int64)
    if dialect.duration is not None:
        told = _whole_ms(cells[dialect.duration], unit)
        durations = _one_each(to_numpy(names.indices), told, len(names.dictionary))
    if onset is None or offset is None or ids is None or durations is None or any(missing):
        return None
    clip_id, named = ids
    return EventRows(
        np.arange(first_line, first_line + len(names)),
        to_numpy(names.indices),
        names.dictionary,
        clip_id,
        np.where(durations == NOT_TOLD, named, durations),
        labels,
        onset,
        offset,
        says,
    )


def _whole_ms(seconds: pa.DoubleArray, unit: int) -> Ms | None:
    """Milliseconds, or None if a time is negative, late, or not a whole number of them."""
    scaled = to_numpy(seconds) * unit
    if not ((scaled >= 0) & (scaled < LATEST_S * unit)).all():  # false for NaN
        return None
    whole = np.rint(scaled)
    return whole.astype(np.int64) if (np.abs(scaled - whole) < 1e-6).all() else None


def _one_each(clip: npt.NDArray[np.int32], values: Ms | None, clips: int) -> Ms | None:
    """The value of each clip, or None if a clip has several or none above zero."""
    if values is None or not values.all():
        return None
    each = np.zeros(clips, np.int64)
    each[clip] = values
    return each if (each[clip] == values).all() else None


def _plain_ids(names: pa.StringArray, dialect: Dialect) -> tuple[pa.StringArray, Ms] | None:
    """Ids of clips and their lengths as far as the names tell, or None if one cannot be used."""
    plain = pc.match_substring_regex(names, CANONICAL)
    if plain.true_count == len(names) and not dialect.video_ids:
        return names, np.full(len(names), NOT_TOLD, np.int64)
    texts = names.to_pylist()
    clips = [parse_clip_name(name) for name in texts]
    if any(name != name.strip() for name in texts) or any(
        _fault(clip, dialect) or "#" in clip for clip, _ in clips
    ):
        return None
    return texts_to_arrow([c for c, _ in clips]), np.array([ms or NOT_TOLD for _, ms in clips])


def _fault(clip: str, dialect: Dialect) -> str:
    """Why rows of a clip cannot be events."""
    if not clip:
        return "the clip's id is lost"
    if VIDEO.fullmatch(clip) and dialect.places:
        return "times beside a bare YouTube id are the clip's place in the video, not an event's"
    return ""


def _tolerant_rows(
    block: bytes, first_line: int, dialect: Dialect, source: Source, time_unit: str
) -> EventRows:
    numbers: list[int] = []
    labels: list[str] = []
    spans: list[tuple[int, int]] = []
    says: list[np.uint8] = []
    clips: dict[str, int] = {}
    clip_of_row: list[int] = []
    ids: list[str] = []
    durations: list[int] = []
    unequal: set[int] = set()
    findings: list[Finding] = []

    for line in read_lines(block, first_line, dialect):
        shown = line.clip.clip_id or shown_clip(line, dialect)
        try:
            if fault := line.fault or _fault(line.clip.clip_id, dialect):
                raise BadRowError(fault)
            label, span, state, fault = _parse_event(line, dialect, time_unit)
        except BadRowError as error:
            findings.append(Finding(source.name, line.number, shown, "row unused", str(error)))
            continue
        if fault:
            kind = "event dropped" if label else "label dropped"
            findings.append(Finding(source.name, line.number, shown, kind, fault))
        name = line.cells[dialect.clip]
        clip = clips.setdefault(name, len(clips))
        duration, fault = _duration(line, dialect, time_unit)
        if clip == len(ids):
            ids.append(line.clip.clip_id)
            durations.append(NOT_TOLD)
        if durations[clip] == NOT_TOLD:
            durations[clip] = duration
        if fault:
            findings.append(Finding(source.name, line.number, shown, "event as it is", fault))
        if duration not in (NOT_TOLD, durations[clip]) and clip not in unequal:
            unequal.add(clip)
            findings.append(
                Finding(source.name, line.number, shown, "event as it is", ANOTHER_LENGTH)
            )
        numbers.append(line.number)
        clip_of_row.append(clip)
        labels.append(label)
        spans.append(span)
        says.append(state)
    times = np.array(spans, np.int64).reshape(-1, 2)
    return EventRows(
        np.array(numbers, np.int64),
        np.array(clip_of_row, np.int32),
        texts_to_arrow(list(clips)),
        texts_to_arrow(ids),
        np.array(durations, np.int64),
        texts_to_arrow(labels).dictionary_encode(),
        times[:, 0].copy(),
        times[:, 1].copy(),
        np.array(says, np.uint8),
        findings,
    )


def _parse_event(
    line: Line, dialect: Dialect, time_unit: str
) -> tuple[str, tuple[int, int], np.uint8, str]:
    """Label text, span, what the row says, and why its span or label is not used.

    Raises:
        BadRowError: the row cannot be used.
    """
    assert dialect.start is not None
    assert dialect.end is not None
    times = [line.cells[i] for i in (dialect.start, dialect.end)]
    says = PRESENT
    if dialect.present is not None:
        state = STATES.get(line.cells[dialect.present].casefold())
        if state is None:
            raise BadRowError(f"neither PRESENT nor NOT_PRESENT: {line.cells[dialect.present]}")
        says = state
    if line.label.strip().casefold() in MISSING:
        if all(time.casefold() in MISSING for time in times):
            return "", (0, 0), EMPTY, ""
        return "", (0, 0), NOTHING, "no label"
    unit = 1 if time_unit == "ms" else 1000
    try:
        onset, offset = (_signed_ms(time, unit) for time in times)
    except ValueError:
        return line.label, (0, 0), UNKNOWN, "a time is not a number of seconds"
    return line.label, (onset, offset), says, ""


def _signed_ms(text: str, unit: int) -> int:
    text = text.strip()
    return -to_ms(text[1:], unit) if text.startswith("-") else to_ms(text, unit)


def _duration(line: Line, dialect: Dialect, time_unit: str) -> tuple[int, str]:
    """Milliseconds of the clip, from the column of its length or from its name; what is wrong."""
    named = line.clip.duration_ms or NOT_TOLD
    told = "" if dialect.duration is None else line.cells[dialect.duration]
    if told.casefold() in MISSING:
        return named, ""
    try:
        duration = to_ms(told, 1 if time_unit == "ms" else 1000)
    except ValueError:
        duration = NOT_TOLD
    return duration or named, "" if duration else "no length of the clip above zero, in seconds"

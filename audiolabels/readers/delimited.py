"""Rows of CSV and TSV files as columns: what label files and event files share.

A block of the file without peculiarities is parsed at once by Arrow, any other block line by line.
Both give the same rows.
"""

import csv
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from audiolabels.arrays.columns import one_chunk, text_buffers, texts_to_arrow, to_arrow, to_numpy
from audiolabels.arrays.grid import Ms
from audiolabels.clips.names import LONGEST_CLIP_S, parse_clip_name, to_ms
from audiolabels.errors import LabelFileError, shortlist
from audiolabels.labels.events import ABSENT, PRESENT, UNSURE
from audiolabels.labels.report import Finding
from audiolabels.readers.columns import (
    MISSING,
    PRESENCE,
    STATE_CELLS,
    STATES_COLUMN,
    UNSURE_CELLS,
)
from audiolabels.readers.dialect import VALUED, Dialect
from audiolabels.readers.lines import clip_blocks, line_blocks, read_lines
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions
from audiolabels.readers.reports import rows_report

NO_TIME, NOT_A_TIME = np.iinfo(np.int64).min, np.iinfo(np.int64).min + 1
# Names that are clip ids already: eleven characters, and the start without leading zeros.
BARE = r"^[A-Za-z0-9_-]{11}$"
ID_BYTES = b"-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CANONICAL = r"^[A-Za-z0-9_-]{11}(_(0|[1-9][0-9]{0,8}))?$"
# Names and ids for the parser of single lines.
ODD = r'(?i)^(nan|na|n/a|none|null|)$|^[\x00-\x20]|[\x00-\x20]$|[#"]'
LATEST_S = 1e6  # beyond, times are read digit by digit
PER_CLIP = ("names", "clip_id", "bare", "named_ms")
PER_ROW = ("numbers", "labels", "onset_ms", "offset_ms")
UNCLEAR = "unclear"  # a cell of presence, of a table that was made of other cells
NO_VOTE = frozenset({"-1", "-1.0", UNCLEAR})
NO_STATE = -1  # of a cell that states neither presence nor absence


@dataclass(frozen=True, eq=False)
class DelimitedRows:
    """Some rows of a file, R of K clips, before their labels are looked up.

    Attributes:
        numbers: int64 (R,): line of each row, from 1.
        clip: int32 (R,): each row's clip, as a position in the next four.
        names, clip_id: string (K,): the clips as the file writes them, and their ids.
        bare: bool (K,): whether an id is that of a YouTube video, without a start.
        named_ms: int64 (K,): the length that a name gives, or 0.
        labels: dictionary<int32, string> (R,): label texts as the file writes them.
        onset_ms, offset_ms: int64 (R,): `NO_TIME` where there is none, `NOT_A_TIME` where the cell
            holds something else.
        extra: column to dictionary<int32, string> (R,): the cells of `Dialect.extra`.
        findings: rows that are not among the R.
    """

    numbers: npt.NDArray[np.int64]
    clip: npt.NDArray[np.int32]
    names: pa.StringArray
    clip_id: pa.StringArray
    bare: npt.NDArray[np.bool_]
    named_ms: Ms
    labels: pa.DictionaryArray
    onset_ms: Ms
    offset_ms: Ms
    extra: Mapping[int, pa.DictionaryArray]
    findings: list[Finding] = field(default_factory=list)

    @property
    def clip_ids(self) -> pa.StringArray:
        """String (R,): the id of each row's clip."""
        if len(self.clip) == len(self.clip_id):  # in order, so each clip has one row
            return self.clip_id
        return self.clip_id.take(to_arrow(self.clip))

    @property
    def timed(self) -> npt.NDArray[np.bool_]:
        """Bool (R,): which rows have both times."""
        both: npt.NDArray[np.bool_] = np.minimum(self.onset_ms, self.offset_ms) > NOT_A_TIME
        return both

    def repeat(self, rows: npt.NDArray[np.integer]) -> "DelimitedRows":
        """The rows with these numbers, some of them several times."""
        taken = {name: _take(getattr(self, name), rows) for name in PER_ROW}
        taken["extra"] = {i: _take(cells, rows) for i, cells in self.extra.items()}
        return replace(self, clip=self.clip[rows], **taken)

    def keep(self, chosen: npt.NDArray[np.bool_]) -> "DelimitedRows":
        """The chosen rows, bool (R,), and the clips that have one, in order of the first."""
        if chosen.all():
            return self
        clips, first, clip = np.unique(self.clip[chosen], return_index=True, return_inverse=True)
        order = np.argsort(first)
        rows = np.flatnonzero(chosen)
        kept = {name: _take(getattr(self, name), rows) for name in PER_ROW}
        kept["extra"] = {i: _take(cells, rows) for i, cells in self.extra.items()}
        kept |= {name: _take(getattr(self, name), clips[order]) for name in PER_CLIP}
        return replace(self, clip=np.argsort(order)[clip].astype(np.int32), **kept)


def _take(column: Any, places: npt.NDArray[np.integer]) -> Any:
    if isinstance(column, pa.Array):
        return column.take(to_arrow(places))
    return column[places]


class Rows(Protocol):
    """What a reader makes of `DelimitedRows`."""

    @property
    def numbers(self) -> npt.NDArray[np.int64]:
        """Lines of the rows."""

    @property
    def findings(self) -> list[Finding]:
        """Findings about these rows and others."""


AnyRows = TypeVar("AnyRows", bound=Rows)


def checked(
    converted: Iterable[tuple[AnyRows, Ms]], source: Source, dialect: Dialect, options: ReadOptions
) -> Iterator[AnyRows]:
    """The rows of a file, part by part, each given with the lengths of those that have times.

    Raises:
        LabelFileError: at the end, if the file is cut off, or its times are not seconds.
    """
    count = timed = overlong = 0
    for rows, lengths in converted:
        count += rows_report(len(rows.numbers), rows.findings).rows
        timed += len(lengths)
        overlong += int((lengths >= LONGEST_CLIP_S * 1000).sum())
        if len(rows.numbers) or rows.findings:
            yield rows
    promised = dialect.begin.promised
    if promised is not None and count < promised and options.missing_rows == "error":
        raise LabelFileError(
            f"{source.path}: cut off: its header announces {promised:,} rows, it holds "
            f"{count:,}. Fetch it again; if the rest was left out on purpose, use "
            f"--missing-rows accept (missing_rows='accept')"
        )
    if options.time_unit == "auto" and overlong > timed / 2:
        raise LabelFileError(
            f"{source.path}: {overlong:,} of {timed:,} rows last "
            f"{LONGEST_CLIP_S:,} seconds or more, a thousandfold too long: a lost decimal "
            f"point? If the times are milliseconds, use --time-unit ms (time_unit='ms'); if "
            f"they are right, --time-unit s"
        )


def read_rows(
    source: Source, dialect: Dialect, options: ReadOptions, *, events: bool = False
) -> Iterator[DelimitedRows]:
    """The rows of a file, block by block.

    Of events, times may be negative, any name is a clip's, and the rows of a clip stay together
    where they follow each other.
    """
    dialect = replace(dialect, video_ids=False) if events else dialect
    line, size = dialect.begin.line, options.block_sizes.text
    source.stream.seek(dialect.begin.position)
    for block in clip_blocks(source, size, dialect) if events else line_blocks(source, size):
        rows = _plain_rows(block, line, dialect, options.unit_ms)
        lines = len(rows.numbers) if rows else block.count(b"\n")
        rows = rows or _tolerant_rows(block, line, dialect, source, options.unit_ms, events)
        yield _in_file(rows, dialect, options.unit_ms)
        line += lines


def _in_file(rows: DelimitedRows, dialect: Dialect, unit_ms: int) -> DelimitedRows:
    """Rows with times from the beginning of their file, not of a sequence of files."""
    column = dialect.columns["file_offset"]
    if column is None:
        return rows
    begin = per_text(rows.extra[column], lambda text: time_ms(text, unit_ms, False))
    end = np.where(rows.timed, begin + rows.offset_ms - rows.onset_ms, rows.offset_ms)
    return replace(rows, onset_ms=begin, offset_ms=np.where(begin > NOT_A_TIME, end, NOT_A_TIME))


@dataclass(frozen=True, eq=False)
class Statements:
    """What R rows state of their labels.

    Attributes:
        state: uint8 (R,): `PRESENT`, `ABSENT` or `UNSURE`; of values, what the options make them.
        value: float32 (R,): the value where labels are soft, else 1 or 0.
        rater: int (R,): the rater's number in `raters`, or 0.
        raters: names of the raters, or none where they are not united.
        listing: whether only labels that a rater found present have a row.
    """

    state: npt.NDArray[np.uint8]
    value: npt.NDArray[np.float32]
    rater: npt.NDArray[Any]
    raters: tuple[str, ...]
    listing: bool


@dataclass(frozen=True, eq=False)
class Stated(Statements):
    """Rows with what they state of their labels.

    Attributes:
        rows: R rows; a row with the votes of several raters is as many.
        below: bool (R,): whether a value does not reach the threshold.
        findings: rows that are not among the R.
    """

    rows: DelimitedRows
    below: npt.NDArray[np.bool_]
    findings: list[Finding]


def stated_rows(
    rows: DelimitedRows, dialect: Dialect, source: Source, options: ReadOptions
) -> Stated:
    """The rows that state whether their labels are present, and a finding per other row.

    Raises:
        LabelFileError: values other than 1, or several raters, that the options do not ask for.
    """
    roles, findings, names = dialect.columns.roles, [], dialect.columns.names
    held, votes = roles.get("value", ()), roles.get("vote", ())
    if options.values is None and options.raters is None:
        for i in (*held, *roles.get("label_values", ())):
            pieces = ";".join(rows.extra[i].dictionary.to_pylist()).split(";")
            values = {text.strip().casefold() for text in pieces}
            odd = [v for v in values - MISSING if not _is_one(v)]
            refuse_column(source, dialect, i, odd, "--values soft or a threshold (values=…)")
    for i in roles.get("annotated_for", ()):
        cells = {*pc.unique(rows.extra[i]).to_pylist()} - {dialect.annotated}
        if cells and options.annotated is None:
            raise LabelFileError(
                f"{source.path}: column {names[i]} differs from row to row: {dialect.annotated!r}, "
                f"{min(cells)!r}. Clips that were annotated for different classes are data sets of "
                f"their own, to be joined (audiolabels.join)"
            )
    if options.raters is None:
        for i in (*roles.get("rater", ()), *votes):
            cells = set(rows.extra[i].dictionary.to_pylist()) - {""}
            several = cells if len(cells) > 1 or i in votes else ()
            refuse_column(source, dialect, i, several, "--raters mean, or majority … (raters=…)")

    def drop(which: npt.NDArray[np.bool_], i: int, reason: str) -> npt.NDArray[np.bool_]:
        for row in np.flatnonzero(which).tolist():
            cell, clip = rows.extra[i][row].as_py().strip(), rows.clip_id[int(rows.clip[row])]
            number = int(rows.numbers[row])
            found = Finding(source.name, number, clip.as_py(), "row unused", f"{reason}{cell}")
            findings.append(found)
        return ~which

    def states(i: int) -> npt.NDArray[np.int64]:
        words = STATE_CELLS if names[i] == STATES_COLUMN else PRESENCE
        return per_text(rows.extra[i], lambda c: words.get(c.strip().casefold(), NO_STATE))

    unsure = np.zeros(len(rows.clip), np.bool_)
    state = np.full(len(rows.clip), PRESENT)
    for i in roles.get("presence", ()):
        found = states(i)
        unclear = UNSURE_CELLS if names[i] == STATES_COLUMN else {UNCLEAR}
        unsure |= per_text(rows.extra[i], unclear.__contains__) > 0
        kept = drop((found == NO_STATE) & ~unsure, i, "neither PRESENT nor NOT_PRESENT: ")
        if votes:  # which are of what the row concerns
            kept &= drop(kept & (found == 0), i, "not about what is audible: ")
        state, unsure = np.where(found > 0, state, ABSENT)[kept], unsure[kept]
        rows = rows.keep(kept)
    value = (state == PRESENT).astype(np.float32)
    if held and (options.values is not None or options.raters is not None):
        (i,) = held
        parts = per_text(rows.extra[i], millionths)
        kept = drop(parts == NO_STATE, i, "no value from 0 to 1: ")
        given = (parts[kept] / 1e6).astype(np.float32)
        value = np.where(state[kept] == PRESENT, given, 0)
        state, unsure, rows = state[kept], unsure[kept], rows.keep(kept)
    rater: npt.NDArray[Any] = np.zeros(len(rows.clip), np.int64)
    raters: tuple[str, ...] = ()
    if options.raters is not None and votes:
        for i in votes:
            cells = {text.strip().casefold() for text in rows.extra[i].dictionary.to_pylist()}
            odd = sorted(cells - MISSING - PRESENCE.keys() - NO_VOTE)
            if odd:
                raise LabelFileError(
                    f"{source.path}: column {names[i]} holds {shortlist(map(repr, odd))}; votes "
                    f"are 1, 0 or empty (true, false; present, absent)"
                )
        found = np.stack([states(i) for i in votes], axis=1)
        row, rater = np.nonzero(found != NO_STATE)
        unseen = np.setdiff1d(np.arange(len(rows.clip)), row)  # unsure, as no rater saw the label
        value = np.append(found[row, rater] > 0, np.zeros(len(unseen))).astype(np.float32)
        unsure = np.append(unsure[row], np.ones(len(unseen), np.bool_))
        rows = rows.repeat(np.append(row, unseen))
        rater = np.append(rater, np.zeros_like(unseen))
        raters = tuple(names[i] for i in votes)
    elif options.raters is not None and "rater" in roles:
        cells = rows.extra[roles["rater"][0]]
        rater, raters = to_numpy(cells.indices), tuple(cells.dictionary.to_pylist())
    hard = value > 0
    if isinstance(options.values, float):
        hard = value >= np.float32(options.values)
    state = np.where(unsure, UNSURE, np.where(hard, PRESENT, ABSENT)).astype(np.uint8)
    listing = not (votes or held or roles.keys() & {"presence", "class"})
    below = (value > 0) & ~hard
    return Stated(state, value.astype(np.float32), rater, raters, listing, rows, below, findings)


def millionths(text: str) -> int:
    """A value from 0 to 1 in millionths, or `NO_STATE`."""
    try:
        number = float(text)
    except ValueError:
        return NO_STATE
    return round(number * 1e6) if 0 <= number <= 1 else NO_STATE


def refuse_column(
    source: Source, dialect: Dialect, column: int, texts: Collection[str], remedy: str
) -> None:
    """Refuse a file in which a column has these cells, if there are any.

    Raises:
        LabelFileError: there are.
    """
    if texts:
        name = dialect.columns.names[column]
        alike = f", or read all of them alike with --columns ignored={name} (columns=…)"
        raise LabelFileError(
            f"{source.path}: column {name} holds {shortlist(sorted(texts))}. Use {remedy}, or keep "
            f"in the file only the rows whose labels are meant"
            f"{'' if dialect.columns.names is VALUED else alike}"  # which has no header
        )


def _is_one(text: str) -> bool:
    try:
        return float(text) == 1
    except ValueError:
        return False


def _plain_rows(
    block: bytes, first_line: int, dialect: Dialect, unit_ms: int
) -> DelimitedRows | None:
    """Rows of a block that Arrow can parse, or None if anything in it is not plain."""
    if not block.isascii() or b"\0" in block or b"#" in block or len(dialect.delimiter) != 1:
        return None
    if len(dialect.labels) > 1:
        return None
    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
        return None
    raw = np.frombuffer(block, np.uint8)
    lines = int(np.count_nonzero(raw == ord("\n"))) + (not block.endswith(b"\n"))
    quotes = np.flatnonzero(raw == ord('"'))
    if len(quotes):
        quoted = _quoted_ends(raw, quotes, lines, ord(dialect.delimiter))
        if quoted is None:
            return None
        raw = quoted
    text, time = pa.dictionary(pa.int32(), pa.string()), pa.float64()
    columns = {dialect.labels[0]: text, dialect.start: time, dialect.end: time}
    columns |= {dialect.clip: text if dialect.one_label else pa.string()}
    columns |= dict.fromkeys(dialect.extra, text)
    types = {str(i): type_ for i, type_ in columns.items() if i is not None}
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(pa.py_buffer(raw)),
            # One thread and one chunk: blocks are parsed in a thread of their own.
            pyarrow.csv.ReadOptions(
                column_names=[str(i) for i in range(dialect.needed)],
                use_threads=False,
                block_size=len(block) + 1,
            ),
            pyarrow.csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char='"' if len(quotes) else False,
                double_quote=False,
                ignore_empty_lines=False,
            ),
            pyarrow.csv.ConvertOptions(
                column_types=types, include_columns=list(types), null_values=[]
            ),
        )
    except pa.ArrowInvalid:
        return None

    cells: dict[int | None, pa.Array] = {
        i: one_chunk(table[str(i)]) for i in columns if i is not None
    }
    names, labels = cells.get(dialect.clip), cells[dialect.labels[0]]
    clip = np.arange(lines, dtype=np.int32)
    if names is None:
        names, clip = texts_to_arrow([dialect.file_clip]), np.zeros(lines, np.int32)
    elif dialect.one_label:
        names, clip = names.dictionary, to_numpy(names.indices)
    onset, offset = (_whole_ms(cells.get(i), unit_ms, lines) for i in (dialect.start, dialect.end))
    if dialect.lasting and onset is not None and offset is not None:
        offset += onset
    ids = clip_columns(names, dialect)
    odd = dialect.video_ids and not ids[1].all()
    if odd or onset is None or offset is None or len(table) != lines:
        return None
    if not ids[1].all() and (_matches(names, ODD) | _matches(ids[0], ODD)).any():
        return None
    if len(quotes) and not _unquoted(labels.dictionary):
        return None
    return DelimitedRows(
        np.arange(first_line, first_line + lines),
        clip,
        names,
        *ids,
        labels,
        onset,
        offset,
        {i: cells[i] for i in dialect.extra},
    )


def _quoted_ends(
    raw: npt.NDArray[np.uint8], quotes: npt.NDArray[np.intp], lines: int, delimiter: int
) -> npt.NDArray[np.uint8] | None:
    """Lines that end with a cell in quotes, as AudioSet's do, without the space before the cell.

    None if a line is not like that.
    """
    if len(quotes) != 2 * lines or quotes[0] < 2:
        return None
    first, last = quotes.reshape(-1, 2).T
    spaced = first[raw[first - 1] == ord(" ")]
    made = raw.copy()
    made[spaced - 1], made[spaced - 2] = raw[spaced - 2], raw[spaced - 1]
    ends = raw[last[last + 1 < len(raw)] + 1]
    if (made[first - 1] != delimiter).any() or not np.isin(ends, [ord("\n"), ord("\r")]).all():
        return None
    return made


def _whole_ms(times: pa.DoubleArray | None, unit_ms: int, count: int) -> Ms | None:
    """Milliseconds, or None if a time is negative, late, or not a whole number of them."""
    if times is None:
        return np.full(count, NO_TIME)
    scaled = to_numpy(times) * unit_ms
    if not ((scaled >= 0) & (scaled < LATEST_S * unit_ms)).all():  # false for NaN
        return None
    whole = np.rint(scaled)
    return whole.astype(np.int64) if (np.abs(scaled - whole) < 1e-6).all() else None


def clip_columns(
    names: pa.StringArray, dialect: Dialect
) -> tuple[pa.StringArray, npt.NDArray[np.bool_], Ms]:
    """Ids of clips, which of them are bare, and lengths in the names."""
    bare = _bare(names)
    if bare.all() or _matches(names, CANONICAL).all():
        return names, bare, np.zeros(len(names), np.int64)
    of_video, folders = dialect.of_video, dialect.folders
    clips = [parse_clip_name(n, of_video=of_video, folders=folders) for n in names.to_pylist()]
    clip_id = texts_to_arrow([clip for clip, _ in clips])
    return clip_id, _bare(clip_id), np.array([ms or 0 for _, ms in clips], np.int64)


def _bare(clip_id: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Which ids are eleven characters of YouTube's."""
    offsets, raw = text_buffers(clip_id)
    characters = raw[offsets[0] : offsets[-1]].tobytes()
    if (np.diff(offsets) == 11).all() and not characters.translate(None, ID_BYTES):
        return np.ones(len(clip_id), np.bool_)  # thirty times faster than by the pattern
    return _matches(clip_id, BARE)


def _matches(texts: pa.StringArray, pattern: str) -> npt.NDArray[np.bool_]:
    found = pc.match_substring_regex(texts, pattern).cast(pa.uint8())
    return to_numpy(found).view(np.bool_)


def _unquoted(texts: pa.StringArray) -> bool:
    """Whether no text holds a quote, or is longer than `csv` allows."""
    offsets, raw = text_buffers(texts)
    longest = np.diff(offsets).max(initial=0)
    return ord('"') not in raw[offsets[0] : offsets[-1]] and longest <= csv.field_size_limit()


def _tolerant_rows(
    block: bytes, first_line: int, dialect: Dialect, source: Source, unit_ms: int, signed: bool
) -> DelimitedRows:
    lines, findings = [], []
    for line in read_lines(block, first_line, dialect):
        if line.fault:
            shown = dialect.name_of_clip(line.cells)[:64]
            findings.append(Finding(source.name, line.number, shown, "row unused", line.fault))
        else:
            lines.append(line)
    columns = (dialect.start, dialect.end, *dialect.extra)
    cells: dict[int | None, pa.DictionaryArray] = {
        i: texts_to_arrow([line.cells[i] for line in lines]).dictionary_encode()
        for i in columns
        if i is not None
    }
    clips = texts_to_arrow([dialect.name_of_clip(line.cells) for line in lines]).dictionary_encode()

    def times(i: int | None) -> Ms:
        if i is None:
            return np.full(len(lines), NO_TIME)
        return per_text(cells[i], lambda text: time_ms(text, unit_ms, signed))

    onset, offset = times(dialect.start), times(dialect.end)
    if dialect.lasting:
        offset = np.where(np.minimum(onset, offset) > NOT_A_TIME, onset + offset, offset)
    return DelimitedRows(
        np.array([line.number for line in lines], np.int64),
        to_numpy(clips.indices),
        clips.dictionary,
        *clip_columns(clips.dictionary, dialect),
        texts_to_arrow([line.label for line in lines]).dictionary_encode(),
        onset,
        offset,
        {i: cells[i] for i in dialect.extra},
        findings,
    )


def per_text(cells: pa.DictionaryArray, function: Callable[[str], int]) -> npt.NDArray[np.int64]:
    """A number of each cell, int64 (R,), computed once per distinct text."""
    numbers = np.array([function(text) for text in cells.dictionary.to_pylist()], np.int64)
    each: npt.NDArray[np.int64] = numbers[to_numpy(cells.indices)]
    return each


def time_ms(text: str, unit_ms: int, signed: bool) -> int:
    """Milliseconds of a cell, `NO_TIME` where it is empty, or `NOT_A_TIME`."""
    if text.casefold() in MISSING:
        return int(NO_TIME)
    negative = signed and text.startswith("-")
    try:
        return -to_ms(text[1:], unit_ms) if negative else to_ms(text, unit_ms)
    except ValueError:
        return int(NOT_A_TIME)

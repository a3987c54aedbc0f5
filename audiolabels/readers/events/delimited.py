"""Event files in CSV and TSV: AudioSet's strong labels and its framed release, DESED's TSV.

A row is one class in one span of one clip.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow, to_numpy
from audiolabels.arrays.grid import Ms
from audiolabels.clips.names import to_ms
from audiolabels.errors import OptionError
from audiolabels.labels.events import (
    ABSENT,
    EMPTY,
    NOTHING,
    OTHER,
    PRESENT,
    SILENT,
    STATES,
    UNKNOWN,
    UNSURE,
)
from audiolabels.labels.report import Finding
from audiolabels.readers.columns import MISSING, STATES_COLUMN
from audiolabels.readers.delimited import (
    NO_TIME,
    DelimitedRows,
    checked,
    per_text,
    read_rows,
    stated_rows,
)
from audiolabels.readers.dialect import Dialect
from audiolabels.readers.events.parts import ANOTHER_LENGTH, UNKNOWN_LENGTH, EventRows
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions

PLACE = "times of a bare YouTube id are the clip's place in the video, not an event's"
OTHER_VIEW = "another view of a selection that is in an earlier row"
NO_LENGTH = -1  # of a cell that should hold one


def read_event_rows(source: Source, dialect: Dialect, options: ReadOptions) -> Iterator[EventRows]:
    """The rows of a file in parts; clips are not divided where their rows follow each other.

    Raises:
        LabelFileError: the file is cut off, or its times are not seconds.
    """
    blocks = read_rows(source, dialect, options, events=True)
    rows = (event_rows(block, dialect, source, options) for block in blocks)
    return checked(rows, source, dialect, options)


def refuse_raters(path: Path) -> None:
    """Refuse to unite the raters of events.

    Raises:
        OptionError: always.
    """
    raise OptionError(
        f"{path}: raters are united for labels of clips, not for events: leave out --raters "
        f"(raters=), which belongs to the data sets of a join that have raters, and keep the rows "
        f"of one rater"
    )


def event_rows(
    rows: DelimitedRows, dialect: Dialect, source: Source, options: ReadOptions
) -> tuple[EventRows, Ms]:
    """Rows with a state each, and how long each lasts; unusable ones are left out and reported."""
    findings = list(rows.findings)

    def report(which: npt.NDArray[np.bool_], kind: str, reason: str) -> None:
        for row in np.flatnonzero(which).tolist():
            clip = rows.clip_id[int(rows.clip[row])].as_py()
            findings.append(Finding(source.name, int(rows.numbers[row]), clip, kind, reason))

    place = (rows.bare & dialect.places)[rows.clip]
    report(place, "row unused", PLACE)
    rows = rows.keep(~place)
    again = _repeated_selections(rows, dialect)
    report(again, "row unused", OTHER_VIEW)
    rows = rows.keep(~again)
    stated = stated_rows(rows, dialect, source, options)
    if stated.raters:
        refuse_raters(source.path)
    rows, unit_ms, findings = stated.rows, options.unit_ms, [*findings, *stated.findings]
    state = np.where(stated.below, OTHER, stated.state).astype(np.int64)
    missing = per_text(rows.labels, lambda text: text.strip().casefold() in MISSING) > 0
    empty = missing & (np.maximum(rows.onset_ms, rows.offset_ms) == NO_TIME)
    state = np.select([empty, missing, ~rows.timed], [EMPTY, NOTHING, UNKNOWN], state)
    kept = np.zeros(len(state), np.bool_)
    for i in dialect.columns.roles.get("presence", ()):
        if dialect.columns.names[i] == STATES_COLUMN:  # of `Events`, handed on
            of_clip = per_text(rows.extra[i], lambda c: STATES.index(c) if c in STATES else -1)
            kept = missing & np.isin(of_clip, (EMPTY, NOTHING, OTHER))
            kept |= ~missing & np.isin(of_clip, (SILENT, UNKNOWN))
            state = np.where(kept, of_clip, state)
    report((state == NOTHING) & ~kept, "label dropped", "no label")
    report((state == UNKNOWN) & ~kept, "event dropped", "a time is not a number of seconds")
    given = np.zeros(len(state), np.int64)
    if dialect.clip_length is not None:
        given = per_text(
            rows.extra[dialect.clip_length], lambda cell: _length_ms(cell.strip(), unit_ms)
        )
    report(given < 0, "event as it is", "no length of the clip above zero, in seconds")
    duration = np.where(given > 0, given, rows.named_ms[rows.clip])
    known = np.flatnonzero(duration)
    durations = np.full(len(rows.names), UNKNOWN_LENGTH, np.int64)
    durations[rows.clip[known[::-1]]] = duration[known[::-1]]  # of the first row that has one
    another = (duration > 0) & (duration != durations[rows.clip])
    _, first = np.unique(rows.clip[another], return_index=True)
    another[np.delete(np.flatnonzero(another), first)] = False
    report(another, "event as it is", ANOTHER_LENGTH)
    labels, spans = rows.labels, np.isin(state, (PRESENT, ABSENT, SILENT, UNSURE))
    if missing.any():
        texts = labels.dictionary.to_pylist()
        texts = ["" if text.strip().casefold() in MISSING else text for text in texts]
        labels = pa.DictionaryArray.from_arrays(labels.indices, texts_to_arrow(texts))
    made = EventRows(
        rows.numbers,
        rows.clip,
        rows.names,
        rows.clip_id,
        durations,
        labels,
        np.where(spans, rows.onset_ms, 0),
        np.where(spans, rows.offset_ms, 0),
        state.astype(np.uint8),
        sorted(findings, key=lambda finding: finding.row),
        stated.value if options.soft else None,
    )
    return made, np.maximum(rows.offset_ms - rows.onset_ms, given)[spans]


def _repeated_selections(rows: DelimitedRows, dialect: Dialect) -> npt.NDArray[np.bool_]:
    """Bool (R,): which rows repeat a selection of Raven's, as one in another view or channel."""
    again = np.zeros(len(rows.clip), np.bool_)
    if (column := dialect.columns["selection"]) is not None:
        again[:] = True
        texts = to_numpy(rows.extra[column].indices), to_numpy(rows.labels.indices)
        keys = np.stack([rows.clip, *texts, rows.onset_ms, rows.offset_ms])
        again[np.unique(keys, axis=1, return_index=True)[1]] = False
    return again


def _length_ms(cell: str, unit_ms: int) -> int:
    """Milliseconds of a clip, 0 where the cell is empty, or `NO_LENGTH`."""
    if cell.casefold() in MISSING:
        return UNKNOWN_LENGTH
    try:
        return to_ms(cell, unit_ms) or NO_LENGTH
    except ValueError:
        return NO_LENGTH

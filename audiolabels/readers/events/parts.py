"""Rows of event files to events: labels looked up, the statements about a clip put together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import one_chunk, to_arrow, to_numpy
from audiolabels.arrays.grid import Ms
from audiolabels.arrays.lists import Lists
from audiolabels.clips.names import STARTED
from audiolabels.clips.rows import prefixed
from audiolabels.labels.events import (
    ABSENT,
    EMPTY,
    NO_CLASS,
    NOTHING,
    OTHER,
    PRESENT,
    UNSURE,
    Events,
)
from audiolabels.labels.report import Finding, Report
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.label_parsing import (
    LabelResolver,
    conclude_labels,
    coverage,
    make_resolver,
    parse_texts,
    refuse_unknown,
)
from audiolabels.readers.clip_ids import note_videos
from audiolabels.readers.formats import Format, Layout
from audiolabels.readers.lines import ahead
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions
from audiolabels.readers.reports import described, rows_report

UNKNOWN_LENGTH = 0  # milliseconds of a clip whose length no file gives
ANOTHER_LENGTH = "gives another length of the clip than an earlier row"  # once per clip


@dataclass(frozen=True, eq=False)
class EventRows:
    """Some rows of an event file.

    Attributes:
        numbers: int64 (R,): line of each row, from 1.
        clip: int32 (R,): each row's clip, as a position in the next three.
        names, clip_id: string (K,): the clips as the file writes them, and their ids.
        duration_ms: int64 (K,): length of each clip, or `UNKNOWN_LENGTH`.
        labels: dictionary<int32, string> (R,).
        onset_ms, offset_ms: int64 (R,).
        states: uint8 (R,), as `Events.state`; UNKNOWN where the times are no times.
        findings: rows that are not among the R, and what is odd about those that are.
        values: float32 (R,): how present the label is, in [0, 1]; None where events are certain.
    """

    numbers: npt.NDArray[np.int64]
    clip: npt.NDArray[np.int32]
    names: pa.StringArray
    clip_id: pa.StringArray
    duration_ms: Ms
    labels: pa.DictionaryArray
    onset_ms: Ms
    offset_ms: Ms
    states: npt.NDArray[np.uint8]
    findings: list[Finding] = field(default_factory=list)
    values: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """Events with the names by which the files call their clips, string (N,)."""

    names: pa.StringArray
    events: Events

    @property
    def report(self) -> Report:
        """How the part was read."""
        return self.events.report


def read_parts(
    source: Source,
    found: tuple[Format[Any], Layout],
    ontology: Ontology,
    options: ReadOptions,
    report: Report,
) -> Iterator[Part]:
    """The statements of one file of a format and layout; at the end `report` describes the file."""
    chosen, layout = found
    resolver = make_resolver(ontology, options, one_label=True)
    shared = options.load_annotated(ontology), options.facts(ontology)
    annotated, facts = coverage(source, layout, ontology, options, shared)
    notes: list[str] = []
    read = chosen.read(source, layout, options)
    rows = ahead(note_videos(read, lambda rows: (rows.names, rows.clip_id), notes))
    made = (
        look_up(
            replace(each, clip_id=prefixed(options.prefix, each.clip_id)),
            resolver,
            source.name,
            annotated.classes,
        )
        for each in rows
    )
    parts = conclude_labels(made, source.name, resolver, annotated, notes)
    file = source.table or source.path
    return described(parts, file, chosen, report, layout, notes, facts)


def look_up(
    rows: EventRows, resolver: LabelResolver, source: str, annotated: tuple[int, ...] | None
) -> Part:
    """Rows with their labels looked up, and nothing else changed.

    Raises:
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
    """
    owners, terms, unknown = parse_texts(rows.labels.dictionary, resolver)
    text = to_numpy(rows.labels.indices)
    refuse_unknown(unknown, resolver, text, rows.numbers, source)
    order = np.argsort(owners, kind="stable")
    sizes = np.bincount(owners, minlength=len(rows.labels.dictionary))
    notes = list(rows.findings)
    plain = (sizes == 1).all() and resolver.mapping is None and not (rows.states == OTHER).any()
    if plain:
        row, class_, states = np.arange(len(text)), terms[order][text], rows.states
    else:
        labels = Lists(np.append(0, np.cumsum(sizes)), terms[order])
        row, class_, states = _statements(rows.states, text, labels, resolver)
        for i in np.flatnonzero(np.isin(text, list(unknown))).tolist():
            clip = rows.clip_id[int(rows.clip[i])].as_py()
            notes += [
                Finding(source, int(rows.numbers[i]), clip, "label dropped", f"unknown label: {a}")
                for a in unknown[int(text[i])]
            ]
    events = Events(
        resolver.ontology,
        rows.clip_id,
        rows.duration_ms,
        rows.clip[row].astype(np.int64),
        class_.astype(np.int32),
        rows.onset_ms[row],
        rows.offset_ms[row],
        states,
        rows.numbers[row],
        np.zeros(len(row), np.int32),
        (source,),
        rows_report(len(text), notes),
        annotated,
        np.ones(len(row), np.float32) if rows.values is None else rows.values[row],
        rows.values is not None,
    )
    return Part(rows.names, by_clip(events))


def _statements(
    states: npt.NDArray[np.uint8],
    text: npt.NDArray[np.int32],
    labels: Lists,
    resolver: LabelResolver,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """What rows state about classes: row, class and state of each statement, by row.

    A row of several labels is as many statements, and so is a label that is mapped to several
    classes. A row without a label is `NOTHING`; one whose labels have no class is `OTHER`, or
    `NOTHING` where they are absent.
    """
    which, terms = labels.of(text)
    counts = states[which] != OTHER
    which, terms = which[counts], terms[counts]
    denied = (states == ABSENT)[which]
    parts = []
    for chosen, kind, state in (
        (~denied, "present", None),
        (~denied, "unsure", UNSURE),
        (denied, "absent", None),
    ):
        entry, classes = resolver.classes[kind].of(terms[chosen])
        row = which[chosen][entry]
        own = states[row]
        parts.append((row, classes, own if state is None else np.where(own == PRESENT, state, own)))
    stated = np.zeros(len(text), np.bool_)
    stated[np.concatenate([row for row, *_ in parts])] = True
    rest = np.flatnonzero(~stated)
    known = (np.isin(rest, which) & (states[rest] != ABSENT)) | (states[rest] == OTHER)
    other = np.where(states[rest] == EMPTY, EMPTY, np.where(known, OTHER, NOTHING))
    parts.append((rest, np.full(len(rest), NO_CLASS), other))
    row, classes, own = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.argsort(row, kind="stable")
    return row[order], classes[order], own[order].astype(np.uint8)


def by_clip(events: Events) -> Events:
    """The statements in the order of their clips, those of a clip in the order they came."""
    if (np.diff(events.clip) >= 0).all():
        return events
    return events.take(np.argsort(events.clip, kind="stable"))


def gather(parts: Sequence[Part], ontology: Ontology) -> Events:
    """The events of all parts, the statements about a clip together wherever they were."""
    joined = Events.concat([p.events for p in parts], ontology)
    written = one_chunk(pa.chunked_array([p.names for p in parts], pa.string()))
    # A YouTube clip is known by its id, whatever it is called; others by the name they have.
    known = pc.match_substring_regex(joined.clip_id, STARTED)
    names = pc.if_else(known, joined.clip_id, written).dictionary_encode()
    number = to_numpy(names.indices)
    count = len(names.dictionary)
    first = np.zeros(count, np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    durations = np.full(count, UNKNOWN_LENGTH, np.int64)
    given = joined.duration_ms != UNKNOWN_LENGTH
    durations[number[given][::-1]] = joined.duration_ms[given][::-1]
    unequal = {f.clip for f in joined.report.findings if f.reason == ANOTHER_LENGTH}
    clips = np.flatnonzero(given & (joined.duration_ms != durations[number]))
    first_rows = np.searchsorted(joined.clip, clips)
    for found in findings(joined, first_rows, "event as it is", ANOTHER_LENGTH):
        if found.clip not in unequal:
            unequal.add(found.clip)
            joined.report.findings.append(found)
    moved = replace(
        joined,
        clip_id=joined.clip_id.take(to_arrow(first)),
        duration_ms=durations,
        clip=number[joined.clip].astype(np.int64),
    )
    return moved.take(np.lexsort((moved.rows, moved.file, moved.clip)))


def findings(
    events: Events, statements: npt.NDArray[np.integer], kind: str, reason: str
) -> list[Finding]:
    """A finding about the row of each of the statements."""
    return [
        Finding(
            events.files[events.file[i]],
            int(events.rows[i]),
            events.clip_id[int(events.clip[i])].as_py(),
            kind,
            reason,
        )
        for i in statements.tolist()
    ]

"""Event files to events: labels looked up, clips put together, every odd event given its fate."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import one_chunk, places_in, row_order, to_arrow, to_numpy
from audiolabels.arrays.grid import Ms
from audiolabels.arrays.intervals import changes, furthest
from audiolabels.clips.names import STARTED
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.events import (
    ABSENT,
    EMPTY,
    NO_CLASS,
    NOTHING,
    PRESENT,
    SILENT,
    UNKNOWN,
    Events,
)
from audiolabels.labels.report import Finding, Report
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.label_parsing import LabelResolver, parse_texts, refuse_unknown
from audiolabels.readers.events.delimited import ANOTHER_LENGTH, NOT_TOLD, EventRows

Flags = npt.NDArray[np.bool_]
ABSENT_OUTSIDE = ("label dropped", "an absence outside its clip")
OUTSIDE = "an event lies outside its clip; is the clip's duration right?"
ENDLESS = 1 << 40  # milliseconds; an absence until the end of a clip of unknown length


@dataclass(frozen=True, eq=False)
class Durations:
    """Lengths of clips.

    Attributes:
        default_ms: of clips that neither table, column nor name tells.
        clip_id: string (K,).
        ms: int64 (K,).
    """

    default_ms: int
    clip_id: pa.StringArray
    ms: Ms


@dataclass(frozen=True, eq=False)
class Part:
    """Events with the names by which the files call their clips, string (N,)."""

    names: pa.StringArray
    events: Events


def look_up(rows: EventRows, resolver: LabelResolver, source: str) -> Part:
    """Rows with their labels looked up; nothing of them is judged yet.

    Raises:
        UnknownLabelError: a label is unknown and the resolver does not drop.
    """
    owners, classes, unknown = parse_texts(rows.labels.dictionary, resolver)
    text = to_numpy(rows.labels.indices)
    refuse_unknown(unknown, resolver, text, rows.numbers, source)
    order = np.argsort(owners, kind="stable")
    sizes = np.bincount(owners, minlength=len(rows.labels.dictionary))
    starts = np.cumsum(sizes) - sizes
    findings = list(rows.findings)
    if (sizes == 1).all():
        row, class_ = np.arange(len(text)), classes[order][text]
        says = rows.says
    else:  # a row of several labels is as many statements, one of none says nothing
        repeats = sizes[text].clip(min=1)
        row = np.repeat(np.arange(len(text)), repeats)
        within = np.arange(len(row)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        none = sizes[text][row] == 0
        entry = np.where(none, 0, starts[text][row] + within)
        class_ = np.where(none, NO_CLASS, np.append(classes[order], NO_CLASS)[entry])
        says = np.where(none & (rows.says[row] != EMPTY), NOTHING, rows.says[row])
        for i in np.flatnonzero(np.isin(text, list(unknown))).tolist():
            clip = rows.clip_id[int(rows.clip[i])].as_py()
            findings += [
                Finding(source, int(rows.numbers[i]), clip, "label dropped", f"unknown label: {a}")
                for a in unknown[int(text[i])]
            ]
    unused = sum(f.kind == "row unused" for f in rows.findings)
    events = Events(
        resolver.ontology,
        rows.clip_id,
        rows.duration_ms,
        rows.clip[row].astype(np.int64),
        class_.astype(np.int32),
        rows.onset_ms[row],
        rows.offset_ms[row],
        says,
        rows.numbers[row],
        np.zeros(len(row), np.int32),
        (source,),
        Report(rows=len(text) + unused, rows_used=len(text), findings=findings),
    )
    return Part(rows.names, _by_clip(events))


def _by_clip(events: Events) -> Events:
    """The statements in the order of their clips, those of a clip in the order they came."""
    if (np.diff(events.clip) >= 0).all():
        return events
    return events.take(np.argsort(events.clip, kind="stable"))


def gather(parts: Sequence[Part], ontology: Ontology) -> Part:
    """All parts as one, the statements about a clip together wherever they stood."""
    joined = Events.concat([p.events for p in parts], ontology)
    written = one_chunk(pa.chunked_array([p.names for p in parts], pa.string()))
    # A YouTube clip is known by its id, whatever it is called; others by the name they have.
    known = pc.match_substring_regex(joined.clip_id, STARTED)
    names = pc.if_else(known, joined.clip_id, written).dictionary_encode()
    number = to_numpy(names.indices)
    count = len(names.dictionary)
    first = np.zeros(count, np.int64)
    first[number[::-1]] = np.arange(len(number))[::-1]
    durations = np.full(count, NOT_TOLD, np.int64)
    told = joined.duration_ms != NOT_TOLD
    durations[number[told][::-1]] = joined.duration_ms[told][::-1]
    unequal = {f.clip for f in joined.report.findings if f.reason == ANOTHER_LENGTH}
    for clip in np.flatnonzero(told & (joined.duration_ms != durations[number])).tolist():
        statement = int(np.searchsorted(joined.clip, clip))
        found = finding(joined, statement, "event as it is", ANOTHER_LENGTH)
        if found.clip not in unequal:
            unequal.add(found.clip)
            joined.report.findings.append(found)
    moved = replace(
        joined,
        clip_id=joined.clip_id.take(to_arrow(first)),
        duration_ms=durations,
        clip=number[joined.clip].astype(np.int64),
    )
    order = np.lexsort((moved.rows, moved.file, moved.clip))
    return Part(names.dictionary, moved.take(order))


def settle(events: Events, durations: Durations, framed: Collection[str] = frozenset()) -> Events:
    """Events of whole clips, with the length of each and the fate of every odd statement.

    An event whose times make no sense leaves its class unknown in that clip. Events that overlap
    or touch others of their class, or reach beyond the clip, stay as they are. All are reported.
    Absences of a class that has an event in the same clip only say that it is silent there.

    Args:
        events: clips as files tell of them.
        durations: lengths of clips.
        framed: names of files of frames, which touch each other as a rule.
    """
    length = lengths(events, durations)
    onset, offset, says = events.onset_ms, events.offset_ms, events.says.copy()
    spans = says <= ABSENT
    backwards, empty = spans & (offset < onset), spans & (offset == onset)
    end = length[events.clip]
    outside = spans & ~backwards & ~empty & ((onset >= end) | (offset <= 0))
    lost = backwards | empty | outside | (says == UNKNOWN)
    denied = lost & (says == ABSENT)
    says[absent_elsewhere_present(events)] = SILENT
    says[lost] = np.where(denied[lost], NOTHING, UNKNOWN)
    present = says == PRESENT
    overlaps, touches, twice = _meetings(events, present)
    touches &= ~np.array([name in framed for name in events.files], np.bool_)[events.file]
    silent = np.bincount(events.clip[says == EMPTY], minlength=len(events)) > 0
    heard = np.bincount(events.clip[present | (says == ABSENT)], minlength=len(events)) > 0
    settled = replace(
        events,
        duration_ms=length,
        onset_ms=np.where(lost, 0, onset),
        offset_ms=np.where(lost, end, offset),
        says=says,
        classes=np.where(denied, NO_CLASS, events.classes).astype(np.int32),
    )
    first = np.searchsorted(events.clip, np.arange(len(events)))
    unlabelled = np.zeros(len(says), np.bool_)
    unlabelled[first[~heard & ~silent]] = True
    odd = [
        ("event dropped", "an event ends before it begins", backwards & ~denied),
        ("event dropped", "an event has no length", empty & ~denied),
        ("event dropped", OUTSIDE, outside & ~denied),
        ("label dropped", "an absence that ends before it begins", backwards & denied),
        ("label dropped", "an absence without length", empty & denied),
        (*ABSENT_OUTSIDE, outside & denied),
        ("event as it is", "an event begins before its clip", present & (onset < 0)),
        ("event as it is", "an event ends after its clip", present & (offset > end)),
        ("event as it is", "overlaps another event of its class", overlaps),
        ("event as it is", "touches another event of its class", touches),
        ("event as it is", "the same event stands there twice", twice),
        ("event as it is", "an event in a clip said to be empty", present & silent[events.clip]),
        ("clip unlabelled", "no event is left", unlabelled),
    ]
    findings = [
        finding(events, i, kind, reason)
        for kind, reason, which in odd
        for i in np.flatnonzero(which).tolist()
    ]
    place = {name: number for number, name in enumerate(events.files)}
    findings = sorted(
        [*events.report.findings, *findings], key=lambda f: (place.get(f.source, 0), f.row)
    )
    report = replace(events.report, findings=findings)
    return replace(settled, report=report)


def finding(events: Events, statement: int, kind: str, reason: str) -> Finding:
    """A finding about the row in which a statement stood."""
    file, row = events.files[events.file[statement]], int(events.rows[statement])
    clip = events.clip_id[int(events.clip[statement])].as_py()
    return Finding(file, row, clip, kind, reason)


def lengths(events: Events, durations: Durations) -> Ms:
    """Length of each clip, int64 (N,): from the table, as told before, or the default."""
    told = np.where(events.duration_ms == NOT_TOLD, durations.default_ms, events.duration_ms)
    if not len(durations.clip_id):
        return told
    place = places_in(events.clip_id, durations.clip_id)
    return np.where(place < 0, told, durations.ms[place])


def absent_elsewhere_present(events: Events) -> Flags:
    """Which absences are of a class that has an event in the same clip, be its times impossible."""
    absent: Flags = events.says == ABSENT
    if absent.any():
        key = events.clip * (len(events.ontology) + 1) + events.classes
        absent &= np.isin(key, key[(events.says == PRESENT) | (events.says == UNKNOWN)])
    return absent


def _meetings(events: Events, present: Flags) -> tuple[Flags, Flags, Flags]:
    """Which events overlap, touch or repeat one of their class that begins no later."""
    chosen = np.flatnonzero(present)
    clip, class_ = events.clip[chosen], events.classes[chosen]
    onset, offset = events.onset_ms[chosen], events.offset_ms[chosen]
    order = row_order(clip, class_, onset - onset.min(initial=0), offset - offset.min(initial=0))
    clip, class_, onset, offset = clip[order], class_[order], onset[order], offset[order]
    same = ~changes(clip, class_)
    before = np.zeros(len(order), np.int64)
    before[1:] = furthest(~same, offset)[:-1]
    twice = same.copy()
    twice[1:] &= (onset[1:] == onset[:-1]) & (offset[1:] == offset[:-1])
    # Equal events came in any order; the later ones are those that stand there twice.
    alike = np.flatnonzero(twice | np.append(twice, False)[1:])
    order[alike] = order[alike][np.lexsort((order[alike], np.cumsum(~twice)[alike]))]

    def flagged(which: Flags) -> Flags:
        flags = np.zeros(len(present), np.bool_)
        flags[chosen[order[which]]] = True
        return flags

    overlaps = same & (onset < before) & ~twice
    return flagged(overlaps), flagged(same & (onset == before)), flagged(twice)


def add_statements(events: Events, more: Events, place: npt.NDArray[np.int64]) -> Events:
    """The same clips with further statements about them.

    Args:
        events: N clips.
        more: clips with such statements.
        place: int64 (N,): which of those clips each of the N is, -1 for none.
    """
    starts = np.searchsorted(more.clip, np.arange(len(more) + 1))
    sizes = np.where(place < 0, 0, np.diff(starts, append=starts[-1])[place])
    clip = np.repeat(np.arange(len(events)), sizes)
    within = np.arange(len(clip)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = more.take(starts[place][clip] + within)
    added = cut_to_clips(
        replace(
            chosen,
            clip_id=events.clip_id,
            duration_ms=events.duration_ms,
            clip=clip,
            report=Report(),
        )
    )
    events.report.merge(added.report)
    return _by_clip(_pile(events, added))


def cut_to_clips(events: Events) -> Events:
    """The statements as far as they lie in their clips; those that do not fall away, reported."""
    end = events.duration_ms[events.clip]
    outside = events.onset_ms >= end
    findings = [finding(events, i, *ABSENT_OUTSIDE) for i in np.flatnonzero(outside).tolist()]
    report = replace(events.report, findings=[*events.report.findings, *findings])
    cut = replace(events, offset_ms=np.minimum(events.offset_ms, end), report=report)
    return cut.take(np.flatnonzero(~outside))


def _pile(events: Events, more: Events) -> Events:
    """Statements of both, which speak of the same clips."""
    files = tuple(dict.fromkeys([*events.files, *more.files]))
    file = np.array([files.index(name) for name in more.files], np.int32)[more.file]
    return replace(
        events,
        clip=np.concatenate([events.clip, more.clip]),
        classes=np.concatenate([events.classes, more.classes]),
        onset_ms=np.concatenate([events.onset_ms, more.onset_ms]),
        offset_ms=np.concatenate([events.offset_ms, more.offset_ms]),
        says=np.concatenate([events.says, more.says]),
        rows=np.concatenate([events.rows, more.rows]),
        file=np.concatenate([events.file, file]),
        files=files,
    )


def keep_statements(events: Events, chosen: Flags) -> Events:
    """The chosen statements, and the clips that have one."""
    kept = np.bincount(events.clip[chosen], minlength=len(events)) > 0
    number = np.cumsum(kept) - 1
    less = events.take(chosen)
    return replace(
        less,
        clip_id=events.clip_id.take(to_arrow(np.flatnonzero(kept))),
        duration_ms=events.duration_ms[kept],
        clip=number[less.clip],
    )


def absences(annotations: Annotations, source: str) -> Events:
    """Label sets of clips, each class confirmed absent from the beginning to the end."""
    each = annotations.sets.take(annotations.set_of_clip)
    count = len(each.classes)
    raw = Events(
        annotations.ontology,
        annotations.clip_id,
        np.full(len(annotations), NOT_TOLD, np.int64),
        each.owners,
        each.classes,
        np.zeros(count, np.int64),
        np.full(count, ENDLESS, np.int64),
        np.full(count, ABSENT),
        annotations.rows[each.owners],
        np.zeros(count, np.int32),
        (source,),
        annotations.report,
    )
    return gather([Part(raw.clip_id, raw)], raw.ontology).events

"""Events of whole clips, cleaned: lengths of clips, and what becomes of every odd statement."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import places_in, row_order, to_arrow
from audiolabels.arrays.grid import Ms
from audiolabels.arrays.intervals import changes, furthest
from audiolabels.labels.events import (
    ABSENT,
    EMPTY,
    NO_CLASS,
    NOTHING,
    OTHER,
    PRESENT,
    SILENT,
    UNKNOWN,
    UNSURE,
    Events,
)
from audiolabels.labels.report import Report
from audiolabels.readers.events.parts import UNKNOWN_LENGTH, by_clip, findings

Flags = npt.NDArray[np.bool_]
ABSENT_OUTSIDE = ("label dropped", "an absence outside its clip")
OUTSIDE = "an event lies outside its clip; is the clip's duration right?"
ENDLESS = 1 << 40  # milliseconds; an absence until the end of a clip of unknown length


@dataclass(frozen=True, eq=False)
class Durations:
    """Lengths of clips.

    Attributes:
        default_ms: of clips whose length neither table, column nor name gives.
        clip_id: string (K,).
        ms: int64 (K,).
    """

    default_ms: int
    clip_id: pa.StringArray
    ms: Ms


def clean_events(
    events: Events, durations: Durations, framed: Collection[str] = frozenset()
) -> Events:
    """Events of whole clips, with the length of each, and every odd statement reported.

    An event whose times are impossible leaves its class unknown in that clip. Events that overlap
    or touch others of their class, or reach beyond the clip, are kept as they are. Absences of a
    class that has an event in the same clip are `SILENT`.

    Args:
        events: clips as the files give them.
        durations: lengths of clips.
        framed: names of files of frames, which touch each other as a rule.
    """
    length = lengths(events, durations)
    onset, offset, state = events.onset_ms, events.offset_ms, events.state.copy()
    spans = np.isin(state, (PRESENT, ABSENT, UNSURE))
    backwards, empty = spans & (offset < onset), spans & (offset == onset)
    end = length[events.clip]
    outside = spans & ~backwards & ~empty & ((onset >= end) | (offset <= 0))
    lost = backwards | empty | outside | (state == UNKNOWN)
    denied = lost & (state == ABSENT)
    state[absent_elsewhere_present(events)] = SILENT
    state[lost] = np.where(denied[lost], NOTHING, UNKNOWN)
    present = state == PRESENT
    overlaps, touches, twice = _meetings(events, present)
    touches &= ~np.array([name in framed for name in events.files], np.bool_)[events.file]
    silent = np.bincount(events.clip[state == EMPTY], minlength=len(events)) > 0
    says = np.isin(state, (PRESENT, ABSENT, UNSURE, OTHER))
    stated = np.bincount(events.clip[says], minlength=len(events)) > 0
    cleaned = replace(
        events,
        duration_ms=length,
        onset_ms=np.where(lost, 0, onset),
        offset_ms=np.where(lost, end, offset),
        state=state,
        classes=np.where(denied, NO_CLASS, events.classes).astype(np.int32),
    )
    in_empty = present & silent[events.clip]
    first = np.searchsorted(events.clip, np.arange(len(events)))
    unlabelled = np.zeros(len(state), np.bool_)
    unlabelled[first[~stated & ~silent]] = True
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
        ("event as it is", "the same event occurs twice", twice),
        ("event as it is", "an event in a verified empty clip", in_empty),
        ("clip unlabelled", "no event is left", unlabelled),
    ]
    found = list(events.report.findings)
    for kind, reason, which in odd:
        found += findings(events, np.flatnonzero(which), kind, reason)
    place = {name: number for number, name in enumerate(events.files)}
    found.sort(key=lambda f: (place.get(f.source, 0), f.row))
    return replace(cleaned, report=replace(events.report, findings=found))


def lengths(events: Events, durations: Durations) -> Ms:
    """Length of each clip, int64 (N,): from the table, as the events have it, or the default."""
    unknown = events.duration_ms == UNKNOWN_LENGTH
    given = np.where(unknown, durations.default_ms, events.duration_ms)
    if not len(durations.clip_id):
        return given
    place = places_in(events.clip_id, durations.clip_id)
    return np.where(place < 0, given, durations.ms[place])


def absent_elsewhere_present(events: Events) -> Flags:
    """Which absences are of a class that has an event in the same clip, possible or not."""
    absent: Flags = events.state == ABSENT
    if absent.any():
        key = events.clip * (len(events.ontology) + 1) + events.classes
        absent &= np.isin(key, key[np.isin(events.state, (PRESENT, UNKNOWN, UNSURE))])
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
    # Equal events come in any order; the later ones are the duplicates.
    alike = np.flatnonzero(twice | np.append(twice, False)[1:])
    order[alike] = order[alike][np.lexsort((order[alike], np.cumsum(~twice)[alike]))]

    def flagged(which: Flags) -> Flags:
        flags = np.zeros(len(present), np.bool_)
        flags[chosen[order[which]]] = True
        return flags

    overlaps = same & (onset < before) & ~twice
    return flagged(overlaps), flagged(same & (onset == before)), flagged(twice)


def add_statements(events: Events, more: Events, place: npt.NDArray[np.int64]) -> Events:
    """The N clips of `events` with the statements about them in `more`.

    `place`, int64 (N,), is the position of each clip in `more`, -1 for none.
    """
    starts = np.searchsorted(more.clip, np.arange(len(more) + 1))
    sizes = np.where(place < 0, 0, np.diff(starts, append=starts[-1])[place])
    clip = np.repeat(np.arange(len(events)), sizes)
    within = np.arange(len(clip)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    chosen = more.take(starts[place][clip] + within)
    same = {"clip_id": events.clip_id, "duration_ms": events.duration_ms}
    added = cut_to_clips(replace(chosen, clip=clip, report=Report(), **same))
    events.report.merge(added.report)
    both = Events.concat([events, added], events.ontology)
    clips = np.concatenate([events.clip, added.clip])
    return by_clip(replace(both, clip=clips, report=events.report, **same))


def cut_to_clips(events: Events) -> Events:
    """The statements cut to their clips; those outside are left out, and reported."""
    end = events.duration_ms[events.clip]
    outside = events.onset_ms >= end
    found = findings(events, np.flatnonzero(outside), *ABSENT_OUTSIDE)
    report = replace(events.report, findings=[*events.report.findings, *found])
    cut = replace(events, offset_ms=np.minimum(events.offset_ms, end), report=report)
    return cut.take(np.flatnonzero(~outside))


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

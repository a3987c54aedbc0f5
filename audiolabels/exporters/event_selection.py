"""Frames or events as spans in milliseconds, clip by clip, for formats with events."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from audiolabels.arrays.columns import to_arrow, whole_ms
from audiolabels.arrays.intervals import Runs, merge
from audiolabels.exporters.clip_selection import (
    ROWS,
    Name,
    Rows,
    Selection,
    clip_spans,
    state_bits,
    unique_names,
)
from audiolabels.exporters.written_files import Export
from audiolabels.labels.events import PRESENT, Events
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.event_spans import covered, implied_events, merge_events, unsure_events

CLIPS = ROWS // 16  # whose frames are unpacked at a time


def frame_runs(clips: Selection, state: str) -> Iterator[tuple[pa.StringArray, Runs]]:
    """Names of some clips and the spans of their frames in a state, a thousand clips at a time.

    Args:
        clips: first frames, see `select_clips`.
        state: see `state_bits`; touching or overlapping frames of a class are one span.

    Yields:
        Names, and runs in milliseconds whose `clip` is a position among the names.
    """
    targets = clips.targets
    onset, offset = whole_ms(targets.onset), whole_ms(targets.offset)
    firsts, stops = clip_spans(targets)
    stop_of = stops[np.searchsorted(firsts, clips.rows)]
    for start in range(0, len(clips), CLIPS):
        first = clips.rows[start : start + CLIPS]
        sizes = stop_of[start : start + CLIPS] - first
        clip = np.repeat(np.arange(len(first)), sizes)
        rows = np.arange(len(clip)) + np.repeat(first - np.cumsum(sizes) + sizes, sizes)
        bits = state_bits(targets, rows, state)
        row, column = np.nonzero(np.unpackbits(bits, axis=1, count=len(targets.vocabulary)))
        runs = merge(clip[row], column, onset[rows[row]], offset[rows[row]])
        yield clips.names.slice(start, CLIPS), runs


def _single_events(events: Events, vocabulary: Vocabulary, *, parents: str) -> Runs:
    """The events that overlap their clip."""
    clip, column, onset, offset = implied_events(events, vocabulary, parents=parents)
    inside = np.flatnonzero((onset < events.duration_ms[clip]) & (offset > 0))
    order = inside[np.lexsort([a[inside] for a in (offset, onset, column, clip)])]
    return Runs(clip[order], column[order], onset[order], offset[order])


class EventSelection(NamedTuple):
    """Clips with events.

    Attributes:
        clips: int64 (K,): their rows among the events.
        names: string (K,): their distinct names in the format.
        present: events in milliseconds, ascending; `clip` is a position among the names.
        unsure: where a class is unknown, likewise; contradicting events take precedence.
    """

    clips: Rows
    names: pa.StringArray
    present: Runs
    unsure: Runs


def select_events(
    events: Events,
    vocabulary: Vocabulary,
    parents: str,
    name: Name,
    export: Export,
    *,
    merged: bool,
) -> EventSelection:
    """The clips with events of some classes; the others are counted and named in `export`.

    Args:
        events: N clips.
        vocabulary: C classes.
        parents: see `merge_events`; errors likewise.
        name: a clip's name in the format.
        export: counts the others.
        merged: whether overlapping or touching events of a class are merged and cut to the clip;
            otherwise each is kept with the times given.
    """
    make = merge_events if merged else _single_events
    present = make(events, vocabulary, parents=parents)
    unsure = unsure_events(events, vocabulary, parents=parents)
    chosen = np.unique(present.clip)
    silent = events.labelled.copy()
    silent[chosen] = False
    names = name(events.clip_id.take(to_arrow(chosen)), chosen)
    own = unique_names(names)
    for reason, lost in (
        ("unannotated clips", np.flatnonzero(~events.labelled)),
        ("clips without events", np.flatnonzero(silent)),
        ("clips that share their name", chosen[~own]),
    ):
        export.leave_out(reason, events.clip_id.take(to_arrow(lost)))
    given, reached = events.state == PRESENT, covered(events, vocabulary, parents=parents)
    end = events.duration_ms[events.clip]
    beyond = (events.onset_ms >= end) | (events.offset_ms <= 0)
    for reason, lost in (
        ("events of classes outside the vocabulary", given & ~reached),
        ("events outside their clips", given & reached & beyond),
    ):
        if lost.any():
            export.left_out[reason] = int(lost.sum())
    chosen, names = chosen[own], names.take(to_arrow(np.flatnonzero(own)))
    return EventSelection(
        chosen, names, runs_of_clips(present, chosen), runs_of_clips(unsure, chosen)
    )


def runs_of_clips(runs: Runs, clips: Rows) -> Runs:
    """The runs of some clips in ascending order; `clip` becomes a position among these."""
    if len(clips):
        begin, end = np.searchsorted(runs.clip, [clips[0], clips[-1] + 1])
        runs = Runs(*(part[begin:end] for part in runs))
    place = np.searchsorted(clips, runs.clip)
    kept = np.append(clips, -1)[place] == runs.clip
    return Runs(place[kept], *(part[kept] for part in runs[1:]))

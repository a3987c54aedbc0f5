"""What forms with events share: frames or events as stretches of milliseconds, clip by clip."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow, to_arrow, to_numpy, whole_ms
from audiolabels.arrays.intervals import Runs, merge
from audiolabels.exporters.clips import ROWS, Clips, Name, Rows, clip_spans, clips_named, tell_apart
from audiolabels.exporters.writing import Export
from audiolabels.labels.events import PRESENT, Events
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.event_spans import covered, lift_events, merge_events, unsure_events
from audiolabels.targets.targets import Targets

CLIPS = ROWS // 16  # whose frames are unpacked at a time

Table = Callable[[Targets, Rows], npt.NDArray[np.bool_]]


def positive_cells(targets: Targets, rows: Rows) -> npt.NDArray[np.bool_]:
    """Which classes are positive in some rows: bool (len(rows), C)."""
    return targets.to_numpy(rows)[0] > 0


def unknown_cells(targets: Targets, rows: Rows) -> npt.NDArray[np.bool_]:
    """Which classes are unknown in some rows: bool (len(rows), C)."""
    unknown: npt.NDArray[np.bool_] = targets.to_numpy(rows)[1] == 0
    return unknown


def choose_framed(targets: Targets, name: Name, export: Export, *, empty: bool) -> Clips:
    """The first frames of the clips that a form of events can hold; see `choose_clips`."""
    first, _ = clip_spans(targets)

    def anywhere(rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        frames = rows[targets.row_of_clip]
        return np.logical_or.reduceat(frames, first) if len(first) else first > 0

    unknown = np.bitwise_count(targets.masked).sum(1, dtype=np.int64)
    known = anywhere(unknown < len(targets.vocabulary))
    some = anywhere(np.asarray(targets.positive.any(axis=1)) | empty)
    for reason, lost in (
        ("clips of which nothing is known", ~known),
        ("clips without a positive class", known & ~some),
    ):
        export.leave_out(reason, targets.clip_id.take(to_arrow(first[lost])))
    return tell_apart(clips_named(targets, first[known & some], name), export)


def frame_runs(clips: Clips, table: Table) -> Iterator[tuple[list[str], Runs]]:
    """Names of some clips, and the stretches in which their frames are set, a thousand at a time.

    Args:
        clips: first frames, as `choose_framed` finds them.
        table: targets and rows to cells; frames of a class that meet or overlap are one stretch.

    Yields:
        Names, and runs in milliseconds whose `clip` is a place among the names.
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
        row, column = np.nonzero(table(targets, rows))
        runs = merge(clip[row], column, onset[rows[row]], offset[rows[row]])
        yield clips.names.slice(start, CLIPS).to_pylist(), runs


def _each(events: Events, vocabulary: Vocabulary, *, parents: str) -> Runs:
    """The events that have a part in their clip."""
    clip, column, onset, offset = lift_events(events, vocabulary, parents=parents)
    inside = np.flatnonzero((onset < events.duration_ms[clip]) & (offset > 0))
    order = inside[np.lexsort([a[inside] for a in (offset, onset, column, clip)])]
    return Runs(clip[order], column[order], onset[order], offset[order])


class Sounding(NamedTuple):
    """Clips with events.

    Attributes:
        clips: int64 (K,): their rows among the events.
        names: string (K,): what the form calls them; no two are equal.
        present: events, in milliseconds, ascending; `clip` is a place among the names.
        unsure: where a class is unknown, likewise; an event that says otherwise wins.
    """

    clips: Rows
    names: pa.StringArray
    present: Runs
    unsure: Runs


def choose_sounding(
    events: Events,
    vocabulary: Vocabulary,
    parents: str,
    name: Name,
    export: Export,
    *,
    merged: bool,
) -> Sounding:
    """The clips with events of some classes; the others are counted and named in `export`.

    Args:
        events: N clips.
        vocabulary: C classes.
        parents: see `merge_events`.
        name: what the form calls a clip.
        export: where the others are counted.
        merged: whether events of a class that overlap or meet become one, cut to the clip; if not,
            each stands by itself, with the times that it was given.

    Raises:
        OptionError: no such policy.
        VocabularyError: the events' ontology lacks a class of the vocabulary.
    """
    make = merge_events if merged else _each
    present = make(events, vocabulary, parents=parents)
    unsure = unsure_events(events, vocabulary, parents=parents)
    sounding = np.zeros(len(events), np.bool_)
    sounding[present.clip] = True
    names = [name(clip, row) for row, clip in enumerate(events.clip_id.to_pylist())]
    codes = to_numpy(texts_to_arrow(names).dictionary_encode().indices)
    alone = np.bincount(codes[sounding], minlength=len(events))[codes] <= 1
    for reason, lost in (
        ("clips of which nobody said what sounds", ~events.labelled),
        ("clips without events", events.labelled & ~sounding),
        ("clips whose name another clip has too", sounding & ~alone),
    ):
        export.leave_out(reason, events.clip_id.take(to_arrow(np.flatnonzero(lost))))
    given, reached = events.says == PRESENT, covered(events, vocabulary, parents=parents)
    end = events.duration_ms[events.clip]
    beyond = (events.onset_ms >= end) | (events.offset_ms <= 0)
    for reason, unheard in (
        ("events of classes outside the vocabulary", given & ~reached),
        ("events outside their clips", given & reached & beyond),
    ):
        if unheard.any():
            export.left_out[reason] = int(unheard.sum())
    chosen = np.flatnonzero(sounding & alone)
    place = np.full(len(events), -1)
    place[chosen] = np.arange(len(chosen))

    def of_chosen(runs: Runs) -> Runs:
        kept = place[runs.clip] >= 0
        return Runs(place[runs.clip[kept]], *(part[kept] for part in runs[1:]))

    kept_names = texts_to_arrow([names[row] for row in chosen.tolist()])
    return Sounding(chosen, kept_names, of_chosen(present), of_chosen(unsure))

"""Events to targets over frames, part by part."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from audiolabels.arrays.grid import seconds_to_ms
from audiolabels.expansion.plan import Group, Plan, Writer, row_groups
from audiolabels.expansion.summary import Recorder
from audiolabels.labels.events import Events
from audiolabels.readers import stream_events
from audiolabels.schemes.scheme import Expanded


def framed_events(
    plan: Plan, recorder: Recorder, writer: Writer, *, whole: bool
) -> Iterator[Group]:
    """Row groups of targets, one row per frame.

    Raises:
        ScatteredError: at the end, if not `whole` and a clip's events do not follow one another.
    """
    return row_groups(_frame(plan, recorder, whole=whole), recorder, writer)


def _frame(plan: Plan, recorder: Recorder, *, whole: bool) -> Iterator[Expanded[Any]]:
    progress = plan.report_progress
    for part in stream_events(plan.paths, plan.ontology, plan.read, whole=whole, progress=progress):
        recorder.take_report(part.report)
        for events in _pieces(part, plan):
            yield plan.scheme.expand(events, plan.vocabulary)


def _pieces(events: Events, plan: Plan) -> Iterator[Events]:
    """The same clips in pieces of at most so many frames, or one clip."""
    size = plan.read.read.block_sizes.frames
    hop = getattr(plan.scheme.options, "frame_hop", None)
    rows = np.ones(len(events), np.int64)
    if hop is not None:
        rows += events.duration_ms // seconds_to_ms(hop, "a hop")
    ends = np.cumsum(rows)
    start = 0
    while start < len(events):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + size, "right")))
        yield events if stop - start == len(events) else events.slice(start, stop)
        start = stop

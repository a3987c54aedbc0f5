"""Events to targets over frames, part by part."""

from collections.abc import Iterator

import numpy as np

from audiolabels.arrays.grid import seconds_to_ms
from audiolabels.clips.rows import rechunk
from audiolabels.expansion.plan import Group, Job, Run
from audiolabels.labels.events import Events
from audiolabels.readers import stream_events
from audiolabels.schemes.framed import FrameCounts
from audiolabels.targets.store import TargetsWriter
from audiolabels.targets.targets import Targets

ROWS = 1 << 15  # frames that are made at a time, or one clip


def framed_events(job: Job, run: Run, writer: TargetsWriter, *, whole: bool) -> Iterator[Group]:
    """Row groups of targets, one row a frame.

    Raises:
        ScatteredError: at the end, if not `whole` and the events of a clip do not stand together.
    """
    framed = rechunk(_frame(job, run, whole=whole), writer.layout.group, Targets.concat)
    for targets in framed:
        cells = writer.encode(targets)
        yield Group(targets.clips, cells, targets.row_of_clip)


def _frame(job: Job, run: Run, *, whole: bool) -> Iterator[Targets]:
    counts = run.summary.counts
    assert isinstance(counts, FrameCounts)
    for part in stream_events(job.paths, job.ontology, job.read, whole=whole, tell=job.tell):
        run.take(part.report)
        for events in _pieces(part, job):
            framed = job.scheme.make(events, job.vocabulary, job.scheme.options)
            counts.add(framed.counts)
            run.findings.take(framed.findings)
            yield framed.targets
    run.summary.metadata["counts"] = counts.totals()


def _pieces(events: Events, job: Job) -> Iterator[Events]:
    """The same clips in pieces of at most `ROWS` rows or one clip."""
    hop = getattr(job.scheme.options, "frame_hop", None)
    rows = np.ones(len(events), np.int64)
    if hop is not None:
        rows += events.duration_ms // seconds_to_ms(hop, "a hop")
    ends = np.cumsum(rows)
    start = 0
    while start < len(events):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + ROWS, "right")))
        yield events if stop - start == len(events) else events.slice(start, stop)
        start = stop

"""Events to targets over frames, part by part."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from audiolabels.arrays.columns import one_chunk
from audiolabels.arrays.grid import seconds_to_ms
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
    for targets in regroup(_frame(job, run, whole=whole), writer.layout.group):
        cells = writer.encode(targets)
        yield Group(targets.clip_id, targets.onset, targets.offset, cells, targets.row_of_clip)


def _frame(job: Job, run: Run, *, whole: bool) -> Iterator[Targets]:
    counts = run.summary.counts
    assert isinstance(counts, FrameCounts)
    for part in stream_events(job.paths, job.ontology, job.read, whole=whole, tell=job.tell):
        run.take(part.report)
        for events in _pieces(part, job):
            framed = job.make(events, job.vocabulary)
            counts.add(framed.counts)
            run.findings.take(framed.findings)
            yield framed.targets
    run.summary.metadata["counts"] = counts.totals()


def _pieces(events: Events, job: Job) -> Iterator[Events]:
    """The same clips in pieces of at most `ROWS` rows or one clip."""
    hop = job.options.get("frame_hop")
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


def regroup(parts: Iterable[Targets], size: int) -> Iterator[Targets]:
    """Targets that have a row of bits for each of theirs, in parts of exactly `size` rows.

    The last part may have fewer.
    """
    held: list[Targets] = []
    count = 0
    for part in parts:
        start = 0
        while start < len(part):
            stop = min(len(part), start + size - count)
            held.append(_cut(part, start, stop))
            count += stop - start
            start = stop
            if count == size:
                yield _join(held)
                held, count = [], 0
    if held:
        yield _join(held)


def _cut(targets: Targets, start: int, stop: int) -> Targets:
    return replace(
        targets.slice(start, stop),
        row_of_clip=np.arange(stop - start, dtype=np.int32),
        positive=targets.positive[start:stop],
        masked=targets.masked[start:stop],
        cut=targets.cut[start:stop],
    )


def _join(parts: list[Targets]) -> Targets:
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[0],
        clip_id=one_chunk(pa.chunked_array([p.clip_id for p in parts])),
        onset=one_chunk(pa.chunked_array([p.onset for p in parts])),
        offset=one_chunk(pa.chunked_array([p.offset for p in parts])),
        row_of_clip=np.arange(sum(map(len, parts)), dtype=np.int32),
        positive=np.concatenate([p.positive for p in parts]),
        masked=np.concatenate([p.masked for p in parts]),
        cut=np.concatenate([p.cut for p in parts]),
    )

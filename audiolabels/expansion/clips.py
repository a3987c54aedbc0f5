"""Labels of clips to targets, part by part."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from audiolabels.arrays.columns import to_arrow
from audiolabels.clips.duplicates import SeenClips
from audiolabels.clips.rows import rechunk
from audiolabels.expansion.plan import Group, Plan, Writer, row_groups
from audiolabels.expansion.summary import Recorder
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.report import Report
from audiolabels.readers import stream_labels
from audiolabels.schemes.label_targets import count_labels
from audiolabels.schemes.scheme import Expanded, SchemeCounts
from audiolabels.targets.layouts import Cells, append_cells
from audiolabels.targets.targets import Targets


def expanded_clips(plan: Plan, recorder: Recorder, writer: Writer) -> Iterator[Group]:
    """Row groups of targets, one row per clip, or per segment of a clip."""
    segments = getattr(plan.scheme.options, "frame_length", None) is not None
    if segments or plan.read.read.soft:  # nearly every set differs in its values
        parts = read_clips(plan, recorder, recorder.clips)
        made = (plan.scheme.expand(part, plan.vocabulary) for part in parts)
        yield from row_groups(made, recorder, writer)
        return
    expander = Expander(plan, writer, recorder.summary.counts)
    parts = read_clips(plan, recorder, recorder.clips)
    for clips in (part.with_used_sets() for part in rechunk(parts, writer.layout.group)):
        which = to_arrow(clips.set_of_clip)  # gathered here, as the writer has more to do
        yield Group(clips.clips, [cell.take(which) for cell in expander.cells(clips)], None)
    expander.finish()


def read_clips(plan: Plan, recorder: Recorder, seen: SeenClips) -> Iterator[Annotations]:
    """The clips of all files part by part.

    Args:
        plan: the files, and how they are read.
        recorder: takes the reports, which the parts are without.
        seen: takes in the clips.
    """
    progress = plan.report_progress
    for part in stream_labels(
        plan.paths, plan.ontology, plan.read.read, seen=seen, progress=progress
    ):
        recorder.take_report(part.report)
        yield replace(part, report=Report())


class Expander:
    """Expands each distinct label set once, and counts the clips that have it."""

    def __init__(self, plan: Plan, writer: Writer, counts: SchemeCounts) -> None:
        self._plan = plan
        self._writer = writer
        self._counts = counts
        self._begin(None)

    def _begin(self, lineage: object | None) -> None:
        self._lineage = lineage
        self._sets = LabelSets.append([])
        self._weights = np.zeros(0, np.int64)
        self._made: list[Expanded[Targets]] = []
        self._cells: Cells | None = None

    def cells(self, clips: Annotations) -> Cells:
        """The targets of the clips' label sets, in the layout's form."""
        sets = clips.sets
        if sets.lineage is None or sets.lineage is not self._lineage:
            self.finish()
            self._begin(sets.lineage)
        known = len(self._sets)
        if self._cells is None or len(sets) > known:
            fresh = sets.slice(known, len(sets))
            new = Annotations.of_sets(fresh, self._plan.ontology, clips.annotated)
            made = self._plan.scheme.expand(new, self._plan.vocabulary)
            cells = self._writer.encode(made.targets)
            self._made.append(made)
            self._cells = append_cells(self._cells, cells)
            self._sets = sets
        weights = np.bincount(clips.set_of_clip, minlength=len(self._sets))
        weights[: len(self._weights)] += self._weights
        self._weights = weights
        return self._cells

    def finish(self) -> None:
        """Count the labels of the sets so far."""
        start = 0
        for made in self._made:
            stop = start + len(made.targets.positive)
            sets = self._sets.slice(start, stop)
            weights = self._weights[start:stop]
            counted = count_labels(self._plan.ontology, sets, weights, made.targets, made.doubtful)
            self._counts.add(counted)
            start = stop
        self._made = []

"""Labels of clips to targets, part by part."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from audiolabels.clips.rows import rechunk
from audiolabels.expansion.plan import Group, Job, Run
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.report import Report
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.readers import stream_source
from audiolabels.readers.opening import open_source
from audiolabels.schemes.label_counts import LabelCounts, count_labels
from audiolabels.schemes.scheme import Scheme
from audiolabels.targets.layouts import Cells, append_cells
from audiolabels.targets.store import TargetsWriter
from audiolabels.targets.targets import Targets


def expanded_clips(job: Job, run: Run, writer: TargetsWriter) -> Iterator[Group]:
    """Row groups of targets, one row a clip."""
    counts = run.summary.counts
    assert isinstance(counts, LabelCounts)
    expander = Expander(job.scheme, job.vocabulary, job.ontology, writer, counts)
    concat = partial(Annotations.concat, ontology=job.ontology)
    for clips in rechunk(_read(job, run), writer.layout.group, concat):
        cells = expander.cells(clips)
        yield Group(clips.clips, cells, clips.set_of_clip)
    expander.finish()


def _read(job: Job, run: Run) -> Iterator[Annotations]:
    """The clips of all files; what their reports say is taken off on the way."""
    for number, path in enumerate(job.paths):
        with open_source(path) as source:
            for part in stream_source(source, job.ontology, job.read.read):
                run.clips.add(part.clips, part.rows, source.name)
                run.take(part.report)
                yield replace(part, report=Report())
                job.tell(number, source.raw.tell())


class Expander:
    """Expands each distinct label set once, and counts the clips that have it."""

    def __init__(
        self,
        scheme: Scheme,
        vocabulary: Vocabulary,
        ontology: Ontology,
        writer: TargetsWriter,
        counts: LabelCounts,
    ) -> None:
        self._scheme = scheme
        self._vocabulary = vocabulary
        self._ontology = ontology
        self._writer = writer
        self._counts = counts
        self._begin(None)

    def _begin(self, lineage: object | None) -> None:
        self._lineage = lineage
        self._sets = LabelSets.append([])
        self._weights = np.zeros(0, np.int64)
        self._targets: list[Targets] = []
        self._cells: Cells | None = None

    def cells(self, clips: Annotations) -> Cells:
        """The targets of the clips' label sets, in the layout's form."""
        sets = clips.sets
        if sets.lineage is None or sets.lineage is not self._lineage:
            self.finish()
            self._begin(sets.lineage)
        known = len(self._sets)
        if self._cells is None or len(sets) > known:
            new = Annotations.of_sets(sets.take(np.arange(known, len(sets))), self._ontology)
            targets = self._scheme.make(new, self._vocabulary, self._scheme.options)
            cells = self._writer.encode(targets)
            self._targets.append(targets)
            self._cells = append_cells(self._cells, cells)
            self._sets = sets
        weights = np.bincount(clips.set_of_clip, minlength=len(self._sets))
        weights[: len(self._weights)] += self._weights
        self._weights = weights
        return self._cells

    def finish(self) -> None:
        """Count the labels of the sets so far."""
        start = 0
        for targets in self._targets:
            stop = start + len(targets.positive)
            sets = self._sets.take(np.arange(start, stop))
            weights = self._weights[start:stop]
            self._counts.add(count_labels(self._ontology, sets, weights, targets))
            start = stop
        self._targets = []

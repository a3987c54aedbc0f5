"""Expansion on one machine: a stream of clips in constant memory.

Reading, expanding and writing run in a thread each; they spend their time in code that lets other
threads run.
"""

import csv
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from audiolabels.annotations import FATES, Annotations, Finding, LabelSets, Report
from audiolabels.errors import LabelFileError, OptionError, choose
from audiolabels.layouts import LAYOUTS, Cells, Layout, append_cells
from audiolabels.ontology import Ontology, load_ontology
from audiolabels.readers import ReadOptions, no_usable_row, stream_source
from audiolabels.readers.duplicates import ClipIndex
from audiolabels.readers.opening import open_source
from audiolabels.schemes import bind_scheme, describe
from audiolabels.statistics import LabelCounts, count_labels
from audiolabels.store import TargetsWriter, atomic_path, blame
from audiolabels.targets import Targets
from audiolabels.vocabulary import Vocabulary, load_vocabulary

Progress = Callable[[int, int], None]
EXAMPLES = 3  # findings of a kind and reason that a summary keeps


@dataclass
class Summary:
    """What an expansion did.

    Attributes:
        output: the file written.
        metadata: scheme, options, vocabulary, ontology, sources.
        vocabulary: the classes of the columns.
        counts: labels before and after.
        report: rows and sources; `report.findings` keeps the first few of each kind and reason.
        finding_counts: number of findings by (kind, reason).
    """

    output: Path
    metadata: dict[str, Any]
    vocabulary: Vocabulary
    counts: LabelCounts = field(default_factory=LabelCounts)
    report: Report = field(default_factory=Report)
    finding_counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __repr__(self) -> str:
        return (
            f"Summary({self.metadata['scheme']}, {self.counts.clips:,} clips to {self.output}, "
            f"{sum(self.finding_counts.values()):,} findings)"
        )


Write = Callable[[Finding], object]


class _Findings:
    """Counts findings, keeps a few, and writes all to the report file if there is one."""

    def __init__(self, summary: Summary, write: Write | None) -> None:
        self._summary = summary
        self._write = write

    def take(self, findings: Iterable[Finding]) -> None:
        for f in findings:
            key = (f.kind, f.reason)
            self._summary.finding_counts[key] += 1
            if self._summary.finding_counts[key] <= EXAMPLES:
                self._summary.report.findings.append(f)
            if self._write:
                self._write(f)


def expand_files(
    inputs: str | Path | Sequence[str | Path],
    output: str | Path,
    scheme: str = "pe-cml",
    *,
    vocabulary: str | Path | Vocabulary = "audioset",
    ontology: Ontology | None = None,
    layout: str = "lists",
    unknown: str = "error",
    time_unit: str = "auto",
    report: str | Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Summary:
    """Expand label files to a Parquet file of targets, as a stream of parts.

    Memory does not grow with the input, but for eight bytes a clip to find duplicates; JSON, and
    files with one row a label, are read whole.

    Args:
        inputs: one label file or several, in any known format.
        output: the Parquet file; an existing one is replaced once all is done, and only then.
        scheme, vocabulary, options: see `audiolabels.expand`.
        ontology: the embedded one with its supplement by default.
        layout: `lists`, `packed` or `dense`; see `audiolabels.layouts`.
        unknown, time_unit: see `audiolabels.readers.ReadOptions`.
        report: a CSV file for every finding, row by row.
        progress: called with (bytes read, bytes in all).

    Raises:
        AudioLabelsError: bad input or a bad option. Whatever ends the work before its end, an
            error or an interrupt, leaves `output` and `report` as they were.
    """
    choose("layout", layout, LAYOUTS)
    read_options = ReadOptions(unknown, time_unit)
    listed = [inputs] if isinstance(inputs, str | Path) else inputs
    paths = [Path(path) for path in listed]
    outputs = [Path(output), *([Path(report)] if report else [])]
    refuse_overwriting(paths, outputs)
    ontology = ontology or load_ontology().with_supplement()
    if not isinstance(vocabulary, Vocabulary):
        vocabulary = load_vocabulary(vocabulary, ontology=ontology)
    make, scheme_options = bind_scheme(scheme, options)
    metadata = describe(scheme, scheme_options, vocabulary, ontology)
    summary = Summary(outputs[0], metadata, vocabulary)
    index = ClipIndex()
    with ExitStack() as stack:
        # The report takes its place last, so that it never stands beside an older output.
        table = stack.enter_context(_report_file(report)) if report else None
        findings = _Findings(summary, table)
        partial = stack.enter_context(atomic_path(output))
        writer = stack.enter_context(TargetsWriter(partial, vocabulary, layout, output=output))
        thread = stack.enter_context(ThreadPoolExecutor(1))
        expander = _Expander(make, vocabulary, ontology, writer.layout, summary.counts)
        writing: deque[Future[None]] = deque()
        parts = _read(paths, ontology, read_options, index, summary, findings, progress)
        for clips in rechunk(parts, writer.layout.group, ontology):
            columns = (clips.clip_id, clips.onset, clips.offset)
            cells = expander.cells(clips)
            writing.append(thread.submit(writer.write, *columns, cells, clips.set_of_clip))
            if len(writing) > 1:
                writing.popleft().result()
        expander.finish()
        candidates = index.repeated()
        for write in writing:
            write.result()
        if not summary.counts.clips:
            raise LabelFileError(no_usable_row(summary.report, summary.finding_counts))
        metadata["sources"] = summary.report.sources
        writer.close(metadata)
        with pq.ParquetFile(partial) as written:
            batches = written.iter_batches(columns=["clip_id", "onset"])
            places = ((batch["clip_id"], batch["onset"]) for batch in batches)
            findings.take(index.duplicates(candidates, places))
    return summary


class _Expander:
    """Expands each distinct label set once, and counts the clips that have it."""

    def __init__(
        self,
        make: Callable[[Annotations, Vocabulary], Targets],
        vocabulary: Vocabulary,
        ontology: Ontology,
        layout: Layout,
        counts: LabelCounts,
    ) -> None:
        self._make = make
        self._vocabulary = vocabulary
        self._ontology = ontology
        self._layout = layout
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
            targets = self._make(new, self._vocabulary)
            cells = self._layout.encode(targets.positive, targets.masked, len(self._vocabulary))
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


def write_report(findings: Iterable[Finding], path: str | Path) -> None:
    """Write findings to a CSV file, one a line, whole or not at all.

    Raises:
        TargetsFileError: the file cannot be written.
    """
    with _report_file(path) as write:
        for finding in findings:
            write(finding)


def rechunk(parts: Iterable[Annotations], size: int, ontology: Ontology) -> Iterator[Annotations]:
    """The same clips in parts of exactly `size`, the last one excepted."""
    held: list[Annotations] = []
    for part in parts:
        if not len(part):
            continue
        held.append(part)
        if sum(map(len, held)) >= size:
            whole = Annotations.concat(held, ontology)
            full = len(whole) // size * size
            for start in range(0, full, size):
                yield whole.slice(start, start + size)
            held = [whole.slice(full, len(whole))]
    if sum(map(len, held)):
        yield Annotations.concat(held, ontology)


def _read(
    paths: Sequence[Path],
    ontology: Ontology,
    options: ReadOptions,
    index: ClipIndex,
    summary: Summary,
    findings: _Findings,
    progress: Progress | None,
) -> Iterator[Annotations]:
    """The clips of all files; what their reports say is taken off on the way."""
    sizes = [_size(path) for path in paths]
    for number, path in enumerate(paths):
        with open_source(path) as source:
            for part in stream_source(source, ontology, options):
                index.add(part, source.name)
                findings.take(part.report.findings)
                summary.report.merge(replace(part.report, findings=[]))
                yield replace(part, report=Report())
                if progress:
                    progress(sum(sizes[:number]) + source.raw.tell(), sum(sizes))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # what is wrong with it is said when it is opened
        return 0


def refuse_overwriting(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Raise OptionError if an output is an input or another output, or if there is no input."""
    if not inputs:
        raise OptionError("no input: give at least one label file")
    taken = {path.resolve() for path in inputs}
    for output in outputs:
        if output.resolve() in taken:
            raise OptionError(f"{output} is an input or another output; choose another name")
        taken.add(output.resolve())


@contextmanager
def _report_file(path: str | Path) -> Iterator[Write]:
    """A function that writes one finding to a CSV file, which takes its place at the end."""
    with atomic_path(path) as partial, ExitStack() as stack:
        with blame(path):
            file = stack.enter_context(partial.open("w", encoding="utf-8", newline=""))
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["source", "row", "clip_id", "kind", "reason", "fate"])

        def write(f: Finding) -> None:
            with blame(path):
                rows.writerow([f.source, f.row, f.clip, f.kind, f.reason, FATES[f.kind]])

        yield write
        with blame(path):
            file.flush()

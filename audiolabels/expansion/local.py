"""Expansion on one machine: a stream of rows in constant memory.

Reading, expanding and writing run in a thread each; they spend their time in code that lets other
threads run.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from audiolabels.clips.duplicates import REPEATED
from audiolabels.datasets.cache import find_files
from audiolabels.errors import LabelFileError, OptionError, choose, located
from audiolabels.expansion.clips import expanded_clips
from audiolabels.expansion.frames import framed_events
from audiolabels.expansion.joined import Join, JoinCounts, bind_inputs, read_join
from audiolabels.expansion.plan import Group, Plan, Progress
from audiolabels.expansion.scored import repaired_clips, scored_segments
from audiolabels.expansion.summary import Recorder, Summary, report_file
from audiolabels.files import as_path, atomic_path, refuse_overwriting, together
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.events import Events
from audiolabels.labels.report import Finding
from audiolabels.labels.scores import Scores
from audiolabels.ontology.ontology import Ontology, load_ontology
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary, named_like
from audiolabels.readers import BlockSizes, ScoreOptions
from audiolabels.readers.events.reading import ScatteredError
from audiolabels.readers.options import BLOCK_SIZES
from audiolabels.readers.reports import no_usable_row
from audiolabels.readers.scores.reading import open_scores
from audiolabels.schemes import SCHEMES, describe
from audiolabels.targets.layouts import Layout, choose_layout
from audiolabels.targets.store import TargetsWriter


def expand_files(
    inputs: str | Path | Sequence[str | Path] | None,
    output: str | Path,
    scheme: str = "pe-cml",
    *,
    vocabulary: str | Path | Vocabulary | None = None,
    ontology: Ontology | None = None,
    layout: str | None = None,
    scores: str | Path | None = None,
    report: str | Path | None = None,
    progress: Progress | None = None,
    block_sizes: BlockSizes = BLOCK_SIZES,
    **options: Any,
) -> Summary:
    """Expand label, event or score files to a Parquet file of targets, as a stream of parts.

    Memory grows by eight bytes per clip, to find duplicate clips. Read whole are JSON, labels with
    one row per label, events that are not sorted by clip, and labels given with scores.

    Args:
        inputs: one file or several, in any known format that the scheme reads; for schemes that
            read scores the given labels, or none. Or one TOML file that joins several data sets,
            see `audiolabels.expansion.joined`; the other arguments are its defaults.
        output: the Parquet file; an existing one is replaced once all is done, and only then.
        scheme, vocabulary: see `audiolabels.expand`.
        ontology: the embedded one with its supplement by default.
        layout: `lists` (default), `packed` or `dense`; see `audiolabels.targets.layouts`.
            Soft targets have `packed` (their default) and `dense`.
        scores: a file of teacher scores, for schemes that read them; those that repair labels may
            read it twice.
        report: a CSV file for every finding, row by row.
        progress: called with (bytes read, bytes in all).
        block_sizes: how much is read and made at a time; the bytes written do not depend on it.
        **options: the scheme's own options, and how files are read: see `ReadOptions`,
            `EventOptions` and `ScoreOptions` in `audiolabels.readers`.

    Raises:
        AudioLabelsError: bad input or a bad option. Whatever ends the work before its end, an
            error or an interrupt, leaves `output` and `report` as they were.
    """
    given = {name: value for name, value in options.items() if value is not None}
    output, paths = as_path("output", output), find_files("inputs", inputs or [])
    ontology = ontology or load_ontology().with_supplement()
    if len(paths) == 1 and paths[0].suffix.casefold() == ".toml":
        if scores is not None:
            raise OptionError(f"{paths[0]}: a join of data sets reads no scores")
        defaults = {"scheme": scheme, "vocabulary": vocabulary, "layout": layout, **given}
        joint = read_join(paths[0], defaults, ontology, block_sizes)
        return _expand_join(joint, paths[0], output, report, progress)
    choose("scheme", scheme, SCHEMES)
    scored = _score_options(scheme, scores, given, block_sizes)
    bound, events = bind_inputs(scheme, given, block_sizes)
    soft = bound.options.soft or (events.read.soft and bound.reads is not Scores)
    form = choose_layout(layout, soft=soft)
    bound.require_labels(bool(paths))
    reports = [Path(report)] if report else []
    columns = [Path(vocabulary)] if isinstance(vocabulary, str | Path) else []
    beside = [path for path in columns if path.is_file()]
    with open_scores(scored, ontology) if scored else nullcontext() as teacher:
        beside += teacher.side_files if teacher else events.side_files
        files = [teacher.options.path, *paths] if teacher else paths
        refuse_overwriting(files, [output, *reports], beside)
        if teacher and vocabulary is None:
            vocabulary = named_like(teacher.vocabulary, ontology)
        vocabulary = load_vocabulary(vocabulary, ontology=ontology, default=bound.vocabulary)
        plan = Plan(bound, vocabulary, ontology, events, paths, form, progress, teacher)

        def attempt(whole: bool) -> Summary:
            facts = describe(bound, plan.vocabulary, plan.ontology, labels=bool(paths))
            summary = Summary(output, facts, plan.vocabulary, bound.counts())
            rows = partial(_groups(plan, whole), plan)
            return _write(rows, summary, form, bound.options.listed, report)

        return _attempt(attempt)


def _expand_join(
    joint: Join,
    path: Path,
    output: Path,
    report: str | Path | None,
    progress: Progress | None,
) -> Summary:
    """Expand the sources of a join, one after the other, to one file."""
    files = [path, *(file for source in joint.sources for file in source.paths)]
    beside = [file for source in joint.sources for file in source.read.side_files]
    refuse_overwriting(files, [output, *([Path(report)] if report else [])], beside)

    def attempt(whole: bool) -> Summary:
        summary = Summary(output, joint.facts(), joint.vocabulary, JoinCounts())

        def rows(recorder: Recorder, writer: TargetsWriter) -> Iterator[Group]:
            done = 0
            for source in joint.sources:
                plan = joint.plan(source, progress, done)
                part = recorder.part(plan.scheme)
                with located(f"source {source.name!r}"):
                    yield from _groups(plan, whole)(plan, part, writer)
                joint.record(source, part, recorder)
                done += sum(plan.sizes)

        return _write(rows, summary, joint.layout, joint.listed, report)

    return _attempt(attempt)


def _attempt(attempt: Callable[[bool], Summary]) -> Summary:
    """The result of an attempt; events that are scattered over their files are read whole."""
    try:
        return attempt(False)
    except ScatteredError:
        return attempt(True)


def _groups(plan: Plan, whole: bool) -> Callable[[Plan, Recorder, TargetsWriter], Iterator[Group]]:
    if plan.scheme.reads is Annotations:
        return expanded_clips
    if plan.scheme.reads is Events:
        return partial(framed_events, whole=whole)
    return repaired_clips if plan.scheme.repair else scored_segments


def _score_options(
    scheme: str, scores: str | Path | None, given: dict[str, Any], block_sizes: BlockSizes
) -> ScoreOptions | None:
    """How the file of scores is read; None for a scheme that reads none.

    Raises:
        OptionError: scores are missing, or of no use.
    """
    reads = SCHEMES[scheme].reads is Scores
    if not reads and scores is not None:
        raise OptionError(f"scheme {scheme!r} reads no scores")
    if not reads:
        return None
    if scores is None:
        raise OptionError(f"scheme {scheme!r} needs a file of scores (--scores, scores=)")
    return ScoreOptions.take(given, path=Path(scores), block_sizes=block_sizes)


@together()
def _write(
    rows: Callable[[Recorder, TargetsWriter], Iterator[Group]],
    summary: Summary,
    layout: Layout,
    listed: str,
    report: str | Path | None,
) -> Summary:
    """Write all row groups while the next are made; the file takes its place at the end."""
    with ExitStack() as stack:
        # The report takes its place last, so that it never belongs to an older output.
        table = stack.enter_context(report_file(report)) if report else None
        recorder = Recorder(summary, table)
        partial_ = stack.enter_context(atomic_path(summary.output))
        writer = stack.enter_context(
            TargetsWriter(partial_, summary.vocabulary, layout, listed, summary.output)
        )
        thread = stack.enter_context(ThreadPoolExecutor(1))
        writing: deque[Future[None]] = deque()
        for group in rows(recorder, writer):
            writing.append(thread.submit(writer.write, *group))
            if len(writing) > 1:
                writing.popleft().result()
        candidates = recorder.clips.repeated()
        for write in writing:
            write.result()
        if not summary.counts.clips:
            raise LabelFileError(no_usable_row(summary.report, summary.finding_counts))
        summary.metadata["sources"] = summary.report.sources
        if stated := summary.counts.stated():
            summary.metadata["counts"] = stated
        writer.close(summary.metadata)
        with pq.ParquetFile(partial_) as written:
            batches = written.iter_batches(columns=["clip_id", "onset"])
            again = recorder.clips.duplicates(candidates, batches)
            recorder.take_findings(Finding(*clip, "duplicate clip", REPEATED) for clip in again)
    return summary

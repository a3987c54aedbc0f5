"""Scores to targets, part by part; given labels are held whole, as they are looked up by clip."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from audiolabels.agreement import (
    Agreement,
    Flags,
    Overlap,
    ScoreCounts,
    count_scores,
    whole_clips,
)
from audiolabels.annotations import Annotations, Finding
from audiolabels.columns import to_arrow
from audiolabels.engines.frames import regroup
from audiolabels.engines.job import Group, Job, Run
from audiolabels.errors import LabelFileError, ScoresFileError
from audiolabels.importers import stream_scores
from audiolabels.layouts import SOFT
from audiolabels.readers import no_usable_row, stream_source
from audiolabels.readers.duplicates import ClipIndex
from audiolabels.readers.opening import open_source
from audiolabels.schemes.given import GivenLabels
from audiolabels.schemes.pseudo_strong import match_given
from audiolabels.scores import Scores, columns_in, run_starts
from audiolabels.soft_targets import SoftTargets
from audiolabels.store import TargetsWriter
from audiolabels.targets import Targets

T = TypeVar("T", Targets, SoftTargets)


class _Given(NamedTuple):
    """Given labels, and the place in the files that each clip came from."""

    labels: GivenLabels
    names: list[str]
    file: npt.NDArray[np.int32]
    row: npt.NDArray[np.int64]


def scored_segments(job: Job, run: Run, writer: TargetsWriter) -> Iterator[Group]:
    """Row groups of targets, one row a segment, soft or hard."""
    given = _read_given(job, run) if job.paths else None
    if writer.soft:
        for soft in _targets(job, run, given, SoftTargets):
            which = np.arange(len(soft), dtype=np.int32)
            yield Group(soft.clip_id, soft.onset, soft.offset, writer.encode(soft), which)
        return
    for hard in regroup(_targets(job, run, given, Targets), writer.layout.group):
        cells = writer.encode(hard)
        yield Group(hard.clip_id, hard.onset, hard.offset, cells, hard.row_of_clip)


def _read_given(job: Job, run: Run) -> _Given:
    """The labels of all files; what their reports say goes to the run."""
    parts: list[Annotations] = []
    names, files, index = [], [], ClipIndex()
    for number, path in enumerate(job.paths):
        with open_source(path) as source:
            names.append(source.name)
            for part in stream_source(source, job.ontology, job.read.read):
                index.add(part, source.name)
                files.append(np.full(len(part), number, np.int32))
                parts.append(part)
                job.tell(number, source.raw.tell())
    labels = Annotations.concat(parts, job.ontology)
    if not len(labels):
        raise LabelFileError(no_usable_row(labels.report, labels.report.counts()))
    labels.report.findings += index.duplicates(index.repeated(), [(labels.clip_id, labels.onset)])
    run.take(labels.report)
    scheme, parents = job.options["labels_scheme"], job.options["parents"]
    made = GivenLabels.make(labels, job.vocabulary, labels_scheme=scheme, parents=parents)
    return _Given(made, names, np.concatenate(files)[made.first], labels.rows[made.first])


def _targets(job: Job, run: Run, given: _Given | None, kind: type[T]) -> Iterator[T]:
    """Targets in parts of `SOFT.group` rows; on the way everything is counted."""
    counts = run.summary.counts
    assert isinstance(counts, ScoreCounts)
    overlap = Overlap()
    told = np.zeros(len(job.vocabulary), np.bool_)
    labels = None if given is None else given.labels
    for part, clips in whole_clips(rechunk(_usable(job, run, given), SOFT.group)):
        unknown = np.unpackbits(part.unknown, axis=1, count=len(told)).astype(np.bool_)
        told |= ~unknown.all(0)
        if labels is None:
            counts.add(count_scores(part, clips, None, None))
        else:
            rows = labels.find(clips.clip_id)
            positive, masked = labels.bits(rows)
            known: Flags = np.logical_not(masked.all(axis=1))
            counts.add(count_scores(part, clips, positive, known))
            some = clips.keep(known)
            overlap.add(some, positive[known], masked[known])
        targets = job.make(part, job.vocabulary, given=labels)
        assert isinstance(targets, kind)
        yield targets
    if given is not None:
        run.summary.agreement = overlap.agreement(told)
        _warn(run, run.summary.agreement)


def _read_scores(job: Job, run: Run) -> Iterator[Scores]:
    """The scores; what their reports say, and which classes fall away, goes to the run."""
    assert job.scores is not None
    for part in stream_scores(job.scores, job.ontology):
        run.take(part.report)
        yield part
    teacher = part.vocabulary
    lost = int((columns_in(job.vocabulary, teacher, job.ontology) < 0).sum())
    lacking = int((columns_in(teacher, job.vocabulary, job.ontology) < 0).sum())
    if lost or lacking:
        run.summary.report.notes.append(
            f"{lost} of the teacher's {len(teacher)} classes are not in the vocabulary; of "
            f"{lacking} in the vocabulary it does not tell"
        )


def _usable(job: Job, run: Run, given: _Given | None) -> Iterator[Scores]:
    """Scores over the vocabulary, without those that need labels and have none."""
    assert job.scores is not None
    if given is None:
        for part in _read_scores(job, run):
            yield part.over(job.vocabulary)
        return
    counts, weight = run.summary.counts, float(job.options["teacher_weight"])
    assert isinstance(counts, ScoreCounts)
    ids = given.labels.targets.clip_id
    seen, by_video, before, example = np.zeros(len(ids), np.bool_), 0, "", ""
    for part in _read_scores(job, run):
        starts = run_starts(part.clip_id)
        clips = part.clip_id.take(to_arrow(starts))
        rows = given.labels.find(clips)
        seen[rows[rows >= 0]] = True
        for clip, row, place in zip(clips.to_pylist(), rows.tolist(), starts, strict=True):
            if clip == before:
                continue
            before, example = clip, example or clip
            if row >= 0:
                by_video += ids[row].as_py() != clip
                continue
            counts.without_labels += 1
            file, number = job.scores.path.name, int(part.rows[place])
            reason = "it has scores, but no given labels"
            run.findings.take([Finding(file, number, clip, "clip without labels", reason)])
        yield match_given(part, given.labels, weight)[0].over(job.vocabulary)
    missing = np.flatnonzero(~seen).tolist()
    if len(missing) == len(ids):
        raise ScoresFileError(
            f"{job.scores.path}: no clip of the labels has scores: labels have ids like "
            f"{ids[0].as_py()!r}, scores like {example!r}"
        )
    counts.without_scores += len(missing)
    reason = "it has labels, but no scores"
    for i in missing:
        file, number = given.names[given.file[i]], int(given.row[i])
        found = Finding(file, number, ids[i].as_py(), "clip without scores", reason)
        run.findings.take([found])
    if by_video:
        run.summary.report.notes.append(
            f"{by_video:,} clips were found by their video alone, as the scores do not say where "
            f"in it they begin"
        )


def _warn(run: Run, agreement: Agreement | None) -> None:
    if agreement is not None and agreement.near_chance:
        run.summary.report.notes.append(
            f"warning: scores and labels hardly agree (mean average precision "
            f"{agreement.mean:.3f}, with shuffled classes {agreement.shuffled:.3f}): the columns "
            f"are probably in another order; name the teacher's with --class-order"
        )


def rechunk(parts: Iterable[Scores], size: int) -> Iterator[Scores]:
    """The same rows in parts of exactly `size`, the last one excepted."""
    held: list[Scores] = []
    for part in parts:
        start, count = 0, sum(map(len, held))
        while start < len(part):
            stop = min(len(part), start + size - count)
            held.append(part.slice(start, stop))
            count += stop - start
            start = stop
            if count == size:
                yield Scores.concat(held)
                held, count = [], 0
    if held:
        yield Scores.concat(held)

"""Scores to targets, part by part; given labels are held whole, as they are looked up by clip."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.columns import to_arrow
from audiolabels.clips.duplicates import REPEATED, SeenClips
from audiolabels.clips.names import video_and_start
from audiolabels.clips.rows import rechunk
from audiolabels.errors import LabelFileError, ScoresFileError
from audiolabels.expansion.plan import Group, Job, Run
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Finding
from audiolabels.labels.scores import Scores, columns_in, run_starts, whole_clips
from audiolabels.metrics.label_agreement import AgreementSample, Flags, ScoreCounts, count_scores
from audiolabels.readers import no_usable_row, stream_source
from audiolabels.readers.opening import open_source
from audiolabels.readers.scores import stream_scores
from audiolabels.schemes.given_labels import GivenLabels, GivenOptions
from audiolabels.schemes.label_counts import RepairCounts, count_labels
from audiolabels.schemes.pseudo_strong import match_given
from audiolabels.schemes.repair import Repair
from audiolabels.targets.layouts import SOFT
from audiolabels.targets.soft import SoftTargets
from audiolabels.targets.store import TargetsWriter
from audiolabels.targets.targets import Targets

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
            yield Group(soft.clips, writer.encode(soft), which)
        return
    hard_parts = _targets(job, run, given, Targets)
    for hard in rechunk(hard_parts, writer.layout.group, Targets.concat):
        cells = writer.encode(hard)
        yield Group(hard.clips, cells, hard.row_of_clip)


def repaired_clips(job: Job, run: Run, writer: TargetsWriter) -> Iterator[Group]:
    """Row groups of repaired targets, one row a given clip."""
    counts = run.summary.counts
    assert isinstance(counts, RepairCounts)
    given = _read_given(job, run)
    overlap, read = AgreementSample(), False

    def passes() -> Iterator[Scores]:
        nonlocal read
        assert job.scores is not None
        # What there is to say of the file is said the first time.
        first, read = not read, True
        parts = _usable(job, run, given) if first else stream_scores(job.scores, job.ontology)
        for _, clips in whole_clips(parts):
            if first:
                _compare(overlap, clips.over(job.vocabulary), given.labels)
            yield clips

    repair = job.scheme.make(passes, job.vocabulary, job.scheme.options, given.labels)
    assert isinstance(repair, Repair)
    run.summary.metadata["counts"] = dict(repair.counts)
    _conclude(run, overlap)
    labels = repair.given.labels
    for start in range(0, len(labels), writer.layout.group):
        part = repair.targets(start, start + writer.layout.group)
        sets = labels.sets.take(labels.set_of_clip[start : start + len(part)])
        did = count_labels(job.ontology, sets, np.ones(len(part), np.int64), part)
        counts.add(RepairCounts(**vars(did)))
        cells = writer.encode(part)
        yield Group(part.clips, cells, part.row_of_clip)


def _read_given(job: Job, run: Run) -> _Given:
    """The labels of all files; what their reports say goes to the run."""
    parts: list[Annotations] = []
    names, files, seen = [], [], SeenClips()
    for number, path in enumerate(job.paths):
        with open_source(path) as source:
            names.append(source.name)
            for part in stream_source(source, job.ontology, job.read.read):
                seen.add(part.clips, part.rows, source.name)
                files.append(np.full(len(part), number, np.int32))
                parts.append(part)
                job.tell(number, source.raw.tell())
    labels = Annotations.concat(parts, job.ontology)
    if not len(labels):
        raise LabelFileError(no_usable_row(labels.report, labels.report.counts()))
    again = seen.duplicates(seen.repeated(), [labels.clips])
    labels.report.findings += [Finding(*clip, "clip united", REPEATED) for clip in again]
    run.take(labels.report)
    assert isinstance(job.scheme.options, GivenOptions)
    made = GivenLabels.make(labels, job.vocabulary, job.scheme.options)
    return _Given(made, names, np.concatenate(files)[made.first], labels.rows[made.first])


def _targets(job: Job, run: Run, given: _Given | None, kind: type[T]) -> Iterator[T]:
    """Targets in parts of `SOFT.group` rows; on the way everything is counted."""
    counts = run.summary.counts
    assert isinstance(counts, ScoreCounts)
    overlap = AgreementSample()
    # Scores are propagated among all of the teacher's classes, before they are cut.
    options: Any = job.scheme.options
    options = replace(options, propagate_scores=False)
    labels = None if given is None else given.labels
    told = (part.over(job.vocabulary) for part in _usable(job, run, given))
    for part, clips in whole_clips(rechunk(told, SOFT.group, Scores.concat)):
        said = (None, None) if labels is None else _compare(overlap, clips, labels)
        counts.add(count_scores(part, clips, *said))
        targets = job.scheme.make(part, job.vocabulary, options, labels)
        assert isinstance(targets, kind)
        yield targets
    _conclude(run, overlap)


def _compare(overlap: AgreementSample, clips: Scores, labels: GivenLabels) -> tuple[Flags, Flags]:
    """Take clips into a comparison: their given classes, and whether anything is said of them."""
    positive, masked = labels.bits(labels.find(clips.clip_id))
    known: Flags = np.logical_not(masked.all(axis=1))
    overlap.add(clips.keep(known), positive[known], masked[known])
    return positive, known


def _conclude(run: Run, overlap: AgreementSample) -> None:
    """Say how scores and labels agree, and warn if they do not."""
    agreement = run.summary.agreement = overlap.agreement()
    if agreement is not None and agreement.near_chance:
        run.summary.report.notes.append(
            f"warning: scores and labels hardly agree (mean average precision "
            f"{agreement.mean:.3f}, with shuffled classes {agreement.shuffled:.3f}): the columns "
            f"are probably in another order; name the teacher's with --class-order"
        )


def _read_scores(job: Job, run: Run) -> Iterator[Scores]:
    """The scores; what their reports say, and which classes fall away, goes to the run."""
    assert job.scores is not None
    for part in stream_scores(job.scores, job.ontology):
        run.take(part.report)
        yield part.propagate() if getattr(job.scheme.options, "propagate_scores", False) else part
    teacher = part.vocabulary
    lost = int((columns_in(job.vocabulary, teacher, job.ontology) < 0).sum())
    lacking = int((columns_in(teacher, job.vocabulary, job.ontology) < 0).sum())
    if lost or lacking:
        run.summary.report.notes.append(
            f"{lost} of the teacher's {len(teacher)} classes are not in the vocabulary; of "
            f"{lacking} in the vocabulary it does not tell"
        )


def _usable(job: Job, run: Run, given: _Given | None) -> Iterator[Scores]:
    """The scores, without those that need labels and have none."""
    assert job.scores is not None
    if given is None:
        yield from _read_scores(job, run)
        return
    counts, weight = run.summary.counts, getattr(job.scheme.options, "teacher_weight", 0)
    assert isinstance(counts, ScoreCounts | RepairCounts)
    ids = given.labels.targets.clip_id
    seen, by_video, before, example = np.zeros(len(ids), np.bool_), 0, "", ""
    for part in _read_scores(job, run):
        firsts = run_starts(part.clip_id)
        clips = part.clip_id.take(to_arrow(firsts))
        rows = given.labels.find(clips)
        seen[rows[rows >= 0]] = True
        for clip, row, place in zip(clips.to_pylist(), rows.tolist(), firsts, strict=True):
            if clip == before:
                continue
            before, example = clip, example or clip
            if row >= 0:
                starts = [video_and_start(id_)[1] for id_ in (clip, ids[row].as_py())]
                by_video += starts.count(None) == 1
                continue
            counts.without_labels += 1
            file, number = job.scores.path.name, int(part.rows[place])
            reason = "it has scores, but no given labels"
            run.findings.take([Finding(file, number, clip, "clip without labels", reason)])
        yield match_given(part, given.labels, weight)[0]
    missing = np.flatnonzero(~seen).tolist()
    if len(missing) == len(ids):
        raise ScoresFileError(
            f"{job.scores.path}: no clip of the labels has scores: labels have ids like "
            f"{ids[0].as_py()!r}, scores like {example!r}"
        )
    counts.without_scores += len(missing)
    reason = "it has labels, but no scores"
    kind = "clip without scores" if isinstance(counts, ScoreCounts) else "clip not repaired"
    for i in missing:
        file, number = given.names[given.file[i]], int(given.row[i])
        run.findings.take([Finding(file, number, ids[i].as_py(), kind, reason)])
    if by_video:
        run.summary.report.notes.append(
            f"{by_video:,} clips were found by their video alone, as only labels or only scores "
            f"give the start in it"
        )

"""Scores to targets, part by part; given labels are held in memory and looked up by clip."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import to_arrow, to_bools
from audiolabels.clips.duplicates import REPEATED, SeenClips
from audiolabels.clips.names import video_and_start
from audiolabels.errors import LabelFileError, ScoresFileError
from audiolabels.expansion.clips import read_clips
from audiolabels.expansion.plan import Group, Plan, Writer, row_groups
from audiolabels.expansion.summary import Recorder
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Finding
from audiolabels.labels.scores import Scores, columns_in, run_starts, whole_clips
from audiolabels.metrics.label_agreement import AgreementSample
from audiolabels.readers.lines import ahead
from audiolabels.readers.reports import no_usable_row
from audiolabels.readers.scores.reading import ScoreFile
from audiolabels.schemes.given_labels import GivenLabels, GivenOptions, MatchedScores
from audiolabels.schemes.scheme import Expanded
from audiolabels.schemes.score_counts import MatchCounts


class _Given(NamedTuple):
    """Given labels, and the file and row that a clip came from, by its number."""

    labels: GivenLabels
    origin: Callable[[int], tuple[str, int]]


def scored_segments(plan: Plan, recorder: Recorder, writer: Writer) -> Iterator[Group]:
    """Row groups of targets, one row per segment, soft or hard."""
    given = _read_given(plan, recorder) if plan.paths else None

    def results() -> Iterator[Expanded[Any]]:
        sample = AgreementSample()
        for part in _matched(plan, recorder, given, _read_scores(plan, recorder)):
            result = plan.scheme.expand(part, plan.vocabulary)
            if given is not None and result.clips is not None:
                sample.add(result.clips)
            yield result
        _conclude(recorder, sample)

    return row_groups(results(), recorder, writer)


def repaired_clips(plan: Plan, recorder: Recorder, writer: Writer) -> Iterator[Group]:
    """Row groups of repaired targets, one row per given clip."""
    given = _read_given(plan, recorder)
    sample, rows = AgreementSample(), list[npt.NDArray[np.int64]]()

    def passes() -> Iterator[MatchedScores]:
        if rows:  # a later pass, for which all has been looked up and reported
            each = (whole_clips(file.stream(as_stored=True)) for file in plan.scores)
            parts = chain.from_iterable(each)
            for part, found in zip(parts, rows, strict=True):
                yield MatchedScores.match(part.highest(), given.labels, found)
            return
        clips = ((file, part.highest()) for file, part in _read_scores(plan, recorder))
        for matched in _matched(plan, recorder, given, clips):
            rows.append(matched.given)
            sample.add(matched.over(plan.vocabulary))
            yield matched

    assert plan.scheme.repair is not None
    repair = plan.scheme.repair(passes, given.labels, plan.vocabulary, plan.scheme.options)
    recorder.summary.counts.add(repair.counts)
    _conclude(recorder, sample)
    size = writer.layout.group
    starts = range(0, len(repair.given.labels), size)
    return row_groups((repair.part(i, i + size) for i in starts), recorder, writer)


def _read_given(plan: Plan, recorder: Recorder) -> _Given:
    """The labels of all files."""
    seen = SeenClips()
    labels = Annotations.concat(list(read_clips(plan, recorder, seen)), plan.ontology)
    summary = recorder.summary
    if not len(labels):
        raise LabelFileError(no_usable_row(summary.report, summary.finding_counts))
    again = seen.duplicates(seen.repeated(), [labels.clips])
    recorder.take_findings(Finding(*clip, "clip united", REPEATED) for clip in again)
    assert isinstance(plan.scheme.options, GivenOptions)
    made = GivenLabels.make(labels, plan.vocabulary, plan.scheme.options)
    pa.default_memory_pool().release_unused()  # reading takes more than the labels
    return _Given(made, lambda clip: seen.origin(int(made.first[clip])))


def _read_scores(plan: Plan, recorder: Recorder) -> Iterator[tuple[ScoreFile, Scores]]:
    """The scores in parts of whole clips, each with its file."""
    for number, file in enumerate(plan.scores, len(plan.paths)):
        for part in whole_clips(_read_file(plan, recorder, file, number)):
            yield file, part


def _read_file(plan: Plan, recorder: Recorder, file: ScoreFile, number: int) -> Iterator[Scores]:
    """The scores of a file, input `number`; notes how their classes and the vocabulary differ."""
    done = 0
    for part in ahead(file.stream(as_stored=True)):
        recorder.take_report(part.report)
        done += part.report.rows
        plan.report_progress(number, plan.sizes[number] * done // max(1, file.table.rows))
        yield part
    teacher = file.vocabulary
    lost = int((columns_in(plan.vocabulary, teacher, plan.ontology) < 0).sum())
    lacking = int((columns_in(teacher, plan.vocabulary, plan.ontology) < 0).sum())
    if lost or lacking:
        recorder.summary.report.notes.append(
            f"{lost} of the teacher's {len(teacher)} classes are not in the vocabulary; it does "
            f"not score {lacking} classes of the vocabulary"
        )


def _matched(
    plan: Plan,
    recorder: Recorder,
    given: _Given | None,
    parts: Iterator[tuple[ScoreFile, Scores]],
) -> Iterator[MatchedScores]:
    """Scores with their given labels, looked up once; notes the clips that have one alone."""
    if given is None:
        yield from (MatchedScores.match(part, None) for _, part in parts)
        return
    ids = given.labels.labels.clip_id
    seen, by_video, example = np.zeros(len(ids), np.bool_), 0, ""
    before, last = seen, None
    for source, part in parts:
        matched = MatchedScores.match(part, given.labels)
        firsts = run_starts(part.clip_id)
        rows, clips = matched.given[firsts], part.clip_id.take(to_arrow(firsts))
        if source is not last:
            before, last = seen.copy(), source
        if len(again := rows[(rows >= 0) & before[rows]]):
            raise ScoresFileError(
                f"{source.options.path}: clip {ids[again[0]]} has scores in another file too; give "
                f"each clip's scores once"
            )
        seen[rows[rows >= 0]] = True
        example = example or clips[0].as_py()
        named = ids.take(to_arrow(rows.clip(min=0)))
        for i in np.flatnonzero(to_bools(pc.not_equal(clips, named)) | (rows < 0)).tolist():
            clip = clips[i].as_py()
            if rows[i] >= 0:
                starts = (video_and_start(id_)[1] for id_ in (clip, named[i].as_py()))
                by_video += len({start is None for start in starts}) == 2
                continue
            recorder.summary.counts.add(MatchCounts(without_labels=1))
            file, number = source.options.path.name, int(part.rows[firsts[i]])
            reason = "it has scores, but no given labels"
            recorder.take_findings([Finding(file, number, clip, "clip without labels", reason)])
        yield matched
    missing = np.flatnonzero(~seen).tolist()
    if len(missing) == len(ids):
        raise ScoresFileError(
            f"{source.options.path}: no clip of the labels has scores: labels have ids like "
            f"{ids[0].as_py()!r}, scores like {example!r}"
        )
    kind = "clip not repaired" if plan.scheme.repair else "clip without scores"
    if not plan.scheme.repair:  # which counts them itself
        recorder.summary.counts.add(MatchCounts(without_scores=len(missing)))
    for i in missing:
        reason = "it has labels, but no scores"
        recorder.take_findings([Finding(*given.origin(i), ids[i].as_py(), kind, reason)])
    if by_video:
        recorder.summary.report.notes.append(
            f"{by_video:,} clips were found by their video alone, as only labels or only scores "
            f"give the start in it"
        )


def _conclude(recorder: Recorder, sample: AgreementSample) -> None:
    """Record how scores and labels agree, and warn if they do not."""
    agreement = recorder.summary.agreement = sample.agreement()
    if agreement is not None and agreement.near_chance:
        recorder.summary.report.notes.append(
            f"warning: scores and labels hardly agree (mean average precision "
            f"{agreement.mean:.3f}, with shuffled classes {agreement.shuffled:.3f}): the columns "
            f"are probably in another order; name the teacher's with --class-order"
        )

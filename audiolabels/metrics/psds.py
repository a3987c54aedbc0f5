"""PSDS1 and PSDS2 of frame scores against events.

Sources: Bilen et al., ICASSP 2020 (the score); Ebbers et al., ICASSP 2022 (its computation over all
thresholds at once); DCASE 2021 task 4 (the two scenarios in `SCENARIOS`). Dinkel et al. 2022 (PSL,
poster) apply a median filter to the scores first.

Choices that the sources leave open, and deviations:

- Overlapping or touching events of a class are merged and cut to the clip (`merge_events`).
- Classes without an event in the evaluated clips are left out and named; their true positive rate
  is undefined, and counted as 0 it would bound the score.
- PSDS has no unknown targets. Unannotated clips, and classes that the clips were not annotated for,
  are left out and named; a single unknown class (`unsure_events`) counts as absent, and such spans
  are counted.
- The median filter is sed_scores_eval's: continuous in time, its length in seconds, zero beyond the
  ends of the clip. Filters in frames that mirror the ends differ there.
- With a single class there are no cross-triggers, so PSDS2 has no such term.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from audiolabels.arrays.columns import row_order, texts_to_arrow, to_bools, whole_ms
from audiolabels.arrays.intervals import Ints, Runs
from audiolabels.arrays.plotting import Pictures
from audiolabels.clips.index import ClipFinder
from audiolabels.errors import MetricError, OptionError, shortlist
from audiolabels.labels.events import Events
from audiolabels.labels.scores import Scores, run_starts
from audiolabels.metrics.psd_roc import (
    Floats,
    Scenario,
    Spans,
    Truth,
    area,
    class_curves,
    load_median_filter,
    mean_curve,
)
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.event_spans import merge_events, unsure_events

SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        "psds1": Scenario(dtc=0.7, gtc=0.7, cttc=None, alpha_ct=0.0, alpha_st=1.0),
        "psds2": Scenario(dtc=0.1, gtc=0.1, cttc=0.3, alpha_ct=0.5, alpha_st=1.0),
    }
)


@dataclass(frozen=True, eq=False)
class Detection:
    """PSDS1 and PSDS2 over K classes that have events.

    Attributes:
        psds1, psds2: over all K classes, with a penalty for their spread (alpha_ST 1).
        vocabulary: the K classes.
        psds1_per_class, psds2_per_class: float64 (K,): area under each class's own curve.
        events: int64 (K,): merged events of each class.
        clips: number of evaluated clips.
        seconds: their total length.
        classes_without_events: display names of classes left out.
        classes_not_annotated: likewise, of classes that the clips were not annotated for.
        clips_without_scores: ids of annotated clips that have no scores.
        clips_without_events: ids of unannotated clips with scores.
        unsure: spans in which a class is unknown, which counts as absent.
        roc: for `psds1` and `psds2` effective false positives an hour, ascending, and the mean and
            standard deviation over classes of the true positive rate up to each: float64.
    """

    plot = Pictures("psd_roc")
    psds1: float
    psds2: float
    vocabulary: Vocabulary
    psds1_per_class: Floats
    psds2_per_class: Floats
    events: npt.NDArray[np.int64]
    clips: int
    seconds: float
    classes_without_events: tuple[str, ...]
    classes_not_annotated: tuple[str, ...]
    clips_without_scores: tuple[str, ...]
    clips_without_events: tuple[str, ...]
    unsure: int
    roc: Mapping[str, tuple[Floats, Floats, Floats]]

    def numbers(self) -> dict[str, float | int]:
        """The overall numbers by name, for a log or a table of results."""
        return {
            "psds1": self.psds1,
            "psds2": self.psds2,
            "psds_clips": self.clips,
            "psds_classes": len(self.vocabulary),
            "psds_classes_without_events": len(self.classes_without_events),
            "psds_classes_not_annotated": len(self.classes_not_annotated),
            "psds_clips_without_scores": len(self.clips_without_scores),
            "psds_clips_without_events": len(self.clips_without_events),
            "psds_unsure_stretches": self.unsure,
        }

    def per_class(self) -> dict[str, list[Any]]:
        """Columns of equal length, one row per class: `id`, `name`, `events`, `psds1`, `psds2`."""
        return {
            "id": list(self.vocabulary.ids),
            "name": list(self.vocabulary.names),
            "events": self.events.tolist(),
            "psds1": self.psds1_per_class.tolist(),
            "psds2": self.psds2_per_class.tolist(),
        }

    def __repr__(self) -> str:
        return (
            f"Detection(PSDS1 {self.psds1:.4f}, PSDS2 {self.psds2:.4f}; {self.clips:,} clips, "
            f"{len(self.vocabulary)} classes)"
        )


def psds(
    scores: Scores,
    events: Events,
    *,
    parents: str = "none",
    median_filter: float | Mapping[str, float] | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Detection:
    """PSDS1 and PSDS2.

    Args:
        scores: K classes; consecutive frames of each clip, without a gap, are cut to its length.
        events: reference events; clips are matched by id.
        parents: whether events also count for ancestors of their class; see `merge_events`.
        median_filter: length in seconds, of all classes or of each id; 0 or None for no filter.
        jobs: processes, which are started if one would take long; a script that gives more than 1
            needs `if __name__ == "__main__":`.
        progress: called with classes done and classes in all, first with none done.

    Raises:
        OptionError: a filter, and sed_scores_eval is not installed; a negative length of the
            filter, or none for a class; no such policy.
        MetricError: no common clip, no event of any class, frames that overlap, leave gaps or have
            no times, or an unscored class with events; a process was killed.
        VocabularyError: the events' ontology lacks a class of the scores.
    """
    vocabulary = scores.vocabulary
    lengths = _filter_lengths(median_filter, vocabulary)
    rows, places, without = _match_clips(scores, events)
    clips = np.full(len(events), -1)
    clips[places] = np.arange(len(places))
    runs = merge_events(events, vocabulary, parents=parents)
    counts = np.bincount(runs.column[clips[runs.clip] >= 0], minlength=len(vocabulary))
    heard = _annotated(events, vocabulary)
    kept = np.flatnonzero((counts > 0) & heard)
    if not len(kept):
        among = "" if heard.all() else " that the clips were annotated for"
        raise MetricError(
            f"no class of the scores{among} has an event in the clips that have scores"
        )
    _refuse_unscored(scores, kept, np.concatenate([*rows.values()]))
    duration_ms = events.duration_ms[places]
    truth = Truth(
        *_frames(scores, rows, duration_ms),
        *_references(runs, clips, kept),
        sum((duration_ms / 1000).tolist()),
        [*SCENARIOS.values()],
    )
    columns = [scores.scores[:, column] for column in kept]
    curves = class_curves(truth, columns, lengths[kept], jobs=jobs, progress=progress)
    by_scenario = [*zip(*curves, strict=True)]
    psds1, psds2 = (
        (area(*found, alpha_st=scenario.alpha_st), np.array([*map(area, found)]))
        for scenario, found in zip(truth.scenarios, by_scenario, strict=True)
    )
    unsure = unsure_events(events, vocabulary, parents=parents)
    unheard = np.flatnonzero((counts == 0) & heard)
    return Detection(
        psds1=psds1[0],
        psds2=psds2[0],
        vocabulary=vocabulary.take(kept),
        psds1_per_class=psds1[1],
        psds2_per_class=psds2[1],
        events=counts[kept],
        clips=len(rows),
        seconds=truth.seconds,
        classes_without_events=tuple(vocabulary.names[c] for c in unheard),
        classes_not_annotated=tuple(vocabulary.names[c] for c in np.flatnonzero(~heard)),
        clips_without_scores=without[0],
        clips_without_events=without[1],
        unsure=int(((clips[unsure.clip] >= 0) & np.isin(unsure.column, kept)).sum()),
        roc={name: mean_curve(*own) for name, own in zip(SCENARIOS, by_scenario, strict=True)},
    )


def _match_clips(
    scores: Scores, events: Events
) -> tuple[dict[str, Ints], Ints, tuple[tuple[str, ...], tuple[str, ...]]]:
    """The clips with scores and annotations.

    Returns:
        The rows of scores of each, their rows among the events, and the ids of other clips: those
        without scores, and those without annotations.
    """
    ids = events.clip_id.to_pylist()
    annotated = {ids[row]: row for row in np.flatnonzero(events.labelled).tolist()}
    scored = _rows_of_clips(scores, list(annotated))
    rows = {clip: each for clip, each in scored.items() if clip in annotated}
    if not rows:
        raise MetricError(
            f"no clip has both scores and events: {shortlist(scored) or 'none'} against "
            f"{shortlist(annotated) or 'none'}"
        )
    places = np.array([annotated[clip] for clip in rows])
    lacking = tuple(clip for clip in annotated if clip not in scored)
    return rows, places, (lacking, tuple(clip for clip in scored if clip not in annotated))


def _references(runs: Runs, clips: Ints, kept: Ints) -> tuple[Spans, Ints]:
    """The events of the evaluated clips and classes, and the number of each one's class.

    Args:
        runs: merged events.
        clips: the number of each clip of the events, -1 if it is not evaluated.
        kept: the columns of the evaluated classes.
    """
    some = np.flatnonzero((clips[runs.clip] >= 0) & np.isin(runs.column, kept))
    clip, column = clips[runs.clip[some]], np.searchsorted(kept, runs.column[some])
    order = row_order(clip, column)
    some = some[order]
    return Spans(clip[order], runs.first[some] * 1000, runs.stop[some] * 1000), column[order]


def _annotated(events: Events, vocabulary: Vocabulary) -> npt.NDArray[np.bool_]:
    """The classes that the clips were annotated for: bool (K,)."""
    if events.annotated is None:
        return np.ones(len(vocabulary), np.bool_)
    ontology = events.ontology
    places = [ontology.index[ontology.resolve(id_) or id_] for id_ in vocabulary.ids]
    return np.isin(places, events.annotated)


def _filter_lengths(given: float | Mapping[str, float] | None, vocabulary: Vocabulary) -> Floats:
    """Length of each class's filter in seconds: float64 (K,)."""
    if not isinstance(given, Mapping):
        given = dict.fromkeys(vocabulary.ids, given or 0.0)
    lacking = [id_ for id_ in vocabulary.ids if id_ not in given]
    if lacking:
        raise OptionError(f"no length of the median filter for {shortlist(lacking)}")
    lengths = np.array([given[id_] for id_ in vocabulary.ids], np.float64)
    if not (np.isfinite(lengths) & (lengths >= 0)).all():
        raise OptionError("the length of a median filter is a number of seconds, 0 for none")
    if lengths.any():
        load_median_filter()
    return lengths


def _rows_of_clips(scores: Scores, with_events: list[str]) -> dict[str, npt.NDArray[np.int64]]:
    """The rows of each clip, under the name of the clip with events that it is."""
    starts = [*run_starts(scores.clip_id).tolist(), len(scores)]
    rows: dict[str, npt.NDArray[np.int64]] = {}
    for first, stop in itertools.pairwise(starts):
        clip = scores.clip_id[first].as_py()
        if clip in rows:
            raise MetricError(f"the frames of clip {clip!r} are not consecutive")
        rows[clip] = np.arange(first, stop)
    found = ClipFinder(texts_to_arrow(with_events)).find(list(rows)).tolist()
    names = [with_events[i] if i >= 0 else clip for i, clip in zip(found, rows, strict=True)]
    if again := [name for name, count in Counter(names).items() if count > 1]:
        raise MetricError(f"several clips of the scores are one with events: {shortlist(again)}")
    return dict(zip(names, rows.values(), strict=True))


def _refuse_unscored(
    scores: Scores, columns: npt.NDArray[np.int64], rows: npt.NDArray[np.int64]
) -> None:
    anywhere = np.bitwise_or.reduce(scores.unknown[rows], axis=0)
    bits = np.unpackbits(anywhere, count=len(scores.vocabulary))
    unscored = [scores.vocabulary.names[c] for c in columns.tolist() if bits[c]]
    if unscored:
        raise MetricError(
            f"{len(unscored)} classes with events have no score in some frames, and PSDS needs "
            f"all: {shortlist(unscored)}; leave them out with scores.over(vocabulary)"
        )


def _frames(scores: Scores, rows: Mapping[str, Ints], duration_ms: Ints) -> tuple[Ints, Spans]:
    """The rows of the frames that begin in their clip, and these frames, cut to the clip.

    Args:
        scores: of all frames.
        rows: those of M clips.
        duration_ms: int64 (M,): the lengths of the clips.
    """
    names, every = list(rows), np.concatenate([*rows.values()])
    clip = np.repeat(np.arange(len(names)), [len(each) for each in rows.values()])
    timed = to_bools(pc.and_(scores.onset.is_valid(), scores.offset.is_valid()))[every]
    if not timed.all():
        raise MetricError(
            f"frames of clip {names[clip[np.argmin(timed)]]!r} have no times; PSDS needs onsets "
            f"and offsets"
        )
    onset, offset = whole_ms(scores.onset)[every], whole_ms(scores.offset)[every]
    odd = offset <= onset
    odd[1:] |= (onset[1:] != offset[:-1]) & (clip[1:] == clip[:-1])
    if odd.any():
        raise MetricError(
            f"frames of clip {names[clip[np.argmax(odd)]]!r} overlap or leave gaps; PSDS needs one "
            f"after the other"
        )
    begun = onset < duration_ms[clip]
    if len(without := np.setdiff1d(clip, clip[begun])):
        seconds = duration_ms[without[0]] / 1000
        raise MetricError(
            f"no frame of clip {names[without[0]]!r} begins within its {seconds:g} seconds"
        )
    clip, onset = clip[begun], onset[begun]
    offset = np.minimum(offset[begun], duration_ms[clip])
    return every[begun], Spans(clip, onset * 1000, offset * 1000)

"""PSDS1 and PSDS2 of frame scores against events, computed by sed_scores_eval.

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
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.columns import texts_to_arrow, whole_ms
from audiolabels.clips.index import ClipFinder
from audiolabels.errors import MetricError, OptionError, extra, shortlist
from audiolabels.labels.events import Events
from audiolabels.labels.scores import Scores, run_starts
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.event_spans import merge_events, unsure_events

Floats = npt.NDArray[np.float64]

MAX_EFPR = 100.0  # effective false positives an hour
SCENARIOS: Mapping[str, Mapping[str, float | None]] = MappingProxyType(
    {
        "psds1": {
            "dtc_threshold": 0.7,
            "gtc_threshold": 0.7,
            "cttc_threshold": None,
            "alpha_ct": 0.0,
            "alpha_st": 1.0,
        },
        "psds2": {
            "dtc_threshold": 0.1,
            "gtc_threshold": 0.1,
            "cttc_threshold": 0.3,
            "alpha_ct": 0.5,
            "alpha_st": 1.0,
        },
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
    """

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
) -> Detection:
    """PSDS1 and PSDS2.

    The time grows with clips × classes² for PSDS2: 300 clips of 50 frames and 100 classes take a
    quarter of a minute on one core.

    Args:
        scores: K classes; consecutive frames of each clip, without a gap, are cut to its length.
        events: reference events; clips are matched by id.
        parents: whether events also count for ancestors of their class; see `merge_events`.
        median_filter: length in seconds, of all classes or of each id; 0 or None for no filter.
        jobs: processes; with hundreds of clips one is as fast as two.

    Raises:
        OptionError: sed_scores_eval is not installed, or an unsupported pandas; a negative length
            of the filter, or none for a class; no such policy.
        MetricError: no common clip, no event of any class, frames that overlap, leave gaps or have
            no times, or an unscored class with events.
        VocabularyError: the events' ontology lacks a class of the scores.
    """
    evaluator = _import_evaluator()
    vocabulary = scores.vocabulary
    lengths = _filter_lengths(median_filter, vocabulary)
    ids = events.clip_id.to_pylist()
    annotated = {ids[row]: row for row in np.flatnonzero(events.labelled).tolist()}
    rows = _rows_of_clips(scores, list(annotated))
    both = [clip for clip in rows if clip in annotated]
    if not both:
        raise MetricError(
            f"no clip has both scores and events: {shortlist(rows) or 'none'} against "
            f"{shortlist(annotated) or 'none'}"
        )
    runs = merge_events(events, vocabulary, parents=parents)
    evaluated = np.zeros(len(events), np.bool_)
    evaluated[[annotated[clip] for clip in both]] = True
    inside = evaluated[runs.clip]
    counts = np.bincount(runs.column[inside], minlength=len(vocabulary))
    heard = _annotated(events, vocabulary)
    kept = np.flatnonzero((counts > 0) & heard)
    if not len(kept):
        among = "" if heard.all() else " that the clips were annotated for"
        raise MetricError(
            f"no class of the scores{among} has an event in the clips that have scores"
        )
    _refuse_unscored(scores, kept, np.concatenate([rows[clip] for clip in both]))

    truth: dict[str, list[tuple[float, float, str]]] = {clip: [] for clip in both}
    for clip, column, onset, offset in zip(*(a[inside].tolist() for a in runs), strict=True):
        if heard[column]:
            truth[ids[clip]].append((onset / 1000, offset / 1000, vocabulary.ids[column]))
    seconds = {clip: int(events.duration_ms[annotated[clip]]) / 1000 for clip in both}
    classes = [vocabulary.ids[c] for c in kept.tolist()]
    frames = {
        clip: evaluator.base_modules.scores.create_score_dataframe(
            *_frames(scores, clip, rows[clip], kept, seconds[clip]), classes
        )
        for clip in both
    }
    if lengths.any():
        frames = evaluator.base_modules.postprocessing.medfilt(frames, lengths[kept])
    overall, by_class = {}, {}
    for name, scenario in SCENARIOS.items():
        if len(kept) == 1:
            scenario = {**scenario, "alpha_ct": 0.0, "cttc_threshold": None}
        overall[name], found, *_ = evaluator.intersection_based.psds(
            frames, truth, seconds, **scenario, max_efpr=MAX_EFPR, num_jobs=jobs
        )
        by_class[name] = np.array([found[id_] for id_ in classes], np.float64)
    unsure = unsure_events(events, vocabulary, parents=parents)
    return Detection(
        psds1=float(overall["psds1"]),
        psds2=float(overall["psds2"]),
        vocabulary=vocabulary.take(kept),
        psds1_per_class=by_class["psds1"],
        psds2_per_class=by_class["psds2"],
        events=counts[kept],
        clips=len(both),
        seconds=sum(seconds.values()),
        classes_without_events=tuple(
            vocabulary.names[c] for c in np.flatnonzero((counts == 0) & heard)
        ),
        classes_not_annotated=tuple(vocabulary.names[c] for c in np.flatnonzero(~heard)),
        clips_without_scores=tuple(clip for clip in annotated if clip not in rows),
        clips_without_events=tuple(clip for clip in rows if clip not in annotated),
        unsure=int((evaluated[unsure.clip] & np.isin(unsure.column, kept)).sum()),
    )


def _annotated(events: Events, vocabulary: Vocabulary) -> npt.NDArray[np.bool_]:
    """The classes that the clips were annotated for: bool (K,)."""
    if events.annotated is None:
        return np.ones(len(vocabulary), np.bool_)
    ontology = events.ontology
    places = [ontology.index[ontology.resolve(id_) or id_] for id_ in vocabulary.ids]
    return np.isin(places, events.annotated)


def _import_evaluator() -> Any:
    import pandas

    with extra("psds"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one of its own dependencies uses pkg_resources
        import sed_scores_eval
    if int(pandas.__version__.split(".")[0]) >= 3:
        raise OptionError(
            f"sed_scores_eval computes PSDS with pandas 2 only, and this is {pandas.__version__}; "
            f"install it with: pip install 'pandas<3'"
        )
    return sed_scores_eval


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


def _frames(
    scores: Scores,
    clip: str,
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
    seconds: float,
) -> tuple[npt.NDArray[np.float32], Floats]:
    """Scores of the frames that begin in the clip, (T, K), and the times between them, (T + 1,)."""
    part = slice(int(rows[0]), int(rows[-1]) + 1)
    onset, offset = scores.onset[part], scores.offset[part]
    if onset.null_count or offset.null_count:
        raise MetricError(f"frames of clip {clip!r} have no times; PSDS needs onsets and offsets")
    starts, ends = whole_ms(onset), whole_ms(offset)
    if (ends <= starts).any() or (starts[1:] != ends[:-1]).any():
        raise MetricError(
            f"frames of clip {clip!r} overlap or leave gaps; PSDS needs one after the other"
        )
    begun = int((starts < seconds * 1000).sum())
    if not begun:
        raise MetricError(f"no frame of clip {clip!r} begins within its {seconds:g} seconds")
    times = np.append(starts[:begun] / 1000, min(ends[begun - 1] / 1000, seconds))
    return scores.scores[part][:begun, columns], times

"""PSD-ROC curves: true positive rate over effective false positives an hour, class by class.

Sources: Bilen et al., ICASSP 2020 (the criteria); Ebbers et al., ICASSP 2022 (all thresholds at
once). As the threshold falls, a detection appears at the lowest of its scores, and becomes part of
a longer one at the higher of the scores before and after it. So a class has at most as many
detections as frames. Whether one meets a criterion does not depend on the threshold, and counts are
cumulative sums over those that appear and disappear. Times are rounded as by sed_scores_eval.
"""

import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.intervals import Ints, changes
from audiolabels.errors import MetricError, extra

Floats = npt.NDArray[np.float64]
# Effective false positives an hour, ascending from 0, and the best rate up to each.
Curve = tuple[Floats, Floats]

MAX_EFPR = 100.0  # effective false positives an hour
BLOCK = 1 << 16  # detections whose overlaps with events are looked for at a time
FILTERED = 1 << 11  # frames filtered at a time, more if a clip has more
WORTH_PROCESSES = 5.0  # seconds


class Spans(NamedTuple):
    """Frames, detections or events.

    Attributes:
        clip: int64 (N,): numbers, ascending.
        onset, offset: int64 (N,): microseconds.
    """

    clip: Ints
    onset: Ints
    offset: Ints

    def share(self, part: float) -> Ints:
        """That part of each length, to the microsecond."""
        seconds = self.offset / 1e6 - self.onset / 1e6
        return np.rint(part * seconds * 1e6).astype(np.int64)


class Detections(NamedTuple):
    """The detections of a class at all thresholds.

    Attributes:
        spans: D.
        rise: (D,): the highest threshold of each.
        fall: (D,): the highest threshold at which it is part of a longer one, -inf if none is.
    """

    spans: Spans
    rise: Floats
    fall: Floats


class Overlaps(NamedTuple):
    """Pairs of a detection and an event: their numbers, and microseconds in common, int64 (P,)."""

    detection: Ints
    event: Ints
    shared: Ints


class Scenario(NamedTuple):
    """Criteria and weights of PSDS; without `cttc` there are no cross-triggers."""

    dtc: float
    gtc: float
    cttc: float | None
    alpha_ct: float
    alpha_st: float


@dataclass(frozen=True, eq=False)
class Truth:
    """What the scores of a class are compared with.

    Attributes:
        rows: int64 (N,): the rows of scores that are evaluated.
        frames: N.
        events: E; those of a class neither overlap nor touch.
        column: int64 (E,): their classes, ascending within a clip.
        seconds: length of all clips.
        scenarios: one or more.
    """

    rows: Ints
    frames: Spans
    events: Spans
    column: Ints
    seconds: float
    scenarios: Sequence[Scenario]

    def curves(self, task: tuple[int, npt.NDArray[Any], float]) -> list[Curve]:
        """The curve in each scenario, of a class, its scores, and seconds of a median filter."""
        column, scores, length = task
        frames, scores = self.frames, scores[self.rows]
        if length:
            frames, scores = _filter(frames, scores, length)
        found = _detect(frames, scores)
        pairs = _overlap(found.spans, self.events)
        return [self._curve(column, found, pairs, scenario) for scenario in self.scenarios]

    def _curve(self, column: int, found: Detections, pairs: Overlaps, scenario: Scenario) -> Curve:
        which, event, shared = pairs
        own = self.column[event] == column
        total = np.bincount(which[own], shared[own], len(found.rise))
        correct = total >= found.spans.share(scenario.dtc)
        cost = (~correct).astype(np.float64)  # in false positives
        if scenario.cttc is not None:
            other = np.flatnonzero(~own & ~correct[which])
            by, of = which[other], self.column[event[other]]
            first = np.flatnonzero(changes(by, of))
            by, of = by[first], of[first]
            crossed = np.add.reduceat(shared[other], first) >= found.spans.share(scenario.cttc)[by]
            length = np.bincount(self.column, self.events.offset - self.events.onset) / 1e6
            weight = scenario.alpha_ct * self.seconds / length / max(1, len(length) - 1)
            cost += np.bincount(by[crossed], weight[of[crossed]], len(cost))
        hit = np.flatnonzero(own & correct[which])
        level, gained = _count_hits(pairs, hit, found, self.events.share(scenario.gtc))
        levels = np.concatenate([found.rise, found.fall, level])
        order = np.argsort(-levels)
        levels = levels[order]
        last = _ends(levels) & (levels > -np.inf)
        none = np.zeros(len(level)), np.zeros(2 * len(cost))
        false = np.cumsum(np.concatenate([cost, -cost, none[0]])[order])[last]
        true = np.cumsum(np.concatenate([none[1], gained])[order])[last]
        return _best(false / self.seconds * 3600, true / np.sum(self.column == column))


def class_curves(
    truth: Truth,
    scores: Sequence[npt.NDArray[np.float32]],
    median_filters: Iterable[float],
    *,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[list[Curve]]:
    """The curves of K classes in each scenario.

    Args:
        truth: what they are compared with.
        scores: a column of each class.
        median_filters: K lengths in seconds, 0 for none.
        jobs: processes, which are started if one would take long.
        progress: called with classes done and classes in all, first with none done.

    Raises:
        MetricError: a process was killed.
    """
    tasks = [*zip(range(len(scores)), scores, median_filters, strict=True)]
    report = progress or (lambda done, total: None)
    report(0, len(tasks))
    started = time.monotonic()
    found = [truth.curves(tasks[0])]
    report(1, len(tasks))
    if (time.monotonic() - started) * len(tasks) < WORTH_PROCESSES:
        jobs = 1
    with _mapping(min(jobs, len(tasks) - 1)) as mapped:
        for curves in mapped(truth.curves, tasks[1:]):
            found.append(curves)
            report(len(found), len(tasks))
    return found


def mean_curve(*curves: Curve) -> tuple[Floats, Floats, Floats]:
    """Effective false positives an hour, ascending from 0, and the mean and the standard deviation
    of the curves up to each.
    """
    grid = np.unique(np.concatenate([efpr for efpr, _ in curves]))

    def rates() -> Iterator[Floats]:
        for efpr, rate in curves:
            yield rate[np.searchsorted(efpr, grid, "right") - 1]

    mean: Floats = sum(rates(), np.zeros(len(grid))) / len(curves)
    spread: Floats = np.sqrt(sum((rate - mean) ** 2 for rate in rates()) / len(curves))
    return grid, mean, spread


def area(*curves: Curve, alpha_st: float = 0.0) -> float:
    """The area under the mean of curves less `alpha_st` times their standard deviation, of 1."""
    grid, mean, spread = mean_curve(*curves)
    height = np.maximum(mean - alpha_st * spread, 0)
    return float(height @ np.diff(grid, append=MAX_EFPR) / MAX_EFPR)


def load_median_filter() -> Callable[..., Any]:
    """The median filter of sed_scores_eval; an OptionError if that is not installed."""
    with (
        extra("psds", "; PSDS without a filter does not need it"),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # one of its own dependencies uses pkg_resources
        from sed_scores_eval.base_modules.cy_medfilt import cy_medfilt
    return cy_medfilt  # type: ignore[no-any-return]


@contextmanager
def _mapping(jobs: int) -> Iterator[Callable[..., Any]]:
    """`map`, in processes if there are several."""
    if jobs < 2:
        yield map
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"))
    try:
        yield pool.map
    except BrokenProcessPool as error:
        raise MetricError(
            "a process that computes PSDS was killed, perhaps for want of memory; jobs=1 needs the "
            'least, and a script that gives more needs `if __name__ == "__main__":`'
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _filter(
    frames: Spans, scores: npt.NDArray[Any], length: float
) -> tuple[Spans, npt.NDArray[Any]]:
    """Frames and scores after the median filter, without frames of silence at the ends of a clip.

    Many clips are filtered at a time, with silence between them that is longer than the filter.
    """
    median_filter = load_median_filter()
    values, spans = [], []
    silence = 10**6 + int(np.ceil(length)) * 10**6
    starts = np.flatnonzero(changes(frames.clip))
    starts = starts[changes(starts // FILTERED)]
    for start, stop in pairwise([*starts.tolist(), len(scores)]):
        clip, onset, offset = (each[start:stop] for each in frames)
        last = np.flatnonzero(_ends(clip))
        begin = np.cumsum(np.append(0, offset[last] + silence))  # of each clip
        first = clip[0]
        clip = clip - first
        padded = np.full(len(clip) + len(last), -np.inf)
        times = np.empty(len(padded) + 1, np.int64)
        padded[np.arange(len(clip)) + clip] = scores[start:stop]
        times[np.arange(len(clip)) + clip] = onset + begin[clip]
        times[last + clip[last] + 1] = offset[last] + begin[:-1]
        times[-1] = begin[-1]
        filtered, seconds = median_filter(padded[:, None], times / 1e6, [length])
        some, times = filtered[:, 0] > -np.inf, np.rint(seconds * 1e6).astype(np.int64)
        onset, offset = times[:-1][some], times[1:][some]
        place = np.searchsorted(begin, onset, "right") - 1
        values.append(filtered[some, 0])
        spans.append((place + first, onset - begin[place], offset - begin[place]))
    return Spans(*map(np.concatenate, zip(*spans, strict=True))), np.concatenate(values)


def _detect(frames: Spans, scores: npt.NDArray[Any]) -> Detections:
    """The longest spans around each frame of which no frame scores lower."""
    place = np.arange(len(scores)) + frames.clip + 1
    # Between the clips, and at both ends, is silence.
    padded = np.full(len(scores) + frames.clip.max(initial=0) + 2, -np.inf)
    padded[place] = scores
    before = _next(padded, -1, np.greater)[place]
    after = _next(padded, 1, np.greater_equal)[place]
    # Of frames with equal scores in one span, the first counts.
    one = (padded[before] < padded[place]) & (scores > -np.inf)
    before, after, clip = before[one], after[one], frames.clip[one]
    spans = Spans(clip, frames.onset[before - clip], frames.offset[after - clip - 2])
    return Detections(spans, padded[place[one]], np.maximum(padded[before], padded[after]))


def _next(values: Floats, step: int, passes: np.ufunc) -> Ints:
    """The nearest place in one direction whose value does not pass each one's own."""
    near = (np.arange(len(values)) + step).clip(0, len(values) - 1)
    going = np.flatnonzero(values > -np.inf)
    while len(going := going[passes(values[near[going]], values[going])]):
        near[going] = near[near[going]]  # what lies between passes too
    return near


def _overlap(detections: Spans, events: Spans) -> Overlaps:
    """Pairs that have time in common, by detection and event."""
    clips = detections.clip
    first, stop = (np.searchsorted(events.clip, clips, side) for side in ("left", "right"))
    blocks = []
    for start in range(0, max(1, len(clips)), BLOCK):
        count = (stop - first)[start : start + BLOCK]
        which = np.repeat(np.arange(start, start + len(count)), count)
        event = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + first[which]
        onset = np.maximum(detections.onset[which], events.onset[event])
        shared = np.minimum(detections.offset[which], events.offset[event]) - onset
        some = shared > 0
        blocks.append((which[some], event[some], shared[some]))
    return Overlaps(*map(np.concatenate, zip(*blocks, strict=True)))


def _count_hits(
    pairs: Overlaps, hit: Ints, found: Detections, needed: Ints
) -> tuple[Floats, Floats]:
    """Thresholds at which events become true positives, 1, or no longer are, -1.

    Args:
        pairs, hit: overlaps, and the numbers of those with correct detections.
        found: the detections.
        needed: of each event, as common time with correct detections.
    """
    which = pairs.detection[hit]
    event, level = np.tile(pairs.event[hit], 2), np.append(found.rise[which], found.fall[which])
    order = np.lexsort((-level, event))
    event, level = event[order], level[order]
    # What appears disappears, so the sum is 0 after each event.
    total = np.cumsum(np.append(pairs.shared[hit], -pairs.shared[hit])[order])
    last = _ends(event, level)
    reached = total[last] >= needed[event[last]]
    return level[last], np.diff(reached.astype(np.float64), prepend=0)


def _ends(*keys: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether each row is the last one before another, or before the end."""
    return changes(*(key[::-1] for key in keys))[::-1]


def _best(efpr: Floats, rate: Floats) -> Curve:
    """The steps of the highest rate up to each number of false positives, from 0 on."""
    some = np.flatnonzero(efpr <= MAX_EFPR)
    order = some[np.lexsort((rate[some], efpr[some]))]
    efpr = np.append(0, efpr[order].clip(min=0))  # sums of floats may end just below 0
    rate = np.maximum.accumulate(np.append(0, rate[order]))
    higher = np.append(True, rate[1:] > rate[:-1])
    return efpr[higher], rate[higher]

"""PSDS against a slow oracle and sed_scores_eval, and what is done to its scores and events."""

import importlib.util
import os
import sys
from collections.abc import Mapping

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import psds as oracle

from audiolabels import Events, Scores, load_vocabulary, read_events
from audiolabels.errors import MetricError, OptionError
from audiolabels.metrics import psd_roc
from audiolabels.metrics.psds import Detection, psds
from audiolabels.schemes.event_spans import merge_events

lacks = importlib.util.find_spec("sed_scores_eval") is None
filters = pytest.mark.skipif(lacks, reason="needs the extra psds")
PANDAS_3 = int(pandas.__version__.split(".")[0]) >= 3
able = pytest.mark.skipif(lacks or PANDAS_3, reason="needs sed_scores_eval, and pandas 2")

CLASSES = ("Rain", "Dog", "Guitar")
OPTIONS = {
    "psds1": {"dtc": 0.7, "gtc": 0.7, "cttc": None, "alpha_ct": 0.0, "alpha_st": 1.0},
    "psds2": {"dtc": 0.1, "gtc": 0.1, "cttc": 0.3, "alpha_ct": 0.5, "alpha_st": 1.0},
}


def scores_of(
    clips: Mapping[str, list[list[float]]], classes: tuple[str, ...] = CLASSES, step: float = 1.0
) -> Scores:
    """A clip's frames × classes, each frame `step` seconds long."""
    ids = [clip for clip, frames in clips.items() for _ in frames]
    onset = [i * step for frames in clips.values() for i in range(len(frames))]
    values = [frame for frames in clips.values() for frame in frames]
    return Scores.from_arrays(
        ids, values, classes=classes, onset=onset, offset=[t + step for t in onset]
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict, dict]:
    """Frames of a minute, and events that neither overlap nor touch, of three clips."""
    frames, events = {}, {}
    for clip in "abc":
        count = draw(st.integers(4, 8))
        row = st.lists(st.sampled_from([0.1, 0.4, 0.6, 0.9]), min_size=3, max_size=3)
        frames[clip] = draw(st.lists(row, min_size=count, max_size=count))
        events[clip] = {}
        for name in CLASSES:
            cuts = draw(st.lists(st.integers(0, 4 * count), unique=True, max_size=4).map(sorted))
            pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
            events[clip][name] = [(15.0 * a, 15.0 * b) for a, b in pairs]
    return frames, events


@settings(max_examples=40)
@given(cases())
def test_both_scenarios_are_what_their_definition_says(case: tuple[dict, dict]) -> None:
    frames, truth = case
    if not any(spans for clip in truth.values() for spans in clip.values()):
        return
    given_events = {
        clip: [(name, *span) for name, spans in of_class.items() for span in spans]
        for clip, of_class in truth.items()
    }
    # So long that errors are few an hour, even those that events of other classes triggered.
    found = psds(scores_of(frames, step=60), Events.from_dict(given_events, duration=40_000))
    spans = {
        clip: {
            name: [((60.0 * i, 60.0 * i + 60), row[c]) for i, row in enumerate(rows)]
            for c, name in enumerate(CLASSES)
        }
        for clip, rows in frames.items()
    }
    sounding = {name for clip in truth.values() for name, events in clip.items() if events}
    truth = {
        clip: {name: events for name, events in of_class.items() if name in sounding}
        for clip, of_class in truth.items()
    }
    for name, overall, by_class in (
        ("psds1", found.psds1, found.psds1_per_class),
        ("psds2", found.psds2, found.psds2_per_class),
    ):
        wanted, each = oracle.psds(spans, truth, 120_000.0, OPTIONS[name])
        assert overall == pytest.approx(wanted, abs=1e-9)
        ordered = [each[label] for label in found.vocabulary.names]
        assert by_class.tolist() == pytest.approx(ordered, abs=1e-9)
    assert set(found.classes_without_events) == set(CLASSES) - sounding


def many(seed: int, clips: int = 40, classes: int = 7) -> tuple[Scores, dict, dict]:
    """Scores, events and lengths of clips, of uneven sizes, with equal scores in half the cases."""
    draw = np.random.default_rng(seed)
    names = load_vocabulary("audioset").names[:classes]
    ids, starts, values, events, lengths = [], [], [], {}, {}
    step = int(draw.choice([333, 960, 20_000]))
    for clip in map("clip {}".format, range(clips)):
        frames = int(draw.integers(1, 25))
        length = int(draw.integers(step * (frames - 1) + 1, step * (frames + 1)))
        onset = np.arange(frames) * step
        score = draw.random((frames, classes))
        events[clip], lengths[clip] = [], length / 1000
        for column in draw.integers(0, classes, draw.integers(0, 6)).tolist():
            first, stop = np.sort(draw.choice(length + 1, 2, replace=False)).tolist()
            events[clip].append((names[column], first / 1000, stop / 1000))
            score[(onset + step > first) & (onset < stop), column] += 0.8
        ids += [clip] * frames
        starts += (onset / 1000).tolist()
        values.append(np.minimum(score / 1.8, 1).round(1 if seed % 2 else 9))
    ends = [start + step / 1000 for start in starts]
    scores = Scores.from_arrays(
        ids, np.concatenate(values), classes=names, onset=starts, offset=ends
    )
    return scores, events, lengths


def evaluated(
    scores: Scores, events: dict, lengths: dict, filters: float | None
) -> dict[str, list[float]]:
    """PSDS as sed_scores_eval computes it, of all classes and of each."""
    psd_roc.load_median_filter()  # which keeps the warnings of the first import down
    import sed_scores_eval

    classes = list(scores.vocabulary.ids)
    ids, onset, offset = scores.clip_id.to_pylist(), *map(np.array, (scores.onset, scores.offset))
    frames = {}
    for clip in lengths:
        own = [row for row, name in enumerate(ids) if name == clip and onset[row] < lengths[clip]]
        times = np.append(onset[own], min(offset[own[-1]], lengths[clip]))
        table = sed_scores_eval.base_modules.scores.create_score_dataframe
        frames[clip] = table(scores.scores[own], times, classes)
    if filters:
        frames = sed_scores_eval.base_modules.postprocessing.medfilt(frames, filters)
    given = Events.from_dict(events, duration=lengths)
    names, truth = given.clip_id.to_pylist(), {clip: [] for clip in lengths}
    for clip, column, first, stop in zip(*merge_events(given, scores.vocabulary), strict=True):
        truth[names[clip]].append((first / 1000, stop / 1000, classes[column]))
    found = {}
    for name, options in OPTIONS.items():
        options = {f"{k}_threshold" if k[0] != "a" else k: v for k, v in options.items()}
        overall, each, *_ = sed_scores_eval.intersection_based.psds(
            frames, truth, lengths, **options, max_efpr=100.0
        )
        found[name] = [overall, *(each[id_] for id_ in classes)]
    return found


@able
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("filters", [None, 0.333, 1.5])
def test_the_figures_are_those_of_sed_scores_eval(seed: int, filters: float | None) -> None:
    scores, events, lengths = many(seed)
    found = psds(scores, Events.from_dict(events, duration=lengths), median_filter=filters)
    wanted = evaluated(scores, events, lengths, filters)
    assert max(wanted["psds1"]) > 0.1
    assert 0 < wanted["psds2"][0] < 1
    for name in OPTIONS:
        each = [getattr(found, name), *getattr(found, f"{name}_per_class")]
        assert each == pytest.approx(wanted[name], abs=1e-12)


def test_several_processes_find_what_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    scores, events, lengths = many(1)
    given_events, seen = Events.from_dict(events, duration=lengths), []
    alone = psds(scores, given_events, jobs=2)  # too small for processes
    monkeypatch.setattr(psd_roc, "WORTH_PROCESSES", 0)
    found = psds(scores, given_events, jobs=2, progress=lambda *numbers: seen.append(numbers))
    assert found.numbers() == alone.numbers()
    assert found.per_class() == alone.per_class()
    assert seen == [(done, 7) for done in range(8)]


def test_a_process_that_is_killed_is_said() -> None:
    with pytest.raises(MetricError, match=r"a process that computes PSDS was killed.*jobs=1"):  # noqa: SIM117
        with psd_roc._mapping(2) as mapped:
            list(mapped(os._exit, [1]))


def perfect(**options: object) -> Detection:
    clips = {"a": [[0.9, 0.0], [0.9, 0.0], [0.0, 0.8]], "b": [[0.0, 0.0], [0.0, 0.7], [0.0, 0.0]]}
    events = {"a": [("Rain", 0, 2), ("Dog", 2, 3)], "b": [("Dog", 1, 2)]}
    return psds(scores_of(clips, ("Rain", "Dog")), Events.from_dict(events, duration=3), **options)


def test_scores_that_know_the_events_reach_one() -> None:
    found = perfect()
    assert (found.psds1, found.psds2) == (1, 1)
    assert found.events.tolist() == [1, 2]
    assert (found.clips, found.seconds) == (2, 6)
    assert found.numbers()["psds_classes"] == 2
    assert found.per_class()["name"] == ["Rain", "Dog"]


def test_events_of_a_class_that_overlap_are_one() -> None:
    scores = scores_of({"a": [[0.9], [0.9], [0.0]]}, ("Rain",))
    events = Events.from_dict({"a": [("Rain", 0, 1.5), ("Rain", 1, 2)]}, duration=3)
    found = psds(scores, events)
    assert (found.events.tolist(), found.psds1, found.psds2) == ([1], 1, 1)


@filters
def test_the_median_filter_takes_its_length_in_seconds() -> None:
    def once(length: object) -> float:
        spiky = [[0.1], [0.9], [0.1], [0.1], [0.8], [0.8], [0.8], [0.1], [0.1], [0.1]]
        scores = scores_of({"a": spiky}, ("Rain",), 0.5)
        events = Events.from_dict({"a": [("Rain", 2, 3.5)]}, duration=5)
        return psds(scores, events, median_filter=length).psds1  # type: ignore[arg-type]

    assert once(None) == once(0) == once(0.5) == 0  # the spike comes first: 720 an hour
    assert once(1.5) == once({"/m/06mb1": 1.5}) == 1
    assert once(4) == 0  # and too long a filter takes the event too


def test_frames_beyond_the_clip_are_cut() -> None:
    frames = {"a": [[0.9], [0.0], [0.9]]}
    short = Events.from_dict({"a": [("Rain", 0, 1)]}, duration=1.5)
    assert psds(scores_of(frames, ("Rain",)), short).psds1 == 1
    long = Events.from_dict({"a": [("Rain", 0, 1)]}, duration=3)
    assert psds(scores_of(frames, ("Rain",)), long).psds1 < 1


def test_parents_bear_their_childrens_events() -> None:
    scores = scores_of({"a": [[0.9, 0.9], [0.0, 0.0]]}, ("Animal", "Dog"))
    events = Events.from_dict({"a": [("Dog", 0, 1)]}, duration=2)
    assert psds(scores, events).classes_without_events == ("Animal",)
    assert psds(scores, events, parents="all").events.tolist() == [1, 1]


def test_what_is_left_out_is_named() -> None:
    scores = scores_of({"a": [[0.9]], "b": [[0.1]], "d": [[0.1]]}, ("Rain",))
    events = Events.from_dict({"a": [("Rain", 0, 1)], "b": [], "c": [], "d": None}, duration=1)
    found = psds(scores, events)
    assert found.clips == 2
    assert found.clips_without_scores == ("c",)
    assert found.clips_without_events == ("d",)
    assert "2 clips, 1 classes" in repr(found)


def test_classes_that_nobody_listened_for_are_left_out() -> None:
    scores = scores_of({"a": [[0.9, 0.1], [0.0, 0.9]]}, ("Rain", "Dog"))
    rows = {"filename": ["a"] * 2, "onset": [0, 1], "offset": [1, 2], "label": ["Rain", "Dog"]}
    found, whole = (
        psds(scores, read_events(rows, clip_duration=2, annotated=names))
        for names in (["Rain"], None)
    )
    assert found.classes_not_annotated == ("Dog",)
    assert (found.vocabulary.names, found.classes_without_events) == (("Rain",), ())
    assert (whole.classes_not_annotated, len(whole.vocabulary)) == ((), 2)
    with pytest.raises(MetricError, match="annotated for has an event"):
        psds(scores, read_events(rows, clip_duration=2, annotated=["Cat"]))


def test_events_with_values_are_refused_for_want_of_a_threshold() -> None:
    rows = {"filename": ["a"], "onset": [0], "offset": [1], "label": ["Rain"], "value": [0.5]}
    events = read_events(rows, clip_duration=2, values="soft")
    with pytest.raises(OptionError, match="give a threshold"):
        psds(scores_of({"a": [[0.9]]}, ("Rain",)), events)


def test_clips_are_matched_by_the_rule_for_all_look_ups() -> None:
    events = Events.from_dict({"abcdefghijk_30000": [("Rain", 0, 1)]}, duration=1)
    found = psds(scores_of({"abcdefghijk": [[0.9]], "b": [[0.9]]}, ("Rain",)), events)
    assert (found.clips, found.clips_without_events, found.psds1) == (1, ("b",), 1)
    assert found.clips_without_scores == ()
    twice = scores_of({"abcdefghijk": [[0.9]], "abcdefghijk_30": [[0.9]]}, ("Rain",))
    with pytest.raises(MetricError, match="are one with events: abcdefghijk_30000"):
        psds(twice, events)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (([0, 2], [1, 3]), "overlap or leave gaps"),
        (([0, 0.5], [1, 1.5]), "overlap or leave gaps"),
        (([0, 1], [1, None]), "have no times"),
        (([5, 6], [6, 7]), "no frame of clip 'a' begins within its 2 seconds"),
    ],
)
def test_odd_frames_are_refused(times: tuple, message: str) -> None:
    scores = Scores.from_arrays(
        ["a", "a"], [[0.9], [0.1]], classes=["Rain"], onset=times[0], offset=times[1]
    )
    with pytest.raises(MetricError, match=message):
        psds(scores, Events.from_dict({"a": [("Rain", 0, 1)]}, duration=2))


def test_nothing_in_common_is_said() -> None:
    scores = scores_of({"a": [[0.9]]}, ("Rain",))
    with pytest.raises(MetricError, match="no clip has both scores and events: a against b"):
        psds(scores, Events.from_dict({"b": [("Rain", 0, 1)]}))
    with pytest.raises(MetricError, match="no class of the scores has an event"):
        psds(scores, Events.from_dict({"a": [("Dog", 0, 1)]}))
    apart = Scores.from_arrays(["a", "b", "a"], [[0.9]] * 3, classes=["Rain"])
    with pytest.raises(MetricError, match="frames of clip 'a' are not consecutive"):
        psds(apart, Events.from_dict({"a": [("Rain", 0, 1)]}))


def test_a_class_without_scores_is_refused() -> None:
    scores = scores_of({"a": [[0.9]]}, ("Rain",)).over(load_vocabulary(["Rain", "Dog"]))
    with pytest.raises(MetricError, match=r"1 classes with events have no score .*: Dog"):
        psds(scores, Events.from_dict({"a": [("Rain", 0, 1), ("Dog", 0, 1)]}, duration=1))


@filters
def test_odd_filters_are_refused() -> None:
    with pytest.raises(OptionError, match="length of a median filter"):
        perfect(median_filter=-1)
    with pytest.raises(OptionError, match="no length of the median filter for /m/0bt9lr"):
        perfect(median_filter={"/m/06mb1": 1.0})


def test_only_the_median_filter_needs_sed_scores_eval(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules]:
        if name.partition(".")[0] == "sed_scores_eval":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sed_scores_eval", None)
    assert perfect().psds1 == 1
    with pytest.raises(OptionError, match=r"pip install 'audiolabels\[psds\]'; PSDS without a"):
        perfect(median_filter=1)

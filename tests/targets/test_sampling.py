"""Weights, balanced order and mixtures against their definitions."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases

from audiolabels import Annotations, Events, LabelSource, expand
from audiolabels.errors import OptionError
from audiolabels.targets import Mixture, balanced_order, sampling_weights

NAMES = ["Rain", "Guitar", "Bark"]
WEAK = LabelSource(
    expand(
        Annotations.from_dict({"a": ["Rain"], "b": ["Rain", "Guitar"], "c": ["Rain"], "d": []}),
        "weak",
        vocabulary=NAMES,
    )
)
EVENTS = Events.from_dict({"e": [("Guitar", 0, 1), ("Guitar", 4, 5)], "f": [("Rain", 0, 10)]})
STRONG = LabelSource(expand(EVENTS, "strong-framed", vocabulary=NAMES, negatives="both"))


@given(cases(), st.sampled_from([("ast", 0.01), ("passt", 100)]))
def test_a_clip_weighs_what_its_classes_weigh(case: tuple, project: tuple[str, float]) -> None:
    labels, vocabulary = case
    if not len(labels):
        return
    source = LabelSource(expand(labels, "pel", vocabulary=vocabulary))
    positive = source.take(np.arange(len(source))).target
    counts = positive.sum(axis=0)
    name, offset = project
    right = [sum(1000 / (counts[c] + offset) for c in np.flatnonzero(row)) for row in positive]
    assert sampling_weights(source, name) == pytest.approx(right)


def test_frames_count_once_a_clip() -> None:
    weights = sampling_weights(STRONG, "passt")
    assert weights == pytest.approx([1000 / 101, 1000 / 101])
    with pytest.raises(OptionError, match="project 'psla' is not offered"):
        sampling_weights(STRONG, "psla")


def test_every_class_has_its_turn() -> None:
    order = balanced_order(WEAK, 60, seed=3)
    assert order.tolist() == balanced_order(WEAK, 60, seed=3).tolist()
    assert order.tolist() != balanced_order(WEAK, 60, seed=4).tolist()
    drawn = Counter(order.tolist())
    # Guitar's only clip gets every second turn, and some of Rain's; the clip without a class none.
    assert drawn[1] == 40
    assert drawn[0] == drawn[2] == 10
    assert 3 not in drawn
    silent = LabelSource(expand(Annotations.from_dict({"d": []}), "weak", vocabulary=NAMES))
    with pytest.raises(OptionError, match="no clip has a positive class"):
        balanced_order(silent, 1, seed=0)


def test_a_mixture_keeps_to_its_probabilities() -> None:
    mixture = Mixture([STRONG, WEAK], [0.8, 0.2])
    which, clips = mixture.draw(20_000, seed=1)
    assert (which == 0).mean() == pytest.approx(0.8, abs=0.01)
    assert Counter(clips[which == 1].tolist()).keys() == {0, 1, 2, 3}
    again, _ = mixture.draw(20_000, seed=1)
    assert (which == again).all()


def test_labels_of_clips_hold_in_every_frame() -> None:
    mixture = Mixture([STRONG, WEAK], [0.5, 0.5])
    target, mask = mixture.take(np.array([1, 0, 1]), np.array([1, 0, 3]))
    assert target.shape == mask.shape == (3, 10, 3)
    assert (target[0] == WEAK["b"].target).all()
    assert (target[1] == STRONG["e"].target).all()
    assert (mask[1] == STRONG["e"].mask).all()
    assert mask[2].all()
    assert not target[2].any()


@pytest.mark.parametrize(
    ("sources", "shares", "message"),
    [
        ([STRONG, WEAK], [0.8], "2 sources need as many probabilities"),
        ([STRONG, WEAK], [0.8, 0.8], "add up to one"),
        ([STRONG, WEAK], [1.5, -0.5], "add up to one"),
    ],
)
def test_a_bad_mixture_is_refused(sources: list, shares: list[float], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Mixture(sources, shares)


def test_sources_must_fit_together() -> None:
    other = LabelSource(expand(Annotations.from_dict({"a": ["Rain"]}), "weak"))
    with pytest.raises(OptionError, match="different vocabularies"):
        Mixture([WEAK, other], [0.5, 0.5])
    events = Events.from_dict({"e": [("Guitar", 0, 1)]}, duration=5)
    short = LabelSource(expand(events, "strong-framed", vocabulary=NAMES))
    with pytest.raises(OptionError, match=r"\[5, 10\] frames per clip"):
        Mixture([STRONG, short], [0.5, 0.5])
    frames = [
        LabelSource(expand(EVENTS, "strong-framed", vocabulary=NAMES, frame_length=length))
        for length in (0.96, 1.0)
    ]
    with pytest.raises(OptionError, match=r"frames of 0.96 s every 0.96 s, 1.0 s every 1.0 s"):
        Mixture(frames, [0.5, 0.5])


def test_mixtures_hand_out_weights_if_a_source_does() -> None:
    targets = expand(Annotations.from_dict({"a": ["Rain"], "b": []}), "weak", vocabulary=NAMES)
    weight = np.array([[2, 1, 1], [1, 1, 3]], np.float16)
    weighted = LabelSource(replace(targets, weight=weight), weights=True)
    mixture = Mixture([weighted, STRONG], [0.5, 0.5])
    which, clips = np.array([0, 1, 0]), np.array([1, 0, 0])
    target, mask, found = mixture.take(which, clips)
    assert target.shape == mask.shape == found.shape == (3, 10, 3)
    assert (found[0] == [1, 1, 3]).all()
    assert (found[1] == 1).all()
    assert (found[2] == [2, 1, 1]).all()
    assert len(Mixture([WEAK, STRONG], [0.5, 0.5]).take(which, clips)) == 2

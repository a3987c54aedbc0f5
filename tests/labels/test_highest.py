"""The highest scores of clips against a plain loop, and float16 against float32."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Scores
from audiolabels.labels.scores import ONE, by_value, ordered, reach

HALVES = np.arange(ONE + 1, dtype=np.uint16).view(np.float16)  # all from 0 to 1


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.integers(0, 100))
def test_the_highest_of_a_clip_is_that_of_its_segments(sizes: list[int], seed: int) -> None:
    values = np.random.default_rng(seed).random((sum(sizes), 3)).astype(np.float32)
    ids = [f"clip {clip}" for clip, size in enumerate(sizes) for _ in range(size)]
    scores = Scores.from_arrays(ids, values, classes=["Rain", "Dog", "Cat"])
    expected = [
        [
            max(values[row, c] for row in range(len(ids)) if ids[row] == f"clip {clip}")
            for c in range(3)
        ]
        for clip in range(len(sizes))
    ]
    assert scores.highest().scores.tolist() == expected


@given(st.floats(0, 1, exclude_min=True, width=32))
def test_halves_reach_a_level_as_floats_do(level: float) -> None:
    expected = HALVES.astype(np.float32) >= np.float32(level)
    assert (reach(HALVES, level) == expected).all()
    assert (reach(HALVES.astype(np.float32), level) == expected).all()


def test_bits_of_halves_are_in_the_order_of_the_numbers() -> None:
    assert HALVES[0] == 0
    assert HALVES[-1] == 1
    assert (np.diff(HALVES.astype(np.float64)) > 0).all()
    others = np.array([-0.0, -0.5, 1.001, np.inf, np.nan], np.float16)
    assert (ordered(others) > ONE).all()


@given(st.integers(0, 100))
def test_halves_are_worked_on_as_floats_are(seed: int) -> None:
    ids = ["a", "a", "b", "c", "c"]
    rows = np.random.default_rng(seed).choice(HALVES, (5, 3))
    halves, floats = (rows, rows.astype(np.float32))
    assert (by_value(lambda x: 0.3 * x, halves) == 0.3 * floats).all()
    scores = Scores.from_arrays(ids, floats, classes=["Music", "Guitar", "Dog"])
    small = replace(scores, scores=halves)
    for work in (Scores.highest, Scores.propagate):
        assert work(small).scores.dtype == np.float16
        assert work(small).scores.tolist() == work(scores).scores.tolist()

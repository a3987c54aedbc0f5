"""The highest scores of clips against a plain loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Scores


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

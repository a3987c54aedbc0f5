"""Clips drawn again: each draw against the metric of the rows that were drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import scored_cells as cases

from audiolabels.metrics.bootstrap import draw_again, draw_lost, interval, resampled_precision
from audiolabels.metrics.ranking import average_precision


@given(cases(), st.integers(0, 99), st.integers(1, 200))
def test_a_draw_is_measured_as_its_rows_are(case: tuple, seed: int, draws: int) -> None:
    scores, target, mask = case
    clips = np.arange(len(scores)) // 2
    weights = draw_again(clips, draws, seed=seed)
    positive, known = (target & mask) > 0, mask > 0
    found = resampled_precision(scores, positive, known, weights)
    assert found.shape == (draws, scores.shape[1])
    for draw in (0, draws - 1):
        rows = np.repeat(np.arange(len(scores)), weights[:, draw])
        wanted = average_precision(scores[rows], target[rows], mask[rows])
        np.testing.assert_allclose(found[draw], wanted)


@given(st.integers(1, 9), st.integers(0, 9))
def test_clips_are_drawn_with_all_their_rows(count: int, lost: int) -> None:
    clips = np.repeat(np.arange(count), 3)
    again, more = draw_again(clips, 20), draw_lost(clips, lost, 20)
    for weights, drawn in ((again, count), (more, count + lost)):
        each = weights.reshape(count, 3, 20)
        assert (each == each[:, :1]).all()
        assert (each[:, 0].sum(axis=0) == drawn).all()
    assert (more >= 1).all()
    assert (draw_again(clips, 20) == again).all()


def test_more_lost_clips_than_two_bytes_count_are_all_drawn() -> None:
    assert draw_lost(np.zeros(2, np.int64), 70_000, 2).tolist() == [[70_001] * 2] * 2


def test_the_interval_of_a_mean_is_that_of_its_standard_error() -> None:
    """Precision of equal scores is the share of positives, whose error is known."""
    generator = np.random.default_rng(0)
    n, share = 2000, 0.3
    target = generator.random((n, 1)) < share
    weights = draw_again(np.arange(n), 1000)
    found = resampled_precision(np.ones((n, 1)), target, np.ones((n, 1), bool), weights)
    low, high = interval(found[:, 0], 0.95)
    error = 1.96 * np.sqrt(share * (1 - share) / n)
    assert float(high - low) == pytest.approx(2 * error, rel=0.1)
    assert float(low) < target.mean() < float(high)


def test_an_interval_of_nothing_is_nan() -> None:
    low, high = interval(np.array([[1.0, np.nan], [3.0, np.nan]]), 0.5)
    assert low[0] == 1.5
    assert np.isnan([low[1], high[1]]).all()

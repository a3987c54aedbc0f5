"""Odds ratios by hand."""

import math

import numpy as np
import pytest

from audiolabels.comparison.odds_ratios import odds_ratio
from audiolabels.errors import (
    OptionError,
)


def test_odds_ratio_and_interval_by_hand() -> None:
    # 20 · 60 / (10 · 30) = 4; the error of its logarithm is √(1/20 + 1/10 + 1/30 + 1/60) = √0.2.
    ratio, low, high, corrected = odds_ratio(np.array([20, 10, 30, 60]))
    reach = math.exp(1.959963984540054 * math.sqrt(0.2))
    assert (float(ratio), bool(corrected)) == (pytest.approx(4), False)
    assert (float(low), float(high)) == (pytest.approx(4 / reach), pytest.approx(4 * reach))
    assert float(odds_ratio(np.array([20, 10, 30, 60]), 0.5)[1]) > float(low)


def test_a_zero_adds_a_half_to_all_four_counts() -> None:
    # 7.5 · 10.5 / (0.5 · 2.5) = 63
    ratio, low, high, corrected = odds_ratio(np.array([7, 0, 2, 10]))
    error = math.sqrt(1 / 7.5 + 1 / 0.5 + 1 / 2.5 + 1 / 10.5)
    assert (float(ratio), bool(corrected)) == (pytest.approx(63), True)
    assert math.log(high / low) == pytest.approx(2 * 1.959963984540054 * error)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_no_share_is_refused(level: float) -> None:
    with pytest.raises(OptionError, match="not between 0 and 1"):
        odds_ratio(np.array([1, 1, 1, 1]), level)

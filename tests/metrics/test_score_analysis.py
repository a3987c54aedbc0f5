"""What a teacher finds in clips: figures worked by hand, and laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiolabels import Annotations, Scores, expand
from audiolabels.errors import OptionError
from audiolabels.metrics import analyse_scores

NAMES = ["Guitar", "Rain", "Speech"]
SCORES = Scores.from_arrays(
    ["a", "a", "b", "c", "d"],
    [[0.5, 0.0, 0.0], [0.0, 0.75, 0.25], [0.25, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]],
    classes=NAMES,
    onset=[0, 5, 0, 0, 0],
)
LABELS = Annotations.from_dict(
    {"a": ["Guitar", "Rain"], "b": ["Rain"], "c": NAMES, "d": None, "e": ["Rain"]}
)


def test_figures_by_hand() -> None:
    """Found 2, 0, 1 and 3 classes; of the given ones all of 2, none of 1, one of 3."""
    analysis = analyse_scores(SCORES, LABELS)
    table = analysis.labels_per_clip()
    assert table["found"].tolist() == [1, 1, 1, 1]
    assert table["given"].tolist() == [0, 1, 1, 1]
    coverage = analysis.label_coverage()
    assert coverage.loc[[0.0, 0.3, 1.0], "clips"].tolist() == [1, 1, 1]
    assert coverage["share"].sum() == pytest.approx(1)
    assert analysis.empty == 0.25
    assert analysis.mean_coverage == pytest.approx((1 + 0 + 1 / 3) / 3)
    assert analysis.counts.segments_empty == 1
    classes = analysis.classes()
    assert classes["given"].tolist() == [2, 3, 1]
    assert classes["found"].tolist() == [3, 2, 1]
    assert repr(analysis) == (
        "ScoreAnalysis(4 clips, 1.50 classes at 0.5 per clip, 25.0% of clips empty, "
        "label coverage 44.4%)"
    )
    assert analysis._repr_html_().count("<table") == 2


def test_another_level_is_reached_by_equality() -> None:
    analysis = analyse_scores(SCORES, level=0.75)
    assert analysis.labels_per_clip()["found"].tolist() == [1, 2, 0, 1]
    assert list(analysis.labels_per_clip()) == ["found"]
    assert np.isnan(analysis.mean_coverage)
    assert "coverage" not in repr(analysis)
    assert analysis._repr_html_().count("<table") == 1


def test_soft_targets_are_looked_at_like_scores() -> None:
    soft = expand(SCORES, "pseudo-strong", vocabulary=NAMES)
    one, other = (analyse_scores(x, LABELS) for x in (soft, SCORES))
    assert one.label_coverage().equals(other.label_coverage())
    assert one.agreement == other.agreement


@settings(max_examples=30)
@given(st.integers(1, 20), st.integers(0, 2**32))
def test_every_clip_is_counted_once(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"clip {i}" for i in range(n)]
    scores = Scores.from_arrays(names, rng.random((n, 3)), classes=NAMES)
    given = Annotations.from_dict(
        {name: [c for c in NAMES if rng.random() < 0.4] for name in names}
    )
    analysis = analyse_scores(scores, given)
    table = analysis.labels_per_clip()
    assert table["found"].sum() == table["given"].sum() == n
    assert analysis.label_coverage()["clips"].sum() == analysis.counts.labelled
    assert analysis.label_coverage()["clips"][1.0] == analysis.counts.covered


def test_nothing_to_look_at_is_said() -> None:
    with pytest.raises(OptionError, match="no scores to look at"):
        analyse_scores(SCORES.slice(0, 0))
    with pytest.raises(OptionError, match="level 2: give a number"):
        analyse_scores(SCORES, level=2)

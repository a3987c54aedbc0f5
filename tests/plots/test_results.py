"""Comparisons, what a teacher finds, evaluations and runs as pictures."""

from pathlib import Path

import numpy as np
import pytest

from audiolabels import Annotations, Events, Scores, compare, evaluate, load_vocabulary
from audiolabels.errors import MetricError, OptionError, UnknownClassError
from audiolabels.metrics import analyse_scores
from audiolabels.metrics.psds import psds
from audiolabels.plots import (
    average_precision,
    compare_evaluations,
    found_per_clip,
    label_coverage,
    odds_ratios,
    priors,
    psd_roc,
    score_histogram,
    training_curves,
)
from audiolabels.plots.style import SMALL, axes_or_new, name_points

WEAK = Annotations.from_dict(
    {"a": ["Speech"], "b": ["Speech", "Dog"], "c": ["Rain"], "d": ["Dog"], "e": ["Speech"]}
)
STRONG = Annotations.from_dict(
    {"a": ["Speech", "Rain"], "b": ["Dog"], "c": ["Rain"], "d": ["Dog"], "e": ["Rain"]}
)
CLASSES = load_vocabulary(["Speech", "Dog", "Rain"])
TARGET = [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]]


def test_priors_are_those_of_the_comparison() -> None:
    axes = priors(compare(WEAK, STRONG))
    points = np.sort(axes.collections[0].get_offsets(), axis=0)
    np.testing.assert_allclose(points, [[0.2, 0.2], [0.4, 0.4], [0.6, 0.6]])
    assert sorted(t.get_text() for t in axes.texts) == ["Rain", "Speech"]  # Dog did not change


def test_odds_ratios_have_intervals() -> None:
    found = compare(WEAK, STRONG)
    axes = odds_ratios(found, "Speech", minimum=1)
    table = found.odds_ratios("Speech")
    (bars,) = axes.containers
    np.testing.assert_allclose(bars.lines[0].get_xdata(), table["odds_ratio"][::-1])
    low = [path.vertices[:, 0].min() for path in bars.lines[2][0].get_paths()]
    np.testing.assert_allclose(low, table["low"][::-1])
    assert [t.get_text() for t in axes.get_yticklabels()] == table["name_b"][::-1].tolist()
    with pytest.raises(OptionError, match="no pair of classes in 9 clips"):
        odds_ratios(found, minimum=9)
    with pytest.raises(UnknownClassError):
        found.plot.odds_ratios("Guitar")


SCORES = Scores.from_arrays(
    ["a", "b", "b", "z"], [[0.9, 0.1, 0.0], [0.2, 0.3, 0.0], [0.4, 0.8, 0.0], [1, 1, 1]],
    classes=CLASSES,
)  # fmt: skip


def test_scores_of_given_and_other_classes() -> None:
    axes = score_histogram(SCORES, WEAK)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["given (3)", "not given (3)"]  # of a and b; z has no labels
    given = axes.patches[0].get_path().vertices
    assert given[:, 1].max() == pytest.approx(100 / 3)
    with pytest.raises(MetricError, match="no clip has scores and labels"):
        score_histogram(SCORES, Annotations.from_dict({"q": ["Rain"]}))


def test_what_a_teacher_finds() -> None:
    analysis = analyse_scores(SCORES, WEAK)
    table = analysis.labels_per_clip()
    axes = found_per_clip(analysis)
    for bars, name in zip(axes.containers, table.columns, strict=True):
        heights = np.array([bar.get_height() for bar in bars])
        np.testing.assert_allclose(heights, 100 * table[name] / table[name].sum())
    covered = [bar.get_height() for bar in label_coverage(analysis).patches]
    np.testing.assert_allclose(covered, 100 * analysis.label_coverage()["share"])
    assert analysis.plot().get_ylabel() == "% of clips"


def test_average_precision_and_two_evaluations() -> None:
    good = evaluate([[3, 0, 0], [2, 2, 1], [0, 0, 9], [0, 1, 2]], TARGET, vocabulary=CLASSES)
    poor = evaluate([[0, 0, 1], [2, 2, 0], [9, 1, 0], [0, 0, 2]], TARGET, vocabulary=CLASSES)
    points = average_precision(good).collections[0].get_offsets()
    np.testing.assert_allclose(points, np.stack([good.positives, good.average_precision], 1))
    axes = compare_evaluations(poor, good)
    np.testing.assert_allclose(
        axes.collections[0].get_offsets(),
        np.stack([poor.average_precision, good.average_precision], 1),
    )
    change = good.share_improved(poor)
    assert axes.get_title() == f"better in B: {change.higher}, in A: {change.lower}"
    assert change.higher > 0
    with pytest.raises(MetricError, match="other classes"):
        poor.plot.compare_evaluations(evaluate([[1], [0]], [[1], [0]]))


def test_curves_of_psds_have_the_areas_of_the_score() -> None:
    rng = np.random.default_rng(0)
    clips = np.repeat([f"c{i}" for i in range(8)], 10).tolist()
    onset = np.tile(np.arange(10.0), 8).tolist()
    scores = Scores.from_arrays(
        clips, rng.random((80, 2)), classes=["Speech", "Dog"], onset=onset,
        offset=[t + 1 for t in onset],
    )  # fmt: skip
    events = Events.from_dict(
        {f"c{i}": [("Speech", i % 5, i % 5 + 3), ("Dog", 6, 8)] for i in range(8)}
    )
    found = psds(scores, events)
    axes = psd_roc(found)
    assert [line.get_label() for line in axes.lines] == [
        f"PSDS1 {found.psds1:.3f}", f"PSDS2 {found.psds2:.3f}"
    ]  # fmt: skip
    for name, (rate, mean, spread) in found.roc.items():
        height = np.maximum(mean - spread, 0)
        assert height @ np.diff(rate, append=100) / 100 == pytest.approx(getattr(found, name))
    np.testing.assert_array_equal(axes.lines[0].get_ydata()[:-1], found.roc["psds1"][1])
    assert axes.lines[0].get_xdata()[-1] == 100


def test_names_move_only_where_they_would_meet() -> None:
    axes = axes_or_new(None)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    name_points(axes, [0.1, 0.9, 0.1, 0.11], [0.5, 0.5, 0.1, 0.1], ["Cat", "Dog", "Rain", "Water"])
    moved = {text.get_text(): text.xyann[1] for text in axes.texts}
    assert moved.pop("Water") >= SMALL
    assert moved == {"Cat": 0, "Dog": 0, "Rain": 0}


def test_training_curves_are_the_log(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    from audiolabels.training.training_loop import MAP

    for version, rows in enumerate(["0,1.5,\n0,,0.1\n", "1,0.5,\n1,,0.3\n1,,0.4\n"]):
        log = tmp_path / "log" / f"version_{version}"
        log.mkdir(parents=True)
        (log / "metrics.csv").write_text(f"epoch,loss,{MAP}\n{rows}")
    axes = training_curves(tmp_path)
    assert axes.lines[0].get_xydata().tolist() == [[0, 1.5], [1, 0.5]]
    (right,) = [other for other in axes.figure.axes if other is not axes]
    assert right.lines[0].get_xydata().tolist() == [[0, 0.1], [1, 0.4]]
    with pytest.raises(OptionError, match="no log of a training"):
        training_curves(tmp_path / "log")

"""The metrics against slow oracles, scikit-learn, and the laws that rankings obey."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import metrics as oracle
from scipy.stats import norm
from sklearn.metrics import (
    average_precision_score,
    label_ranking_average_precision_score,
    roc_auc_score,
)
from strategies import scored_cells as cases

from audiolabels import load_vocabulary
from audiolabels.errors import MetricError, OptionError, UnknownClassError
from audiolabels.metrics.evaluation import evaluate
from audiolabels.metrics.ranking import (
    area_under_roc,
    average_precision,
    d_prime,
    hard_negatives,
    lwlrap,
    map_at_3,
)


def states(target: np.ndarray, mask: np.ndarray) -> list[list[int | None]]:
    return [
        [t if m else None for t, m in zip(*rows, strict=True)]
        for rows in zip(target.tolist(), mask.tolist(), strict=True)
    ]


def same(found: object, wanted: object) -> None:
    filled = [math.nan if w is None else w for w in wanted]  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.asarray(found, float), filled, rtol=0, atol=1e-12)


@given(cases())
def test_every_metric_is_what_its_definition_says(case: tuple) -> None:
    scores, target, mask = case
    truth, values = states(target, mask), scores.tolist()
    columns = range(scores.shape[1])
    found = evaluate(scores, target, mask)
    by_column = [(oracle.column(values, c), oracle.column(truth, c)) for c in columns]
    same(found.average_precision, [oracle.average_precision(*pair) for pair in by_column])
    same(found.auc, [oracle.auc(*pair) for pair in by_column])
    same(found.lwlrap_per_class, [oracle.lwlrap(values, truth, c) for c in columns])
    same([found.lwlrap], [oracle.lwlrap(values, truth)])
    same([found.map_at_3], [oracle.map_at_3(values, truth)])
    for state, counts in ((1, found.positives), (0, found.negatives), (None, found.unknown)):
        assert counts.tolist() == [column.count(state) for _, column in by_column]


@given(cases())
def test_single_functions_say_what_evaluate_says(case: tuple) -> None:
    found = evaluate(*case)
    overall, by_class = lwlrap(*case)
    same(average_precision(*case), found.average_precision)
    same(area_under_roc(*case), found.auc)
    same(by_class, found.lwlrap_per_class)
    same([overall, map_at_3(*case)], [found.lwlrap, found.map_at_3])


@given(cases())
def test_unknown_cells_are_as_if_their_rows_were_not_there(case: tuple) -> None:
    scores, target, mask = case
    for c in range(scores.shape[1]):
        rows = mask[:, c] == 1
        if rows.any():
            dropped = scores[rows, c, None], target[rows, c, None]
            same(average_precision(*dropped), average_precision(*case)[[c]])
            same(area_under_roc(*dropped), area_under_roc(*case)[[c]])


@given(cases())
def test_unknown_classes_stand_in_no_ranking_of_a_clip(case: tuple) -> None:
    scores, target, mask = case
    for row in range(len(scores)):
        known = mask[row] == 1
        one = scores[row : row + 1], target[row : row + 1]
        if known.any():
            dropped = [table[:, known] for table in one]
            same([lwlrap(*dropped)[0]], [lwlrap(*one, mask[row : row + 1])[0]])
            same([map_at_3(*dropped)], [map_at_3(*one, mask[row : row + 1])])


@given(cases(), st.randoms(use_true_random=False))
def test_what_unknown_cells_hold_and_any_order_do_not_matter(case: tuple, random: object) -> None:
    scores, target, mask = case
    rows, columns = ([*range(size)] for size in scores.shape)
    random.shuffle(rows)  # type: ignore[attr-defined]
    random.shuffle(columns)  # type: ignore[attr-defined]
    found = evaluate(scores, target, mask)
    other = evaluate(
        *(t[rows][:, columns] for t in (np.where(mask, scores, 9), np.where(mask, target, 1), mask))
    )
    same(other.average_precision, found.average_precision[columns])
    same(other.auc, found.auc[columns])
    same(other.lwlrap_per_class, found.lwlrap_per_class[columns])
    same([other.map_at_3], [found.map_at_3])


@given(cases())
def test_only_the_order_of_scores_counts(case: tuple) -> None:
    scores, target, mask = case
    found = evaluate(scores, target, mask)
    for other in (np.exp(scores), 3 * scores - 7, np.rint(scores * 2).astype(int)):
        assert evaluate(other, target, mask).numbers() == pytest.approx(
            found.numbers(), nan_ok=True
        )


@given(cases())
def test_opposite_scores_turn_auc_and_d_prime_round(case: tuple) -> None:
    scores, target, mask = case
    auc, opposite = area_under_roc(*case), area_under_roc(-scores, target, mask)
    same(opposite, 1 - auc)
    same(d_prime(opposite), -d_prime(auc))


@given(cases())
def test_agrees_with_scikit_learn(case: tuple) -> None:
    scores, target, _ = case
    found = evaluate(scores, target)
    for c in range(scores.shape[1]):
        if target[:, c].any():
            wanted = average_precision_score(target[:, c], scores[:, c])
            assert found.average_precision[c] == pytest.approx(wanted, abs=1e-12)
            if not target[:, c].all():
                wanted = roc_auc_score(target[:, c], scores[:, c])
                assert found.auc[c] == pytest.approx(wanted, abs=1e-12)
    some = target.any(axis=1)
    if some.any():
        weights = target[some].sum(1)
        wanted = label_ranking_average_precision_score(
            target[some], scores[some], sample_weight=weights
        )
        assert found.lwlrap == pytest.approx(wanted, abs=1e-12)


@given(cases())
def test_frames_count_one_by_one(case: tuple) -> None:
    frames = [np.stack([table, table[::-1]], axis=1) for table in case]
    found = evaluate(*frames)
    same(found.auc, evaluate(*(np.concatenate([t, t[::-1]]) for t in case)).auc)
    assert found.rows == 2 * len(case[0])


def test_d_prime_is_that_of_scipy() -> None:
    areas = np.linspace(0, 1, 101)
    np.testing.assert_allclose(d_prime(areas), np.sqrt(2) * norm.ppf(areas), atol=1e-12)
    assert math.isnan(d_prime(float("nan")))


def test_the_two_d_primes_differ_and_a_perfect_class_is_counted() -> None:
    # AUCs of 1, 0.75 and 0.5.
    scores = [[4, 4, 1], [3, 2, 1], [2, 3, 1], [1, 1, 1]]
    target = [[1, 1, 1], [1, 1, 1], [0, 0, 0], [0, 0, 0]]
    found = evaluate(scores, target)
    assert found.auc.tolist() == [1, 0.75, 0.5]
    assert found.d_prime_of_mean_auc == pytest.approx(math.sqrt(2) * norm.ppf(0.75))
    assert found.mean_d_prime == pytest.approx(math.sqrt(2) * norm.ppf(0.75) / 2)
    assert found.infinite_d_prime == found.numbers()["classes_with_infinite_d_prime"] == 1


def test_classes_without_a_positive_or_a_negative_are_left_out_and_counted() -> None:
    found = evaluate([[0.9, 0.1, 0.3], [0.2, 0.8, 0.4]], [[1, 0, 1], [0, 0, 1]])
    assert np.isnan(found.average_precision).tolist() == [False, True, False]
    assert np.isnan(found.auc).tolist() == [False, True, True]
    numbers = found.numbers()
    assert (numbers["mAP"], numbers["mean_auc"]) == (1, 1)
    assert (numbers["classes_without_positive"], numbers["classes_without_negative"]) == (1, 1)


def test_map_at_3_of_one_label_is_one_over_its_rank() -> None:
    scores = np.tile([0.9, 0.7, 0.5, 0.3], (4, 1))
    assert map_at_3(scores, np.eye(4)) == pytest.approx((1 + 1 / 2 + 1 / 3 + 0) / 4)


def test_nothing_known_gives_no_number() -> None:
    found = evaluate([[0.5]], [[1]], [[0]])
    assert found.unknown.tolist() == [1]
    assert all(
        math.isnan(found.numbers()[name])
        for name in ("mAP", "mean_auc", "d_prime_of_mean_auc", "mean_d_prime", "lwlrap", "mAP@3")
    )
    assert evaluate(np.zeros((0, 2)), np.zeros((0, 2))).rows == 0


def test_macro_over_some_classes() -> None:
    vocabulary = load_vocabulary(["Rain", "Guitar"])
    scores, target = [[0.9, 0.9], [0.2, 0.2]], [[1, 0], [0, 1]]
    found = evaluate(scores, target, vocabulary=vocabulary)
    assert found.macro(classes=["Rain"]) == found.macro(classes=[vocabulary.ids[0]]) == 1
    assert found.macro("auc", classes=[1]) == 0
    assert found.macro() == 0.75
    assert found.to_pandas()["name"].tolist() == ["Rain", "Guitar"]
    with pytest.raises(UnknownClassError, match="no class 'Dog' among the 2"):
        found.macro(classes=["Dog"])
    with pytest.raises(OptionError, match="metric 'f1' is not offered"):
        found.macro("f1")
    with pytest.raises(UnknownClassError, match="no class 'Rain'"):
        evaluate(scores, target).macro(classes=["Rain"])


def test_share_improved_counts_classes_that_both_know() -> None:
    target = [[1, 1, 0], [0, 0, 0]]
    old = evaluate([[0.1, 0.9, 0.1], [0.9, 0.1, 0.1]], target)
    new = evaluate([[0.9, 0.1, 0.1], [0.1, 0.9, 0.1]], target)
    assert new.share_improved(old) == (0.5, 1, 1, 2)
    assert new.share_improved(new) == (0, 0, 0, 2)
    with pytest.raises(MetricError, match="other classes"):
        new.share_improved(evaluate([[0.1]], [[1]]))


def test_it_shows_itself() -> None:
    found = evaluate([[0.9, 0.1], [0.2, 0.8]], [[1, 0], [0, 0]])
    assert "mAP                                       1.0000" in str(found)
    assert "classes without a positive                     1" in str(found)
    assert ">lωlrap</td>" in found._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0]], [[1, 0]]), r"scores of shape \(1, 1\), but targets of \(1, 2\)"),
        (([[1.0]], [[1]], [[1], [1]]), r"but a mask of \(2, 1\)"),
        (([1.0], [1]), r"scores of shape \(1,\); metrics take"),
        (([[1.0]], [[0.5]]), "targets must be 0 or 1; choose a threshold"),
        (([[1.0]], [[1]], [[0.5]]), "masks must be 0 or 1"),
        (([["a"]], [[1]]), "not numbers"),
        (
            ([[math.nan, 1, math.nan], [math.nan, 1, 1]], [[0, 0, 0], [0, 0, 0]]),
            "3 of 6 scores are NaN, in 2 of 3 columns: 0, 2",
        ),
    ],
)
def test_bad_input_is_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        evaluate(*arguments)


def test_bad_input_is_named_by_the_vocabulary() -> None:
    vocabulary = load_vocabulary(["Rain", "Guitar"])
    with pytest.raises(MetricError, match=r"1 of 2 scores are NaN.*: 1 \(Guitar\)"):
        evaluate([[1, math.nan]], [[1, 0]], [[1, 0]], vocabulary=vocabulary)
    with pytest.raises(MetricError, match="1 columns of scores, but 2 classes"):
        evaluate([[1.0]], [[1]], vocabulary=vocabulary)


@given(cases(), st.booleans())
def test_hard_negatives_are_what_their_definition_says(case: tuple, complementary: bool) -> None:
    frames = [np.stack([table, table[::-1]], axis=1) for table in case]
    scores, target, mask = frames
    truth = [states(*pair) for pair in zip(target, mask, strict=True)]
    found = hard_negatives(*frames, complementary=complementary)
    assert found.tolist() == oracle.hard_negatives(
        scores.tolist(), truth, complementary=complementary
    )


@given(cases())
def test_hard_negatives_keep_positives_and_as_many_clips_without_the_class(case: tuple) -> None:
    _, target, mask = case
    kept = hard_negatives(*case)
    positive = (target == 1) & (mask == 1)
    assert (kept <= mask).all()
    assert (kept[positive] == 1).all()
    negatives = ((target == 0) & (mask == 1)).sum(0)
    assert (
        kept.sum(0).tolist() == (positive.sum(0) + np.minimum(positive.sum(0), negatives)).tolist()
    )


def test_scores_of_clips_choose_negatives_among_frames() -> None:
    target = np.zeros((3, 2, 1), int)
    target[0, 0] = 1
    found = hard_negatives([[0.9], [0.1], [0.5]], target)
    assert found[..., 0].tolist() == [[1, 1], [0, 0], [1, 1]]
    bare = hard_negatives([[0.9], [0.1], [0.5]], target, complementary=False)
    assert bare[..., 0].tolist() == [[1, 0], [0, 0], [1, 1]]


def test_neither_torch_nor_scikit_learn_is_needed() -> None:
    program = (
        "import sys, audiolabels.metrics.evaluation as m; m.evaluate([[1., 0.]], [[1, 0]]);"
        "sys.exit(bool({'torch', 'sklearn', 'scipy', 'pandas'} & sys.modules.keys()))"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0

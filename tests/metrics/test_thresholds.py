"""Thresholds of classes against every threshold there is."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels import Scores, Vocabulary, expand, load_vocabulary
from audiolabels.errors import MetricError, OptionError, UnknownClassError
from audiolabels.metrics.thresholds import choose_thresholds
from audiolabels.schemes.class_thresholds import ClassThresholds, read_class_thresholds


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n, c = draw(st.integers(1, 8)), draw(st.integers(1, 3))

    def table(elements: st.SearchStrategy) -> np.ndarray:
        row = st.lists(elements, min_size=c, max_size=c)
        return np.array(draw(st.lists(row, min_size=n, max_size=n)))

    scores = table(st.integers(1, 4)) / 4
    return scores, table(st.sampled_from([0, 1])), table(st.sampled_from([0, 1, 1]))


def named(count: int) -> Vocabulary:
    ids = tuple(f"/c/{c}" for c in range(count))
    return Vocabulary("drawn", ids, ids)


def measure(scores: list, target: list, threshold: float) -> tuple[float, float, float]:
    """Precision, recall and F1 from a threshold on."""
    hits = sum(t for s, t in zip(scores, target, strict=True) if s >= threshold)
    predicted, positive = sum(s >= threshold for s in scores), sum(target)
    shares = [hits / n if n else math.nan for n in (predicted, positive)]
    return *shares, 2 * hits / (predicted + positive) if predicted + positive else math.nan


@given(cases(), st.sampled_from([None, 0.3, 0.5, 0.75, 1.0]))
def test_no_threshold_does_better(case: tuple, wanted: float | None) -> None:
    scores, target, mask = case
    options = {"vocabulary": named(scores.shape[1]), "precision": wanted}
    if not (target & mask).any():
        with pytest.raises(MetricError, match="no known target is positive"):
            choose_thresholds(*case, **options)
        return
    found = choose_thresholds(*case, **options)
    for c, (threshold, how) in enumerate(zip(found.threshold, found.chosen_on, strict=True)):
        rows = mask[:, c] == 1
        cells = scores[rows, c].tolist(), target[rows, c].tolist()
        own = measure(*cells, threshold)
        assert 0 < threshold <= 1
        np.testing.assert_allclose([found.precision[c], found.recall[c]], own[:2])
        every = [measure(*cells, other) for other in sorted(set(cells[0]))]
        if how == "pooled":
            assert not any(cells[1])
        elif wanted is None:
            assert own[2] == pytest.approx(max(f for *_, f in every))
        elif how == "class":
            assert own[0] >= wanted
            assert own[1] == pytest.approx(max(r for p, r, _ in every if p >= wanted))
        else:
            assert wanted > own[0] == pytest.approx(max(p for p, *_ in every))


def test_a_threshold_lies_halfway_to_the_next_lower_score() -> None:
    found = choose_thresholds([[0.9], [0.5], [0.2]], [[1], [0], [0]], vocabulary=named(1))
    assert found.threshold.tolist() == [pytest.approx(0.7)]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([[1.5]], [[1]]), {}, MetricError, "scores from 0 to 1"),
        (([[0.5]], [[1]]), {"precision": 2}, OptionError, "precision 2: give a number"),
        (([[0.0]], [[1]]), {}, MetricError, "no threshold can be chosen"),
    ],
)
def test_what_has_no_threshold_is_refused(
    arguments: tuple, options: dict, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        choose_thresholds(*arguments, vocabulary=named(1), **options)


def test_a_file_of_thresholds_makes_hard_targets(tmp_path: Path) -> None:
    names = ["Rain", "Guitar"]
    vocabulary = load_vocabulary(names)
    cells = [[0.9, 0.1], [0.6, 0.2], [0.2, 0.3]]
    thresholds = choose_thresholds(cells, [[1, 0], [1, 0], [0, 1]], vocabulary=vocabulary)
    path = tmp_path / "thresholds.csv"
    thresholds.write(path)
    with path.open(newline="") as file:
        assert [row["chosen_on"] for row in csv.DictReader(file)] == ["class", "class"]
    scores = Scores.from_arrays(["a", "b", "c"], cells, classes=names)
    made = expand(scores, "pseudo-strong", threshold=path)
    assert made.to_numpy()[0].tolist() == [[1, 0], [1, 0], [0, 1]]
    assert made.metadata["options"]["threshold"] == "thresholds.csv"
    assert made.metadata["thresholds"]["sha256"] == read_class_thresholds(path).sha256
    one = expand(scores, "pseudo-strong", threshold=0.25)
    assert one.to_numpy()[0].tolist() == [[1, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@given(st.integers(0, 2**32 - 1))
def test_thresholds_of_classes_are_those_of_one_class_at_a_time(dtype: type, seed: int) -> None:
    from audiolabels.labels.scores import reach

    generator = np.random.default_rng(seed)
    values = generator.random((20, 3)).astype(dtype)
    levels = np.append(generator.random(2), values[0, 2]).astype(np.float32).clip(1e-6, 1)
    wanted = np.stack([reach(values[:, [c]], float(levels[c]))[:, 0] for c in range(3)], axis=1)
    assert (reach(values, levels) == wanted).all()
    assert (wanted == (values.astype(np.float64) >= levels.astype(np.float64))).all()


def test_a_mixture_is_compared_with_the_threshold_of_its_class() -> None:
    from audiolabels import Annotations

    names = ["Rain", "Guitar"]
    vocabulary = load_vocabulary(names)
    given_labels = Annotations.from_dict({"a": ["Rain"], "b": ["Guitar"]})
    scores = Scores.from_arrays(["a", "b"], [[0.25, 0.75], [0.75, 0.25]], classes=names)
    levels = ClassThresholds(
        Path("t.csv"), "", dict(zip(vocabulary.ids, (0.625, 0.5), strict=True))
    )
    made = expand(scores, "pseudo-strong", given=given_labels, teacher_weight=0.5, threshold=levels)
    # 0.625 and 0.375, then 0.375 and 0.625.
    assert made.to_numpy()[0].tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,name\n/m/06mb1,Rain\n", "no column threshold"),
        ("id,threshold\n/m/06mb1,0.5\n/m/06mb1,0.6\n", "row 3: /m/06mb1 occurs twice"),
        ("id,threshold\n/m/06mb1,2\n", "row 2: threshold '2': give a number"),
        ("", "no column id and threshold"),
        ("id,threshold\n/m/06mb1\n", "no file of thresholds of classes"),
    ],
)
def test_a_damaged_file_of_thresholds_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(OptionError, match=message):
        read_class_thresholds(path)


def test_a_class_without_a_threshold_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,threshold\n/m/06mb1,0.5\n")
    scores = Scores.from_arrays(["a"], [[0.5, 0.5]], classes=["Rain", "Guitar"])
    with pytest.raises(UnknownClassError, match=r"no threshold for 1 of 2 classes: Guitar"):
        expand(scores, "pseudo-strong", threshold=path)
    with pytest.raises(OptionError, match="there is none of that name"):
        expand(scores, "pseudo-strong", threshold="nowhere.csv")
    with pytest.raises(OptionError, match="give a number from above 0"):
        expand(scores, "pseudo-strong", threshold="1.5")

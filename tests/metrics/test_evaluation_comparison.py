"""Two stored evaluations compared: groups, intervals, and sides that do not fit."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from audiolabels import load_vocabulary
from audiolabels.errors import MetricError
from audiolabels.metrics.evaluated_rows import EvaluatedRows, read_evaluated_rows
from audiolabels.metrics.evaluation_comparison import compare_evaluations
from audiolabels.metrics.evaluation_folder import is_evaluation, read_evaluation, write_evaluation

NAMES = ["Speech", "Dog", "Bark", "Guitar", "Rain"]
N = 60


def rows_of(seed: int, strength: float = 1.0, clips: int = N) -> EvaluatedRows:
    """The same targets for every seed; scores that follow them by a strength."""
    truth = np.random.default_rng(9).random((N, len(NAMES))) < 0.3
    known = np.random.default_rng(8).random((N, len(NAMES))) < 0.9
    noise = np.random.default_rng(seed).random((N, len(NAMES)))
    rows = EvaluatedRows(
        load_vocabulary(NAMES),
        pa.array([f"clip {row // 2}" for row in range(N)], pa.string()),
        np.tile([0.0, 1.0], N // 2),
        np.tile([1.0, np.inf], N // 2),
        (noise + strength * truth).astype(np.float32),
        truth,
        known,
    )
    return rows.take(np.arange(clips))


def store(folder: Path, rows: EvaluatedRows, *, keep: bool = True) -> Path:
    facts = {"fingerprint": rows.fingerprint}
    write_evaluation(folder, [rows.evaluate()], {}, facts=facts, rows=rows if keep else None)
    return folder


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = rows_of(1)
    rows.write(tmp_path / "rows.parquet")
    again = read_evaluated_rows(tmp_path / "rows.parquet")
    for name in ("onset", "offset", "scores", "positive", "known"):
        np.testing.assert_array_equal(getattr(again, name), getattr(rows, name))
    assert again.vocabulary == rows.vocabulary
    assert again.clip_id.equals(rows.clip_id)
    assert again.clips.tolist() == [row // 2 for row in range(N)]
    (tmp_path / "other.parquet").write_bytes(b"PAR1")
    with pytest.raises(MetricError, match="no rows of an evaluation"):
        read_evaluated_rows(tmp_path / "other.parquet")


def test_the_fingerprint_is_of_clips_and_targets_in_any_order() -> None:
    rows = rows_of(1)
    shuffled = rows.take(np.random.default_rng(0).permutation(N))
    assert rows.fingerprint == shuffled.fingerprint == rows_of(2).fingerprint
    assert rows.fingerprint != rows_of(1, clips=N - 1).fingerprint
    other = rows_of(1)
    other.positive[0, 0] ^= True
    other.known[0, 0] = True
    assert other.fingerprint != rows.fingerprint


def test_rows_of_one_clip_are_paired_in_their_order(tmp_path: Path) -> None:
    one, other = (rows_of(model).take(np.repeat(np.arange(N), 2)) for model in (1, 2))
    for rows in (one, other):
        rows.positive[1::2] ^= True
        rows.known[:] = True
    assert one.fingerprint == other.take(np.arange(2 * N)[::-1]).fingerprint
    found = compare_evaluations(store(tmp_path / "a", one), store(tmp_path / "b", other), draws=9)
    assert (found.rows, found.notes) == (2 * N, ())


def test_names_that_look_like_no_value_are_kept(tmp_path: Path) -> None:
    names = ("NA", "None", "nan", "null", "Rain")
    rows = rows_of(1)
    rows = replace(rows, vocabulary=replace(rows.vocabulary, names=names))
    assert read_evaluation(store(tmp_path / "a", rows)).vocabulary.names == names


def test_an_earlier_version_wrote_no_fingerprint(tmp_path: Path) -> None:
    a, b = store(tmp_path / "a", rows_of(1)), store(tmp_path / "b", rows_of(2))
    (b / "metrics.json").write_text("{}")
    (note,) = compare_evaluations(a, b, draws=9).notes
    assert "is not known (an earlier version wrote no fingerprint" in note


def test_what_got_better_is_counted_by_group(tmp_path: Path) -> None:
    a, b = store(tmp_path / "a", rows_of(1, 0.2)), store(tmp_path / "b", rows_of(2, 1.5))
    found = compare_evaluations(a, b, draws=200)
    whole, *groups = found.groups
    assert (whole.classes, whole.higher, whole.lower) == (5, 5, 0)
    precision = [read_evaluation(each).average_precision for each in (a, b)]
    assert whole.gain == pytest.approx(np.mean(precision[1] - precision[0]))
    assert 0 < whole.low < whole.gain < whole.high
    assert found.beyond_chance == (5, 0)
    assert (found.rows, found.clips, found.notes) == (N, N // 2, ())
    by_kind: dict[str, list] = {}
    for group in groups:
        by_kind.setdefault(group.kind, []).append(group)
    assert sum(g.classes for g in by_kind["AP in A"]) == 5
    assert sum(g.classes for g in by_kind["frequency"]) == 5
    roots = {g.name: g.classes for g in by_kind["root"]}
    assert roots == {"Human sounds": 1, "Animal": 2, "Music": 1, "Natural sounds": 1}
    frame = found.per_class()
    assert frame["gain"].tolist() == found.gain.tolist()
    assert list(frame.columns[-2:]) == ["low", "high"]
    assert found.by_group()["kind"].tolist()[0] == "all"


def test_equal_models_do_not_differ_and_the_other_way_round_is_opposite(tmp_path: Path) -> None:
    a, b = store(tmp_path / "a", rows_of(1)), store(tmp_path / "b", rows_of(2))
    same = compare_evaluations(a, a, draws=50).groups[0]
    assert same[2:] == (5, 0, 0, 0, 0, 0)
    there, back = (compare_evaluations(*sides, draws=50).groups[0] for sides in ((a, b), (b, a)))
    assert there.gain == pytest.approx(-back.gain)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_without_scores_the_rest_is_compared_and_the_option_is_named(tmp_path: Path) -> None:
    a, b = store(tmp_path / "a", rows_of(1)), store(tmp_path / "b", rows_of(2), keep=False)
    found = compare_evaluations(a, b)
    assert found.groups[0].low is None
    assert found.beyond_chance is None
    assert found.draws == 0
    assert "no intervals: B kept no scores; evaluate again with --keep-scores" in found.notes[0]
    assert "low" not in found.per_class()


def test_other_rows_are_left_out_on_both_sides(tmp_path: Path) -> None:
    rows = rows_of(2)
    rows.positive[0, 0] ^= True
    rows.known[0, 0] = True
    a, b = store(tmp_path / "a", rows_of(1, clips=N - 4)), store(tmp_path / "b", rows)
    found = compare_evaluations(a, b, draws=10)
    assert found.rows == N - 5
    assert "other clips or labels" in found.notes[0]
    assert (
        "compared on 55 rows; left out: 4 that one side alone has, 1 with other" in found.notes[1]
    )
    both = [each.take(np.arange(1, N - 4)) for each in (rows_of(1), rows_of(2))]
    wanted = [each.evaluate().average_precision for each in both]
    np.testing.assert_allclose(found.gain, wanted[1] - wanted[0])


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    a = store(tmp_path / "a", rows_of(1))
    with pytest.raises(MetricError, match=r"nowhere: no folder .*there is no metrics.json"):
        compare_evaluations(a, tmp_path / "nowhere")
    assert is_evaluation(a / "classes.csv")
    assert not is_evaluation(tmp_path)
    few = rows_of(1).take(np.arange(0))
    other = store(tmp_path / "other", few)
    with pytest.raises(MetricError, match="no row with equal targets in common"):
        compare_evaluations(a, other)
    text = (a / "classes.csv").read_text().replace("/m/06mb1", "/m/other")
    (a / "classes.csv").write_text(text)
    with pytest.raises(MetricError, match="over other classes, or in another order"):
        compare_evaluations(a, other)
    with pytest.raises(MetricError, match=r"rows.parquet has other classes"):
        _ = read_evaluation(a).rows
    (a / "classes.csv").write_text("id,name\n/m/06mb1,Rain\n")
    with pytest.raises(MetricError, match="an evaluation of events alone"):
        read_evaluation(a)
    assert json.loads((a / "metrics.json").read_text())["fingerprint"]

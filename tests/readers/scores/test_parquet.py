"""Scores in Parquet, written and read."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_files import (
    NAMES,
    write_parquet,
)

from audiolabels import Scores, expand, load_vocabulary, read_scores, write_targets
from audiolabels.errors import ScoresFileError
from audiolabels.readers import BlockSizes, write_scores

AUDIOSET = load_vocabulary("audioset")
CLIPS = ["aaaaaaaaaaa_30000", "bbbbbbbbbbb_0"]
FEW = np.array([[0.5, 0.25, 0.0], [1.0, 0.125, 0.75]], np.float32)


def unknown_of(scores: Scores) -> Any:
    return np.unpackbits(scores.unknown, axis=1, count=len(scores.vocabulary)) == 1


def seconds(scores: Scores) -> tuple[list[float], list[float | None]]:
    return scores.onset.to_pylist(), scores.offset.to_pylist()


@pytest.mark.parametrize("type_", [pa.list_(pa.float32()), pa.list_(pa.float64(), 3)])
@pytest.mark.parametrize("clip", ["clip_id", "filename", "video_id"])
def test_parquet(tmp_path: Path, type_: pa.DataType, clip: str) -> None:
    columns = {clip: CLIPS, "scores": pa.array(FEW.tolist(), type_), "onset": [0.0, 1.0]}
    scores = read_scores(write_parquet(tmp_path / "s.parquet", list(NAMES), **columns))
    assert scores.vocabulary.names == NAMES
    assert np.array_equal(scores.scores, FEW)
    assert seconds(scores) == ([0.0, 1.0], [None, None])


def test_parquet_with_its_classes_in_a_column(tmp_path: Path) -> None:
    columns = {"clip_id": CLIPS, "scores": FEW.tolist(), "classes": [list(NAMES)] * 2}
    pq.write_table(pa.table(columns), tmp_path / "s.parquet")
    assert read_scores(tmp_path / "s.parquet").vocabulary.names == NAMES


@st.composite
def drawn_scores(draw: st.DrawFn) -> Scores:
    classes = draw(st.lists(st.sampled_from(AUDIOSET.ids), min_size=1, max_size=9, unique=True))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = sum(sizes)
    values = rng.random((rows, len(classes))).astype(np.float32)
    known = rng.random(values.shape) < draw(st.sampled_from([0.5, 1.0]))
    known[0, 0] = True
    onset = [float(i) for size in sizes for i in range(size)]
    scores = Scores.from_arrays(
        [f"clip {i}" for i, size in enumerate(sizes) for _ in range(size)],
        np.where(known, values, 0),
        classes=classes,
        onset=onset,
        offset=draw(st.sampled_from([None, [t + 1.5 for t in onset]])),
    )
    scores.unknown[:] = np.packbits(~known, axis=1)
    return scores


@given(scores=drawn_scores())
def test_scores_round_trip(tmp_path_factory: Any, scores: Scores) -> None:
    path = tmp_path_factory.getbasetemp() / "scores.parquet"
    write_scores(scores, path)
    again = read_scores(path, values="probabilities")
    assert again.vocabulary.ids == scores.vocabulary.ids
    for name in ("clip_id", "onset", "offset"):
        assert getattr(again, name).equals(getattr(scores, name))
    assert np.array_equal(again.scores, scores.scores)
    assert np.array_equal(again.unknown, scores.unknown)
    first = path.read_bytes()
    write_scores(again, path)
    assert path.read_bytes() == first


def test_soft_targets_are_scores_too(tmp_path: Path) -> None:
    scores = Scores.from_arrays(CLIPS, FEW, classes=NAMES)
    wider = ["Music", *NAMES]
    write_targets(expand(scores, "pseudo-strong", vocabulary=wider), tmp_path / "t.parquet")
    again = read_scores(tmp_path / "t.parquet")
    assert again.vocabulary.names == tuple(wider)
    assert np.array_equal(again.scores[:, 1:], FEW)
    assert unknown_of(again).tolist() == [[True, False, False, False]] * 2


PAIR = ["a", "b"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": [1]}, "no columns clip_id and scores"),
        ({"clip_id": ["a"], "scores": [0.5]}, "no columns clip_id and scores"),
        ({"clip_id": PAIR, "scores": [[0.1] * 3, [0.1] * 2]}, r"b \(row 2\) has 2 scores, .* 3"),
        ({"clip_id": PAIR, "scores": [[0.1] * 3, None]}, r"b \(row 2\) has 0 scores"),
        ({"clip_id": PAIR, "scores": [[0.1] * 3, [0.1, None, 0.1]]}, r"b \(row 2\).* nan"),
        ({"clip_id": PAIR, "scores": [[0.1] * 3] * 2, "onset": [0.0, None]}, "null in some rows"),
    ],
)
def test_bad_parquet_is_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    path = write_parquet(tmp_path / "s.parquet", list(NAMES), **columns)
    with pytest.raises(ScoresFileError, match=message):
        read_scores(path)


@pytest.mark.parametrize("group", [1, 2, 5, 7, 20])
@pytest.mark.parametrize("size", [1, 3, 5, 6, 100])
def test_row_groups_and_blocks_of_any_size_give_the_same(
    tmp_path: Path, group: int, size: int
) -> None:
    values = np.random.default_rng(0).random((17, 3)).astype(np.float32)
    scores = Scores.from_arrays([f"clip {i}" for i in range(17)], values, classes=NAMES)
    write_scores(scores, tmp_path / "s.parquet")
    table = pq.read_table(tmp_path / "s.parquet")
    pq.write_table(table, tmp_path / "g.parquet", row_group_size=group)
    read = read_scores(tmp_path / "g.parquet", block_sizes=BlockSizes(scores=size))
    assert np.array_equal(read.scores, values)
    assert read.clip_id.equals(scores.clip_id)
    assert read.rows.tolist() == list(range(1, 18))

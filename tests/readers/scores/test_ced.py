"""CED's files of the highest scores."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from score_files import (
    NAMES,
    VIDEOS,
    logits_of,
    write_ced,
)

from audiolabels import Scores, load_vocabulary, read_scores
from audiolabels.errors import ScoresFileError

AUDIOSET = load_vocabulary("audioset")
RNG = np.random.default_rng(7)


def unknown_of(scores: Scores) -> Any:
    return np.unpackbits(scores.unknown, axis=1, count=len(scores.vocabulary)) == 1


def seconds(scores: Scores) -> tuple[list[float], list[float | None]]:
    return scores.onset.to_pylist(), scores.offset.to_pylist()


def test_ced_lists_the_highest_and_the_others_are_unknown(tmp_path: Path) -> None:
    full = RNG.random((3, 527)).astype(np.float16).astype(np.float32)
    path = write_ced(tmp_path, full, top=20, names=[f"{v}.wav" for v in VIDEOS])
    scores = read_scores(path)
    assert scores.clip_id.to_pylist() == list(VIDEOS)
    assert scores.vocabulary.ids == AUDIOSET.ids
    unknown = unknown_of(scores)
    assert (unknown.sum(1) == 507).all()
    assert np.array_equal(scores.scores, np.where(unknown, 0, full))
    assert (
        full[unknown].reshape(3, -1).max(1) <= scores.scores.min(1, where=~unknown, initial=1)
    ).all()
    assert seconds(scores) == ([0.0] * 3, [10.0] * 3)
    assert "lists the 20 highest scores per row; the others are unknown" in scores.report.notes[2]
    zero = read_scores(path, beyond_top="zero")
    assert not zero.unknown.any()
    assert np.array_equal(zero.scores, scores.scores)


def test_ced_logits_and_chunks(tmp_path: Path) -> None:
    full = logits_of(RNG.random((2, 527)) * 0.9 + 0.05)
    path = write_ced(tmp_path, full, top=5, names=["a.wav", "a.wav"], starts=[0.0, 10.0])
    scores = read_scores(path, beyond_top="zero")
    kept = np.sort(full, axis=1)[:, -5:].astype(np.float16).astype(np.float64)
    assert np.allclose(np.sort(scores.scores, axis=1)[:, -5:], 1 / (1 + np.exp(-kept)), atol=1e-6)
    assert (np.sort(scores.scores, axis=1)[:, :-5] == 0).all()
    assert seconds(scores) == ([0.0, 10.0], [10.0, 20.0])


PAIR = ["a", "b"]


def test_ced_needs_its_table_and_its_classes(tmp_path: Path) -> None:
    path = write_ced(tmp_path, np.linspace(0, 1, 20).reshape(2, 10), top=3, names=PAIR)
    (tmp_path / "few.txt").write_text("\n".join(NAMES))
    with pytest.raises(ScoresFileError, match=r"topk_indexes go up to 9, .* 3 classes"):
        read_scores(path, class_order=tmp_path / "few.txt")
    pq.write_table(
        pa.table({"filename": ["a"], "start": [0.0], "end": [1.0]}), path.with_suffix(".parquet")
    )
    with pytest.raises(ScoresFileError, match=r"1 rows in .* do not fit together"):
        read_scores(path)
    path.with_suffix(".parquet").unlink()
    with pytest.raises(ScoresFileError, match=r"logits_ep1_0.parquet belongs next to it"):
        read_scores(path)

"""EfficientAT's arrays and their indexes."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from score_files import (
    VIDEOS,
    write_efficientat,
)

from audiolabels import (
    read_scores,
)
from audiolabels.errors import ScoresFileError

RNG = np.random.default_rng(7)


def test_efficientat(tmp_path: Path) -> None:
    logits = RNG.normal(-3, 2, (4, 527)).astype(np.float16)
    index = {f"Y{VIDEOS[0]}.mp3": 2, f"Y{VIDEOS[1]}.mp3": 0, f"Y{VIDEOS[2]}.mp3": 3}
    scores = read_scores(write_efficientat(tmp_path, logits, index))
    assert scores.clip_id.to_pylist() == [VIDEOS[1], VIDEOS[0], VIDEOS[2]]
    expected = 1 / (1 + np.exp(-logits[[0, 2, 3]].astype(np.float64)))
    assert np.allclose(scores.scores, expected, atol=1e-6)
    assert "scores taken as logits" in scores.report.notes[1]
    assert "1 rows that it does not name were not used" in scores.report.notes[1]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"a.mp3": 0, "b.mp3": 1}),
        json.dumps(["a.mp3", "b.mp3"]),
        "a.mp3\nb.mp3\n",
    ],
)
def test_an_index_may_be_json_or_text(tmp_path: Path, text: str) -> None:
    np.save(tmp_path / "x.npy", RNG.normal(0, 3, (2, 527)))
    (tmp_path / "index").write_text(text)
    scores = read_scores(tmp_path / "x.npy", index=tmp_path / "index")
    assert scores.clip_id.to_pylist() == ["a", "b"]


def test_pickles_that_would_call_are_refused(tmp_path: Path) -> None:
    class Loud:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "called",))

    path = write_efficientat(tmp_path, np.zeros((1, 527)) - 2, {"a": 0})
    (tmp_path / "fname_to_index.pkl").write_bytes(pickle.dumps({"a": Loud()}))
    with pytest.raises(Exception, match=r"would call .*refused; write the index as JSON"):
        read_scores(path)
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ('{"a": 0, "b": 7}', r"1 of 2 names have no row in x.npy, which has 2: b \(row 7\)"),
        ("[]", "0 of 0 names"),
        ('["a", "a"]', "a name occurs more than once"),
        ('{"a": "0"}', "no index of names and rows; expected"),
        ("[1, 2]", "no index of names and rows; expected"),
        ('{"a"', "no index of names and rows: "),
    ],
)
def test_an_index_that_does_not_fit(tmp_path: Path, index: str, message: str) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 527)) - 3)
    (tmp_path / "index").write_text(index)
    with pytest.raises(ScoresFileError, match=message):
        read_scores(tmp_path / "x.npy", index=tmp_path / "index")


def test_an_array_without_index(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((2, 527)))
    with pytest.raises(ScoresFileError, match="--scores-index"):
        read_scores(tmp_path / "x.npy")

"""EfficientAT's teacher scores, looked up as its distillation does."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from audiolabels import Scores, SoftTargets, expand, export, load_vocabulary, read_scores
from audiolabels.errors import OptionError

CLASSES = load_vocabulary("audioset").names


def soft(clips: list[str], **options: object) -> SoftTargets:
    scores = np.linspace(0, 1, len(clips) * 527).reshape(-1, 527).astype(np.float32)
    made = expand(
        Scores.from_arrays(clips, scores, classes=CLASSES, **options),
        "pseudo-strong",
        vocabulary="audioset",
    )
    assert isinstance(made, SoftTargets)
    return made


def test_its_distillation_reads_it(tmp_path: Path) -> None:
    targets, path = soft(["s9d-2nhuJCQ_30000", "0mnopqrstuv"]), tmp_path / "logits.npy"
    done = export(targets, "efficientat", path)
    assert set(done.files.values()) == {2}
    # As dataset.py does: name of the HDF5 file to row, row to logits, sigmoid in float32.
    index = pickle.loads((tmp_path / "fname_to_index.pkl").read_bytes())
    logits = np.load(path)
    for row, name in enumerate(["Ys9d-2nhuJCQ.mp3", "Y0mnopqrstuv.mp3"]):
        assert type(index[name]) is int
        found = 1 / (1 + np.exp(-logits[index[name]].astype(np.float32)))
        assert np.abs(found - targets.scores[row].astype(np.float32)).max() < 0.004
    assert index.get("Yelsewhere11.mp3", -1) == -1
    read = read_scores(path)
    assert read.clip_id.to_pylist() == ["s9d-2nhuJCQ", "0mnopqrstuv"]


def test_what_it_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"name it logits\.npy"):
        export(soft(["a"]), "efficientat", tmp_path / "logits.h5")
    segments = soft(["a", "a"], onset=[0, 5], offset=[5, 10])
    with pytest.raises(OptionError, match="these have segments"):
        export(segments, "efficientat", tmp_path / "x.npy")
    part = Scores.from_arrays(["a"], [[0.5]], classes=["Dog"])
    lacking = expand(part, "pseudo-strong", vocabulary="audioset")
    with pytest.raises(OptionError, match="no mask, and 526 of these targets are unknown"):
        export(lacking, "efficientat", tmp_path / "x.npy")
    assert not list(tmp_path.iterdir())


def test_clips_of_one_video_share_their_name(tmp_path: Path) -> None:
    done = export(
        soft(["s9d-2nhuJCQ_0", "s9d-2nhuJCQ_30000", "b"]), "efficientat", tmp_path / "x.npy"
    )
    assert done.left_out == {"clips that share their name": 2}
    assert pickle.loads((tmp_path / "fname_to_index.pkl").read_bytes()) == {"Yb.mp3": 0}

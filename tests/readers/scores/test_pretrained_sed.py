"""PretrainedSED's pseudo labels."""

from pathlib import Path

import numpy as np
import pytest
from score_files import (
    NAMES,
    VIDEOS,
    write_pretrained_sed,
)

from audiolabels import expand, load_vocabulary, read_scores
from audiolabels.errors import VocabularyError

RNG = np.random.default_rng(7)


def test_pretrained_sed(tmp_path: Path) -> None:
    logits = RNG.normal(-4, 2, (2, 447, 250)).astype(np.float16)
    names = [f"Y{video}.mp3" for video in VIDEOS[:2]]
    scores = read_scores(write_pretrained_sed(tmp_path / "as_strong.hdf5", logits, names))
    assert len(scores) == 500
    assert scores.clip_id.to_pylist()[::250] == list(VIDEOS[:2])
    strong = load_vocabulary("audioset-strong-train")
    assert set(scores.vocabulary.ids) == set(strong.ids)
    names = [strong.names[strong.index[id_]] for id_ in scores.vocabulary.ids]
    assert names == sorted(names)
    assert names[:3] == ["Accelerating, revving, vroom", "Air brake", "Air conditioning"]
    assert names[30:34] == [
        "Bicycle bell",
        "Bicycle, tricycle",
        "Bird",
        "Bird flight, flapping wings",
    ]
    assert scores.onset.to_pylist()[:3] == [0.0, 0.04, 0.08]
    assert scores.offset.to_pylist()[249] == 10.0
    expected = 1 / (1 + np.exp(-logits.astype(np.float64).transpose(0, 2, 1).reshape(500, 447)))
    assert np.allclose(scores.scores, expected, atol=1e-6)
    columns = expand(scores, "pseudo-strong").vocabulary
    assert columns.name == "audioset-strong-train"


def test_pretrained_sed_of_other_classes_needs_their_order(tmp_path: Path) -> None:
    path = write_pretrained_sed(tmp_path / "p.h5", np.zeros((1, 3, 5)), ["a"])
    with pytest.raises(VocabularyError, match="3 classes, but audioset has 527"):
        read_scores(path)
    (tmp_path / "few.txt").write_text("\n".join(NAMES))
    assert len(read_scores(path, class_order=tmp_path / "few.txt", values="logits")) == 5

"""Files of scores as a whole: class orders, damage, missing files."""

from pathlib import Path

import numpy as np
import pytest
from score_files import (
    write_ced,
    write_efficientat,
    write_hdf5,
    write_npz,
    write_parquet,
    write_pretrained_sed,
)

from audiolabels import Annotations, AudioLabelsError, expand, load_vocabulary, read_scores
from audiolabels.errors import ScoresFileError

AUDIOSET = load_vocabulary("audioset")
RNG = np.random.default_rng(7)
CLIPS = ["aaaaaaaaaaa_30000", "bbbbbbbbbbb_0"]


def test_a_class_order_of_ones_own(tmp_path: Path) -> None:
    order = RNG.permutation(527)
    values = RNG.random((2, 527)).astype(np.float32)
    path = write_npz(tmp_path / "s.npz", clip_id=CLIPS, scores=values[:, order])
    (tmp_path / "order.txt").write_text("\n".join(AUDIOSET.ids[i] for i in order))
    scores = read_scores(path, class_order=tmp_path / "order.txt")
    assert scores.vocabulary.ids == tuple(AUDIOSET.ids[i] for i in order)
    assert np.array_equal(scores.over(AUDIOSET).scores, values)
    targets = expand(scores, "pseudo-strong")
    assert targets.vocabulary.ids == AUDIOSET.ids
    assert np.allclose(targets.to_numpy()[0], values, atol=2**-12)


def test_labels_are_no_scores() -> None:
    labels = Annotations.from_dict({"a": ["Rain"]})
    with pytest.raises(Exception, match=r"needs Scores, not Annotations: .*read_scores"):
        expand(labels, "pseudo-strong")


PAIR = ["a", "b"]


def every_form(folder: Path) -> list[Path]:
    scores = np.linspace(0, 1, 2 * 527).reshape(2, 527)
    return [
        write_npz(folder / "s.npz", clip_id=PAIR, scores=scores),
        write_hdf5(folder / "s.h5", clip_id=PAIR, scores=scores),
        write_parquet(folder / "s.parquet", clip_id=PAIR, scores=scores.tolist()),
        write_ced(folder, scores, top=3, names=PAIR),
        write_efficientat(folder, scores * 9 - 5, {"a": 0, "b": 1}),
        write_pretrained_sed(folder / "p.h5", np.zeros((2, 447, 250)) - 3, PAIR),
    ]


def test_files_cut_off_are_refused(tmp_path: Path) -> None:
    for path in every_form(tmp_path):
        assert len(read_scores(path))
        whole = path.read_bytes()
        for share in (0.0, 0.1, 0.5, 0.9, 0.99):
            path.write_bytes(whole[: int(share * len(whole))])
            with pytest.raises(AudioLabelsError, match=path.name):
                read_scores(path)


def test_bytes_gone_wrong_never_make_another_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for path in every_form(tmp_path):
        whole = bytearray(path.read_bytes())
        for _ in range(25):
            spoilt = bytearray(whole)
            for place in rng.integers(0, min(len(whole), 3000), 6):
                spoilt[place] = rng.integers(0, 256)
            path.write_bytes(spoilt)
            try:
                read_scores(path)
            except AudioLabelsError:
                continue


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoresFileError, match=r"gone.npz: no such file"):
        read_scores(tmp_path / "gone.npz")

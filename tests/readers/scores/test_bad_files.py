"""Files of scores that cannot be used: what is said of them."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from score_files import (
    NAMES,
    write_ced,
    write_efficientat,
    write_hdf5,
    write_npz,
    write_parquet,
    write_pretrained_sed,
)

from audiolabels import AudioLabelsError, read_scores
from audiolabels.errors import OptionError, ScoresFileError, VocabularyError

FEW = np.array([[0.5, 0.25, 0.0], [1.0, 0.125, 0.75]])
CLIPS = ["a", "b"]


def broken(tmp_path: Path, **changes: Any) -> Path:
    arrays = {"clip_id": CLIPS, "scores": FEW, "classes": NAMES} | changes
    return write_npz(tmp_path / "s.npz", **{k: v for k, v in arrays.items() if v is not None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": FEW[:1]}, r"scores of shape \(1, 3\) for clip_id of shape \(2,\)"),
        ({"scores": FEW[0]}, r"scores of shape \(3,\)"),
        ({"scores": np.where(FEW == 1, np.nan, FEW)}, r"b \(row 2\) has a score nan, .*no number"),
        ({"scores": np.where(FEW == 1, np.inf, FEW)}, r"b \(row 2\) has a score inf"),
        ({"clip_id": None}, "npz with scores, classes; expected .* of clip_id, scores"),
        ({"classes": NAMES[:2]}, "3 classes, but .* has 2; .*--class-order"),
        ({"classes": None}, "3 classes, but audioset has 527; .*--class-order"),
        ({"classes": ["Guitar", "Rain", "Zither of old"]}, "neither an id nor .*Zither of old"),
        ({"scores": FEW[:, None], "onset": None}, "no times of the segments; add onset"),
        ({"onset": [0, 1, 2]}, r"onset of shape \(3,\)"),
        ({"onset": [0, -1]}, "onset holds a time that is no number of seconds"),
        ({"segment_seconds": 0}, "give a number above zero"),
        ({"clip_id": np.array(CLIPS, object)}, "Object arrays cannot be loaded"),
        ({"scores": np.array([["x"] * 3] * 2)}, "not what it seems: could not convert"),
        ({"clip_id": ["a", "a"]}, "segment of a in row 2 does not begin after"),
        ({"clip_id": ["a", "a"], "onset": [1.0, 0.5]}, "segment of a in row 2"),
        ({"clip_id": [], "scores": FEW[:0]}, "no row of scores"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AudioLabelsError, match=message):
        read_scores(broken(tmp_path, **changes))


def test_numbers_that_turn_out_to_be_no_probabilities(tmp_path: Path) -> None:
    path = broken(tmp_path, scores=FEW * 3 - 1)
    assert read_scores(path).scores.max() < 0.9
    with pytest.raises(
        ScoresFileError, match=r"a \(row 1\) has a score -0.25.*score-values logits"
    ):
        read_scores(path, values="probabilities")
    with pytest.raises(OptionError, match="values 'odds' is not offered"):
        read_scores(path, values="odds")


def test_a_clip_that_comes_again_is_refused(tmp_path: Path) -> None:
    rows = np.zeros((4, 3))
    path = broken(tmp_path, clip_id=["a", "b", "a", "c"], scores=rows)
    with pytest.raises(ScoresFileError, match="a clip comes again, in rows 1 and 3"):
        read_scores(path)


def test_a_clip_without_id_is_left_out_and_reported(tmp_path: Path) -> None:
    scores = read_scores(broken(tmp_path, clip_id=["a", " "]))
    assert scores.clip_id.to_pylist() == ["a"]
    (finding,) = scores.report.findings
    assert (finding.row, finding.kind) == (2, "row unused")


def every_form(folder: Path) -> list[Path]:
    scores = np.linspace(0, 1, 2 * 527).reshape(2, 527)
    return [
        write_npz(folder / "s.npz", clip_id=CLIPS, scores=scores),
        write_hdf5(folder / "s.h5", clip_id=CLIPS, scores=scores),
        write_parquet(folder / "s.parquet", clip_id=CLIPS, scores=scores.tolist()),
        write_ced(folder, scores, top=3, names=CLIPS),
        write_efficientat(folder, scores * 9 - 5, {"a": 0, "b": 1}),
        write_pretrained_sed(folder / "p.h5", np.zeros((2, 447, 250)) - 3, CLIPS),
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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"clip_id,scores\n", "no file of scores; those are one of npz, npy, HDF5, Parquet"),
        (b"", "no file of scores"),
        (b"PK\x03\x04rubbish", "broken, or not what it seems"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ScoresFileError, match=message):
        read_scores(tmp_path / "x")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoresFileError, match=r"gone.npz: no such file"):
        read_scores(tmp_path / "gone.npz")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": [1]}, "no columns clip_id and scores"),
        ({"clip_id": ["a"], "scores": [0.5]}, "no columns clip_id and scores"),
        ({"clip_id": CLIPS, "scores": [[0.1] * 3, [0.1] * 2]}, r"b \(row 2\) has 2 scores, .* 3"),
        ({"clip_id": CLIPS, "scores": [[0.1] * 3, None]}, r"b \(row 2\) has 0 scores"),
        ({"clip_id": CLIPS, "scores": [[0.1] * 3, [0.1, None, 0.1]]}, r"b \(row 2\).* nan"),
        ({"clip_id": CLIPS, "scores": [[0.1] * 3] * 2, "onset": [0.0, None]}, "null in some rows"),
    ],
)
def test_bad_parquet_is_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    path = write_parquet(tmp_path / "s.parquet", list(NAMES), **columns)
    with pytest.raises(ScoresFileError, match=message):
        read_scores(path)


def test_ced_needs_its_table_and_its_classes(tmp_path: Path) -> None:
    path = write_ced(tmp_path, np.linspace(0, 1, 20).reshape(2, 10), top=3, names=CLIPS)
    (tmp_path / "few.txt").write_text("\n".join(NAMES))
    with pytest.raises(ScoresFileError, match=r"topk_indexes go up to 9, .* 3 classes"):
        read_scores(path, class_order=tmp_path / "few.txt")
    pq.write_table(
        pa.table({"filename": ["a"], "start": [0.0], "end": [1.0]}), path.with_suffix(".parquet")
    )
    with pytest.raises(ScoresFileError, match=r"1 rows in .* do not fit together"):
        read_scores(path)
    path.with_suffix(".parquet").unlink()
    with pytest.raises(ScoresFileError, match=r"logits_ep1_0.parquet belongs beside it"):
        read_scores(path)


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


def test_pretrained_sed_of_other_classes_needs_their_order(tmp_path: Path) -> None:
    path = write_pretrained_sed(tmp_path / "p.h5", np.zeros((1, 3, 5)), ["a"])
    with pytest.raises(VocabularyError, match="3 classes, but audioset has 527"):
        read_scores(path)
    (tmp_path / "few.txt").write_text("\n".join(NAMES))
    assert len(read_scores(path, class_order=tmp_path / "few.txt", values="logits")) == 5


def test_hdf5_without_h5py_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_hdf5(tmp_path / "s.h5", clip_id=CLIPS, scores=FEW)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(OptionError, match=r"s\.h5: HDF5 needs h5py.*audiolabels\[hdf5\]"):
        read_scores(path)

"""Scores in numpy archives and plain HDF5 files."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_files import (
    NAMES,
    write_hdf5,
    write_npz,
)

from audiolabels import AudioLabelsError, Scores, read_scores
from audiolabels.readers import BlockSizes
from audiolabels.readers.opening import NpzRows

RNG = np.random.default_rng(7)
CLIPS = ["aaaaaaaaaaa_30000", "bbbbbbbbbbb_0"]
FEW = np.array([[0.5, 0.25, 0.0], [1.0, 0.125, 0.75]], np.float32)
SEGMENTS = RNG.random((2, 4, 3)).astype(np.float32)


def seconds(scores: Scores) -> tuple[list[float], list[float | None]]:
    return scores.onset.to_pylist(), scores.offset.to_pylist()


def write_plain(kind: str, folder: Path, **arrays: Any) -> Path:
    write = {"npz": write_npz, "hdf5": write_hdf5}[kind]
    return write(folder / f"scores.{kind}", **arrays)


PLAIN = pytest.mark.parametrize("kind", ["npz", "hdf5"])


@PLAIN
def test_plain_clips(tmp_path: Path, kind: str) -> None:
    path = write_plain(kind, tmp_path, clip_id=CLIPS, scores=FEW, classes=NAMES)
    scores = read_scores(path)
    assert scores.clip_id.to_pylist() == CLIPS
    assert scores.vocabulary.names == NAMES
    assert np.array_equal(scores.scores, FEW)
    assert not scores.unknown.any()
    assert seconds(scores) == ([0.0, 0.0], [None, None])
    assert scores.report.notes[0].startswith(f"{path.name} was read as {kind} (")
    (source,) = scores.report.sources
    assert (source["format"], source["rows"], source["values"]) == (kind, 2, "probabilities")
    assert len(source["sha256"]) == 64


@PLAIN
def test_plain_segments_of_equal_length(tmp_path: Path, kind: str) -> None:
    arrays = {"clip_id": CLIPS, "scores": SEGMENTS, "classes": NAMES, "segment_seconds": 2.5}
    scores = read_scores(write_plain(kind, tmp_path, **arrays))
    assert scores.clip_id.to_pylist() == [c for c in CLIPS for _ in range(4)]
    assert np.array_equal(scores.scores, SEGMENTS.reshape(8, 3))
    assert seconds(scores) == ([0.0, 2.5, 5.0, 7.5] * 2, [2.5, 5.0, 7.5, 10.0] * 2)
    assert scores.rows.tolist() == [1] * 4 + [2] * 4


@PLAIN
def test_plain_segments_with_times_for_all_clips_or_each(tmp_path: Path, kind: str) -> None:
    begin, end = np.array([0, 3, 6, 9.0]), np.array([3, 6, 9, 10.0])
    once = write_plain(
        kind, tmp_path, clip_id=CLIPS, scores=SEGMENTS, classes=NAMES, onset=begin, offset=end
    )
    assert seconds(read_scores(once)) == ([*begin] * 2, [*end] * 2)
    each = write_plain(
        kind,
        tmp_path,
        clip_id=CLIPS,
        scores=SEGMENTS,
        classes=NAMES,
        onset=np.stack([begin, begin]),
        offset=np.stack([end, end - [0, 0, 0, 0.5]]),
    )
    assert read_scores(each).offset.to_pylist() == [3, 6, 9, 10, 3, 6, 9, 9.5]


@PLAIN
def test_plain_segments_one_a_row(tmp_path: Path, kind: str) -> None:
    path = write_plain(
        kind,
        tmp_path,
        clip_id=["a", "a", "b"],
        scores=np.concatenate([FEW, FEW[:1]]),
        onset=[0, 5.0, 0],
        offset=[5, 9.7, 5],
        classes=NAMES,
    )
    assert seconds(read_scores(path)) == ([0, 5, 0], [5, 9.7, 5])


def test_hdf5_may_hold_classes_and_length_as_attributes(tmp_path: Path) -> None:
    attrs = {"classes": list(NAMES), "segment_seconds": 1.0}
    path = write_hdf5(tmp_path / "a.h5", attrs=attrs, clip_id=CLIPS, scores=SEGMENTS)
    scores = read_scores(path)
    assert scores.vocabulary.names == NAMES
    assert scores.offset.to_pylist()[:4] == [1, 2, 3, 4]


@pytest.mark.parametrize("block", [1, 3, 8192])
def test_the_size_of_blocks_changes_nothing(tmp_path: Path, block: int) -> None:
    arrays = {"clip_id": CLIPS, "scores": SEGMENTS, "classes": NAMES, "segment_seconds": 1.0}
    whole = read_scores(write_plain("hdf5", tmp_path, **arrays))
    parts = read_scores(tmp_path / "scores.hdf5", block_sizes=BlockSizes(scores=block))
    assert np.array_equal(parts.scores, whole.scores)
    assert parts.clip_id.equals(whole.clip_id)
    assert parts.onset.equals(whole.onset)


VALUES = np.array([[0.5, 0.25, 0.0], [1.0, 0.125, 0.75]])
PAIR = ["a", "b"]


def broken(tmp_path: Path, **changes: Any) -> Path:
    arrays = {"clip_id": PAIR, "scores": VALUES, "classes": NAMES} | changes
    return write_npz(tmp_path / "s.npz", **{k: v for k, v in arrays.items() if v is not None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": VALUES[:1]}, r"scores of shape \(1, 3\) for clip_id of shape \(2,\)"),
        ({"scores": VALUES[0]}, r"scores of shape \(3,\)"),
        (
            {"scores": np.where(VALUES == 1, np.nan, VALUES)},
            r"b \(row 2\) has a score nan, .*no number",
        ),
        ({"scores": np.where(VALUES == 1, np.inf, VALUES)}, r"b \(row 2\) has a score inf"),
        ({"clip_id": None}, "npz with scores, classes; expected .* of clip_id, scores"),
        ({"classes": NAMES[:2]}, "3 classes, but .* has 2; .*--class-order"),
        ({"classes": None}, "3 classes, but audioset has 527; .*--class-order"),
        ({"classes": ["Guitar", "Rain", "Zither of old"]}, "neither an id nor .*Zither of old"),
        ({"scores": VALUES[:, None], "onset": None}, "no times of the segments; add onset"),
        ({"onset": [0, 1, 2]}, r"onset of shape \(3,\)"),
        ({"onset": [0, -1]}, "onset holds a time that is no number of seconds"),
        ({"segment_seconds": 0}, "give a number above zero"),
        ({"clip_id": np.array(PAIR, object)}, "Object arrays cannot be loaded"),
        ({"scores": np.array([["x"] * 3] * 2)}, "scores of type .*; expected numbers"),
        ({"clip_id": ["a", "a"]}, "segment of a in row 2 does not begin after"),
        ({"clip_id": ["a", "a"], "onset": [1.0, 0.5]}, "segment of a in row 2"),
        ({"clip_id": [], "scores": VALUES[:0]}, "no row of scores"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(AudioLabelsError, match=message):
        read_scores(broken(tmp_path, **changes))


@given(
    shape=st.tuples(st.integers(0, 9), st.integers(1, 3), st.integers(1, 3)),
    order=st.sampled_from("CF"),
    deflated=st.booleans(),
    kind=st.sampled_from(["f2", ">f4", "i8", "U3", "S2"]),
    data=st.data(),
)
def test_rows_of_an_archive_in_any_order_are_those_of_the_array(
    tmp_path_factory: Any,
    shape: tuple[int, ...],
    order: Any,
    deflated: bool,
    kind: str,
    data: st.DataObject,
) -> None:
    array = np.arange(np.prod(shape)).reshape(shape).astype(kind, order=order)
    path = tmp_path_factory.getbasetemp() / "a.npz"
    (np.savez_compressed if deflated else np.savez)(path, array=array)
    with np.load(path) as archive:
        rows = NpzRows(archive, "array")
        assert (rows.shape, rows.ndim, len(rows)) == (shape, 3, shape[0])
        bounds = st.tuples(st.integers(0, 9), st.integers(0, 9)).map(sorted)
        for start, stop in data.draw(st.lists(bounds, max_size=5)):
            assert np.array_equal(rows[start:stop], array[start:stop])
        assert np.array_equal(rows.whole, array)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("kind", ["npz", "hdf5"])
def test_blocks_of_any_size_give_the_same(tmp_path: Path, kind: str, size: int) -> None:
    rng = np.random.default_rng(0)
    for number, (shape, times) in enumerate(
        [
            ((7, 3), {"onset": np.arange(7.0), "offset": np.arange(1.0, 8)}),
            ((7, 3), {"segment_seconds": np.float64(2)}),
            ((7, 2, 3), {"segment_seconds": np.float64(2)}),
            ((7, 2, 3), {"onset": np.array([0.0, 5]), "offset": np.array([5.0, 9])}),
            (
                (7, 2, 3),
                {"onset": rng.random((7, 1)) + np.arange(2), "offset": np.ones((7, 2)) * 3},
            ),
        ]
    ):
        names = np.array([f"clip {i}" for i in range(7)], "S6")
        arrays = {"clip_id": names, "scores": rng.random(shape), **times}
        arrays["classes"] = np.array(["Guitar", "Rain", "Speech"], "S6")
        path = tmp_path / f"{number}.{kind}"
        if kind == "npz":
            with path.open("wb") as file:
                np.savez(file, **arrays)
        else:
            with h5py.File(path, "w") as file:
                for name, array in arrays.items():
                    file[name] = array
        whole = read_scores(path)
        parts = read_scores(path, block_sizes=BlockSizes(scores=size))
        assert parts.clips.equals(whole.clips)
        assert np.array_equal(parts.scores, whole.scores)
        assert np.array_equal(parts.scores.ravel(), arrays["scores"].astype(np.float32).ravel())

"""Embeddings in every kind of file, against a loop over segments and frames."""

import math
import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiolabels.errors import FeaturesFileError, OptionError, UnknownClipError
from audiolabels.features import Features, open_features
from audiolabels.features.embeddings import EmbeddingFeatures, Frames

NAMES = ["abcdefghijk_30000", "Ylmnopqrstuv_0.wav", "c"]
SIZES = [3, 1, 2]
FRAMES = np.random.default_rng(0).normal(size=(3, 3, 4)).astype(np.float32)
CODES = np.random.default_rng(0).integers(0, 256, (3, 3, 4), np.uint8)


def npz(path: Path, values: npt.NDArray[np.generic]) -> None:
    with path.open("wb") as file:
        np.savez(file, clip_id=NAMES, embedding=values, n_frames=np.array(SIZES, np.uint8))


def hdf5(path: Path, values: npt.NDArray[np.generic]) -> None:
    with h5py.File(path, "w") as file:
        file["clip_id"] = [name.encode() for name in NAMES]
        file["embedding"], file["n_frames"] = values, SIZES


def hdf5_members(path: Path, values: npt.NDArray[np.generic]) -> None:
    with h5py.File(path, "w") as file:
        for name, size, frames in zip(NAMES, SIZES, values, strict=True):
            file[name] = frames[:size]


def hdf5_groups(path: Path, values: npt.NDArray[np.generic]) -> None:
    with h5py.File(path, "w") as file:
        for name, size, frames in zip(NAMES, SIZES, values, strict=True):
            file[f"{name}/embedding"] = frames[:size]


def parquet(path: Path, values: npt.NDArray[np.generic]) -> None:
    lists = [frames[:size].tolist() for size, frames in zip(SIZES, values, strict=True)]
    kind = pa.list_(pa.list_(pa.from_numpy_dtype(values.dtype), values.shape[2]))
    table = pa.table({"clip_id": NAMES, "embedding": pa.array(lists, kind)})
    pq.write_table(table, path, row_group_size=2)


def parquet_frames(path: Path, values: npt.NDArray[np.generic], order: str = "frame") -> None:
    rows = [(clip, frame) for clip, size in enumerate(SIZES) for frame in range(size)]
    rows = [rows[i] for i in (0, 4, 2, 1, 3, 5)]  # those of a clip neither together nor in order
    step = 1 if order == "frame" else 0.96
    kind = pa.list_(pa.from_numpy_dtype(values.dtype))
    columns = {
        "clip_id": [NAMES[clip] for clip, _ in rows],
        order: [frame * step for _, frame in rows],
        "embedding": pa.array([values[row].tolist() for row in rows], kind),
    }
    pq.write_table(pa.table(columns), path)


def parquet_onsets(path: Path, values: npt.NDArray[np.generic]) -> None:
    parquet_frames(path, values, "onset")


WRITERS = [npz, hdf5, hdf5_members, hdf5_groups, parquet, parquet_frames, parquet_onsets]
Writer = Callable[[Path, npt.NDArray[np.generic]], None]


@pytest.fixture(params=WRITERS, ids=lambda writer: writer.__name__)
def writer(request: pytest.FixtureRequest) -> Writer:
    chosen: Writer = request.param
    return chosen


@pytest.mark.parametrize("values", [FRAMES, CODES, FRAMES.astype(np.float16)], ids=str)
def test_every_kind_of_file_gives_the_same(
    tmp_path: Path, writer: Writer, values: npt.NDArray[np.generic]
) -> None:
    writer(tmp_path / "f", values)
    features = open_features(tmp_path / "f")
    assert (features.takes, features.dim, features.rate) == ("embeddings", 4, None)
    assert sorted(features.clip_ids) == sorted(NAMES)
    rows = features.find(["abcdefghijk_30000", "lmnopqrstuv_0", "c", "d", "c.mp3", "abcdefghijk"])
    assert [features.clip_ids[row] for row in rows[[0, 1, 2, 4, 5]]] == [*NAMES, "c", NAMES[0]]
    assert rows[3] == -1
    np.testing.assert_allclose(features.durations(rows[:3]), np.array(SIZES) * 0.96)
    real = values.astype(np.float64)
    if values.dtype == np.uint8:
        real = -2 + 4 * real / 255
    found = features.read(rows[[1, 0, 1, 2]], np.zeros(4), np.full(4, np.inf))
    assert found.values.dtype == np.float32
    assert found.values.shape == (4, 3, 4)
    assert found.lengths.tolist() == [1, 3, 1, 2]
    for segment, length, clip in zip(*found, (1, 0, 1, 2), strict=True):
        np.testing.assert_allclose(segment[:length], real[clip, :length], atol=1e-6)
        assert not segment[length:].any()
    again = pickle.loads(pickle.dumps(features))
    np.testing.assert_array_equal(
        again.read(rows[:3], [0] * 3, [3] * 3).values, first_frames(features)
    )


def first_frames(features: Features) -> npt.NDArray[np.float32]:
    rows = features.find(["abcdefghijk_30000", "lmnopqrstuv_0", "c"])
    return features.read(rows, [0] * 3, [3] * 3).values


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(-50, 400), st.integers(0, 400)), max_size=12),
    st.sampled_from([0.96, 0.1, 1 / 3, 0.02]),
    st.booleans(),
)
def test_segments_have_the_frames_whose_centres_lie_in_them(
    segments: list[tuple[int, int, int]], hop: float, endless: bool
) -> None:
    sizes = np.array([5, 0, 100])
    first = np.cumsum(sizes) - sizes
    values = np.arange(1, 106, dtype=np.float32)[:, None]
    frames = Frames(["a", "b", "c"], sizes, first, 1, values.dtype, values)
    features = EmbeddingFeatures(Path("f"), frames, hop)
    rows = np.array([clip for clip, _, _ in segments], np.int64)
    # Halves of a hop: every onset and offset is an edge or a centre of a frame.
    onset = np.array([start * hop / 2 for _, start, _ in segments])
    offset = np.array([(start + size) * hop / 2 for _, start, size in segments])
    if endless:
        offset[:] = math.inf
    found = features.read(rows, onset, offset)
    assert features.lengths(rows, onset, offset).tolist() == found.lengths.tolist()
    for i, (clip, start, size) in enumerate(segments):
        stop = math.inf if endless else start + size
        inside = [n for n in range(sizes[clip]) if start <= 2 * n + 1 < stop]
        assert found.lengths[i] == len(inside)
        real = found.values[i, : len(inside), 0].tolist()
        assert real == [first[clip] + n + 1 for n in inside]
        assert not found.values[i, len(inside) :].any()
    assert found.values.shape[1] == found.lengths.max(initial=0)


def test_one_vector_a_clip_is_one_frame(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", clip_id=NAMES, embedding=FRAMES[:, 0])
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["clip_id"], file["embedding"] = NAMES, FRAMES[:, 0]
    vectors = pa.FixedSizeListArray.from_arrays(FRAMES[:, 0].ravel(), 4)
    pq.write_table(pa.table({"clip_id": NAMES, "embedding": vectors}), tmp_path / "f.parquet")
    for end in ("npz", "h5", "parquet"):
        features = open_features(tmp_path / f"f.{end}", frame_seconds=10)
        found = features.read([2, 0], [0, 0], [10, 4])
        assert found.lengths.tolist() == [1, 0]
        np.testing.assert_array_equal(found.values[0], FRAMES[2, :1])
        assert features.durations([1]).tolist() == [10]


def test_clips_without_frames_are_kept_and_listed(tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    np.savez(path, clip_id=NAMES, embedding=FRAMES, n_frames=[3, 0, 2])
    features = open_features(path)
    assert features.read([1, 1], [0, 0], [9, 9]).values.shape == (2, 0, 4)
    (finding,) = features.report.findings
    assert (finding.source, finding.row, finding.kind) == ("f.npz", 2, "clip without frames")


def test_numbers_that_are_none_are_refused_where_they_are_real(
    tmp_path: Path, writer: Writer
) -> None:
    values = FRAMES.copy()
    values[1, 1:] = np.nan  # after the clip's end
    writer(tmp_path / "f", values)
    features = open_features(tmp_path / "f")
    assert np.isfinite(first_frames(features)).all()
    values[0, 1, 2] = np.inf
    writer(tmp_path / "f", values)
    with pytest.raises(FeaturesFileError, match="those of abcdefghijk_30000; compute"):
        first_frames(open_features(tmp_path / "f"))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"clip_id": NAMES}, "it lacks embedding"),
        ({"embedding": FRAMES}, "it lacks clip_id"),
        ({"clip_id": NAMES[:2], "embedding": FRAMES}, r"shape \(3, 3, 4\) for 2 clips"),
        ({"clip_id": [], "embedding": FRAMES[:0]}, "for 0 clips"),
        ({"clip_id": NAMES, "embedding": FRAMES, "n_frames": [3, 1, 4]}, "from 0 to 3"),
        ({"clip_id": NAMES, "embedding": FRAMES, "n_frames": [3]}, "for each clip"),
        ({"clip_id": NAMES, "embedding": FRAMES.astype(int)}, "it holds int64"),
        ({"clip_id": ["a", "b", "a.wav"], "embedding": FRAMES}, "1 clips occur more than once: a;"),
        ({"clip_id": NAMES, "embedding": np.array([None] * 3)}, "allow_pickle=False"),
    ],
)
def test_archives_that_are_refused(
    tmp_path: Path, arrays: dict[str, npt.ArrayLike], message: str
) -> None:
    path = tmp_path / "f.npz"
    np.savez(path, **{key: np.asarray(value) for key, value in arrays.items()})
    with pytest.raises(FeaturesFileError, match=f"no npz file of embeddings: .*{message}"):
        open_features(path)


def test_clips_are_found_by_the_rule_for_all_look_ups(tmp_path: Path) -> None:
    names = ["audio/Yabcdefghijk_0.000_10.000.wav", "abcdefghijk_30000", "office_day1_5"]
    np.savez(tmp_path / "f.npz", clip_id=names, embedding=FRAMES)
    features = open_features(tmp_path / "f.npz")
    wanted = ["abcdefghijk_0", names[0], "abcdefghijk_40000", "office_day1"]
    assert features.find(wanted).tolist() == [0, 0, -1, -1]
    with pytest.raises(UnknownClipError, match=r"_0 \(0\), abcdefghijk_30000 \(1\)$"):
        features.find(["abcdefghijk.mp3"])


def table(**columns: object) -> pa.Table:
    return pa.table({"clip_id": ["a", "a"], "embedding": [[0.5, 1.0]] * 2, **columns})


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (table(), "1 clips occur more than once: a"),
        (table(frame=[0, 2]), "frames of a are not 0, 1, 2"),
        (table(onset=[0.0, 0.5]), "frame_seconds must be what it rises by"),
        (table(frame=[1, 1]), "frames of a are not"),
        (table(frame=[0, None]), "it has nulls"),
        (table(clip_id=["a", None]), "it has nulls"),
        (table(embedding=[[0.5], [0.5, 1.0]]), "of D numbers"),
        (table(embedding=[[0.5, None], [0.5, 1.0]]), "without nulls"),
        (table(embedding=[0.5, 1.0]), "must be lists"),
        (table(embedding=[["x"], ["y"]]), "of D numbers"),
        (table().slice(0, 0), "it has no row"),
        (table().drop_columns("embedding"), "embedding"),
    ],
)
def test_tables_that_are_refused(tmp_path: Path, rows: pa.Table, message: str) -> None:
    pq.write_table(rows, tmp_path / "f.parquet")
    with pytest.raises(FeaturesFileError, match=f"no Parquet file of embeddings: .*{message}"):
        open_features(tmp_path / "f.parquet")


def test_hdf5_files_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.h5"
    for arrays in ({}, {"a": FRAMES}, {"a": FRAMES[0], "b": FRAMES[0, :, :2]}, {"a/b": FRAMES[0]}):
        with h5py.File(path, "w") as file:
            for name, value in arrays.items():
                file[name] = value
        with pytest.raises(FeaturesFileError, match="no HDF5 file of embeddings"):
            open_features(path)


@pytest.mark.parametrize("end", [8, 100, -30])
def test_files_that_were_cut_off(tmp_path: Path, writer: Writer, end: int) -> None:
    path = tmp_path / "f"
    writer(path, FRAMES)
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(FeaturesFileError, match="file of embeddings"):
        open_features(path)


def test_what_is_asked_wrongly(tmp_path: Path) -> None:
    npz(tmp_path / "f", FRAMES)
    features = open_features(tmp_path / "f")
    with pytest.raises(OptionError, match="from 0 to 2"):
        features.read([-1], [0], [1])
    with pytest.raises(OptionError, match="from 0 to 2"):
        features.durations([3])
    with pytest.raises(OptionError, match="ends before it begins"):
        features.read([0], [1], [0])
    with pytest.raises(OptionError, match="no number"):
        features.read([0], [0], [math.nan])
    with pytest.raises(OptionError, match="above 0"):
        open_features(tmp_path / "f", frame_seconds=0)
    with pytest.raises(FeaturesFileError, match="no such file or folder"):
        open_features(tmp_path / "g")


@pytest.mark.shared
def test_the_released_features(shared_data: Path) -> None:
    path = shared_data / "audioset" / "vggish_eval.npz"
    features = open_features(path)
    assert (len(features.clip_ids), features.dim) == (20_371, 128)
    rows = np.arange(0, 20_371, 100)
    found = features.read(rows, np.zeros(len(rows)), np.full(len(rows), np.inf))
    with np.load(path) as archive:
        sizes, codes = archive["n_frames"][rows], archive["embedding"][rows]
    np.testing.assert_array_equal(found.lengths, sizes)
    real = np.arange(10) < sizes[:, None]
    np.testing.assert_allclose(found.values[real], codes[real] * (4 / 255) - 2, atol=1e-6)

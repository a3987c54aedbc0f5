"""Each form of scores, read from a file that is made exactly so."""

import json
import pickle
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
    VIDEOS,
    logits_of,
    write_ced,
    write_efficientat,
    write_hdf5,
    write_npz,
    write_parquet,
    write_pretrained_sed,
)

from audiolabels import Annotations, Scores, expand, load_vocabulary, read_scores, write_targets
from audiolabels.readers import SCORE_FORMATS, BlockSizes, write_scores

AUDIOSET = load_vocabulary("audioset")
RNG = np.random.default_rng(7)
CLIPS = ["aaaaaaaaaaa_30000", "bbbbbbbbbbb_0"]
FEW = np.array([[0.5, 0.25, 0.0], [1.0, 0.125, 0.75]], np.float32)
SEGMENTS = RNG.random((2, 4, 3)).astype(np.float32)


def unknown_of(scores: Scores) -> Any:
    return np.unpackbits(scores.unknown, axis=1, count=len(scores.vocabulary)) == 1


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


@pytest.mark.parametrize("block", [1, 3, 8192])
def test_the_size_of_blocks_changes_nothing(tmp_path: Path, block: int) -> None:
    arrays = {"clip_id": CLIPS, "scores": SEGMENTS, "classes": NAMES, "segment_seconds": 1.0}
    whole = read_scores(write_plain("hdf5", tmp_path, **arrays))
    parts = read_scores(tmp_path / "scores.hdf5", block_sizes=BlockSizes(scores=block))
    assert np.array_equal(parts.scores, whole.scores)
    assert parts.clip_id.equals(whole.clip_id)
    assert parts.onset.equals(whole.onset)


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


def test_every_form_is_tried_here() -> None:
    tried = ["npz", "ced", "pretrained-sed", "hdf5", "efficientat", "parquet"]
    assert sorted(SCORE_FORMATS) == sorted(tried)


def test_pickles_that_would_call_are_refused(tmp_path: Path) -> None:
    class Loud:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "called",))

    path = write_efficientat(tmp_path, np.zeros((1, 527)) - 2, {"a": 0})
    (tmp_path / "fname_to_index.pkl").write_bytes(pickle.dumps({"a": Loud()}))
    with pytest.raises(Exception, match=r"would call .*refused; write the index as JSON"):
        read_scores(path)
    assert not (tmp_path / "called").exists()


def test_labels_are_no_scores() -> None:
    labels = Annotations.from_dict({"a": ["Rain"]})
    with pytest.raises(Exception, match=r"needs Scores, not Annotations: .*read_scores"):
        expand(labels, "pseudo-strong")

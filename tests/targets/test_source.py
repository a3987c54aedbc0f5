"""The label source against the targets that it was made from."""

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import cases
from torch.utils.data import DataLoader, Dataset

import audiolabels
from audiolabels import Annotations, Events, LabelSource, expand, write_targets
from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.clips.index import _Index, hash_strings
from audiolabels.errors import OptionError, TargetsFileError, UnknownClipError, VocabularyError

CLIPS = {
    "abcdefghijk_30000": ["Guitar"],
    "Ybcdefghijk_0": ["Rain"],
    "two-clips-1_0": ["Guitar"],
    "two-clips-1_10000": ["Rain"],
    "barebarebar": ["Guitar", "Rain"],
    "some recording": [],
    "nobody listened": None,
}
NAMES = ["Rain", "Guitar", "Electric guitar"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    targets = expand(Annotations.from_dict(CLIPS), "pe-cml", vocabulary=NAMES)
    write_targets(targets, tmp_path / "targets.parquet", layout="packed")
    return tmp_path / "targets.parquet"


def frames(path: Path, seconds: dict[str, float]) -> LabelSource:
    events = Events.from_dict(
        {clip: [("Rain", 0, 1.5), ("Guitar", 2, 2.2)] for clip in seconds}, duration=seconds
    )
    write_targets(expand(events, "strong-framed", vocabulary=NAMES, negatives="both"), path)
    return audiolabels.open(path)


@given(cases(), st.data())
def test_it_gives_what_the_targets_say(case: tuple, data: st.DataObject) -> None:
    labels, vocabulary = case
    if not len(labels):
        with pytest.raises(OptionError, match="without a clip"):
            LabelSource(expand(labels, "pe-cml", vocabulary=vocabulary))
        return
    targets = expand(labels, "pe-cml", vocabulary=vocabulary)
    source = LabelSource(targets)
    rows = data.draw(st.lists(st.integers(0, len(labels) - 1), min_size=1))
    ids = [labels.clip_id[row].as_py() for row in rows]
    for ours, right in zip(source[ids], targets.to_numpy(rows), strict=True):
        assert ours.dtype == np.float32
        assert np.array_equal(ours, right)
    assert np.array_equal(source[ids[0]].target, targets.to_numpy(rows[:1])[0][0])


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("abcdefghijk_30000", "abcdefghijk_30000"),
        ("audio/Yabcdefghijk_30.000_40.000.wav", "abcdefghijk_30000"),
        ("Yabcdefghijk.mp3", "abcdefghijk_30000"),
        ("abcdefghijk", "abcdefghijk_30000"),
        ("Ybcdefghijk_0", "Ybcdefghijk_0"),
        ("YYbcdefghijk.wav", "Ybcdefghijk_0"),
        ("barebarebar_120000", "barebarebar"),
        ("Ybarebarebar_120.000_130.000.wav", "barebarebar"),
        ("folder/some recording.flac", "some recording"),
        ("two-clips-1_10000", "two-clips-1_10000"),
        ("two-clips-1", None),  # which of the two?
        ("abcdefghijk_40000", None),  # another clip of the video
        ("elsewhere", None),
        ("", None),
    ],
)
def test_names_are_matched_by_the_rules(path: Path, name: str, clip: str | None) -> None:
    source = audiolabels.open(path)
    rows, missing = source.find([name])
    if clip is None:
        assert (rows.tolist(), missing) == ([-1], [name])
        assert name not in source
    else:
        assert (rows.tolist(), missing) == ([list(CLIPS).index(clip)], [])
        assert name in source


def test_what_is_not_found_is_named_and_never_zeros(path: Path) -> None:
    source = audiolabels.open(path)
    wanted = ["barebarebar", "elsewhere", "abcdefghijk_30000", "nowhere"]
    with pytest.raises(UnknownClipError, match=r"2 of 4 clips .*'elsewhere', 'nowhere'; "):
        source[wanted]
    rows, missing = source.find(wanted)
    assert missing == ["elsewhere", "nowhere"]
    target, mask = source.take(rows)
    assert mask[[1, 3]].sum() == target[[1, 3]].sum() == 0
    assert mask[[0, 2]].sum() > 0


def test_a_clip_that_comes_twice_is_found_where_it_stands_first(tmp_path: Path) -> None:
    text = "clip_id,labels\na,Rain\nb,Guitar\na,Guitar\n"
    (tmp_path / "labels.csv").write_text(text)
    labels = audiolabels.read_labels(tmp_path / "labels.csv")
    source = LabelSource(expand(labels, "weak", vocabulary=NAMES))
    assert len(source) == 3
    assert source["a"].target.tolist() == [1, 0, 0]


def test_frames_come_together(tmp_path: Path) -> None:
    source = frames(tmp_path / "frames.parquet", {"a": 10, "b": 10})
    assert (len(source), source.frames, source.framed) == (2, 10, True)
    target, mask = source[["b", "a"]]
    assert target.shape == mask.shape == (2, 10, 3)
    assert target[0, :, 0].tolist() == [1, 1, *[0] * 8]
    assert target[0, :, 1].tolist() == [0, 0, 1, *[0] * 7]
    assert mask[0].all(axis=0).tolist() == [True, True, False]
    assert source["a"].target.shape == (10, 3)


def test_what_a_shorter_clip_lacks_is_unknown(tmp_path: Path) -> None:
    source = frames(tmp_path / "frames.parquet", {"long": 10, "short": 3, "one frame": 0.5})
    target, mask = source[["short", "long", "one frame"]]
    assert target.shape == (3, 10, 3)
    assert mask[0, :3, 0].all()
    assert not mask[0, 3:].any()
    assert not mask[2, 1:].any()
    assert source["short"].target.shape == (3, 3)
    rows, missing = source.find(["gone", "short"])
    assert missing == ["gone"]
    assert not source.take(rows).mask[0].any()


def test_one_frame_a_clip_is_still_framed(tmp_path: Path) -> None:
    source = frames(tmp_path / "frames.parquet", {"a": 0.5, "b": 0.9})
    assert source[["a", "b"]].target.shape == (2, 1, 3)


def test_torch_tensors(path: Path) -> None:
    target, mask = audiolabels.open(path, arrays="torch")[["barebarebar", "some recording"]]
    assert target.dtype == mask.dtype == torch.float32
    assert target.tolist() == [[1, 1, 0], [0, 0, 0]]
    with pytest.raises(OptionError, match="arrays 'jax' is not offered"):
        audiolabels.open(path, arrays="jax")


def test_columns_in_another_order(path: Path) -> None:
    whole = audiolabels.open(path)
    turned = audiolabels.open(path, vocabulary=["Electric guitar", "Rain"])
    for name in CLIPS:
        for ours, right in zip(turned[name], whole[name], strict=True):
            assert ours.tolist() == [right[2], right[0]]
    assert turned.metadata["vocabulary"]["names"] == ["Electric guitar", "Rain"]
    with pytest.raises(VocabularyError, match=r"lacks 1 classes .*/m/09x0r"):
        audiolabels.open(path, vocabulary=["Rain", "Speech"])


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TargetsFileError, match="no such file"):
        audiolabels.open(tmp_path / "gone.parquet")


def test_it_pickles_as_its_path(tmp_path: Path, path: Path) -> None:
    source = audiolabels.open(path, vocabulary=NAMES[:2], arrays="torch")
    pickled = pickle.dumps(source)
    assert len(pickled) < 1000
    again = pickle.loads(pickled)
    assert again.vocabulary == source.vocabulary
    assert torch.equal(again["barebarebar"].target, source["barebarebar"].target)
    made = LabelSource(expand(Annotations.from_dict(CLIPS), "weak"))
    assert np.array_equal(
        pickle.loads(pickle.dumps(made))["barebarebar"].target, made["barebarebar"].target
    )


class Clips(Dataset):
    def __init__(self, source: LabelSource) -> None:
        self.source, self.names = source, [name for name in CLIPS if name]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.source[self.names[i]]


@pytest.mark.parametrize("start", ["fork", "spawn"])
# Python warns of every fork of a process with threads, which torch's workers need to be.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_workers_give_the_same(path: Path, start: str) -> None:
    source = audiolabels.open(path, arrays="torch")
    loader = DataLoader(Clips(source), 3, num_workers=2, multiprocessing_context=start)
    targets, masks = zip(*loader, strict=True)
    right = source[list(CLIPS)]
    assert torch.equal(torch.cat(targets), right.target)
    assert torch.equal(torch.cat(masks), right.mask)


def test_names_that_only_look_like_videos_stay_apart(tmp_path: Path) -> None:
    names = ["recording_10", "segment_001", "office_day1_5"]
    source = LabelSource(expand(Annotations.from_dict({name: ["Rain"] for name in names}), "weak"))
    strangers = "recording_1.wav segment_0012 segment_001_aug segment_001_2 office_day1".split()
    assert source.find(strangers)[1] == strangers


def test_numbers_that_no_clip_has_are_refused(path: Path, tmp_path: Path) -> None:
    for source in (audiolabels.open(path), frames(tmp_path / "f.parquet", {"a": 10})):
        for bad in (-2, len(source)):
            with pytest.raises(OptionError, match="numbered from 0 to"):
                source.take([bad])
        with pytest.raises(OptionError, match="arrays 'jax' is not offered"):
            source.take([0], arrays="jax")


def test_segments_with_labels_of_their_own_are_clips(tmp_path: Path) -> None:
    text = "filename,start,end,labels\nstreet.wav,0,10,Rain\nstreet.wav,10,20,Guitar\n"
    (tmp_path / "labels.csv").write_text(text)
    labels = audiolabels.read_labels(tmp_path / "labels.csv")
    source = LabelSource(expand(labels, "weak", vocabulary=NAMES))
    assert (len(source), source.framed) == (2, False)
    assert source["street"].target.tolist() == [1, 0, 0]


@pytest.mark.parametrize("kept", [0, 0xF << 60, 0xFFFF, 0xFFFF << 32])
def test_clips_whose_hashes_agree_are_told_apart(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "audiolabels.clips.index.hash_strings",
        lambda texts: hash_strings(texts) & np.uint64(kept),
    )
    ids = [f"clip {number % 90}" for number in range(100)]
    index = _Index(pa.array(ids, pa.string()))
    wanted = [*ids, "clip 90", "", "abcdefghijk"]
    right = [ids.index(text) if text in ids else -1 for text in wanted]
    assert index.find(pa.array(wanted, pa.string())).tolist() == right


@given(st.lists(st.text("ab", max_size=3)), st.lists(st.text("ab", max_size=3)))
def test_texts_are_found_where_they_stand_first(table: list[str], wanted: list[str]) -> None:
    texts = pa.array(table, pa.string())
    right = [table.index(text) if text in table else -1 for text in wanted]
    assert _Index(texts).find(texts_to_arrow(wanted)).tolist() == right
    alone = [row if table.count(text) == 1 else -1 for text, row in zip(wanted, right, strict=True)]
    assert _Index(texts, unique=True).find(texts_to_arrow(wanted)).tolist() == alone

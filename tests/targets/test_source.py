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
from audiolabels import (
    Annotations,
    Events,
    LabelSource,
    Scores,
    expand,
    read_targets,
    write_targets,
)
from audiolabels.errors import OptionError, TargetsFileError, UnknownClipError, VocabularyError
from audiolabels.targets import Mixture

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


def test_a_name_that_could_mean_several_clips_is_an_error(path: Path) -> None:
    source = audiolabels.open(path)
    assert "two-clips-1" not in source
    meanings = r"'two-clips-1' could mean several clips, .*: two-clips-1_0 \(2\), two-.* \(3\)"
    with pytest.raises(UnknownClipError, match=meanings):
        source.find(["elsewhere", "two-clips-1"])


def test_names_of_one_file_name_in_two_folders_are_never_mistaken(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,labels\nhome/001.wav,Rain\nstreet/001.wav,Guitar\n")
    labels = audiolabels.read_labels(tmp_path / "labels.csv")
    source = LabelSource(expand(labels, "weak", vocabulary=NAMES))
    for name, label in (("street/001.wav", "Guitar"), ("/data/home/001.flac", "Rain")):
        assert source[name][0].tolist() == [float(n == label) for n in NAMES]
    with pytest.raises(UnknownClipError, match=r"'001.wav' could mean several clips"):
        source["001.wav"]


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


def test_a_clip_that_comes_twice_is_asked_for_by_its_number(tmp_path: Path) -> None:
    text = "clip_id,labels\na,Rain\nb,Guitar\na,Guitar\n"
    (tmp_path / "labels.csv").write_text(text)
    labels = audiolabels.read_labels(tmp_path / "labels.csv")
    source = LabelSource(expand(labels, "weak", vocabulary=NAMES))
    assert len(source) == 3
    assert "a" not in source
    for names in ("a", ["b", "a.wav"], ["a", "gone"]):
        with pytest.raises(UnknownClipError, match=r"several clips.*: a \(0\), a \(2\)"):
            source[names]
    with pytest.raises(UnknownClipError, match=r"several clips.*: a \(0\), a \(2\)"):
        source.find(["a"])
    assert source.take([0, 2]).target.tolist() == [[1, 0, 0], [0, 1, 0]]
    assert source["b"].target.tolist() == [0, 1, 0]


def test_a_clip_whose_frames_come_twice_is_asked_for_by_its_number(tmp_path: Path) -> None:
    events = Events.from_dict(
        {clip: [("Rain", 0, 1.5)] for clip in "abc"}, duration=dict.fromkeys("abc", 3)
    )
    framed = expand(events, "strong-framed", vocabulary=NAMES)
    ids = pa.array(["a" if clip == "c" else clip for clip in framed.clip_id.to_pylist()])
    source = LabelSource(framed.renamed(ids))
    assert (len(source), source.clip_ids.to_pylist()) == (3, ["a", "b", "a"])
    with pytest.raises(UnknownClipError, match=r"'a' could .*: a \(0\), a \(2\)"):
        source["a"]
    assert source.take([0, 2]).target.shape == (2, 3, 3)


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


def test_a_file_that_changed_is_refused_by_what_was_pickled(path: Path) -> None:
    pickled = pickle.dumps(audiolabels.open(path))
    write_targets(read_targets(path).slice(0, 1), path)
    with pytest.raises(TargetsFileError, match="not the file that this source was opened from"):
        pickle.loads(pickled)
    path.unlink()
    with pytest.raises(TargetsFileError, match="cannot be read: No such file"):
        pickle.loads(pickled)


def test_it_unpickles_in_another_folder(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    pickled = pickle.dumps(audiolabels.open(path.name))
    monkeypatch.chdir("/")
    assert len(pickle.loads(pickled)) == len(audiolabels.open(path))


@pytest.mark.parametrize("kind", ["targets", "read", "events", "scores"])
def test_sources_in_memory_and_mixtures_pickle(path: Path, kind: str) -> None:
    made = {
        "targets": lambda: expand(Annotations.from_dict({"a": ["Rain"]}), "weak"),
        "read": lambda: read_targets(path),
        "events": lambda: expand(Events.from_dict({"a": [("Rain", 0, 1)]}), "diffuse"),
        "scores": lambda: expand(
            Scores.from_arrays(["a"], [[0.5]], classes=["Rain"]), "pseudo-strong"
        ),
    }[kind]()
    source = LabelSource(made)
    mixture = pickle.loads(pickle.dumps(Mixture([source, source], [0.5, 0.5])))
    again = pickle.loads(pickle.dumps(source))
    assert isinstance(mixture, Mixture)
    assert again.clip_ids.equals(source.clip_ids)
    for mine, theirs in zip(again.take([0]), source.take([0]), strict=True):
        assert np.array_equal(mine, theirs)


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


@pytest.mark.slow
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
    with pytest.raises(UnknownClipError, match=r"street \(0\), street \(1\)"):
        source["street"]
    assert source.take([1]).target.tolist() == [[0, 1, 0]]

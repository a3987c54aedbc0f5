"""Audio of every condition: what is read of it, and what the report says."""

import math
import multiprocessing
import os
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from audiolabels.errors import FeaturesFileError, OptionError
from audiolabels.features import open_features
from audiolabels.features.audio import AudioFeatures
from audiolabels.labels.report import FATES

soundfile = pytest.importorskip("soundfile")
soxr = pytest.importorskip("soxr")

RATE = 8000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE)).astype(np.float32)
NOISE = np.random.default_rng(0).normal(0, 0.1, 4 * RATE).astype(np.float32)


def write(path: Path, samples: npt.NDArray[np.float32], rate: int = RATE, **options: str) -> None:
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, samples, rate, **options)


def kinds(features: AudioFeatures) -> list[tuple[str, str]]:
    return sorted((f.source, f.kind) for f in features.report.findings)


def opened(path: Path, **options: int) -> AudioFeatures:
    features = open_features(path, **options)
    assert isinstance(features, AudioFeatures)
    return features


def whole(features: AudioFeatures, clip: str) -> npt.NDArray[np.float32]:
    values, lengths = features.read(features.find([clip]), [0], [math.inf])
    samples: npt.NDArray[np.float32] = values[0, : lengths[0]]
    return samples


@pytest.mark.parametrize("end", ["wav", "flac", "ogg", "mp3"])
def test_a_folder_of_each_format(tmp_path: Path, end: str) -> None:
    write(tmp_path / "a" / f"Yabcdefghijk_30.000_31.000.{end}", TONE)
    (tmp_path / "notes.txt").write_text("no audio")
    features = opened(tmp_path)
    assert (features.takes, features.rate, features.dim) == ("audio", RATE, None)
    assert list(features.clip_ids) == ["abcdefghijk_30000"]
    assert features.find(["abcdefghijk_30000", "abcdefghijk", "x"]).tolist() == [0, 0, -1]
    samples = whole(features, "abcdefghijk")
    assert abs(len(samples) - RATE) < 2000  # mp3 pads
    assert abs(features.durations([0])[0] - len(samples) / RATE) < 0.01
    assert abs(np.abs(samples).max() - 0.5) < 0.06
    assert kinds(features) == []


def test_segments_are_the_samples_whose_times_lie_in_them(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", NOISE, subtype="FLOAT")
    write(tmp_path / "b.wav", TONE, subtype="FLOAT")
    features = opened(tmp_path)
    rows = features.find(["b", "a", "a", "b", "a"])
    times = [0.5, 0, 3.5, 2, 1], [0.75, 0.96, math.inf, math.inf, 1]
    values, lengths = features.read(rows, *times)
    assert features.lengths(rows, *times).tolist() == lengths.tolist()
    assert lengths.tolist() == [2000, 7680, 4000, 0, 0]
    assert values.shape == (5, 7680)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values[0, :2000], TONE[4000:6000])
    np.testing.assert_array_equal(values[1], NOISE[:7680])
    np.testing.assert_array_equal(values[2, :4000], NOISE[28000:])
    assert not values[[0, 2, 3, 4], [2000, 4000, 0, 0]].any()
    assert kinds(features) == []  # nothing that ends with `inf` is too short
    assert features.read([], [], []).values.shape == (0, 0)


def test_each_file_is_decoded_once_a_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        write(tmp_path / f"{name}.wav", TONE)
    features, read = opened(tmp_path), soundfile.read
    features.cache_bytes = 0
    decoded: list[str] = []
    monkeypatch.setattr(
        soundfile, "read", lambda path, **options: decoded.append(path) or read(path, **options)
    )
    rows = [0, 1, 0, 1, 0]
    features.read(rows, np.arange(5) / 10, np.arange(1, 6) / 10)
    assert sorted(map(len, decoded)) == [len(str(tmp_path / "a.wav"))] * 2
    features.cache_bytes = 1 << 20
    for _ in range(3):
        features.read(rows, [0] * 5, [1] * 5)
    assert len(decoded) == 3  # the last file was held


def test_channels_and_rates(tmp_path: Path) -> None:
    write(tmp_path / "mono.wav", TONE)
    write(tmp_path / "stereo.wav", np.stack([TONE, -TONE / 2], axis=1), subtype="FLOAT")
    write(tmp_path / "odd.wav", NOISE, 11025, subtype="FLOAT")
    features = opened(tmp_path, rate=RATE)
    assert kinds(features) == [("odd.wav", "other rate"), ("stereo.wav", "several channels")]
    np.testing.assert_allclose(whole(features, "stereo"), TONE / 4, atol=1e-6)
    np.testing.assert_allclose(whole(features, "odd"), soxr.resample(NOISE, 11025, RATE))
    assert features.durations(features.find(["odd"])).tolist() == [len(NOISE) / 11025]
    assert opened(tmp_path).rate == RATE  # the commonest
    assert len(whole(opened(tmp_path, rate=16000), "mono")) == 16000


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", TONE)
    path = os.fsdecode(os.fsencode(tmp_path / "b") + b"\xff.wav")
    try:
        (tmp_path / "a.wav").rename(path)
    except OSError:
        pytest.skip("the file system takes no such name")
    features = opened(tmp_path)
    assert list(features.clip_ids) == ["b\ufffd"]
    assert len(whole(features, "b\ufffd")) == RATE


def test_files_that_are_left_out_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "good.wav", TONE)
    write(tmp_path / "none.wav", TONE[:0])
    write(tmp_path / "twice" / "good.flac", TONE)
    (tmp_path / "text.wav").write_text("not found")
    (tmp_path / "zero.mp3").touch()
    features = opened(tmp_path)
    assert list(features.clip_ids) == ["good"]
    assert (features.report.rows, features.report.rows_used) == (5, 1)
    assert {f.source: f.reason for f in features.report.findings} == {
        "none.wav": "no sample",
        "text.wav": "cannot be decoded",
        "twice/good.flac": "good.wav has the same clip id",
        "zero.mp3": "cannot be decoded",
    }


def test_what_reading_finds(tmp_path: Path) -> None:
    write(tmp_path / "short.wav", TONE)
    write(tmp_path / "silent.wav", TONE * 0)
    write(tmp_path / "nan.wav", np.where(TONE > 0.4, np.nan, TONE), subtype="FLOAT")
    features = opened(tmp_path)
    assert kinds(features) == []
    rows = features.find(["short", "silent", "nan"])
    for _ in range(2):
        values, lengths = features.read(rows, [0, 0, 0], [2, 1, 1])
    assert lengths.tolist() == [RATE] * 3
    np.testing.assert_allclose(values[2], np.where(TONE > 0.4, 0, TONE))
    assert kinds(features) == [
        ("nan.wav", "samples that are no number"),
        ("short.wav", "short"),
        ("silent.wav", "silent"),
    ]
    assert {kind for _, kind in kinds(features)} <= set(FATES)


@pytest.mark.parametrize("end", ["wav", "flac", "mp3"])
def test_a_file_that_breaks_off_is_used_as_far_as_it_goes(tmp_path: Path, end: str) -> None:
    path = tmp_path / f"a.{end}"
    write(path, NOISE)
    before = whole(opened(tmp_path), "a")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    features = opened(tmp_path)
    found = whole(features, "a")
    assert 0.3 < len(found) / len(before) < 0.6
    np.testing.assert_array_equal(found[:8000], before[:8000])
    assert kinds(features) == [(f"a.{end}", "broken")]


def test_garbage_within_an_ogg_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    write(path, NOISE)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    features = opened(tmp_path)
    assert 0 < len(whole(features, "a")) < len(NOISE)
    assert kinds(features) == [("a.ogg", "broken")]


def test_a_table_of_files(tmp_path: Path) -> None:
    write(tmp_path / "audio" / "1.wav", TONE)
    write(tmp_path / "audio" / "2.wav", NOISE)
    text = "clip_id\tpath\tnote\nY-bcdefghijk_0\taudio/1.wav\tx\n\taudio/2.wav\nc\taudio/3.wav\n"
    (tmp_path / "m.tsv").write_text(text)
    features = opened(tmp_path / "m.tsv")
    assert list(features.clip_ids) == ["Y-bcdefghijk_0", "2"]
    assert features.find(["-bcdefghijk", "2.wav", "c"]).tolist() == [0, 1, -1]
    (finding,) = features.report.findings
    assert (finding.source, finding.row, finding.clip) == ("audio/3.wav", 4, "c")
    assert (finding.kind, finding.reason) == ("file unused", "no such file")
    (tmp_path / "m.csv").write_text(f"file\n{tmp_path / 'audio' / '1.wav'}\n")
    assert list(opened(tmp_path / "m.csv").clip_ids) == ["1"]


def read_one(features: AudioFeatures, clip: int) -> npt.NDArray[np.float32]:
    return features.read([clip], [0], [9]).values


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Arrow has threads
@pytest.mark.parametrize(("method", "shared"), [("fork", True), ("spawn", False)])
def test_other_processes_read_the_same(tmp_path: Path, method: str, shared: bool) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    write(tmp_path / "a.wav", TONE)
    features = opened(tmp_path)
    found = features.read([0], [0], [1])
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=put, args=(queue, features))
    process.start()
    values = queue.get(timeout=60)
    process.join()
    np.testing.assert_array_equal(values, found.values)
    assert kinds(features) == [("a.wav", "short")] * shared
    assert kinds(pickle.loads(pickle.dumps(features))) == kinds(features)


def put(queue: "multiprocessing.Queue[npt.NDArray[np.float32]]", features: AudioFeatures) -> None:
    queue.put(read_one(features, 0))


def test_progress(tmp_path: Path) -> None:
    for name in "abc":
        write(tmp_path / f"{name}.wav", TONE)
    calls: list[tuple[int, int]] = []
    open_features(tmp_path, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeaturesFileError, match=r"no audio file of use among 0$"):
        open_features(tmp_path)
    (tmp_path / "a.wav").touch()
    with pytest.raises(FeaturesFileError, match="among 1: cannot be decoded"):
        open_features(tmp_path)
    with pytest.raises(FeaturesFileError, match="neither embeddings"):
        open_features(tmp_path / "a.wav")
    (tmp_path / "b.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(FeaturesFileError, match="no table of audio files"):
        open_features(tmp_path / "b.npy")
    with pytest.raises(OptionError, match="above 0"):
        open_features(tmp_path, rate=0)


@pytest.mark.shared
def test_real_recordings(shared_data: Path) -> None:
    features = opened(shared_data / "esc10" / "manifest.tsv", rate=8000)
    assert len(features.clip_ids) == 400
    rows = np.arange(0, 400, 40)
    values, lengths = features.read(rows, np.zeros(10), np.full(10, np.inf))
    np.testing.assert_allclose(lengths, features.durations(rows) * 8000, atol=1)
    assert np.isfinite(values).all()
    assert Counter(f.kind for f in features.report.findings) == {"other rate": 400}

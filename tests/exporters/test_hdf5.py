"""PANNs' and PaSST's HDF5, read as their data sets and samplers read them."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from export_support import AUDIOSET, backwards, framed_targets, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange

from audiolabels import Annotations, Targets, expand, export
from audiolabels.arrays.bits import third_state
from audiolabels.errors import OptionError, VocabularyError

h5py = pytest.importorskip("h5py")


def read_as_passt(path: Path, key: str = "target") -> tuple[list[str], npt.NDArray[Any], list[Any]]:
    """Names, targets and MP3 bytes, item by item."""
    with h5py.File(path, "r") as file:
        names = [file["audio_name"][i].decode() for i in range(len(file["audio_name"]))]
        bits = [file[key][i] for i in range(len(names))]
        sounds = [file["mp3"][i].tobytes() for i in range(len(names))] if "mp3" in file else []
    table = [np.unpackbits(b, axis=-1, count=527).astype(np.float32) for b in bits]
    return names, np.array(table), sounds


def read_as_panns(index: Path) -> tuple[list[str], npt.NDArray[Any], npt.NDArray[Any]]:
    """What the loss sees: the index leads to the file that holds waveform and target."""
    names, targets, sounds = [], [], []
    with h5py.File(index, "r") as file:
        metas = list(
            zip(file["audio_name"][:], file["hdf5_path"][:], file["index_in_hdf5"][:], strict=True)
        )
        sampled = file["target"][:].astype(np.float32)
    for name, place, i in metas:
        with h5py.File(place.decode(), "r") as file:
            assert file["audio_name"][i] == name
            names.append(file["audio_name"][i].decode())
            sounds.append(file["waveform"][i])
            targets.append(file["target"][i].astype(np.float32))
            assert file.attrs["sample_rate"] == 32_000
    assert (np.array(targets) == sampled).all()
    return names, np.array(targets), np.array(sounds)


def names_of(clips: Sequence[str], extension: str) -> list[str]:
    return [f"Y{clip.rsplit('_', 1)[0]}{extension}" for clip in clips]


def write_audio(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """A file with MP3 bytes and waveforms; clip to its sound."""
    rng = np.random.default_rng(0)
    sounds = {name: rng.integers(0, 255, rng.integers(1, 40)).astype(np.uint8) for name in names}
    waves = {name: rng.integers(-9, 9, 16).astype(np.int16) for name in names}
    with h5py.File(path, "w") as file:
        file["audio_name"] = np.array([name.encode() for name in names], "S20")
        mp3 = file.create_dataset("mp3", len(names), h5py.vlen_dtype(np.uint8))
        for i, name in enumerate(names):
            mp3[i] = sounds[name]
        file["waveform"] = np.array(list(waves.values()))
        file.attrs["sample_rate"] = 32_000
        file["waveform"].attrs["unit"] = "int16"
    return {name: (sounds[name].tobytes(), waves[name].tolist()) for name in names}


@pytest.mark.parametrize("make", [sample, strange])
def test_passt_reads_labels_alone(tmp_path: Path, make: Callable[..., Targets]) -> None:
    targets, path = make(), tmp_path / "train.hdf"
    done = export(targets, "passt", path)
    names, target, _ = read_as_passt(path)
    left = {clip for clips in done.names.values() for clip in clips.to_pylist()}
    clips = [clip for clip in targets.clip_id.to_pylist() if clip not in left]
    wanted, mask = rows_of(targets, clips)
    assert (target == wanted).all()
    assert (read_as_passt(path, "mask")[1] == mask).all()
    assert len(names) == len(clips) == done.files[path]
    assert done.notes == ["no audio: 'mp3' is not written; name its file with --audio"]
    assert left == ({"nobody listened"} if make is strange else set())


def test_bits_are_copied_as_they_are(tmp_path: Path) -> None:
    targets, path = sample(), tmp_path / "train.hdf"
    export(targets, "passt", path)
    with h5py.File(path) as file:
        assert file["audio_name"].dtype == "S20"
        assert file["target"].dtype == file["mask"].dtype == np.uint8
        rows = targets.row_of_clip
        assert (file["target"][:] == targets.positive[rows]).all()
        masked = targets.masked[rows]
        assert (file["mask"][:] == third_state(masked, masked, 527)).all()
        assert [i.decode() for i in file["target"].attrs["classes"]] == list(AUDIOSET.ids)


@pytest.mark.parametrize("missing", [[], [0], [199], [3, 4, 77, 150, 152]])
def test_passt_finds_the_audio_of_each_target(tmp_path: Path, missing: list[int]) -> None:
    """Whatever is missing on either side, a row's sound and target are of the clip it names."""
    (tmp_path / "labels").mkdir()
    clips = sample().clip_id.to_pylist()
    order = np.random.default_rng(1).permutation(200).tolist()
    names = names_of([clips[i] for i in order], ".mp3")
    sounds = write_audio(
        tmp_path / "mp3.hdf", [*names, "Yzzzzzzzzzzz.mp3"][: None if missing else -1]
    )
    kept = [i for i in range(200) if i not in missing]
    chosen = sample().take(kept)
    path = tmp_path / "labels" / "train.hdf"
    done = export(chosen, "passt", path, audio=tmp_path / "mp3.hdf")
    read, target, heard = read_as_passt(path)
    assert read == [name for name, i in zip(names, order, strict=True) if i not in missing]
    assert heard == [sounds[name][0] for name in read]
    wanted, _ = rows_of(sample(), [clips[i] for i in order if i not in missing])
    assert (target == wanted).all()
    alone = done.names.get("clips of the audio file without targets")
    assert (alone is None) == (not missing)
    if alone:
        assert {f"Y{clip}.mp3" for clip in alone.to_pylist()} == set(sounds) - set(read)


def test_targets_without_audio_are_named(tmp_path: Path) -> None:
    clips = sample().clip_id.to_pylist()
    write_audio(tmp_path / "mp3.hdf", names_of(clips[5:8], ".mp3"))
    done = export(sample(), "passt", tmp_path / "train.hdf", audio=tmp_path / "mp3.hdf")
    assert done.left_out == {"targets without audio": 197}
    assert done.names["targets without audio"].to_pylist()[:6] == [
        clip.split("_")[0] for clip in [*clips[:5], clips[8]]
    ]
    names, *_ = read_as_passt(tmp_path / "train.hdf")
    assert names == names_of(clips[5:8], ".mp3")


def test_audio_is_matched_by_the_rule_for_all_look_ups(tmp_path: Path) -> None:
    """A place in a video is not another place in it, and office_day1 is no video of a start."""
    names = ["abcdefghijk_30000", "lmnopqrstuv_0", "office_day1_5", "zzzzzzzzzzz"]
    labels = Annotations.from_dict({name: ["Rain"] for name in names})
    write_audio(tmp_path / "mp3.hdf", ["Yabcdefghijk_60.mp3", "lmnopqrstuv_0.mp3", "Yzzzzzzzzzzz"])
    path = tmp_path / "train.hdf"
    done = export(expand(labels, "weak"), "passt", path, audio=tmp_path / "mp3.hdf")
    assert read_as_passt(path)[0] == ["lmnopqrstuv_0.mp3", "Yzzzzzzzzzzz"]
    assert done.names["targets without audio"].to_pylist() == ["abcdefghijk", "office_day1_5"]
    plain = export(expand(labels, "weak"), "passt", tmp_path / "plain.hdf")
    assert len(plain.left_out) == 0
    with h5py.File(tmp_path / "plain.hdf") as file:
        assert file["audio_name"][2] == b"Yoffice_day1_5.mp3"


@pytest.mark.parametrize("extra", [[], ["Yzzzzzzzzzzz.mp3"]])
def test_links_hold_when_the_folder_moves(tmp_path: Path, extra: list[str]) -> None:
    (tmp_path / "before" / "labels").mkdir(parents=True)
    names = [*extra, *names_of(sample().clip_id.to_pylist()[:4], ".mp3")]
    sounds = write_audio(tmp_path / "before" / "mp3.hdf", names)
    export(
        sample(),
        "passt",
        tmp_path / "before" / "labels" / "train.hdf",
        audio=tmp_path / "before" / "mp3.hdf",
    )
    (tmp_path / "before").rename(tmp_path / "after")
    read, _, heard = read_as_passt(tmp_path / "after" / "labels" / "train.hdf")
    assert heard == [sounds[name][0] for name in read]
    assert len(read) == 4


@pytest.mark.parametrize("extra", [[], ["Yzzzzzzzzzzz.wav"]])
def test_panns_reads_it(tmp_path: Path, extra: list[str]) -> None:
    clips = sample().clip_id.to_pylist()
    names = [*names_of(clips[100:], ".wav"), *extra, *names_of(clips[:100], ".wav")]
    sounds = write_audio(tmp_path / "waveforms.h5", names)
    path, index = tmp_path / "train.h5", tmp_path / "index.h5"
    done = export(sample(), "panns", path, audio=tmp_path / "waveforms.h5", index=index)
    read, target, heard = read_as_panns(index)
    assert read == [name for name in names if name not in extra]
    assert heard.tolist() == [sounds[name][1] for name in read]
    wanted, mask = rows_of(sample(), clips[100:] + clips[:100])
    assert (target == wanted).all()
    assert done.files == {path: 200, index: 200}
    with h5py.File(path) as file, h5py.File(index) as other:
        assert file["target"].dtype == file["mask"].dtype == np.bool_
        assert (file["mask"][:] == (mask > 0)).all()
        assert (other["mask"][:] == (mask > 0)).all()
        assert other["hdf5_path"].dtype == "S200"
        assert other["index_in_hdf5"].dtype == np.int32
        assert file["waveform"].attrs["unit"] == "int16"


def test_panns_without_audio_has_labels_alone(tmp_path: Path) -> None:
    done = export(sample(), "panns", tmp_path / "train.h5")
    with h5py.File(tmp_path / "train.h5") as file:
        assert sorted(file) == ["audio_name", "mask", "target"]
        assert (file["target"][:] == (sample().to_numpy()[0] > 0)).all()
        assert file["audio_name"][0] == b"Ysample-0001.wav"
    assert len(done.notes) == 2
    with pytest.raises(OptionError, match="an index refers to the audio"):
        export(sample(), "panns", tmp_path / "a.h5", index=tmp_path / "b.h5")


@pytest.mark.parametrize("form", ["panns", "passt"])
def test_other_classes_are_refused_and_other_orders_put_right(tmp_path: Path, form: str) -> None:
    labels = Annotations.from_dict({"abcdefghijk_0": ["Guitar"], "bbcdefghijk_0": ["Bell"]})
    for name, vocabulary in (("a", AUDIOSET), ("b", backwards(AUDIOSET))):
        export(expand(labels, vocabulary=vocabulary), form, tmp_path / name)
    with h5py.File(tmp_path / "a") as a, h5py.File(tmp_path / "b") as b:
        assert all((a[key][:] == b[key][:]).all() for key in ("target", "mask"))
    with pytest.raises(VocabularyError, match=r"'fsd50k' lacks 335: .* and has 8 others: "):
        export(sample("weak", "fsd50k"), form, tmp_path / "c")
    with pytest.raises(OptionError, match="these are frames"):
        export(framed_targets(), form, tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_names_that_do_not_fit_are_left_out(tmp_path: Path) -> None:
    labels = Annotations.from_dict({"x" * 15: ["Bell"], "é" * 8: ["Bell"], "x" * 16: ["Bell"]})
    done = export(expand(labels), "passt", tmp_path / "a")
    assert done.names["clips whose name has more than 20 bytes"].to_pylist() == [
        f"Y{'é' * 8}.mp3",
        f"Y{'x' * 16}.mp3",
    ]


def test_an_audio_file_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    def refused(match: str) -> None:
        with pytest.raises(OptionError, match=match):
            export(sample(), "passt", tmp_path / "out", audio=tmp_path / "audio")
        assert not (tmp_path / "out").exists()

    refused("cannot be read as HDF5")
    with h5py.File(tmp_path / "audio", "w") as file:
        file["audio_name"] = np.array([b"Yzzzzzzzzzzz.wav"])
    refused("no data set 'mp3'; it has: audio_name")
    write_audio(tmp_path / "audio", ["Yzzzzzzzzzzz.wav"])
    refused("no clip of the audio file has a target: it has zzzzzzzzzzz …, the targets sample-0001")


def test_outputs_are_not_inputs(tmp_path: Path) -> None:
    audio = tmp_path / "audio"
    write_audio(audio, names_of(sample().clip_id.to_pylist(), ".wav"))
    before = audio.read_bytes()
    for form in ("panns", "passt"):
        with pytest.raises(OptionError, match="the audio file, which must stay"):
            export(sample(), form, audio, audio=audio)
    with pytest.raises(OptionError, match="cannot be both"):
        export(sample(), "panns", tmp_path / "a", audio=audio, index=tmp_path / "a")
    assert audio.read_bytes() == before
    with h5py.File(audio, "a") as file:
        del file["mp3"]
        file["mp3"] = np.zeros((3, 4), np.uint8)
    with pytest.raises(OptionError, match="'audio_name' and 'mp3' differ in length"):
        export(sample(), "passt", tmp_path / "a", audio=audio)


def test_what_happens_when_the_audio_is_gone_is_as_documented(tmp_path: Path) -> None:
    names = names_of(sample().clip_id.to_pylist(), ".wav")
    for name, names_ in (("all", names), ("more", ["Yzzzzzzzzzzz.wav", *names])):
        write_audio(tmp_path / "audio", names_)
        export(sample(), "panns", tmp_path / name, audio=tmp_path / "audio")
    (tmp_path / "audio").unlink()
    with h5py.File(tmp_path / "all") as linked, h5py.File(tmp_path / "more") as virtual:
        with pytest.raises(KeyError, match="can't open file"):
            _ = linked["waveform"]
        assert not virtual["waveform"][:].any()


def test_without_h5py_the_extra_is_named(tmp_path: Path) -> None:
    program = """
import sys
sys.modules["h5py"] = None
import audiolabels
targets = audiolabels.expand(audiolabels.Annotations.from_dict({"a": ["Guitar"]}))
audiolabels.export(targets, "ast", "a.json")
try:
    audiolabels.export(targets, "passt", "a.hdf")
except audiolabels.AudioLabelsError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    wanted = "h5py is not installed; install it with: pip install 'audiolabels[hdf5]'\n"
    assert done.stdout == wanted

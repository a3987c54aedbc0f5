"""EAT's manifest, read as EAT's data set and its task of fine-tuning read it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from export_support import backwards, framed_targets, given, positives, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange

from audiolabels import Annotations, Targets, expand, export, read_labels
from audiolabels.errors import OptionError
from audiolabels.exporters.ast import write_ast


def read_manifest(path: Path, shortest: int = 0) -> tuple[str, list[str], list[int], set[int]]:
    """Root, paths and sizes of the clips that are long enough, and the lines of the others."""
    root, *lines = path.read_text().splitlines()
    words = [line.strip().split() for line in lines]
    assert all(len(pair) == 2 for pair in words)
    skipped = {i for i, (_, size) in enumerate(words) if int(size) < shortest}
    kept = [pair for i, pair in enumerate(words) if i not in skipped]
    return root.strip(), [name for name, _ in kept], [int(size) for _, size in kept], skipped


def read_labels_of(path: Path, suffix: str = ".lbl", shortest: int = 0) -> npt.NDArray[Any]:
    """Of each line that the manifest keeps the second word: ids, looked up in the list."""
    column = {}
    for line in path.with_name("label_descriptors.csv").read_text().splitlines():
        cells = line.split(",")
        assert cells[1] not in column
        column[cells[1]] = int(cells[0])
    _, names, _, skipped = read_manifest(path, shortest)
    lines = path.with_suffix(suffix).read_text().splitlines()
    kept = [line for i, line in enumerate(lines) if i not in skipped]
    table = np.zeros((len(names), len(column)))
    for row, name, line in zip(table, names, kept, strict=True):
        first, *rest = line.rstrip().split()
        assert first == name
        assert rest or suffix == ".masked"  # the reader takes the second word unasked
        row[[column[id_] for text in rest for id_ in text.split(",")]] = 1
    return table


@pytest.mark.parametrize("vocabulary", ["audioset", "audioset-strong", "fsd50k"])
@pytest.mark.parametrize("make", [sample, strange])
def test_eat_reads_it(tmp_path: Path, make: Callable[..., Targets], vocabulary: str) -> None:
    targets, path = make("pe-cml", vocabulary), tmp_path / "train.tsv"
    done = export(targets, "eat", path, files="{clip}", sample_rate=16_000, clip_duration=10)
    root, clips, sizes, _ = read_manifest(path)
    assert clips == [clip for clip in given(targets) if " " not in clip]
    wanted, mask = rows_of(targets, clips)
    assert (read_labels_of(path) == wanted).all()
    assert (read_labels_of(path, ".masked") == 1 - mask).all()
    assert root == ""
    assert set(sizes) == {160_000}
    assert done.files[path] == len(clips) == len(targets) - sum(done.left_out.values())


def test_weights_are_those_of_ast(tmp_path: Path) -> None:
    export(sample(), "eat", tmp_path / "train.tsv", sample_rate=16_000)
    write_ast(sample(), tmp_path / "a.json")
    weights, theirs = (np.loadtxt(tmp_path / f"{stem}_weight.csv") for stem in ("train", "a"))
    assert (weights == theirs).all()
    assert len(weights) == 200


def write_audio(folder: Path, sizes: dict[str, int]) -> None:
    soundfile = pytest.importorskip("soundfile")
    for name, size in sizes.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, np.zeros(size), 16_000)


def test_sizes_are_those_of_the_files(tmp_path: Path) -> None:
    names = [f"sample-{i:04}.wav" for i in range(1, 201)]
    folder, path = tmp_path / "with audio", tmp_path / "train.tsv"
    sizes = {f"a/{name}": 100 + i for i, name in enumerate(names[:6])}
    write_audio(folder, {**sizes, "a/zzzzzzzzzzz.flac": 9, f"a/{names[6]}": 0})
    (folder / "a" / names[7]).write_bytes(b"RIFF, then nothing")
    (folder / "notes.txt").write_text("no audio")
    done = export(sample(), "eat", path, files="a/{id}.wav", audio=folder)
    root, clips, found, _ = read_manifest(path)
    assert root == str(folder.resolve())
    assert dict(zip(clips, found, strict=True)) == sizes
    assert {reason: got.to_pylist()[:2] for reason, got in done.names.items()} == {
        "clips of the audio folder without targets": ["a/zzzzzzzzzzz.flac"],
        "targets without audio": [f"a/{name}" for name in names[8:10]],
        "clips whose audio file cannot be read, or is empty": [f"a/{n}" for n in names[6:8]],
    }
    # A clip that EAT finds too short is passed over in all files alike.
    wanted, mask = rows_of(sample(), sample().clip_id.to_pylist()[3:6])
    assert (read_labels_of(path, shortest=103) == wanted).all()
    assert (read_labels_of(path, ".masked", shortest=103) == 1 - mask).all()
    with pytest.raises(OptionError, match="no clip of the audio folder has a target: it has a/sam"):
        export(sample(), "eat", path, files="b/{id}.wav", audio=folder)


def test_sizes_have_one_source(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    for given_ in ({}, {"audio": tmp_path, "sample_rate": 16_000}):
        with pytest.raises(OptionError, match="eat lists the number of samples of each file"):
            export(sample(), "eat", path, **given_)
    with pytest.raises(OptionError, match=r"eat needs the length of each clip.*--clip-duration"):
        export(strange(), "eat", path, sample_rate=16_000)
    with pytest.raises(OptionError, match="a sample rate of 0 Hz"):
        export(sample(), "eat", path, sample_rate=0)
    with pytest.raises(OptionError, match="no such folder of audio"):
        export(sample(), "eat", path, audio=tmp_path / "none")
    assert not list(tmp_path.iterdir())
    done = export(sample(), "eat", path, sample_rate=16_000)
    assert done.notes == ["sizes are lengths of clips times 16,000 Hz, not of files"]


def test_what_the_form_cannot_hold_is_refused_or_named(tmp_path: Path) -> None:
    path = tmp_path / "train.tsv"
    labels = Annotations.from_dict({"a b": ["Dog"], "c\u00a0d": ["Dog"], "ef": ["Dog"], "gh": []})
    done = export(expand(labels), "eat", path, sample_rate=8_000, clip_duration="9.5")
    assert {reason: names.to_pylist() for reason, names in done.names.items()} == {
        "clips without a positive class": ["gh"],
        "clips whose name has a blank": ["a b.wav", "c\u00a0d.wav"],
    }
    assert read_manifest(path)[1:3] == (["ef.wav"], [76_000])
    other = expand(labels, vocabulary=backwards(sample().vocabulary))
    with pytest.raises(OptionError, match="lists other classes than the labels have"):
        export(other, "eat", tmp_path / "eval.tsv", sample_rate=8_000, clip_duration=10)
    with pytest.raises(OptionError, match=r"end it in \.tsv"):
        export(sample(), "eat", tmp_path / "train.csv", sample_rate=16_000)
    with pytest.raises(OptionError, match="these are frames"):
        export(framed_targets(), "eat", tmp_path / "eval.tsv", sample_rate=16_000)


@pytest.mark.parametrize("make", [sample, strange])
def test_it_comes_back(tmp_path: Path, make: Callable[..., Targets]) -> None:
    targets, path = make(), tmp_path / "train.tsv"
    export(targets, "eat", path, files="{clip}.wav", sample_rate=16_000, clip_duration=10)
    kept = {clip: ids for clip, ids in given(targets).items() if " " not in clip}
    assert positives(path.with_suffix(".lbl")) == kept


@pytest.mark.shared
def test_real_labels_come_back(tmp_path: Path, shared_data: Path) -> None:
    targets = expand(read_labels(shared_data / "audioset" / "eval_segments.csv"))
    export(targets, "eat", tmp_path / "eval.tsv", files="{clip}.wav", sample_rate=16_000)
    assert positives(tmp_path / "eval.lbl") == given(targets)

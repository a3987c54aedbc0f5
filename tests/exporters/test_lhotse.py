"""Lhotse's supervisions, read by Lhotse itself and as icefall's recipe for AudioSet reads them."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from export_support import framed_targets, given, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange
from lhotse import CutSet, MonoCut, Recording, SupervisionSegment, SupervisionSet, validate
from lhotse.audio import AudioSource
from lhotse.dataset import AudioTaggingDataset
from lhotse.dataset.input_strategies import AudioSamples
from lhotse.serialization import load_manifest, load_manifest_lazy

from audiolabels import Annotations, Events, Targets, expand, export, load_vocabulary, read_labels
from audiolabels.errors import LabelFileError, OptionError

STRONG = load_vocabulary("audioset-strong")


def multihot(texts: list[str], classes: int) -> npt.NDArray[Any]:
    """A number between each two semicolons, as the recipe converts them."""
    table = np.zeros((len(texts), classes))
    for row, text in zip(table, texts, strict=True):
        row[[int(number) for number in text.split(";")]] = 1
    return table


def unknown(texts: list[str], classes: int) -> npt.NDArray[Any]:
    table = np.zeros((len(texts), classes))
    for row, text in zip(table, texts, strict=True):
        row[[int(number) for number in text.split(";") if number]] = 1
    return table


def recipe_weights(events: list[str], classes: int) -> list[float]:
    table = multihot(events, classes)
    return [float(sum(1000 / (table[:, c].sum() + 0.01) for c in np.flatnonzero(r))) for r in table]


@pytest.mark.parametrize("vocabulary", ["audioset", "fsd50k"])
@pytest.mark.parametrize("make", [sample, strange])
def test_lhotse_reads_it(tmp_path: Path, make: Callable[..., Targets], vocabulary: str) -> None:
    targets, path = make("pe-cml", vocabulary), tmp_path / "train.jsonl.gz"
    done = export(targets, "lhotse", path, clip_duration=10)
    found = list(load_manifest_lazy(path))
    assert all(isinstance(one, SupervisionSegment) for one in found)
    validate(SupervisionSet.from_segments(found))
    clips = [one.recording_id for one in found]
    assert clips == [one.id for one in found] == list(given(targets))
    assert {(one.start, one.duration, one.channel) for one in found} == {(0.0, 10.0, 0)}
    target, mask = rows_of(targets, clips)
    size = len(targets.vocabulary)
    assert (multihot([one.audio_event for one in found], size) == target).all()
    assert (unknown([one.masked for one in found], size) == 1 - mask).all()
    lines = (tmp_path / "train_weights.txt").read_text().splitlines()
    weights = dict(line.rsplit(" ", 1) for line in lines)
    assert list(weights) == clips
    wanted = recipe_weights([one.audio_event for one in found], size)
    np.testing.assert_allclose([float(weight) for weight in weights.values()], wanted, rtol=1e-12)
    assert done.files[path] == len(found) == len(targets) - sum(done.left_out.values())
    assert (tmp_path / "class_labels_indices.csv").exists()


def test_equal_targets_make_equal_bytes(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for path in (tmp_path / "a.jsonl.gz", tmp_path / "b" / "other.jsonl.gz"):
        export(sample(), "lhotse", path)
    first, second = (path.read_bytes() for path in tmp_path.rglob("*.jsonl.gz"))
    assert first == second
    assert first[4:8] == b"\0\0\0\0"  # no time
    assert not first[3]  # nor a name


def test_a_recording_of_segments_has_several_supervisions(tmp_path: Path) -> None:
    targets, path = framed_targets(negatives="both", parents="all"), tmp_path / "a.jsonl.gz"
    done = export(targets, "lhotse", path)
    found = list(load_manifest(path))
    frame, (target, mask) = targets.to_pandas(), targets.to_numpy()
    some = target.any(1)
    assert (multihot([one.audio_event for one in found], 527) == target[some]).all()
    assert (unknown([one.masked for one in found], 527) == 1 - mask[some]).all()
    np.testing.assert_allclose([one.start for one in found], frame["onset"][some])
    np.testing.assert_allclose([one.end for one in found], frame["offset"][some])
    assert [one.recording_id for one in found] == frame["clip_id"][some].tolist()
    assert len({one.id for one in found}) == len(found)
    assert done.left_out["segments without a positive class"] == sum(
        (~some) & frame["clip_id"].isin(frame["clip_id"][some])
    )
    # A cut per supervision is what the recipe trains on.
    cuts = [recorded("abcdefghijk_30000", "x.wav")]
    cuts[0].supervisions = [s for s in found if s.recording_id == "abcdefghijk_30000"]
    parts = list(CutSet.from_cuts(cuts).trim_to_supervisions(keep_overlapping=False))
    assert [cut.supervisions[0].audio_event for cut in parts] == [
        one.audio_event for one in cuts[0].supervisions
    ]


def test_segments_of_clips_that_share_a_name_are_left_out(tmp_path: Path) -> None:
    events = {f"abcdefghijk_{n}": [("Bell", 0, n // 1000 + 1)] for n in (1000, 5000)}
    targets = expand(Events.from_dict(events), "strong-framed")
    done = export(targets, "lhotse", tmp_path / "a.jsonl.gz", keys="{id}")
    assert done.left_out["clips that share their name"] == 2
    assert done.files[tmp_path / "a.jsonl.gz"] == 0


def test_events_are_supervisions_with_a_class_each(tmp_path: Path) -> None:
    events = Events.from_dict(
        {"a": [("Bell", 0, 2), ("Bell", 2, 12), ("Church bell", 1, 2)], "b": [], "c": None}
    )
    path = tmp_path / "a.jsonl.gz"
    done = export(events, "lhotse", path, parents="certain")
    found = list(load_manifest(path))
    rows = [(s.audio_event, s.start, s.end) for s in found if s.audio_event]
    column = {name: str(STRONG.names.index(name)) for name in ("Bell", "Church bell")}
    assert (column["Bell"], 2.0, 10.0) in rows
    assert (column["Church bell"], 1.0, 2.0) in rows
    assert all(s.masked for s in found if not s.audio_event)
    assert {s.recording_id for s in found} == {"a"}
    assert len({s.id for s in found}) == len(found) == done.files[path]
    assert done.left_out == {"unannotated clips": 1, "clips without events": 1}
    assert not (tmp_path / "a_weights.txt").exists()
    for options in ({"clip_duration": 10}, {"like": "a"}):
        with pytest.raises(OptionError, match="clip_duration and like are for targets"):
            export(events, "lhotse", path, **options)


def recorded(id_: str, path: str, **custom: Any) -> MonoCut:
    source = AudioSource("file", [0], path)
    recording = Recording(id_, [source], 16_000, 160_000, 10.0)
    own = SupervisionSegment(id_, id_, 0.0, 10.0, custom=custom)
    return MonoCut(id_, 0.0, 10.0, 0, [own], recording=recording)


def test_a_manifest_is_copied_with_other_labels_by_the_path(tmp_path: Path) -> None:
    """The recipe's ids end at the first `_`: here three files have the id of one."""
    files = ["-_cdefghijk.wav", "-_other_one0.wav", "Yb-defghijk_30.000.wav", "abcdefghijk.wav"]
    cuts = [
        recorded(name.split("_")[0], f"data/balanced/{name}", audio_event="9", soft="", noise=1)
        for name in files
    ]
    CutSet.from_cuts(cuts).to_jsonl(tmp_path / "cuts.jsonl.gz")
    path = tmp_path / "new.jsonl.gz"
    done = export(strange(), "lhotse", path, like=tmp_path / "cuts.jsonl.gz")
    found = list(load_manifest(path))
    assert [cut.recording for cut in found] == [cuts[i].recording for i in (0, 2, 3)]
    target, mask = rows_of(strange(), ["-_cdefghijk_0", "Yb-defghijk_30000", "abcdefghijk_10000"])
    own = [cut.supervisions[0] for cut in found]
    assert (multihot([one.audio_event for one in own], 527) == target).all()
    assert (unknown([one.masked for one in own], 527) == 1 - mask).all()
    assert {tuple(one.custom) for one in own} == {("noise", "audio_event", "masked")}
    assert done.names["clips of the audio manifest without targets"].to_pylist() == [
        "data/balanced/-_other_one0.wav"
    ]
    assert done.names["targets without audio"].to_pylist() == ["64760", 'a, "b"']
    weights = (tmp_path / "new_weights.txt").read_text().splitlines()
    wanted = recipe_weights([one.audio_event for one in own], 527)
    np.testing.assert_allclose([float(line.split()[1]) for line in weights], wanted, rtol=1e-12)
    assert [line.split()[0] for line in weights] == ["-", "Yb-defghijk", "abcdefghijk.wav"]
    assert not done.notes


def test_cuts_of_one_id_are_noted(tmp_path: Path) -> None:
    cuts = [recorded("-", "-_cdefghijk.wav"), recorded("-", "abcdefghijk.wav")]
    lines = (json.dumps(cut.to_dict()) for cut in cuts)
    like = written(tmp_path, "\n".join(lines), "cuts.jsonl")
    done = export(strange(), "lhotse", tmp_path / "new.jsonl.gz", like=like)
    assert done.notes == ["1 cuts have the id of another; weights are in the order of the cuts"]
    assert done.files[tmp_path / "new.jsonl.gz"] == 2


def test_a_manifest_of_supervisions_is_copied_too(tmp_path: Path) -> None:
    own = [SupervisionSegment(str(i), name, 0.0, 9.5, text="x") for i, name in enumerate("ab")]
    SupervisionSet.from_segments(own).to_file(tmp_path / "a.jsonl")
    targets = expand(read_labels(written(tmp_path, "clip,labels\nb,Dog\n")), "weak")
    export(targets, "lhotse", tmp_path / "new.jsonl.gz", like=tmp_path / "a.jsonl")
    [found] = load_manifest(tmp_path / "new.jsonl.gz")
    dog = str(targets.vocabulary.names.index("Dog"))
    assert (found.id, found.text, found.duration, found.audio_event) == ("1", "x", 9.5, dog)


def written(folder: Path, content: str, name: str = "labels.csv") -> Path:
    (folder / name).write_text(content)
    return folder / name


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"like.jsonl, line 2: no cut with one supervision: "),
        ("[1]", "line 2: no cut with one supervision"),
        ("{}", "line 2: no cut with one supervision: no 'recording_id'"),
        ('{"id": "a", "supervisions": []}', "line 2: no cut with one supervision: not enough"),
        ('{"id": 3, "recording_id": "a"}', "line 2: no cut .*: an id or a path that is no text"),
        ('{"id": "a", "recording_id": "a", "custom": 3}', "line 2: no cut with one supervision"),
        (
            '{"id": "a", "supervisions": [{"recording_id": "a"}], "recording": {"sources": '
            '[{"type": "command", "source": "ffmpeg a.wav"}]}}',
            "line 2: no path of an audio file",
        ),
    ],
)
def test_an_unsuitable_manifest_is_refused(tmp_path: Path, line: str, message: str) -> None:
    like = written(tmp_path, f'{{"id": "a", "recording_id": "64760"}}\n{line}\n', "like.jsonl")
    with pytest.raises(OptionError, match=message):
        export(strange(), "lhotse", tmp_path / "a.jsonl.gz", like=like)
    assert [path.name for path in tmp_path.iterdir()] == ["like.jsonl"]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    like = written(tmp_path, '{"id": "a", "recording_id": "zzz"}\n', "like.jsonl.gz")
    for path, options, message in (
        ("a.jsonl", {}, "end it in .jsonl.gz"),
        ("a.jsonl.gz", {}, r"lhotse needs the length of each clip.*--clip-duration"),
        ("a.jsonl.gz", {"clip_duration": 10, "vocabulary": "fsd50k"}, "are for events"),
        ("a.jsonl.gz", {"clip_duration": 10, "like": like}, "not for a manifest"),
        ("a.jsonl.gz", {"like": like}, "no clip of the audio manifest has a target: it has zzz"),
        ("like.jsonl.gz", {"like": like}, "is the manifest to copy; choose another name"),
    ):
        with pytest.raises(OptionError, match=message):
            export(strange(), "lhotse", tmp_path / path, **options)
    with pytest.raises(OptionError, match="segments have their times"):
        export(framed_targets(), "lhotse", tmp_path / "a.jsonl.gz", clip_duration=10)
    with pytest.raises(OptionError, match="holds one target per clip, and these are frames"):
        export(framed_targets(), "lhotse", tmp_path / "a.jsonl.gz", like=like)
    with pytest.raises(LabelFileError, match=r"none.jsonl: no such file"):
        export(strange(), "lhotse", tmp_path / "a.jsonl.gz", like=tmp_path / "none.jsonl")
    cut = gzip.compress(like.read_bytes() * 99)[:-20]
    (tmp_path / "like.jsonl.gz").write_bytes(cut)
    with pytest.raises(LabelFileError, match=r"cannot be read: Compressed file ended"):
        export(strange(), "lhotse", tmp_path / "a.jsonl.gz", like=like)
    assert [path.name for path in tmp_path.iterdir()] == ["like.jsonl.gz"]


@pytest.mark.shared
def test_real_labels_are_read(tmp_path: Path, shared_data: Path) -> None:
    targets = expand(read_labels(shared_data / "audioset" / "eval_segments.csv"))
    export(targets, "lhotse", tmp_path / "a.jsonl.gz")
    with gzip.open(tmp_path / "a.jsonl.gz") as file:
        found = [json.loads(line)["custom"]["audio_event"] for line in file]
    assert (multihot(found, 527) == targets.to_numpy()[0]).all()
    assert len(found) == len(list(load_manifest_lazy(tmp_path / "a.jsonl.gz"))) == 20_371


@pytest.mark.shared
def test_lhotses_data_set_gives_the_labels_of_real_recordings(
    tmp_path: Path, shared_data: Path
) -> None:
    files = sorted((shared_data / "esc10").rglob("*.ogg"))[:3]
    cuts = [Recording.from_file(path, str(i)).to_cut() for i, path in enumerate(files)]
    for cut in cuts:
        cut.supervisions = [SupervisionSegment(cut.id, cut.id, 0, cut.duration)]
    CutSet.from_cuts(cuts).to_jsonl(tmp_path / "cuts.jsonl.gz")
    labels = {path.stem: ["Dog", "Rain"][i % 2 :] for i, path in enumerate(files)}
    targets = expand(Annotations.from_dict(labels))
    export(targets, "lhotse", tmp_path / "new.jsonl.gz", like=tmp_path / "cuts.jsonl.gz")
    data = AudioTaggingDataset(return_cuts=True, input_strategy=AudioSamples())
    batch = data[load_manifest(tmp_path / "new.jsonl.gz")]["supervisions"]
    order = [int(cut.id.split("-")[0]) for cut in batch["cut"]]
    target, mask = targets.to_numpy(order)
    assert (multihot(batch["audio_event"], 527) == target).all()
    masked = [cut.supervisions[0].masked for cut in batch["cut"]]
    assert (unknown(masked, 527) == 1 - mask).all()

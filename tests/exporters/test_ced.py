"""CED's lists and scores, read as its data sets read them."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from export_support import AUDIOSET, backwards, framed_targets, given, positives, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange

import audiolabels
from audiolabels import Annotations, Targets, expand, export
from audiolabels.errors import OptionError, VocabularyError
from audiolabels.exporters.ced import write_top_scores
from audiolabels.labels.scores import Scores

h5py = pytest.importorskip("h5py")


def read_list(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, sep="\t", engine="pyarrow")
    numbers = table["labels"].astype(str).str.split(";")
    table["labels"] = [np.array(row, dtype=int).tolist() for row in numbers]
    table["filename"] = table["filename"].str.rsplit("/", n=1).str[-1]
    return table


def tensor(rows: Sequence[list[int]]) -> npt.NDArray[Any]:
    made = np.zeros((len(rows), 527))
    for line, row in zip(made, rows, strict=True):
        line[row] = 1
    return made


def masked(table: pd.DataFrame) -> npt.NDArray[Any]:
    return tensor([[int(n) for n in text.split(";") if n] for text in table["masked"]])


def write_audio(path: Path, names: Sequence[str]) -> None:
    with h5py.File(path, "w") as file:
        for i, name in enumerate(names):
            file[name] = np.full(16_000, i, np.int16)


@pytest.mark.parametrize("make", [sample, strange])
def test_ced_reads_a_list(tmp_path: Path, make: Callable[..., Targets]) -> None:
    targets, path = make(), tmp_path / "eval.tsv"
    done = export(targets, "ced", path, files="{clip}")
    table = read_list(path)
    clips = table["filename"].astype(str).tolist()
    assert clips == list(given(targets))
    wanted, mask = rows_of(targets, clips)
    assert (tensor(table["labels"]) == wanted).all()
    assert (masked(table) == 1 - mask).all()
    assert done.files[path] == len(clips) == len(targets) - sum(done.left_out.values())
    assert done.notes == ["no audio: 'hdf5path' is not written; name its file with --audio"]


def test_one_label_a_clip_is_a_list_too(tmp_path: Path) -> None:
    labels = Annotations.from_dict({f"clip {i}": ["Speech"] for i in range(3)})
    export(expand(labels, "weak"), "ced", tmp_path / "eval.tsv")
    table = read_list(tmp_path / "eval.tsv")
    assert table["labels"].tolist() == [[0]] * 3
    assert table["masked"].tolist() == [";"] * 3


def test_the_audio_file_is_named_and_it_comes_back(tmp_path: Path) -> None:
    names = [f"{clip}.wav" for clip in given(strange())]
    write_audio(tmp_path / "waves.h5", [*names[1:], "other.wav"])
    path = tmp_path / "eval.tsv"
    done = export(strange(), "ced", path, files="{clip}.wav", audio=tmp_path / "waves.h5")
    table = read_list(path)
    assert table["filename"].tolist() == names[1:]
    for name, place in zip(table["filename"], table["hdf5path"], strict=True):
        with h5py.File(place) as file:
            assert len(file[name]) == 16_000
    assert done.names["targets without audio"].to_pylist() == names[:1]
    assert done.names["clips of the audio file without targets"].to_pylist() == ["other.wav"]
    kept = dict(list(given(strange()).items())[1:])
    assert positives(path, AUDIOSET) == kept


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    for targets, options, reason in (
        (sample(), {"files": "audio/{id}.wav"}, "CED cuts names at the last slash"),
        (framed_targets(), {}, "these are frames"),
    ):
        with pytest.raises(OptionError, match=reason):
            export(targets, "ced", tmp_path / "eval.tsv", **options)
    with pytest.raises(VocabularyError, match="ced is read with the 527 classes"):
        export(sample("weak", "fsd50k"), "ced", tmp_path / "eval.tsv")
    turned = expand(
        Annotations.from_dict({"a": ["Speech"]}), "weak", vocabulary=backwards(AUDIOSET)
    )
    export(turned, "ced", tmp_path / "eval.tsv")
    assert read_list(tmp_path / "eval.tsv")["labels"].tolist() == [[0]]


def read_scores(folder: Path, classes: int = 527) -> tuple[list[str], npt.NDArray[Any], Any]:
    """Of the first epoch: names, spans, and targets that are zero but for the kept scores."""
    epochs = [re.search(r"ep(\d+)", path.stem) for path in folder.glob("*ep*parquet")]
    assert max(int(match[1]) for match in epochs if match) == 1
    names: list[str] = []
    targets, spans = [], []
    for path in folder.glob("*ep1_*h5"):
        table = pd.read_parquet(str(path).replace(".h5", ".parquet")).reset_index()
        with h5py.File(path) as file:
            for _, row in table.iterrows():
                made = np.zeros(classes, np.float32)
                i = row["index"]
                made[file["topk_indexes"][i].astype(np.int64)] = file["topk_values"][i]
                assert file["seeds"].dtype == np.int32
                targets.append(made)
                spans.append((round(row["start"] * 16_000), round(row["end"] * 16_000)))
        names += table["filename"].tolist()
    return names, np.array(targets), spans


def test_scores_are_the_highest_of_each_clip(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).random((50, 527)).astype(np.float32) ** 8
    names = [f"{i}.wav" for i in range(50)]
    path = tmp_path / "logits_ep1_0.h5"
    done = write_top_scores(scores, names, path, seconds=np.arange(50) / 10 + 1)
    found, targets, spans = read_scores(tmp_path)
    assert found == names
    kept = scores >= np.sort(scores, axis=1)[:, [-20]]
    np.testing.assert_allclose(targets, np.where(kept, scores, 0), rtol=2**-11)
    assert spans == [(0, 16_000 + 1_600 * i) for i in range(50)]
    assert done.left_out == {"scores beyond the 20 highest of their clip": 50 * 507}
    assert done.notes[0] == f"the highest score that is not kept is {scores[~kept].max():.3f}"
    with h5py.File(path) as file:
        assert (file["topk_values"].dtype, file["topk_indexes"].dtype) == (np.float16, np.int16)
        assert (np.diff(file["topk_values"][:].astype(np.float32)) <= 0).all()
        assert (np.unpackbits(file["mask"][:], axis=1, count=527) == 1).all()


def test_hard_targets_are_kept_where_few_enough(tmp_path: Path) -> None:
    target, mask = sample().to_numpy()
    names = sample().clip_id.to_pylist()
    done = write_top_scores(target, names, tmp_path / "logits_ep1_0.h5", known=mask)
    assert (read_scores(tmp_path)[1] == target).all()
    assert not done.left_out
    with h5py.File(tmp_path / "logits_ep1_0.h5") as file:
        assert (np.unpackbits(file["mask"][:], axis=1, count=527) == mask).all()


def test_unknown_classes_take_no_place(tmp_path: Path) -> None:
    scores = np.array([[0.9, 0.5, 0.25, 0.0]])
    known = np.array([[0, 1, 1, 1]])
    done = write_top_scores(scores, ["a"], tmp_path / "ep1_.h5", known=known, top=2)
    assert read_scores(tmp_path, 4)[1].tolist() == [[0, 0.5, 0.25, 0]]
    assert not done.left_out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"names": ["a"]}, r"scores of shape \(2, 3\), 1 names and the 2 highest do not fit"),
        ({"top": 4}, "the 4 highest do not fit"),
        ({"names": ["a", "a"]}, "several clips have one name"),
        ({"known": np.ones((2, 2))}, r"known has shape \(2, 2\)"),
        ({"path": "logits_ep2_0.h5"}, "logits_ep1_0.h5"),
        ({"path": "a.h5.old/ep1_0.h5"}, "only once in the whole path"),
        ({"scores": np.full((2, 3), np.nan)}, r"must lie in \[0, 1\]"),
        ({"scores": np.full((2, 3), 2.5)}, r"must lie in \[0, 1\]"),
    ],
)
def test_scores_that_do_not_fit_are_refused(
    tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    path = tmp_path / options.pop("path", "ep1_0.h5")
    arguments = {"scores": np.zeros((2, 3)), "names": ["a", "b"], "top": 2, **options}
    with pytest.raises(OptionError, match=reason):
        write_top_scores(path=path, **arguments)
    assert not list(tmp_path.iterdir())


def test_soft_targets_become_the_highest_scores(tmp_path: Path) -> None:
    scores = read_plain_scores(tmp_path, np.linspace(0, 1, 3 * 527).reshape(3, 527))
    soft = expand(scores, "pseudo-strong")
    path = tmp_path / "logits_ep1_0.h5"
    done = export(soft, "ced", path, files="{clip}.wav")
    assert done.files[path] == 3
    again = audiolabels.read_scores(path)
    order = np.argsort(-soft.to_numpy()[0], kind="stable")
    with h5py.File(path) as file:
        assert np.array_equal(file["topk_indexes"][:], order[:, :20])
    assert again.clip_id.to_pylist() == soft.clip_id.to_pylist()
    twins = Scores.from_arrays(["abcdefghijk_0", "abcdefghijk_9000"], np.zeros((2, 527)))
    with pytest.raises(OptionError, match=r"several clips have one name.*\{clip\}"):
        export(expand(twins, "pseudo-strong"), "ced", path)


def test_segments_become_chunks(tmp_path: Path) -> None:
    values = np.random.default_rng(1).random((3, 2, 527))
    soft = expand(read_plain_scores(tmp_path, values), "pseudo-strong")
    export(soft, "ced", tmp_path / "logits_ep1_0.h5", files="{clip}.wav")
    names, found, spans = read_scores(tmp_path)
    assert names == [f"{clip}.wav" for clip in soft.clip_id.to_pylist()]
    assert spans == [(0, 80_000), (80_000, 160_000)] * 3
    wanted = soft.to_numpy()[0]
    order = np.argsort(-wanted, axis=1, kind="stable")[:, :20]
    top = np.take_along_axis(wanted, order, axis=1)
    np.testing.assert_array_equal(np.take_along_axis(found, order, axis=1), top)
    assert (np.count_nonzero(found, axis=1) == 20).all()


def read_plain_scores(folder: Path, scores: np.ndarray) -> Scores:
    ids = np.array([f"abcdefghij{i}_0" for i in range(len(scores))])
    spans = {"segment_seconds": 5.0} if scores.ndim == 3 else {}
    np.savez(folder / "scores.npz", clip_id=ids, scores=scores.astype(np.float32), **spans)
    return audiolabels.read_scores(folder / "scores.npz")

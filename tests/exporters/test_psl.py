"""PSL's TSV, read as PSL reads it: rows with an empty cell are dropped."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from export_support import AUDIOSET, framed_targets, given, positives, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange

from audiolabels import Annotations, Targets, expand, export, read_labels
from audiolabels.errors import OptionError, VocabularyError


def read_as_psl(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path, sep="\t").dropna()
    table["filename"] = table["filename"].str.split("/").str[-1]
    return table.reset_index(drop=True)


def tensor(column: "pd.Series[str]") -> npt.NDArray[Any]:
    made = np.zeros((len(column), 527))
    for row, text in zip(made, column, strict=True):
        row[[int(number) for number in text.split(";") if number]] = 1
    return made


def test_psl_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    done = export(sample(), "psl", path)
    table = read_as_psl(path)
    target, mask = sample().to_numpy()
    assert (tensor(table["labels"]) == target).all()
    assert (tensor(table["masked"]) == 1 - mask).all()
    assert table["filename"][0] == "sample-0001_140.000_150.000.wav"
    assert set(table["duration"]) == {10.0}
    assert done.files[path] == len(table) == 200
    assert done.notes == ["no audio: 'hdf5path' is not written; name its file with --audio"]


def test_the_audio_file_is_named(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "audio.h5", "w") as file:
        for name in ("sample-0003_30.000_40.000.wav", "zzzzzzzzzzz_0.000_10.000.wav"):
            file[name] = np.zeros(4, np.int16)
        names = list(file)
    done = export(sample(), "psl", tmp_path / "a.csv", audio=tmp_path / "audio.h5")
    table = read_as_psl(tmp_path / "a.csv")
    assert table["hdf5path"].tolist() == [str(tmp_path / "audio.h5")]
    assert table["filename"].tolist() == names[:1]
    assert done.left_out["targets without audio"] == 199
    assert done.names["clips of the audio file without targets"].to_pylist() == names[1:]
    with pytest.raises(OptionError, match=r"no clip of the audio file has a target: it has sample"):
        export(strange(), "psl", tmp_path / "b.csv", audio=tmp_path / "audio.h5", clip_duration=10)


def test_segments_have_their_times(tmp_path: Path) -> None:
    targets = framed_targets(negatives="both", parents="all")  # several labels in some row
    done = export(targets, "psl", tmp_path / "a.csv", clip_duration=10)
    table = read_as_psl(tmp_path / "a.csv")
    frame = targets.to_pandas()
    target, mask = targets.to_numpy()
    some = target.any(1)
    assert (tensor(table["labels"]) == target[some]).all()
    assert (tensor(table["masked"]) == 1 - mask[some]).all()
    np.testing.assert_allclose(table["from"], frame["onset"][some])
    np.testing.assert_allclose(table["to"], frame["offset"][some])
    assert table["filename"][0] == "abcdefghijk_30.000_40.000.wav"
    assert sum(done.left_out.values()) == len(targets) - some.sum()


def test_segments_come_back(tmp_path: Path) -> None:
    targets = framed_targets()
    export(targets, "psl", tmp_path / "a.csv", clip_duration=10)
    again = expand(read_labels(tmp_path / "a.csv"), "weak")

    def cells(made: Targets) -> list[Any]:
        frame = made.to_pandas()[["clip_id", "onset", "offset", "positive"]]
        return [row for row in frame.to_numpy().tolist() if row[3]]

    assert cells(again) == cells(targets)


def test_lengths_are_asked_for(tmp_path: Path) -> None:
    for targets in (strange(), framed_targets()):
        with pytest.raises(
            OptionError, match=r"psl needs the length of each clip.*--clip-duration"
        ):
            export(targets, "psl", tmp_path / "a.csv")
    with pytest.raises(OptionError, match="clips of 5 seconds: some segments begin later"):
        export(framed_targets(), "psl", tmp_path / "a.csv", clip_duration=5)
    assert not list(tmp_path.iterdir())
    done = export(strange(), "psl", tmp_path / "a.csv", clip_duration="9.5")
    table = read_as_psl(tmp_path / "a.csv")
    assert table["filename"].tolist() == [
        "Yb-defghijk_30.000_39.500.wav",
        "-_cdefghijk_0.000_9.500.wav",
        "abcdefghijk_10.000_19.500.wav",
        "64760.wav",
        'a, "b".wav',
    ]
    assert done.left_out["clips without a positive class"] == 1
    assert positives(tmp_path / "a.csv") == given(strange())
    target, _ = rows_of(strange(), list(given(strange())))
    assert (tensor(table["labels"]) == target).all()


def test_other_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match="psl is read with the 527 classes"):
        export(sample("weak", "fsd50k"), "psl", tmp_path / "a.csv")


@pytest.mark.shared
def test_real_labels_come_back(tmp_path: Path, shared_data: Path) -> None:
    targets = expand(read_labels(shared_data / "audioset" / "eval_segments.csv"))
    export(targets, "psl", tmp_path / "a.csv")
    assert positives(tmp_path / "a.csv", AUDIOSET) == given(targets)
    assert len(read_as_psl(tmp_path / "a.csv")) == len(given(targets))


@pytest.mark.parametrize(("labels", "noted"), [(["Dog"], True), (["Dog", "Rain"], False)])
def test_a_column_of_single_numbers_is_noted(
    labels: list[str], noted: bool, tmp_path: Path
) -> None:
    annotations = Annotations.from_dict({"a": labels, "b": ["Dog"]})
    targets = expand(annotations, "weak", vocabulary="audioset")
    done = export(targets, "psl", tmp_path / "a.tsv", clip_duration=10)
    assert any("takes such a column for numbers" in note for note in done.notes) == noted
    read = read_as_psl(tmp_path / "a.tsv")["labels"]
    assert pd.api.types.is_integer_dtype(read) == noted

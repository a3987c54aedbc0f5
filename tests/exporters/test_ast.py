"""The JSON of AST, read as AST's data set and sampler read it."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from export_support import backwards, framed_targets, given, positives, rows_of
from export_support import sample_targets as sample
from export_support import strange_targets as strange

from audiolabels import Targets, expand, export, read_labels
from audiolabels.errors import OptionError


def read_as_ast(path: Path, key: str = "labels") -> tuple[list[str], npt.NDArray[Any]]:
    """Every label adds one to its class, as under mixup: a label that comes twice would show."""
    with path.with_name("class_labels_indices.csv").open() as file:
        column = {row["mid"]: int(row["index"]) for row in csv.DictReader(file)}
    entries = json.loads(path.read_text())["data"]
    table = np.zeros((len(entries), len(column)))
    for row, entry in zip(table, entries, strict=True):
        labels = entry[key].split(",") if key == "labels" or entry[key] else []
        for label in labels:
            row[column[label]] += 1
    return [entry["wav"] for entry in entries], table


@pytest.mark.parametrize("vocabulary", ["audioset", "audioset-strong", "fsd50k"])
@pytest.mark.parametrize("make", [sample, strange])
def test_ast_reads_it(tmp_path: Path, make: Callable[..., Targets], vocabulary: str) -> None:
    targets = make("pe-cml", vocabulary)
    path = tmp_path / "train.json"
    done = export(targets, "ast", path, files="{clip}")
    clips, target = read_as_ast(path)
    assert clips == list(given(targets))
    wanted, mask = rows_of(targets, clips)
    assert (target == wanted).all()
    assert (read_as_ast(path, "masked")[1] == 1 - mask).all()
    assert done.files[path] == len(clips) == len(targets) - sum(done.left_out.values())


def test_weights_are_those_of_ast(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    done = export(sample(), "ast", path)
    _, target = read_as_ast(path)
    weight = [
        sum(1000 / (target[:, c].sum() + 0.01) for c in np.flatnonzero(row)) for row in target
    ]
    weights = np.loadtxt(str(path)[:-5] + "_weight.csv", delimiter=",")
    np.testing.assert_allclose(weights, weight, rtol=1e-12)
    assert done.files[tmp_path / "train_weight.csv"] == 200


def test_the_class_list_is_audiosets_own(tmp_path: Path, shared_data: Path) -> None:
    export(sample(), "ast", tmp_path / "a.json")
    own = shared_data / "audioset" / "class_labels_indices.csv"
    assert (tmp_path / own.name).read_bytes() == own.read_bytes()


def test_what_the_form_cannot_hold_is_named(tmp_path: Path) -> None:
    done = export(strange(), "ast", tmp_path / "a.json", files="audio/Y{id}.flac")
    clips, _ = read_as_ast(tmp_path / "a.json")
    assert clips[:2] == ["audio/YYb-defghijk.flac", "audio/Y-_cdefghijk.flac"]
    assert {reason: names.to_pylist() for reason, names in done.names.items()} == {
        "clips without a positive class": ["verified empty"],
        "clips without any known target": ["nobody listened"],
    }


def test_two_clips_of_one_name_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "YTID,start_seconds,end_seconds,positive_labels\n"
        'abcdefghijk,0,10,"/m/09x0r"\nabcdefghijk,30,40,"/m/0bt9lr"\n'
        'bbcdefghijk,0,10,"/m/09x0r"\nbbcdefghijk,0,10,"/m/09x0r"\n'
        'ccdefghijkl,0,10,"/m/09x0r"\nccdefghijkl,0,10,"/m/0bt9lr"\n'
    )
    targets = expand(read_labels(path), "weak")
    done = export(targets, "ast", tmp_path / "a.json")
    assert read_as_ast(tmp_path / "a.json")[0] == ["bbcdefghijk.wav"]
    assert done.left_out == {
        "clips that share their name": 4,
        "duplicate rows": 1,
    }
    export(targets, "ast", tmp_path / "b.json", files="{clip}.wav")
    assert read_as_ast(tmp_path / "b.json")[0] == [
        "abcdefghijk_0.wav",
        "abcdefghijk_30000.wav",
        "bbcdefghijk_0.wav",
    ]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"end it in \.json"):
        export(sample(), "ast", tmp_path / "a.txt")
    with pytest.raises(OptionError, match=r"a name needs \{id\} or \{clip\}"):
        export(sample(), "ast", tmp_path / "a.json", files="x.wav")
    with pytest.raises(OptionError, match="ast holds one target per clip, and these are frames"):
        export(framed_targets(), "ast", tmp_path / "a.json")
    assert not list(tmp_path.iterdir())
    export(sample(), "ast", tmp_path / "a.json")
    other = expand(read_labels(tmp_path / "a.json"), vocabulary=backwards(sample().vocabulary))
    with pytest.raises(OptionError, match="lists other classes than the labels have"):
        export(other, "ast", tmp_path / "b.json")
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize("make", [sample, strange])
def test_it_comes_back(tmp_path: Path, make: Callable[..., Targets]) -> None:
    targets = make()
    export(targets, "ast", tmp_path / "a.json", files="{clip}.wav")
    assert positives(tmp_path / "a.json") == given(targets)


@pytest.mark.shared
def test_real_labels_come_back(tmp_path: Path, shared_data: Path) -> None:
    targets = expand(read_labels(shared_data / "audioset" / "eval_segments.csv"))
    export(targets, "ast", tmp_path / "a.json", files="{clip}.wav")
    assert positives(tmp_path / "a.json") == given(targets)

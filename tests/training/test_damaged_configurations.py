"""Configurations of runs and classifiers with missing keys, wrong types, depth and huge sizes."""

import json
from pathlib import Path
from typing import Any

import pytest
from fuzz import subjects

from audiolabels.errors import AudioLabelsError
from audiolabels.training.run_folder import load_run

DEEP = "[" * 9999


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folders")
    subjects.runs(folder)
    subjects.huggingface(folder)
    return folder


def changed(path: Path, keys: str, value: Any) -> None:
    """Set the value under keys joined by dots; without a value, remove it."""
    content = json.loads(path.read_text())
    *outer, last = keys.split(".")
    inner = content
    for key in outer:
        inner = inner[key]
    inner.pop(last, None)
    if value is not None:
        inner[last] = value
    path.write_text(json.dumps(content).replace(f'"{DEEP}"', DEEP))


@pytest.mark.parametrize(
    ("folder", "keys", "value", "message"),
    [
        ("linear", "model", None, "config.json is not the configuration of a run: no 'model'"),
        (
            "linear",
            "vocabulary",
            None,
            "config.json is not the configuration of a run: no 'vocabulary'",
        ),
        ("linear", "vocabulary.names", None, "no vocabulary with name, ids and names"),
        ("linear", "vocabulary.ids", [1], "no vocabulary with name, ids and names"),
        ("linear", "model.dim", None, "not the description of a model: no 'dim'"),
        ("linear", "model.options", 1, "not the description of a model"),
        ("linear", "model.classes", 2**40, "not the"),
        ("mlp", "model.options.hidden", 1 << 22, "describes more parameters than"),
        ("linear", "features", DEEP, "cannot be read: .*recursion"),
        ("linear", "labels", "\ud800", "cannot be read: .*surrogates"),
        ("run", "model.config", None, "not the description of a model: no 'config'"),
        ("run", "model.config.hidden_size", 1 << 23, "not an audio classifier"),
        ("run", "model.extractor.num_mel_bins", 8, "not the weights of this run"),
        ("ast", "num_hidden_layers", 1_000_000, "describes more parameters than"),
        ("ast", "num_labels", 1 << 20, "num_labels is 1,048,576; up to 65,535 is possible"),
        ("ast", "hidden_size", 2**31, "hidden_size is 2,147,483,648; up to 16,777,216"),
        ("ast", "patch_size", 0, "not an audio classifier"),
        ("ast", "id2label", {"0": []}, "not an audio classifier|no texts|classes"),
        ("ast", "x", DEEP, "cannot be read"),
    ],
)
def test_configurations_that_cannot_be_are_refused(
    folders: Path,
    tmp_path: Path,
    folder: str,
    keys: str,
    value: Any,
    message: str,
) -> None:
    for file in (folders / folder / "main").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    changed(tmp_path / "config.json", keys, value)
    with pytest.raises(AudioLabelsError, match=message) as caught:
        load_run(tmp_path)
    assert str(tmp_path) in str(caught.value)

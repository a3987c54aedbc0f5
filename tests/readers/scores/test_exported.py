"""Exported files read as scores: what is said of those that cannot be."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from audiolabels import (
    AudioLabelsError,
    Scores,
    SoftTargets,
    Targets,
    expand,
    export,
    load_vocabulary,
    read_scores,
)
from audiolabels.errors import OptionError, ScoresFileError
from audiolabels.exporters import EXPORTERS
from audiolabels.readers.scores import ScoreOptions, side_files

CLASSES = load_vocabulary(["Rain", "Bell", "Speech"])


def targets(**options: Any) -> Targets | SoftTargets:
    scores = Scores.from_arrays(["a", "b"], [[0.75, 0.5], [0.0, 1.0]], classes=["Rain", "Bell"])
    return expand(scores, "pseudo-strong", vocabulary=CLASSES, **options)


def write(folder: Path, form: str, name: str, **options: Any) -> Path:
    export(targets(), form, folder / name, threshold=0.5, **options)
    return folder / name


@pytest.mark.parametrize(
    ("form", "name", "beside"),
    [
        ("ast", "a.json", "class_labels_indices.csv"),
        ("fsd50k", "a.csv", "vocabulary.csv"),
        ("desed", "a.tsv", "a_classes.tsv"),
    ],
)
def test_the_list_of_classes_must_be_there(
    tmp_path: Path, form: str, name: str, beside: str
) -> None:
    path = write(tmp_path, form, name)
    assert side_files(ScoreOptions(path)) == [tmp_path / beside]
    (tmp_path / beside).unlink()
    with pytest.raises(ScoresFileError, match=f"list of classes is missing; {beside} belongs"):
        read_scores(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"masked": "', '"masked": "/m/04rlf,', "a has a class '/m/04rlf' that the list of"),
        ('"soft": "', '"soft": "!', "a: 'soft' holds no 3 scores"),
        ('"soft": "', '"soft": "AAA8', "a: 'soft' holds no 3 scores"),
        ('"labels"', '"titles"', "a.json: has no 'labels'"),
    ],
)
def test_broken_entries_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = write(tmp_path, "ast", "a.json", files="{clip}")
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ScoresFileError, match=message):
        read_scores(path)


@pytest.mark.parametrize("text", ["{}", "{", '{"a": 1}', '{"data": [1]}', '{"data": 5}'])
def test_json_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    export(targets(threshold=0.5), "hear", tmp_path / "b.json")
    (tmp_path / "class_labels_indices.csv").write_text("index,mid,display_name\n0,/m/06mb1,Rain\n")
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(AudioLabelsError):
        read_scores(tmp_path / "a.json")


def test_lines_that_do_not_stand_beside_each_other_are_refused(tmp_path: Path) -> None:
    export(targets(), "eat", tmp_path / "a.tsv", threshold=0.5, sample_rate=1, clip_duration=1)
    path = tmp_path / "a.lbl"
    assert len(read_scores(path)) == 2
    (tmp_path / "a.soft").write_text("")
    with pytest.raises(ScoresFileError, match=r"a\.soft: its lines are not those of a\.lbl"):
        read_scores(path)


@pytest.mark.parametrize(("form", "name"), [("hear", "a.json"), ("desed", "a.tsv")])
def test_labels_may_be_names(tmp_path: Path, form: str, name: str) -> None:
    hard = targets(threshold=0.5)
    export(hard, form, tmp_path / name, names=True)
    assert "Rain" in (tmp_path / name).read_text()
    again = expand(read_scores(tmp_path / name), "pseudo-strong", vocabulary=CLASSES, threshold=0.5)
    for mine, other in zip(again.to_numpy(), hard.to_numpy(), strict=True):
        assert np.array_equal(mine, other)


def test_every_form_says_what_reads_it_again() -> None:
    assert all(form.back for form in EXPORTERS.values())


def test_json_text_is_what_was_written_before(tmp_path: Path) -> None:
    path = write(tmp_path, "ast", "a.json", files="{clip}")
    first = json.loads(path.read_text())["data"][0]
    assert list(first) == ["wav", "labels", "masked", "soft"]


def test_soft_targets_have_no_place_in_events(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="sed-eval is made from Events, not SoftTargets; it has"):
        export(targets(), "sed-eval", tmp_path / "a.tsv")

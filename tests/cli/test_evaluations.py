"""`evaluate` with what it writes besides the metrics, and `compare` of two evaluations."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("lightning")

from training.conftest import World

from audiolabels.cli import group
from audiolabels.errors import AudioLabelsError


def done(*arguments: object) -> str:
    result = CliRunner().invoke(group, [*map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("world"))
    world.labels = world.expand("pel")
    for name, epochs in (("run", 8), ("other", 2)):
        done("train", "--labels", world.labels, "--features", world.features, "--set", "hidden=16",
             "--epochs", epochs, "--batch-size", 32, "--learning-rate", 0.01, "--average", 1,
             "-o", world.folder / name, "--quiet")  # fmt: skip
    return world


def evaluated(world: World, name: str, *more: object) -> str:
    return done("evaluate", world.folder / name, "--labels", world.labels,
                "--features", world.features, *more)  # fmt: skip


def numbers(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics.json").read_text())


def classes(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_ontology_and_thresholds_go_into_the_folder(world: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = evaluated(world, "run", "--hierarchical", "--thresholds", "f1", "-o", out)
    for line in ("hF", "OmAP", "mAP by root", "thresholds for the best F1", "fingerprint"):
        assert line in text
    found = numbers(out)
    assert {"hP", "hR", "hF", "OmAP", "violations", "mAP_level_3", "mAP_root_Music"} <= {*found}
    assert classes(out / "classes.csv")[0]["roots"] == "Music"
    thresholds = classes(out / "thresholds.csv")
    assert [row["name"] for row in thresholds] == list(world.vocabulary.names)
    again = evaluated(world, "run", "--hierarchical", "--threshold", out / "thresholds.csv")
    assert "hP (predicted by class)" in again
    scores = tmp_path / "scores.parquet"
    done("annotate", world.folder / "run", "--features", world.features, "-o", scores)
    done("expand", "--scheme", "pseudo-strong", "--scores", scores, "--threshold",
         out / "thresholds.csv", "-o", tmp_path / "hard.parquet")  # fmt: skip
    info = json.loads(done("info", tmp_path / "hard.parquet", "--json"))
    assert "thresholds.csv" in json.dumps(info)


def test_coherent_scores_have_no_violation(world: World, tmp_path: Path) -> None:
    text = evaluated(world, "run", "--hierarchical", "--coherent", "-o", tmp_path / "out")
    assert "coherent scores" in text
    assert numbers(tmp_path / "out")["violations"] == 0
    plain = evaluated(world, "run", "--hierarchical", "-o", tmp_path / "plain")
    assert "coherent scores" not in plain
    with pytest.raises(AudioLabelsError, match="an evaluation with other options"):
        evaluated(world, "run", "-o", tmp_path / "out")


def test_the_clips_that_are_left_bound_the_figure(world: World, tmp_path: Path) -> None:
    listed = tmp_path / "left.txt"
    listed.write_text("\n".join([*world.ids[:80], "gone"]))
    text = evaluated(world, "run", "--clips", listed, "--draws", 50, "-o", tmp_path / "some")
    assert "listed clips without features" in text
    some, whole = numbers(tmp_path / "some"), tmp_path / "whole"
    evaluated(world, "run", "-o", whole)
    assert (some["clips"], some["clips_lost"]) == (80, 40)
    assert 0 < some["mAP_low"] < some["mAP_high"] <= 1
    assert some["fingerprint"] != numbers(whole)["fingerprint"]


def test_two_evaluations_are_compared(world: World, tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    evaluated(world, "other", "--keep-scores", "-o", a)
    evaluated(world, "run", "--keep-scores", "-o", b)
    text = done("compare", a, b, "--draws", 100, "-o", tmp_path / "classes.csv")
    for line in ("classes better in B", "mean gain by range of AP in A", "Natural sounds", " to +"):
        assert line in text
    assert len(classes(tmp_path / "classes.csv")) == 4
    found = json.loads(done("compare", a / "metrics.json", b, "--draws", 100, "--json"))
    assert found["groups"][0]["classes"] == 4
    assert found["clips"] == 120
    c = tmp_path / "c"
    evaluated(world, "run", "-o", c)
    assert "no intervals: B kept no scores" in done("compare", a, c)


def test_a_run_means_its_only_evaluation(world: World, tmp_path: Path) -> None:
    shutil.copytree(world.folder / "other", tmp_path / "run")
    run = tmp_path / "run"
    asked = ("evaluate", run, "--labels", world.labels, "--features", world.features)
    shutil.rmtree(run / "evaluation", ignore_errors=True)
    done(*asked)
    assert "classes better in B" in done("compare", run, run)
    done(*asked, "--window", "1.92")
    with pytest.raises(AudioLabelsError, match="holds 2 evaluations; name one: "):
        done("compare", run, run)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("compare", "{a}", "{labels}"), "is no evaluation"),
        (("compare", "{a}", "{a}", "--label", "Dog"), "--label: of labels, not of evaluations"),
        (("compare", "{labels}", "{labels}", "--draws", "9"), "--draws: of evaluations, not of"),
        (("evaluate", "x", "--features", "y", "--labels", "z", "--threshold", "0.3"),
         "--threshold is for --hierarchical"),
        (("evaluate", "x", "--features", "y", "--events", "z", "--hierarchical"),
         "--hierarchical is for --labels"),
        (("evaluate", "x", "--features", "y", "--labels", "z", "--threshold", "0.5"),
         "--threshold is for --hierarchical"),
        (("evaluate", "x", "--features", "y", "--labels", "z", "--draws", "9"),
         "--draws is for --clips"),
        (("evaluate", "x", "--features", "y", "--labels", "z", "--median-filter", "9"),
         "--median-filter is for --events"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_wrong_usage(
    world: World, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    evaluated(world, "run", "-o", tmp_path / "a")
    (tmp_path / "run" / "evaluation").mkdir(parents=True)
    names = {"a": tmp_path / "a", "run": tmp_path / "run", "labels": world.labels}
    given = [part.format(**names) for part in arguments]
    result = CliRunner().invoke(group, given)
    assert result.exit_code == 2
    assert message in result.output


def test_a_comparison_overwrites_no_evaluation(world: World, tmp_path: Path) -> None:
    evaluated(world, "run", "-o", tmp_path / "a")
    before = (tmp_path / "a/classes.csv").read_bytes()
    with pytest.raises(AudioLabelsError, match=r"classes\.csv is an input or another output"):
        done("compare", tmp_path / "a", tmp_path / "a", "-o", tmp_path / "a/classes.csv")
    assert (tmp_path / "a/classes.csv").read_bytes() == before


def test_files_that_are_in_the_way_or_missing_are_named(world: World, tmp_path: Path) -> None:
    with pytest.raises(AudioLabelsError, match=r"nowhere\.tsv: cannot be read: No such file"):
        evaluated(world, "run", "--events", "nowhere.tsv")
    (tmp_path / "file").write_text("")
    with pytest.raises(AudioLabelsError, match=r"file: .*File exists"):
        evaluated(world, "run", "-o", tmp_path / "file")


def test_a_list_of_clips_is_read_before_anything_slow(world: World) -> None:
    with pytest.raises(AudioLabelsError, match=r"nowhere\.txt: "):
        done("evaluate", "x", "--labels", world.labels, "--features", "y", "--clips", "nowhere.txt")


def test_thresholds_that_do_not_exist_are_refused(world: World) -> None:
    for value in ("f2", "1.5"):
        with pytest.raises(AudioLabelsError, match="give f1 for the best F1, or a precision"):
            evaluated(world, "run", "--thresholds", value)
    with pytest.raises(AudioLabelsError, match="there is none of that name"):
        evaluated(world, "run", "--hierarchical", "--threshold", "nowhere.csv")

"""The training commands as a user meets them."""

import csv
import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file
from training.conftest import World

from audiolabels import Annotations, expand, write_targets
from audiolabels.cli import evaluate, group
from audiolabels.errors import AudioLabelsError, RunError
from audiolabels.training import annotate as annotation
from audiolabels.training.hyperparameters import DRAWS, Hyperparameters
from audiolabels.training.training_loop import LOSSES

SMALL = ("--set", "hidden=16", "--learning-rate", "0.01", "--batch-size", "32")


def run(*arguments: object, launcher: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *launcher, "audiolabels", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def done(*arguments: object) -> str:
    result = run(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("world"))
    world.run = world.folder / "run"
    world.told = run("train", "--labels", world.labels, "--features", world.features, *SMALL,
                     "--epochs", 8, "-o", world.run)  # fmt: skip
    return world


def test_train_tells_each_epoch_and_sums_up(world: World) -> None:
    assert world.told.returncode == 0, world.told.stderr
    lines = [line for line in world.told.stderr.splitlines() if line.startswith("epoch")]
    assert len(lines) == 8
    assert "120 clips with features" in world.told.stderr
    assert re.search(
        r"validation mAP +[01]\.\d{4}  of (epoch|the average of epochs) ", world.told.stdout
    )
    assert (world.run / "model.safetensors").is_file()
    again = done("train", "--labels", world.labels, "--features", world.features, *SMALL,
                 "--epochs", 8, "-o", world.run)  # fmt: skip
    assert "already complete, unchanged" in again


def test_train_prints_what_weights_are_by(world: World, tmp_path: Path) -> None:
    (tmp_path / "quality.csv").write_text("label_id,num_rated,num_true\nRain,10,1\n")
    labels = world.expand("pel", class_quality=tmp_path / "quality.csv", weights="quality")
    told = done("train", "--labels", labels, "--features", world.features, *SMALL,
                "--epochs", 1, "-o", tmp_path / "run")  # fmt: skip
    assert "  weights in the loss     by quality\n" in told
    assert "weights in the loss" not in world.told.stdout


def test_the_lines_of_epochs_do_not_collide_with_the_bar(world: World, tmp_path: Path) -> None:
    asked = ("train", "--labels", world.labels, "--features", world.features, *SMALL,
             "--epochs", 2, "-o", tmp_path / "run")  # fmt: skip
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "audiolabels", *map(str, asked)],
        stderr=theirs, stdout=subprocess.PIPE, env={**os.environ, "TERM": "xterm"},
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # Linux raises at the end
            while block := os.read(ours, 1 << 16):
                shown += block
        assert b"Epoch" not in process.stdout.read()
    os.close(ours)
    assert b"Epoch 1/1" in shown
    assert shown.count(b"\r\x1b[2Kepoch   ") == 2  # the bar's line is erased before
    assert b"v_num" not in shown


def test_evaluate_prints_and_writes_every_metric(world: World, tmp_path: Path) -> None:
    text = done("evaluate", world.run, "--labels", world.labels, "--features", world.features,
                "-o", tmp_path / "out")  # fmt: skip
    for name in ("mAP", "d′ of the mean AUC (PSLA, AST)", "mean d′ (HEAR)", "lωlrap", "mAP@3"):
        assert name in text
    overall = json.loads((tmp_path / "out" / "metrics.json").read_text())
    with (tmp_path / "out" / "classes.csv").open() as file:
        classes = list(csv.DictReader(file))
    assert [row["name"] for row in classes] == list(world.vocabulary.names)
    mean = np.mean([float(row["average_precision"]) for row in classes])
    assert overall["mAP"] == pytest.approx(mean)


def test_an_evaluation_overwrites_no_other(world: World, tmp_path: Path) -> None:
    def evaluated(*more: str, **options: Path) -> Path:
        asked = {"labels": world.labels, "features": world.features, **options}
        flags = [part for name, path in asked.items() for part in (f"--{name}", str(path))]
        result = CliRunner().invoke(group, ["evaluate", str(world.run), *flags, *more, "--json"])
        if result.exception:
            raise result.exception
        return Path(json.loads(result.stdout)["folder"])

    first = evaluated()
    before = (first / "metrics.json").read_bytes()
    assert re.fullmatch("weak-[0-9a-f]{8}", first.name)
    assert first.parent == world.run / "evaluation"
    other = tmp_path / "weak.parquet"  # equal names, other labels
    truth = Annotations.from_dict({clip: ["Dog"] for clip in world.ids})
    write_targets(expand(truth, "weak", vocabulary=world.vocabulary), other)
    features = tmp_path / "features.npz"
    np.savez(features, clip_id=np.array(world.ids), embedding=-world.embedding)
    events = tmp_path / "events.tsv"
    events.write_text("segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n"
                      f"{world.ids[0]}\t0\t2\t{world.vocabulary.ids[3]}\n")  # fmt: skip
    folders = {
        first,
        evaluated("--window", "1.92"),
        evaluated(labels=other),
        evaluated(features=features),
        evaluated(events=events),
        evaluated("--parents", "all", events=events),
    }
    assert len(folders) == 6
    assert evaluated() == first
    assert (first / "metrics.json").read_bytes() == before
    with pytest.raises(RunError, match=r"holds an evaluation with other options \(window\)"):
        evaluated("--window", "1.92", "-o", str(first))
    (first / "evaluation.json").unlink()
    with pytest.raises(RunError, match="holds an evaluation with other"):
        evaluated("-o", str(first))


def test_evaluate_estimates_how_long_psds_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter([100.0, 103.0] * 2)
    monkeypatch.setattr(evaluate.time, "monotonic", lambda: next(clock))
    moved: list[tuple[int, int]] = []
    report = evaluate._with_estimate(lambda *numbers: moved.append(numbers), 2)
    for done_ in range(3):
        report(done_, 110)
    assert capsys.readouterr().err == "PSDS of 110 classes takes about 165 seconds\n"
    assert moved == [(0, 110), (1, 110), (2, 110)]
    report = evaluate._with_estimate(None, 2)
    for done_ in range(3):
        report(done_, 2)
    assert not capsys.readouterr().err


def test_annotate_by_folds_lists_the_annotators(world: World, tmp_path: Path) -> None:
    asked = ["annotate", world.run, "--features", world.features, "-o", tmp_path / "s.parquet"]
    given = [*map(str, asked), "--labels", str(world.labels)]
    result = CliRunner().invoke(group, [*given, "--folds", "2"])
    assert result.exit_code == 0, result.output
    assert re.search(r"^   1 +[01]\.\d{4} +\d\d$", result.stdout, re.MULTILINE)
    assert f"wrote {tmp_path / 's.parquet'}" in result.stdout
    assert "fold 1: epoch   1  loss" in result.stderr
    assert (world.run / "folds-2" / "fold-1" / "model.safetensors").is_file()
    for wrong in (given, [*given, "--folds", "2", "--layer", ""], [*given, "--folds", "1"]):
        assert CliRunner().invoke(group, wrong).exit_code == 2


def test_annotate_writes_scores_that_expand_takes(world: World, tmp_path: Path) -> None:
    scores, soft = tmp_path / "scores.parquet", tmp_path / "soft.parquet"
    text = done("annotate", world.run, "--window", "1.92", "--features", world.features,
                "-o", scores)  # fmt: skip
    assert "360 segments of 120 clips" in text
    text = done("expand", "--scheme", "pseudo-strong", "--scores", scores, "-o", soft)
    assert "360" in text
    text = done("train", "--labels", soft, "--validation", world.labels, "--features",
                world.features, *SMALL, "--epochs", 2, "-o", tmp_path / "student")  # fmt: skip
    assert "examples" in text
    assert "of clips trained on            120" in text


INTERRUPTED = """\
import os, signal
from audiolabels.cli import main
from audiolabels.training import scoring

write = scoring.Scoring.write

def interrupted(self, first, numbers):
    write(self, first, numbers)
    os.kill(os.getpid(), signal.SIGINT)

scoring.Scoring.write = interrupted
main({arguments!r})
"""


def test_annotate_goes_on_after_an_interrupt(world: World, tmp_path: Path) -> None:
    def arguments(output: str) -> list[str]:
        asked = ["annotate", world.run, "--features", world.features, "-o", tmp_path / output]
        return [*map(str, asked), "--window", "0.96"]

    def facts(output: str) -> dict[str, float]:
        return json.loads(done(*arguments(output), "--json"))

    code = INTERRUPTED.format(arguments=arguments("scores.parquet"))
    first = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert first.returncode == 130
    assert "finished parts are kept: run the same command again to go on" in first.stderr
    assert not (tmp_path / "scores.parquet").exists()
    text = done(*arguments("scores.parquet"))
    assert "(1 of 2 parts were complete)" in text
    assert re.search(r"[\d,.]+ clips per second, \d+% of the time reading", text)
    whole = facts("whole.parquet")
    assert (tmp_path / "scores.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert whole["clips_scored"] == 120
    assert 0 < whole["reading"] < 1


def test_what_ray_prints_is_not_in_the_summary(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def printing(*arguments: object, **options: object) -> annotation.Annotated:
        sys.stdout.write("(raylet) an actor died\n")
        return annotate(*arguments, **options)  # type: ignore[arg-type]

    annotate = annotation.annotate
    monkeypatch.setattr(annotation, "annotate", printing)
    asked = ["annotate", world.run, "--features", world.features, "-o", tmp_path / "s.parquet"]
    result = CliRunner().invoke(group, [*map(str, asked), "--json"])
    assert json.loads(result.stdout)["clips"] == 120
    assert "(raylet) an actor died" in result.stderr


def test_processes_that_torchrun_starts_share_an_epoch(world: World, tmp_path: Path) -> None:
    result = run("train", "--labels", world.labels, "--features", world.features, *SMALL,
                 "--epochs", 3, "-o", tmp_path / "run",
                 launcher=("torch.distributed.run", "--nproc-per-node", "2", "-m"))  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("validation mAP") == 1
    assert result.stderr.count("epoch   3") == 1
    weights = load_file(tmp_path / "run" / "model.safetensors")
    assert all(np.isfinite(value).all() for value in weights.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--labels", "nowhere.parquet"), "nowhere.parquet"),
        (("train", "--labels", "{labels}", "--model", "vgg"), "choose one of mlp, linear"),
        (("train", "--labels", "{labels}", "--model", "cnn1d"), "takes audio"),
        (("train", "--labels", "{labels}", "--set", "depth=3"), "depth"),
        (("train", "--labels", "{labels}", "--set", "depth"), "NAME=VALUE"),
        (("train", "--labels", "{labels}", "--mixing", "0.5"), "second targets file"),
    ],
)
def test_what_cannot_be_trained_is_said(
    world: World, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    given = [part.format(labels=world.labels) for part in arguments]
    options = ["--features", str(world.features), "-o", str(tmp_path / "run")]
    result = CliRunner().invoke(group, [*given, *options])
    assert isinstance(result.exception, AudioLabelsError)
    assert message in str(result.exception)
    assert not (tmp_path / "run").exists()


def test_a_recipe_is_shown_with_where_each_value_is_from(world: World, tmp_path: Path) -> None:
    asked = [
        "train",
        "--recipe",
        "grzywalski-features",
        "--epochs",
        "3",
        "--set",
        "hidden=8",
        "--show",
    ]
    shown = CliRunner().invoke(group, asked)
    assert shown.exit_code == 0, shown.output
    for option, value, origin in [
        ("--epochs", "3", "command line"),
        ("--decay", "0.987", "recipe"),
        ("--model", "mlp", "recipe"),
        ("--held-out", "0.1", "default"),
        ("--features", "-", "default"),
        ("--frozen", "-", "default"),
        ("--set", "hidden=8 activation=elu norm=True", "command line"),
    ]:
        assert re.search(rf"^{option} +{re.escape(value)} +{origin}$", shown.output, re.MULTILINE)
    facts = json.loads(CliRunner().invoke(group, [*asked, "--json"]).stdout)
    assert facts["options"]["loss"] == {"value": "mse", "from": "recipe"}
    plain = CliRunner().invoke(group, ["train", "--show"])
    assert re.search(r"^--model +mlp +default$", plain.output, re.MULTILINE)
    tuned = CliRunner().invoke(group, ["train", "--recipe", "hershey-finetune", "--show"])
    assert re.search(r"^--model +- +default$", tuned.output, re.MULTILINE)  # that of --init
    odd = CliRunner().invoke(group, ["train", "--recipe", "hershey", "--epochs", "x", "--show"])
    assert "epochs 'x': give a whole number" in str(odd.exception)
    bad = CliRunner().invoke(group, ["train", "--show", "--mixup", "-1"])
    assert str(bad.exception) == "mixup '-1': give a number above zero, or 0"
    missing = CliRunner().invoke(group, asked[:-1])
    assert missing.exit_code == 2
    assert "Missing option '--labels'" in missing.output


def test_validations_within_epochs_are_named_by_step(world: World, tmp_path: Path) -> None:
    told = done("train", "--labels", world.labels, "--features", world.features, "--epochs", 1,
                "--batch-size", 32, "--validate-every", 2, "-o", tmp_path / "run")  # fmt: skip
    assert re.search(r"validation mAP +0\.\d{4}  of (the average of steps|step) \d", told)


def test_a_recipe_trains_what_it_shows(world: World, tmp_path: Path) -> None:
    told = done("train", "--recipe", "grzywalski-features", "--epochs", 2, "--labels", world.labels,
                "--features", world.features, "--batch-size", 32,
                "-o", tmp_path / "run")  # fmt: skip
    assert "validation mAP" in told
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["model"]["options"] == {"hidden": 256, "activation": "elu", "norm": True}
    chosen = config["hyperparameters"]
    made = {name: chosen[name] for name in ("loss", "epochs", "batch_size", "average")}
    assert made == {"loss": "mse", "epochs": 2, "batch_size": 32, "average": 1}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--recipe", "psl-annotator"), "takes audio, the features are embeddings; give features"),
        (
            ("--recipe", "hershey-finetune"),
            "recipe hershey-finetune needs --init (init=…): the run of hershey",
        ),
        (("--augment", "gain"), "augment gain: changes waveforms"),
        (("--augment", "echo"), "augment 'echo' is not offered"),
        (("--schedule", "polynomial", "--decay", "0.9"), "give 1 with polynomial"),
        (("--spec-augment", "2"), "spec_augment masks log-mel frames"),
    ],
)
def test_what_does_not_fit_is_refused_before_features_are_opened(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...],
    message: str,
) -> None:  # fmt: skip
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr("audiolabels.features.open_features", refuse)
    options = ["--labels", str(world.labels), "--features", str(world.features)]
    result = CliRunner().invoke(group, ["train", *arguments, *options, "-o", str(tmp_path / "run")])
    assert isinstance(result.exception, AudioLabelsError), result.output
    assert message in str(result.exception)


def test_a_folder_without_a_run_is_said(world: World, tmp_path: Path) -> None:
    result = run("annotate", tmp_path, "--features", world.features, "-o", tmp_path / "s.parquet")
    assert result.returncode == 1
    assert "no run of `audiolabels train`" in result.stderr
    assert "Traceback" not in result.stderr


def test_evaluate_needs_something_to_compare_with(world: World) -> None:
    result = CliRunner().invoke(group, ["evaluate", str(world.run), "--features", "x.npz"])
    assert result.exit_code == 2
    assert "--labels, --events, or both" in result.output


@pytest.mark.parametrize("name", ["train", "cascade"])
def test_the_options_are_those_of_the_hyperparameters_with_their_defaults(name: str) -> None:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    options = {option.name: option for option in command.params}
    hyperparameters = {field.name: field.default for field in fields(Hyperparameters)}
    shared = hyperparameters.keys() - ({"mixing"} if name == "cascade" else set())
    assert shared <= options.keys()
    stated = {n for n in shared if hyperparameters[n] is not None}  # the others are unset
    defaults = {n: options[n].get_default(click.Context(command)) for n in stated}
    assert defaults == {n: hyperparameters[n] for n in stated}
    assert list(options["draw"].type.choices) == list(DRAWS)
    assert list(options["loss"].type.choices) == list(LOSSES)

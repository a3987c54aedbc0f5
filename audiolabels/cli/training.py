"""Options and messages that the training commands share."""

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiolabels.cli.declarations import click_option, from_declared, path_option
from audiolabels.errors import OptionError
from audiolabels.training.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from audiolabels.features import Features
    from audiolabels.training.run_folder import Run
    from audiolabels.training.training_loop import Epoch

ABOVE_ZERO = click.FloatRange(min=0, min_open=True)
SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)

RUN = click.Argument(["run_path"], metavar="RUN", type=click.Path(path_type=Path))
WINDOW = click_option(
    "--window", "Score segments of this length.", type=ABOVE_ZERO, metavar="SECONDS"
)
FEATURES = (
    path_option(
        "--features features_path",
        "Model input: a folder of audio files or a table of their paths; or embeddings in npz, "
        "HDF5 or Parquet.",
        "PATH",
        required=True,
    ),
    click_option("--frame-seconds", "Length of a frame of embeddings.", default=0.96),
)
MODEL = (
    click_option(
        "--model",
        "mlp, linear (embeddings); mobilenetv2, resnet50, cnn1d, segments (audio); or a folder "
        "with a Hugging Face audio classifier.  [default: mlp]",
        metavar="NAME|FOLDER",
    ),
    click_option(
        "--set model_options",
        "An option of the model, such as hidden=1024; may be repeated.",
        multiple=True,
        metavar="NAME=VALUE",
    ),
)
DECLARED = Hyperparameters.declared()
BATCH_SIZE = from_declared(DECLARED["batch_size"], type=click.IntRange(1))
WORKERS = from_declared(DECLARED["workers"], type=click.IntRange(0))
MIXING = from_declared(DECLARED["mixing"])
HYPERPARAMETERS = [from_declared(option) for n, option in DECLARED.items() if n != "mixing"]


def need_torch() -> None:
    """Check that the packages that training needs are installed.

    Raises:
        OptionError: one is missing; the message gives the command to install it.
    """
    missing = [name for name in ("torch", "lightning", "safetensors")
               if importlib.util.find_spec(name) is None]  # fmt: skip
    if missing:
        raise OptionError(f"{', '.join(missing)} not installed; training needs: "
                          f"pip install 'audiolabels[train]'")  # fmt: skip


def parse_options(pairs: tuple[str, ...]) -> dict[str, Any]:
    """`NAME=VALUE` pairs as a dictionary; numbers, true and false are converted.

    Raises:
        OptionError: a text without an equals sign.
    """
    options: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise OptionError(f"--set {pair}: expected NAME=VALUE")
        options[name] = _value(text)
    return options


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def open_features_for(
    model: str | None, init: Path | None, path: Path, frame_seconds: float
) -> "Features":
    """Open features at the sample rate that a model takes, and report what was found."""
    from audiolabels.features import open_features
    from audiolabels.training.models import rate_of
    from audiolabels.training.run_folder import load_run

    rate = load_run(init).model.rate if init else rate_of(model or "mlp")
    features = open_features(path, rate=rate, frame_seconds=frame_seconds)
    _print_findings(features)
    return features


def open_run(run_path: Path, path: Path, frame_seconds: float) -> "tuple[Run, Features]":
    """Load a run, and open features at the sample rate of its model."""
    from audiolabels.features import open_features
    from audiolabels.training.run_folder import load_run

    run = load_run(run_path)
    features = open_features(path, rate=run.model.rate, frame_seconds=frame_seconds)
    _print_findings(features)
    return run, features


def print_epoch(epoch: "Epoch") -> None:
    """Print a line for an epoch."""
    click.echo(str(epoch), err=True)


def _print_findings(features: "Features") -> None:
    from audiolabels.training.run_folder import is_first_process

    if not is_first_process():
        return
    report = features.report
    click.echo(f"{len(features.clip_ids):,} clips with features", err=True)
    for (kind, reason), number in report.counts().items():
        click.echo(f"  {kind}: {reason}: {number:,}", err=True)


def on_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr.isatty()

"""Options and messages that the training commands share."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiolabels.errors import OptionError

if TYPE_CHECKING:
    from audiolabels.features import Features
    from audiolabels.training.run_folder import Run
    from audiolabels.training.training_loop import Epoch

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

features_option: Decorator = click.option(
    "--features",
    "features_path",
    required=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="What the model hears: a folder of audio files or a table of their paths; or embeddings "
    "in npz, HDF5 or Parquet.",
)
frame_seconds_option: Decorator = click.option(
    "--frame-seconds", default=0.96, show_default=True, help="Length of a frame of embeddings."
)
window_option: Decorator = click.option(
    "--window", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
    help="Score segments of this length.",
)  # fmt: skip
batch_size_option: Decorator = click.option(
    "--batch-size", type=click.IntRange(1), default=256, show_default=True, help="Examples a step."
)
workers_option: Decorator = click.option(
    "--workers", type=click.IntRange(0), default=0, show_default=True,
    help="Processes that read features.",
)  # fmt: skip


def together(*options: Decorator) -> Decorator:
    """Several options as one, in their order."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


model_options_: Decorator = together(
    click.option(
        "--model",
        metavar="NAME|FOLDER",
        help="mlp, linear (embeddings); mobilenetv2, resnet50, cnn1d, segments (audio); or a "
        "folder with a Hugging Face audio classifier.  [default: mlp]",
    ),
    click.option(
        "--set",
        "model_options",
        multiple=True,
        metavar="NAME=VALUE",
        help="An option of the model, such as hidden=1024; may be repeated.",
    ),
)
# What `training.training_loop.Hyperparameters` has a field of the same name for.
hyperparameter_options: Decorator = together(
    click.option(
        "--draw",
        type=click.Choice(["all", "one-a-clip", "balanced", "weighted"]),
        default="all",
        show_default=True,
        help="An epoch: all rows; one random row a clip; classes in turn; by AST's weights.",
    ),
    click.option(
        "--loss",
        type=click.Choice(["bce", "mse"]),
        default="bce",
        show_default=True,
        help="Masked binary cross-entropy or masked squared error.",
    ),
    click.option(
        "--epochs", type=click.IntRange(1), default=30, show_default=True, help="At most."
    ),
    click.option(
        "--patience",
        type=click.IntRange(1),
        default=5,
        show_default=True,
        help="Epochs without a better validation mAP after which to stop.",
    ),
    click.option(
        "--average",
        type=click.IntRange(1),
        default=4,
        show_default=True,
        help="How many of the best checkpoints are averaged.",
    ),
    batch_size_option,
    click.option(
        "--learning-rate",
        type=click.FloatRange(min=0, min_open=True),
        default=1e-3,
        show_default=True,
        help="Of Adam.",
    ),
    click.option(
        "--decay",
        type=click.FloatRange(0, 1, min_open=True),
        default=1.0,
        show_default=True,
        help="Of the learning rate, an epoch.",
    ),
    window_option,
    click.option(
        "--precision",
        type=click.Choice(["32", "bf16-mixed", "16-mixed"]),
        default="32",
        show_default=True,
        help="Mixed precision, for GPUs.",
    ),
    workers_option,
    click.option(
        "--seed",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Equal seeds give equal runs.",
    ),
)


def need_torch() -> None:
    """Say what to install, where training cannot work.

    Raises:
        OptionError: a package is missing.
    """
    missing = [name for name in ("torch", "lightning", "safetensors")
               if importlib.util.find_spec(name) is None]  # fmt: skip
    if missing:
        raise OptionError(f"{', '.join(missing)} not installed; training needs: "
                          f"pip install 'audiolabels[train]'")  # fmt: skip


def parse_options(pairs: tuple[str, ...]) -> dict[str, Any]:
    """`NAME=VALUE` pairs; numbers and true or false become such.

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
    """Open features at the rate that a model takes, and say what they are."""
    from audiolabels.features import open_features
    from audiolabels.training.models import rate_of
    from audiolabels.training.run_folder import load_run

    rate = load_run(init).model.rate if init else rate_of(model or "mlp")
    features = open_features(path, rate=rate, frame_seconds=frame_seconds)
    _say_findings(features)
    return features


def open_heard(run_path: Path, path: Path, frame_seconds: float) -> "tuple[Run, Features]":
    """Load a run, and open features at the rate that it takes."""
    from audiolabels.features import open_features
    from audiolabels.training.run_folder import load_run

    run = load_run(run_path)
    features = open_features(path, rate=run.model.rate, frame_seconds=frame_seconds)
    _say_findings(features)
    return run, features


def tell_epoch(epoch: "Epoch") -> None:
    """A line for each epoch."""
    click.echo(str(epoch), err=True)


def _say_findings(features: "Features") -> None:
    from audiolabels.training.run_folder import is_first_process

    if not is_first_process():
        return
    report = features.report
    click.echo(f"{len(features.clip_ids):,} clips with features", err=True)
    for (kind, reason), number in report.counts().items():
        click.echo(f"  {kind}: {reason}: {number:,}", err=True)


def on_terminal() -> bool:
    """Whether somebody watches."""
    return sys.stderr.isatty()

"""Options and messages that the training commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiolabels.cli.declarations import PATH, click_option, from_declared, path_option
from audiolabels.cli.output import note
from audiolabels.errors import OptionError
from audiolabels.training.hyperparameters import DEFAULT, DEVICE, Hyperparameters

if TYPE_CHECKING:
    from audiolabels.features import Features
    from audiolabels.training.run_folder import Run


def parse_options(_: object, __: object, pairs: tuple[str, ...]) -> dict[str, Any]:
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


def seconds_option(names: str, text: str) -> click.Option:
    """An option for a length of time above zero."""
    above_zero = click.FloatRange(min=0, min_open=True)
    return click_option(names, text, type=above_zero, metavar="SECONDS")


def held_out_option(text: str, default: float | None) -> click.Option:
    """The share of the recordings to validate on."""
    share = click.FloatRange(0, 1, min_open=True, max_open=True)
    return click_option("--held-out", text, type=share, default=default, metavar="SHARE")


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
        callback=parse_options,
    ),
)
DECLARED = Hyperparameters.declared()
MIXING_OPTION = from_declared(DECLARED["mixing"])
HYPERPARAMETERS = [
    *(from_declared(option) for n, option in DECLARED.items() if n != "mixing"),
    from_declared(DEVICE),
]
RUN_INPUT = (
    click.Argument(["run_path"], metavar="RUN", type=PATH),
    *FEATURES,
    from_declared(DECLARED["workers"], type=click.IntRange(0)),
    from_declared(DECLARED["batch_size"], type=click.IntRange(1)),
    from_declared(DEVICE),
)
COHERENT = click_option(
    "--coherent/--no-coherent",
    "Raise the score of each class to the highest of all below it.  [default: as RUN was trained]",
    default=None,
)
WINDOW = seconds_option("--window", "Score segments of this length.")


def training_arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `train` and `cascade`: those options, with the features opened.

    What needs no features is checked first.
    """
    from audiolabels.features import kind_of
    from audiolabels.training.models import class_of, rate_of
    from audiolabels.training.predict import find_device
    from audiolabels.training.run_folder import check_kind, load_run
    from audiolabels.training.train import check_augmentation, check_request

    find_device(options["device"])
    hyperparameters = Hyperparameters.take(options)
    if "mix" in options:
        check_request(options["labels"], options["validation"], options["mix"], hyperparameters,
                      options["ontology"])  # fmt: skip
    init, name = options.get("init"), options["model"] or DEFAULT
    model: Any = load_run(init).model if init else class_of(name)
    check_kind(model, kind_of(options["features_path"]))
    check_augmentation(model, hyperparameters)
    return {
        "features": _open_features(options, model.rate if init else rate_of(name)),
        "hyperparameters": hyperparameters,
        "on_epoch": lambda epoch: note(str(epoch)),
        **options,
    }


def open_run(options: dict[str, Any], labels: Path | None = None) -> "tuple[Run, Features]":
    """Load the run of `RUN_INPUT`, and open its features at the sample rate of the model.

    Before that, the classes of a targets file are checked, if there is one.
    """
    from audiolabels.training.predict import find_device
    from audiolabels.training.run_folder import CLASSES, load_run, require_classes

    if options.get("engine") != "ray":  # whose actors may run elsewhere
        find_device(options["device"])
    run = load_run(options.pop("run_path"))
    if labels:
        require_classes(labels, run.vocabulary.ids, str(run.folder / CLASSES))
    return run, _open_features(options, run.model.rate)


def _open_features(options: dict[str, Any], rate: int | None) -> "Features":
    """Open the features of `FEATURES`, which are taken out, and report what was found."""
    from audiolabels.features import open_features
    from audiolabels.training.run_folder import is_first_process

    path, frame_seconds = options.pop("features_path"), options.pop("frame_seconds")
    features = open_features(path, rate=rate, frame_seconds=frame_seconds)
    if is_first_process():
        note(f"{len(features.clip_ids):,} clips with features")
        for (kind, reason), number in features.report.counts().items():
            note(f"  {kind}: {reason}: {number:,}")
    return features

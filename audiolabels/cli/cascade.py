"""`audiolabels cascade`"""

from pathlib import Path
from typing import Any

import click

from audiolabels.cli.training import (
    features_option,
    frame_seconds_option,
    hyperparameter_options,
    model_options_,
    need_torch,
    open_features_for,
    parse_options,
    tell_epoch,
)


@click.command(
    "cascade",
    epilog="""\b
Examples:
  audiolabels cascade balanced_train_segments.csv --features vggish_balanced_train.npz \\
      --stages 4 --teacher-weight 0.7 -o cascade/
  audiolabels cascade balanced_train_segments.csv --features vggish_balanced_train.npz \\
      --stages 5 --teacher-weight 0.7:0.95 -o cascade/
""",
)
@click.argument("labels", nargs=-1, required=True, metavar="LABELS...",
                type=click.Path(path_type=Path))  # fmt: skip
@features_option
@frame_seconds_option
@click.option("--stages", type=click.IntRange(1), default=4, show_default=True,
              help="Students after the first model.")  # fmt: skip
@click.option("--teacher-weight", default="0.7", show_default=True, metavar="W|FIRST:LAST",
              help="1-α in the paper: fixed, or rising in equal steps.")  # fmt: skip
@click.option("--labels-scheme", type=click.Choice(["weak", "pel", "pe-cml"]), default="weak",
              show_default=True, help="How the given labels are expanded.")  # fmt: skip
@click.option("--parents", type=click.Choice(["all", "unambiguous", "certain"]),
              help="Parent policy of pel and pe-cml.")  # fmt: skip
@click.option("--vocabulary", metavar="NAME|FILE", help="Classes.  [default: audioset]")
@model_options_
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where the stages go; what is there of this cascade is taken up.")  # fmt: skip
@click.option("--held-out", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.1,
              show_default=True, metavar="SHARE",
              help="Share of the clips to validate on, chosen by their ids.")  # fmt: skip
@hyperparameter_options
def command(
    labels: tuple[Path, ...],
    features_path: Path,
    frame_seconds: float,
    stages: int,
    teacher_weight: str,
    labels_scheme: str,
    parents: str | None,
    vocabulary: str | None,
    model: str | None,
    model_options: tuple[str, ...],
    output: Path,
    held_out: float,
    **hyperparameters: Any,
) -> None:
    """Train a cascade of students, each taught by the one before (SeCoST).

    Stage 0 learns from the given labels; each later stage from a mixture of them and of the scores
    that the stage before gives to the clips.
    """
    need_torch()
    from audiolabels.training.cascade import cascade, parse_weights
    from audiolabels.training.training_loop import Hyperparameters

    features = open_features_for(model, None, features_path, frame_seconds)
    done = cascade(
        labels,
        features,
        output,
        model or "mlp",
        teacher_weights=parse_weights(teacher_weight, stages),
        labels_scheme=labels_scheme,
        parents=parents,
        vocabulary=vocabulary,
        held_out=held_out,
        hyperparameters=Hyperparameters(**hyperparameters),
        model_options=parse_options(model_options),
        on_epoch=tell_epoch,
        on_stage=lambda stage: click.echo(f"{stage.folder.name}: mAP {stage.best:.4f}", err=True),
    )
    click.echo("stage  teacher weight  best validation mAP")
    for number, stage in enumerate(done):
        weight = "-" if stage.teacher_weight is None else f"{stage.teacher_weight:g}"
        click.echo(f"{number:>5}  {weight:>14}  {stage.best:>19.4f}")

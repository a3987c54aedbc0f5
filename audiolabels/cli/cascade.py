"""`audiolabels cascade`"""

from pathlib import Path
from typing import Any

import click

from audiolabels.cli.declarations import PATH, click_option, path_option
from audiolabels.cli.help import Command
from audiolabels.cli.training import (
    FEATURES,
    HYPERPARAMETERS,
    MODEL,
    SHARE,
    need_torch,
    open_features_for,
    parse_options,
    print_epoch,
)
from audiolabels.ontology.parents import PARENTS
from audiolabels.schemes.given_labels import LABELS_SCHEMES
from audiolabels.training.hyperparameters import Hyperparameters


@click.command(
    "cascade",
    cls=Command,
    groups={
        "Input": (
            click.Argument(["labels"], nargs=-1, required=True, metavar="LABELS...", type=PATH),
            *FEATURES,
            click_option(
                "--labels-scheme",
                "How the given labels are expanded.",
                type=click.Choice(list(LABELS_SCHEMES)),
                default="weak",
            ),
            click_option(
                "--parents", "Parent policy of pel and pe-cml.", type=click.Choice(list(PARENTS))
            ),
            click_option("--vocabulary", "Classes.  [default: audioset]", metavar="NAME|FILE"),
        ),
        "Cascade": (
            click_option(
                "--stages", "Students after the first model.", type=click.IntRange(1), default=4
            ),
            click_option(
                "--teacher-weight",
                "1-α in the paper: fixed, or rising in equal steps.",
                default="0.7",
                metavar="W|FIRST:LAST",
            ),
        ),
        "Model": MODEL,
        "Training": HYPERPARAMETERS,
        "Validation": (
            click_option(
                "--held-out",
                "Share of the recordings to validate on, chosen by a hash of their ids.",
                type=SHARE,
                default=0.1,
                metavar="SHARE",
            ),
        ),
        "Output": (
            path_option(
                "-o --output",
                "Folder of the stages; an interrupted cascade in it is continued.",
                "FOLDER",
                required=True,
            ),
        ),
    },
    epilog="""\b
Examples:
  audiolabels cascade balanced_train_segments.csv --features vggish_balanced_train.npz \\
      --stages 4 --teacher-weight 0.7 -o cascade/
  audiolabels cascade balanced_train_segments.csv --features vggish_balanced_train.npz \\
      --stages 5 --teacher-weight 0.7:0.95 -o cascade/
""",
)
def command(
    labels: tuple[Path, ...],
    features_path: Path,
    frame_seconds: float,
    stages: int,
    teacher_weight: str,
    model: str | None,
    model_options: tuple[str, ...],
    output: Path,
    **options: Any,
) -> None:
    """Train a cascade of students, each taught by the one before (SeCoST).

    Stage 0 learns from the given labels; each later stage from a mixture of these labels and of the
    scores of the stage before.
    """
    need_torch()
    from audiolabels.training.cascade import cascade, parse_weights

    done = cascade(
        labels,
        open_features_for(model, None, features_path, frame_seconds),
        output,
        model or "mlp",
        teacher_weights=parse_weights(teacher_weight, stages),
        hyperparameters=Hyperparameters.take(options),
        model_options=parse_options(model_options),
        on_epoch=print_epoch,
        on_stage=lambda stage: click.echo(f"{stage.folder.name}: mAP {stage.best:.4f}", err=True),
        **options,
    )
    click.echo("stage  teacher weight  best validation mAP")
    for number, stage in enumerate(done):
        weight = "-" if stage.teacher_weight is None else f"{stage.teacher_weight:g}"
        click.echo(f"{number:>5}  {weight:>14}  {stage.best:>19.4f}")

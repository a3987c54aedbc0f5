"""`audiolabels cascade`"""

from typing import Any

import click

from audiolabels.cli.declarations import PATH, click_option, from_declared, path_option
from audiolabels.cli.help import Command
from audiolabels.cli.output import Summary, note
from audiolabels.cli.training import (
    FEATURES,
    HYPERPARAMETERS,
    MODEL,
    held_out_option,
    training_arguments,
)
from audiolabels.errors import extra
from audiolabels.schemes.given_labels import GivenOptions

GIVEN = GivenOptions.declared()


@click.command(
    "cascade",
    cls=Command,
    groups={
        "Input": (
            click.Argument(["labels"], nargs=-1, required=True, metavar="LABELS...", type=PATH),
            *FEATURES,
            *(from_declared(GIVEN[name]) for name in ("labels_scheme", "parents")),
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
            held_out_option(
                "Share of the recordings to validate on, chosen by a hash of their ids.", 0.1
            ),
        ),
        "Output": (
            path_option(
                "-o --output folder",
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
def command(stages: int, teacher_weight: str, **options: Any) -> Summary:
    """Train a cascade of students, each taught by the one before (SeCoST).

    Stage 0 learns from the given labels; each later stage from a mixture of these labels and of the
    scores of the stage before.
    """
    with extra("train"):
        from audiolabels.training.cascade import cascade, parse_weights

    done = cascade(
        teacher_weights=parse_weights(teacher_weight, stages),
        on_stage=lambda stage: note(f"{stage.folder.name}: mAP {stage.best:.4f}"),
        **training_arguments(options),
    )
    lines = ["stage  teacher weight  validation mAP"]
    for number, stage in enumerate(done):
        weight = "-" if stage.teacher_weight is None else f"{stage.teacher_weight:g}"
        lines.append(f"{number:>5}  {weight:>14}  {stage.best:>14.4f}")
    facts = [
        {"folder": stage.folder, "teacher_weight": stage.teacher_weight, "map": stage.best}
        for stage in done
    ]
    return Summary(lines, {"stages": facts})

"""`audiolabels train`"""

import sys
from typing import Any

import click

from audiolabels.cli.declarations import click_option, path_option
from audiolabels.cli.help import Command
from audiolabels.cli.output import Summary, is_set
from audiolabels.cli.training import (
    FEATURES,
    HYPERPARAMETERS,
    MIXING,
    MODEL,
    held_out_option,
    seconds_option,
    training_arguments,
)
from audiolabels.errors import extra


@click.command(
    "train",
    cls=Command,
    groups={
        "Input": (
            path_option(
                "--labels",
                "What expand wrote: targets of clips, frames or segments, hard or soft.",
                "TARGETS.parquet",
                required=True,
            ),
            *FEATURES,
            path_option(
                "--mix",
                "A second targets file, from which examples are drawn with the probability "
                "--mixing.",
                "TARGETS.parquet",
            ),
            MIXING,
            seconds_option(
                "--crop", "Train on a random excerpt of this length of each longer row."
            ),
        ),
        "Model": (
            *MODEL,
            path_option(
                "--init", "Start from the weights of a run; other classes get a new head.", "RUN/"
            ),
            click_option("--frozen", "With --init, train the head alone.", is_flag=True),
        ),
        "Training": HYPERPARAMETERS,
        "Validation": (
            path_option("--validation", "Targets to validate on.", "TARGETS.parquet"),
            held_out_option(
                "Share of the recordings to validate on, chosen by a hash of their ids.  [default: "
                "0.1 without --validation]",
                None,
            ),
        ),
        "Output": (
            path_option(
                "-o --output folder",
                "Folder of the run; an interrupted run in it, or one of fewer epochs, is "
                "continued.",
                "RUN/",
                required=True,
            ),
        ),
    },
    epilog="""\b
Examples:
  audiolabels train --labels targets.parquet --features vggish_balanced_train.npz \\
      --model mlp -o run/
  audiolabels train --labels soft.parquet --features audio/ --model mobilenetv2 \\
      --precision bf16-mixed --workers 4 -o student/
  audiolabels train --labels weak.parquet --mix frames.parquet --crop 0.96 \\
      --draw one-a-clip --features audio/ --model resnet50 -o run/
  torchrun --nproc-per-node 4 -m audiolabels train --labels targets.parquet ...
""",
)
def command(**options: Any) -> Summary | None:
    """Train a model on targets; unknown ones do not count in the loss, others by their weights.

    All random draws depend on the seed alone. What is saved is the best epoch by validation mAP, or
    the average of the best if that is no worse. RUN/ then holds config.json, model.safetensors,
    checkpoints and a CSV log.
    """
    with extra("train"):
        from audiolabels.training.run_folder import is_first_process
        from audiolabels.training.train import train

    done = train(
        **training_arguments(options), progress=sys.stderr.isatty() and not is_set("quiet")
    )
    if not is_first_process():
        return None
    lines = [
        f"  examples                {done.examples:>12,}",
        f"  validated on            {done.validated:>12,}",
        *([f"    of clips trained on   {done.in_both:>12,}"] if done.in_both else []),
        *(f"  {what:<40}{n:,}" for what, n in done.left_out.items() if n),
        *([f"  weights in the loss     by {', '.join(done.weights)}"] if done.weights else []),
        *(f"  not validated: {what:<40}{n:,}" for what, n in done.not_validated.items() if n),
        f"  validation mAP          {done.best:>12.4f}  {_of_epochs(done.averaged)}",
        f"  time                    {done.seconds:>10.1f} s",
        f"{'already complete, unchanged:' if done.found else 'wrote'} "
        f"{done.folder / 'model.safetensors'}",
    ]
    return Summary(lines, vars(done))


def _of_epochs(averaged: list[int]) -> str:
    """Which epochs are saved.

    >>> _of_epochs([7]), _of_epochs([5, 7])
    ('of epoch 7', 'of the average of epochs 5, 7')
    """
    listed = ", ".join(map(str, averaged))
    return f"of epoch {listed}" if len(averaged) == 1 else f"of the average of epochs {listed}"

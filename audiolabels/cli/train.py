"""`audiolabels train`"""

from pathlib import Path
from typing import Any

import click

from audiolabels.cli.declarations import click_option, path_option
from audiolabels.cli.help import Command
from audiolabels.cli.training import (
    ABOVE_ZERO,
    FEATURES,
    HYPERPARAMETERS,
    MIXING,
    MODEL,
    SHARE,
    need_torch,
    on_terminal,
    open_features_for,
    parse_options,
    print_epoch,
)
from audiolabels.training.hyperparameters import Hyperparameters


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
            click_option(
                "--crop",
                "Train on a random excerpt of this length of each longer row.",
                type=ABOVE_ZERO,
                metavar="SECONDS",
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
            click_option(
                "--held-out",
                "Share of the recordings to validate on, chosen by a hash of their ids.  [default: "
                "0.1 without --validation]",
                type=SHARE,
                metavar="SHARE",
            ),
        ),
        "Output": (
            path_option(
                "-o --output",
                "Folder of the run; an interrupted run in it is continued.",
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
def command(
    labels: Path,
    features_path: Path,
    frame_seconds: float,
    model: str | None,
    model_options: tuple[str, ...],
    output: Path,
    init: Path | None,
    **options: Any,
) -> None:
    """Train a model on targets; unknown ones do not count in the loss.

    All random draws depend on the seed alone. The weights of the best epochs by validation mAP are
    averaged. RUN/ then holds config.json, model.safetensors, checkpoints and a CSV log.
    """
    need_torch()
    from audiolabels.training.run_folder import is_first_process
    from audiolabels.training.train import train

    done = train(
        labels,
        open_features_for(model, init, features_path, frame_seconds),
        output,
        model,
        hyperparameters=Hyperparameters.take(options),
        init=init,
        model_options=parse_options(model_options),
        on_epoch=print_epoch,
        progress=on_terminal(),
        **options,
    )
    if not is_first_process():
        return
    lines = [
        f"  examples                {done.examples:>12,}",
        f"  validated on            {done.validated:>12,}",
        *([f"    of clips trained on   {done.in_both:>12,}"] if done.in_both else []),
        *(f"  {what:<40}{number:,}" for what, number in done.left_out.items() if number),
        *(
            f"  not validated: {what:<40}{number:,}"
            for what, number in done.not_validated.items()
            if number
        ),
        f"  best validation mAP     {done.best:>12.4f}",
        f"  time                    {done.seconds:>10.1f} s",
        f"{'already complete, unchanged:' if done.found else 'wrote'} "
        f"{output / 'model.safetensors'}",
    ]
    click.echo("\n".join(lines))

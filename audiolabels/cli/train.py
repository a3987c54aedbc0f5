"""`audiolabels train`"""

from pathlib import Path
from typing import Any

import click

from audiolabels.cli.training import (
    features_option,
    frame_seconds_option,
    hyperparameter_options,
    model_options_,
    need_torch,
    on_terminal,
    open_features_for,
    parse_options,
    tell_epoch,
)


@click.command(
    "train",
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
@click.option("--labels", required=True, type=click.Path(path_type=Path), metavar="TARGETS.parquet",
              help="What expand wrote: of clips, frames or segments, hard or soft.")  # fmt: skip
@features_option
@frame_seconds_option
@model_options_
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="RUN/",
              help="Folder of the run; an interrupted run in it is taken up.")  # fmt: skip
@click.option("--validation", type=click.Path(path_type=Path), metavar="TARGETS.parquet",
              help="Targets to validate on.")  # fmt: skip
@click.option("--held-out", type=click.FloatRange(0, 1, min_open=True, max_open=True),
              metavar="SHARE", help="Share of the clips to validate on, chosen by their ids.  "
              "[default: 0.1 without --validation]")  # fmt: skip
@click.option("--mix", type=click.Path(path_type=Path), metavar="TARGETS.parquet",
              help="A second targets file, of which examples are drawn with the probability "
              "--mixing.")  # fmt: skip
@click.option("--mixing", type=click.FloatRange(0, 1), metavar="MU",
              help="Hershey et al. found 0.8 best for strong labels, 0.7 for diffuse.  "
              "[default: 0.8]")  # fmt: skip
@click.option("--crop", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
              help="Train on a random stretch of so much of each longer row.")  # fmt: skip
@click.option("--init", type=click.Path(path_type=Path), metavar="RUN/",
              help="Begin with the weights of a run; other classes get a new head.")  # fmt: skip
@click.option("--frozen", is_flag=True, help="With --init, train the head alone.")
@hyperparameter_options
def command(
    labels: Path,
    features_path: Path,
    frame_seconds: float,
    model: str | None,
    model_options: tuple[str, ...],
    output: Path,
    validation: Path | None,
    held_out: float | None,
    mix: Path | None,
    crop: float | None,
    init: Path | None,
    frozen: bool,
    **hyperparameters: Any,
) -> None:
    """Train a model on targets, unknown ones left out of the loss.

    Whatever is drawn depends on the seed alone. The weights of the best epochs by validation mAP
    are averaged. RUN/ then holds config.json, model.safetensors, checkpoints and a CSV log.
    """
    need_torch()
    from audiolabels.training.run_folder import is_first_process
    from audiolabels.training.train import train
    from audiolabels.training.training_loop import Hyperparameters

    features = open_features_for(model, init, features_path, frame_seconds)
    done = train(
        labels,
        features,
        output,
        model,
        hyperparameters=Hyperparameters(**hyperparameters),
        validation=validation,
        held_out=held_out,
        mix=mix,
        crop=crop,
        init=init,
        frozen=frozen,
        model_options=parse_options(model_options),
        on_epoch=tell_epoch,
        progress=on_terminal(),
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
        f"{'was there before, and left:' if done.found else 'wrote'} "
        f"{output / 'model.safetensors'}",
    ]
    click.echo("\n".join(lines))

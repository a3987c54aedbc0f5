"""`audiolabels annotate`"""

import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audiolabels.cli.declarations import click_option, path_option, usage_if
from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY
from audiolabels.cli.output import Summary, keeping_parts, note
from audiolabels.cli.progress import progress_bar
from audiolabels.cli.training import COHERENT, RUN_INPUT, WINDOW, open_run
from audiolabels.errors import extra
from audiolabels.expansion.local import ENGINES

if TYPE_CHECKING:
    from audiolabels.training.folds import Fold


@click.command(
    "annotate",
    cls=Command,
    groups={
        "Input": RUN_INPUT,
        "Out of sample": (
            click_option(
                "--folds",
                "Train K annotators as RUN was, each without one of K parts of the recordings, and "
                "score each part with the one that did not see it. They are kept in RUN/folds-K.",
                type=click.IntRange(2),
                metavar="K",
            ),
            path_option(
                "--labels", "With --folds, the targets that RUN was trained on.", "TARGETS.parquet"
            ),
        ),
        "Cluster": (
            click_option(
                "--engine",
                "ray: actors of Ray score, on the cluster that RAY_ADDRESS names or on this "
                "machine.",
                type=click.Choice(ENGINES),
                default="local",
            ),
            click_option(
                "--num-gpus",
                "GPUs of each actor, or a share of one.  [default: 1 where the cluster has GPUs]",
                type=click.FloatRange(min=0),
                metavar="N",
            ),
        ),
        "Output": (
            WINDOW,
            COHERENT,
            ONTOLOGY,
            click_option(
                "--layer",
                "Write the output of this layer, as embeddings; an empty name is the input of the "
                "last layer.",
                metavar="NAME",
            ),
            path_option("-o --output", "Where to write.", "SCORES.parquet", required=True),
        ),
    },
    epilog="""\b
Examples:
  audiolabels annotate run/ --window 2 --features audio/ -o scores.parquet
  audiolabels annotate ast-finetuned-audioset/ --window 10 --features audio/ -o scores.parquet
  audiolabels annotate run/ --layer body.0 --features audio/ -o embeddings.parquet
  audiolabels annotate run/ --window 2 --features audio/ --engine ray -o scores.parquet
  audiolabels annotate run/ --folds 5 --labels targets.parquet --features audio/ \\
      -o scores.parquet
  audiolabels expand --scheme pseudo-strong --scores scores.parquet -o soft.parquet
""",
)
def command(output: Path, folds: int | None, labels: Path | None, **options: Any) -> Summary:
    """Score segments of clips with a trained model.

    RUN is a folder that train wrote, or one with a Hugging Face audio classifier. Without --window
    a segment is a whole clip. An annotation that was interrupted is continued by the same command.
    """
    usage_if((folds is None) != (labels is None), "--folds and --labels are given together")
    usage_if(bool(folds) and options["layer"] is not None, "--folds and --layer exclude each other")
    with extra("train"):
        from audiolabels.training.annotate import annotate
        from audiolabels.training.folds import annotate_folds

    run, features = open_run(options, labels)
    # Ray reports actors that died on standard output, where the summary alone belongs.
    only_summary = redirect_stdout(sys.stderr)
    with only_summary, keeping_parts(), progress_bar("annotating", "clips") as progress:
        options |= {"progress": progress}
        if folds and labels:
            del options["layer"]
            options["on_epoch"] = lambda fold, epoch: note(f"fold {fold}: {epoch}")
            made = annotate_folds(run, labels, features, output, folds, **options)
            return _list_folds(made, output)
        done = annotate(run, features, output, **options)
    taken = f" ({done.parts_found} of {done.parts} parts were complete)" * bool(done.parts_found)
    lines = [f"wrote {output}: {done.segments:,} segments of {done.clips:,} clips{taken}"]
    if done.empty_segments:
        lines.append(f"segments without a frame or sample, left out: {done.empty_segments:,}")
    if done.clips_scored:
        speed = done.clips_scored / done.seconds
        lines.append(f"{speed:,.1f} clips per second, {done.reading:.0%} of the time reading")
    return Summary(lines, {**asdict(done), "output": output})


def _list_folds(folds: "list[Fold]", output: Path) -> Summary:
    lines = ["fold  validation mAP  clips scored"]
    for number, fold in enumerate(folds):
        lines.append(f"{number:>4}  {fold.best:>14.4f}  {fold.clips:>12,}")
    lines.append(f"wrote {output}")
    return Summary(lines, {"folds": [fold._asdict() for fold in folds], "output": output})

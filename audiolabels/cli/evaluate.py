"""`audiolabels evaluate`"""

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from audiolabels.cli.declarations import click_option, path_option, usage_if
from audiolabels.cli.help import Command
from audiolabels.cli.options import CLIP_LENGTHS
from audiolabels.cli.output import Summary, note
from audiolabels.cli.progress import progress_bar
from audiolabels.cli.training import RUN_INPUT, WINDOW, open_run
from audiolabels.errors import extra
from audiolabels.files import atomic_path, together
from audiolabels.ontology.parents import PARENTS_OR_NONE

PROCESSES = 4  # for PSDS, at most: each holds some hundred megabytes
LONG = 5.0  # seconds from which on an estimate is printed


@click.command(
    "evaluate",
    cls=Command,
    groups={
        "Input": (*RUN_INPUT, WINDOW),
        "Targets": (
            path_option(
                "--labels",
                "Targets of clips, frames or segments, for mAP, d′, lωlrap and mAP@3; unknown ones "
                "do not count.",
                "TARGETS.parquet",
            ),
        ),
        "Events": (
            path_option("--events events_path", "An event file, for PSDS1 and PSDS2."),
            click_option(
                "--median-filter",
                "Length of the median filter over scores, for PSDS.",
                type=click.FloatRange(min=0),
                metavar="SECONDS",
            ),
            click_option(
                "--parents",
                "Which ancestors events imply, for PSDS.",
                type=click.Choice(list(PARENTS_OR_NONE)),
                default="none",
            ),
            *CLIP_LENGTHS.values(),
        ),
        "Output": (
            path_option(
                "-o --output",
                "Folder for metrics.json and classes.csv.  [default: RUN/evaluation/NAME]",
                "FOLDER",
            ),
        ),
    },
    epilog="""\b
Examples:
  audiolabels evaluate run/ --labels eval.parquet --features vggish_eval.npz
  audiolabels evaluate run/ --labels eval_frames.parquet --features audio/ -o frames/
  audiolabels evaluate run/ --events audioset_eval_strong.tsv --median-filter 0.5 \\
      --window 0.32 --features audio/
""",
)
def command(
    labels: Path | None,
    events_path: Path | None,
    window: float | None,
    output: Path | None,
    **options: Any,
) -> Summary:
    """Evaluate a trained model on targets, on events, or on both.

    With --window the score of a clip is the mean over its segments of that length; for PSDS it is
    the length of a segment (0.96 by default).
    """
    usage_if(not labels and not events_path, "give --labels, --events, or both")
    with extra("train"):
        from audiolabels.training.run_evaluation import FRAME, detect, evaluate_run

    run, features = open_run(options)
    durations = {name: options.pop(name) for name in ("clip_duration", "clip_durations")}
    psds = {name: options.pop(name) for name in ("median_filter", "parents")}
    results: list[Any] = []
    lines: list[str] = []
    if labels:
        measured, examples, _ = evaluate_run(run, labels, features, window=window, **options)
        results.append(measured)
        lines.append(str(measured))
        lines += [f"{what:<34}{n:>14,}" for what, n in examples.left_out.items() if n]
    if events_path:
        from audiolabels.readers import read_events

        events = read_events(events_path, unknown="drop", **durations)
        jobs = min(PROCESSES, os.cpu_count() or 1)
        with progress_bar("PSDS", "classes") as bar:
            report = _with_estimate(bar, jobs)
            psds |= {"window": window or FRAME, "jobs": jobs, "progress": report}
            results.append(detect(run, events, features, **psds, **options))
        lines.append(str(results[-1]))
    name = (labels or events_path or run.folder).stem
    folder = output or run.folder / "evaluation" / name
    numbers = _write(folder, results)
    lines.append(f"wrote {folder / 'metrics.json'} and classes.csv")
    return Summary(lines, {**numbers, "folder": folder})


def _with_estimate(bar: Callable[[int, int], None] | None, jobs: int) -> Callable[[int, int], None]:
    """A function to call with classes done and classes in all, first with none done.

    After the first, it prints how long all will take, if that is long.
    """
    started = 0.0

    def report(done: int, total: int) -> None:
        nonlocal started
        if not done:
            started = time.monotonic()
        elif done == 1 and (seconds := (time.monotonic() - started) * total / jobs) >= LONG:
            note(f"PSDS of {total} classes takes about {seconds:.0f} seconds")
        if bar:
            bar(done, total)

    return report


@together()
def _write(folder: Path, results: list[Any]) -> dict[str, float | None]:
    """Write the figures, and return those that are not of single classes."""
    import pandas

    folder.mkdir(parents=True, exist_ok=True)
    overall = {name: value for result in results for name, value in result.numbers().items()}
    tables = [pandas.DataFrame(result.per_class()) for result in results]
    table = tables[0] if len(tables) == 1 else tables[0].merge(tables[1], "left", ["id", "name"])
    with atomic_path(folder / "metrics.json") as partial:
        stated = {name: value if math.isfinite(value) else None for name, value in overall.items()}
        partial.write_text(json.dumps(stated, indent=1) + "\n", "utf-8")
    with atomic_path(folder / "classes.csv") as partial:
        table.to_csv(partial, index=False)
    return stated

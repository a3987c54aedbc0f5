"""`audiolabels evaluate`"""

import hashlib
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from audiolabels.cli.declarations import click_option, path_option, usage_if
from audiolabels.cli.help import Command
from audiolabels.cli.options import CLIP_LENGTHS
from audiolabels.cli.output import Summary, note
from audiolabels.cli.progress import progress_bar
from audiolabels.cli.training import RUN_INPUT, WINDOW, open_run
from audiolabels.datasets import find_files
from audiolabels.errors import extra
from audiolabels.files import atomic_path, sha256_of, together, write_rows
from audiolabels.files.records import read_record, refuse_other
from audiolabels.ontology.parents import PARENTS_OR_NONE

if TYPE_CHECKING:
    from audiolabels.features import Features
    from audiolabels.training.run_folder import Run

METRICS, RECORD = "metrics.json", "evaluation.json"
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
                "Folder for metrics.json, classes.csv and evaluation.json, which states what was "
                "evaluated; that of another evaluation is refused.  [default: "
                "RUN/evaluation/NAME-DIGEST, of what was evaluated]",
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

    run, features = open_run(options, labels)
    durations = {name: options.pop(name) for name in ("clip_duration", "clip_durations")}
    psds = {name: options.pop(name) for name in ("median_filter", "parents")}
    stated = _describe(run, features, labels, events_path, {"window": window} | durations | psds)
    digest = hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:8]
    name = f"{(labels or events_path or run.folder).stem}-{digest}"
    folder = output or run.folder / "evaluation" / name
    if (folder / RECORD).exists() or (folder / METRICS).exists():
        refuse_other(folder, "an evaluation", read_record(folder / RECORD), stated)
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
    numbers = _write(folder, results, stated)
    lines.append(f"wrote {folder / METRICS} and classes.csv")
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


def _describe(
    run: "Run",
    features: "Features",
    labels: Path | None,
    events: Path | None,
    options: dict[str, Any],
) -> dict[str, Any]:
    """What is evaluated, by digests of weights and files, and how."""
    from audiolabels.targets.parts import identifying_file
    from audiolabels.training.run_folder import digest_weights, fingerprint

    read = {
        "labels": [identifying_file(labels)] if labels else [],
        "events": find_files("events", events) if events else [],
    }
    return {
        "weights": digest_weights(run.model),
        "features": fingerprint(features, np.arange(len(features.clip_ids))),
        **{kind: [sha256_of(path) for path in paths] for kind, paths in read.items()},
        "options": {
            name: sha256_of(value) if isinstance(value, Path) else value
            for name, value in options.items()
        },
    }


@together()
def _write(folder: Path, results: list[Any], stated: dict[str, Any]) -> dict[str, float | None]:
    """Write the figures, and return those that are not of single classes."""
    import pandas

    folder.mkdir(parents=True, exist_ok=True)
    overall = {name: value for result in results for name, value in result.numbers().items()}
    tables = [pandas.DataFrame(result.per_class()) for result in results]
    table = tables[0] if len(tables) == 1 else tables[0].merge(tables[1], "left", ["id", "name"])
    numbers = {name: value if math.isfinite(value) else None for name, value in overall.items()}
    for name, facts in ((METRICS, numbers), (RECORD, stated)):
        write_rows(folder / name, [json.dumps(facts, indent=1)])
    with atomic_path(folder / "classes.csv") as partial:
        table.to_csv(partial, index=False)
    return numbers

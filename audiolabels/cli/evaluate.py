"""`audiolabels evaluate`"""

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from audiolabels.cli.declarations import click_option, flag, path_option, usage_if
from audiolabels.cli.help import Command
from audiolabels.cli.label_evaluation import Asked, check_asked, evaluate_labels
from audiolabels.cli.options import CLIP_LENGTHS, ONTOLOGY
from audiolabels.cli.output import Summary, note
from audiolabels.cli.progress import progress_bar
from audiolabels.cli.training import COHERENT, RUN_INPUT, WINDOW, open_run
from audiolabels.datasets import find_files
from audiolabels.errors import LabelFileError, extra, guarded
from audiolabels.files import sha256_of
from audiolabels.files.records import read_record, refuse_other
from audiolabels.metrics.evaluation_folder import (
    CLASSES,
    METRICS,
    RECORD,
    ROWS,
    THRESHOLDS,
    write_evaluation,
)
from audiolabels.ontology.parents import PARENTS_OR_NONE
from audiolabels.readers.clip_names import read_clip_names
from audiolabels.schemes.class_thresholds import threshold_or_file

if TYPE_CHECKING:
    from audiolabels.features import Features
    from audiolabels.training.run_folder import Run

HALF = 0.5  # from which score on a class is predicted, for hP, hR and hF
PROCESSES = 4  # for PSDS, at most: each holds some hundred megabytes
# Options that do nothing without another.
BELONGS_TO = {
    **dict.fromkeys(("hierarchical", "thresholds", "clips", "keep_scores"), "labels"),
    **dict.fromkeys(("median_filter", "parents", "clip_duration", "clip_durations"), "events_path"),
    "threshold": "hierarchical",
    "draws": "clips",
}
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
            path_option(
                "--clips",
                "Evaluate the clips that this file lists, one a line or in a column, such as those "
                "that are left of a data set; and how far mAP could move by the others.",
            ),
            click_option(
                "--draws",
                "Draws of clips, for the bounds of --clips.",
                type=click.IntRange(1),
                default=1000,
                metavar="N",
            ),
        ),
        "Ontology": (
            click_option(
                "--hierarchical",
                "Also hP, hR and hF, mAP by level and root, OmAP, and how often a class scores "
                "higher than its parent.",
                is_flag=True,
            ),
            click_option(
                "--threshold",
                "For hP, hR and hF: the score from which on a class is predicted, or a file with "
                "one for each class, as --thresholds writes.  [default: 0.5]",
                metavar="T|FILE",
            ),
            COHERENT,
            ONTOLOGY,
        ),
        "Thresholds": (
            click_option(
                "--thresholds",
                "Choose a threshold for each class and write them to thresholds.csv, for expand "
                "--threshold: f1 for the best F1, or the precision to reach.",
                metavar="f1|PRECISION",
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
            click_option(
                "--keep-scores",
                "Write rows.parquet too, with the score and target of each row, for the intervals "
                "of compare.",
                is_flag=True,
            ),
        ),
    },
    epilog="""\b
Examples:
  audiolabels evaluate run/ --labels eval.parquet --features vggish_eval.npz
  audiolabels evaluate run/ --labels eval_frames.parquet --features audio/ -o frames/
  audiolabels evaluate run/ --labels eval.parquet --features vggish_eval.npz \\
      --hierarchical --keep-scores
  audiolabels evaluate run/ --labels held_out.parquet --features audio/ --thresholds 0.9
  audiolabels evaluate run/ --events audioset_eval_strong.tsv --median-filter 0.5 \\
      --window 0.32 --features audio/
""",
)
def command(
    labels: Path | None,
    events_path: Path | None,
    window: float | None,
    output: Path | None,
    *,
    hierarchical: bool,
    coherent: bool | None,
    keep_scores: bool,
    **options: Any,
) -> Summary:
    """Evaluate a trained model on targets, on events, or on both.

    With --window the score of a clip is the mean over its segments of that length; for PSDS it is
    the length of a segment (0.96 by default).
    """
    usage_if(not labels and not events_path, "give --labels, --events, or both")
    _refuse_alone()
    clips, chosen_by = options.pop("clips"), options.pop("thresholds")
    with extra("train"):
        from audiolabels.training.coherent import is_coherent
        from audiolabels.training.run_evaluation import FRAME, detect

    check_asked(chosen_by)
    names = read_clip_names(clips) if clips else None
    given = options.pop("threshold")
    threshold = threshold_or_file("threshold", given or HALF) if hierarchical else None
    ontology, draws = options.pop("ontology"), options.pop("draws")
    run, features = open_run(options, labels)
    durations = {name: options.pop(name) for name in ("clip_duration", "clip_durations")}
    psds = {name: options.pop(name) for name in ("median_filter", "parents")}
    stated = _describe(
        run,
        features,
        labels,
        events_path,
        {"window": window} | durations | psds,
        {
            "coherent": is_coherent(run, coherent),
            "hierarchical": hierarchical and [getattr(threshold, "sha256", threshold)],
            "ontology": (hierarchical or is_coherent(run, coherent)) and ontology.digest,
            "thresholds": chosen_by,
            "clips": clips and [sha256_of(clips), draws],
        },
    )
    digest = hashlib.sha256(json.dumps(stated).encode()).hexdigest()[:8]
    name = f"{(labels or events_path or run.folder).stem}-{digest}"
    folder = output or run.folder / "evaluation" / name
    if (folder / RECORD).exists() or (folder / METRICS).exists():
        refuse_other(folder, "an evaluation", read_record(folder / RECORD), stated)
    results: list[Any] = []
    lines: list[str] = []
    if is_coherent(run, coherent):
        lines.append("coherent scores: a class has the highest of itself and all below it")
    found = None
    if labels:
        asked = Asked(names, draws, threshold, ontology, chosen_by)
        found = evaluate_labels(
            run, labels, features, asked, window=window, coherent=coherent, **options
        )
        results, lines = [*found.results], [*lines, *found.lines]
    if events_path:
        from audiolabels.readers import read_events

        events = read_events(events_path, unknown="drop", ontology=ontology, **durations)
        jobs = min(PROCESSES, os.cpu_count() or 1)
        with progress_bar("PSDS", "classes") as bar:
            report = _with_estimate(bar, jobs)
            psds |= {"window": window or FRAME, "jobs": jobs, "progress": report}
            results.append(detect(run, events, features, coherent=coherent, **psds, **options))
        lines.append(str(results[-1]))
    numbers = write_evaluation(
        folder,
        results,
        stated,
        facts=found.facts if found else {},
        rows=found.rows if found and keep_scores else None,
        thresholds=found.thresholds if found else None,
    )
    written = [CLASSES, *[THRESHOLDS] * bool(chosen_by), *[ROWS] * keep_scores]
    lines.append(f"wrote {folder / METRICS} and {', '.join(written)}")
    return Summary(lines, {**numbers, "folder": folder})


def _refuse_alone() -> None:
    """Raise a usage error if an option was given without the one that it belongs to."""
    ctx = click.get_current_context()
    for name, owner in BELONGS_TO.items():
        given = ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        usage_if(given and not ctx.params[owner],
                 f"{flag(name)} is for {flag(owner.removesuffix('_path'))}")  # fmt: skip


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
    further: dict[str, Any],
) -> dict[str, Any]:
    """What is evaluated, by digests of weights and files, and how; of `further` what is given."""
    from audiolabels.targets.parts import identifying_file
    from audiolabels.training.run_folder import digest_weights, fingerprint

    read = {
        "labels": [identifying_file(labels)] if labels else [],
        "events": find_files("events", events) if events else [],
    }
    return {
        "weights": digest_weights(run.model),
        "features": fingerprint(features, np.arange(len(features.clip_ids))),
        **{kind: [_digest(path) for path in paths] for kind, paths in read.items()},
        "options": {
            name: _digest(value) if isinstance(value, Path) else value
            for name, value in {**options, **{n: v for n, v in further.items() if v}}.items()
        },
    }


def _digest(path: Path) -> str:
    """SHA-256 of a file; LabelFileError if it cannot be read."""
    with guarded(path, LabelFileError, "cannot be read"):
        return sha256_of(path)

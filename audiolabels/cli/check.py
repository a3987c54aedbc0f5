"""`audiolabels check`"""

from pathlib import Path
from typing import Any

import click
import numpy as np

from audiolabels.cli.declarations import PATH, usage_if
from audiolabels.cli.help import Command
from audiolabels.cli.options import CLIP_LENGTHS, ONTOLOGY, READING, REPORT
from audiolabels.cli.output import Summary, report_facts
from audiolabels.cli.summary import describe_findings
from audiolabels.expansion.summary import write_report
from audiolabels.files import refuse_overwriting
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.events import PRESENT, Events
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers import read_events, read_labels

INPUTS = click.Argument(["inputs"], metavar="INPUT...", nargs=-1, required=True, type=PATH)
EVENTS = click.Option(
    ["--events"], is_flag=True, help="Read event files, as strong-framed and diffuse do."
)


@click.command(
    "check",
    cls=Command,
    groups={
        "Input": [INPUTS, ONTOLOGY, *(o for n, o in READING.items() if n != "unknown")],
        "Events": [EVENTS, *CLIP_LENGTHS.values()],
        "Output": [REPORT],
    },
    epilog="""\b
Examples:
  audiolabels check eval_segments.csv
  audiolabels check my_labels.tsv --time-unit ms
  audiolabels check --events audioset_train_strong.tsv
""",
)
def command(
    inputs: tuple[Path, ...],
    ontology: Ontology,
    events: bool,
    clip_duration: str | None,
    clip_durations: Path | None,
    report_path: Path | None,
    **reading: Any,
) -> Summary:
    """Check label files and report what cannot be used.

    The exit code is 1 if anything cannot be used as it is in the file, unknown labels included.
    """
    beside = [clip_durations] if clip_durations else []
    usage_if(not events and bool(clip_duration or beside), "lengths of clips go with --events only")
    refuse_overwriting(inputs, [report_path] if report_path else [], beside)
    clips: Events | Annotations
    rows: dict[str, float]
    if events:
        clips = found = read_events(
            inputs,
            clip_duration=clip_duration,
            clip_durations=clip_durations,
            ontology=ontology,
            unknown="drop",
            **reading,
        )
        rows = {"clips": len(found), "events": int((found.state == PRESENT).sum())}
    else:
        clips = labels = read_labels(inputs, ontology=ontology, unknown="drop", **reading)
        rows = {"clips": len(labels), "labels per clip": labels.labels_per_clip}
        if labels.sets.absent is not None:
            denied = np.bincount(labels.set_of_clip, minlength=len(labels.sets))
            rows["confirmed absences"] = int(denied @ labels.sets.absent.sizes)
    report, counts = clips.report, clips.report.counts()
    if report_path:
        write_report(report.findings, report_path)
    lines = [
        *report.notes,
        "",
        *(f"  {what:<28}{n:>14{',' if isinstance(n, int) else '.2f'}}" for what, n in rows.items()),
        *describe_findings(report, counts, report_path),
    ]
    facts = {name.replace(" ", "_"): number for name, number in rows.items()}
    return Summary(lines, facts | report_facts(report, counts), code=1 if report.findings else 0)

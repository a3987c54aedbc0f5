"""`audiolabels export`"""

from pathlib import Path
from typing import Any

import click

from audiolabels.cli.options import (
    VOCABULARY,
    clip_duration_option,
    clip_durations_option,
    time_unit_option,
    unknown_option,
    usage_if,
)
from audiolabels.engines.local import refuse_overwriting
from audiolabels.events import Events
from audiolabels.exporters import EXPORTERS, export
from audiolabels.readers import read_events
from audiolabels.schemes.parents import PARENTS_OR_NONE
from audiolabels.store import read_hard_targets


@click.command(
    "export",
    epilog="""\b
Examples:
  audiolabels export --to framed-release frames.parquet -o framed.tsv
  audiolabels export --to sed-scores-eval audioset_eval_strong.tsv \\
      -o events.tsv --durations durations.tsv
""",
)
@click.argument("input_", metavar="INPUT", type=click.Path(path_type=Path))
@click.option(
    "--to",
    required=True,
    type=click.Choice(list(EXPORTERS)),
    help="; ".join(f"{name}: {exporter.summary}" for name, exporter in EXPORTERS.items()) + ".",
)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    required=True,
    type=click.Path(path_type=Path),
    help="Where to write.",
)
@click.option(
    "--durations",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Where to write the clips' lengths, which sed_scores_eval and psds_eval need (events).",
)
@click.option("--names", is_flag=True, help="Labels are display names, not ids (events).")
@click.option("--vocabulary", metavar="NAME|FILE", help=f"{VOCABULARY} (events)")
@click.option(
    "--parents",
    type=click.Choice(list(PARENTS_OR_NONE)),
    help="Whose events the events of a class are too, as in expand (events).  [default: none]",
)
@clip_duration_option
@clip_durations_option
@unknown_option
@time_unit_option
def command(
    input_: Path,
    to: str,
    output: Path,
    durations: Path | None,
    names: bool,
    vocabulary: str | None,
    parents: str | None,
    clip_duration: str | None,
    clip_durations: Path | None,
    unknown: str,
    time_unit: str,
) -> None:
    """Write labels in a form that another project's code reads.

    INPUT is a targets file for framed-release, an event file (as for expand) for the others.
    """
    given: dict[str, Any] = {
        "vocabulary": vocabulary,
        "parents": parents,
        "names": names or None,
        "durations": durations,
    }
    options = {name: value for name, value in given.items() if value is not None}
    for name in options:
        usage_if(name not in EXPORTERS[to].options, f"--to {to} has no use for --{name}")
    beside = [clip_durations] if clip_durations else []
    refuse_overwriting([input_], [output, *([durations] if durations else [])], beside)
    notes: list[str] = []
    labels: Any
    if EXPORTERS[to].reads is Events:
        labels = read_events(
            input_,
            clip_duration=clip_duration,
            clip_durations=clip_durations,
            unknown=unknown,
            time_unit=time_unit,
        )
        notes = labels.report.notes
        counts = labels.report.counts()
        unused = sum(number for (kind, _), number in counts.items() if kind == "row unused")
        if unused:
            notes.append(f"{unused:,} rows could not be used; audiolabels expand lists them")
    else:
        labels = read_hard_targets(input_)
    done = export(labels, to, output, **options)
    lines = [
        *notes,
        *(f"left out: {number:,} {what}" for what, number in done.left_out.items() if number),
        *(f"wrote {path} ({rows:,} rows)" for path, rows in done.files.items()),
    ]
    click.echo("\n".join(lines))

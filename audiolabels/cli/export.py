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
from audiolabels.exporters import EXPORTERS, Export, export
from audiolabels.files import refuse_overwriting
from audiolabels.labels.events import Events
from audiolabels.ontology.parents import PARENTS_OR_NONE
from audiolabels.readers import read_events
from audiolabels.targets.soft import SoftTargets
from audiolabels.targets.store import read_hard_targets, read_targets
from audiolabels.targets.targets import Targets


@click.command(
    "export",
    epilog="""\b
Examples:
  audiolabels export --to ast targets.parquet -o train.json --files 'audio/{id}.flac'
  audiolabels export --to passt targets.parquet -o train.hdf --audio balanced_train_mp3.hdf
  audiolabels export --to panns targets.parquet -o train.h5 --audio waveforms.h5 --index index.h5
  audiolabels export --to psl targets.parquet -o train.tsv
  audiolabels export --to psl soft.parquet -o train.tsv --threshold 0.5
  audiolabels export --to ced targets.parquet -o eval.tsv --audio waveforms.h5
  audiolabels export --to eat targets.parquet -o eat/train.tsv --audio folder
  audiolabels export --to fsd50k targets.parquet -o fsd50k/dev.csv
  audiolabels export --to desed audioset_train_strong.tsv -o strong.tsv
  audiolabels export --to hear frames.parquet -o task/train.json
  audiolabels export --to pretrained-sed audioset_eval_strong.tsv \\
      -o audioset_strong/eval --audio eval_segments_mp3.hdf
  audiolabels export --to pretrained-sed soft_frames.parquet -o pseudo.h5
  audiolabels export --to huggingface targets.parquet -o train.parquet
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
    metavar="FORM",
    help="\b\n" + "\n".join(f"{name}: {exporter.summary}" for name, exporter in EXPORTERS.items()),
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
    "--audio",
    metavar="FILE|FOLDER",
    type=click.Path(path_type=Path),
    help="The project's HDF5 file with the audio, which is linked (panns, passt), named (psl, ced) "
    "or copied (pretrained-sed); or the folder of the audio files (eat).",
)
@click.option(
    "--index",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Where to write the index that samplers read (panns, with --audio).",
)
@click.option(
    "--files",
    metavar="PATTERN",
    help="The audio files' names: {id} stands for the video's 11 characters, {clip} for the whole "
    "id of the clip (ast, ced, eat, desed, hear).",
)
@click.option(
    "--sample-rate",
    metavar="HZ",
    type=click.IntRange(min=1),
    help="Of the audio files, in the place of --audio: sizes are lengths of clips times it (eat).",
)
@click.option(
    "--durations",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Where to write the clips' lengths, which sed_scores_eval and psds_eval need (events).",
)
@click.option(
    "--names", is_flag=True, help="Labels are display names, not ids (events, desed, hear)."
)
@click.option("--vocabulary", metavar="NAME|FILE", help=f"{VOCABULARY} (events)")
@click.option(
    "--parents",
    type=click.Choice(list(PARENTS_OR_NONE)),
    help="Whose events the events of a class are too, as in expand (events).  [default: none]",
)
@click.option(
    "--threshold",
    metavar="NUMBER",
    type=float,
    help="Of soft targets, where a form is read as hard labels: the score from which on a class is "
    "positive there, such as 0.5; the scores stand beside ("
    f"{', '.join(name for name, form in EXPORTERS.items() if 'threshold' in form.options)}).",
)
@clip_duration_option
@clip_durations_option
@unknown_option
@time_unit_option
def command(
    input_: Path,
    to: str,
    output: Path,
    audio: Path | None,
    index: Path | None,
    files: str | None,
    sample_rate: int | None,
    durations: Path | None,
    names: bool,
    vocabulary: str | None,
    parents: str | None,
    threshold: float | None,
    clip_duration: str | None,
    clip_durations: Path | None,
    unknown: str,
    time_unit: str,
) -> None:
    """Write labels in a form that another project's code reads.

    INPUT is an event file, as for expand, where a form takes (events), else a targets file; desed
    takes either, pretrained-sed events or soft targets. psl and eat too take --clip-duration, where
    the targets do not say how long a clip is.
    """
    given: dict[str, Any] = {
        "vocabulary": vocabulary,
        "parents": parents,
        "names": names or None,
        "durations": durations,
        "audio": audio,
        "index": index,
        "files": files,
        "sample_rate": sample_rate,
        "threshold": threshold,
    }
    sources = EXPORTERS[to].sources
    targets = {Targets, SoftTargets} & set(sources)
    events = Events in sources and not (targets and _holds_targets(input_))
    if not events:
        given["clip_duration"] = clip_duration
    options = {name: value for name, value in given.items() if value is not None}
    for name in options:
        usage_if(
            name not in EXPORTERS[to].options,
            f"--to {to} has no use for --{name.replace('_', '-')}",
        )
    usage_if(
        not events and bool(clip_durations or unknown != "error" or time_unit != "auto"),
        f"--to {to} is made from targets here; --clip-durations, --unknown and --time-unit are for "
        f"event files",
    )
    usage_if(
        events is False and not _holds_targets(input_) and input_.exists(),
        f"--to {to} is made from a targets file; {input_} is none. Expand it first",
    )
    beside = [path for path in (clip_durations, audio) if path]
    refuse_overwriting([input_], [output, *(p for p in (durations, index) if p)], beside)
    notes: list[str] = []
    labels: Any
    if events:
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
        labels = (read_targets if SoftTargets in sources else read_hard_targets)(input_)
    done = export(labels, to, output, **options)
    lines = [
        *notes,
        *done.notes,
        *(f"left out: {_left(done, what)}" for what, number in done.left_out.items() if number),
        *(f"wrote {path} ({rows:,} rows)" for path, rows in done.files.items()),
    ]
    click.echo("\n".join(lines))


def _holds_targets(path: Path) -> bool:
    """Whether a file is Parquet, as targets are and events never."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:  # whoever reads the file says what is wrong with it
        return False


def _left(done: Export, what: str) -> str:
    """How many were left out and why, with the names of the first where they have any."""
    text = f"{done.left_out[what]:,} {what}"
    names = done.names.get(what)
    if names is None:
        return text
    return f"{text}: {', '.join(names.slice(0, 3).to_pylist())}{', …' * (len(names) > 3)}"

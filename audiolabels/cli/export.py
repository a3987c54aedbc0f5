"""`audiolabels export`"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from audiolabels.cli.declarations import (
    PATH,
    click_option,
    flag,
    from_declared,
    list_summaries,
    merge_declared,
    path_option,
    usage_if,
)
from audiolabels.cli.help import Command, Groups
from audiolabels.cli.output import Summary
from audiolabels.exporters import EXPORTERS, Export, export
from audiolabels.files import refuse_overwriting
from audiolabels.labels.events import Events
from audiolabels.options import Option
from audiolabels.readers import EventOptions, ReadOptions, read_events
from audiolabels.targets.parts import is_folder
from audiolabels.targets.store import read_hard_targets, read_targets
from audiolabels.targets.targets import SoftTargets, Targets

READING = {
    name: option
    for name, option in {**EventOptions.declared(), **ReadOptions.declared()}.items()
    if name not in ("explicit_negatives", "verdicts")
}


def _groups(chosen: str) -> Groups:
    """Title to the options of one format, or else of all, each with the formats that have it."""
    forms = {chosen: EXPORTERS[chosen]} if chosen else EXPORTERS
    declared: dict[str, dict[str, Option]] = {}
    for form, exporter in forms.items():
        for name, option in exporter.options.items():
            declared.setdefault(name, {})[form] = option
    events = any(Events in exporter.sources for exporter in forms.values())
    reading = [from_declared(o, default=None) for n, o in READING.items() if n not in declared]
    return {
        "Format": [
            click.Argument(["input_"], metavar="INPUT", type=PATH),
            click_option(
                "--to",
                "What is written.\n\n"
                + list_summaries({name: exporter.summary for name, exporter in forms.items()}),
                required=True,
                type=click.Choice(list(EXPORTERS)),
                metavar="FORMAT",
            ),
            *(merge_declared(options, _text(options, chosen)) for options in declared.values()),
        ],
        "Reading of event files": reading if events else [],
        "Output": [path_option("-o --output", "Where to write.", "OUT", required=True)],
    }


def _text(options: Mapping[str, Option], chosen: str) -> str:
    forms: dict[str, list[str]] = {}
    for form, option in options.items():
        forms.setdefault(option.help, []).append(form)
    if chosen:
        return next(iter(forms))
    return " ".join(f"{text.removesuffix('.')} ({', '.join(own)})." for text, own in forms.items())


@click.command(
    "export",
    cls=Command,
    groups=_groups,
    chooser="to",
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
  audiolabels export --to lhotse targets.parquet -o new_cuts.jsonl.gz \\
      --like cuts_audioset_full.jsonl.gz
  audiolabels export --to espnet targets.parquet -o data/train/text
  audiolabels export --to webdataset targets.parquet -o labels.tar --dots cut
  audiolabels export --to flexsed targets.parquet -o train.csv
  audiolabels export --to wide-csv targets.parquet -o train.csv --unknown-cells empty
  audiolabels export --to label-studio targets.parquet -o tasks.json
  audiolabels export --to raven audioset_eval_strong.tsv -o events.txt
  audiolabels export --to audacity audioset_eval_strong.tsv -o labels
  audiolabels export --to sed-scores-eval audioset_eval_strong.tsv \\
      -o events.tsv --durations durations.tsv
  audiolabels export --to psds-eval --parents all audioset_eval_strong.tsv -o events.tsv
  audiolabels export --to sed-eval --names audioset_eval_strong.tsv -o events.tsv
  audiolabels export --to efficientat soft.parquet -o ensemble.npy
""",
)
def command(input_: Path, to: str, output: Path, **options: Any) -> Summary:
    """Write labels in the files that another project's code reads.

    INPUT is an event file, as for expand, where the format is made of events, else a targets file;
    desed, lhotse, raven and audacity take either, pretrained-sed events or soft targets. With --to,
    --help shows the options of that format alone.
    """
    exporter = EXPORTERS[to]
    given = {name: value for name, value in options.items() if value not in (None, False)}
    holds_targets = _holds_targets(input_)
    made_of_targets = bool({Targets, SoftTargets} & set(exporter.sources))
    events = Events in exporter.sources and not (made_of_targets and holds_targets)
    taken = exporter.options.keys() | (READING.keys() if events else set())
    why = " with targets" if Events in exporter.sources and not events else ""
    for name in given:
        usage_if(name not in taken, f"--to {to} has no use for {flag(name)}{why}")
    usage_if(
        not events and not holds_targets and input_.exists(),
        f"--to {to} is made from a targets file; {input_} is none. Expand it first",
    )
    written, read = (
        [Path(given[name]) for name in names if name in given]
        for names in (("durations", "index"), ("clip_durations", "audio"))
    )
    refuse_overwriting([input_], [output, *written], read)
    notes: list[str] = []
    labels: Any
    if events:
        reading = {name: given.pop(name) for name in READING if name in given}
        labels = read_events(input_, **reading)
        notes = labels.report.notes
        counts = labels.report.counts()
        unused = sum(number for (kind, _), number in counts.items() if kind == "row unused")
        if unused:
            notes.append(f"{unused:,} rows could not be used; audiolabels expand lists them")
    else:
        labels = (read_targets if SoftTargets in exporter.sources else read_hard_targets)(input_)
    done = export(labels, to, output, **given)
    lines = [
        *notes,
        *done.notes,
        *(f"left out: {_left(done, what)}" for what, number in done.left_out.items() if number),
        *(f"wrote {path} ({rows:,} rows)" for path, rows in done.files.items()),
    ]
    facts = {
        "notes": [*notes, *done.notes],
        "left_out": done.left_out,
        "files": [{"path": path, "rows": rows} for path, rows in done.files.items()],
    }
    return Summary(lines, facts)


def _holds_targets(path: Path) -> bool:
    """Whether a file is Parquet, as targets are and events never, or a folder of such."""
    if is_folder(path):
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:  # reading it raises the error
        return False


def _left(done: Export, what: str) -> str:
    """How many were left out and why, with the names of the first where they have any."""
    text = f"{done.left_out[what]:,} {what}"
    names = done.names.get(what)
    if names is None:
        return text
    return f"{text}: {', '.join(names.slice(0, 3).to_pylist())}{', …' * (len(names) > 3)}"

"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from audiolabels.ontology.ontology import Ontology, load_ontology
from audiolabels.readers import TIME_UNITS, UNKNOWN

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

PATH = click.Path(path_type=Path)
ONTOLOGY = click.Option(
    ["--ontology", "ontology_path"],
    type=PATH,
    metavar="FILE",
    help="An ontology.json in place of the embedded AudioSet ontology.",
)
VOCABULARY = (
    "Classes of the columns: audioset (527), ontology (632), audioset-strong (456; -train 447, "
    "-eval 416, -both 407), fsd50k (200), or a file with a list of classes."
)
VOCABULARY_OF_LABELS = click.Option(
    ["--vocabulary"], default="audioset", show_default=True, metavar="NAME|FILE", help=VOCABULARY
)
TIME_UNIT = click.Option(
    ["--time-unit"],
    type=click.Choice(TIME_UNITS),
    default="auto",
    show_default=True,
    help="Unit of the times in CSV and TSV files; auto: seconds, if plausible.",
)
UNKNOWN_LABELS = click.Option(
    ["--unknown"],
    type=click.Choice(UNKNOWN),
    default="error",
    show_default=True,
    help="Labels that ontology, supplement and aliases all lack: stop, or drop and count them.",
)
CLIP_DURATION = click.Option(
    ["--clip-duration"],
    metavar="SECONDS",
    help="Length of clips with events, where no file gives it.  [default: 10]",
)
CLIP_DURATIONS = click.Option(
    ["--clip-durations"],
    type=PATH,
    metavar="FILE",
    help="A table of clips and their lengths in seconds: filename, duration.",
)
REPORT = click.Option(
    ["--report", "report_path"],
    type=PATH,
    metavar="FILE",
    help="Write every row that was not used as it stood, with its reason, to a CSV file.",
)


def _decorator(option: click.Option) -> Decorator:
    def add(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__dict__.setdefault("__click_params__", []).append(option)
        return function

    return add


ontology_option = _decorator(ONTOLOGY)
vocabulary_option = _decorator(VOCABULARY_OF_LABELS)
time_unit_option = _decorator(TIME_UNIT)
unknown_option = _decorator(UNKNOWN_LABELS)
clip_duration_option = _decorator(CLIP_DURATION)
clip_durations_option = _decorator(CLIP_DURATIONS)
report_option = _decorator(REPORT)


def open_ontology(path: Path | None) -> Ontology:
    """The ontology that `--ontology` names, with the supplement as far as it fits."""
    return load_ontology(path).with_supplement()


def usage_if(condition: bool, message: str) -> None:
    """Raise a usage error if `condition` holds."""
    if condition:
        raise click.UsageError(message, click.get_current_context())

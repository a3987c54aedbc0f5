"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from audiolabels.ontology.ontology import Ontology, load_ontology
from audiolabels.readers import TIME_UNITS, UNKNOWN

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

ontology_option: Decorator = click.option(
    "--ontology",
    "ontology_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An ontology.json in place of the embedded AudioSet ontology.",
)
VOCABULARY = (
    "Classes of the columns: audioset (527), ontology (632), audioset-strong (456; -train 447, "
    "-eval 416, -both 407), fsd50k (200), or a file with a list of classes."
)
vocabulary_option: Decorator = click.option(
    "--vocabulary", default="audioset", show_default=True, metavar="NAME|FILE", help=VOCABULARY
)
time_unit_option: Decorator = click.option(
    "--time-unit",
    type=click.Choice(TIME_UNITS),
    default="auto",
    show_default=True,
    help="Unit of the times in CSV and TSV files; auto: seconds, if plausible.",
)
unknown_option: Decorator = click.option(
    "--unknown",
    type=click.Choice(UNKNOWN),
    default="error",
    show_default=True,
    help="Labels that ontology, supplement and aliases all lack: stop, or drop and count them.",
)
clip_duration_option: Decorator = click.option(
    "--clip-duration",
    metavar="SECONDS",
    help="Length of clips with events, where nothing else tells it.  [default: 10]",
)
clip_durations_option: Decorator = click.option(
    "--clip-durations",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A table of clips and their lengths in seconds: filename, duration.",
)
report_option: Decorator = click.option(
    "--report",
    "report_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write every row that was not used as it stood, with its reason, to a CSV file.",
)


def open_ontology(path: Path | None) -> Ontology:
    """The ontology that `--ontology` names, with the supplement as far as it fits."""
    return load_ontology(path).with_supplement()


def usage_if(condition: bool, message: str) -> None:
    """Raise a usage error if `condition` holds."""
    if condition:
        raise click.UsageError(message, click.get_current_context())

"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from audiolabels.ontology.ontology import Ontology, load_ontology
from audiolabels.options import Option
from audiolabels.readers import EventOptions, ReadOptions

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


def from_declared(declared: Option, **changes: Any) -> click.Option:
    """An option of the command line from one that a dataclass declares, with a few changes."""
    shown = f"  [default: {declared.default_text}]" if declared.default_text else ""
    facts: dict[str, Any] = {"default": declared.default, "help": declared.help + shown}
    if declared.is_flag:
        facts["is_flag"] = True
    elif declared.choices:
        facts["type"] = click.Choice(list(declared.choices))
    else:
        facts |= {"metavar": declared.metavar, "type": PATH if declared.metavar == "FILE" else str}
    return click.Option([flag(declared.name), declared.name], **{**facts, **changes})


def flag(name: str) -> str:
    """What an option is called in the command line."""
    return f"--{name.replace('_', '-')}"


TIME_UNIT, UNKNOWN_LABELS, CLIP_DURATION, CLIP_DURATIONS = (
    from_declared(options.declared()[name])
    for options, name in (
        (ReadOptions, "time_unit"),
        (ReadOptions, "unknown"),
        (EventOptions, "clip_duration"),
        (EventOptions, "clip_durations"),
    )
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

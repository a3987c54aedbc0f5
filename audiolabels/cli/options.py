"""Options that several commands share."""

from pathlib import Path
from typing import Any

import click

from audiolabels.ontology.ontology import Ontology, load_ontology
from audiolabels.options import Option
from audiolabels.readers import EventOptions, ReadOptions

PATH = click.Path(path_type=Path)


def option(names: str, text: str, **facts: Any) -> click.Option:
    """An option with its default in the help.

    Args:
        names: such as `-o --output`; without dashes, that of the parameter.
        text: the help.
        **facts: those of `click.Option`.
    """
    return click.Option(names.split(), help=text, **{"show_default": True, **facts})


def path_option(names: str, text: str, metavar: str = "FILE", **facts: Any) -> click.Option:
    """An option for a path; see `option`."""
    return option(names, text, type=PATH, metavar=metavar, **facts)


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


ONTOLOGY = path_option(
    "--ontology ontology_path", "An ontology.json in place of the embedded AudioSet ontology."
)
VOCABULARY = (
    "Classes of the columns: audioset (527), ontology (632), audioset-strong (456; -train 447, "
    "-eval 416, -both 407), fsd50k (200), or a file with a list of classes."
)
VOCABULARY_OF_LABELS = option("--vocabulary", VOCABULARY, default="audioset", metavar="NAME|FILE")
TIME_UNIT, UNKNOWN_LABELS, CLIP_DURATION, CLIP_DURATIONS = (
    from_declared(options.declared()[name])
    for options, name in (
        (ReadOptions, "time_unit"),
        (ReadOptions, "unknown"),
        (EventOptions, "clip_duration"),
        (EventOptions, "clip_durations"),
    )
)
REPORT = path_option(
    "--report report_path",
    "Write every row that was not used as it stood, with its reason, to a CSV file.",
)


def open_ontology(path: Path | None) -> Ontology:
    """The ontology that `--ontology` names, with the supplement as far as it fits."""
    return load_ontology(path).with_supplement()


def usage_if(condition: bool, message: str) -> None:
    """Raise a usage error if `condition` holds."""
    if condition:
        raise click.UsageError(message, click.get_current_context())

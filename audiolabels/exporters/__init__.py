"""Exporters: labels in the files that other projects' code reads. One file a family of forms.

`EXPORTERS` is the table that command line and documentation read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from audiolabels.errors import OptionError, choose
from audiolabels.events import Events
from audiolabels.exporters.evaluators import write_events
from audiolabels.exporters.framed_release import write_framed_release
from audiolabels.exporters.writing import Export
from audiolabels.targets import Targets

__all__ = ["EXPORTERS", "Export", "Exporter", "export"]


@dataclass(frozen=True)
class Exporter:
    """One form of files.

    Attributes:
        write: a function `(labels, path, **options) -> Export`.
        reads: what it is made from, `Targets` or `Events`.
        summary: what it is, in a line.
        options: names of its keyword arguments.
    """

    write: Callable[..., Export]
    reads: type
    summary: str
    options: tuple[str, ...] = ()


EVENT_OPTIONS = ("vocabulary", "parents", "names", "durations")

EXPORTERS: Mapping[str, Exporter] = MappingProxyType(
    {
        "framed-release": Exporter(
            write_framed_release,
            Targets,
            "frames, PRESENT or NOT_PRESENT, as AudioSet's framed release has them",
        ),
        "sed-scores-eval": Exporter(
            partial(write_events, form="sed-scores-eval"),
            Events,
            "events merged per class, and rows for clips without any",
            EVENT_OPTIONS,
        ),
        "psds-eval": Exporter(
            partial(write_events, form="psds-eval"),
            Events,
            "events merged per class",
            EVENT_OPTIONS,
        ),
        "sed-eval": Exporter(
            partial(write_events, form="sed-eval"),
            Events,
            "the same as psds-eval",
            EVENT_OPTIONS,
        ),
    }
)


def export(labels: Targets | Events, to: str, path: str | Path, **options: Any) -> Export:
    """Write labels in a form that another project's code reads.

    Args:
        labels: targets or events, as the form needs.
        to: a key of `EXPORTERS`.
        path: an existing file is replaced at the end.
        **options: the form's own options.

    Raises:
        OptionError: no such form or option, or not the labels that it needs.
        TargetsFileError: a file cannot be written; what was there is untouched.
    """
    exporter = EXPORTERS[choose("form", to, EXPORTERS)]
    if not isinstance(labels, exporter.reads):
        raise OptionError(
            f"{to} is made from {exporter.reads.__name__}, not {type(labels).__name__}"
        )
    unknown = [name for name in options if name not in exporter.options]
    if unknown:
        offered = ", ".join(exporter.options) or "none"
        raise OptionError(f"form {to!r} has no option {unknown[0]!r}; it has: {offered}")
    return exporter.write(labels, path, **options)

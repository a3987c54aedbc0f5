"""How commands declare their options."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from audiolabels.files.remote import to_path
from audiolabels.options import Option

LINE = 44  # columns of the help of an option, in a pipe


class _FilePath(click.Path):
    """A path; `-` is standard input, spooled to a temporary file for as long as the command runs.

    An output named `-` never comes here as one: it is refused where files are written.
    """

    def convert(self, value: Any, param: Any, ctx: click.Context | None) -> Any:
        if value != "-" or ctx is None or not isinstance(param, click.Argument):
            return to_path(value) if isinstance(value, str) else super().convert(value, param, ctx)
        if sys.stdin is None or sys.stdin.isatty():
            self.fail("-: standard input is a terminal or closed; send it a file", param, ctx)
        from shutil import copyfileobj
        from tempfile import TemporaryDirectory

        folder = TemporaryDirectory()
        ctx.call_on_close(folder.cleanup)
        path = Path(folder.name) / "standard-input"
        with path.open("wb") as file:
            copyfileobj(sys.stdin.buffer, file)
        return path


PATH = _FilePath(path_type=Path)


def click_option(names: str, text: str, **facts: Any) -> click.Option:
    """An option with its default in the help.

    Args:
        names: such as `-o --output`; without dashes, that of the parameter.
        text: the help.
        **facts: those of `click.Option`.
    """
    return click.Option(names.split(), help=text, **{"show_default": True, **facts})


def path_option(names: str, text: str, metavar: str = "FILE", **facts: Any) -> click.Option:
    """An option for a path; see `option`."""
    return click_option(names, text, type=PATH, metavar=metavar, **facts)


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


def merge_declared(options: Mapping[str, Option], text: str) -> click.Option:
    """An option as several schemes or formats declare it, with all their choices and defaults.

    Args:
        options: name of the scheme or format to its option.
        text: the help.
    """
    names: dict[str, list[str]] = {}
    for name, option in options.items():
        names.setdefault(option.default_text, []).append(name)
    (usual, _), *others = names.items()
    shown = "; ".join([usual, *(f"{default} for {', '.join(own)}" for default, own in others)])
    choices = dict.fromkeys(c for option in options.values() for c in option.choices)
    metavar = "|".join(dict.fromkeys(option.metavar for option in options.values()))
    first = next(iter(options.values()))
    merged = replace(first, help=text, choices=tuple(choices), shown=shown, metavar=metavar)
    return from_declared(merged, default=None)


def list_summaries(summaries: Mapping[str, str]) -> str:
    """The help of an option whose values are listed with what each means, a line or more each."""
    lines = (
        wrap(f"{name}: {text}.", LINE, subsequent_indent="  ") for name, text in summaries.items()
    )
    return "\n".join(["\b", *chain(*lines)])


def flag(name: str) -> str:
    """What an option is called in the command line."""
    return f"--{name.replace('_', '-')}"


def usage_if(condition: bool, message: str) -> None:
    """Raise a usage error if `condition` holds."""
    if condition:
        raise click.UsageError(message, click.get_current_context())

"""What `--help` shows: options in groups, those of a chosen scheme or form alone."""

import os
import pty
import re
import subprocess
import sys
from importlib import import_module

import click
import pytest
from click.testing import CliRunner

from audiolabels.cli import COMMANDS, group
from audiolabels.exporters import EXPORTERS
from audiolabels.labels import Events
from audiolabels.readers import EventOptions, ReadOptions
from audiolabels.schemes import SCHEMES

COMMON = {"--output", "--quiet", "--json", "--help"}  # of every command that writes
FLAG = re.compile(r"^  (?:-\w, )?(--[a-z-]+)", re.MULTILINE)


def help_of(*args: str, **environment: str) -> str:
    done = CliRunner(env=environment).invoke(group, [*args, "--help"], prog_name="audiolabels")
    assert done.exit_code == 0, done.output
    return done.output


def flags(options: object) -> set[str]:
    return {f"--{name.replace('_', '-')}" for name in options}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_in_one_group(name: str) -> None:
    command: click.Command = import_module(f"audiolabels.cli.{name}").command
    own = [max(p.opts, key=len) for p in command.params if isinstance(p, click.Option)]
    assert sorted(FLAG.findall(help_of(name))) == sorted([*own, "--help"])


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_in_a_pipe_is_plain_and_of_one_width(name: str) -> None:
    args = [name] * bool(name)
    text = help_of(*args)
    assert "\x1b" not in text
    assert text == help_of(*args, COLUMNS="60") == help_of(*args, NO_COLOR="1")
    described = text.partition("Examples:")[0].splitlines()
    assert max(map(len, described)) <= 80 or name == "expand"  # one list of choices is longer


@pytest.mark.parametrize("form", EXPORTERS)
def test_export_shows_the_options_and_examples_of_one_form(form: str) -> None:
    text = help_of("export", "--to", form)
    after = CliRunner().invoke(group, ["export", "--help", "--to", form], prog_name="audiolabels")
    assert text == after.output
    exporter = EXPORTERS[form]
    reading = {*EventOptions.declared(), *ReadOptions.declared()} - {
        "explicit_negatives",
        "verdicts",
    }
    own = {*exporter.options, *(reading if Events in exporter.sources else ())}
    assert set(FLAG.findall(text)) == flags(own) | COMMON | {"--to"}
    examples = text.partition("Examples:")[2]
    assert {form} == set(re.findall(r"--to (\S+)", examples))
    words = "".join(text.split())
    for option in exporter.options.values():
        default = f"[default:{option.default_text}]" if option.default_text else ""
        assert "".join(f"{option.help}{default}".split()) in words


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_scheme_has_an_example(scheme: str) -> None:
    assert f"--scheme {scheme} " in help_of("expand", "--scheme", scheme).partition("Examples:")[2]


def test_help_of_a_value_that_is_not_offered_is_refused() -> None:
    done = CliRunner().invoke(group, ["export", "--help", "--to", "pans"])
    assert (done.exit_code, "'pans' is not one of" in done.output) == (2, True)


def on_terminal(*args: str, **environment: str) -> str:
    """What a command writes to a terminal."""
    controller, terminal = pty.openpty()
    variables = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    command = [sys.executable, "-m", "audiolabels", *args]
    with subprocess.Popen(
        command, stdout=terminal, env={**variables, "TERM": "xterm-256color", **environment}
    ) as process:
        os.close(terminal)
        text = b""
        while part := _read(controller):
            text += part
    assert process.returncode == 0
    return text.decode()


def _read(controller: int) -> bytes:
    try:
        return os.read(controller, 1 << 16)
    except OSError:  # the other side has closed the terminal
        return b""


@pytest.mark.parametrize("args", [(), ("tree",), ("export", "--to", "eat")])
def test_help_on_a_terminal_has_colours_and_the_same_options(args: tuple[str, ...]) -> None:
    coloured = on_terminal(*args, "--help")
    assert "\x1b[" in coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert set(re.findall(r"--[a-z-]+", help_of(*args))) == set(re.findall(r"--[a-z-]+", plain))
    assert on_terminal(*args, "--help", NO_COLOR="1").replace("\r", "") == help_of(*args)


def test_no_color_is_honoured_by_output_too() -> None:
    assert "\x1b[" in on_terminal("tree", "guitar")
    assert "\x1b[" not in on_terminal("tree", "guitar", NO_COLOR="1")


def test_help_in_a_pipe_loads_no_rich() -> None:
    program = """
import sys
from audiolabels.cli import group
group.main(["--help"], standalone_mode=False)
assert not {"rich", "rich_click", "numpy"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)

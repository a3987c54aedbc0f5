"""What the command line offers against the library's tables."""

import re
from importlib import import_module

import click
import pytest
from click.testing import CliRunner

from audiolabels.cli import COMMANDS, group
from audiolabels.cli.expand import options_of
from audiolabels.expansion.local import ENGINES
from audiolabels.exporters import EXPORTERS
from audiolabels.exporters.webdataset import DOTS
from audiolabels.exporters.wide_csv import UNKNOWN_CELLS
from audiolabels.ontology.parents import PARENTS, PARENTS_OR_NONE
from audiolabels.readers.options import (
    BEYOND_TOP,
    MISSING_ROWS,
    RATERS,
    TIME_UNITS,
    UNKNOWN,
    VALUES,
)
from audiolabels.schemes import SCHEMES
from audiolabels.schemes.framed import NEGATIVES
from audiolabels.schemes.given_labels import LABELS_SCHEMES
from audiolabels.schemes.teacher_enhanced import ENHANCE, THRESHOLDS
from audiolabels.schemes.weights import WEIGHTS
from audiolabels.targets.layouts import LAYOUTS
from audiolabels.training.hyperparameters import DRAWS, SCHEDULES
from audiolabels.training.recipes import RECIPES
from audiolabels.training.training_loop import LOSSES

TABLES = {
    "scheme": SCHEMES,
    "parents": PARENTS_OR_NONE,
    "negatives": NEGATIVES,
    "labels_scheme": LABELS_SCHEMES,
    "enhance": ENHANCE,
    "score_threshold": THRESHOLDS,
    "weights": WEIGHTS,
    "score_values": VALUES,
    "beyond_top": BEYOND_TOP,
    "unknown": UNKNOWN,
    "time_unit": TIME_UNITS,
    "missing_rows": MISSING_ROWS,
    "raters": RATERS,
    "layout": LAYOUTS,
    "engine": ENGINES,
    "to": EXPORTERS,
    "dots": DOTS,
    "unknown_cells": UNKNOWN_CELLS,
    "draw": DRAWS,
    "schedule": SCHEDULES,
    "recipe": RECIPES,
    "loss": LOSSES,
    "device": ("auto", "cpu", "cuda", "mps"),  # as torch names them
    "precision": ("32", "bf16-mixed", "16-mixed"),  # as Lightning names them
}
OTHER_TABLES = {("cascade", "parents"): PARENTS, ("report", "scheme"): LABELS_SCHEMES}  # of labels


def parameters(command: str) -> list[click.Parameter]:
    found: click.Command = import_module(f"audiolabels.cli.{command}").command
    return found.params


@pytest.mark.parametrize("command", COMMANDS)
def test_choices_are_those_of_the_tables(command: str) -> None:
    for parameter in parameters(command):
        if isinstance(parameter.type, click.Choice):
            assert parameter.name is not None
            table = OTHER_TABLES.get((command, parameter.name), TABLES[parameter.name])
            assert sorted(parameter.type.choices) == sorted(table), parameter.name


@pytest.mark.parametrize("name", SCHEMES)
def test_expand_takes_and_explains_the_options_of_each_scheme(name: str) -> None:
    scheme, listed = SCHEMES[name], {parameter.name for parameter in parameters("expand")}
    assert scheme.options.declared().keys() <= listed
    text = CliRunner().invoke(group, ["expand", "--help", "--scheme", name]).output
    shown = set(re.findall(r"^  (?:-o, )?(--[a-z-]+)", text, re.MULTILINE))
    general = {"--sample", "--ontology", "--scheme", "--output", "--vocabulary", "--layout"}
    general |= {"--rows-per-part", "--engine"}
    own = {f"--{option.replace('_', '-')}" for option in options_of(scheme)}
    scores = {"--scores"} if "class_order" in options_of(scheme) else set()
    assert shown == general | own | scores | {"--report", "--quiet", "--json"}
    words = "".join(text.split())
    for option in options_of(scheme).values():
        default = f"[default: {option.default_text}]" if option.default_text else ""
        assert "".join(f"{option.help}{default}".split()) in words


def test_an_option_of_other_schemes_is_refused() -> None:
    for name, scheme in SCHEMES.items():
        for other in {o for s in SCHEMES.values() for o in options_of(s)} - options_of(
            scheme
        ).keys():
            flag = f"--{other.replace('_', '-')}"
            (parameter,) = (p for p in parameters("expand") if p.name == other)
            value = [] if parameter.is_flag else [_value(parameter)]
            done = CliRunner().invoke(
                group, ["expand", "--scheme", name, "x", "-o", "y", flag, *value]
            )
            assert (done.exit_code, f"no use for {flag}" in done.output) == (2, True)


def _value(parameter: click.Parameter) -> str:
    return parameter.type.choices[0] if isinstance(parameter.type, click.Choice) else "0.5"

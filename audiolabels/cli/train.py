"""`audiolabels train`"""

import sys
from collections.abc import Mapping
from copy import copy
from dataclasses import asdict
from textwrap import wrap
from typing import Any

import click
from click.core import ParameterSource

from audiolabels.cli.declarations import click_option, flag, path_option
from audiolabels.cli.help import Command
from audiolabels.cli.output import Summary, is_set
from audiolabels.cli.training import (
    FEATURES,
    HYPERPARAMETERS,
    MIXING_OPTION,
    MODEL,
    held_out_option,
    seconds_option,
    training_arguments,
)
from audiolabels.errors import extra
from audiolabels.ontology.ontology import load_ontology
from audiolabels.training.hyperparameters import DEFAULT, HELD_OUT, MIXING, Hyperparameters
from audiolabels.training.recipes import RECIPES, find_recipe

WIDTH = 88  # columns of what --show prints


def _needed(option: click.Option) -> click.Option:
    """An option that is required, but not to show what would run."""
    twin = copy(option)
    twin.required, twin.help = False, f"{option.help}  [required]"
    return twin


NEEDED = (
    path_option(
        "--labels",
        "What expand wrote: targets of clips, frames or segments, hard or soft.",
        "TARGETS.parquet",
    ),
    next(option for option in FEATURES if option.name == "features_path"),
    path_option(
        "-o --output folder",
        "Folder of the run; an interrupted run in it, or one of fewer epochs, is continued.",
        "RUN/",
    ),
)
LABELS, FEATURES_PATH, OUTPUT = map(_needed, NEEDED)


@click.command(
    "train",
    cls=Command,
    groups={
        "Input": (
            LABELS,
            FEATURES_PATH,
            *(option for option in FEATURES if option.name != "features_path"),
            path_option(
                "--mix",
                "A second targets file, from which examples are drawn with the probability "
                "--mixing.",
                "TARGETS.parquet",
            ),
            MIXING_OPTION,
            seconds_option(
                "--crop", "Train on a random excerpt of this length of each longer row."
            ),
        ),
        "Recipe": (
            click_option(
                "--recipe",
                f"Train as a paper did: {', '.join(RECIPES)}. Other options override what it sets.",
                type=click.Choice(list(RECIPES)),
                metavar="NAME",
            ),
            click_option(
                "--show",
                "Print every option with its value and where that is from; train nothing.",
                is_flag=True,
            ),
        ),
        "Model": (
            *MODEL,
            path_option(
                "--init", "Start from the weights of a run; other classes get a new head.", "RUN/"
            ),
            click_option("--frozen", "With --init, train the head alone.", is_flag=True),
        ),
        "Training": (
            *HYPERPARAMETERS,
            path_option(
                "--ontology",
                "Of the loss coherent: an ontology.json in place of the embedded one.",
            ),
        ),
        "Validation": (
            path_option("--validation", "Targets to validate on.", "TARGETS.parquet"),
            held_out_option(
                "Share of the recordings to validate on, chosen by a hash of their ids.  [default: "
                "0.1 without --validation]",
                None,
            ),
        ),
        "Output": (OUTPUT,),
    },
    epilog="""\b
Examples:
  audiolabels train --labels targets.parquet --features vggish_balanced_train.npz \\
      --model mlp -o run/
  audiolabels train --labels soft.parquet --features audio/ --model mobilenetv2 \\
      --precision bf16-mixed --workers 4 -o student/
  audiolabels train --labels weak.parquet --mix frames.parquet --crop 0.96 \\
      --draw one-a-clip --features audio/ --model resnet50 -o run/
  audiolabels train --recipe psl-annotator --show
  audiolabels train --recipe psl-annotator --epochs 10 --labels targets.parquet \\
      --features audio/ -o annotator/
  torchrun --nproc-per-node 4 -m audiolabels train --labels targets.parquet ...
""",
)
def command(recipe: str | None, show: bool, **options: Any) -> Summary | None:
    """Train a model on targets; unknown ones do not count in the loss, others by their weights.

    All random draws depend on the seed alone. What is saved is the best epoch by validation mAP, or
    the average of the best if that is no worse. RUN/ then holds config.json, model.safetensors,
    checkpoints and a CSV log.
    """
    ctx = click.get_current_context()
    given = {
        name: value
        for name, value in options.items()
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    made = dict(given)
    if recipe and show:
        made = RECIPES[recipe].settings(**given)
    elif recipe:
        made = find_recipe(recipe, given).settings(**given)
    options |= made
    if show:
        return _show(recipe, options, given, made)
    for option in (LABELS, FEATURES_PATH, OUTPUT):
        if options[option.name or ""] is None:
            raise click.MissingParameter(ctx=ctx, param=option)
    with extra("train"):
        from audiolabels.training.run_folder import is_first_process
        from audiolabels.training.train import train

    if options["ontology"]:
        options["ontology"] = load_ontology(options["ontology"]).with_supplement()
    arguments = training_arguments(options)
    counted = "step" if arguments["hyperparameters"].validate_every else "epoch"
    done = train(**arguments, progress=sys.stderr.isatty() and not is_set("quiet"))
    if not is_first_process():
        return None
    lines = [
        f"  examples                {done.examples:>12,}",
        f"  validated on            {done.validated:>12,}",
        *([f"    of clips trained on   {done.in_both:>12,}"] if done.in_both else []),
        *(f"  {what:<40}{n:,}" for what, n in done.left_out.items() if n),
        *([f"  weights in the loss     by {', '.join(done.weights)}"] if done.weights else []),
        *(f"  not validated: {what:<40}{n:,}" for what, n in done.not_validated.items() if n),
        f"  validation mAP          {done.best:>12.4f}  {_of(done.averaged, counted)}",
        f"  time                    {done.seconds:>10.1f} s",
        f"{'already complete, unchanged:' if done.found else 'wrote'} "
        f"{done.folder / 'model.safetensors'}",
    ]
    return Summary(lines, vars(done))


def _show(
    recipe: str | None,
    options: Mapping[str, Any],
    given: Mapping[str, Any],
    made: Mapping[str, Any],
) -> Summary:
    """What would run, and where each value is from."""
    lines, facts = list[str](), dict[str, Any]()
    told = RECIPES.get(recipe or "")
    if told:
        needs = "; ".join(f"{flag(name)}, {what}" for name, what in told.needs.items())
        for title, text in {"recipe": f"{recipe}: {told.summary}", "source": told.source,
                            "deviations": told.deviations, "needs": needs}.items():  # fmt: skip
            lines += wrap(f"{title}: {text}", WIDTH, subsequent_indent="  ") if text else []
    lines += ["", f"{'option':<18}{'value':<38}  from"]
    begun = options["init"] or (told and not told.model)
    fallback = {"model": None if begun else DEFAULT, "mixing": options["mix"] and MIXING,
                "held_out": None if options["validation"] else HELD_OUT}  # fmt: skip
    options = {**options, **asdict(Hyperparameters.take(dict(options)))}
    for parameter in click.get_current_context().command.params:
        name = str(parameter.name)
        if name not in options:
            continue
        value = fallback.get(name) if options[name] is None else options[name]
        origin = ("command line" if name in given else "recipe") if name in made else "default"
        if isinstance(value, Mapping):
            value = " ".join(f"{key}={each}" for key, each in value.items()) or None
        typed, shown = parameter.opts[-1], "-" if value is None or value is False else str(value)
        lines.append(f"{typed:<18}{shown:<38}  {origin}")
        facts[typed.removeprefix("--")] = {"value": value, "from": origin}
    return Summary(lines, {"recipe": recipe, "options": facts})


def _of(averaged: list[int], counted: str) -> str:
    """Which epochs or steps are saved.

    >>> _of([7], "epoch"), _of([500, 700], "step")
    ('of epoch 7', 'of the average of steps 500, 700')
    """
    listed = ", ".join(map(str, averaged))
    return (
        f"of {counted} {listed}" if len(averaged) == 1 else f"of the average of {counted}s {listed}"
    )

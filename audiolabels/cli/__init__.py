"""The command line: open, call, report. One file per command."""

import gc
import os
import signal
import sys
from importlib import import_module
from pathlib import Path

import click

from audiolabels.cli.help import format_help
from audiolabels.errors import AudioLabelsError

# Command to its line in the overview; the module of the same name is loaded when it is called.
COMMANDS = {
    "expand": "Turn label files into training targets.",
    "export": "Write labels in the files that another project's code reads.",
    "check": "Check label files and report what cannot be used.",
    "map": "Propose a mapping of labels to classes of the ontology, or check one.",
    "compare": "Compare the labels of the clips that two files have in common, or two evaluations.",
    "audit": "Rank the labels that are likely to be missing or wrong.",
    "report": "Write a page to look at labels or targets in a browser.",
    "split": "Split label files into a base and a target by a class of the ontology.",
    "subset": "Take a subset of the clips: a share, or so many per class.",
    "train": "Train a model on targets.",
    "evaluate": "Evaluate a trained model on targets, on events, or on both.",
    "annotate": "Score segments of clips with a trained model.",
    "cascade": "Train a cascade of students, each taught by the one before.",
    "fetch": "Download the label files of public data sets into the cache.",
    "info": "Show the contents of a targets file and how it was made.",
    "show": "Show a class: parents, children, flags, ancestors under each policy.",
    "tree": "Draw the tree of classes, or the part below one class.",
}
EXAMPLES = """\b
Examples:
  audiolabels expand --sample -o targets.parquet
  audiolabels expand --scheme pe-cml balanced_train_segments.csv -o targets.parquet
  audiolabels show "electric guitar"
"""


class LazyGroup(click.Group):
    """Loads the module of a command when it is called, so that `--help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        gc.disable()  # what modules make stays, so there is nothing to collect
        command: click.Command = import_module(f"audiolabels.cli.{cmd_name}").command
        gc.freeze()
        gc.enable()
        return command

    def get_help(self, ctx: click.Context) -> str:
        return format_help(self, ctx, {"Options": self.get_params(ctx)}, COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(
    cls=LazyGroup, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="audiolabels")
def group() -> None:
    """Turn AudioSet-like labels into training targets: positive, negative or unknown."""


def main(args: list[str] | None = None) -> None:
    """Run the command line in a process of its own, and end the process.

    Errors become one message and an exit code: 0 done, 1 bad input or a check that found
    something, 2 wrong usage, 130 interrupted.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    _replace_closed_streams()
    # numpy's linear algebra is not used here, but its idle threads would keep a core busy.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code = _run(args)
        sys.stdout.flush()
    except OSError as error:
        click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
        code = 1
    sys.stderr.flush()
    os._exit(code)  # nothing is left to tear down, which would take as long as 100,000 clips


def _replace_closed_streams() -> None:
    """Open nothing in place of a closed standard stream, so that no other file gets its number."""
    if sys.stdin is None:
        os.open(os.devnull, os.O_RDONLY)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def _run(args: list[str] | None) -> int:
    color = False if os.environ.get("NO_COLOR") else None  # None: as the terminal has it
    try:
        code = group.main(args, prog_name="audiolabels", standalone_mode=False, color=color)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.NoSuchOption as error:
        named = next((a for a in args or sys.argv[1:] if a[:1] == "-" and Path(a).is_file()), None)
        error.show()
        if named:
            click.echo(f"A file whose name begins with a dash comes after --: -- {named}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except AudioLabelsError as error:
        click.echo(f"Error: {error}", err=True)
        return 1
    except (click.Abort, KeyboardInterrupt) as error:
        first: BaseException = error  # from which click, or a decoder, made another
        while first.__cause__:
            first = first.__cause__
        text = str(first) or "Interrupted; unfinished files are as they were before."
        click.echo(text, err=True)
        return 130
    return code if isinstance(code, int) else 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt

"""Help in titled groups of options: in colour on a terminal, plain text elsewhere.

rich-click draws it on a terminal, and is loaded only then, so that commands start quickly.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any

import click

from audiolabels.cli.output import Summary, output_options, print_summary

PLAIN_WIDTH = 78  # columns of plain help, whatever the terminal
WIDTH_AT_MOST = 110  # columns of help on a terminal

Groups = Mapping[str, Sequence[click.Parameter]]


class Command(click.Command):
    """A command whose parameters are declared in the groups of its help.

    Args:
        groups: title to the arguments and options below it, in the order of the help; or a
            function from a value of the chooser to those that apply to it, and from an empty text
            to all of them.
        chooser: name of an option, such as `scheme`; `COMMAND --scheme X --help` shows what applies
            to X.
        **attributes: those of `click.Command`.
    """

    def __init__(
        self,
        *args: Any,
        groups: Groups | Callable[[str], Groups],
        chooser: str = "",
        **attributes: Any,
    ) -> None:
        self._groups = groups if callable(groups) else lambda _: groups
        self._output = output_options()
        self.chooser = chooser
        attributes["params"] = [p for group in self.groups_for("").values() for p in group]
        super().__init__(*args, **attributes)

    def groups_for(self, chosen: str) -> Groups:
        """Title to parameters; the options of the summary are among those of the output."""
        groups = dict(self._groups(chosen))
        title = next((t for t in ("Output", "Options") if t in groups), "Output")
        return {**groups, title: [*groups.get(title, ()), *self._output]}

    def invoke(self, ctx: click.Context) -> Any:
        summary = super().invoke(ctx)
        if isinstance(summary, Summary):
            print_summary(summary)
            ctx.exit(summary.code)
        return summary

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[__name__] = list(args)  # click shows help before it looks at the other options
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        shown, chosen = copy(self), self.chosen(ctx)
        shown.epilog = "\n".join(_examples(self.epilog or "", chosen))
        return format_help(shown, ctx, self.applicable_groups(ctx))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, options in self.applicable_groups(ctx).items():
            with formatter.section(title):
                formatter.write_dl([r for o in options if (r := o.get_help_record(ctx))])

    def applicable_groups(self, ctx: click.Context) -> dict[str, list[click.Parameter]]:
        """Title to options, of those that apply to the chosen value if there is one."""
        groups: dict[str, list[click.Parameter]] = {
            title: [p for p in group if isinstance(p, click.Option)]
            for title, group in self.groups_for(self.chosen(ctx)).items()
        }
        groups.setdefault("Options", []).extend(filter(None, [self.get_help_option(ctx)]))
        return {title: options for title, options in groups.items() if options}

    def chosen(self, ctx: click.Context) -> str:
        """The value of the chooser in the arguments; empty if they have none."""
        given, _, _ = self.make_parser(ctx).parse_args(list(ctx.meta.get(__name__, ())))
        chooser = next((p for p in self.params if p.name == self.chooser), None)
        if chooser is None or self.chooser not in given:
            return ""
        return str(chooser.type_cast_value(ctx, given[self.chooser]))


def _examples(epilog: str, chosen: str) -> Iterator[str]:
    """The epilog with the examples of the chosen value alone."""
    head, *examples = re.split(r"\n(?=  \S)", epilog)
    yield head
    yield from (example for example in examples if not chosen or f" {chosen} " in example)


def format_help(
    command: click.Command,
    ctx: click.Context,
    groups: Groups,
    commands: Mapping[str, str] | None = None,
) -> str:
    """The help of a command: with colours on a terminal, plain and of one width elsewhere.

    Args:
        command: whose usage, text and epilog are shown.
        ctx: its context.
        groups: title to options.
        commands: name to summary of each command, if it is a group of commands.
    """
    if ctx.color is False or not sys.stdout.isatty():
        formatter = click.HelpFormatter(width=PLAIN_WIDTH)
        command.format_help(ctx, formatter)
        return formatter.getvalue().rstrip("\n")
    import rich_click as rich
    from rich.text import Text

    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    panels: list[Any] = [
        rich.RichOptionPanel(title, options=[str(option.name) for option in options])
        for title, options in groups.items()
    ]
    attributes: dict[str, Any] = {
        "name": command.name,
        "params": [*arguments, *(option for options in groups.values() for option in options)],
        "help": command.help,
        "epilog": Text((command.epilog or "").strip("\b\n")),
        "panels": panels,
        "add_help_option": False,  # it is among the groups
    }
    twin = rich.RichCommand(**attributes)
    if commands is not None:
        panels.append(rich.RichCommandPanel("Commands", commands=list(commands)))
        entries = {name: click.Command(name, help=line) for name, line in commands.items()}
        twin = rich.RichGroup(commands=entries, **attributes)
    look = rich.RichHelpConfiguration(
        theme="default-nu", max_width=WIDTH_AT_MOST, default_string="[default: {}]"
    )
    context = rich.RichContext(
        twin, info_name=ctx.info_name, parent=ctx.parent, rich_help_config=look
    )
    return twin.get_help(context)

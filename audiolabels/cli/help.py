"""Help in titled groups of options: drawn by rich-click on a terminal, plain text in a pipe.

rich-click is loaded when help is drawn, not before, so that commands start quickly.
"""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import click

PLAIN_WIDTH = 78  # columns of help in a pipe, whatever the terminal
WIDTH_AT_MOST = 110  # columns of help on a terminal

Groups = Mapping[str, Sequence[click.Parameter]]


class Command(click.Command):
    """A command whose parameters are declared in the groups of its help.

    Args:
        groups: title to the arguments and options below it, in the order of the help.
        chooser: name of an option, such as `scheme`, whose value decides which others apply.
        inapplicable: from a value of the chooser to the names of the parameters that have no use
            for it; `COMMAND --scheme X --help` leaves them out.
        **attributes: those of `click.Command`.
    """

    def __init__(
        self,
        *args: Any,
        groups: Groups,
        chooser: str = "",
        inapplicable: Callable[[str], Collection[str]] = lambda _: (),
        **attributes: Any,
    ) -> None:
        attributes["params"] = [parameter for group in groups.values() for parameter in group]
        super().__init__(*args, **attributes)
        self.groups = groups
        self.chooser = chooser
        self.inapplicable = inapplicable

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[__name__] = list(args)  # click shows help before it looks at the other options
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        return format_help(self, ctx, self.applicable_groups(ctx))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, options in self.applicable_groups(ctx).items():
            with formatter.section(title):
                formatter.write_dl([r for o in options if (r := o.get_help_record(ctx))])

    def applicable_groups(self, ctx: click.Context) -> dict[str, list[click.Parameter]]:
        """Title to options, without those that do not apply to the chosen value if there is one."""
        chosen = {**self.groups_for(self.chosen(ctx)), "Help": [self.get_help_option(ctx)]}
        groups: dict[str, list[click.Parameter]] = {
            title: [p for p in group if isinstance(p, click.Option)]
            for title, group in chosen.items()
        }
        return {title: options for title, options in groups.items() if options}

    def groups_for(self, chosen: str) -> Groups:
        """The groups, without what does not apply to a value of the chooser, if it is not empty."""
        hidden = self.inapplicable(chosen) if chosen else ()
        return {title: [p for p in group if p.name not in hidden]
                for title, group in self.groups.items()}  # fmt: skip

    def chosen(self, ctx: click.Context) -> str:
        """The value of the chooser in the arguments; empty if they have none."""
        given, _, _ = self.make_parser(ctx).parse_args(list(ctx.meta.get(__name__, ())))
        chooser = next((p for p in self.params if p.name == self.chooser), None)
        if chooser is None or self.chooser not in given:
            return ""
        return str(chooser.type_cast_value(ctx, given[self.chooser]))


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
    if not sys.stdout.isatty():
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

"""`audiolabels tree`"""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from audiolabels.cli.declarations import click_option
from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY
from audiolabels.cli.output import Summary
from audiolabels.ontology.ontology import Ontology


@click.command(
    "tree",
    cls=Command,
    groups={
        "Options": (
            click.Argument(["name_or_id"], required=False),
            click_option("--depth", "Levels to draw.  [default: all]", type=click.IntRange(0)),
            ONTOLOGY,
        )
    },
    epilog="""\b
Examples:
  audiolabels tree guitar
  audiolabels tree --depth 1
""",
)
def command(name_or_id: str | None, depth: int | None, ontology: Ontology) -> Summary:
    """Draw the tree of classes, or the part below one class.

    A class with several parents is drawn under each of them.
    """
    tops = [ontology.find(name_or_id)] if name_or_id else list(ontology.roots)
    lines = [line for top in tops for line in (_label(ontology, top), *_draw(ontology, top, depth))]
    return Summary(lines, {"classes": [_branch(ontology, top, depth) for top in tops]})


def _branch(ontology: Ontology, id_: str, depth: int | None) -> dict[str, Any]:
    children: Sequence[str] = () if depth == 0 else ontology.children(id_)
    deeper = None if depth is None else depth - 1
    branches = [_branch(ontology, child, deeper) for child in children]
    return {"id": id_, "name": ontology.name(id_), "children": branches}


def _label(ontology: Ontology, id_: str) -> str:
    flags = "".join(f" [{flag}]" for flag in ontology[id_].flags)
    others = len(ontology.parents(id_)) - 1
    also = f" (+{others} other parent{'s' * (others > 1)})" if others > 0 else ""
    return f"{ontology.name(id_)}  {click.style(id_, dim=True)}{flags}{also}"


def _draw(ontology: Ontology, id_: str, depth: int | None, trunk: str = "") -> Iterator[str]:
    children: Sequence[str] = () if depth == 0 else ontology.children(id_)
    for position, child in enumerate(children, 1):
        last = position == len(children)
        yield f"{trunk}{'└── ' if last else '├── '}{_label(ontology, child)}"
        deeper = None if depth is None else depth - 1
        yield from _draw(ontology, child, deeper, trunk + ("    " if last else "│   "))

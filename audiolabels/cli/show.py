"""`audiolabels show`"""

from collections.abc import Iterable
from typing import Any

import click

from audiolabels.cli.declarations import usage_if
from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY, VOCABULARY_OF_LABELS
from audiolabels.cli.output import Summary
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.parents import PARENTS
from audiolabels.ontology.vocabulary import load_vocabulary


@click.command(
    "show",
    cls=Command,
    groups={"Options": (click.Argument(["name_or_id"]), VOCABULARY_OF_LABELS, ONTOLOGY)},
    epilog="""\b
Examples:
  audiolabels show "electric guitar"
  audiolabels show /m/0395lw --vocabulary ontology
  audiolabels show 137
""",
)
def command(name_or_id: str, vocabulary: str | None, ontology: Ontology) -> Summary:
    """Show a class: parents, children, flags, ancestors under each policy.

    It is given by name, id, or the number of its column in the vocabulary.

    Ancestors are those inside the vocabulary; under the policy `certain`, those in brackets are
    unknown.
    """
    columns = load_vocabulary(vocabulary, ontology=ontology)
    inside = {ontology.resolve(id_): i for i, id_ in enumerate(columns.ids)}
    if name_or_id.isdecimal():
        usage_if(
            int(name_or_id) >= len(columns),
            f"{columns.name} has the columns 0 to {len(columns) - 1}",
        )
        name_or_id = columns.ids[int(name_or_id)]
    id_ = ontology.find(name_or_id)
    column = inside.get(id_)

    def names(ids: Iterable[str]) -> str:
        return "; ".join(ontology.name(i) for i in ids) or "none"

    lines = [
        f"{ontology.name(id_)}  {id_}",
        f"  flags        {', '.join(ontology[id_].flags) or 'none'}",
        f"  column       {'none' if column is None else column} of {columns.name}",
        f"  parents      {names(ontology.parents(id_))}",
        f"  children     {names(ontology.children(id_))}",
        f"  below        {len(ontology.descendants(id_))} classes",
    ]
    lines.append(f"  ancestors in {columns.name}, by policy (unknown ones in brackets)")
    facts: dict[str, Any] = {
        "id": id_,
        "name": ontology.name(id_),
        "flags": ontology[id_].flags,
        "column": column,
        "parents": ontology.parents(id_),
        "children": ontology.children(id_),
        "ancestors": {},
    }
    for policy, climb in PARENTS.items():
        implied, unsure = (
            _upward(ontology, ids & inside.keys()) for ids in climb(ontology, columns)[id_]
        )
        lines.append(f"    {policy:<12} {names(implied)}{f' ({names(unsure)})' * bool(unsure)}")
        facts["ancestors"][policy] = {"implied": implied, "unknown": unsure}
    return Summary(lines, facts)


def _upward(ontology: Ontology, ids: Iterable[str | None]) -> list[str]:
    """From the nearest ancestor to the farthest."""
    known = [id_ for id_ in ids if id_ is not None]
    return sorted(known, key=lambda i: (-len(ontology.ancestors(i)), ontology.index[i]))

"""`audiolabels show`"""

from collections.abc import Iterable

import click

from audiolabels.cli.help import Command
from audiolabels.cli.options import ONTOLOGY, VOCABULARY_OF_LABELS
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
""",
)
def command(name_or_id: str, vocabulary: str, ontology: Ontology) -> None:
    """Show a class: parents, children, flags, ancestors under each policy.

    Ancestors are those inside the vocabulary; under the policy `certain`, those in brackets are
    unknown.
    """
    columns = load_vocabulary(vocabulary, ontology=ontology)
    inside = {ontology.resolve(id_): i for i, id_ in enumerate(columns.ids)}
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
    for policy, climb in PARENTS.items():
        lifted, unsure = climb(ontology, columns)[id_]
        shown = names(_upward(ontology, lifted & inside.keys()))
        doubtful = names(_upward(ontology, unsure & inside.keys()))
        lines.append(
            f"    {policy:<12} {shown}" + (f" ({doubtful})" if unsure & inside.keys() else "")
        )
    click.echo("\n".join(lines))


def _upward(ontology: Ontology, ids: Iterable[str | None]) -> list[str]:
    """From the nearest ancestor to the farthest."""
    known = [id_ for id_ in ids if id_ is not None]
    return sorted(known, key=lambda i: (-len(ontology.ancestors(i)), ontology.index[i]))

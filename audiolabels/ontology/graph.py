"""Checks on a graph of classes before it becomes an ontology."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from audiolabels.errors import OntologyError, shortlist

# Anything that separates labels in some label file cannot be part of an id.
NAMED_CYCLES, LONG_CYCLE = 5, 12
DEEPEST = 1000  # classes above each other; in AudioSet 6
MALFORMED_ID = re.compile(r"""[\s,;|"']|^$""")


@dataclass(frozen=True, slots=True)
class OntologyClass:
    """One sound class.

    Attributes:
        id: machine id, for instance `/m/02sgy`.
        name: display name, for instance `Electric guitar`.
        children: ids of the direct, more specific classes.
        flags: AudioSet's restrictions: `abstract`, `blacklist`, or nothing.
    """

    id: str
    name: str
    children: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def refuse_bad_ids(classes: tuple[OntologyClass, ...]) -> None:
    """Raise OntologyError for malformed ids, ids that occur twice, and children listed twice."""
    malformed = [repr(c.id) for c in classes if MALFORMED_ID.search(c.id)]
    if malformed:
        raise OntologyError(
            f"malformed ids (empty, or with white space, quotes or separators): "
            f"{shortlist(malformed)}"
        )
    twice = [id_ for id_, count in Counter(c.id for c in classes).items() if count > 1]
    if twice:
        raise OntologyError(f"ids that occur more than once: {shortlist(twice)}")
    repeated = [c.id for c in classes if len(set(c.children)) < len(c.children)]
    if repeated:
        raise OntologyError(f"classes that list a child twice: {shortlist(repeated)}")


def refuse_dangling(by_id: Mapping[str, OntologyClass]) -> None:
    """Raise OntologyError for children that are no class."""
    dangling = [
        f"{child!r} (child of {c.name})"
        for c in by_id.values()
        for child in c.children
        if child not in by_id
    ]
    if dangling:
        raise OntologyError(f"children that are no class of the file: {shortlist(dangling)}")


def invert(classes: tuple[OntologyClass, ...]) -> dict[str, tuple[str, ...]]:
    """The parents of each class, in the order of the classes."""
    parents: dict[str, list[str]] = {c.id: [] for c in classes}
    for c in classes:
        for child in c.children:
            parents[child].append(c.id)
    return {id_: tuple(above) for id_, above in parents.items()}


def topological(
    by_id: Mapping[str, OntologyClass], parents: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Ids ordered so that every parent comes before its children; OntologyError for cycles."""
    graph, cycles = dict(parents), list[str]()
    order: tuple[str, ...] | None = None
    while order is None and len(cycles) < NAMED_CYCLES:
        try:
            order = tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            cycle = error.args[1][1:]
            first = cycle.index(min(cycle))
            named = [f"{by_id[id_].name} ({id_})" for id_ in cycle[first:] + cycle[:first]]
            more = [f"… ({len(named):,} classes)"] * (len(named) > LONG_CYCLE)
            cycles.append(" > ".join(named[:LONG_CYCLE] + more))
            graph |= dict.fromkeys(cycle, ())  # and look for others
    if cycles or order is None:
        others = ", and perhaps more" * (order is None)
        raise OntologyError(f"cycles: {', '.join(sorted(cycles))}{others}")
    depth: dict[str, int] = {}
    for id_ in order:
        depth[id_] = 1 + max((depth[parent] for parent in parents[id_]), default=0)
    if max(depth.values(), default=0) > DEEPEST:
        raise OntologyError(
            f"a chain of {max(depth.values()):,} classes, each a child of the one before; up to "
            f"{DEEPEST:,} are read"
        )
    return order

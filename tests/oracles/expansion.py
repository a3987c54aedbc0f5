"""The schemes as their definitions read: one clip at a time, over paths and sets, slowly."""

from collections.abc import Iterator

import networkx as nx

POSITIVE, NEGATIVE, UNKNOWN = "positive", "negative", "unknown"


def paths_to_roots(graph: nx.DiGraph, class_id: str) -> Iterator[list[str]]:
    """Every way up, without the class itself."""
    parents = list(graph.predecessors(class_id))
    if not parents:
        yield []
    for parent in parents:
        for rest in paths_to_roots(graph, parent):
            yield [parent, *rest]


def nearest_inside(graph: nx.DiGraph, class_id: str, vocabulary: set[str]) -> set[str]:
    found = set()
    for parent in graph.predecessors(class_id):
        found |= {parent} if parent in vocabulary else nearest_inside(graph, parent, vocabulary)
    return found


def climb(
    graph: nx.DiGraph, class_id: str, vocabulary: set[str], parents: str
) -> tuple[set[str], set[str]]:
    """Ancestors that become positive, and ancestors that become unknown."""
    paths = [set(path) for path in paths_to_roots(graph, class_id)]
    everywhere, anywhere = set.intersection(*paths), set.union(*paths)
    if parents == "all":
        return anywhere, set()
    if parents == "certain":
        return everywhere, anywhere - everywhere
    lifted: set[str] = set()
    while len(nearest := nearest_inside(graph, class_id, vocabulary)) == 1:
        (class_id,) = nearest
        lifted.add(class_id)
    return lifted, set()


def expand_clip(
    graph: nx.DiGraph,
    given: set[str] | None,
    vocabulary: list[str],
    scheme: str,
    parents: str = "all",
) -> dict[str, str]:
    """State of every class of the vocabulary; `given` is None where it is unannotated."""
    if given is None:
        return dict.fromkeys(vocabulary, UNKNOWN)
    positive, unknown = set(given), set()
    if scheme != "weak":
        for class_id in given:
            lifted, unsure = climb(graph, class_id, set(vocabulary), parents)
            positive |= lifted
            unknown |= unsure
    if scheme == "pe-cml":
        for class_id in given:
            below = nx.descendants(graph, class_id)
            if not below & given:
                unknown |= below
    return {
        c: POSITIVE if c in positive else UNKNOWN if c in unknown else NEGATIVE for c in vocabulary
    }

"""The schemes as their definitions read: one clip at a time, over paths and sets, slowly."""

from collections.abc import Iterable, Iterator

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


def nobody_listened(
    graph: nx.DiGraph,
    class_id: str,
    open_: set[str],
    annotated: set[str],
    denied: set[str],
    vocabulary: list[str],
    parents: str,
) -> bool:
    """Whether it is unknown that a class is absent, which is neither positive nor unknown.

    `open_` are the positive and unknown classes; `parents` may be `none`.
    """
    refused = set(denied).union(*(nx.descendants(graph, c) for c in denied))
    heard = {c for c in graph if c not in open_ and (c in annotated or c in refused)}
    if parents == "none":
        lifted = nx.ancestors(graph, class_id)
    else:
        lifted, _ = climb(graph, class_id, set(vocabulary), parents)
    return not heard & {class_id, *lifted}


def expand_clip(
    graph: nx.DiGraph,
    given: set[str] | None,
    vocabulary: list[str],
    scheme: str,
    parents: str = "all",
    *,
    annotated: set[str] | None = None,
    unsure: Iterable[str] = (),
    denied: Iterable[str] = (),
    judged: Iterable[str] = (),
) -> dict[str, str]:
    """State of every class of the vocabulary; `given` is None where it is unannotated.

    `annotated` are the classes that were listened for, None for all; `unsure` those that are
    unknown, `denied` those that were confirmed absent, `judged` those of either that are not
    changed by what is given.
    """
    if given is None:
        refused = set(denied).union(*(nx.descendants(graph, c) for c in denied))
        refused -= set(judged) & set(unsure)
        return {c: NEGATIVE if c in refused else UNKNOWN for c in vocabulary}
    stated = set(unsure)
    positive, unknown = set(given), set[str]()
    if scheme != "weak":
        for class_id in given:
            lifted, open_ = climb(graph, class_id, set(vocabulary), parents)
            positive |= lifted
            unknown |= open_
    if scheme == "pe-cml":
        for class_id in given:
            below = nx.descendants(graph, class_id)
            if not below & given:
                unknown |= below
    refuted = set(judged) & set(denied)
    positive -= set(judged)
    unknown -= refuted.union(*(nx.descendants(graph, c) for c in refuted))
    unknown |= stated
    if annotated is not None:
        policy = "all" if scheme == "weak" else parents
        open_ = positive | unknown
        unknown |= {
            c
            for c in vocabulary
            if nobody_listened(graph, c, open_, annotated, set(denied), vocabulary, policy)
        }
    return {
        c: POSITIVE if c in positive else UNKNOWN if c in unknown else NEGATIVE for c in vocabulary
    }

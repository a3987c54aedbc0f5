"""Labels left out as raters leave them out, at any rate.

Grzywalski & Botteldooren, §II, name two ways: a class is given and nothing more specific, and a
class is given without the ones above it. Both rates are measured on the labels as released.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from strong import Flags

import audiolabels
from audiolabels.ontology import Ontology
from audiolabels.ontology.parents import PARENTS

Numbers = npt.NDArray[np.floating[Any]]


def implications(ontology: Ontology, vocabulary: audiolabels.Vocabulary, parents: str) -> Flags:
    """Whether a class implies another, bool (C, C)."""
    rule = PARENTS[parents](ontology, vocabulary)
    found = np.zeros((len(vocabulary), len(vocabulary)), np.bool_)
    for row, id_ in enumerate(vocabulary.ids):
        columns = [vocabulary.index[i] for i in rule[id_].implied if i in vocabulary.index]
        found[row, columns] = True
    return found


def omit(
    complete: Flags, given: Flags, implied: Flags, share: float, seed: int
) -> tuple[Flags, dict[str, int]]:
    """Labels that remain when raters do not specify, and leave parents out.

    First, a class with others below it is left unspecified: all below it are removed. Then a class
    that another label implies is left out. How often is measured on the labels as released, by
    class and by pair of classes; of several pairs the one counts whose parent is left out least.
    All odds are then multiplied by one number for each way, so that the share of the labels that
    can go is the one asked for.

    Args:
        complete, given: bool (N, C): closed labels, and labels as released.
        implied: bool (C, C): whether a class implies another.
        share: of the labels below others, then of the labels above others, that are removed.
        seed: of the draws.

    Returns:
        bool (N, C), and counts of labels.
    """
    unspecified, left_out = measured_odds(given, implied)
    generator = np.random.default_rng(seed)
    draws = generator.random(complete.shape), generator.random(complete.shape)
    below, above = any_of(complete, implied.T), any_of(complete, implied)

    def unspecify(shift: float) -> Flags:
        chosen = complete & above & (draws[0] < probability(unspecified + shift))
        removed: Flags = complete & any_of(chosen, implied.T)
        return removed

    removed = with_share(unspecify, int((complete & below).sum()), share)
    remaining = complete & ~removed
    odds = np.full(complete.shape, np.inf)
    for parent in np.flatnonzero(implied.any(0)):
        children = np.flatnonzero(implied[:, parent])
        own = np.where(remaining[:, children], left_out[children, parent], np.inf)
        odds[:, parent] = np.where(remaining[:, parent], own.min(1), np.inf)
    some = np.isfinite(odds)

    def leave_out(shift: float) -> Flags:
        gone: Flags = some & (draws[1] < probability(np.where(some, odds, 0) + shift))
        return gone

    dropped = with_share(leave_out, int(some.sum()), share)
    counts = {
        "complete": int(complete.sum()),
        "below": int((complete & below).sum()),
        "unspecified": int(removed.sum()),
        "above": int(some.sum()),
        "left_out": int(dropped.sum()),
    }
    return remaining & ~dropped, counts


def measured_odds(given: Flags, implied: Flags) -> tuple[Numbers, Numbers]:
    """Log odds that a given class has none below it, (C,); that one implies another that is not
    given, (C, C). Classes that are seldom given are drawn to the rate of all.
    """
    wide, single = given.astype(np.float32), given.sum(0)
    bare = (given & ~any_of(given, implied)).sum(0)
    inner = implied.any(0)
    rate = bare[inner].sum() / max(1, single[inner].sum())
    unspecified = log_odds((bare + rate) / (single + 1))
    alone = single[:, None] - wide.T @ wide
    counts = np.broadcast_to(single[:, None], alone.shape)
    overall = alone[implied].sum() / max(1, counts[implied].sum())
    return unspecified, log_odds((alone + overall) / (single[:, None] + 1))


def any_of(labels: Flags, related: Flags) -> Flags:
    """Which classes have a label that is related to them: bool (N, C)."""
    found: Flags = labels.astype(np.float32) @ related.astype(np.float32) > 0
    return found


def log_odds(share: Numbers) -> Numbers:
    inside = np.clip(share, 1e-6, 1 - 1e-6)
    odds: Numbers = np.log(inside / (1 - inside))
    return odds


def probability(odds: Numbers) -> Numbers:
    found: Numbers = 1 / (1 + np.exp(-odds))
    return found


def with_share(remove: Callable[[float], Flags], of: int, share: float) -> Flags:
    """What is removed at the shift of the log odds for which it is this share; none at 0."""
    low, high = -40.0, 40.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if remove(middle).sum() > share * of else (middle, high)
    return remove(low)

"""Coverage: which absences of a class count, where clips were annotated for some classes only.

A class that was neither given nor made positive or unknown is negative only if somebody listened
for it: if the clips were annotated for it, if it was confirmed absent, or if it implies a class of
which that holds, since without the implied class it is absent too. Otherwise it is unknown.

Source: this project. Which classes a class implies is the parent policy; where there is none, all
its ancestors. No deviation where clips were annotated for all classes: nothing becomes unknown.
"""

import numpy as np

from audiolabels.schemes.closure import CHUNK, Closure, Words


def uncovered(
    tables: Closure, open_: Words, annotated: tuple[int, ...] | None, denied: Words | None = None
) -> Words:
    """The classes of the vocabulary whose absence nobody confirmed.

    Args:
        tables: of the ontology, the vocabulary and the parent policy.
        open_: uint64 (S, W): the classes that are positive or unknown.
        annotated: positions of the classes that were listened for; None: all.
        denied: uint64 (S, W): the classes that were confirmed absent, and those below them.

    Returns:
        uint64 (S, W), bits of the vocabulary's columns alone; none of them is in `open_`.
    """
    result = np.zeros_like(open_)
    if annotated is None:
        return result
    heard = np.bitwise_or.reduce(tables.given[list(annotated)], axis=0)
    asked = np.flatnonzero(~_bits(heard[None])[0, : tables.columns])
    if not len(asked):
        return result
    of_column = np.empty(len(tables.column), np.int64)
    of_column[tables.column] = np.arange(len(tables.column))
    lifts = _bits(tables.lifts[of_column[asked]]).T.astype(np.float32)
    known = ~open_ & (heard if denied is None else heard | denied)
    for start in range(0, len(open_), CHUNK):
        part = slice(start, start + CHUNK)
        absent = _bits(known[part]).astype(np.float32) @ lifts > 0
        bits = np.zeros((len(absent), open_.shape[1] * 64), np.uint8)
        bits[:, asked] = ~absent
        result[part] = np.packbits(bits, axis=1).view(np.uint64)
    return result & ~open_


def _bits(words: Words) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    return np.unpackbits(words.view(np.uint8), axis=1).view(np.bool_)

"""Runs: intervals of frames in which a class is present, and their algebra.

A table of frames × classes is sparse and its cells come in intervals, so events are framed, merged
and complemented as runs; only the result is painted into bits.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import row_order

Ints = npt.NDArray[np.int64]


class Runs(NamedTuple):
    """Runs of frames, ascending by clip, column and first frame; no two touch or overlap.

    Attributes:
        clip, column: int64 (R,).
        first, stop: int64 (R,): the first frame, and the one after the last.
    """

    clip: Ints
    column: Ints
    first: Ints
    stop: Ints

    @property
    def starts_pair(self) -> npt.NDArray[np.bool_]:
        """Bool (R,): whether each run is the first of its clip and column."""
        return changes(self.clip, self.column)


def merge(clip: Ints, column: Ints, first: Ints, stop: Ints) -> Runs:
    """The union of intervals of frames, int64 (E,) each, not negative, in any order."""
    some = first < stop
    if not some.all():
        clip, column, first, stop = clip[some], column[some], first[some], stop[some]
    order = row_order(clip, column, first)
    clip, column, first, stop = clip[order], column[order], first[order], stop[order]
    new, first, stop = _unions(changes(clip, column), first, stop)
    return Runs(clip[new], column[new], first, stop)


def united(*keys: npt.NDArray[np.integer], first: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """For each interval the union of those of equal keys that it overlaps or touches, in turn.

    Keys are integers (E,), not negative; `first` is below `stop`. Returns first and stop of the
    unions, int64 (E,) each.
    """
    if not len(first):
        return first, stop
    order = row_order(*keys, first - first.min())
    new, begin, reach = _unions(changes(*(key[order] for key in keys)), first[order], stop[order])
    piece = np.cumsum(new) - 1
    whole = np.empty((2, len(order)), np.int64)
    whole[:, order] = begin[piece], reach[piece]
    return whole[0], whole[1]


def _unions(
    new: npt.NDArray[np.bool_], first: Ints, stop: Ints
) -> tuple[npt.NDArray[np.bool_], Ints, Ints]:
    """Unions of ascending intervals, of which those that are `new` begin a group: the intervals
    that begin one, and first and stop of each.
    """
    reach = furthest(new, stop)
    new[1:] |= first[1:] > reach[:-1]
    return new, first[new], reach[np.append(new, True)[1:]]


def changes(*keys: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
    """Bool (E,): whether a key differs from that of the row before; the first row's does."""
    new = np.ones(len(keys[0]), np.bool_)
    new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return new


def furthest(new: npt.NDArray[np.bool_], stop: Ints) -> Ints:
    """The furthest stop up to each row since the last one that is new, int64 (E,)."""
    # Shifted by the number of their group, stops of an earlier group lie below those of a later.
    shift = np.cumsum(new) * (int(stop.max(initial=0)) + 1 - int(stop.min(initial=0)))
    reach: Ints = np.maximum.accumulate(stop + shift) - shift
    return reach


def gaps(runs: Runs, frames: Ints) -> Runs:
    """The other frames of each (clip, column) that has a run; clips have `frames`, int64 (N,)."""
    starts = runs.starts_pair
    last = np.append(starts, True)[1:]
    # Before each run a gap, and one more after the last of its clip and column.
    before = np.arange(len(starts)) + np.cumsum(starts) - 1
    after = before[last] + 1
    clip, column, first, stop = np.zeros((4, len(before) + len(after)), np.int64)
    clip[before], column[before], stop[before] = runs.clip, runs.column, runs.first
    first[before[1:]] = np.where(starts[1:], 0, runs.stop[:-1])
    clip[after], column[after] = runs.clip[last], runs.column[last]
    first[after], stop[after] = runs.stop[last], frames[runs.clip[last]]
    some = first < stop
    return Runs(clip[some], column[some], first[some], stop[some])


def paint(runs: Runs, first_row: Ints, rows: int, columns: int) -> Bits:
    """A table of frames with the bits of the runs set, uint8 (rows, ceil(columns / 8)).

    Runs are disjoint within each clip and column; `first_row`, int64 (N,), is the row of each
    clip's first frame.
    """
    width = -(-columns // 8)
    sizes = runs.stop - runs.first
    ends = np.cumsum(sizes)
    # The row of a frame: that of the run's first frame, and one more for each frame since.
    start = first_row[runs.clip] + runs.first - (ends - sizes)
    row = np.repeat(start, sizes) + np.arange(ends[-1] if len(ends) else 0)
    byte = np.repeat(runs.column >> 3, sizes)
    bit = np.repeat((128 >> (runs.column & 7)).astype(np.uint8), sizes)
    table = np.zeros(rows * width, np.uint8)
    np.add.at(table, row * width + byte, bit)
    return table.reshape(rows, width)

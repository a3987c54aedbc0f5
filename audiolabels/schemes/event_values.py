"""Events with values over frames: how present a class is, on average over each frame.

Source: this project's reading of soft labels such as MAESTRO's (Martín-Morató & Mesaros 2023,
"Strong labeling of sound events using crowdsourced weak labels and annotator competence
estimation"). The target of a frame is the mean of the values over its time, and time without an
event counts 0. Where events of a class overlap, those of classes that it is implied by included,
the highest value counts at each moment.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.grid import Ms
from audiolabels.arrays.lists import Lists

Doubles = npt.NDArray[np.float64]


class Valued(NamedTuple):
    """Events with values: int64 (L,) and float32 (L,)."""

    clip: Ms
    column: Ms
    onset_ms: Ms
    offset_ms: Ms
    value: npt.NDArray[np.float32]


def mean_values(
    events: Valued, begin_ms: Ms, end_ms: Ms, clip_of_row: Ms, columns: int
) -> npt.NDArray[np.float32]:
    """The mean value of each class over each row.

    Args:
        events: those of some clips; the onset of each is before its offset.
        begin_ms, end_ms, clip_of_row: int64 (N,): span and clip of each row, clips ascending.
        columns: C.

    Returns:
        float32 (N, C).
    """
    means = np.zeros((len(begin_ms), columns), np.float32)
    if not len(events.clip):
        return means
    pairs, group = np.unique(events.clip * columns + events.column, return_inverse=True)
    low = min(int(events.onset_ms.min()), int(begin_ms.min()))
    span = max(int(events.offset_ms.max()), int(end_ms.max())) - low + 1

    def key(of_group: Ms, ms: Ms) -> Ms:
        return of_group * span + ms - low

    first, last = key(group, events.onset_ms), key(group, events.offset_ms)
    edges = np.unique(np.concatenate([first, last]))
    start, stop = np.searchsorted(edges, first), np.searchsorted(edges, last)
    level = np.zeros(len(edges), np.float64)
    sizes = stop - start
    inside = Lists(np.append(0, np.cumsum(sizes)), np.arange(sizes.sum()))
    which, place = inside.of(np.arange(len(start)))
    np.maximum.at(level, start[which] + place - inside.offsets[which], events.value[which])
    area = np.append(0, np.cumsum(level[:-1] * np.diff(edges)))

    def until(of_group: Ms, ms: Ms) -> Doubles:
        """The area under the values of all groups up to a time of a group."""
        wanted = key(of_group, ms)
        at = np.searchsorted(edges, wanted, "right") - 1
        known = at >= 0
        at = at.clip(min=0)
        filled: Doubles = np.where(known, area[at] + level[at] * (wanted - edges[at]), 0)
        return filled

    clips, columns_of = pairs // columns, pairs % columns
    rows_of_clip = np.searchsorted(clip_of_row, clips), np.searchsorted(clip_of_row, clips, "right")
    count = rows_of_clip[1] - rows_of_clip[0]
    of_group = np.repeat(np.arange(len(pairs)), count)
    rows = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    rows += rows_of_clip[0][of_group]
    total = until(of_group, end_ms[rows]) - until(of_group, begin_ms[rows])
    means[rows, columns_of[of_group]] = total / (end_ms - begin_ms)[rows]
    return means

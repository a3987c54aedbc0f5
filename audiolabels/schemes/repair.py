"""Labels that a teacher repairs: what the two ways to do it share.

A teacher's scores say where labels are probably missing. Scores are read in passes, so that they
need not be held; what is found is a few classes a clip, and is. Repair comes first, then the labels
are expanded by their own scheme: parents up, then children masked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import to_numpy
from audiolabels.errors import ScoresFileError
from audiolabels.labels.annotations import LabelSets
from audiolabels.labels.scores import Scores
from audiolabels.schemes.given_labels import GivenLabels, Ints
from audiolabels.targets.targets import Targets

Flags = npt.NDArray[np.bool_]
# Reads the scores from the beginning, one row a clip, as `Scores.highest` has them.
Passes = Callable[[], Iterable[Scores]]


@dataclass(frozen=True, eq=False)
class Repair:
    """Given labels and what a teacher found in their clips.

    Attributes:
        given: N clips and their targets without repair.
        found: one set for each of the N clips: the classes to change, in the whole ontology.
        counts: what was found, in numbers.
        apply: from targets of some clips, their given sets, and the classes found in each, to
            their repaired targets.
    """

    given: GivenLabels
    found: LabelSets
    counts: Mapping[str, int]
    apply: Callable[[Targets, LabelSets, LabelSets], Targets]

    def targets(self, start: int = 0, stop: int | None = None) -> Targets:
        """Repaired targets of the clips from `start` up to `stop`, each with a row of its own."""
        labels = self.given.labels
        chosen = np.arange(start, len(labels) if stop is None else min(stop, len(labels)))
        base = self.given.targets.slice(start, start + len(chosen))
        sets = labels.sets.take(labels.set_of_clip[chosen])
        return self.apply(base, sets, self.found.take(chosen))


def as_passes(scores: Scores | Passes) -> Passes:
    """Scores in memory as what a repair reads."""
    return (lambda: [scores.highest()]) if isinstance(scores, Scores) else scores


def scored_clips(passes: Passes, given: GivenLabels, seen: Flags) -> Iterator[tuple[Scores, Ints]]:
    """One pass over the clips that have labels: their scores, and the given clip of each.

    Args:
        passes: the scores.
        given: N clips.
        seen: bool (N,), all False; becomes True for clips with scores.

    Raises:
        ScoresFileError: two clips of the scores are one given clip.
    """
    for part in passes():
        rows = given.find(part.clip_id)
        clips, rows = part.keep(rows >= 0), rows[rows >= 0]
        again = seen[rows]
        again[np.setdiff1d(np.arange(len(rows)), np.unique(rows, return_index=True)[1])] = True
        if again.any():
            clip = given.labels.clip_id[int(rows[np.flatnonzero(again)[0]])].as_py()
            raise ScoresFileError(
                f"clip {clip} has scores in two places: the segments of a clip must stand together,"
                f" and no clip may come twice, under its own id or its video's"
            )
        seen[rows] = True
        if len(rows):
            yield clips, rows


def unpack(bits: Bits, columns: int) -> Flags:
    """Bits as bool (N, columns)."""
    return np.unpackbits(bits, axis=1, count=columns).astype(np.bool_)


def one_set_a_clip(
    rows: npt.NDArray[np.integer], classes: npt.NDArray[np.integer], count: int
) -> LabelSets:
    """Sets of `count` clips from (clip, class) pairs."""
    return LabelSets.build(rows, classes, np.ones(count, np.bool_))


def ranks(given: GivenLabels) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The place of each clip among all ids in ascending order, and the inverse: int32 (N,) each."""
    order = to_numpy(pc.sort_indices(given.labels.clip_id).cast(pa.int32()))
    place = np.empty_like(order)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place, order

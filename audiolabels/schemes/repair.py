"""Labels that a teacher repairs: what the two ways to do it share.

A teacher's scores show where labels are probably missing. Scores are read in passes and not kept;
the few classes found per clip are. The labels are repaired first, then expanded by their own
scheme: ancestors added, then descendants masked.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import to_numpy
from audiolabels.errors import ScoresFileError
from audiolabels.labels.annotations import LabelSets
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.given_labels import Flags, GivenLabels, Ints, MatchedScores
from audiolabels.schemes.label_targets import LabelCounts, count_labels
from audiolabels.schemes.scheme import Expanded
from audiolabels.schemes.score_counts import MatchCounts
from audiolabels.targets.targets import Targets

# Reads the scores from the beginning, one row per clip, as `Scores.highest` gives them.
Passes = Callable[[], Iterable[MatchedScores]]


@dataclass
class RepairCounts(LabelCounts, MatchCounts):
    """What a scheme and a teacher did to the labels of N clips; parts add up."""

    def stated(self) -> dict[str, int]:
        """See `SchemeCounts`."""
        return {"clips_without_scores": self.without_scores, **super().stated()}


@dataclass(frozen=True, eq=False)
class Repair:
    """Given labels and what a teacher found in their clips.

    Attributes:
        given: N clips and their targets without repair.
        found: one set for each of the N clips: the classes to change, in the whole ontology.
        counts: what was found, in numbers, without those of labels before and after.
        apply: from targets of some clips, their given sets, and the classes found in each, to
            their repaired targets, and how many positives of each clip are doubtful.
    """

    given: GivenLabels
    found: LabelSets
    counts: RepairCounts
    apply: Callable[[Targets, LabelSets, LabelSets], tuple[Targets, Ints]]

    def part(self, start: int, stop: int) -> Expanded[Targets]:
        """Repaired targets of the clips from `start` up to `stop`, each with a row of its own."""
        labels = self.given.labels
        chosen = np.arange(start, min(stop, len(labels)))
        base = self.given.targets.slice(start, stop)
        sets = labels.sets.take(labels.set_of_clip[chosen])
        targets, doubtful = self.apply(base, sets, self.found.take(chosen))
        each = np.ones(len(chosen), np.int64)
        counts = count_labels(labels.ontology, sets, each, targets, doubtful)
        return Expanded(targets, counts, doubtful=doubtful)


def repair_with(find: Callable[..., Repair]) -> Callable[..., Expanded[Targets]]:
    """A `Scheme.make` from a function that finds what to repair; scores have one row per clip."""

    def make(scores: MatchedScores, vocabulary: Vocabulary, options: Any) -> Expanded[Targets]:
        assert scores.labels is not None
        repair = find(lambda: [scores], scores.labels, vocabulary, options)
        made = repair.part(0, len(scores.labels.labels))
        repair.counts.add(made.counts)
        return replace(made, counts=repair.counts)

    return make


def scored_clips(passes: Passes, given: GivenLabels, seen: Flags) -> Iterator[MatchedScores]:
    """One pass over the clips that have labels.

    Args:
        passes: the scores.
        given: N clips.
        seen: bool (N,), all False; becomes True for clips with scores.

    Raises:
        ScoresFileError: two clips of the scores are one given clip.
    """
    for part in passes():
        clips = part.keep(part.given >= 0)
        rows = clips.given
        again = seen[rows]
        again[np.setdiff1d(np.arange(len(rows)), np.unique(rows, return_index=True)[1])] = True
        if again.any():
            clip = given.labels.clip_id[int(rows[np.flatnonzero(again)[0]])].as_py()
            raise ScoresFileError(
                f"clip {clip} has scores in two places: the segments of a clip must follow one "
                f"another, and no clip may come twice, under its own id or its video's"
            )
        seen[rows] = True
        if len(rows):
            yield clips


def unpack(bits: Bits, columns: int) -> Flags:
    """Bits as bool (N, columns)."""
    return np.unpackbits(bits, axis=1, count=columns).astype(np.bool_)


def ranks(given: GivenLabels) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """The place of each clip among all ids in ascending order, and the inverse: int32 (N,) each."""
    order = to_numpy(pc.sort_indices(given.labels.clip_id).cast(pa.int32()))
    place = np.empty_like(order)
    place[order] = np.arange(len(order), dtype=np.int32)
    return place, order

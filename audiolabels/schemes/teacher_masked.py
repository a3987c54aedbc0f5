"""Missing labels masked: implicit negatives that a teacher scores highest become unknown.

Source: Fonseca et al. 2020, "Addressing missing labels in large-scale sound event recognition using
a teacher-student framework with loss masking". Per class, the highest-scored share q of its
implicit negatives over the whole input is masked.

What is fixed where the paper leaves room: implicit negatives are counted before parents are added,
among clips with scores; of n of them floor(q · n) are masked; among equal scores the clip whose id
comes first is masked first. A clip's score is the highest of its segments. A clip that raters
verified to be empty has explicit negatives only, which are never masked; label files hold no other
explicit negatives.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import weigh
from audiolabels.labels.annotations import LabelSets
from audiolabels.labels.scores import Floats, Scores
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import option, portion
from audiolabels.schemes.closure import closure, union
from audiolabels.schemes.given_labels import Flags, GivenLabels, GivenOptions, Ints
from audiolabels.schemes.repair import (
    Passes,
    Repair,
    RepairCounts,
    ranks,
    repair_with,
    scored_clips,
    unpack,
)
from audiolabels.schemes.scheme import Scheme
from audiolabels.targets.targets import Targets

SLACK = 4_096
PIECES = 32  # small arrays that a class holds, since each takes a hundred bytes
Numbers = npt.NDArray[np.int32]
LAST = np.uint64(0xFFFF_FFFF)


@dataclass(frozen=True)
class TeacherMaskedOptions(GivenOptions):
    """Options of teacher-masked."""

    mask_share: float = option(
        0.01, "The share of each class's implicit negatives that becomes unknown.",
        check=portion, metavar="Q",
    )  # fmt: skip


@dataclass
class MaskedCounts(RepairCounts):
    """What a scheme and a teacher did to the labels of N clips; parts add up.

    Attributes:
        implicit_negatives: (clip, class) pairs that could be masked.
        masked_by_teacher: those that were.
    """

    STATED = ("implicit_negatives", "masked_by_teacher")
    implicit_negatives: int = 0
    masked_by_teacher: int = 0


def teacher_masked(
    passes: Passes, given: GivenLabels, vocabulary: Vocabulary, options: TeacherMaskedOptions
) -> Repair:
    """Given labels, where the likeliest missing ones are unknown.

    Positives win: an ancestor that `labels_scheme` adds is positive even if it was masked. A clip
    without scores keeps its labels as they are, and what the teacher does not score is never
    masked.

    Args:
        passes: scores, read once. Memory holds for each class at most the cells that are masked,
            and 4,096 more, in 8 bytes each.
        given: N clips.
        vocabulary: C classes.
        options: the share q.

    Raises:
        ScoresFileError: two clips of the scores are one given clip.
        VocabularyError: the teacher scores no class of the vocabulary.
    """
    share, labels = options.mask_share, given.labels
    tables = closure(labels.ontology, vocabulary, "all")
    positive, _ = tables.cut(union(tables.given, labels.sets))
    if (judged := labels.sets.judged) is not None:  # verdicts, whatever the teacher finds
        no = judged.keep(judged.within(labels.sets.absent or judged.none))
        positive |= tables.cut(union(tables.given, judged) | union(tables.below, no))[0]
    some = labels.sets.sizes > 0  # a verified empty clip has no implicit negative
    weights = np.bincount(labels.set_of_clip, minlength=len(some)) * some
    negatives = weights.sum() - weigh(positive, weights, len(vocabulary))
    place, order = ranks(given)
    highest = Highest(share_of(share, negatives))
    candidates, seen = np.zeros(len(vocabulary), np.int64), np.zeros(len(labels), np.bool_)
    for part in scored_clips(passes, given, seen):
        clips, sets = part.over(vocabulary), labels.set_of_clip[part.given]
        negative = ~unpack(positive[sets] | clips.unknown, len(vocabulary)) & some[sets][:, None]
        candidates += negative.sum(0)
        highest.add(clips.scores, negative, place[part.given])
    column, places = highest.cells(share_of(share, candidates))
    ids = [labels.ontology.resolve(id_) or id_ for id_ in vocabulary.ids]
    classes = np.array([labels.ontology.index[id_] for id_ in ids], np.int32)
    column, places = classes[column], order[places]
    found = LabelSets.build(places, column, np.ones(len(labels), np.bool_))
    del column, places  # of which there can be millions

    def mask(base: Targets, sets: LabelSets, cells: LabelSets) -> tuple[Targets, Ints]:
        bits, _ = tables.cut(union(tables.given, cells))
        rows = base.row_of_clip
        own = base.positive[rows]
        masked = replace(
            base,
            positive=own,
            masked=base.masked[rows] | (bits & ~own),
            cut=base.cut[rows],
            row_of_clip=np.arange(len(rows), dtype=np.int32),
        )
        return masked, given.doubtful[rows]

    counts = MaskedCounts(
        without_scores=int((~seen).sum()),
        implicit_negatives=int(candidates.sum()),
        masked_by_teacher=len(found.classes),
    )
    return Repair(given, found, counts, mask)


def share_of(share: float, counts: Ints) -> Ints:
    """The whole part of a share of each count, exact in the decimals of the share."""
    exact = Fraction(str(share))
    return np.array([int(exact * count) for count in counts.tolist()], np.int64)


class Highest:
    """The highest-scored cells of each class, whatever the order and the parts they come in.

    Args:
        most: int64 (C,): how many of each class may be asked for.
        slack: entries beyond those wanted that a class holds before it is pruned.
    """

    def __init__(self, most: Ints, *, slack: int = SLACK) -> None:
        self._most = most.tolist()
        self._slack = slack
        self._keys: list[list[npt.NDArray[np.uint64]]] = [[] for _ in self._most]
        self._sizes = [0] * len(self._most)
        self._least = np.zeros(len(self._most), np.uint64)

    def add(self, scores: Floats, chosen: Flags, place: npt.NDArray[np.integer]) -> None:
        """Take in cells.

        Args:
            scores: float32 (M, C), in [0, 1].
            chosen: bool (M, C): the cells that count.
            place: int (M,): which of equal scores comes first; no number comes twice.
        """
        # Bits of floats that are not negative ascend as they do; + 0.0 makes -0.0 one of them.
        bits = np.ascontiguousarray(scores.T + np.float32(0)).view(np.uint32).astype(np.uint64)
        keys = bits << np.uint64(32) | (LAST - place.astype(np.uint64))
        wanted = chosen.T & (keys >= self._least[:, None])
        for column, most in enumerate(self._most):
            if most:
                self._keys[column].append(keys[column, wanted[column]])
                self._sizes[column] += len(self._keys[column][-1])
                if self._sizes[column] > most + self._slack:
                    self._prune(column, most)
                elif len(self._keys[column]) > PIECES:
                    self._keys[column] = [np.concatenate(self._keys[column])]

    def _prune(self, column: int, most: int) -> npt.NDArray[np.uint64]:
        keys = np.concatenate([*self._keys[column], np.zeros(0, np.uint64)])
        if most < len(keys):
            keys = np.partition(keys, len(keys) - most - 1)[len(keys) - most :]
            self._least[column] = keys.min(initial=LAST << np.uint64(32))
        self._keys[column], self._sizes[column] = [keys], len(keys)
        return keys

    def cells(self, most: Ints) -> tuple[Numbers, Numbers]:
        """So many highest cells of each class: their columns and places, int32 each; once only."""
        columns, places = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        for column, count in enumerate(most.tolist()):
            keys = self._prune(column, count)
            self._keys[column] = []
            columns.append(np.full(len(keys), column, np.int32))
            places.append((LAST - (keys & LAST)).astype(np.int32))
        return np.concatenate(columns), np.concatenate(places)


TEACHER_MASKED = Scheme(
    "teacher-masked",
    repair_with(teacher_masked),
    Scores,
    MaskedCounts,
    "given labels; per class, the negatives that a teacher scores highest become unknown",
    "Fonseca et al. 2020, Addressing missing labels",
    TeacherMaskedOptions(),
    needs_labels=True,
    repair=teacher_masked,
)

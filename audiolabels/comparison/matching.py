"""Two sides matched clip by clip: which clips both have, and the state of each class in them.

A side is annotations or targets. In annotations every class that was not given is negative, whether
another clip has it or not, if the clips were annotated for it. In targets a class without a column
is unknown. Rows with the same clip id are one clip: in annotations it has the labels of all; in
targets, framed ones too, a class is positive if any row is positive, negative if all rows are
negative, else unknown.

A clip of one side is a clip of the other if each is found by the id of the other, by the rule of
`audiolabels.clips.index`.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import fixed_binary, fixed_bytes, to_arrow, to_numpy
from audiolabels.clips.index import ClipFinder
from audiolabels.clips.names import videos_of
from audiolabels.comparison.odds_ratios import AnyInts, States
from audiolabels.errors import ComparisonError, VocabularyError
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.schemes import expand_hard
from audiolabels.targets.targets import Targets

Statements = Annotations | Targets
Flags = npt.NDArray[np.bool_]

EXAMPLES = 2  # ids kept of the clips that one side lacks
ROWS = 1 << 14  # rows of bits merged or unpacked at a time
NOTHING = LabelSets(np.zeros(2, np.int64), np.zeros(0, np.int32), np.ones(1, np.bool_))


@dataclass(frozen=True)
class ClipCounts:
    """How many clips one side has, and what becomes of them.

    Attributes:
        rows: rows, before those of one clip are joined.
        clips: distinct clip ids.
        repeated: clips with more than one row.
        lone: clips that the other side lacks.
        examples: ids of a few of these.
        unstated: clips of both sides that this one leaves unlabelled, or unknown in every class.
    """

    rows: int
    clips: int
    repeated: int
    lone: int
    examples: tuple[str, ...]
    unstated: int


@dataclass(frozen=True, eq=False)
class Matched:
    """Two sides over the same N clips and K classes.

    Attributes:
        ids, names: the classes of either side, in the ontology's order, then any others.
        in_a, in_b: bool (K,): whether the side has the class: in annotations as a label of some
            clip, in targets as a column.
        counts_a, counts_b: what became of each side's clips.
        clips: N, the clips with labels on both sides.
        a, b: the states of the classes in these.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    in_a: Flags
    in_b: Flags
    counts_a: ClipCounts
    counts_b: ClipCounts
    clips: int
    a: States
    b: States


def match_clips(a: Statements, b: Statements, ontology: Ontology) -> Matched:
    """Match the clips of two sides, and their classes by the id that the ontology resolves.

    Raises:
        ComparisonError: the sides have no clip in common, or none that both have labels for.
        UnknownClipError: a clip of one side could be several clips of the other.
        VocabularyError: targets have one class under two ids.
    """
    own = [_classes(side, ontology) for side in (a, b)]
    listened = [isinstance(side, Annotations) and side.annotated is None for side in (a, b)]
    a, b = _plain(a, own[1]), _plain(b, own[0])
    clip_ids, numbers_a, numbers_b = _number_clips(a, b)
    rows_a = np.bincount(numbers_a, minlength=len(clip_ids))
    rows_b = np.bincount(numbers_b, minlength=len(clip_ids))
    common = (rows_a > 0) & (rows_b > 0)
    if not common.any():
        raise ComparisonError(_no_common_clip(a, b))
    classes_a, classes_b = _classes(a, ontology), _classes(b, ontology)
    names = {id_: name for own in (classes_a, classes_b) for id_, (name, _) in own.items()}
    ids = sorted(names, key=lambda id_: ontology.index.get(id_, len(ontology)))
    position = {id_: i for i, id_ in enumerate(ids)}
    joined_a = _join(a, numbers_a, len(clip_ids), _positions(a, classes_a, position))
    joined_b = _join(b, numbers_b, len(clip_ids), _positions(b, classes_b, position))
    clips = np.flatnonzero(common & joined_a.stated & joined_b.stated)
    if not len(clips):
        raise ComparisonError(
            f"A and B have {common.sum():,} clips in common, but none is labelled in both: the "
            f"others are unlabelled, or unknown in every class"
        )
    covers_a, covers_b, in_a, in_b = (
        np.array([id_ in classes for id_ in ids], np.bool_)
        for classes in (
            classes_a,
            classes_b,
            own[0] if listened[0] else classes_a,
            own[1] if listened[1] else classes_b,
        )
    )
    return Matched(
        ids=tuple(ids),
        names=tuple(names[id_] for id_ in ids),
        in_a=in_a,
        in_b=in_b,
        counts_a=_count(rows_a, common, joined_a.stated, clip_ids),
        counts_b=_count(rows_b, common, joined_b.stated, clip_ids),
        clips=len(clips),
        a=joined_a.states(clips, covers_a | isinstance(a, Annotations)),
        b=joined_b.states(clips, covers_b | isinstance(b, Annotations)),
    )


def _plain(side: Statements, others: Collection[str]) -> Statements:
    """Annotations in which some class is unknown as targets; others as they are.

    Where clips were annotated for all classes, the ids `others` of the other side are columns too.
    """
    if not isinstance(side, Annotations) or (side.annotated is None and side.sets.unsure is None):
        return side
    index = side.ontology.index
    heard = side.annotated
    if heard is None:
        heard = tuple(index[id_] for id_ in others if id_ in index)
    used = np.union1d(side.sets.classes, np.array(heard, np.int32))
    vocabulary = load_vocabulary([side.ontology.ids[c] for c in used], ontology=side.ontology)
    return expand_hard(side, "weak", vocabulary=vocabulary)


def _number_clips(a: Statements, b: Statements) -> tuple[pa.StringArray, AnyInts, AnyInts]:
    """The distinct clip ids of both sides, and the number of each row's clip among them."""
    if not len(a) or not len(b):
        raise ComparisonError(f"nothing to compare: {'B' if len(a) else 'A'} has no clips")
    encoded = pa.chunked_array([a.clip_id, b.clip_id], pa.string()).dictionary_encode()
    numbers_a, numbers_b = (to_numpy(chunk.indices) for chunk in encoded.chunks)
    ids = encoded.chunk(1).dictionary
    has_a, has_b = (np.bincount(own, minlength=len(ids)) > 0 for own in (numbers_a, numbers_b))
    in_a, in_b = _partners(ids, has_b, has_a), _partners(ids, has_a, has_b)
    same = np.flatnonzero(in_a >= 0)
    same = same[in_b[in_a[same]] == same]
    numbers = np.arange(len(ids))
    numbers[same] = in_a[same]
    return ids, numbers_a, numbers[numbers_b]


def _partners(ids: pa.StringArray, own: Flags, other: Flags) -> AnyInts:
    """For each id that only one side has, the clip of the other side that it means, or -1."""
    partners = np.full(len(ids), -1)
    lone, clips = np.flatnonzero(own & ~other), np.flatnonzero(other)
    if not len(lone):
        return partners
    rows = ClipFinder(ids.take(to_arrow(clips))).find(ids.take(to_arrow(lone)))
    partners[lone] = np.where(rows >= 0, clips[rows], -1)
    return partners


def _count(
    rows: AnyInts,
    common: Flags,
    stated: Flags,
    clip_ids: pa.StringArray,
) -> ClipCounts:
    lone = np.flatnonzero((rows > 0) & ~common)
    return ClipCounts(
        rows=int(rows.sum()),
        clips=int((rows > 0).sum()),
        repeated=int((rows > 1).sum()),
        lone=len(lone),
        examples=tuple(clip_ids[i].as_py() for i in lone[:EXAMPLES].tolist()),
        unstated=int((common & ~stated).sum()),
    )


def _no_common_clip(a: Statements, b: Statements) -> str:
    message = (
        f"A and B have no clip in common: A has ids like {a.clip_id[0].as_py()!r}, B like "
        f"{b.clip_id[0].as_py()!r}"
    )
    videos = [set(videos_of(side.clip_id).to_pylist()) for side in (a, b)]
    shared = len(videos[0] & videos[1])
    return f"{message}; {shared:,} videos are in both, with other starts" if shared else message


def _classes(side: Statements, ontology: Ontology) -> dict[str, tuple[str, int]]:
    """The classes that a side has: id as the ontology resolves it, to name and the side's number.

    Of annotations these are the classes that some clip has, of targets those of the vocabulary.
    """
    if isinstance(side, Annotations):
        in_use = np.bincount(side.set_of_clip, minlength=len(side.sets)) > 0
        used = np.unique(side.sets.classes[in_use[side.sets.owners]]).tolist()
        own = [(side.ontology.ids[c], side.ontology.classes[c].name, c) for c in used]
    else:
        columns = zip(side.vocabulary.ids, side.vocabulary.names, strict=True)
        own = [(id_, name, column) for column, (id_, name) in enumerate(columns)]
    classes: dict[str, tuple[str, int]] = {}
    for id_, name, number in own:
        resolved = ontology.resolve(id_) or id_
        if resolved in classes:
            raise VocabularyError(f"a class has two columns: {id_} means {resolved}")
        classes[resolved] = (ontology.name(resolved) if resolved in ontology else name, number)
    return classes


def _positions(
    side: Statements, classes: dict[str, tuple[str, int]], position: dict[str, int]
) -> AnyInts:
    """The position of each of a side's numbers: int32; 0 for a number that no clip has."""
    size = len(side.ontology) if isinstance(side, Annotations) else len(side.vocabulary)
    table = np.zeros(size, np.int32)
    for id_, (_, number) in classes.items():
        table[number] = position[id_]
    return table


@dataclass(frozen=True, eq=False)
class _Joined:
    """One side with one row for each of U clips.

    Attributes:
        positive, listed, lists_known: as in `States`.
        positive_of_clip, listed_of_clip: int (U,), likewise; of no meaning where there is no row.
        stated: bool (U,): whether any class of the clip is known; likewise.
    """

    positive: LabelSets
    positive_of_clip: AnyInts
    listed: LabelSets
    listed_of_clip: AnyInts
    lists_known: bool
    stated: Flags

    def states(self, clips: AnyInts, covers: Flags) -> States:
        """The states of the classes in the chosen clips."""
        return States(
            self.positive,
            self.positive_of_clip[clips],
            self.listed,
            self.listed_of_clip[clips],
            self.lists_known,
            covers,
        )


def _join(side: Statements, numbers: AnyInts, clips: int, positions: AnyInts) -> _Joined:
    """Join the rows of each clip.

    Args:
        side: the rows.
        numbers: int (rows,): the clip of each row.
        clips: U.
        positions: int32: see `_positions`.
    """
    repeated = bool(np.bincount(numbers).max() > 1)
    if isinstance(side, Annotations):
        return _join_annotations(side, numbers, clips, positions, repeated)
    return _join_targets(side, numbers, clips, positions, repeated)


def _join_annotations(
    side: Annotations, numbers: AnyInts, clips: int, positions: AnyInts, repeated: bool
) -> _Joined:
    sets, of_clip = side.sets, np.zeros(clips, np.int32)
    of_clip[numbers] = side.set_of_clip
    if repeated:
        sets = sets.take(side.set_of_clip).united(numbers, clips)
        of_clip = np.arange(clips, dtype=np.int32)
    positive = LabelSets(sets.offsets, positions[sets.classes], sets.labelled)
    nothing = np.zeros(clips, np.int32)
    return _Joined(positive, of_clip, NOTHING, nothing, False, sets.labelled[of_clip])


def _join_targets(
    side: Targets, numbers: AnyInts, clips: int, positions: AnyInts, repeated: bool
) -> _Joined:
    positive, masked, of_clip = side.positive, side.masked, np.zeros(clips, np.int32)
    of_clip[numbers] = side.row_of_clip
    if repeated:
        owners, positive, masked = _unite_rows(side, numbers)
        of_clip[owners] = np.arange(len(owners), dtype=np.int32)
    columns = len(side.vocabulary)
    unknown = np.bitwise_count(masked).sum(1, dtype=np.int64)
    lists_known = bool(2 * unknown.mean() > columns)
    positive, positive_of = _distinct(positive)
    listed, listed_of = _distinct(~masked if lists_known else masked)
    return _Joined(
        _sets_of_bits(positive, columns, positions),
        positive_of[of_clip],
        _sets_of_bits(listed, columns, positions),
        listed_of[of_clip],
        lists_known,
        (unknown < columns)[of_clip],
    )


def _unite_rows(side: Targets, numbers: AnyInts) -> tuple[AnyInts, Bits, Bits]:
    """The clips that have rows, ascending, and the bits of each: positive and masked."""
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    rows = side.row_of_clip[order]
    positive, masked = [], []
    for first in range(0, len(starts), ROWS):
        begin = starts[first]
        end = starts[first + ROWS] if first + ROWS < len(starts) else len(rows)
        own, each = rows[begin:end], starts[first : first + ROWS] - begin
        positive.append(np.bitwise_or.reduceat(side.positive[own], each, axis=0))
        masked.append(np.bitwise_or.reduceat(side.masked[own], each, axis=0) & ~positive[-1])
    return numbers[order][starts], np.concatenate(positive), np.concatenate(masked)


def _distinct(bits: Bits) -> tuple[Bits, AnyInts]:
    """The distinct rows of bits, and the distinct row of each row."""
    encoded = fixed_binary(bits).dictionary_encode()
    return fixed_bytes(encoded.dictionary), to_numpy(encoded.indices)


def _sets_of_bits(bits: Bits, columns: int, positions: AnyInts) -> LabelSets:
    """The set bits of each row as a set of classes."""
    sizes, classes = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)]
    for start in range(0, len(bits), ROWS):
        part = np.unpackbits(bits[start : start + ROWS], axis=1, count=columns)
        rows, found = np.nonzero(part)
        sizes.append(np.bincount(rows, minlength=len(part)))
        classes.append(positions[found])
    offsets = np.cumsum(np.concatenate(sizes))
    return LabelSets(offsets, np.concatenate(classes), np.ones(len(bits), np.bool_))

"""From events to targets over frames: the part that strong-framed and diffuse share.

A scheme decides which frames each event makes positive. The rest is the same for both: parents,
negatives, contradictions, the cut to the vocabulary.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import Bits, third_state, weigh
from audiolabels.arrays.columns import to_arrow
from audiolabels.arrays.intervals import Ints, Runs, gaps, merge, paint
from audiolabels.arrays.lists import Lists
from audiolabels.clips.rows import clip_rows
from audiolabels.errors import OptionError
from audiolabels.labels.events import (
    ABSENT,
    EMPTY,
    PRESENT,
    SILENT,
    UNKNOWN,
    UNSURE,
    Events,
)
from audiolabels.labels.report import Finding
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.parents import PARENTS_OR_NONE
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import option
from audiolabels.schemes.closure import Words, closure
from audiolabels.schemes.coverage import uncovered
from audiolabels.schemes.event_values import Valued, mean_values
from audiolabels.schemes.scheme import POLICIES, Expanded, SchemeCounts, SchemeOptions, no_counts
from audiolabels.targets.targets import SoftTargets, Targets

MOST_FRAMES = 1 << 24  # of a clip: at most some GB of bits
# What counts as negative besides what is positive or unknown; the rest is unknown.
NEGATIVES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "complementary": frozenset({"complementary"}),
        "explicit": frozenset({"explicit"}),
        "both": frozenset({"complementary", "explicit"}),
        "all": frozenset({"rest"}),
    }
)


@dataclass(frozen=True)
class FramingOptions(SchemeOptions):
    """Options of schemes of events."""

    negatives: str = option(
        "all",
        "What counts as negative; the rest is unknown. complementary: other frames of a clip in "
        "which the class sounds; explicit: classes confirmed absent, and those below them; both, "
        "recommended for evaluation; all: whatever is not positive.",
        choices=NEGATIVES,
    )
    parents: str = option("none", f"{POLICIES}; none: no ancestors.", choices=PARENTS_OR_NONE)

    @property
    def listed(self) -> str:
        """See `SchemeOptions`."""
        return "masked" if "rest" in NEGATIVES[self.negatives] else "negative"


@dataclass
class FrameCounts(SchemeCounts):
    """What framing did to the events of N clips; parts add up.

    Attributes:
        unlabelled: clips without annotated events.
        empty: clips verified to be empty.
        frames: rows of the targets.
        events: events given.
        events_cut: events whose class, and with parents the ancestors it implies, have no column.
        pairs: (clip, class) pairs with an event, over the vocabulary and after the parents.
        pairs_without_frame: those of them in which no frame is positive.
        absences: statements that a class is absent or silent.
        clashes: contradictions: (clip, class) pairs confirmed absent where a frame is positive.
        positive, negative, unknown: targets in each state, N frames × C classes in all.
        clips_by_class, frames_by_class: int64 (C,): pairs, and positive frames.
        unknown_by_class: int64 (C,): unknown targets, if the clips were annotated for some classes;
            0 otherwise.
    """

    STATED = (
        "clips", "unlabelled", "empty", "frames", "events", "events_cut", "pairs",
        "pairs_without_frame", "absences", "clashes", "positive", "negative", "unknown",
    )  # fmt: skip
    unlabelled: int = 0
    empty: int = 0
    frames: int = 0
    events: int = 0
    events_cut: int = 0
    pairs: int = 0
    pairs_without_frame: int = 0
    absences: int = 0
    clashes: int = 0
    positive: int = 0
    negative: int = 0
    unknown: int = 0
    clips_by_class: Ints = field(default_factory=no_counts)
    frames_by_class: Ints = field(default_factory=no_counts)
    unknown_by_class: Ints = field(default_factory=no_counts)

    def nothing_known(self) -> bool:
        """See `SchemeCounts`."""
        return not self.positive + self.negative


class _Relations(NamedTuple):
    """Columns that a statement about a class concerns.

    Attributes:
        implied: the class and the ancestors that become positive with it.
        unsure: the ancestors that become unknown.
        touched: both.
        itself: the class.
        below: the class and its descendants.
    """

    implied: Lists
    unsure: Lists
    touched: Lists
    itself: Lists
    below: Lists


@lru_cache(maxsize=16)
def relations(
    ontology: Ontology, vocabulary: Vocabulary, parents: str, *, whole: bool = False
) -> _Relations:
    """The vocabulary's columns that statements about each class concern.

    With `whole`, those of the whole ontology, in which the vocabulary's come first.
    """
    tables = closure(ontology, vocabulary, parents)

    def listed(words: Words) -> Lists:
        count = len(ontology) if whole else len(vocabulary)
        bits = np.unpackbits(words.view(np.uint8), axis=1, count=count)
        owners, columns = np.nonzero(bits)
        return Lists(np.searchsorted(owners, np.arange(len(bits) + 1)), columns)

    return _Relations(
        listed(tables.implied),
        listed(tables.unsure),
        listed(tables.implied | tables.unsure),
        listed(tables.given),
        listed(tables.given | tables.below),
    )


Stretch = tuple[Ints, Ints]  # first frame and the one after the last, of each statement


class _Spans(NamedTuple):
    """Frames that statements concern: int64, one entry per statement and column."""

    statement: Ints
    clip: Ints
    column: Ints
    first: Ints
    stop: Ints

    def merged(self, *others: "_Spans") -> Runs:
        """The union of these and others."""
        every = zip(*((s.clip, s.column, s.first, s.stop) for s in (self, *others)), strict=True)
        return merge(*(np.concatenate(parts) for parts in every))


class _Runs(NamedTuple):
    """Runs in which classes are positive, become unknown, are absent."""

    positive: Runs
    unsure: Runs
    absent: Runs


def project(
    events: Events,
    vocabulary: Vocabulary,
    options: FramingOptions,
    *,
    frames: Ints,
    span_ms: Callable[[Ints], tuple[Ints, Ints]],
    present: Stretch,
    absent: Stretch,
) -> Expanded[Any]:
    """Targets over frames, from the frames that each statement concerns.

    Args:
        events: N clips with E statements.
        vocabulary: C classes.
        options: see `strong_framed`.
        frames: int64 (N,): number of frames of each clip.
        span_ms: beginning and end of rows, from the number of each within its clip.
        present: frames that an event makes positive, int64 (E,) each; others are ignored.
        absent: frames in which an absence, or a silence, holds.
    """
    _refuse_longest(events, frames)
    related = relations(events.ontology, vocabulary, options.parents)
    given, runs = _runs(events, related, frames, present, absent)
    positive, masked, clashing = _states(events, runs, frames, len(vocabulary), options.negatives)
    if events.annotated is not None:
        wide = relations(events.ontology, vocabulary, options.parents, whole=True)
        _, everywhere = _runs(events, wide, frames, present, absent)
        masked |= _uncovered(events, vocabulary, options.parents, everywhere, frames) & ~positive
    missed = _missed(given, runs.positive, len(vocabulary))
    counts = _count(events, given, runs.positive, missed, masked, len(vocabulary))
    counts.clashes = len(clashing)
    ones = np.full(len(masked), int(events.annotated is not None))
    counts.unknown_by_class = weigh(masked[: ones.sum()], ones[: ones.sum()], len(vocabulary))

    first_row = np.cumsum(frames) - frames
    clip_of_row = np.repeat(np.arange(len(events)), frames)
    begin, end = span_ms(np.arange(len(clip_of_row)) - first_row[clip_of_row])
    targets = Targets(
        clip_rows(
            events.clip_id.take(to_arrow(clip_of_row)),
            to_arrow(begin / 1000),
            to_arrow(end / 1000),
        ),
        vocabulary,
        np.arange(len(clip_of_row), dtype=np.int32),
        positive,
        masked,
        np.zeros(len(clip_of_row), np.int32),
        listed=options.listed,
    )
    made: Targets | SoftTargets = targets
    if events.soft:
        made = _soft(events, targets, related, begin, end, clip_of_row)
    return Expanded(
        made,
        counts,
        [
            *_notable(events, vocabulary, given, missed, *NO_FRAME),
            *_notable(events, vocabulary, given, clashing, *CLASH),
        ],
    )


def _runs(
    events: Events, related: _Relations, frames: Ints, present: Stretch, absent: Stretch
) -> tuple[_Spans, _Runs]:
    """The frames that each event makes positive, and the runs of all states."""

    def spans(kind: np.uint8, columns_of: Lists, stretch: Stretch) -> _Spans:
        chosen = np.flatnonzero(events.state == kind)
        which, column = columns_of.of(events.classes[chosen])
        statement = chosen[which]
        clip = events.clip[statement]
        first = stretch[0][statement].clip(min=0)
        return _Spans(
            statement, clip, column, first, np.minimum(stretch[1][statement], frames[clip])
        )

    given = spans(PRESENT, related.implied, present)
    whole = np.zeros(len(events.clip), np.int64), frames[events.clip]
    unsure = spans(UNKNOWN, related.touched, whole), spans(UNSURE, related.itself, present)
    return given, _Runs(
        given.merged(),
        spans(PRESENT, related.unsure, present).merged(*unsure),
        spans(ABSENT, related.below, absent).merged(spans(SILENT, related.itself, absent)),
    )


def _uncovered(
    events: Events, vocabulary: Vocabulary, parents: str, runs: _Runs, frames: Ints
) -> Bits:
    """Bits of the vocabulary's classes whose absence in a frame nobody confirmed.

    `runs` are those of the whole ontology.
    """
    tables = closure(events.ontology, vocabulary, parents)
    first_row, rows, columns = np.cumsum(frames) - frames, int(frames.sum()), len(events.ontology)
    width = tables.given.shape[1] * 8

    def words(runs: Runs) -> npt.NDArray[np.uint8]:
        bits = paint(runs, first_row, rows, columns)
        return np.pad(bits, ((0, 0), (0, width - bits.shape[1])))

    stated = np.hstack([words(runs.positive) | words(runs.unsure), words(runs.absent)])
    different, which = np.unique(stated, axis=0, return_inverse=True)
    open_, denied = (np.ascontiguousarray(w).view(np.uint64) for w in np.hsplit(different, 2))
    bits, _ = tables.cut(uncovered(tables, open_, events.annotated, denied))
    return bits[which]


def _soft(
    events: Events, hard: Targets, related: _Relations, begin: Ints, end: Ints, clip_of_row: Ints
) -> SoftTargets:
    """Soft targets of the same rows, with the same classes unknown, from the events' values."""
    chosen = np.flatnonzero(events.state == PRESENT)
    which, column = related.implied.of(events.classes[chosen])
    statement = chosen[which]
    clip = events.clip[statement]
    onset = events.onset_ms[statement].clip(min=0)
    offset = np.minimum(events.offset_ms[statement], events.duration_ms[clip])
    some = onset < offset
    value = events.values[statement][some]
    valued = Valued(clip[some], column[some], onset[some], offset[some], value)
    scores = mean_values(valued, begin, end, clip_of_row, len(hard.vocabulary)).astype(np.float16)
    scores[np.unpackbits(hard.masked, axis=1, count=len(hard.vocabulary)) > 0] = 0
    return SoftTargets(hard.clips, hard.vocabulary, scores, hard.masked)


NO_FRAME = ("class without frame", "no frame holds half of an event")
CLASH = ("clash", "confirmed absent, but there is an event")


def _refuse_longest(events: Events, frames: Ints) -> None:
    """Raise OptionError for a clip of more frames than memory holds."""
    longest = int(frames.argmax()) if len(frames) else 0
    if frames.max(initial=0) > MOST_FRAMES:
        raise OptionError(
            f"{events.clip_id[longest]} lasts {events.duration_ms[longest] / 1000:,.0f} s, which "
            f"is {frames[longest]:,} frames; up to {MOST_FRAMES:,} are made of a clip. Is its "
            f"length given in seconds?"
        )


def _states(
    events: Events, runs: _Runs, frames: Ints, columns: int, negatives: str
) -> tuple[Bits, Bits, Ints]:
    """Bits of the positive and of the unknown targets, and the pairs that clash."""
    first_row, rows, kinds = np.cumsum(frames) - frames, int(frames.sum()), NEGATIVES[negatives]

    def bits(runs: Runs) -> Bits:
        return paint(runs, first_row, rows, columns)

    positive, clashing = bits(runs.positive), np.zeros(0, np.int64)
    absent = bits(runs.absent) if len(runs.absent.clip) else None
    if "rest" in kinds:
        masked = np.zeros_like(positive)
        if not events.labelled.all():
            masked[np.repeat(~events.labelled, frames)] = 0xFF
            masked[:, -1] &= np.uint8(0xFF << (-columns % 8) & 0xFF)
            if absent is not None:
                masked &= ~absent
    else:
        known = positive.copy()
        if "complementary" in kinds:
            known |= bits(gaps(runs.positive, frames))
        if "explicit" in kinds and absent is not None:
            known |= absent
        masked = third_state(known, positive, columns)
    if len(runs.unsure.clip):
        masked |= bits(runs.unsure)
        masked &= ~positive
    if absent is not None:
        clashing = _pairs_with_bits(positive & absent, frames, columns)
    return positive, masked, clashing


def _missed(given: _Spans, positive: Runs, columns: int) -> Ints:
    """Pairs with an event but no positive frame, ascending."""
    without = given.first >= given.stop
    missed = np.unique(_pairs(given.clip[without], given.column[without], columns))
    return missed[~np.isin(missed, _pairs(positive.clip, positive.column, columns))]


def _count(
    events: Events, given: _Spans, positive: Runs, missed: Ints, masked: Bits, columns: int
) -> FrameCounts:
    present = events.state == PRESENT
    empty, sounding = (
        np.bincount(events.clip[events.state == state], minlength=len(events)) > 0
        for state in (EMPTY, PRESENT)
    )
    sizes = positive.stop - positive.first
    unknown = int(np.bitwise_count(masked).sum(dtype=np.int64))
    begun = positive.column[positive.starts_pair]
    return FrameCounts(
        clips=len(events),
        unlabelled=int((~events.labelled).sum()),
        empty=int((empty & ~sounding).sum()),
        frames=len(masked),
        events=int(present.sum()),
        events_cut=int(present.sum()) - len(np.unique(given.statement)),
        pairs=len(begun) + len(missed),
        pairs_without_frame=len(missed),
        absences=int(((events.state == ABSENT) | (events.state == SILENT)).sum()),
        positive=int(sizes.sum()),
        negative=len(masked) * columns - int(sizes.sum()) - unknown,
        unknown=unknown,
        clips_by_class=np.bincount(np.concatenate([begun, missed % columns]), minlength=columns),
        frames_by_class=np.bincount(positive.column, sizes, columns).astype(np.int64),
    )


def _notable(
    events: Events, vocabulary: Vocabulary, given: _Spans, pairs: Ints, kind: str, reason: str
) -> Iterator[Finding]:
    """A finding for each of some (clip, column) pairs, at the first event that gives it."""
    keys = _pairs(given.clip, given.column, len(vocabulary))
    hits = np.flatnonzero(np.isin(keys, pairs))
    _, first = np.unique(keys[hits], return_index=True)
    for i in hits[np.sort(first)].tolist():
        statement = int(given.statement[i])
        yield Finding(
            events.files[events.file[statement]],
            int(events.rows[statement]),
            events.clip_id[int(given.clip[i])].as_py(),
            kind,
            reason,
            vocabulary.names[int(given.column[i])],
        )


def _pairs(clip: Ints, column: Ints, columns: int) -> Ints:
    return clip * columns + column


def _pairs_with_bits(bits: Bits, frames: Ints, columns: int) -> Ints:
    """(clip, column) pairs that have a bit set in a table of frames."""
    rows = np.flatnonzero(bits.any(axis=1))
    which, column = np.nonzero(np.unpackbits(bits[rows], axis=1, count=columns))
    clip = np.repeat(np.arange(len(frames)), frames)[rows[which]]
    return np.unique(_pairs(clip, column, columns))

"""From events to targets over frames: the part that strong-framed and diffuse share.

A scheme says which frames each event makes positive; from there on all is the same: parents,
negatives, clashes, the cut to the vocabulary.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.annotations import Finding
from audiolabels.columns import to_arrow
from audiolabels.counts import Counts
from audiolabels.events import ABSENT, PRESENT, SILENT, UNKNOWN, Events
from audiolabels.ontology import Ontology
from audiolabels.schemes.closure import Words, closure
from audiolabels.schemes.runs import Ints, Runs, gaps, merge, paint
from audiolabels.targets import Bits, Targets, count_bits, third_state
from audiolabels.vocabulary import Vocabulary

# What counts as negative besides what is positive or unknown; the rest is unknown.
NEGATIVES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "complementary": frozenset({"complementary"}),
        "explicit": frozenset({"explicit"}),
        "both": frozenset({"complementary", "explicit"}),
        "all": frozenset({"rest"}),
    }
)


def state_beside_positive(negatives: str) -> str:
    """The state that files list beside positive: the rarer one."""
    return "masked" if "rest" in NEGATIVES[negatives] else "negative"


@dataclass
class FrameCounts(Counts):
    """What framing did to the events of N clips; parts add up.

    Attributes:
        clips: number of clips.
        unlabelled: clips of which nobody said what sounds.
        empty: clips that are verified empty.
        frames: rows of the targets.
        events: events given.
        events_cut: events whose class has no column; with parents, neither has any it lifts.
        pairs: (clip, class) pairs with an event, over the vocabulary and after the parents.
        pairs_without_frame: those of them in which no frame is positive.
        absences: statements that a class is absent or silent.
        clashes: (clip, class) pairs confirmed absent where a frame is positive.
        positive, negative, unknown: targets in each state, N frames × C classes in all.
        clips_by_class, frames_by_class: int64 (C,): pairs, and positive frames.
    """

    clips: int = 0
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
    clips_by_class: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    frames_by_class: Ints = field(default_factory=lambda: np.zeros(0, np.int64))


class Framed(NamedTuple):
    """Targets over frames, what was counted on the way, and what a user should look at."""

    targets: Targets
    counts: FrameCounts
    findings: list[Finding]


class _Related(NamedTuple):
    """For each class of the ontology, some columns of the vocabulary, concatenated."""

    offsets: Ints
    columns: Ints

    def of(self, classes: npt.NDArray[np.int32]) -> tuple[Ints, Ints]:
        """One entry for each class and each of its columns: which class it was, the column."""
        sizes = np.diff(self.offsets)[classes]
        which = np.repeat(np.arange(len(classes)), sizes)
        within = np.arange(len(which)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return which, self.columns[self.offsets[classes][which] + within]


class _Relations(NamedTuple):
    """What a statement about a class says about columns.

    Attributes:
        lifted: the class and the ancestors that become positive with it.
        unsure: the ancestors that become unknown.
        touched: both.
        itself: the class.
        below: the class and its descendants.
    """

    lifted: _Related
    unsure: _Related
    touched: _Related
    itself: _Related
    below: _Related


@lru_cache(maxsize=16)
def relations(ontology: Ontology, vocabulary: Vocabulary, parents: str) -> _Relations:
    """What statements about each class say about the vocabulary's columns."""
    tables = closure(ontology, vocabulary, parents)

    def listed(words: Words) -> _Related:
        bits = np.unpackbits(words.view(np.uint8), axis=1, count=len(vocabulary))
        owners, columns = np.nonzero(bits)
        return _Related(np.searchsorted(owners, np.arange(len(bits) + 1)), columns)

    return _Relations(
        listed(tables.lifted),
        listed(tables.unsure),
        listed(tables.lifted | tables.unsure),
        listed(tables.given),
        listed(tables.given | tables.below),
    )


Stretch = tuple[Ints, Ints]  # first frame and the one after the last, of each statement


def project(
    events: Events,
    vocabulary: Vocabulary,
    *,
    parents: str,
    negatives: str,
    frames: Ints,
    span_ms: Callable[[Ints], tuple[Ints, Ints]],
    present: Stretch,
    absent: Stretch,
) -> Framed:
    """Targets over frames, from the frames that each statement speaks of.

    Args:
        events: N clips with E statements.
        vocabulary: C classes.
        parents, negatives: see `strong_framed`.
        frames: int64 (N,): number of frames of each clip.
        span_ms: beginning and end of rows, from the number of each within its clip.
        present: frames that an event makes positive, int64 (E,) each; others are ignored.
        absent: frames in which an absence, or a silence, holds.
    """
    columns, rows = len(vocabulary), int(frames.sum())
    first_row = np.cumsum(frames) - frames
    related = relations(events.ontology, vocabulary, parents)

    def stretches(says: np.uint8, columns_of: _Related, stretch: Stretch) -> tuple[Ints, ...]:
        """Statement, clip, column, first and stop of what statements of a kind say."""
        chosen = np.flatnonzero(events.says == says)
        which, column = columns_of.of(events.classes[chosen])
        statement = chosen[which]
        clip = events.clip[statement]
        first = stretch[0][statement].clip(min=0)
        return statement, clip, column, first, np.minimum(stretch[1][statement], frames[clip])

    given = stretches(PRESENT, related.lifted, present)
    positive = merge(*given[1:])
    doubtful = stretches(PRESENT, related.unsure, present)
    whole = np.zeros(len(events.clip), np.int64), frames[events.clip]
    lost = stretches(UNKNOWN, related.touched, whole)
    unsure = merge(*(np.concatenate(pair) for pair in zip(doubtful[1:], lost[1:], strict=True)))
    denied = stretches(ABSENT, related.below, absent)
    silent = stretches(SILENT, related.itself, absent)
    explicit = merge(*(np.concatenate(pair) for pair in zip(denied[1:], silent[1:], strict=True)))

    def bits(runs: Runs) -> Bits:
        return paint(runs, first_row, rows, columns)

    positive_bits, unsure_bits, absent_bits = bits(positive), bits(unsure), bits(explicit)
    kinds = NEGATIVES[negatives]
    if "rest" in kinds:
        masked = np.zeros_like(positive_bits)
        masked[np.repeat(~events.labelled, frames)] = 0xFF
        masked &= ~absent_bits
    else:
        negative = absent_bits if "explicit" in kinds else np.zeros_like(positive_bits)
        if "complementary" in kinds:
            negative = negative | bits(gaps(positive, frames))
        masked = third_state(positive_bits, negative, columns)
    masked |= unsure_bits
    masked &= ~positive_bits
    masked[:, -1] &= np.uint8(0xFF << (-columns % 8) & 0xFF)

    reached = _pairs(positive.clip, positive.column, columns)[positive.starts_pair]
    keys = _pairs(given[1], given[2], columns)
    missed = _distinct(keys[given[3] >= given[4]])
    missed = missed[~_within(missed, reached)]
    clashing = _clashing(positive_bits & absent_bits, frames, columns)

    sounding = np.bincount(events.clip[events.says == PRESENT], minlength=len(events)) > 0
    sizes, unknown = positive.stop - positive.first, count_bits(masked)
    both = np.concatenate([reached, missed]) % columns
    counts = FrameCounts(
        clips=len(events),
        unlabelled=int((~events.labelled).sum()),
        empty=int((events.labelled & ~sounding).sum()),
        frames=rows,
        events=int((events.says == PRESENT).sum()),
        events_cut=int((events.says == PRESENT).sum()) - len(_distinct(given[0])),
        pairs=len(both),
        pairs_without_frame=len(missed),
        absences=int(((events.says == ABSENT) | (events.says == SILENT)).sum()),
        clashes=len(clashing),
        positive=int(sizes.sum()),
        negative=rows * columns - int(sizes.sum()) - unknown,
        unknown=unknown,
        clips_by_class=np.bincount(both, minlength=columns),
        frames_by_class=np.bincount(positive.column, sizes, columns).astype(np.int64),
    )

    def notable(kind: str, reason: str, pairs: Ints) -> Iterator[Finding]:
        told: set[int] = set()
        for i in np.flatnonzero(np.isin(keys, pairs)).tolist() if len(pairs) else []:
            statement, pair = int(given[0][i]), int(keys[i])
            if pair not in told:
                told.add(pair)
                yield Finding(
                    events.files[events.file[statement]],
                    int(events.rows[statement]),
                    events.clip_id[pair // columns].as_py(),
                    kind,
                    reason,
                    vocabulary.names[pair % columns],
                )

    clip_of_row = np.repeat(np.arange(len(events)), frames)
    begin, end = span_ms(np.arange(rows) - first_row[clip_of_row])
    targets = Targets(
        vocabulary,
        events.clip_id.take(to_arrow(clip_of_row)),
        to_arrow(begin / 1000),
        to_arrow(end / 1000),
        np.arange(rows, dtype=np.int32),
        positive_bits,
        masked,
        np.zeros(rows, np.int32),
        listed=state_beside_positive(negatives),
    )
    findings = [
        *notable("class without frame", "no frame holds half of an event", missed),
        *notable("clash", "confirmed absent, yet there is an event", clashing),
    ]
    return Framed(targets, counts, findings)


def _pairs(clip: Ints, column: Ints, columns: int) -> Ints:
    return clip * columns + column


def _distinct(values: Ints) -> Ints:
    """Ascending, each once."""
    ordered = np.sort(values)
    return ordered[np.diff(ordered, prepend=-1) > 0]


def _within(values: Ints, others: Ints) -> npt.NDArray[np.bool_]:
    """Whether each value is among the others, which ascend."""
    if not len(others):
        return np.zeros(len(values), np.bool_)
    nearest = np.searchsorted(others, values).clip(max=len(others) - 1)
    found: npt.NDArray[np.bool_] = others[nearest] == values
    return found


def _clashing(bits: Bits, frames: Ints, columns: int) -> Ints:
    """(clip, column) pairs that have a bit set in a table of frames."""
    rows = np.flatnonzero(bits.any(axis=1))
    which, column = np.nonzero(np.unpackbits(bits[rows], axis=1, count=columns))
    clip = np.repeat(np.arange(len(frames)), frames)[rows[which]]
    return _distinct(_pairs(clip, column, columns))

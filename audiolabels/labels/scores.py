"""Scores: a teacher's scores of clips or their segments, between 0 and 1.

One row per clip or segment; the segments of a clip follow one another in time. A class that the
teacher did not score (it has no output for it, or only the highest scores were kept) is unknown,
never 0.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import doubles_to_arrow, texts_to_arrow, to_arrow, to_bools
from audiolabels.arrays.plotting import Pictures
from audiolabels.clips.rows import ClipRows, clip_rows
from audiolabels.errors import ScoresFileError, VocabularyError, expect
from audiolabels.labels.report import Report
from audiolabels.ontology.hierarchy import coherent_scores, descendant_pairs
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary

Floats = npt.NDArray[np.float32]
ONE = 0x3C00  # the bits of 1 in float16


@dataclass(frozen=True, eq=False)
class Scores(ClipRows):
    """A teacher's scores of N segments over K classes.

    Attributes:
        clips: N rows; times are whole milliseconds.
        ontology: where the classes are looked up.
        vocabulary: the K classes, in the teacher's order.
        scores: float32 (N, K): in [0, 1]; 0 where unknown. While a file is expanded, float16 if the
            file has these.
        unknown: uint8 (N, ceil(K / 8)): bits in `numpy.packbits` order, 1 = unknown.
        rows: int64 (N,): row of each segment in its file, from 1.
        report: how the file was read.

    >>> Scores.from_arrays(["a", "b"], [[0.9, 0.2], [0.1, 0.0]], classes=["Guitar", "Rain"])
    Scores(2 rows of 2 clips × 2 classes)
    """

    PER_ROW: ClassVar[tuple[str, ...]] = ("scores", "unknown", "rows")
    plot = Pictures("localisation score_histogram")
    ontology: Ontology
    vocabulary: Vocabulary
    scores: Floats
    unknown: Bits
    rows: npt.NDArray[np.int64]
    report: Report = field(default_factory=Report)

    @classmethod
    def from_arrays(
        cls,
        clip_id: Sequence[str],
        scores: npt.ArrayLike,
        *,
        classes: str | Path | Iterable[str] | Vocabulary = "audioset",
        onset: Sequence[float] | None = None,
        offset: Sequence[float | None] | None = None,
        ontology: Ontology | None = None,
    ) -> "Scores":
        """Scores of a few segments, for notebooks and tests.

        Args:
            clip_id: N ids; the segments of a clip follow one another.
            scores: shape (N, K), in [0, 1].
            classes: the K classes in order: a vocabulary, or what `load_vocabulary` takes.
            onset, offset: N times in seconds each; 0 and unknown by default.
            ontology: the embedded one with its supplement by default.

        Raises:
            ScoresFileError: the shapes do not match, or a score is not in [0, 1].
            VocabularyError: no such classes.
        """
        ontology = default_ontology(ontology)
        classes = load_vocabulary(classes, ontology=ontology)
        expect("clip_id", clip_id, Iterable, "a list of clip ids")
        values = np.array(scores, np.float32)
        n = len(clip_id)
        if values.shape != (n, len(classes)):
            raise ScoresFileError(
                f"scores of shape {values.shape} for {n} segments and {len(classes)} classes"
            )
        wrong = np.argwhere(~((values >= 0) & (values <= 1)))
        if len(wrong):
            row, column = wrong[0]
            raise ScoresFileError(
                f"clip {clip_id[row]!r}: a score is not a number from 0 to 1: {values[row, column]}"
            )
        return cls(
            clip_rows(
                texts_to_arrow(clip_id),
                doubles_to_arrow([0.0] * n if onset is None else onset),
                doubles_to_arrow([None] * n if offset is None else offset),
            ),
            ontology,
            classes,
            values,
            np.zeros((n, -(-len(classes) // 8)), np.uint8),
            np.arange(1, n + 1),
            Report(rows=n, rows_used=n),
        )

    def slice(self, start: int, stop: int) -> Self:
        """The rows from `start` up to `stop`, without the report."""
        return replace(super().slice(start, stop), report=Report())

    def keep(self, rows: npt.NDArray[np.bool_]) -> Self:
        """The chosen rows, bool (N,), without the report."""
        part = self if rows.all() else self.take(np.flatnonzero(rows))
        return replace(part, report=Report())

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """All rows of one part or more, which share ontology and vocabulary."""
        if len(parts) == 1:
            return parts[0]
        report = Report.merged(p.report for p in parts)
        return replace(super().concat(parts), report=report)

    def over(self, vocabulary: Vocabulary) -> Self:
        """The same rows over the classes of a vocabulary, in its order.

        Classes are matched by the id that the ontology resolves. Those that the teacher did not
        score are unknown, those that the vocabulary lacks are dropped.

        Raises:
            VocabularyError: they have no class in common.
        """
        if vocabulary.ids == self.vocabulary.ids:
            return replace(self, vocabulary=vocabulary)
        column = columns_in(self.vocabulary, vocabulary, self.ontology)
        if (column < 0).all():
            raise VocabularyError(
                f"the teacher's classes ({self.vocabulary.name}) and vocabulary "
                f"{vocabulary.name!r} have none in common"
            )
        unknown = np.unpackbits(self.unknown, axis=1, count=len(self.vocabulary)).view(np.bool_)
        unknown = unknown.take(column, axis=1) | (column < 0)
        values = self.scores.take(column, axis=1)
        values[unknown] = 0
        bits = np.packbits(unknown, axis=1)
        return replace(self, vocabulary=vocabulary, scores=values, unknown=bits)

    def highest(self) -> Self:
        """One row per clip: the highest score of each class over its segments, without the report.

        A class is unknown where no segment has a score. `rows` is that of the first segment.
        """
        starts = run_starts(self.clip_id)
        if len(starts) == len(self):
            return replace(self, report=Report())
        first, last = to_arrow(starts), to_arrow(np.append(starts[1:], len(self)) - 1)
        clips = clip_rows(self.clip_id.take(first), self.onset.take(first), self.offset.take(last))
        arrays = {name: getattr(self, name)[starts] for name in self.PER_ROW if name != "scores"}
        if self.unknown.any():
            arrays["unknown"] = np.bitwise_and.reduceat(self.unknown, starts, axis=0)
        scores = _highest(self.scores, starts)
        return replace(self, clips=clips, scores=scores, report=Report(), **arrays)

    def propagate(self) -> Self:
        """The same rows, where a class scores at least as high as each of its descendants.

        Descendants are those of the ontology, also through classes that the teacher did not score.
        What is unknown stays unknown: a bound is not a score.
        """
        pairs = descendant_pairs(self.vocabulary, self.ontology)
        values = coherent_scores(ordered(self.scores), pairs).view(self.scores.dtype)
        unknown = np.unpackbits(self.unknown, axis=1, count=len(self.vocabulary))
        values[unknown > 0] = 0
        return replace(self, scores=values)

    def __repr__(self) -> str:
        clips = len(run_starts(self.clip_id))
        return f"Scores({len(self):,} rows of {clips:,} clips × {len(self.vocabulary)} classes)"


def _highest(values: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    """The maximum of each run of rows, float32 (M, K), from the first row of each.

    The runs go row by row together: numpy's reduceat takes five times as long.
    """
    sizes, numbers = np.diff(np.append(starts, len(values))), ordered(values)
    if len(starts) and (sizes == sizes[0]).all():
        segments = numbers.reshape(len(starts), sizes[0], -1)
        highest = segments[:, 0].copy()
        for place in range(1, sizes[0]):
            np.maximum(highest, segments[:, place], out=highest)
    else:
        highest = numbers[starts]
        for place in range(1, int(sizes.max(initial=0))):
            runs = np.flatnonzero(sizes > place)
            highest[runs] = np.maximum(highest[runs], numbers[starts[runs] + place])
    of_runs: Floats = highest.view(values.dtype)
    return of_runs


def ordered(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Numbers in a form that numpy compares fast: of float16 the bits, as integers.

    From 0 to 1 these ascend as the numbers do; all other numbers have higher bits.
    """
    return values.view(np.uint16) if values.dtype == np.float16 else values


def reach(values: Floats, level: float | Floats) -> npt.NDArray[np.bool_]:
    """Whether scores (N, C), float16 or float32, are at least a float32 above 0 and up to 1, or
    those of the classes, (C,).
    """
    least: npt.NDArray[Any] = np.atleast_1d(np.asarray(level, np.float32))
    if values.dtype == np.float16:
        half = least.astype(np.float16)
        least = np.where(half >= least, half, np.nextafter(half, np.float16(2)))
    reached: npt.NDArray[np.bool_] = ordered(values) >= ordered(least)
    return reached


def by_value(work: Callable[[Floats], npt.NDArray[Any]], values: Floats) -> npt.NDArray[Any]:
    """What a function makes of each number alone; of float16 of each different one once."""
    if values.dtype != np.float16:
        return work(values)
    every = np.arange(ONE + 1, dtype=np.uint16).view(np.float16).astype(np.float32)
    made: npt.NDArray[Any] = work(every)[ordered(values)]
    return made


def columns_in(own: Vocabulary, other: Vocabulary, ontology: Ontology) -> npt.NDArray[np.intp]:
    """Column in `own` of each class of `other`, -1 for none: integers (len(other),).

    Classes are matched by the id that the ontology resolves.
    """
    index = {ontology.resolve(id_) or id_: column for column, id_ in enumerate(own.ids)}
    return np.array([index.get(ontology.resolve(id_) or id_, -1) for id_ in other.ids], np.intp)


def run_starts(clip_id: pa.StringArray) -> npt.NDArray[np.int64]:
    """The rows whose clip differs from that of the row before, ascending."""
    starts = np.ones(len(clip_id), np.bool_)
    starts[1:] = to_bools(pc.not_equal(clip_id[1:], clip_id[:-1]))
    return np.flatnonzero(starts)


def whole_clips(parts: Iterable[Scores]) -> Iterator[Scores]:
    """The same rows in parts of whole clips."""
    held: list[Scores] = []  # of one clip
    for part in parts:
        if not len(part):
            continue
        starts = run_starts(part.clip_id)
        first, last = 0, int(starts[-1])
        if held and held[-1].clip_id[-1] == part.clip_id[0]:
            first = int(starts[1]) if last else len(part)
            held.append(part.slice(0, first))
        if first == len(part):
            continue
        if held:
            yield Scores.concat(held)
        if first < last:
            yield part.slice(first, last)
        held = [part.slice(last, len(part))]
    if held:
        yield Scores.concat(held)

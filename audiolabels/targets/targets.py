"""Targets for training: hard ones in three states, and soft ones.

A hard target is one class in one clip or frame: positive, negative, or unknown. Unknown targets are
masked: they are left out of the loss, the gradient and the metrics. Positive and unknown are two
bit tables, never a sentinel value; clips with equal targets share one row of them.

Targets may have weights, one for each class of each clip or frame: how much it counts in the loss
as against others. Where there are none, all count the same.

A soft target is a number between 0 and 1, from a teacher's scores or a mixture of scores and given
labels, or unknown. Scores are float16: the error is at most 2^-12 below 1, half of that below 1/2,
and so on; scores below 3e-8 become 0.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.bits import Bits, by_chunk, weigh
from audiolabels.arrays.columns import texts_to_arrow, to_arrow, to_numpy
from audiolabels.arrays.plotting import Pictures
from audiolabels.arrays.tables import abridged, emphasised, html_table
from audiolabels.clips.index import ClipFinder
from audiolabels.clips.rows import ClipRows, row_number
from audiolabels.errors import OptionError, extra
from audiolabels.ontology.ontology import default_ontology
from audiolabels.ontology.vocabulary import Vocabulary, describe_vocabulary
from audiolabels.targets.mapped import MappedRows

if TYPE_CHECKING:
    import pandas
    import torch

BINARISATION_THRESHOLD = 0.5  # where soft targets must be made hard and none is given
TOP = 5  # classes per row that a data frame names
Floats = npt.NDArray[np.float32]
Chosen = Sequence[int] | npt.NDArray[Any] | slice | None


@dataclass(frozen=True, eq=False)
class TargetRows(ClipRows, ABC):
    """The base of hard and soft targets.

    Attributes:
        clips: N rows; the frames or segments of a clip follow one another.
        vocabulary: the C classes of the columns.
        metadata: scheme, options and origin, as the file's metadata hold them.
        weight: float16, of the shape of targets in memory, (D, C) or (N, C): how much each counts,
            at least 0; that of an unknown target has no meaning. None: all count the same.
    """

    plot = Pictures("frequencies labels_per_clip masked_share localisation")
    vocabulary: Vocabulary
    metadata: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    weight: Any = field(default=None, kw_only=True)

    def to_numpy(self, rows: Chosen = None) -> tuple[Floats, Floats]:
        """Target and mask of the rows (all by default).

        Returns:
            Target and mask, float32 arrays of shape (len(rows), C). In the target 1 is positive, 0
            negative or unknown, and soft targets are scores in [0, 1]; in the mask 1 is known and 0
            unknown.
        """
        target, masked = self._rows(slice(None) if rows is None else rows)
        # One piece of memory, as large pieces are used again and two small ones hardly ever are.
        both = np.empty((2, *target.shape), np.float32)
        both[0], both[1] = target, self._unpack(~masked)
        return both[0], both[1]

    def weights(self, rows: Chosen = None) -> Floats:
        """How much each target of the rows (all by default) counts, float32 of shape
        (len(rows), C); 1 throughout where targets have no weights.
        """
        chosen = slice(None) if rows is None else rows
        if self.weight is None:
            return np.ones((len(np.arange(len(self))[chosen]), len(self.vocabulary)), np.float32)
        return self._weights(chosen).astype(np.float32)

    def with_weights(self, weight: Any) -> Self:
        """The same targets with other weights, kept as float16.

        Args:
            weight: at least 0, of shape (N, C) or one that expands to it: (C,) for a weight of each
                class, (N, 1) for one of each row.

        Raises:
            OptionError: another shape, or numbers that are no weights.
        """
        shape = (len(self), len(self.vocabulary))
        try:
            given = np.broadcast_to(np.asarray(weight, np.float64), shape)
        except (TypeError, ValueError) as error:
            raise OptionError(
                f"weights: expected numbers of shape {shape}, ({shape[1]},) or ({shape[0]}, 1); "
                f"got {np.shape(weight)}"
            ) from error
        with np.errstate(over="ignore"):
            halves = given.astype(np.float16)
        if not (np.isfinite(halves) & (given >= 0) & ((halves > 0) | (given == 0))).all():
            raise OptionError("weights: give numbers from 0 to 65504, 0 or above 6e-8")
        return self._weighted(halves)

    def to_torch(self, rows: Chosen = None) -> "tuple[torch.Tensor, torch.Tensor]":
        """`to_numpy` as two float32 tensors; an OptionError if torch is not installed."""
        target, mask = as_tensors(*self.to_numpy(rows))
        return target, mask

    def __getitem__(self, clip: int | str) -> tuple[Floats, Floats]:
        """Target and mask of a row, shape (C,) each, or of the rows of a clip: shape (C,) if there
        is one, else (rows, C).

        Raises:
            UnknownClipError: no clip has the id, or several could be meant.
            IndexError: no such row.
            InputTypeError: neither an id nor a number, such as a slice.
        """
        if not isinstance(clip, str):
            target, mask = self.to_numpy([row_number(clip, len(self))])
            return target[0], mask[0]
        encoded = self.clip_id.dictionary_encode()
        found = ClipFinder(encoded.dictionary).row_of(clip)
        rows = np.flatnonzero(to_numpy(encoded.indices) == found)
        target, mask = self.to_numpy(rows)
        return (target[0], mask[0]) if len(rows) == 1 else (target, mask)

    def __contains__(self, clip: object) -> bool:
        return clip in ClipFinder(self.clip_id.dictionary_encode().dictionary)

    def __iter__(self) -> Iterator[tuple[Floats, Floats]]:
        return map(self.__getitem__, range(len(self)))

    def summary(self) -> "pandas.DataFrame":
        """A data frame with a row per class: `id`, `name`, and the numbers of rows in which it is
        `positive` (of soft targets: from 0.5 on), `negative` and `unknown`.
        """
        import pandas

        positive, which = self.positive_bits()
        masked, of_row = self.masked_bits()
        columns = len(self.vocabulary)
        given = weigh(positive, np.bincount(which, minlength=len(positive)), columns)
        unknown = weigh(masked, np.bincount(of_row, minlength=len(masked)), columns)
        return pandas.DataFrame(
            {
                "id": self.vocabulary.ids,
                "name": self.vocabulary.names,
                "positive": given,
                "negative": len(self) - given - unknown,
                "unknown": unknown,
            }
        )

    @abstractmethod
    def masked_bits(self) -> tuple[Bits, npt.NDArray[np.int32]]:
        """As `positive_bits`, of what is unknown."""

    def select(self, vocabulary: Vocabulary) -> Self:
        """The same targets with other columns, in their order.

        Raises:
            VocabularyError: `vocabulary` has a class that these targets lack.
        """
        if vocabulary.ids == self.vocabulary.ids:
            return self
        places = self.vocabulary.permutation_to(vocabulary)
        columns = self._columns(places)
        if self.weight is not None:
            columns["weight"] = _taken(self.weight, places)
        metadata = {**self.metadata, "vocabulary": describe_vocabulary(vocabulary)}
        return replace(self, vocabulary=vocabulary, metadata=metadata, **columns)

    @abstractmethod
    def positive_bits(self) -> tuple[Bits, npt.NDArray[np.int32]]:
        """Positive classes, from 0.5 on for soft targets: bits, uint8 (D, ceil(C / 8)), and which
        row of them each row of the targets has, int32 (N,).
        """

    @abstractmethod
    def _weighted(self, weight: npt.NDArray[np.float16]) -> Self:
        """The same targets with a weight for each class of each row."""

    @abstractmethod
    def _weights(self, rows: Any) -> npt.NDArray[np.float16]:
        """Weights of the rows, where there are any."""

    @abstractmethod
    def _rows(self, rows: Any) -> tuple[npt.NDArray[Any], Bits]:
        """Target, of any type, and masked bits of the rows."""

    @abstractmethod
    def _columns(self, columns: npt.NDArray[np.intp]) -> dict[str, Any]:
        """The fields that hold the columns with these numbers."""

    def _add_weights(self, table: pa.Table) -> pa.Table:
        """A table of all rows with their weights, if there are any: lists of C floats."""
        if self.weight is None:
            return table
        flat = to_arrow(self.weights().ravel())
        lists = pa.FixedSizeListArray.from_arrays(flat, len(self.vocabulary))
        return table.append_column("weight", lists)

    def _pick(self, bits: Bits, columns: npt.NDArray[np.intp]) -> Bits:
        """The bits of some columns, in their order."""
        return by_chunk(lambda part: np.packbits(self._unpack(part)[:, columns], axis=1), bits)

    def _unpack(self, bits: Bits) -> npt.NDArray[np.uint8]:
        return np.unpackbits(bits, axis=1, count=len(self.vocabulary))


@dataclass(frozen=True, eq=False)
class Targets(TargetRows):
    """Hard targets of clips, or of their frames, over a vocabulary of C classes.

    Attributes:
        row_of_clip: int32 (N,): the row of `positive` and `masked` for each clip.
        positive: uint8 (D, ceil(C / 8)): bits in `numpy.packbits` order, 1 = positive.
        masked: uint8 (D, ceil(C / 8)): likewise, 1 = unknown. No bit is set in both.
        cut: int32 (D,): number of positive classes that the vocabulary has no column for.
        listed: the state that files list besides positive, `masked` (unknown) or `negative`; the
            third state is the rest.

    >>> from audiolabels import Annotations, expand
    >>> labels = Annotations.from_dict({"a": ["Electric guitar"], "b": ["Guitar"]})
    >>> targets = expand(labels, "pe-cml", vocabulary=["Music", "Guitar", "Electric guitar"])
    >>> target, mask = targets.to_numpy()
    >>> target.tolist(), mask.tolist()
    ([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]], [[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    """

    PER_ROW = ("row_of_clip",)
    row_of_clip: npt.NDArray[np.int32]
    positive: Bits
    masked: Bits
    cut: npt.NDArray[np.int32]
    listed: str = "masked"

    def to_pandas(self) -> "pandas.DataFrame":
        """A data frame with `clip_id`, `onset`, `offset`, `positive`, `masked` (lists of names)."""
        positive, masked = self._names(self.positive), self._names(self.masked)
        return self._data_frame(
            positive=[list(positive[row]) for row in self.row_of_clip],
            masked=[list(masked[row]) for row in self.row_of_clip],
        )

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """All rows of one part or more, each with bits of its own; the parts share the rest."""
        own: dict[str, Any] = {
            name: np.concatenate([getattr(part, name)[part.row_of_clip] for part in parts])
            for name in ("positive", "masked", "cut")
        }
        which = np.arange(len(own["cut"]), dtype=np.int32)
        return replace(super().concat(parts), row_of_clip=which, weight=_joined(parts), **own)

    def positive_bits(self) -> tuple[Bits, npt.NDArray[np.int32]]:
        """The positive classes: `positive` and `row_of_clip`."""
        return self.positive, self.row_of_clip

    def masked_bits(self) -> tuple[Bits, npt.NDArray[np.int32]]:
        """What is unknown, as `positive_bits`."""
        return self.masked, self.row_of_clip

    def to_arrow(self) -> pa.Table:
        """An Arrow table with `clip_id`, `onset`, `offset`, and `positive` and `masked`, lists of
        display names.
        """
        table, names = super().to_arrow(), texts_to_arrow(self.vocabulary.names)
        for name in ("positive", "masked"):
            owners, columns = np.nonzero(self._unpack(getattr(self, name)))
            ends = np.searchsorted(owners, np.arange(len(self.cut) + 1)).astype(np.int32)
            lists = pa.ListArray.from_arrays(to_arrow(ends), names.take(to_arrow(columns)))
            table = table.append_column(name, lists.take(to_arrow(self.row_of_clip)))
        return self._add_weights(table)

    def _weighted(self, weight: npt.NDArray[np.float16]) -> Self:
        rows = self.row_of_clip
        own: dict[str, Any] = {n: getattr(self, n)[rows] for n in ("positive", "masked", "cut")}
        return replace(self, row_of_clip=np.arange(len(rows), dtype=np.int32), weight=weight, **own)

    def _weights(self, rows: Any) -> npt.NDArray[np.float16]:
        weights: npt.NDArray[np.float16] = self.weight[self.row_of_clip[rows]]
        return weights

    def _rows(self, rows: Any) -> tuple[npt.NDArray[Any], Bits]:
        chosen = self.row_of_clip[rows]
        return self._unpack(self.positive[chosen]), self.masked[chosen]

    def _columns(self, columns: npt.NDArray[np.intp]) -> dict[str, Any]:
        positive = self._pick(self.positive, columns)
        lost = np.bitwise_count(self.positive).sum(1, dtype=np.int32)
        lost -= np.bitwise_count(positive).sum(1, dtype=np.int32)
        masked = self._pick(self.masked, columns)
        return {"positive": positive, "masked": masked, "cut": self.cut + lost}

    def _names(self, bits: Bits) -> list[list[str]]:
        names = self.vocabulary.names
        return [[names[c] for c in np.flatnonzero(row)] for row in self._unpack(bits)]

    def __repr__(self) -> str:
        positive = np.bitwise_count(self.positive).sum(1, dtype=np.int64)
        masked = np.bitwise_count(self.masked).sum(1, dtype=np.int64)
        weights = np.bincount(self.row_of_clip, minlength=len(masked))
        weights *= masked < len(self.vocabulary)  # as in summaries, without unlabelled clips
        clips = max(1, weights.sum())
        row = "frame" if "frame_length" in self.metadata.get("options", {}) else "clip"
        return (
            f"Targets({self.metadata.get('scheme', '?')}, {len(self):,} {row}s × "
            f"{len(self.vocabulary)} classes, {weights @ positive / clips:.2f} positive and "
            f"{weights @ masked / clips:.2f} masked per {row})"
        )

    def _repr_html_(self) -> str:
        head = self.slice(0, 5)
        frame, ontology = head.to_pandas(), default_ontology(None)
        names, positive = dict(zip(self.vocabulary.ids, self.vocabulary.names, strict=True)), []
        for row in head.to_numpy()[0]:
            ids = [id_ for id_, own in zip(names, row, strict=True) if own]
            specific = ontology.most_specific(ids)
            positive.append(emphasised((names[id_], id_ in specific) for id_ in ids))
        rows = zip(frame["clip_id"], positive, map(abridged, frame["masked"]), strict=True)
        return html_table(self, ("clip", "positive (bold: the most specific)", "unknown"), rows)


@dataclass(frozen=True, eq=False)
class SoftTargets(TargetRows):
    """Soft targets of clips, or of their segments, over a vocabulary of C classes.

    Attributes:
        scores: float16 (N, C): in [0, 1]; 0 where unknown.
        masked: uint8 (N, ceil(C / 8)): bits in `numpy.packbits` order, 1 = unknown. Where a large
            file is opened for look-up or training, both are `MappedRows`.

    >>> from audiolabels import Scores, expand
    >>> scores = Scores.from_arrays(["a"], [[0.75, 0.25]], classes=["Guitar", "Rain"])
    >>> targets = expand(scores, "pseudo-strong", vocabulary=["Rain", "Guitar", "Music"])
    >>> target, mask = targets.to_numpy()
    >>> target.tolist(), mask.tolist()
    ([[0.25, 0.75, 0.0]], [[1.0, 1.0, 0.0]])
    """

    PER_ROW = ("scores", "masked")
    listed: ClassVar[str] = "masked"
    scores: npt.NDArray[np.float16]
    masked: Bits

    def to_pandas(self) -> "pandas.DataFrame":
        """A data frame with `clip_id`, `onset`, `offset`, `top` and `masked`.

        `top` holds (name, score) of the five highest scores, the highest first, `masked` the
        number of unknown classes.
        """
        names, best = self.vocabulary.names, []
        for row in self.scores:
            order = np.argsort(-row, kind="stable")[:TOP].tolist()
            best.append([(names[c], round(float(row[c]), 4)) for c in order if row[c] > 0])
        masked = np.bitwise_count(self.masked).sum(1, dtype=np.int64)
        return self._data_frame(top=best, masked=masked)

    def masked_bits(self) -> tuple[Bits, npt.NDArray[np.int32]]:
        """What is unknown, as `positive_bits`."""
        return self.masked, np.arange(len(self.masked), dtype=np.int32)

    def to_arrow(self) -> pa.Table:
        """An Arrow table with `clip_id`, `onset`, `offset`, `target` (fixed-size lists of C floats)
        and `mask` (of C integers, 1 where known).
        """
        columns, table = len(self.vocabulary), super().to_arrow()
        known = 1 - self._unpack(self.masked)
        for name, values in (("target", self.scores.astype(np.float32)), ("mask", known)):
            flat = to_arrow(np.ascontiguousarray(values).ravel())
            table = table.append_column(name, pa.FixedSizeListArray.from_arrays(flat, columns))
        return self._add_weights(table)

    def slice(self, start: int, stop: int) -> Self:
        """The rows from `start` up to `stop`."""
        own = None if self.weight is None else self.weight[start:stop]
        return replace(super().slice(start, stop), weight=own)

    def take(self, rows: npt.NDArray[np.integer]) -> Self:
        """The rows with these numbers, int (M,), in that order."""
        own = None if self.weight is None else self.weight[rows]
        return replace(super().take(rows), weight=own)

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """All rows of one part or more, which share the rest."""
        return replace(super().concat(parts), weight=_joined(parts))

    def reach(self, level: float) -> Bits:
        """The classes that score at least `level`: bits, uint8 (N, ceil(C / 8))."""
        return by_chunk(lambda part: np.packbits(part >= level, axis=1), self.scores)

    def positive_bits(self) -> tuple[Bits, npt.NDArray[np.int32]]:
        """The classes that score at least 0.5, one row of bits per row."""
        return self.reach(BINARISATION_THRESHOLD), np.arange(len(self.scores), dtype=np.int32)

    def _weighted(self, weight: npt.NDArray[np.float16]) -> Self:
        return replace(self, weight=weight)

    def _weights(self, rows: Any) -> npt.NDArray[np.float16]:
        weights: npt.NDArray[np.float16] = self.weight[rows]
        return weights

    def _rows(self, rows: Any) -> tuple[npt.NDArray[Any], Bits]:
        return self.scores[rows], self.masked[rows]

    def _columns(self, columns: npt.NDArray[np.intp]) -> dict[str, Any]:
        masked: Any = self.masked
        mapped = isinstance(masked, MappedRows)
        return {
            "scores": _taken(self.scores, columns),
            "masked": masked.over(columns) if mapped else self._pick(self.masked, columns),
        }

    def __repr__(self) -> str:
        size = max(1, len(self))
        total = float(self.scores.sum(dtype=np.float64)) / size
        masked = int(np.bitwise_count(self.masked).sum(dtype=np.int64)) / size
        return (
            f"SoftTargets({self.metadata.get('scheme', '?')}, {len(self):,} rows × "
            f"{len(self.vocabulary)} classes, scores that add up to {total:.2f} and {masked:.2f} "
            f"masked per row)"
        )

    def _repr_html_(self) -> str:
        head = self.slice(0, 5).to_pandas()
        top = (" · ".join(f"{name} {score:.2f}" for name, score in row) for row in head["top"])
        rows = zip(head["clip_id"], head["onset"], top, strict=True)
        return html_table(self, ("clip", "from", "highest scores"), rows)


def _taken(table: Any, columns: npt.NDArray[np.intp]) -> Any:
    """Some columns of numbers, in memory or in a file."""
    mapped = isinstance(table, MappedRows)
    return table.over(columns) if mapped else table.take(columns, axis=1)


def _joined(parts: Sequence[TargetRows]) -> npt.NDArray[np.float16] | None:
    """The weights of all rows of all parts, if any part has weights."""
    if all(part.weight is None for part in parts):
        return None
    return np.concatenate([part.weights().astype(np.float16) for part in parts])


def as_tensors(*arrays: Floats) -> "tuple[torch.Tensor, ...]":
    """Arrays, such as target and mask, as tensors over the same memory; an OptionError without
    torch.
    """
    with extra("train"):
        import torch
    return tuple(map(torch.from_numpy, arrays))

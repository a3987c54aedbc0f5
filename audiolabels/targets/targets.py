"""Targets for training, in three states.

A target is one class in one clip or frame: positive, negative, or unknown. Unknown targets are
masked: they are left out of the loss, the gradient and the metrics. Positive and unknown are two
bit tables, never a sentinel value; clips with equal targets share one row of them.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import CHUNK, Bits, unpack_floats
from audiolabels.arrays.tables import abridged, html_table
from audiolabels.clips.rows import ClipRows
from audiolabels.errors import extra
from audiolabels.ontology.vocabulary import Vocabulary, describe_vocabulary

if TYPE_CHECKING:
    import pandas
    import torch


Floats = npt.NDArray[np.float32]
Chosen = Sequence[int] | npt.NDArray[Any] | slice | None


@dataclass(frozen=True, eq=False)
class TargetRows(ClipRows, ABC):
    """The base of hard and soft targets.

    Attributes:
        clips: N rows; the frames or segments of a clip follow one another.
        vocabulary: the C classes of the columns.
    """

    vocabulary: Vocabulary

    @abstractmethod
    def to_numpy(self, rows: Chosen = None) -> tuple[Floats, Floats]:
        """Target and mask of the rows (all by default).

        Returns:
            Target and mask, float32 arrays of shape (len(rows), C). In the target 1 is positive, 0
            negative or unknown, and soft targets are scores in [0, 1]; in the mask 1 is known and 0
            unknown.
        """

    def to_torch(self, rows: Chosen = None) -> "tuple[torch.Tensor, torch.Tensor]":
        """`to_numpy` as two float32 tensors.

        Raises:
            OptionError: torch is not installed.
        """
        return as_tensors(*self.to_numpy(rows))

    def _unpack(self, bits: Bits) -> npt.NDArray[np.uint8]:
        return np.unpackbits(bits, axis=1, count=len(self.vocabulary))

    def _pick(self, bits: Bits, columns: npt.NDArray[np.intp]) -> Bits:
        """The bits of some columns, in their order."""
        picked = np.zeros((len(bits), -(-len(columns) // 8)), np.uint8)
        for start in range(0, len(bits), CHUNK):
            part = slice(start, start + CHUNK)
            picked[part] = np.packbits(self._unpack(bits[part])[:, columns], axis=1)
        return picked


@dataclass(frozen=True, eq=False)
class Targets(TargetRows):
    """Hard targets of clips, or of their frames, over a vocabulary of C classes.

    Attributes:
        row_of_clip: int32 (N,): the row of `positive` and `masked` for each clip.
        positive: uint8 (D, ceil(C / 8)): bits in `numpy.packbits` order, 1 = positive.
        masked: uint8 (D, ceil(C / 8)): likewise, 1 = unknown. No bit is set in both.
        cut: int32 (D,): number of positive classes that the vocabulary has no column for.
        metadata: scheme, options and origin, as the file's metadata hold them.
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
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    listed: str = "masked"

    def to_numpy(self, rows: Chosen = None) -> tuple[Floats, Floats]:
        """Target and mask of the rows (all by default), float32 (len(rows), C): 1 is positive in
        the target, and known in the mask.
        """
        chosen = self.row_of_clip[slice(None) if rows is None else rows]
        return (
            unpack_floats(self.positive[chosen], len(self.vocabulary)),
            unpack_floats(~self.masked[chosen], len(self.vocabulary)),
        )

    def to_pandas(self) -> "pandas.DataFrame":
        """A data frame with `clip_id`, `onset`, `offset`, `positive`, `masked` (lists of names)."""
        positive, masked = self._names(self.positive), self._names(self.masked)
        return self._data_frame(
            positive=[list(positive[row]) for row in self.row_of_clip],
            masked=[list(masked[row]) for row in self.row_of_clip],
        )

    @staticmethod
    def concat(parts: "Sequence[Targets]") -> "Targets":
        """All rows of one part or more, each with bits of its own; the parts share the rest."""
        fields = Targets.joined(parts)
        for name in ("positive", "masked", "cut"):
            fields[name] = np.concatenate([getattr(p, name)[p.row_of_clip] for p in parts])
        fields["row_of_clip"] = np.arange(len(fields["cut"]), dtype=np.int32)
        return replace(parts[0], **fields)

    def select(self, vocabulary: Vocabulary) -> "Targets":
        """The same targets with other columns, in their order.

        Raises:
            VocabularyError: `vocabulary` has a class that these targets lack.
        """
        if vocabulary.ids == self.vocabulary.ids:
            return self
        columns = self.vocabulary.permutation_to(vocabulary)
        positive = self._pick(self.positive, columns)
        lost = np.bitwise_count(self.positive).sum(1, dtype=np.int32)
        lost -= np.bitwise_count(positive).sum(1, dtype=np.int32)
        return replace(
            self,
            vocabulary=vocabulary,
            positive=positive,
            masked=self._pick(self.masked, columns),
            cut=self.cut + lost,
            metadata={**self.metadata, "vocabulary": describe_vocabulary(vocabulary)},
        )

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
        head = self.slice(0, 5).to_pandas()
        positive, masked = map(" · ".join, head["positive"]), map(abridged, head["masked"])
        rows = zip(head["clip_id"], positive, masked, strict=True)
        return html_table(self, ("clip", "positive", "unknown"), rows)


def as_tensors(target: Floats, mask: Floats) -> "tuple[torch.Tensor, torch.Tensor]":
    """Target and mask as tensors over the same memory.

    Raises:
        OptionError: torch is not installed.
    """
    with extra("train"):
        import torch
    return torch.from_numpy(target), torch.from_numpy(mask)

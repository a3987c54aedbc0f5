"""Targets: what a model shall learn, in three states, and nothing else.

A target is one class in one clip or frame: positive, negative, or unknown. Unknown targets are
masked: they take no part in the loss, the gradient or the metric. Positive and unknown are kept as
two bit tables, never as a sentinel value; clips whose targets are alike share one row of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import CHUNK, Bits, unpack_floats
from audiolabels.arrays.tables import html_table
from audiolabels.clips.rows import ClipRows
from audiolabels.errors import extra
from audiolabels.ontology.vocabulary import Vocabulary, describe_vocabulary

if TYPE_CHECKING:
    import pandas
    import torch


@dataclass(frozen=True, eq=False)
class Targets(ClipRows):
    """Hard targets of clips, or of their frames, over a vocabulary of C classes.

    Attributes:
        clips: N rows; the frames of a clip follow one another.
        vocabulary: the classes of the columns.
        row_of_clip: int32 (N,): the row of `positive` and `masked` that each clip has.
        positive: uint8 (D, ceil(C / 8)): bits in `numpy.packbits` order, 1 = positive.
        masked: uint8 (D, ceil(C / 8)): likewise, 1 = unknown. No bit is set in both.
        cut: int32 (D,): number of positive classes that the vocabulary has no column for.
        metadata: scheme, options and origin, as the file's metadata holds them.
        listed: the state that files list beside positive, `masked` (unknown) or `negative`; the
            third state is the rest.

    >>> from audiolabels import Annotations, expand
    >>> labels = Annotations.from_dict({"a": ["Electric guitar"], "b": ["Guitar"]})
    >>> targets = expand(labels, "pe-cml", vocabulary=["Music", "Guitar", "Electric guitar"])
    >>> target, mask = targets.to_numpy()
    >>> target.tolist(), mask.tolist()
    ([[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]], [[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]])
    """

    PER_ROW = ("row_of_clip",)
    vocabulary: Vocabulary
    row_of_clip: npt.NDArray[np.int32]
    positive: Bits
    masked: Bits
    cut: npt.NDArray[np.int32]
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    listed: str = "masked"

    def to_numpy(
        self, rows: Sequence[int] | npt.NDArray[Any] | slice | None = None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Target and mask of the clips in `rows` (all by default).

        Returns:
            Target and mask, float32 arrays of shape (len(rows), C). In the target 1 is positive
            and 0 negative or unknown, in the mask 1 is known and 0 unknown.
        """
        chosen = self.row_of_clip[slice(None) if rows is None else rows]
        return (
            unpack_floats(self.positive[chosen], len(self.vocabulary)),
            unpack_floats(~self.masked[chosen], len(self.vocabulary)),
        )

    def to_torch(
        self, rows: Sequence[int] | npt.NDArray[Any] | slice | None = None
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """`to_numpy` as two float32 tensors.

        Raises:
            OptionError: torch is not installed.
        """
        return as_tensors(*self.to_numpy(rows))

    def to_pandas(self) -> "pandas.DataFrame":
        """A data frame with `clip_id`, `onset`, `offset`, `positive`, `masked` (lists of names)."""
        import pandas

        positive, masked = self._names(self.positive), self._names(self.masked)
        return pandas.DataFrame(
            {
                "clip_id": self.clip_id.to_pylist(),
                "onset": self.onset.to_pylist(),
                "offset": self.offset.to_pylist(),
                "positive": [list(positive[row]) for row in self.row_of_clip],
                "masked": [list(masked[row]) for row in self.row_of_clip],
            }
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

        def pick(bits: Bits) -> Bits:
            parts = [np.zeros((0, -(-len(columns) // 8)), np.uint8)]
            for start in range(0, len(bits), CHUNK):
                part = self._unpack(bits[start : start + CHUNK])[:, columns]
                parts.append(np.packbits(part, axis=1))
            return np.concatenate(parts)

        positive = pick(self.positive)
        lost = np.bitwise_count(self.positive).sum(1, dtype=np.int32)
        lost -= np.bitwise_count(positive).sum(1, dtype=np.int32)
        return replace(
            self,
            vocabulary=vocabulary,
            positive=positive,
            masked=pick(self.masked),
            cut=self.cut + lost,
            metadata={**self.metadata, "vocabulary": describe_vocabulary(vocabulary)},
        )

    def _unpack(self, bits: Bits) -> npt.NDArray[np.uint8]:
        return np.unpackbits(bits, axis=1, count=len(self.vocabulary))

    def _names(self, bits: Bits) -> list[list[str]]:
        names = self.vocabulary.names
        return [[names[c] for c in np.flatnonzero(row)] for row in self._unpack(bits)]

    def __repr__(self) -> str:
        positive = np.bitwise_count(self.positive).sum(1, dtype=np.int64)
        masked = np.bitwise_count(self.masked).sum(1, dtype=np.int64)
        weights = np.bincount(self.row_of_clip, minlength=len(masked))
        weights *= masked < len(self.vocabulary)  # as in summaries: clips without any label aside
        clips = max(1, weights.sum())
        row = "frame" if "frame_length" in self.metadata.get("options", {}) else "clip"
        return (
            f"Targets({self.metadata.get('scheme', '?')}, {len(self):,} {row}s × "
            f"{len(self.vocabulary)} classes, {weights @ positive / clips:.2f} positive and "
            f"{weights @ masked / clips:.2f} masked a {row})"
        )

    def _repr_html_(self) -> str:
        head = self.slice(0, 5).to_pandas()
        positive, masked = map(" · ".join, head["positive"]), map(_abridge, head["masked"])
        rows = zip(head["clip_id"], positive, masked, strict=True)
        return html_table(self, ("clip", "positive", "unknown"), rows)


def as_tensors(
    target: npt.NDArray[np.float32], mask: npt.NDArray[np.float32]
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Target and mask as tensors over the same memory.

    Raises:
        OptionError: torch is not installed.
    """
    with extra("train"):
        import torch
    return torch.from_numpy(target), torch.from_numpy(mask)


def _abridge(names: list[str], limit: int = 6) -> str:
    more = f" · and {len(names) - limit} more" if len(names) > limit else ""
    return " · ".join(names[:limit]) + more

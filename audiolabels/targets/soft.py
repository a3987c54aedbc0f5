"""Soft targets: a number between 0 and 1 for each class of a clip or segment, or unknown.

They are what a teacher's scores, or a mixture of scores and given labels, become. Scores are kept
as float16: an error of at most 2^-12 below 1, half of that below 1/2, and so on; what is smaller
than 3e-8 becomes 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.tables import html_table
from audiolabels.clips.rows import ClipRows
from audiolabels.ontology.vocabulary import Vocabulary, describe_vocabulary
from audiolabels.targets.targets import as_tensors

if TYPE_CHECKING:
    import pandas
    import torch

CHUNK = 8192  # rows of bits unpacked at a time
BINARISATION_THRESHOLD = 0.5  # from here on a soft target counts as positive, where one must choose
TOP = 5  # classes of a row that a data frame names


@dataclass(frozen=True, eq=False)
class SoftTargets(ClipRows):
    """Soft targets of clips, or of their segments, over a vocabulary of C classes.

    Attributes:
        clips: N rows; the segments of a clip follow one another.
        vocabulary: the classes of the columns.
        scores: float16 (N, C): in [0, 1]; 0 where unknown.
        masked: uint8 (N, ceil(C / 8)): bits in `numpy.packbits` order, 1 = unknown.
        metadata: scheme, options and origin, as the file's metadata holds them.

    >>> from audiolabels import Scores, expand
    >>> scores = Scores.from_arrays(["a"], [[0.75, 0.25]], classes=["Guitar", "Rain"])
    >>> targets = expand(scores, "pseudo-strong", vocabulary=["Rain", "Guitar", "Music"])
    >>> target, mask = targets.to_numpy()
    >>> target.tolist(), mask.tolist()
    ([[0.25, 0.75, 0.0]], [[1.0, 1.0, 0.0]])
    """

    PER_ROW = ("scores", "masked")
    vocabulary: Vocabulary
    scores: npt.NDArray[np.float16]
    masked: Bits
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def to_numpy(
        self, rows: Sequence[int] | npt.NDArray[Any] | slice | None = None
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Target and mask of the rows (all by default).

        Returns:
            Target and mask, float32 arrays of shape (len(rows), C). The target is a score in
            [0, 1], and 0 where unknown; in the mask 1 is known and 0 unknown.
        """
        chosen = slice(None) if rows is None else rows
        mask = 1 - np.unpackbits(self.masked[chosen], axis=1, count=len(self.vocabulary))
        return self.scores[chosen].astype(np.float32), mask.astype(np.float32)

    def to_torch(
        self, rows: Sequence[int] | npt.NDArray[Any] | slice | None = None
    ) -> "tuple[torch.Tensor, torch.Tensor]":
        """`to_numpy` as two float32 tensors.

        Raises:
            OptionError: torch is not installed.
        """
        return as_tensors(*self.to_numpy(rows))

    def to_pandas(self) -> "pandas.DataFrame":
        """A data frame with `clip_id`, `onset`, `offset`, `top` and `masked`.

        `top` holds (name, score) of the five highest scores, the highest first, `masked` the
        number of unknown classes.
        """
        import pandas

        return pandas.DataFrame(
            {
                "clip_id": self.clip_id.to_pylist(),
                "onset": self.onset.to_pylist(),
                "offset": self.offset.to_pylist(),
                "top": self._top(),
                "masked": np.bitwise_count(self.masked).sum(1, dtype=np.int64),
            }
        )

    @staticmethod
    def concat(parts: "Sequence[SoftTargets]") -> "SoftTargets":
        """All rows of one part or more, which share the rest."""
        return replace(parts[0], **SoftTargets.joined(parts))

    def select(self, vocabulary: Vocabulary) -> "SoftTargets":
        """The same targets with other columns, in their order.

        Raises:
            VocabularyError: `vocabulary` has a class that these targets lack.
        """
        if vocabulary.ids == self.vocabulary.ids:
            return self
        columns = self.vocabulary.permutation_to(vocabulary)
        masked = np.zeros((len(self), -(-len(columns) // 8)), np.uint8)
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            bits = np.unpackbits(self.masked[part], axis=1, count=len(self.vocabulary))
            masked[part] = np.packbits(bits[:, columns], axis=1)
        return replace(
            self,
            vocabulary=vocabulary,
            scores=self.scores.take(columns, axis=1),
            masked=masked,
            metadata={**self.metadata, "vocabulary": describe_vocabulary(vocabulary)},
        )

    def reach(self, level: float) -> Bits:
        """Which classes reach a score: bits, uint8 (N, ceil(C / 8))."""
        bits = np.zeros_like(self.masked)
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            bits[part] = np.packbits(self.scores[part] >= level, axis=1)
        return bits

    def _top(self) -> list[list[tuple[str, float]]]:
        names, best = self.vocabulary.names, []
        for row in self.scores:
            order = np.argsort(-row, kind="stable")[:TOP].tolist()
            best.append([(names[c], round(float(row[c]), 4)) for c in order if row[c] > 0])
        return best

    def __repr__(self) -> str:
        size = max(1, len(self))
        total = float(self.scores.sum(dtype=np.float64)) / size
        masked = int(np.bitwise_count(self.masked).sum(dtype=np.int64)) / size
        return (
            f"SoftTargets({self.metadata.get('scheme', '?')}, {len(self):,} rows × "
            f"{len(self.vocabulary)} classes, scores that add up to {total:.2f} and {masked:.2f} "
            f"masked a row)"
        )

    def _repr_html_(self) -> str:
        head = self.slice(0, 5).to_pandas()
        top = (" · ".join(f"{name} {score:.2f}" for name, score in row) for row in head["top"])
        rows = zip(head["clip_id"], head["onset"], top, strict=True)
        return html_table(self, ("clip", "from", "highest scores"), rows)

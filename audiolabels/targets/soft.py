"""Soft targets: a number between 0 and 1 for each class of a clip or segment, or unknown.

They come from a teacher's scores, or from a mixture of scores and given labels. Scores are float16:
the error is at most 2^-12 below 1, half of that below 1/2, and so on; scores below 3e-8 become 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import CHUNK, Bits, unpack_floats
from audiolabels.arrays.tables import html_table
from audiolabels.ontology.vocabulary import Vocabulary, describe_vocabulary
from audiolabels.targets.targets import Chosen, Floats, TargetRows

if TYPE_CHECKING:
    import pandas

BINARISATION_THRESHOLD = 0.5  # where soft targets must be made hard and none is given
TOP = 5  # classes per row that a data frame names


@dataclass(frozen=True, eq=False)
class SoftTargets(TargetRows):
    """Soft targets of clips, or of their segments, over a vocabulary of C classes.

    Attributes:
        scores: float16 (N, C): in [0, 1]; 0 where unknown.
        masked: uint8 (N, ceil(C / 8)): bits in `numpy.packbits` order, 1 = unknown.
        metadata: scheme, options and origin, as the file's metadata hold them.

    >>> from audiolabels import Scores, expand
    >>> scores = Scores.from_arrays(["a"], [[0.75, 0.25]], classes=["Guitar", "Rain"])
    >>> targets = expand(scores, "pseudo-strong", vocabulary=["Rain", "Guitar", "Music"])
    >>> target, mask = targets.to_numpy()
    >>> target.tolist(), mask.tolist()
    ([[0.25, 0.75, 0.0]], [[1.0, 1.0, 0.0]])
    """

    PER_ROW = ("scores", "masked")
    scores: npt.NDArray[np.float16]
    masked: Bits
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def to_numpy(self, rows: Chosen = None) -> tuple[Floats, Floats]:
        """Target and mask of the rows (all by default), float32 (len(rows), C): the target is a
        score in [0, 1], and 0 where unknown; 1 is known in the mask.
        """
        chosen = slice(None) if rows is None else rows
        mask = unpack_floats(~self.masked[chosen], len(self.vocabulary))
        return self.scores[chosen].astype(np.float32), mask

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
        return replace(
            self,
            vocabulary=vocabulary,
            scores=self.scores.take(columns, axis=1),
            masked=self._pick(self.masked, columns),
            metadata={**self.metadata, "vocabulary": describe_vocabulary(vocabulary)},
        )

    def reach(self, level: float) -> Bits:
        """The classes that score at least `level`: bits, uint8 (N, ceil(C / 8))."""
        bits = np.zeros_like(self.masked)
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            bits[part] = np.packbits(self.scores[part] >= level, axis=1)
        return bits

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

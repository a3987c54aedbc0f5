"""Scores of soft targets in formats for hard ones.

A binarisation threshold makes the hard labels that the project's code reads. The scores are stored
under the name `soft`, which that code ignores: in HDF5 as float16 (N, C), in Parquet as lists of
float16, in text as base64 of C little-endian float16, which is exact, a third as long as decimal
numbers, and free of separators. `mask` or `masked` applies to both.
"""

from base64 import b64encode
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.errors import OptionError
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import portion
from audiolabels.targets.targets import SoftTargets, Targets

SMALLEST = 2.0**-24  # above 0 in float16


@dataclass(frozen=True, eq=False)
class BinarisedTargets(Targets):
    """Hard targets with the soft ones they were made from.

    Attributes:
        soft: D rows, as `positive` and `masked`.
    """

    soft: SoftTargets = field(kw_only=True)

    def scores(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float16]:
        """Scores of the clips in `rows`, float16 (len(rows), C)."""
        return self.soft.scores[self.row_of_clip[rows]]

    def select(self, vocabulary: Vocabulary) -> "BinarisedTargets":
        """As `Targets.select`, the scores too."""
        hard = super().select(vocabulary)
        assert isinstance(hard, BinarisedTargets)
        return replace(hard, soft=self.soft.select(vocabulary))


def binarise(soft: SoftTargets, form: str, threshold: float | str | None) -> BinarisedTargets:
    """Hard targets, positive from a score on; unknown targets stay unknown.

    Raises:
        OptionError: no threshold, or one that is not above 0 and at most 1.
    """
    if threshold is None:
        raise OptionError(
            f"{form} is read as hard labels, and these targets are soft: give a binarisation "
            f"threshold, with --threshold 0.5 (threshold=0.5), the value in the PSL paper's "
            f"analysis; the scores are written too"
        )
    level = max(float(np.float16(portion("threshold", threshold, above=True))), SMALLEST)
    return BinarisedTargets(
        soft.clips,
        soft.vocabulary,
        np.arange(len(soft), dtype=np.int32),
        soft.reach(level) & ~soft.masked,
        soft.masked,
        np.zeros(len(soft), np.int32),
        metadata=soft.metadata,
        soft=soft,
    )


def soft_header(targets: Targets) -> list[str]:
    """The name of the column of scores, if the targets have them."""
    return ["soft"] if isinstance(targets, BinarisedTargets) else []


def soft_texts(targets: Targets, rows: npt.NDArray[np.int64]) -> list[pa.StringArray]:
    """The column under `soft_header`, as base64, if the targets have scores."""
    if not isinstance(targets, BinarisedTargets):
        return []
    scores = np.ascontiguousarray(targets.scores(rows), "<f2")
    return [texts_to_arrow([b64encode(row.tobytes()).decode("ascii") for row in scores])]

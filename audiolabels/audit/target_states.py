"""What targets state of the clips that are audited: what training would learn of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import to_numpy
from audiolabels.clips.index import ClipFinder
from audiolabels.errors import OptionError
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.scores import columns_in
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.targets.targets import SoftTargets, Targets

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class TargetStates:
    """Targets of N clips, over K classes.

    A class of a clip with several rows, such as frames, is positive if it is in one of them, and
    negative if it is known in one and positive in none. Soft targets are positive from 0.5 on.

    Attributes:
        positive, known: uint8 (D, ceil(C / 8)): bits of the targets' own classes.
        of_clip: int64 (N,): the row of each clip; -1 if the targets lack it.
        columns: int64 (K,): the column of each class; -1 if the targets lack it.
    """

    positive: Bits
    known: Bits
    of_clip: npt.NDArray[np.int64]
    columns: npt.NDArray[np.integer]

    @classmethod
    def match(
        cls, targets: Targets | SoftTargets, labels: Annotations, classes: Vocabulary
    ) -> "TargetStates":
        """The targets of the clips of labels.

        Raises:
            OptionError: they share no clip.
            UnknownClipError: a clip of the labels could be several of those of the targets.
        """
        clips = targets.clip_id.dictionary_encode()
        of_clip = ClipFinder(clips.dictionary).find(labels.clip_id)
        if (of_clip < 0).all():
            raise OptionError(
                "none of the clips is among those of the targets; see docs/clips.md for what ids "
                "mean"
            )
        owners = to_numpy(clips.indices)
        (positive, one), (masked, other) = targets.positive_bits(), targets.masked_bits()
        united = [_united(positive[one], owners), _united(~masked[other], owners)]
        columns = columns_in(targets.vocabulary, classes, labels.ontology)
        return cls(united[0], united[1], of_clip, columns)

    def of(self, rows: npt.NDArray[np.int64]) -> tuple[Flags, Flags]:
        """Whether classes of B clips are positive, and whether negative: bool (B, K) each."""
        places = self.of_clip[rows]
        there = (places >= 0)[:, None] & (self.columns >= 0)
        positive, known = (
            (np.unpackbits(bits[places], axis=1)[:, self.columns] > 0) & there
            for bits in (self.positive, self.known)
        )
        return positive, known & ~positive


def _united(bits: Bits, owners: npt.NDArray[np.integer]) -> Bits:
    """The union of the bits of each owner, in the order of their numbers."""
    order = np.argsort(owners, kind="stable")
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    return np.asarray(np.bitwise_or.reduceat(bits[order], starts, axis=0))

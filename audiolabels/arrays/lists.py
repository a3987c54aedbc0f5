"""Lists of numbers, concatenated."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


class Lists(NamedTuple):
    """L lists of numbers.

    Attributes:
        offsets: int64 (L + 1,): list i is `values[offsets[i] : offsets[i + 1]]`.
        values: int64, all lists one after the other.
    """

    offsets: Ints
    values: Ints

    @classmethod
    def of_sequences(cls, lists: Iterable[Sequence[int]]) -> "Lists":
        """Lists from sequences."""
        held = list(lists)
        sizes = np.array([0, *map(len, held)], np.int64)
        return cls(np.cumsum(sizes), np.array([n for each in held for n in each], np.int64))

    def of(self, numbers: npt.NDArray[Any]) -> tuple[Ints, Ints]:
        """An entry for each value of the lists with these numbers: which number it was, the value.

        >>> lists = Lists.of_sequences([[5], [], [6, 7]])
        >>> [entries.tolist() for entries in lists.of(np.array([2, 1, 0]))]
        [[0, 0, 2], [6, 7, 5]]
        """
        sizes = np.diff(self.offsets)[numbers]
        which = np.repeat(np.arange(len(numbers)), sizes)
        within = np.arange(len(which)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return which, self.values[self.offsets[numbers][which] + within]

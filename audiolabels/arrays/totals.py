"""Counts that add up part by part."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass
class Counts:
    """Numbers, and arrays of them that are empty before the first part."""

    def add(self, other: Self) -> None:
        """Add another part's counts."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            fresh = isinstance(value, np.ndarray) and not len(mine)
            setattr(self, name, value if fresh else mine + value)

    def totals(self) -> dict[str, int]:
        """The numbers, without the arrays."""
        return {name: value for name, value in vars(self).items() if isinstance(value, int)}

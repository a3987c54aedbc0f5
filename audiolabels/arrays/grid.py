"""Time grids: seconds to frames and back, in whole milliseconds.

A frame has a length and begins one hop after the frame before it; frame 0 begins with the clip.
Times are integer milliseconds, because fractions of seconds as floating-point numbers flip
decisions at the edges of frames.

Source: Hershey et al. 2021, §3.2, for 960 ms and the half-filled rule. The paper's sentence leaves
room; `Grid.half_filled` is the reading that reproduces the released frames.
"""

from contextlib import suppress
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.errors import OptionError

Ms = npt.NDArray[np.int64]
Times = npt.NDArray[np.float64]  # seconds
LONGEST_S = 10**9  # seconds; no time is as long


def seconds_to_ms(seconds: float | str, what: str = "a time") -> int:
    """Milliseconds of a time in seconds; an OptionError if they are not whole and above zero.

    >>> seconds_to_ms(0.96), seconds_to_ms("10")
    (960, 10000)
    """
    with suppress(InvalidOperation):
        ms = Decimal(str(seconds)) * 1000
        if ms == ms.to_integral_value() and 0 < ms < LONGEST_S * 1000:
            return int(ms)
    raise OptionError(
        f"{what} of {seconds} seconds: give a number above zero, in whole milliseconds"
    )


def nearest_ms(seconds: float | str) -> int:
    """The nearest millisecond, half goes up; an OptionError for none below a billion.

    >>> nearest_ms(0.0005), nearest_ms("10.0001")
    (1, 10000)
    """
    with suppress(ArithmeticError, ValueError):
        ms = int((Decimal(str(seconds)) * 1000 + Decimal("0.5")).to_integral_value(ROUND_FLOOR))
        if abs(ms) < LONGEST_S * 1000:
            return ms
    raise OptionError(f"not a time in seconds: {seconds!r}")


def clip_ms(seconds: float | str) -> int:
    """Length of a clip, to the nearest millisecond; an OptionError if it is not above zero."""
    ms = nearest_ms(seconds)
    if ms <= 0:
        raise OptionError(f"a clip of {seconds} seconds: give a number above zero")
    return ms


@dataclass(frozen=True)
class Grid:
    """Frames of equal length at equal distance.

    Attributes:
        length_ms: length of a frame.
        hop_ms: time from the beginning of one frame to that of the next.

    >>> grid = Grid()
    >>> int(grid.count(10_000)), grid.span_ms(9)
    (10, (8640, 9600))
    """

    length_ms: int = 960
    hop_ms: int = 960

    def __post_init__(self) -> None:
        if self.length_ms <= 0 or self.hop_ms <= 0:
            raise OptionError(
                f"frames of {self.length_ms} ms every {self.hop_ms} ms: both must be above zero"
            )

    @classmethod
    def from_seconds(cls, length: float | str = 0.96, hop: float | str | None = None) -> "Grid":
        """A grid from seconds, read by `seconds_to_ms`; the hop is the length if none is given.

        >>> Grid.from_seconds(0.96)
        Grid(length_ms=960, hop_ms=960)
        """
        hop = length if hop is None else hop
        return cls(seconds_to_ms(length, "a frame"), seconds_to_ms(hop, "a hop"))

    def count(self, duration_ms: Any) -> Any:
        """Number of whole frames in a clip, at least one; the rest after the last is dropped.

        `duration_ms` is an int, or an int64 array of any shape.
        """
        return np.maximum(1, (duration_ms - self.length_ms) // self.hop_ms + 1)

    def span_ms(self, frame: Any) -> tuple[Any, Any]:
        """Beginning and end, in milliseconds, of a frame: an int, or integers of any shape."""
        start = frame * self.hop_ms
        return start, start + self.length_ms

    def half_filled(self, onset_ms: Ms, offset_ms: Ms) -> tuple[Ms, Ms]:
        """The frames that each event fills by half, or that hold half of the event.

        A frame counts if `2 · overlap >= min(frame length, event duration)`, equality included.
        They are consecutive; negative numbers and those past a clip's end are not cut off.

        Args:
            onset_ms, offset_ms: int64 (E,), each onset before its offset.

        Returns:
            First frame, and the one after the last, int64 (E,) each; no frame if they are equal
            or the second is smaller.

        >>> first, stop = Grid().half_filled(np.array([480, 481]), np.array([1440, 2000]))
        >>> first.tolist(), stop.tolist()
        ([0, 1], [2, 2])
        """
        half = np.minimum(self.length_ms, offset_ms - onset_ms)
        # An event that ends late enough reaches half of a frame from the left, one that begins
        # early enough from the right; between the two, frames lie inside the event.
        first = -((2 * (self.length_ms - onset_ms) - half) // (2 * self.hop_ms))
        stop = (2 * offset_ms - half) // (2 * self.hop_ms) + 1
        return first, stop

    def inside(self, onset_ms: Ms, offset_ms: Ms) -> tuple[Ms, Ms]:
        """The frames that lie wholly inside each span; arguments and result as `half_filled`."""
        return -(-onset_ms // self.hop_ms), (offset_ms - self.length_ms) // self.hop_ms + 1

    def touched(self, onset_ms: Ms, offset_ms: Ms) -> tuple[Ms, Ms]:
        """The frames that each span overlaps; arguments and result as `half_filled`."""
        return (onset_ms - self.length_ms) // self.hop_ms + 1, -(-offset_ms // self.hop_ms)


def windows(durations: Times, length: float) -> tuple[Ms, Times, Times]:
    """Cut clips into segments of `length` seconds, the last of which may be shorter.

    Returns:
        The clip of each segment (int64), its onset and offset in seconds.

    Raises:
        OptionError: a length below a millisecond.

    >>> windows(np.array([10.0, 3.0]), 4)
    (array([0, 0, 0, 1]), array([0., 4., 8., 0.]), array([ 4.,  8., 10.,  3.]))
    """
    ends, step = np.rint(durations * 1000).astype(np.int64), round(length * 1000)
    if step < 1:
        raise OptionError(f"segments of {length:g} seconds: give a millisecond or more")
    counts = np.maximum(1, -(-ends // step))
    owner = np.repeat(np.arange(len(ends)), counts)
    onset = (np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)) * step
    return owner, onset / 1000, np.minimum(onset + step, ends[owner]) / 1000

"""Features of segments of clips, the input of models."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.clips.index import ClipFinder
from audiolabels.clips.names import canonical_ids
from audiolabels.errors import OptionError
from audiolabels.labels.report import Report

Floats = npt.NDArray[np.float32]
Seconds = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]


class Inputs(NamedTuple):
    """Segments of clips: float32 (N, L, D) frames of embeddings, or (N, L) samples, padded with
    zeros to the longest, and int64 (N,), how many of the L are real.
    """

    values: Floats
    lengths: Rows


class Features(ABC):
    """Clips, by N `clip_ids` as in the file, or else in its name, whose segments can be read; from
    one frame, or sample, to the next are `step` seconds.
    """

    takes: str  # `embeddings` or `audio`
    dim: int | None = None  # width of a frame, D, of embeddings
    rate: int | None = None  # sampling rate of audio in Hz
    centre = 0.0  # time of a frame or sample after its beginning, in steps

    def __init__(self, clip_ids: Sequence[str], step: float, report: Report) -> None:
        self.clip_ids, self.step, self._report = clip_ids, step, report
        self._finder = ClipFinder(canonical_ids(texts_to_arrow(list(clip_ids))))

    @property
    def report(self) -> Report:
        """What was left out or modified; rows are files or clips."""
        return self._report

    def find(self, ids: Sequence[str]) -> Rows:
        """The row of each clip, int64 (B,), or -1, by the rule of `audiolabels.clips.index`; raises
        UnknownClipError if a name could mean several clips.
        """
        return self._finder.find(ids)

    def _numbers(self, rows: npt.ArrayLike) -> Rows:
        numbers, last = np.asarray(rows, np.int64), len(self.clip_ids) - 1
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() <= last:
            raise OptionError(f"clips are numbered from 0 to {last}; find() gives -1 if absent")
        return numbers

    @abstractmethod
    def sizes(self, rows: npt.ArrayLike) -> Rows:
        """Frames or samples of clips, int64 (B,), from headers."""

    def durations(self, rows: npt.ArrayLike) -> Seconds:
        """Lengths of clips in seconds, float64 (B,), from headers."""
        return self.sizes(rows).astype(np.float64) * self.step

    def lengths(self, rows: npt.ArrayLike, onset: npt.ArrayLike, offset: npt.ArrayLike) -> Rows:
        """Frames or samples of segments, int64 (B,), from headers; arguments as for `read`."""
        begin, end = spans(onset, offset, self.step, self.centre, self.sizes(rows))
        return end - begin

    @abstractmethod
    def read(self, rows: npt.ArrayLike, onset: npt.ArrayLike, offset: npt.ArrayLike) -> Inputs:
        """Segments of clips.

        Args:
            rows: N clips by number.
            onset, offset: N times in seconds from the start of the clip; an offset may be `inf`. A
                segment of embeddings has the frames whose centres, `frame_seconds` × (i + 0.5), are
                in [onset, offset), one of audio the samples whose times, i / rate, are: or none.

        OptionError if there is no such clip, or an offset before its onset; FeaturesFileError if a
        value of an embedding is not finite.
        """


def spans(onset: npt.ArrayLike, offset: npt.ArrayLike, step: float, centre: float,
          sizes: Any) -> tuple[Rows, Rows]:  # fmt: skip
    """First and one after the last i of each segment, 0 ≤ i < size, with step × (i + centre) in it.

    Rounding errors up to a millionth of a step have no effect. OptionError as in `Features.read`.
    """
    begin, end = np.asarray(onset, np.float64), np.asarray(offset, np.float64)
    if not (begin <= end).all():
        raise OptionError("a segment ends before it begins, or a time is no number")
    first, stop = (np.ceil(np.round(at / step - centre, 6)).clip(0, sizes).astype(np.int64)
                   for at in (begin, end))  # fmt: skip
    return first, np.maximum(first, stop)

"""Strong labels over frames of 960 ms.

Source: Hershey et al. 2021, "The benefit of temporally-strong labels in audio event
classification", §3.2. The paper's sentence leaves room for several readings; the rule here
(`Grid.half_filled`, for each event by itself) reproduces the framed labels that were released
with it. Deviations: with `parents`, the events of a class are also events of classes above it,
which the paper only considers; `negatives="all"` is the usual training choice, `"both"` the
paper's evaluation. A class whose event has impossible times is unknown in that clip.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from audiolabels.arrays.grid import Grid
from audiolabels.labels.events import Events
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import option
from audiolabels.schemes.framed import FrameCounts, FramingOptions, project
from audiolabels.schemes.scheme import Expanded, Scheme


@dataclass(frozen=True)
class StrongFramedOptions(FramingOptions):
    """Options of strong-framed; times are whole milliseconds."""

    frame_length: float = option(0.96, "Length of a frame.", metavar="SECONDS")
    frame_hop: float | None = option(
        None, "From one frame to the next.", metavar="SECONDS", shown="its length"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        grid = self.grid
        object.__setattr__(self, "frame_length", grid.length_ms / 1000)
        object.__setattr__(self, "frame_hop", grid.hop_ms / 1000)

    @property
    def grid(self) -> Grid:
        """The frames."""
        return Grid.from_seconds(self.frame_length, self.frame_hop)


def strong_framed(
    events: Events, vocabulary: Vocabulary, options: StrongFramedOptions
) -> Expanded[Any]:
    """Positive: frames that an event fills by half, or that hold half of it.

    Positive wins over unknown, unknown over negative.

    Args:
        events: N clips.
        vocabulary: C classes; parents and absences run on the whole ontology and are cut to them.
        options: of `negatives`, `complementary` are the other frames of a clip in which the class
            is positive somewhere; `explicit` all frames of a clip in which the class, or one above
            it, was confirmed absent; `all` whatever is neither positive nor unknown, in annotated
            clips. With `parents` the events of a class are events of its ancestors too; under
            `certain` the frames of ancestors on some paths only are unknown, and no complementary
            negatives.

    Returns:
        Targets with one row per frame, shape (frames of all clips, C), counts and findings; soft
        ones of events with values, see `event_values`.

    Raises:
        VocabularyError: the events' ontology lacks a class of the vocabulary.
    """
    grid = options.grid
    frames = grid.count(events.duration_ms)
    onset, offset = events.united_absences()
    first, stop = grid.inside(onset, offset)
    # An absence that lasts to the clip's end holds in its last frame, even one cut short.
    to_end = offset >= events.duration_ms[events.clip]
    return project(
        events,
        vocabulary,
        options,
        frames=frames,
        span_ms=grid.span_ms,
        present=(grid.touched if events.soft else grid.half_filled)(
            events.onset_ms, events.offset_ms
        ),
        absent=(first, np.where(to_end, frames[events.clip], stop)),
    )


STRONG_FRAMED = Scheme(
    "strong-framed",
    strong_framed,
    Events,
    FrameCounts,
    "frames of 960 ms, positive where an event fills half of a frame or lies in it by half",
    "Hershey et al. 2021, The benefit of temporally-strong labels, §3.2",
    StrongFramedOptions(),
    vocabulary="audioset-strong",
)

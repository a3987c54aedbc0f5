"""Strong labels over frames of 960 ms.

Source: Hershey et al. 2021, "The benefit of temporally-strong labels in audio event
classification", §3.2. The paper's sentence leaves room for several readings; the rule here
(`Grid.half_filled`, for each event by itself) reproduces the framed labels that were released
with it. Deviations: with `parents`, the events of a class are also events of classes above it,
which the paper only considers; `negatives="all"` is the usual training choice, `"both"` the
paper's evaluation. A class whose event has impossible times is unknown in that clip.
"""

import numpy as np

from audiolabels.arrays.grid import Grid
from audiolabels.labels.events import Events
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.framed import Framed, project


def strong_framed(
    events: Events,
    vocabulary: Vocabulary,
    *,
    frame_length: float = 0.96,
    frame_hop: float | None = None,
    negatives: str = "all",
    parents: str = "none",
) -> Framed:
    """Positive: frames that an event fills by half, or that hold half of it.

    Positive wins over unknown, unknown over negative.

    Args:
        events: N clips.
        vocabulary: C classes; parents and absences run on the whole ontology and are cut to them.
        frame_length, frame_hop: seconds, whole milliseconds; the hop is the length if none is
            given.
        negatives: what counts as negative; all else is unknown. `complementary`: the other frames
            of a clip in which the class is positive somewhere; `explicit`: all frames of a clip
            in which the class, or one above it, was confirmed absent; `both`; `all`: whatever is
            neither positive nor unknown, in clips of which somebody said what sounds.
        parents: whose events the events of a class are too: `none`, or the ancestors that `all`,
            `unambiguous` or `certain` lift (see `schemes.parents`). Under `certain` the frames of
            the other ancestors are unknown, and no complementary negatives.

    Returns:
        Targets of one row a frame, shape (frames of all clips, C), with counts and findings.

    Raises:
        OptionError: a length or hop that is no positive number of whole milliseconds.
        VocabularyError: the events' ontology lacks a class of the vocabulary.
    """
    grid = Grid.from_seconds(frame_length, frame_hop)
    frames = grid.count(events.duration_ms)
    onset, offset = events.united_absences()
    first, stop = grid.inside(onset, offset)
    # An absence that lasts to the clip's end holds in its last frame, even one cut short.
    to_end = offset >= events.duration_ms[events.clip]
    return project(
        events,
        vocabulary,
        parents=parents,
        negatives=negatives,
        frames=frames,
        span_ms=grid.span_ms,
        present=grid.half_filled(events.onset_ms, events.offset_ms),
        absent=(first, np.where(to_end, frames[events.clip], stop)),
    )

"""Diffuse labels: strong labels, taken for the clip as a whole.

Source: Hershey et al. 2021, §4. Deviations: as for strong-framed. A confirmed absence counts
only if it spans the whole clip, or all its frames of 960 ms.
"""

from typing import Any

import numpy as np

from audiolabels.arrays.grid import Grid, Ms
from audiolabels.errors import OptionError
from audiolabels.labels.events import Events
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.framed import FrameCounts, FramingOptions, project
from audiolabels.schemes.scheme import Expanded, Scheme

FRAMES = Grid()


def diffuse(events: Events, vocabulary: Vocabulary, options: FramingOptions) -> Expanded[Any]:
    """Positive: the classes with an event in the clip, however short.

    Args:
        events: N clips.
        vocabulary: C classes.
        options: as in `strong_framed`; no clip has complementary negatives.

    Returns:
        Targets with one row per clip, shape (N, C), counts and findings.

    Raises:
        VocabularyError: the events' ontology lacks a class of the vocabulary.
        OptionError: the events have values.
    """
    if events.soft:
        raise OptionError(
            "diffuse labels are hard: give a threshold for the values (--values, values=)"
        )
    durations = events.duration_ms[events.clip]
    touches = (events.onset_ms < durations) & (events.offset_ms > 0)
    onset, offset = events.united_absences()
    # Where frames confirm an absence throughout the clip, the last whole frame is its end.
    spans = (onset <= 0) & (
        offset >= np.minimum(durations, FRAMES.count(durations) * FRAMES.hop_ms)
    )
    none = np.zeros(len(events.clip), np.int64)

    def span_ms(_: Ms) -> tuple[Ms, Ms]:
        return np.zeros(len(events), np.int64), events.duration_ms

    return project(
        events,
        vocabulary,
        options,
        frames=np.ones(len(events), np.int64),
        span_ms=span_ms,
        present=(none, touches.astype(np.int64)),
        absent=(none, spans.astype(np.int64)),
    )


DIFFUSE = Scheme(
    "diffuse",
    diffuse,
    Events,
    FrameCounts,
    "the classes of events positive for the whole clip",
    "Hershey et al. 2021, The benefit of temporally-strong labels, §4",
    FramingOptions(),
    vocabulary="audioset-strong",
)

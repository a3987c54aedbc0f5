"""Events of one class that overlap or touch, merged into one: what evaluators of events demand."""

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.intervals import Ints, Runs, merge
from audiolabels.errors import OptionError, choose
from audiolabels.labels.events import PRESENT, UNKNOWN, UNSURE, Events
from audiolabels.ontology.parents import PARENTS_OR_NONE
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.framed import relations


def implied_events(
    events: Events, vocabulary: Vocabulary, *, parents: str = "none"
) -> tuple[Ints, Ints, Ints, Ints]:
    """Each event by itself, as an event of its class and of the ancestors that this implies.

    Arguments and errors are those of `merge_events`.

    Returns:
        Clip, column, onset and offset in milliseconds as they were given, int64 (L,) each.

    Raises:
        OptionError: no such policy, or the events have values, of which a span holds none.
    """
    if events.soft:
        raise OptionError(
            "the events have values, and spans are present or not: give a threshold when they are "
            "read (--values 0.5, values=0.5)"
        )
    related = relations(events.ontology, vocabulary, choose("parents", parents, PARENTS_OR_NONE))
    chosen = np.flatnonzero(events.state == PRESENT)
    which, column = related.implied.of(events.classes[chosen])
    statement = chosen[which]
    return (
        events.clip[statement],
        column,
        events.onset_ms[statement],
        events.offset_ms[statement],
    )


def merge_events(events: Events, vocabulary: Vocabulary, *, parents: str = "none") -> Runs:
    """The union of a class's events in each clip, as stretches of milliseconds.

    Args:
        events: N clips.
        vocabulary: C classes; events of others fall away.
        parents: whose events the events of a class are too, as in `strong_framed`.

    Returns:
        Runs whose `first` and `stop` are onset and offset in milliseconds, cut to the clip; no two
        of a class in a clip overlap or touch.

    Raises:
        OptionError: no such policy, or the events have values.
        VocabularyError: the events' ontology lacks a class of the vocabulary.

    >>> from audiolabels import load_vocabulary
    >>> events = Events.from_dict({"a": [("Rain", 0, 2), ("Rain", 2, 3.5), ("Rain", 5, 11)]})
    >>> merged = merge_events(events, load_vocabulary(["Rain"]))
    >>> merged.first.tolist(), merged.stop.tolist()
    ([0, 5000], [3500, 10000])
    """
    clip, column, onset, offset = implied_events(events, vocabulary, parents=parents)
    return merge(clip, column, onset.clip(min=0), np.minimum(offset, events.duration_ms[clip]))


def unsure_events(events: Events, vocabulary: Vocabulary, *, parents: str = "none") -> Runs:
    """Where it is unknown whether a class is present, in annotated clips.

    That is where an event makes a class above it unknown, as `certain` parents do; where an event
    may be the class; and the whole clip for a class, and those above it, one of whose events has
    impossible times. Arguments and errors are those of `merge_events`, whose events take precedence
    over these spans.

    >>> from audiolabels import load_vocabulary
    >>> classes = load_vocabulary(["Bell", "Church bell", "Music"])
    >>> events = Events.from_dict({"a": [("Church bell", 0, 2)]})
    >>> unsure = unsure_events(events, classes, parents="certain")
    >>> [classes.names[c] for c in unsure.column], unsure.stop.tolist()
    (['Music'], [2000])
    """
    related = relations(events.ontology, vocabulary, choose("parents", parents, PARENTS_OR_NONE))
    end = events.duration_ms[events.clip]
    onset, offset = events.onset_ms.clip(min=0), np.minimum(events.offset_ms, end)
    parts = []
    for state, columns_of, first, stop in (
        (PRESENT, related.unsure, onset, offset),
        (UNSURE, related.itself, onset, offset),
        (UNKNOWN, related.touched, np.zeros_like(end), end),
    ):
        chosen = np.flatnonzero((events.state == state) & events.labelled[events.clip])
        which, column = columns_of.of(events.classes[chosen])
        statement = chosen[which]
        parts.append((events.clip[statement], column, first[statement], stop[statement]))
    return merge(*(np.concatenate(pair) for pair in zip(*parts, strict=True)))


def covered(
    events: Events, vocabulary: Vocabulary, *, parents: str = "none"
) -> npt.NDArray[np.bool_]:
    """Whether each statement's class, or an ancestor it implies, has a column: bool (E,)."""
    implied = relations(events.ontology, vocabulary, parents).implied
    has = np.append(np.diff(implied.offsets) > 0, False)  # the last for statements without a class
    found: npt.NDArray[np.bool_] = has[events.classes]
    return found

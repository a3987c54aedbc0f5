"""Framing as its definition reads: one clip, one frame, one class at a time, in milliseconds."""

from typing import NamedTuple

import networkx as nx
from oracles.expansion import NEGATIVE, POSITIVE, UNKNOWN, climb, nobody_listened

PRESENT, ABSENT, UNCLEAR, EMPTY, NOTHING = "present", "absent", "unknown", "empty", "nothing"
UNSURE, OTHER = "unsure", "other"
Span = tuple[int, int]
EVERYWHERE = (-(10**12), 10**12)


class Statement(NamedTuple):
    """What somebody said of a class in a span of a clip, or of the clip as a whole."""

    state: str
    class_id: str | None = None
    onset: int = 0
    offset: int = 0


class Clip(NamedTuple):
    duration: int
    statements: list[Statement]


def frames_of(duration: int, length: int, hop: int) -> list[Span]:
    """All whole frames inside the clip, at least one."""
    frames = [(0, length)]
    while frames[-1][0] + hop + length <= duration:
        frames.append((frames[-1][0] + hop, frames[-1][0] + hop + length))
    return frames


def overlap(one: Span, other: Span) -> int:
    return max(0, min(one[1], other[1]) - max(one[0], other[0]))


def fills_half(event: Span, frame: Span) -> bool:
    """The event fills half of the frame, or the frame holds half of the event."""
    shorter = min(frame[1] - frame[0], event[1] - event[0])
    return 2 * overlap(event, frame) >= shorter


def touches(event: Span, clip: Span) -> bool:
    return overlap(event, clip) > 0


def frame_clip(
    graph: nx.DiGraph,
    clip: Clip,
    vocabulary: list[str],
    negatives: str,
    parents: str,
    *,
    length: int,
    hop: int,
    annotated: set[str] | None = None,
) -> list[dict[str, str]]:
    """State of every class of the vocabulary in every frame of a clip."""
    frames = frames_of(clip.duration, length, hop)
    return _states(graph, clip, vocabulary, negatives, parents, frames, fills_half, annotated)


def diffuse_clip(
    graph: nx.DiGraph,
    clip: Clip,
    vocabulary: list[str],
    negatives: str,
    parents: str,
    annotated: set[str] | None = None,
) -> dict[str, str]:
    """State of every class of the vocabulary in the clip as a whole."""
    frames = [(0, clip.duration)]
    return _states(graph, clip, vocabulary, negatives, parents, frames, touches, annotated)[0]


def missed_and_clashing(
    graph: nx.DiGraph, clip: Clip, vocabulary: list[str], parents: str, frames: list[Span], reaches
) -> tuple[set[str], set[str]]:
    """Classes with an event and no positive frame; those positive where confirmed absent."""
    climbs = [_climb(graph, s, vocabulary, parents) for s in clip.statements]
    missed, clashing = set(), set()
    for c in vocabulary:
        events = _events_of(clip, climbs, c)
        positive = [frame for frame in frames if any(reaches(e, frame) for e in events)]
        if events and not positive:
            missed.add(c)
        if any(_is_absent(graph, clip, c, frame) for frame in positive):
            clashing.add(c)
    return missed, clashing


def _climb(
    graph: nx.DiGraph, statement: Statement, vocabulary: list[str], parents: str
) -> tuple[set[str], set[str]]:
    """Classes that share the events of the statement's class, and those that may."""
    if statement.class_id is None:
        return set(), set()
    if parents == "none":
        return {statement.class_id}, set()
    lifted, unsure = climb(graph, statement.class_id, set(vocabulary), parents)
    return {statement.class_id, *lifted}, unsure


def _events_of(clip: Clip, climbs: list[tuple[set[str], set[str]]], class_id: str) -> list[Span]:
    """Events of the class itself, and of the classes that lift it."""
    return [
        (s.onset, s.offset)
        for s, (lifted, _) in zip(clip.statements, climbs, strict=True)
        if s.state == PRESENT and class_id in lifted
    ]


def _doubts_about(clip: Clip, climbs: list[tuple[set[str], set[str]]], class_id: str) -> list[Span]:
    """Where the class may sound: events of which it may be an ancestor, lost events of its own."""
    doubts = []
    for s, (lifted, unsure) in zip(clip.statements, climbs, strict=True):
        if s.state == PRESENT and class_id in unsure:
            doubts.append((s.onset, s.offset))
        if s.state == UNSURE and class_id == s.class_id:
            doubts.append((s.onset, s.offset))
        if s.state == UNCLEAR and class_id in lifted | unsure:
            doubts.append(EVERYWHERE)
    return doubts


def _is_absent(graph: nx.DiGraph, clip: Clip, class_id: str, frame: Span) -> bool:
    """The class, or one above it, was confirmed absent in all of the frame that the clip has."""
    start, end = frame[0], min(frame[1], clip.duration)
    return any(
        s.state == ABSENT
        and class_id in {s.class_id, *nx.descendants(graph, s.class_id)}
        and s.onset <= start
        and end <= s.offset
        for s in clip.statements
    )


def _states(
    graph: nx.DiGraph,
    clip: Clip,
    vocabulary: list[str],
    negatives: str,
    parents: str,
    frames: list[Span],
    reaches,
    annotated: set[str] | None,
) -> list[dict[str, str]]:
    labelled = any(s.state in (PRESENT, EMPTY, UNSURE, OTHER) for s in clip.statements)
    climbs = [_climb(graph, s, vocabulary, parents) for s in clip.statements]
    positive, unsure, explicit = {}, {}, {}
    for c in graph:
        events, doubts = _events_of(clip, climbs, c), _doubts_about(clip, climbs, c)
        for i, frame in enumerate(frames):
            positive[c, i] = any(reaches(event, frame) for event in events)
            unsure[c, i] = any(doubt == EVERYWHERE or reaches(doubt, frame) for doubt in doubts)
            explicit[c, i] = _is_absent(graph, clip, c, frame)
    result: list[dict[str, str]] = [{} for _ in frames]
    for i in range(len(frames)):
        open_ = {c for c in graph if positive[c, i] or unsure[c, i]}
        denied = {c for c in graph if explicit[c, i]}
        for c in vocabulary:
            sounds = any(positive[c, j] for j in range(len(frames)))
            negative = {
                "complementary": sounds,
                "explicit": explicit[c, i],
                "both": sounds or explicit[c, i],
                "all": labelled or explicit[c, i],
            }[negatives]
            if annotated is not None:
                unheard = nobody_listened(graph, c, open_, annotated, denied, vocabulary, parents)
                negative = negative and not unheard
            if positive[c, i]:
                result[i][c] = POSITIVE
            elif unsure[c, i] or not negative:
                result[i][c] = UNKNOWN
            else:
                result[i][c] = NEGATIVE
    return result

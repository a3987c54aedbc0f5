"""Comparison as its definition reads: one clip and one class at a time, over dicts, slowly."""

from collections.abc import Iterable, Mapping

POSITIVE, NEGATIVE, UNKNOWN = "positive", "negative", "unknown"

Rows = Iterable[tuple[str, Mapping[str, str]]]


def state_of_labels(labels: set[str] | None, class_id: str) -> str:
    if labels is None:
        return UNKNOWN
    return POSITIVE if class_id in labels else NEGATIVE


def join_labels(rows: Iterable[tuple[str, set[str] | None]]) -> dict[str, set[str] | None]:
    """The labels of each clip: those of all its rows; None if all its rows are unlabelled."""
    clips: dict[str, set[str] | None] = {}
    for clip, labels in rows:
        before = clips.get(clip)
        clips[clip] = before if labels is None else (before or set()) | labels
    return clips


def join_states(rows: Rows) -> dict[str, dict[str, str]]:
    """The state of each class in each clip, from its rows."""
    clips: dict[str, dict[str, list[str]]] = {}
    for clip, states in rows:
        for class_id, state in states.items():
            clips.setdefault(clip, {}).setdefault(class_id, []).append(state)
    return {
        clip: {class_id: join(found) for class_id, found in classes.items()}
        for clip, classes in clips.items()
    }


def join(states: list[str]) -> str:
    if POSITIVE in states:
        return POSITIVE
    return NEGATIVE if set(states) == {NEGATIVE} else UNKNOWN


def compared_clips(
    a: Mapping[str, Mapping[str, str]], b: Mapping[str, Mapping[str, str]]
) -> list[str]:
    return [clip for clip in a if clip in b and speaks(a[clip]) and speaks(b[clip])]


def speaks(states: Mapping[str, str]) -> bool:
    return set(states.values()) != {UNKNOWN}


def table(
    a: Mapping[str, Mapping[str, str]],
    b: Mapping[str, Mapping[str, str]],
    in_a: str,
    in_b: str,
) -> tuple[int, int, int, int]:
    """Clips with both classes, with the first alone, with the second alone, with neither."""
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for clip in compared_clips(a, b):
        mine, theirs = a[clip].get(in_a, UNKNOWN), b[clip].get(in_b, UNKNOWN)
        if UNKNOWN not in (mine, theirs):
            counts[mine == POSITIVE, theirs == POSITIVE] += 1
    both, first, second, neither = counts.values()
    return both, first, second, neither


def prior(side: Mapping[str, Mapping[str, str]], clips: list[str], class_id: str) -> list[int]:
    """Clips in which a class is positive, and in which it is known."""
    states = [side[clip].get(class_id, UNKNOWN) for clip in clips]
    return [states.count(POSITIVE), len(states) - states.count(UNKNOWN)]

"""Verdicts applied one by one to the labels of clips, as dictionaries and sets, slowly."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from oracles.clips import rows_meant


class Judged(NamedTuple):
    """What is known of a clip: `given` is None where it is unannotated."""

    given: set[str] | None
    absent: set[str]
    unsure: set[str]
    judged: set[str]
    others_unknown: bool


def judge(
    clips: Mapping[str, set[str] | None], verdicts: Iterable[tuple[str, str, str]]
) -> dict[str, Judged]:
    """Clips after verdicts of (clip, class, word)."""
    ids, words = list(clips), dict[tuple[str, str], set[str]]()
    for name, class_id, word in verdicts:
        rows = rows_meant(name, ids)
        if word != "skip" and rows:
            (row,) = rows
            words.setdefault((ids[row], class_id), set()).add(word)
    result = {}
    for clip, given in clips.items():
        own = {c: word for (of, c), (word, *more) in words.items() if of == clip and not more}
        present, absent, unsure = (
            {c for c, word in own.items() if word == state}
            for state in ("present", "absent", "unsure")
        )
        kept = (given or set()) - absent - unsure | present
        unannotated = given is None
        result[clip] = Judged(
            None if unannotated and not present else kept,
            absent,
            unsure,
            absent | unsure,
            unannotated and bool(present),
        )
    return result

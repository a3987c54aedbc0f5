"""The roles of columns, and the names by which each is known.

A column is found by its name in lower case; of several known ones the first in this table counts.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple


class Role(NamedTuple):
    """What a column holds, and how it may be called, in order of preference."""

    summary: str
    names: tuple[str, ...]


def _role(summary: str, names: str) -> Role:
    return Role(summary, tuple(names.split()))


LENGTHS = "clip_duration clip_duration_seconds audio_duration file_duration recording_duration"

COLUMNS: Mapping[str, Role] = MappingProxyType(
    {
        "clip": _role(
            "clip",
            "ytid yt_id youtube_id video_id segment_id clip_id filename file_name fname audio_id "
            "audio_name audio clip file path wav",
        ),
        "start": _role("start", "start_seconds start_time_seconds start_time start onset from"),
        "end": _role("end", "end_seconds end_time_seconds end_time end offset to"),
        "labels": _role(
            "labels of one row per clip",
            "positive_labels mids labels event_labels human_labels tags classes",
        ),
        "label": _role("label of one row per label", "mid event_label label class tag category"),
        "present": _role("whether the class is present, in framed files", "present"),
        "length": _role("length of the clip, in event files", LENGTHS),
        "duration": _role(
            "length of the clip, in a table of lengths",
            f"{LENGTHS} duration duration_seconds length",
        ),
    }
)


def find_column(names: Sequence[str], role: str) -> str | None:
    """The name of the column with a role (a key of `COLUMNS`), or None."""
    return next((name for name in COLUMNS[role].names if name in names), None)


def known_names(*roles: str) -> str:
    """The names of columns with one of the roles, as messages list them."""
    return ", ".join(name for role in roles for name in COLUMNS[role].names)

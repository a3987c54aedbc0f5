"""Which clip a name means, and which recording: slowly, as `docs/clips.md` states it."""

import re
from collections.abc import Sequence

from audiolabels.clips.names import EXTENSION, parse_clip_name

START = re.compile(r"0|[1-9][0-9]{3,8}")
SECONDS = re.compile(r"[1-9][0-9]{0,2}")
VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")


def rows_meant(name: str, table: Sequence[str]) -> list[int]:
    """The rows of a table that a name could mean; it is found if there is one."""
    own, others = split(canonical(name)), [split(canonical(clip)) for clip in table]
    videos = [split(of_video(clip)) for clip in table]
    steps = (
        [clip == name for clip in table],
        *([clip == path for clip in table] for path in paths_with_folders(name)),
        [canonical(clip) == canonical(name) for clip in table],
        [of_video(clip) == of_video(name) for clip in table],
        [same_in_other_unit(own, other, others) for other in others],
        [same_video_without_start(split(of_video(name)), other) for other in others],
        [same_video_with_start(own, other, others, videos[i]) for i, other in enumerate(others)],
    )
    for step in steps:
        if any(step):
            return [row for row, same in enumerate(step) if same]
    return []


def canonical(name: str) -> str:
    return parse_clip_name(name).clip_id


def paths_with_folders(name: str) -> list[str]:
    """The path without extension, and its ends that have a folder, from the longest."""
    folders = EXTENSION.sub("", name.replace("\\", "/")).split("/")
    return ["/".join(folders[start:]) for start in range(len(folders) - 1)]


def of_video(name: str) -> str:
    return parse_clip_name(name, of_video=True).clip_id


def split(clip: str) -> tuple[str | None, str]:
    """The video, None if it is none, and what follows it."""
    video, start = clip[:11], clip[12:]
    if VIDEO.fullmatch(clip) or (VIDEO.fullmatch(video) and clip[11] == "_" and start):
        return video, start
    return None, clip


Parts = tuple[str | None, str]


def same_in_other_unit(own: Parts, other: Parts, others: list[Parts]) -> bool:
    starts = [start for video, start in others if video is not None]
    in_seconds = [start for start in starts if SECONDS.fullmatch(start)]
    in_ms = [start for start in starts if START.fullmatch(start) and start != "0"]
    if own[0] is None or own[0] != other[0] or (in_seconds and in_ms):
        return False
    if SECONDS.fullmatch(own[1]):
        return other[1] == own[1] + "000"
    return bool(SECONDS.fullmatch(other[1])) and own[1] == other[1] + "000"


def same_video_without_start(own: Parts, other: Parts) -> bool:
    return own[0] is not None and own == (other[0], "") and bool(START.fullmatch(other[1]))


def same_video_with_start(own: Parts, other: Parts, others: list[Parts], bare: Parts) -> bool:
    if own[0] is None or not START.fullmatch(own[1]):
        return False
    elsewhere = any(own[0] == video and START.fullmatch(start) for video, start in others)
    return bare == (own[0], "") and not elsewhere


def recording(name: str) -> str:
    """What all clips of a recording have in common."""
    clip = of_video(name)
    video, start = split(clip)
    return video if video is not None and START.fullmatch(start) else clip

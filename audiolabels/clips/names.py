"""Clip ids and times as label files write them.

A clip id is the 11 characters of a YouTube video, `_`, and the start in milliseconds; without a
known start, the 11 characters alone. Any other name stays as it is, without folder and audio
extension; so does a name that is made of words, such as `city_center_10_20` or `Yellowhammer`,
unless the form of its times is one that only YouTube clips have.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import texts_to_arrow, to_bools

VIDEO = re.compile(r"[\w-]{11}", re.ASCII)
CLIP_ID = re.compile(r"[\w-]{11}(_\d+)?", re.ASCII)
NAMED = re.compile(
    r"(?:Y(?=[\w-]{11}(?:_|$)))?(?P<video>[\w-]{11})"
    r"(?:_(?P<start>0\d{5}(?=$)|(?:0|[1-9]\d{0,8})(?:\.\d+)?)"
    r"(?:_(?P<end>(?:0|[1-9]\d{0,8})(?:\.\d+)?))?)?",
    re.ASCII,
)
# The two forms of times that occur after YouTube ids alone: AudioSet's downloads and VGGSound's.
VIDEO_TIMES = re.compile(r".{11,12}_(\d+\.\d+_\d+\.\d+|0\d{5})")
# Words and numbers, as people name recordings. Of AudioSet's ids 16 in 10,000 look like that.
WORDS = re.compile(
    r"([A-Z]?[a-z]{3,}|[A-Z]{4,})([A-Z][a-z]{3,}|[_-]([A-Z]?[a-z]{2,}|[A-Z]{3,}|[A-Za-z]?\d+))*"
    r"(\d+|[_-][A-Za-z])?|[A-Z]?[\d_-]+|[a-z][a-z_-]+\d*|[A-Z][A-Z_-]+\d*"
    r"|[A-Z0-9]{2,}([_-][a-z]{2,}\d*)+|[a-z]+\d+([_-][a-z]+\d*)+",
    re.ASCII,
)
ADDRESS = re.compile(
    r"(?:https?://)?(?:(?:www|m)\.)?(?:youtu\.be/|youtube\.com/(?:watch\?(?:.*&)?v=|embed/|shorts/))"
    r"(?P<video>[\w-]{11})(?:[?&#](?:(?:.*&)?(?:t|start)=(?P<start>\d{1,6})s?(?:&.*)?|.*))?",
    re.ASCII | re.IGNORECASE,
)
EXTENSION = re.compile(r"\.(wav|flac|mp3|ogg|opus|m4a|aac|mp4|mkv|webm|npy|npz|pt)$", re.IGNORECASE)
DECIMAL = re.compile(r"\+?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
SPREADSHEET_ERROR = re.compile(r"#(NAME\?|REF!|VALUE!|N/A|DIV/0!|NUM!|NULL!)")
# VGGSound writes the start as six digits of seconds; as milliseconds no such number starts with 0.
VGGSOUND_START = re.compile(r"0\d{5}")
# A video and a start of 0, or of at least a second, in milliseconds; unlike "office_day1_5".
STARTED = r"^[A-Za-z0-9_-]{11}_(0|[1-9][0-9]{3,8})$"
# Occurs in every name that is not a clip id.
ODD = r"[^!-~]|[/\\.]|^Y[\w-]{11}(_|$)|^[\w-]{11}_(0\d|\d+_)"
LONGEST_CLIP_S = 1000  # labelled clips last seconds; longer ones are in milliseconds


class Clip(NamedTuple):
    """A clip's id and, if the name gives it, its length in milliseconds."""

    clip_id: str
    duration_ms: int | None


def parse_clip_name(name: str, *, of_video: bool = False, folders: bool = False) -> Clip:
    """The clip in a file name, a YouTube address or an id.

    Args:
        name: in any form.
        of_video: whether names made of words are read as those of YouTube clips, if they can be.
        folders: whether the id of any other clip keeps the folders.

    >>> parse_clip_name("audio/YyfSco9z1fpw_190.000_200.000.wav")
    Clip(clip_id='yfSco9z1fpw_190000', duration_ms=10000)
    >>> parse_clip_name("--U7joUcTCo_000055").clip_id, parse_clip_name("64760.wav").clip_id
    ('--U7joUcTCo_55000', '64760')
    >>> parse_clip_name("city_center_10_20.wav")
    Clip(clip_id='city_center_10_20', duration_ms=None)
    >>> parse_clip_name("city_center_10_20.wav", of_video=True)
    Clip(clip_id='city_center_10000', duration_ms=10000)
    """
    name = name.strip()
    if address := ADDRESS.fullmatch(name):
        video, start = address.groups()
        return Clip(video if start is None else f"{video}_{int(start) * 1000}", None)
    path = EXTENSION.sub("", name.replace("\\", "/"))
    stem = path.rsplit("/", 1)[-1]
    match, whole = NAMED.fullmatch(stem), path if folders and stem else stem
    if not match:
        return Clip(whole, None)
    video, start, end = match.group("video", "start", "end")
    words = WORDS.fullmatch(stem[: match.end("video")])
    if words and not of_video and not VIDEO_TIMES.fullmatch(stem):
        return Clip(whole, None)
    if start is None:
        return Clip(video, None)
    if end is None:
        in_seconds = "." in start or VGGSOUND_START.fullmatch(start)
        return Clip(f"{video}_{to_ms(start) if in_seconds else int(start)}", None)
    start_ms, end_ms = to_ms(start), to_ms(end)
    if "." not in start + end and end_ms - start_ms >= LONGEST_CLIP_S * 1000:
        start_ms, end_ms = int(start), int(end)
    return Clip(f"{video}_{start_ms}", end_ms - start_ms if end_ms > start_ms else None)


def mostly_videos(names: Sequence[str]) -> bool:
    """Whether nine in ten names are those of YouTube clips, and not made of words."""
    ids = [parse_clip_name(name).clip_id for name in names]
    videos = [id_ for id_ in ids if CLIP_ID.fullmatch(id_) and not WORDS.fullmatch(id_[:11])]
    return bool(ids) and len(videos) >= 0.9 * len(ids)


def canonical_ids(names: pa.StringArray, *, of_video: bool = False) -> pa.StringArray:
    """The clip id in each name, as `parse_clip_name` reads it; the same array if all are ids."""
    odd = pc.match_substring_regex(names, ODD)
    chosen = np.flatnonzero(to_bools(odd))
    if not len(chosen):
        return names
    texts = names.filter(odd).to_pylist()
    ids = [parse_clip_name(name, of_video=of_video).clip_id for name in texts]
    return pc.replace_with_mask(names, odd, texts_to_arrow(ids))


def video_and_start(clip_id: str) -> tuple[str, int | None]:
    """The video of a YouTube clip and its start in milliseconds; else the id itself and None.

    >>> video_and_start("Y9d-2nhuJCQ_30000"), video_and_start("office_day1_5")
    (('Y9d-2nhuJCQ', 30000), ('office_day1_5', None))
    """
    return (clip_id[:11], int(clip_id[12:])) if re.fullmatch(STARTED, clip_id) else (clip_id, None)


def videos_of(clip_id: pa.StringArray) -> pa.StringArray:
    """The videos of YouTube clips, or the whole ids of others; clips of a recording share it.

    >>> videos_of(pa.array(["Y9d-2nhuJCQ_30000", "64760"])).to_pylist()
    ['Y9d-2nhuJCQ', '64760']
    """
    started = pc.match_substring_regex(clip_id, STARTED)
    return pc.if_else(started, pc.utf8_slice_codeunits(clip_id, 0, 11), clip_id)


@lru_cache(maxsize=1 << 16)
def to_ms(text: str, unit_ms: int = 1000) -> int:
    """Whole milliseconds of a decimal number of seconds, or of other units; half goes up.

    A ValueError is raised for what is not a finite number from zero on.

    >>> to_ms("30.000"), to_ms(" 0.0005"), to_ms("1e1")
    (30000, 1, 10000)
    """
    with suppress(InvalidOperation):  # an exponent beyond all bounds
        if DECIMAL.fullmatch(text.strip()) and (number := Decimal(text.strip())) < 10**9:
            return int(number * unit_ms + Decimal("0.5"))
    raise ValueError(f"not a time in seconds: {text.strip()!r}")

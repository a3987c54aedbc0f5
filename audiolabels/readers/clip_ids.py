"""How names of files become ids of clips: with or without folders, and as those of videos."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from audiolabels.clips.names import EXTENSION, VIDEO
from audiolabels.readers.formats import Format, Layout
from audiolabels.readers.memory import InMemory
from audiolabels.readers.opening import Source, open_source

Rows = TypeVar("Rows")
Names = tuple[pa.StringArray, pa.StringArray]
SAMPLE = 200  # clips of a part that are looked at
# What label files have behind the name of their clip; first what Raven and BirdNET append.
SUFFIXES = re.compile(
    r"(\.Table\.\d+)?(\.BirdNET)?(\.selections?)?(\.table)?"
    r"\.(txt|tsv|csv|ann|lab|jams|jamz|json|jsonl)(\.gz|\.zip)?$",
    re.IGNORECASE,
)


def clip_of_file(path: Path) -> str:
    """The name of the clip, with folders, that a file of labels is called after.

    >>> clip_of_file(Path("dawn/XC1.Table.1.selections.txt"))
    'dawn/XC1'
    """
    return SUFFIXES.sub("", path.as_posix())


def folders_needed(
    paths: Sequence[Path | InMemory],
    detect: Callable[[Source], tuple[Format[Any], Layout]],
    names: Callable[[Source, Format[Any], Layout], Iterable[Names]],
) -> bool:
    """Whether two files of the same name in different folders occur among the clips.

    Files whose first rows have no folders are not read for it. The clips of YouTube videos are
    known without their folders.

    Args:
        paths: the files.
        detect: finds format and layout of an opened file.
        names: the clips as the file writes them, and their ids, part by part.

    Raises:
        AudioLabelsError: a file cannot be read.
    """
    files: dict[str, str] = {}
    for path in paths:
        with open_source(path, start=True) as source:
            found, layout = detect(source)
            if not layout.folders:
                continue
            for part, clip_id in names(source, found, layout):
                for name, clip in zip(part.to_pylist(), clip_id.to_pylist(), strict=True):
                    file = EXTENSION.sub("", name)
                    if not VIDEO.match(clip[:11]) and files.setdefault(clip, file) != file:
                        return True
    return False


def note_videos(
    parts: Iterable[Rows], names: Callable[[Rows], Names], notes: list[str]
) -> Iterator[Rows]:
    """The same parts; a note of the first whose names were taken for those of YouTube clips."""
    for part in parts:
        if not notes:
            texts, clip_id = (column.slice(0, SAMPLE).to_pylist() for column in names(part))
            pairs = zip(texts, clip_id, strict=True)
            taken = [pair for pair in pairs if VIDEO.match(pair[1][:11]) and _is_renamed(*pair)]
            if taken:
                name, clip = taken[0]
                notes.append(
                    f"names are taken for those of YouTube clips, such as {name} for {clip}"
                )
        yield part


def _is_renamed(name: str, clip: str) -> bool:
    stem = EXTENSION.sub("", name.replace("\\", "/").rsplit("/", 1)[-1])
    return clip != stem and not clip.startswith(f"{stem}_")

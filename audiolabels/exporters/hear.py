"""HEAR's JSON and `labelvocabulary.csv`.

Format: for whole clips `{file: [label, …]}`, for frames `{file: [{"label", "start", "end"}, …]}` in
milliseconds; `labelvocabulary.csv` has the columns `idx,label`. Touching or overlapping frames of a
class are one event. `<json name>_masked.json` has the unknown classes in the same format; HEAR
opens no such file. Any vocabulary works.

Not possible: the grid of the frames, since HEAR reads the labels at the timestamps of its
embeddings, with both ends of an event included; and scores of soft targets. Deviation: labels are
ids by default, while HEAR's tasks use names.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from audiolabels.exporters.clip_selection import (
    Selection,
    are_segments,
    label_lists,
    name_after,
    select_clips,
)
from audiolabels.exporters.event_selection import frame_runs, read_state
from audiolabels.exporters.written_files import Export
from audiolabels.files import refuse_other_classes, write_classes, write_rows
from audiolabels.targets.targets import Targets


def write_hear(
    targets: Targets, path: str | Path, *, files: str = "{clip}.wav", names: bool = False
) -> Export:
    """Write the JSON, the unknown classes, and `labelvocabulary.csv`.

    Args:
        targets: N clips or frames.
        files: names of the audio files, see `name_after`.
        names: display names as labels, not ids.

    Raises:
        OptionError: unsuitable `files`, or another vocabulary in the folder.
    """
    export, path, vocabulary = Export(), Path(path), targets.vocabulary
    labels = vocabulary.names if names else vocabulary.ids
    classes = [("idx", "label"), *((str(i), label) for i, label in enumerate(labels))]
    class_file, unknown = (
        path.with_name("labelvocabulary.csv"),
        path.with_name(f"{path.stem}_masked.json"),
    )
    refuse_other_classes(class_file, classes)
    unit, lines = ("frames", _events) if are_segments(targets) else ("clips", _labels)
    clips = select_clips(targets, "hear", name_after(files), export, empty=True, unit=unit)
    for file, state in ((path, "positive"), (unknown, "unknown")):
        export.files[file] = write_rows(file, _object(lines(clips, labels, state))) - 2
    export.files[class_file] = write_classes(class_file, classes)
    return export


def _labels(clips: Selection, labels: Sequence[str], state: str) -> Iterator[str]:
    for rows, names in clips.blocks():
        listed = label_lists(read_state(clips.targets, rows, state), labels)
        for name, some in zip(names, listed, strict=True):
            yield f"{_text(name)}: {_text(some)}"


def _events(clips: Selection, labels: Sequence[str], state: str) -> Iterator[str]:
    for names, runs in frame_runs(clips, state):
        events: list[list[dict[str, str | int]]] = [[] for _ in names]
        for owner, c, begin, end in zip(*(a.tolist() for a in runs), strict=True):
            events[owner].append({"label": labels[c], "start": begin, "end": end})
        for name, some in zip(names, events, strict=True):
            yield f"{_text(name)}: {_text(some)}"


def _object(members: Iterator[str]) -> Iterator[str]:
    """The lines of a JSON object, one member each."""
    yield "{"
    last = next(members, None)
    for member in members:
        yield f"{last},"
        last = member
    if last is not None:
        yield last
    yield "}"


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)

"""HEAR's JSON and `labelvocabulary.csv`.

Form: of whole clips `{file: [label, …]}`, of frames `{file: [{"label", "start", "end"}, …]}` in
milliseconds; `labelvocabulary.csv` has the columns `idx,label`. Frames of a class that meet or
overlap are one event. `<json name>_masked.json` has the same form and holds what is unknown; HEAR
opens no such file. Any vocabulary works.

What it cannot hold: the grid of the frames. HEAR asks for the labels at the points in time of its
embeddings, and both ends of an event count. Deviation: HEAR's tasks call classes by name; here
labels are ids unless `names` says otherwise. A soft target has no place in an event.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audiolabels.columns import to_arrow, to_numpy
from audiolabels.exporters.clips import (
    ROWS,
    Clips,
    Name,
    Rows,
    are_segments,
    choose_clips,
    clip_spans,
    clips_named,
    label_lists,
    name_after,
    tell_apart,
)
from audiolabels.exporters.writing import Export, refuse_other_classes, write_classes, write_rows
from audiolabels.schemes.runs import merge
from audiolabels.targets import Targets

Table = Callable[[Targets, Rows], npt.NDArray[np.bool_]]

CLIPS = ROWS // 16  # whose frames are unpacked at a time


def write_hear(
    targets: Targets, path: str | Path, *, files: str = "{clip}.wav", names: bool = False
) -> Export:
    """Write the JSON, the unknown classes, and `labelvocabulary.csv`.

    Args:
        targets: N clips or frames.
        path: an existing file is replaced at the end.
        files: names of the audio files, see `name_after`.
        names: whether labels are display names, not ids.

    Raises:
        OptionError: `files` does not fit, or another vocabulary stands beside `path`.
        TargetsFileError: a file cannot be written; what was there is untouched.
    """
    export, path, vocabulary = Export(), Path(path), targets.vocabulary
    labels = vocabulary.names if names else vocabulary.ids
    classes = [("idx", "label"), *((str(i), label) for i, label in enumerate(labels))]
    beside, unknown = (
        path.with_name("labelvocabulary.csv"),
        path.with_name(f"{path.stem}_masked.json"),
    )
    refuse_other_classes(beside, classes)
    name = name_after(files)
    if are_segments(targets):
        clips, lines = _framed(targets, name, export), _events
    else:
        clips, lines = choose_clips(targets, "hear", name, export, empty=True), _labels
    for file, table in ((path, _positive), (unknown, _unknown)):
        export.files[file] = write_rows(file, _object(lines(clips, labels, table))) - 2
    export.files[beside] = write_classes(beside, classes)
    return export


def _positive(targets: Targets, rows: Rows) -> npt.NDArray[np.bool_]:
    return targets.to_numpy(rows)[0] > 0


def _unknown(targets: Targets, rows: Rows) -> npt.NDArray[np.bool_]:
    unknown: npt.NDArray[np.bool_] = targets.to_numpy(rows)[1] == 0
    return unknown


def _framed(targets: Targets, name: Name, export: Export) -> Clips:
    """The first frames of the clips of which something is known."""
    first, _ = clip_spans(targets)
    known = np.bitwise_count(targets.masked).sum(1, dtype=np.int64) < len(targets.vocabulary)
    heard = np.logical_or.reduceat(known[targets.row_of_clip], first) if len(first) else first > 0
    nothing = targets.clip_id.take(to_arrow(first[~heard]))
    export.leave_out("clips of which nothing is known", nothing)
    return tell_apart(clips_named(targets, first[heard], name), export)


def _labels(clips: Clips, labels: Sequence[str], table: Table) -> Iterator[str]:
    for rows, names in clips.blocks():
        listed = label_lists(table(clips.targets, rows), labels)
        for name, some in zip(names, listed, strict=True):
            yield f"{_text(name)}: {_text(some)}"


def _events(clips: Clips, labels: Sequence[str], table: Table) -> Iterator[str]:
    targets = clips.targets
    onset, offset = (
        np.rint(to_numpy(times) * 1000).astype(np.int64)
        for times in (targets.onset, targets.offset)
    )
    firsts, stops = clip_spans(targets)
    stop_of = stops[np.searchsorted(firsts, clips.rows)]
    for start in range(0, len(clips), CLIPS):
        first = clips.rows[start : start + CLIPS]
        sizes = stop_of[start : start + CLIPS] - first
        clip = np.repeat(np.arange(len(first)), sizes)
        rows = np.arange(len(clip)) + np.repeat(first - np.cumsum(sizes) + sizes, sizes)
        row, column = np.nonzero(table(targets, rows))
        runs = merge(clip[row], column, onset[rows[row]], offset[rows[row]])
        events: list[list[dict[str, str | int]]] = [[] for _ in first]
        for owner, c, begin, end in zip(*(a.tolist() for a in runs), strict=True):
            events[owner].append({"label": labels[c], "start": begin, "end": end})
        names = clips.names.slice(start, CLIPS).to_pylist()
        for name, some in zip(names, events, strict=True):
            yield f"{_text(name)}: {_text(some)}"


def _object(members: Iterator[str]) -> Iterator[str]:
    """The lines of a JSON object, a member each."""
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

"""HEAR's JSON and `labelvocabulary.csv`.

Format: for whole clips `{file: [label, …]}`, for frames `{file: [{"label", "start", "end"}, …]}` in
milliseconds; `labelvocabulary.csv` has the columns `idx,label`. Touching or overlapping frames of a
class are one event. `<json name>_masked.json` has the unknown classes in the same format; HEAR
opens no such file. Any vocabulary works.

Not possible: the grid of the frames, since HEAR reads the labels at the timestamps of its
embeddings, with both ends of an event included; and scores of soft targets. Deviation: labels are
ids by default, while HEAR's tasks use names.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.exporters.clip_selection import Selection, are_segments, name_after, select_clips
from audiolabels.exporters.event_selection import frame_runs
from audiolabels.exporters.text_columns import Column, json_lines, json_text, json_texts
from audiolabels.exporters.written_files import Export
from audiolabels.files import refuse_other_classes, write_blocks, write_classes
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
    unit, members = ("frames", _events) if are_segments(targets) else ("clips", _labels)
    clips = select_clips(targets, "hear", name_after(files), export, empty=True, unit=unit)
    for file, state in ((path, "positive"), (unknown, "unknown")):
        write_blocks(file, json_lines("{", members(clips, labels, state), "}"))
        export.files[file] = len(clips)
    export.files[class_file] = write_classes(class_file, classes)
    return export


def _labels(clips: Selection, labels: Sequence[str], state: str) -> Iterator[list[Column]]:
    words = list(map(json_text, labels))
    for part in clips.parts():
        yield [json_texts(part.names), ": [", part.join(state, words, ", "), "]"]


def _events(clips: Selection, labels: Sequence[str], state: str) -> Iterator[list[Column]]:
    for names, runs in frame_runs(clips, state):
        events: list[list[dict[str, str | int]]] = [[] for _ in names]
        for owner, c, begin, end in zip(*(a.tolist() for a in runs), strict=True):
            events[owner].append({"label": labels[c], "start": begin, "end": end})
        listed = texts_to_arrow(list(map(json_text, events)))
        yield [json_texts(names), ": ", listed]

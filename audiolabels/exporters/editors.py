"""Events for audio editors: selection tables of Raven Pro, and labels of Audacity.

Raven: tab-separated `Selection`, `View`, `Channel`, `Begin Time (s)`, `End Time (s)`,
`Low Freq (Hz)`, `High Freq (Hz)`, then `Begin File`, `File Offset (s)` and `Annotation`. Times are
those in the clip's own file. One table holds all clips, or a new folder holds a table per clip,
which Raven opens with the audio file. Events have no frequencies, so selections begin at 0 Hz.

Audacity: a new folder with `<clip>.txt` per clip: onset, offset and label, separated by tabs,
without a header.

Both keep each event with the times given; frames of a class that touch or overlap are one event.
Labels are display names by default, since people look at them.

Not possible: unknown classes, a clip without events, and scores.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from audiolabels.arrays.intervals import Runs
from audiolabels.clips.names import EXTENSION
from audiolabels.errors import OptionError
from audiolabels.exporters.clip_selection import (
    are_segments,
    name_after,
    refuse_labels,
    select_clips,
)
from audiolabels.exporters.event_selection import frame_runs, select_events
from audiolabels.exporters.written_files import Export, new_folder
from audiolabels.files import blame, seconds, write_rows
from audiolabels.labels.events import UNKNOWN, Events
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
from audiolabels.targets.targets import Targets

RAVEN = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Begin File",
    "File Offset (s)",
    "Annotation",
)
UNFIT = r"[\t\r\n\0]"


class Event(NamedTuple):
    """An event in its audio file, in milliseconds."""

    file: str
    onset: int
    offset: int
    label: str


def write_raven(
    labels: Targets | Events,
    path: str | Path,
    *,
    files: str = "{clip}.wav",
    ids: bool = False,
    vocabulary: str | Path | Vocabulary | None = None,
    parents: str | None = None,
    high_frequency: float = 8000.0,
) -> Export:
    """Write selection tables.

    Args:
        labels: targets of frames, or events.
        path: one table if it ends in `.txt`, else a new folder with a table per clip.
        files: names of the audio files, see `name_after`.
        ids: labels are ids, not display names.
        vocabulary: for events, `audioset-strong` by default; events of other classes are left out.
        parents: for events, see `merge_events`; `none` by default.
        high_frequency: upper edge of the selections, in hertz.

    Raises:
        OptionError: targets of whole clips, unsuitable `path`, `files`, labels or names, an
            existing folder, a vocabulary or parents for targets, or no such policy.
        VocabularyError: no such vocabulary, or the ontology lacks one of its classes.
    """
    export, path = Export(), Path(path)
    if path.suffix not in ("", ".txt"):
        raise OptionError(
            f"{path}: end one table in .txt, or name a new folder for a table per clip"
        )
    events = _events(labels, "raven", files, ids, vocabulary, parents, export)

    def rows(some: Iterable[Event]) -> Iterator[tuple[str, ...]]:
        for number, (file, onset, offset, label) in enumerate(some, 1):
            begin, end = seconds(onset), seconds(offset)
            bounds = (begin, end, "0.0", f"{high_frequency:.1f}")
            yield str(number), "Spectrogram 1", "1", *bounds, file, begin, label

    if path.suffix == ".txt":
        lines = map("\t".join, rows(events))
        export.files[path] = write_rows(path, chain(["\t".join(RAVEN)], lines)) - 1
    else:
        _write_folder(path, events, ["\t".join(RAVEN)], rows, export)
    export.notes.append(
        f"selections reach from 0 to {high_frequency:,.0f} Hz, since events have no frequencies"
    )
    return export


def write_audacity(
    labels: Targets | Events,
    path: str | Path,
    *,
    files: str = "{clip}.wav",
    ids: bool = False,
    vocabulary: str | Path | Vocabulary | None = None,
    parents: str | None = None,
) -> Export:
    """Write a new folder with a file of labels per clip; arguments and errors as for Raven."""
    export = Export()
    events = _events(labels, "audacity", files, ids, vocabulary, parents, export)

    def rows(some: Iterable[Event]) -> Iterator[tuple[str, ...]]:
        return ((seconds(onset), seconds(offset), label) for _, onset, offset, label in some)

    _write_folder(Path(path), events, [], rows, export)
    return export


def _events(
    labels: Targets | Events,
    form: str,
    files: str,
    ids: bool,
    vocabulary: str | Path | Vocabulary | None,
    parents: str | None,
    export: Export,
) -> Iterator[Event]:
    """Events clip by clip, by time; what cannot be held is counted and named in `export`."""
    name = name_after(files)
    if isinstance(labels, Events):
        vocabulary = load_vocabulary(vocabulary or "audioset-strong", ontology=labels.ontology)
        selected = select_events(labels, vocabulary, parents or "none", name, export, merged=False)
        spans: Iterable[tuple[pa.StringArray, Runs]]
        spans = [(selected.names, selected.present)]
        export.left_out["events with impossible times"] = int((labels.state == UNKNOWN).sum())
    elif vocabulary is not None or parents is not None:
        raise OptionError("vocabulary and parents are for events; targets have theirs already")
    elif not are_segments(labels):
        raise OptionError(f"{form} holds events, and these targets are of whole clips")
    else:
        clips = select_clips(labels, form, name, export, empty=False, unit="frames")
        vocabulary, spans = labels.vocabulary, frame_runs(clips, "positive")
    texts = vocabulary.ids if ids else vocabulary.names
    refuse_labels(texts, UNFIT, form)
    return _by_time(spans, texts)


def _by_time(
    spans: Iterable[tuple[pa.StringArray, Runs]], labels: Sequence[str]
) -> Iterator[Event]:
    for files, (clip, column, first, stop) in spans:
        names = files.to_pylist()
        if odd := [name for name in names if re.search(UNFIT, name)]:
            raise OptionError(f"a name with a tab or a line break: {odd[0]!r}")
        order = np.lexsort((column, stop, first, clip))
        columns = (part[order].tolist() for part in (clip, column, first.clip(min=0), stop))
        for c, label, onset, offset in zip(*columns, strict=True):
            yield Event(names[c], onset, offset, labels[label])


def _write_folder(
    path: Path,
    events: Iterator[Event],
    head: Sequence[str],
    rows: Callable[[Iterable[Event]], Iterator[tuple[str, ...]]],
    export: Export,
) -> None:
    """Write a new folder with a text file per clip, named like its audio file."""
    count = 0
    with new_folder(path) as folder:
        for name, some in groupby(events, key=lambda event: event.file):
            inside = Path(f"{EXTENSION.sub('', name)}.txt")
            lines = [*head, *map("\t".join, rows(some))]
            with blame(path):
                if inside.is_absolute() or ".." in inside.parts or (folder / inside).exists():
                    raise OptionError(f"{name!r} names no file of its own in the folder {path}")
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                (folder / inside).write_text("\n".join([*lines, ""]), "utf-8", newline="")
            count += len(lines) - len(head)
    export.files[path] = count

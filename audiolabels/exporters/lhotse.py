"""Supervisions of Lhotse, as icefall's recipe `egs/audioset/AT` has them, and sampling weights.

Format: gzip of JSON lines, each a supervision: `id`, `recording_id`, `start` and `duration` in
seconds, `channel`, and `custom` with `audio_event`, the column numbers of classes joined by `;`.
Further keys of `custom`, which the recipe does not read, are `masked`, the unknown classes joined
likewise, and for soft targets `soft`, see `soft_columns`. `class_labels_indices.csv` lists the
columns; any vocabulary works, though the recipe assumes 527 classes. The gzip file has no time, so
equal targets make equal files. `<name>_weights.txt` has a line `<id> <weight>` per supervision of
targets, where the weight is `sampling_weights(…, "ast")` of the exported ones.

A whole clip is a supervision whose id is that of its recording, the clip's audio file; a segment,
or an event, is one of several. In a copy of a manifest, `like`, only these keys of `custom` change;
a cut's clip is found by the path of its recording, since the recipe's ids end at the first `_` of a
file name, so that several clips can share one. What only one side has is left out, and counted.

Not possible: a clip, or segment, without a positive class, since the recipe reads numbers from
`audio_event`; and of events, the mask of their clip: where a class is unknown is a supervision with
`masked` and an empty `audio_event`.
"""

import gzip
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow, to_arrow, whole_ms
from audiolabels.arrays.grid import Ms
from audiolabels.clips.index import ClipFinder
from audiolabels.errors import OptionError, guarded
from audiolabels.exporters.clip_selection import (
    Name,
    Part,
    Selection,
    are_segments,
    clip_lengths,
    clip_spans,
    name_after,
    name_clips,
    select_clips,
    weights_of,
)
from audiolabels.exporters.event_selection import select_events
from audiolabels.exporters.hdf5 import report_unmatched
from audiolabels.exporters.text_columns import (
    Cells,
    Column,
    gather,
    json_object,
    json_text,
    spell,
    whole,
)
from audiolabels.exporters.written_files import Export
from audiolabels.files import (
    atomic_path,
    blame,
    parse_json,
    real_path,
    refuse_other_classes,
    write_classes,
)
from audiolabels.labels.events import Events
from audiolabels.ontology.vocabulary import Vocabulary, class_rows, load_vocabulary
from audiolabels.readers.opening import open_source
from audiolabels.targets.targets import Targets

OWN = ("audio_event", "masked", "soft")
Record = dict[str, Any]
Lines = Iterator[str]


def write_lhotse(
    labels: Targets | Events,
    path: str | Path,
    *,
    keys: str = "{clip}",
    clip_duration: float | str | None = None,
    like: str | Path | None = None,
    vocabulary: str | Path | Vocabulary | None = None,
    parents: str | None = None,
) -> Export:
    """Write the supervisions, `class_labels_indices.csv`, and the weights of targets.

    Args:
        labels: targets of N clips or segments, or events.
        path: ends in `.jsonl.gz`.
        keys: ids of the recordings, see `name_after`.
        clip_duration: seconds of whole clips of unknown length.
        like: a manifest of cuts or supervisions, one per clip, to copy with other labels.
        vocabulary: for events, `audioset-strong` by default; events of other classes are left out.
        parents: for events, see `merge_events`; `none` by default.

    Raises:
        OptionError: an unsuitable `path`, `keys` or manifest, a missing length, another list of
            classes in the folder, options that the labels do not take, or no such policy.
        LabelFileError: the manifest cannot be opened.
        UnknownClipError: the name of a recording could mean several clips.
        VocabularyError: no such vocabulary, or the ontology lacks one of its classes.
    """
    export, path, name = Export(), Path(path), name_after(keys)
    if not path.name.endswith(".jsonl.gz"):
        raise OptionError(f"{path}: Lhotse finds the format by the name: end it in .jsonl.gz")
    if isinstance(labels, Events):
        if clip_duration is not None or like is not None:
            raise OptionError("clip_duration and like are for targets")
        classes = load_vocabulary(vocabulary or "audioset-strong", ontology=labels.ontology)
    elif vocabulary is not None or parents is not None:
        raise OptionError("vocabulary and parents are for events; targets have theirs already")
    else:
        classes = labels.vocabulary
    class_file = path.with_name("class_labels_indices.csv")
    refuse_other_classes(class_file, class_rows(classes))
    if isinstance(labels, Events):
        records = _of_events(labels, classes, parents or "none", name, export)
        export.files[path] = _write_packed(path, map(_line, records))
    else:
        clips, ids, lines = (
            _of_targets(labels, name, clip_duration, export)
            if like is None
            else _of_manifest(labels, Path(like), path, clip_duration, export)
        )
        export.files[path] = _write_packed(path, lines)
        weights = path.with_name(f"{path.name.removesuffix('.jsonl.gz')}_weights.txt")
        export.write_columns(weights, [], [[ids, weights_of(clips)]], " ")
    export.files[class_file] = write_classes(class_file, class_rows(classes))
    return export


def _of_targets(
    targets: Targets, name: Name, clip_duration: float | str | None, export: Export
) -> tuple[Selection, pa.StringArray, Lines]:
    """Clips or segments, their ids, and the lines of their supervisions."""
    segments = are_segments(targets)
    if segments and clip_duration is not None:
        raise OptionError("clip_duration is for whole clips; segments have their times")
    if segments:
        clips = _segments(targets, name, export)
        start, stop = whole_ms(targets.onset), whole_ms(targets.offset)
    else:
        stop = clip_lengths(targets, "lhotse", clip_duration)
        start = np.zeros_like(stop)
        clips = select_clips(targets, "lhotse", name, export, empty=False)
    ids, seen = clips.names, Counter[str]()
    if segments:
        ids = texts_to_arrow([_numbered(name, seen) for name in clips.names.to_pylist()])
    return clips, ids, _supervisions(clips, ids, start, stop)


def _supervisions(clips: Selection, ids: pa.StringArray, start: Ms, stop: Ms) -> Lines:
    for part, custom in _customs(clips):
        begin, length = (spell(ms[part.rows] / 1000, repr) for ms in (start, stop - start))
        record: dict[str, Cells | list[Column]] = {
            "id": ids.slice(part.start, len(part)),
            "recording_id": part.names,
            "start": [begin],
            "duration": [length],
            "channel": ["0"],
            "custom": json_object(custom),
        }
        for block in gather([*json_object(record), "\n"]):
            yield from io.StringIO(str(block, "utf-8"))


def _segments(targets: Targets, name: Name, export: Export) -> Selection:
    """The segments with a positive class, of clips with a name of their own."""
    clips = select_clips(targets, "lhotse", name, export, empty=False, unit="frames")
    first, stop = clip_spans(targets)
    chosen = np.repeat(np.isin(first, clips.rows), stop - first)
    some = np.asarray(targets.positive.any(axis=1))[targets.row_of_clip]
    silent = targets.clip_id.take(to_arrow(np.flatnonzero(chosen & ~some)))
    export.leave_out("segments without a positive class", silent)
    return name_clips(targets, np.flatnonzero(chosen & some), name)


def _of_manifest(
    targets: Targets, like: Path, path: Path, clip_duration: float | str | None, export: Export
) -> tuple[Selection, pa.StringArray, Lines]:
    """The clips of a manifest, the ids of its cuts, and its lines with other labels."""
    if clip_duration is not None:
        raise OptionError("clip_duration is not for a manifest, which has the lengths")
    if real_path(like) == real_path(path):
        raise OptionError(f"{path} is the manifest to copy; choose another name")
    clips = select_clips(targets, "lhotse", name_after("{clip}"), export, empty=False)
    listed = [(record["id"], name) for record, _, name in _entries(like)]
    names = texts_to_arrow([name for _, name in listed])
    places = ClipFinder(clips.names).find(names)
    used = np.isin(np.arange(len(clips)), places)
    report_unmatched(names, clips.names, places >= 0, used, export, "manifest")
    clips = clips.take(places[places >= 0])
    ids = [id_ for (id_, _), place in zip(listed, places.tolist(), strict=True) if place >= 0]
    if several := len(ids) - len(set(ids)):
        export.notes.append(
            f"{several:,} cuts have the id of another; weights are in the order of the cuts"
        )

    def records() -> Iterator[Record]:
        customs = (
            dict(zip(custom, row, strict=True))
            for _, custom in _customs(clips)
            for row in zip(*(whole(cells).to_pylist() for cells in custom.values()), strict=True)
        )
        for (record, supervision, _), place in zip(_entries(like), places.tolist(), strict=True):
            if place >= 0:
                kept = {k: v for k, v in supervision.get("custom", {}).items() if k not in OWN}
                supervision["custom"] = kept | next(customs)
                yield record

    return clips, texts_to_arrow(ids), map(_line, records())


def _entries(path: Path) -> Iterator[tuple[Record, Record, str]]:
    """Each line of a manifest, its supervision, and the path or id of its recording."""
    with open_source(path) as source:
        for number, line in enumerate(source.stream, 1):
            with guarded(f"{path}, line {number}", OptionError, "no cut with one supervision"):
                record = parse_json(line)
                [supervision] = record.get("supervisions", [record])
                name = supervision["recording_id"]
                if "supervisions" in record:
                    [sound] = record["recording"]["sources"]
                    if sound["type"] not in ("file", "url"):
                        raise OptionError(f"{path}, line {number}: no path of an audio file")
                    name = sound["source"]
                texts = (record["id"], name, *supervision.get("custom", {}))
                if not all(isinstance(text, str) for text in texts):
                    raise ValueError("an id or a path that is no text")
            yield record, supervision, name


def _customs(clips: Selection) -> Iterator[tuple[Part, dict[str, Cells | list[Column]]]]:
    """Each part, and what `custom` of its supervisions has."""
    numbers = [str(i) for i in range(len(clips.targets.vocabulary))]
    for part, *labels, soft in clips.columns(numbers, ";"):
        yield part, dict(zip(OWN, [*labels, *soft], strict=False))


def _of_events(
    events: Events, vocabulary: Vocabulary, parents: str, name: Name, export: Export
) -> Iterator[Record]:
    selected = select_events(events, vocabulary, parents, name, export, merged=False)
    names, end = selected.names.to_pylist(), events.duration_ms[selected.clips]
    seen = Counter[str]()
    for key, (clip, column, first, stop) in zip(OWN[:2], selected[2:], strict=True):
        parts = (clip, column, first.clip(min=0), np.minimum(stop, end[clip]))
        for c, label, begin, until in zip(*(part.tolist() for part in parts), strict=True):
            custom = {"audio_event": "", "masked": "", key: str(label)}
            yield _record(_numbered(names[c], seen), names[c], begin, until, custom)


def _numbered(recording: str, seen: Counter[str]) -> str:
    """The id of a recording's next supervision."""
    seen[recording] += 1
    return f"{recording}-{seen[recording] - 1}"


def _record(id_: str, recording: str, start_ms: int, stop_ms: int, custom: Record) -> Record:
    return {
        "id": id_,
        "recording_id": recording,
        "start": start_ms / 1000,
        "duration": (stop_ms - start_ms) / 1000,
        "channel": 0,
        "custom": custom,
    }


def _line(record: Record) -> str:
    return f"{json_text(record)}\n"


def _write_packed(path: Path, lines: Lines) -> int:
    """Write lines into a gzip file, whose bytes depend on where each ends; returns their number."""
    number = 0
    with (
        atomic_path(path) as partial,
        blame(path),
        partial.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as file,
    ):
        for line in lines:
            file.write(line)
            number += 1
    return number

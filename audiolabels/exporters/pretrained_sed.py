"""A split of PretrainedSED's Hugging Face data set: events per clip, on disk.

Format: a folder for `datasets.load_from_disk`: an Arrow stream, `state.json` and
`dataset_info.json`. One row per clip: `events`, a struct of the lists `event_label` (display
names), `event_label_id` (ids), `offset` and `onset` (float32, seconds); `labels` and `label_ids`,
display names and ids; `filename` (`Y<id>.mp3`); `mp3_bytes`. PretrainedSED makes frames of 40 ms
from them, over 447 classes in the order of their display names. In the parent folder,
`class_labels_indices.csv` lists these and `dataset_dict.json` the splits, which PretrainedSED names
`balanced_train`, `unbalanced_train` and `eval`. It computes its sampling weights from the frames,
so none are written.

An added column `masked` is a JSON text, `[[id, onset, offset], …]`, where a class is unknown: in
batches, lists must have one length and texts need not.

Not possible: a clip without events, at which the reader stops; events of other classes; and where
in its video a clip begins. Deviations: `labels` are those of the events, where PretrainedSED has
the weak ones, which it deletes unread; `filepath` is not written. Soft targets become
PretrainedSED's own HDF5, see `pseudo_labels`.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow, to_arrow
from audiolabels.arrays.intervals import Runs
from audiolabels.errors import OptionError, guarded, shortlist
from audiolabels.exporters.clip_selection import name_after
from audiolabels.exporters.event_selection import EventSelection, runs_of_clips, select_events
from audiolabels.exporters.hdf5 import match_clips, open_audio
from audiolabels.exporters.pseudo_labels import write_pseudo_labels
from audiolabels.exporters.text_columns import lists_of
from audiolabels.exporters.written_files import Export, new_folder
from audiolabels.files import (
    blame,
    parse_json,
    refuse_other_classes,
    sha256_of,
    write_classes,
    write_rows,
)
from audiolabels.labels.events import Events
from audiolabels.ontology.vocabulary import Vocabulary, class_rows, load_vocabulary
from audiolabels.targets.targets import SoftTargets

Read = Callable[[int], bytes] | None  # a clip's place among the names to its MP3 bytes

CLIPS = 256  # of a batch, with their bytes
DATA = "data-00000-of-00001.arrow"
SPLIT = re.compile(r"\w+(\.\w+)*")  # names that `datasets` takes

TEXTS, SECONDS = pa.list_(pa.string()), pa.list_(pa.float32())
COLUMNS = {
    "events": pa.struct(
        {
            "event_label": TEXTS,
            "event_label_id": TEXTS,
            "offset": SECONDS,
            "onset": SECONDS,
        }
    ),
    "labels": TEXTS,
    "label_ids": TEXTS,
    "filename": pa.string(),
    "masked": pa.string(),
}


def write_pretrained_sed(
    labels: Events | SoftTargets,
    path: str | Path,
    *,
    audio: str | Path | None = None,
    parents: str | None = None,
) -> Export:
    """Write a split and the lists of splits and classes; or pseudo labels.

    Args:
        labels: N clips; soft targets are written by `write_pseudo_labels`.
        path: a new folder for the split, `<data set>/<split>`; for pseudo labels the file.
        audio: an HDF5 file with `audio_name` and `mp3`; the bytes are copied.
        parents: see `merge_events`; `none` by default.

    Raises:
        OptionError: `path` exists or is not the name of a split, its folder has other classes or no
            list of splits, an unsuitable audio file, no such policy, or audio or parents for soft
            targets.
        VocabularyError: the events' ontology lacks one of the classes.
    """
    if isinstance(labels, SoftTargets):
        if audio is not None or parents is not None:
            raise OptionError(
                "audio and parents are for events; pseudo labels have no use for them"
            )
        return write_pseudo_labels(labels, path, by_name(load_vocabulary("audioset-strong-train")))
    export, path = Export(), Path(path)
    vocabulary = by_name(load_vocabulary("audioset-strong-train", ontology=labels.ontology))
    classes, class_file = class_rows(vocabulary), path.with_name("class_labels_indices.csv")
    refuse_other_classes(class_file, classes)
    splits = _splits(path)
    selected = select_events(
        labels,
        vocabulary,
        parents or "none",
        name_after("Y{id}.mp3"),
        export,
        merged=False,
    )
    ids = labels.clip_id.take(to_arrow(selected.clips))
    with new_folder(path) as folder, _sounds(ids, audio, export) as (kept, read):
        schema = pa.schema({**COLUMNS, **({"mp3_bytes": pa.binary()} if read else {})})
        with (
            blame(path),
            pa.OSFile(str(folder / DATA), "wb") as sink,
            pa.ipc.new_stream(sink, schema) as writer,
        ):
            for columns in _batches(selected, kept, vocabulary, read):
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
        _write_facts(folder, path.name)
    export.files[path] = len(kept)
    export.files[splits[0]] = len(splits[1])
    write_rows(splits[0], [json.dumps({"splits": splits[1]})])
    export.files[class_file] = write_classes(class_file, classes)
    return export


def by_name(vocabulary: Vocabulary) -> Vocabulary:
    """The same classes in the order of their display names.

    >>> by_name(load_vocabulary(["Rain", "Bell"])).names
    ('Bell', 'Rain')
    """
    names = list(zip(vocabulary.names, vocabulary.ids, strict=True))
    return vocabulary.take(sorted(range(len(names)), key=names.__getitem__))


def _splits(path: Path) -> tuple[Path, list[str]]:
    """The file that lists the splits of a data set, and its new content."""
    if not SPLIT.fullmatch(path.name):
        raise OptionError(
            f"{path}: {path.name!r} cannot be the name of a split, which has letters, digits and _"
        )
    file = path.with_name("dataset_dict.json")
    listed: list[str] = []
    if file.exists():
        with guarded(file, OptionError, "no list of splits; write into another folder"):
            listed = [*parse_json(file.read_bytes())["splits"]]
    return file, list(dict.fromkeys([*listed, path.name]))


@contextmanager
def _sounds(
    clip_ids: pa.StringArray, audio: str | Path | None, export: Export
) -> Iterator[tuple[npt.NDArray[np.int64], Read]]:
    """The exported clips, and how to read the audio of a clip."""
    if audio is None:
        export.notes.append("no audio: 'mp3_bytes' is not written; name its file with --audio")
        yield np.arange(len(clip_ids)), None
        return
    with open_audio(audio, ("audio_name", "mp3")) as source:
        place = match_clips(source["audio_name"], clip_ids, export)
        rows = np.flatnonzero(place >= 0)
        kept, first, counts = np.unique(place[rows], return_index=True, return_counts=True)
        if (counts > 1).any():
            again = clip_ids.take(to_arrow(kept[counts > 1])).to_pylist()
            raise OptionError(
                f"{audio}: several rows of the audio are one clip: {shortlist(again)}"
            )
        row_of_clip = dict(zip(kept.tolist(), rows[first].tolist(), strict=True))

        def read(clip: int) -> bytes:
            with guarded(str(audio), OptionError, "cannot be read as HDF5"):
                sound: bytes = source["mp3"][row_of_clip[clip]].tobytes()
                return sound

        yield kept, read


def _batches(
    selected: EventSelection, kept: npt.NDArray[np.int64], vocabulary: Vocabulary, read: Read
) -> Iterator[list[pa.Array]]:
    names, ids = texts_to_arrow(vocabulary.names), texts_to_arrow(vocabulary.ids)
    for start in range(0, len(kept), CLIPS):
        clips = kept[start : start + CLIPS]
        present, unsure = (
            runs_of_clips(runs, clips) for runs in (selected.present, selected.unsure)
        )
        first = present.starts_pair
        owner, column = present.clip[first], present.column[first]
        seconds = [(ms / 1000).astype(np.float32) for ms in (present.stop, present.first)]
        fields = [names.take(to_arrow(present.column)), ids.take(to_arrow(present.column))]
        parts = [lists_of(present.clip, v, len(clips)) for v in [*fields, *map(to_arrow, seconds)]]
        columns = [
            pa.StructArray.from_arrays(parts, fields=list(COLUMNS["events"])),
            *(lists_of(owner, texts.take(to_arrow(column)), len(clips)) for texts in (names, ids)),
            selected.names.take(to_arrow(clips)),
            texts_to_arrow(list(_unknown(unsure, vocabulary, len(clips)))),
        ]
        sounds = [pa.array([read(clip) for clip in clips.tolist()], pa.binary())] if read else []
        yield columns + sounds


def _unknown(unsure: Runs, vocabulary: Vocabulary, count: int) -> Iterator[str]:
    spans: list[list[tuple[str, float, float]]] = [[] for _ in range(count)]
    for clip, column, first, stop in zip(*(part.tolist() for part in unsure), strict=True):
        spans[clip].append((vocabulary.ids[column], first / 1000, stop / 1000))
    return map(json.dumps, spans)


def _write_facts(folder: Path, split: str) -> None:
    """What `load_from_disk` needs apart from the data."""
    state: dict[str, Any] = {
        "_data_files": [{"filename": DATA}],
        "_fingerprint": sha256_of(folder / DATA)[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": split,
    }
    for name, facts in (("state.json", state), ("dataset_info.json", {})):
        write_rows(folder / name, [json.dumps(facts)])

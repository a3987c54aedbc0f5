"""Arrow streams as PretrainedSED's Hugging Face data set has them, a row per clip.

`filename`, and `events`, a struct of the lists `event_label_id`, `onset` and `offset` in seconds;
in files that `export` wrote also `masked`, JSON of `[[id, onset, offset], …]`. A class that is
unknown throughout its clip, assumed to last `DURATION`, is read. A class that is unknown in a part
of it follows from the events under `certain` parents, and is left out, with a finding.
"""

import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow, to_arrow, to_numpy
from audiolabels.arrays.grid import LONGEST_S
from audiolabels.clips.names import parse_clip_name
from audiolabels.errors import LabelFileError, guarded, shortlist
from audiolabels.labels.events import DURATION, EMPTY, PRESENT, UNKNOWN
from audiolabels.labels.report import Finding
from audiolabels.readers.batches import numbered, validated
from audiolabels.readers.events.parts import UNKNOWN_LENGTH, EventRows
from audiolabels.readers.formats import Layout
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions

LISTS = ("event_label_id", "onset", "offset")
PARTIAL = "unknown in a part of the clip, which --parents certain finds again"


def read_arrow_rows(source: Source, layout: Layout, options: ReadOptions) -> Iterator[EventRows]:
    """The rows of a stream, batch by batch.

    Raises:
        LabelFileError: the stream is broken, or has no such columns.
    """
    with (
        guarded(source.path, LabelFileError, "broken Arrow stream"),
        pa.ipc.open_stream(source.stream) as reader,
    ):
        names = reader.schema.names
        events = reader.schema.field("events").type if "events" in names else pa.null()
        fields = {field.name for field in events} if pa.types.is_struct(events) else set()
        if "filename" not in names or not fields.issuperset(LISTS):
            raise LabelFileError(
                f"{source.path}: an Arrow stream without events; expected filename, and events "
                f"with {', '.join(LISTS)}; columns are {shortlist(names)}"
            )
        for first, batch in numbered(validated(reader)):
            yield _rows(batch, first, source.name)


def _rows(batch: pa.RecordBatch, first: int, source: str) -> EventRows:
    names = batch["filename"].to_pylist()
    ids = [parse_clip_name(name or "", of_video=True).clip_id for name in names]
    kept = np.array([bool(id_) for id_ in ids], np.bool_)
    numbers = first + np.flatnonzero(kept)
    findings = [
        Finding(source, row, "", "row unused", "the clip's id is lost")
        for row in (first + np.flatnonzero(~kept)).tolist()
    ]
    if findings:
        batch = batch.take(to_arrow(np.flatnonzero(kept)))
        names, ids = batch["filename"].to_pylist(), [id_ for id_ in ids if id_]
    lists = [batch["events"].field(name) for name in LISTS]
    if any(part.null_count for part in (batch["events"], *lists, *(p.flatten() for p in lists))):
        raise ValueError("its events hold nulls")
    sizes, *others = (to_numpy(part.value_lengths()) for part in lists)
    if any((other != sizes).any() for other in others):
        raise ValueError("a clip has another number of labels than of onsets and offsets")
    labels, *times = (part.flatten() for part in lists)
    seconds = [to_numpy(part.cast(pa.float64())) for part in times]
    if not all((np.abs(part) < LONGEST_S).all() for part in seconds):
        raise ValueError("an onset or offset is no time in seconds")
    onset, offset = (np.rint(part * 1000).astype(np.int64) for part in seconds)
    more = [(clip, "", EMPTY) for clip in np.flatnonzero(sizes == 0).tolist()]
    texts = batch["masked"].to_pylist() if "masked" in batch.schema.names else []
    for place, text in enumerate(texts):
        for label, start, stop in json.loads(text or "[]"):
            if start <= 0 and stop >= DURATION:
                more.append((place, label, UNKNOWN))
            else:
                row = int(numbers[place])
                findings.append(Finding(source, row, ids[place], "label dropped", PARTIAL))
    clip_of_more = np.array([m[0] for m in more], np.int64)
    clip = np.concatenate([np.repeat(np.arange(len(names)), sizes), clip_of_more])
    order = np.argsort(clip, kind="stable")
    label_texts = pa.concat_arrays([labels.cast(pa.string()), texts_to_arrow([m[1] for m in more])])
    nowhere = np.zeros(len(more), np.int64)
    states = [np.full(len(onset), PRESENT), np.array([m[2] for m in more], np.uint8)]
    return EventRows(
        numbers[clip[order]],
        clip[order].astype(np.int32),
        texts_to_arrow(names),
        texts_to_arrow(ids),
        np.full(len(names), UNKNOWN_LENGTH, np.int64),
        label_texts.take(to_arrow(order)).dictionary_encode(),
        np.concatenate([onset, nowhere])[order],
        np.concatenate([offset, nowhere])[order],
        np.concatenate(states)[order],
        findings,
    )

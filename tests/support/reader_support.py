"""What the tests of the readers share."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audiolabels import Annotations, load_ontology
from audiolabels.errors import LabelFileError
from audiolabels.labels.events import NO_CLASS, STATES, Events
from audiolabels.readers import (
    EventOptions,
    ReadOptions,
    read_events,
    read_labels,
    stream_events,
)
from audiolabels.readers.events.reading import ScatteredError

ONTOLOGY = load_ontology().with_supplement()
SPEECH, MUSIC, GUITAR, DOG = "/m/09x0r", "/m/04rlf", "/m/0342h", "/m/0bt9lr"
SEGMENTS = b"YTID,start_seconds,end_seconds,positive_labels\n"
OFFICIAL = b"# YTID, start_seconds, end_seconds, positive_labels\n"

Outcome = tuple[Any, ...]
Reader = Callable[..., Annotations]
Refuser = Callable[..., LabelFileError]


def ids(labels: Annotations, row: int) -> frozenset[str] | None:
    """Ids of the classes given to the clip in a row, or None where it is unannotated."""
    chosen = int(labels.set_of_clip[row])
    if not labels.sets.labelled[chosen]:
        return None
    start, stop = labels.sets.offsets[chosen : chosen + 2]
    return frozenset(labels.ontology.ids[c] for c in labels.sets.classes[start:stop])


def by_clip(labels: Annotations) -> dict[str, frozenset[str] | None]:
    """Clip id to the ids of its classes; the clips must differ."""
    clips = labels.clip_id.to_pylist()
    assert len(set(clips)) == len(clips)
    return {clip: ids(labels, row) for row, clip in enumerate(clips)}


def findings(labels: Annotations) -> list[tuple[int, str, str, str]]:
    """Row, clip, kind and reason of each finding, in order of rows."""
    return sorted((f.row, f.clip, f.kind, f.reason) for f in labels.report.findings)


def write(folder: Path, content: bytes | str, name: str = "labels.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def parquet_bytes(columns: Mapping[str, Any] | pa.Table) -> bytes:
    buffer = io.BytesIO()
    table = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    pq.write_table(table, buffer)
    return buffer.getvalue()


def zipped(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def outcome(path: Path, **options: Any) -> Outcome:
    """All that reading a file gives, to compare; of an error its class."""
    try:
        labels = read_labels(path, ontology=ONTOLOGY, **options)
    except LabelFileError as error:
        return (type(error),)
    return (
        labels.clip_id.to_pylist(),
        labels.onset.to_pylist(),
        labels.offset.to_pylist(),
        labels.rows.tolist(),
        [ids(labels, row) for row in range(len(labels))],
        (labels.report.rows, labels.report.rows_used),
        findings(labels),
    )


def refuse(path: Path, match: str, **options: str) -> LabelFileError:
    """Assert that a file is refused with a message that names it and matches; give the error."""
    with pytest.raises(LabelFileError, match=match) as caught:
        read_labels(path, ontology=ONTOLOGY, **options)
    assert path.name in str(caught.value)
    return caught.value


def statements(events: Events, *, place: bool = True) -> list[Outcome]:
    """Clip, class, onset, offset, kind of each statement; and the file and row it stood in."""
    names = events.ontology.ids
    return [
        (
            events.clip_id[clip].as_py(),
            None if class_ == NO_CLASS else names[class_],
            onset,
            offset,
            STATES[state],
            *((events.files[file], row) if place else ()),
        )
        for clip, class_, onset, offset, state, file, row in zip(
            *(
                column.tolist()
                for column in (
                    events.clip,
                    events.classes,
                    events.onset_ms,
                    events.offset_ms,
                    events.state,
                    events.file,
                    events.rows,
                )
            ),
            strict=True,
        )
    ]


def told(events: Events) -> list[tuple[str, int, str, str, str]]:
    """File, row, clip, kind and reason of each finding, in order."""
    return sorted((f.source, f.row, f.clip, f.kind, f.reason) for f in events.report.findings)


def event_outcome(*paths: Path, **options: Any) -> Outcome:
    """All that reading event files gives, to compare; of an error its class and message."""
    try:
        events = read_events(paths, ontology=ONTOLOGY, **options)
    except LabelFileError as error:
        return type(error), str(error)
    return everything(events)


def streamed_outcome(*paths: Path, **options: Any) -> Outcome:
    """As `event_outcome`, of the parts of a stream; ScatteredError is an outcome too."""
    names = ("unknown", "time_unit", "block_sizes", "explicit_negatives")
    read = ReadOptions(**{name: options.pop(name) for name in names if name in options})
    try:
        parts = list(stream_events(paths, ONTOLOGY, EventOptions(read, **options)))
    except (LabelFileError, ScatteredError) as error:
        return type(error), str(error)
    return everything(Events.concat(parts, ONTOLOGY))


def everything(events: Events) -> Outcome:
    return (
        events.clip_id.to_pylist(),
        events.duration_ms.tolist(),
        statements(events),
        (events.report.rows, events.report.rows_used),
        told(events),
        events.report.sources,
        events.report.notes,
    )

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
from audiolabels.readers import read_labels

ONTOLOGY = load_ontology().with_supplement()
SPEECH, MUSIC, GUITAR, DOG = "/m/09x0r", "/m/04rlf", "/m/0342h", "/m/0bt9lr"
SEGMENTS = b"YTID,start_seconds,end_seconds,positive_labels\n"
OFFICIAL = b"# YTID, start_seconds, end_seconds, positive_labels\n"

Outcome = tuple[Any, ...]
Reader = Callable[..., Annotations]
Refuser = Callable[..., LabelFileError]


def ids(labels: Annotations, row: int) -> frozenset[str] | None:
    """Ids of the classes given to the clip in a row, or None where nobody said anything."""
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


def outcome(path: Path, **options: str) -> Outcome:
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

"""Parquet with one row a clip, as Hugging Face's AudioSet has it: `video_id`, `labels`."""

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.clips.names import parse_clip_name
from audiolabels.errors import LabelFileError, shortlist
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.label_parsing import (
    LabelResolver,
    Row,
    Rows,
    TextTable,
    annotate,
)
from audiolabels.readers.dialect import CLIP, LABELS
from audiolabels.readers.opening import Source

BATCH = 1 << 16
TARGETS_KEY = b"audiolabels"  # the store's metadata; such a file holds targets, not labels


def read_parquet(source: Source, resolver: LabelResolver) -> Iterator[Annotations]:
    """Annotations batch by batch.

    Raises:
        LabelFileError: the file is broken, has no column of clips or of lists of labels, or holds
            targets.
        UnknownLabelError: a label is unknown and the resolver does not drop.
    """
    try:
        file = _open(source)
        clip, labels = _columns(source, file.schema_arrow)
        first, table = 1, TextTable(resolver)
        for batch in file.iter_batches(BATCH, columns=[clip, labels]):
            yield annotate(_rows(source, batch[clip], batch[labels], first), table, source.name)
            first += len(batch)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _broken(source, error) from error


def unread_columns(source: Source) -> tuple[str, ...]:
    """Names of the columns that are not read.

    Raises:
        LabelFileError: as `read_parquet`.
    """
    try:
        schema = _open(source).schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _broken(source, error) from error
    read = _columns(source, schema)
    return tuple(name for name in schema.names if name not in read)


def _open(source: Source) -> pq.ParquetFile:
    plain = source.stream is source.raw
    source.stream.seek(0)
    return pq.ParquetFile(source.path if plain else io.BytesIO(source.stream.read()))


def _broken(source: Source, error: Exception) -> LabelFileError:
    return LabelFileError(f"{source.path}: broken Parquet, fetch or write it again: {error}")


def _columns(source: Source, schema: pa.Schema) -> tuple[str, str]:
    if TARGETS_KEY in (schema.metadata or {}):
        raise LabelFileError(
            f"{source.path}: targets that were written before, not labels; 'audiolabels info' "
            f"shows them"
        )
    texts = [f.name for f in schema if _is_text(f.type)]
    lists = [f.name for f in schema if _is_list(f.type) and _is_text(f.type.value_type)]
    clip = next((name for name in CLIP if name in texts), None)
    labels = next((name for name in LABELS if name in lists + texts), None)
    if clip is None or labels is None or clip == labels:
        raise LabelFileError(
            f"{source.path}: no column of clips (one of {', '.join(CLIP)}) and of labels (one of "
            f"{', '.join(LABELS)}, texts or lists of texts); columns are "
            f"{shortlist(schema.names, 12)}"
        )
    twice = [name for name in (clip, labels) if schema.names.count(name) > 1]
    if twice:
        raise LabelFileError(f"{source.path}: several columns of the name {twice[0]}; rename one")
    return clip, labels


def _is_list(type_: pa.DataType) -> bool:
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(type_) for test in tests)


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _rows(source: Source, names: pa.Array, labels: pa.Array, first: int) -> Rows:
    rows: list[Row] = []
    findings: list[Finding] = []
    pairs = zip(names.to_pylist(), labels.to_pylist(), strict=True)
    for number, (name, value) in enumerate(pairs, first):
        clip = parse_clip_name(name or "")
        if clip.clip_id:
            rows.append(Row(number, clip.clip_id, 0, clip.duration_ms, _as_text(value)))
        else:
            findings.append(Finding(source.name, number, "", "row unused", "the clip's id is null"))
    return Rows.from_list(rows, findings)


def _as_text(value: list[str | None] | str | None) -> str:
    """A list in the form that the parser of label texts takes apart again."""
    if isinstance(value, list):
        return ";".join(text for text in value if text)
    return value or ""

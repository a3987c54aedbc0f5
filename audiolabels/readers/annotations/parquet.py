"""Parquet with one row per clip, as Hugging Face's AudioSet has it: `video_id`, `labels`."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.clips.names import parse_clip_name
from audiolabels.errors import LabelFileError, shortlist
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Finding
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.label_parsing import (
    LabelResolver,
    LabelRow,
    LabelRows,
    TextTable,
    label_clips,
)
from audiolabels.readers.batches import is_list, is_text, numbered
from audiolabels.readers.columns import find_column, known_names
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions

TARGETS_KEY = b"audiolabels"  # the store's metadata; such a file holds targets, not labels


@dataclass(frozen=True)
class ParquetLayout:
    """A Parquet file of labels that is open.

    Attributes:
        file: the file.
        clip, labels: names of the columns that are read.
    """

    file: pq.ParquetFile
    clip: str
    labels: str

    @property
    def unused(self) -> tuple[str, ...]:
        """Names of the columns that are not read."""
        names = self.file.schema_arrow.names
        return tuple(name for name in names if name not in (self.clip, self.labels))


def open_parquet(source: Source) -> ParquetLayout:
    """Open a Parquet file and find its columns.

    Raises:
        LabelFileError: the file is broken, has no column of clips or of labels, or holds targets.
    """
    plain = source.stream is source.raw
    with _broken(source):
        file = pq.ParquetFile(source.path if plain else io.BytesIO(source.stream.read()))
        return ParquetLayout(file, *_columns(source, file.schema_arrow))


def read_parquet(
    source: Source, layout: ParquetLayout, ontology: Ontology, options: ReadOptions
) -> Iterator[Annotations]:
    """Annotations batch by batch.

    Raises:
        LabelFileError: the file is broken.
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
    """
    sizes, resolver = options.block_sizes, LabelResolver(ontology, drop=options.unknown == "drop")
    table = TextTable(resolver, sizes.labels)
    with _broken(source):
        columns = [layout.clip, layout.labels]
        for first, batch in numbered(layout.file.iter_batches(sizes.parquet, columns=columns)):
            rows = _rows(source, batch[layout.clip], batch[layout.labels], first)
            yield label_clips(rows, table, source.name)


@contextmanager
def _broken(source: Source) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise LabelFileError(
            f"{source.path}: broken Parquet, fetch or write it again: {error}"
        ) from error


def _columns(source: Source, schema: pa.Schema) -> tuple[str, str]:
    if TARGETS_KEY in (schema.metadata or {}):
        raise LabelFileError(
            f"{source.path}: targets that were written before, not labels; 'audiolabels info' "
            f"shows them"
        )
    texts = [f.name for f in schema if is_text(f.type)]
    lists = [f.name for f in schema if is_list(f.type) and is_text(f.type.value_type)]
    clip, labels = find_column(texts, "clip"), find_column(lists + texts, "labels")
    if clip is None or labels is None or clip == labels:
        raise LabelFileError(
            f"{source.path}: no column of clips (one of {known_names('clip')}) and of labels (one "
            f"of {known_names('labels')}, texts or lists of texts); columns are "
            f"{shortlist(schema.names, 12)}"
        )
    twice = [name for name in (clip, labels) if schema.names.count(name) > 1]
    if twice:
        raise LabelFileError(f"{source.path}: several columns of the name {twice[0]}; rename one")
    return clip, labels


def _rows(source: Source, names: pa.Array, labels: pa.Array, first: int) -> LabelRows:
    rows: list[LabelRow] = []
    findings: list[Finding] = []
    pairs = zip(names.to_pylist(), labels.to_pylist(), strict=True)
    for number, (name, value) in enumerate(pairs, first):
        clip = parse_clip_name(name or "")
        if clip.clip_id:
            rows.append(LabelRow(number, clip.clip_id, 0, clip.duration_ms, _as_text(value)))
        else:
            findings.append(Finding(source.name, number, "", "row unused", "the clip's id is null"))
    return LabelRows.from_list(rows, findings)


def _as_text(value: list[str | None] | str | None) -> str:
    """A list in the form that the parser of label texts takes apart again."""
    if isinstance(value, list):
        return ";".join(text for text in value if text)
    return value or ""

"""Parquet with one row per clip, as Hugging Face's AudioSet has it: `video_id`, `labels`."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.errors import LabelFileError, shortlist
from audiolabels.readers.annotations.label_parsing import LabelRows
from audiolabels.readers.batches import is_list, is_text, numbered
from audiolabels.readers.columns import find_column, known_names
from audiolabels.readers.formats import Layout
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions

TARGETS_KEY = b"audiolabels"  # the store's metadata; such a file holds targets, not labels


@dataclass(frozen=True, kw_only=True)
class ParquetLayout(Layout):
    """An open Parquet file, and the names of its columns of clips and of labels."""

    file: pq.ParquetFile
    clip: str
    labels: str


def open_parquet(source: Source) -> ParquetLayout:
    """Open a Parquet file and find its columns.

    Raises:
        LabelFileError: the file is broken, has no column of clips or of labels, or holds targets.
    """
    plain = source.stream is source.raw
    with _broken(source):
        file = pq.ParquetFile(source.path if plain else io.BytesIO(source.stream.read()))
        clip, labels = _columns(source, file.schema_arrow)
        unused = tuple(name for name in file.schema_arrow.names if name not in (clip, labels))
        return ParquetLayout(file=file, clip=clip, labels=labels, unused=unused)


def read_parquet(
    source: Source, layout: ParquetLayout, options: ReadOptions
) -> Iterator[LabelRows]:
    """The rows of a file, batch by batch.

    Raises:
        LabelFileError: the file is broken.
    """
    with _broken(source):
        size, columns = options.block_sizes.parquet, [layout.clip, layout.labels]
        for first, batch in numbered(layout.file.iter_batches(size, columns=columns)):
            names, labels = (batch[name].to_pylist() for name in columns)
            entries = zip(names, map(_as_text, labels), strict=True)
            yield LabelRows.of_entries(entries, first, source.name, "the clip's id is null")


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


def _as_text(value: list[str | None] | str | None) -> str:
    """A list in the form that the parser of label texts takes apart again."""
    if isinstance(value, list):
        return ";".join(text for text in value if text)
    return value or ""

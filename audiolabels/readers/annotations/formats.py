"""The table of formats of labels of whole clips. One kind of file per module.

Each `read` makes `LabelRows`, part by part, of an opened file and its layout.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from audiolabels.readers.annotations.ast_json import read_ast_json
from audiolabels.readers.annotations.delimited import read_delimited, read_psl
from audiolabels.readers.annotations.label_parsing import LabelRows
from audiolabels.readers.annotations.parquet import read_parquet
from audiolabels.readers.dialect import Dialect
from audiolabels.readers.formats import Format, format_table
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions

LabelFormat = Format[Callable[[Source, Any, ReadOptions], Iterator[LabelRows]]]
PSL_COLUMNS = {"hdf5path", "duration", "from"}  # of these a file of PSL has some


def _is_psl(dialect: Dialect) -> bool:
    header = dialect.names
    named = bool(header) and header[dialect.labels] == "labels" and bool(PSL_COLUMNS & set(header))
    return named and dialect.numbered


def _is_fsd50k(dialect: Dialect) -> bool:
    header = dialect.names
    return bool(header) and (header[dialect.clip], header[dialect.labels]) == ("fname", "mids")


def _delimited(
    name: str,
    summary: str,
    matches: Callable[[Dialect], bool] = lambda _: True,
    read: Callable[..., Iterator[LabelRows]] = read_delimited,
) -> LabelFormat:
    """A format of delimited files; those of frames hold events instead."""
    return LabelFormat(
        name, summary, "text", read, lambda dialect: dialect.present is None and matches(dialect)
    )


LABEL_FORMATS: Mapping[str, LabelFormat] = format_table(
    _delimited(
        "long",
        "one row per label: clip, label, with or without times; CSV or TSV",
        lambda dialect: dialect.one_label,
    ),
    _delimited(
        "psl",
        "PSL's TSV: filename, labels (joined column numbers), duration, hdf5path",
        _is_psl,
        read_psl,
    ),
    _delimited("fsd50k", "FSD50K's CSV: fname, labels, mids", _is_fsd50k),
    _delimited(
        "audioset-segments",
        "AudioSet segments CSV: YTID, start_seconds, end_seconds, labels",
        lambda dialect: dialect.timed,
    ),
    _delimited("clip-labels", "one row per clip: clip_id, labels; CSV or TSV"),
    LabelFormat(
        "ast-json",
        "the JSON of AST, PSLA, SSAST and AudioMAE: data, wav, labels",
        "JSON",
        read_ast_json,
    ),
    LabelFormat("parquet", "Hugging Face style Parquet: video_id, labels", "Parquet", read_parquet),
)

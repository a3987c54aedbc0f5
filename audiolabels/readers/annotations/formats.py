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


LABEL_FORMATS: Mapping[str, LabelFormat] = format_table(
    LabelFormat(
        "long",
        "one row per label: clip, label, with or without times; CSV or TSV",
        "text",
        read_delimited,
        lambda dialect: dialect.one_label,
    ),
    LabelFormat(
        "psl",
        "PSL's TSV: filename, labels (joined column numbers), duration, hdf5path",
        "text",
        read_psl,
        _is_psl,
    ),
    LabelFormat("fsd50k", "FSD50K's CSV: fname, labels, mids", "text", read_delimited, _is_fsd50k),
    LabelFormat(
        "audioset-segments",
        "AudioSet segments CSV: YTID, start_seconds, end_seconds, labels",
        "text",
        read_delimited,
        lambda dialect: dialect.timed,
    ),
    LabelFormat(
        "clip-labels", "one row per clip: clip_id, labels; CSV or TSV", "text", read_delimited
    ),
    LabelFormat(
        "ast-json",
        "the JSON of AST, PSLA, SSAST and AudioMAE: data, wav, labels",
        "JSON",
        read_ast_json,
    ),
    LabelFormat("parquet", "Hugging Face style Parquet: video_id, labels", "Parquet", read_parquet),
)

"""The table of formats of scores, and detection: files that other projects write, one per module.

Each `read` makes a `ScoreTable` of an opened file. Nothing in a file is ever executed: pickled
objects in numpy files are refused.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from audiolabels.errors import ScoresFileError, shortlist
from audiolabels.readers.formats import Format, find_format, format_table
from audiolabels.readers.memory import InMemory
from audiolabels.readers.opening import container_of, open_hdf5
from audiolabels.readers.options import ScoreOptions
from audiolabels.readers.scores.blocks import ScoreTable
from audiolabels.readers.scores.ced import read_ced
from audiolabels.readers.scores.efficientat import read_efficientat
from audiolabels.readers.scores.parquet import read_parquet
from audiolabels.readers.scores.plain_arrays import read_npz, read_plain_hdf5
from audiolabels.readers.scores.pretrained_sed import read_pretrained_sed

ScoreFormat = Format[Callable[[Any, ScoreOptions], ScoreTable]]


@contextmanager
def _open_npz(path: Path) -> Iterator[Any]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        yield archive


# How a container is opened; what that gives is tested by `Format.matches`, and read.
OPENERS: Mapping[str, Callable[[Path], AbstractContextManager[Any]]] = MappingProxyType(
    {
        "npz": _open_npz,
        "npy": lambda path: nullcontext(np.load(path, mmap_mode="r", allow_pickle=False)),
        "HDF5": open_hdf5,
        "Parquet": pq.ParquetFile,
    }
)


def _has(*names: str) -> Callable[[Any], bool]:
    return lambda opened: set(names) <= set(opened)


SCORE_FORMATS: Mapping[str, ScoreFormat] = format_table(
    ScoreFormat(
        "npz", "a numpy archive of clip_id, scores", "npz", read_npz, _has("clip_id", "scores")
    ),
    ScoreFormat(
        "ced",
        "CED's outputs: topk_values, topk_indexes, and a Parquet file of the same name",
        "HDF5",
        read_ced,
        _has("topk_values", "topk_indexes"),
    ),
    ScoreFormat(
        "pretrained-sed",
        "PretrainedSED's pseudo labels: filenames, strong_logits",
        "HDF5",
        read_pretrained_sed,
        _has("filenames", "strong_logits"),
    ),
    ScoreFormat(
        "hdf5", "HDF5 with clip_id, scores", "HDF5", read_plain_hdf5, _has("clip_id", "scores")
    ),
    ScoreFormat(
        "efficientat",
        "EfficientAT's array of logits, with an index of names",
        "npy",
        read_efficientat,
    ),
    ScoreFormat("parquet", "Parquet with a list of scores per row", "Parquet", read_parquet),
    ScoreFormat("table", "a table in memory with a list of scores per row", "memory", read_parquet),
)


def open_format(path: Path | InMemory, stack: ExitStack) -> tuple[ScoreFormat, Any]:
    """The format of a file or a table, and the file, which `stack` closes.

    Raises:
        ScoresFileError: it has none of the formats.
    """
    if isinstance(path, InMemory):
        return SCORE_FORMATS["table"], path
    if not path.is_file():
        raise ScoresFileError(f"{path}: no such file")
    with path.open("rb") as file:
        container = container_of(file.read(8))
    if container not in OPENERS:
        known = ", ".join(OPENERS)
        raise ScoresFileError(f"{path}: no file of scores; those are one of {known}")
    opened = stack.enter_context(OPENERS[container](path))
    found = find_format(SCORE_FORMATS, container, opened)
    if found is None:
        offered = [f.summary for f in SCORE_FORMATS.values() if f.container == container]
        raise ScoresFileError(
            f"{path}: {container} with {shortlist(opened) or 'nothing'}; expected "
            f"{' or '.join(offered)}"
        )
    return found, opened

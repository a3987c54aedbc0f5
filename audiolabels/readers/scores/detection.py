"""The table of importers, and which of them a file is for."""

import zipfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pyarrow.parquet as pq

from audiolabels.errors import ScoresFileError, shortlist
from audiolabels.readers.scores.blocks import ScoreOptions, Table
from audiolabels.readers.scores.ced import open_ced
from audiolabels.readers.scores.efficientat import BESIDE as NAMES_OF_ROWS
from audiolabels.readers.scores.efficientat import open_efficientat
from audiolabels.readers.scores.hdf5 import open_hdf5
from audiolabels.readers.scores.parquet import open_parquet
from audiolabels.readers.scores.plain_arrays import open_npz, open_plain_hdf5
from audiolabels.readers.scores.pretrained_sed import open_pretrained_sed


@dataclass(frozen=True)
class Importer:
    """One form of files of scores.

    Attributes:
        name: a key of `IMPORTERS`.
        summary: what it is, in a line.
        container: a key of `CONTAINERS`.
        keys: names that such a file holds.
        open: a context manager from options to the table.
    """

    name: str
    summary: str
    container: str
    keys: frozenset[str]
    open: Callable[[ScoreOptions], AbstractContextManager[Table]]


def _hdf5_names(path: Path) -> list[str]:
    with open_hdf5(path) as file:
        return list(file)


def _npz_names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]


# First bytes of a container, and how to list the names in it.
CONTAINERS: Mapping[str, tuple[bytes, Callable[[Path], list[str]]]] = MappingProxyType(
    {
        "npz": (b"PK\x03\x04", _npz_names),
        "npy": (b"\x93NUMPY", lambda path: []),
        "HDF5": (b"\x89HDF", _hdf5_names),
        "Parquet": (b"PAR1", lambda path: list(pq.read_schema(path).names)),
    }
)

IMPORTERS: Mapping[str, Importer] = MappingProxyType(
    {
        importer.name: importer
        for importer in (
            Importer(
                "npz",
                "a numpy archive of clip_id, scores",
                "npz",
                frozenset({"clip_id", "scores"}),
                open_npz,
            ),
            Importer(
                "ced",
                "CED's outputs: topk_values, topk_indexes, and a Parquet file beside them",
                "HDF5",
                frozenset({"topk_values", "topk_indexes"}),
                open_ced,
            ),
            Importer(
                "pretrained-sed",
                "PretrainedSED's pseudo labels: filenames, strong_logits",
                "HDF5",
                frozenset({"filenames", "strong_logits"}),
                open_pretrained_sed,
            ),
            Importer(
                "hdf5",
                "HDF5 with clip_id, scores",
                "HDF5",
                frozenset({"clip_id", "scores"}),
                open_plain_hdf5,
            ),
            Importer(
                "efficientat",
                "EfficientAT's array of logits, with an index of names",
                "npy",
                frozenset(),
                open_efficientat,
            ),
            Importer(
                "parquet",
                "Parquet with a list of scores a row",
                "Parquet",
                frozenset(),
                open_parquet,
            ),
        )
    }
)


# What is read beside a file of a form.
BESIDE: Mapping[str, Callable[[Path], list[Path]]] = MappingProxyType(
    {
        "ced": lambda path: [path.with_suffix(".parquet")],
        "efficientat": lambda path: [path.with_name(NAMES_OF_ROWS)],
    }
)


def detect_form(path: Path) -> Importer:
    """The importer for a file, by its first bytes and the names in it.

    Raises:
        ScoresFileError: there is none.
    """
    with path.open("rb") as file:
        head = file.read(8)
    container = next((n for n, (start, _) in CONTAINERS.items() if head.startswith(start)), None)
    if container is None:
        known = ", ".join(CONTAINERS)
        raise ScoresFileError(f"{path}: no file of scores; those are one of {known}")
    names = CONTAINERS[container][1](path)
    for importer in IMPORTERS.values():
        if importer.container == container and importer.keys <= set(names):
            return importer
    wanted = " or ".join(
        ", ".join(sorted(i.keys)) for i in IMPORTERS.values() if i.container == container
    )
    raise ScoresFileError(
        f"{path}: {container} with {shortlist(names) or 'nothing'}; expected {wanted}"
    )

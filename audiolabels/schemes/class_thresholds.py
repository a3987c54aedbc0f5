"""Thresholds of classes, in a file: `id`, `name`, `threshold`, and columns that are not read here.

`audiolabels evaluate --thresholds` writes such files.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.errors import OptionError, UnknownClassError, guarded, shortlist
from audiolabels.files import sha256_of
from audiolabels.files.remote import to_path
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import portion

COLUMNS = ("id", "threshold")


@dataclass(frozen=True)
class ClassThresholds:
    """Thresholds of classes.

    Attributes:
        path, sha256: of the file.
        values: id of a class to the score from which on it counts.
    """

    path: Path
    sha256: str
    values: Mapping[str, float]

    def of(
        self, vocabulary: Vocabulary, ontology: Ontology | None = None
    ) -> npt.NDArray[np.float32]:
        """Those of the classes of a vocabulary, float32 (C,).

        Args:
            vocabulary: C classes.
            ontology: resolves other ids of a class, if given.

        Raises:
            UnknownClassError: the file lacks one.
        """

        def resolved(id_: str) -> str:
            return (ontology.resolve(id_) if ontology else None) or id_

        values = {resolved(id_): value for id_, value in self.values.items()}
        lacking = [
            f"{name} ({id_})"
            for id_, name in zip(vocabulary.ids, vocabulary.names, strict=True)
            if resolved(id_) not in values
        ]
        if lacking:
            raise UnknownClassError(
                f"{self.path}: no threshold for {len(lacking):,} of {len(vocabulary):,} classes: "
                f"{shortlist(lacking)}; add rows for them, or choose a vocabulary without them"
            )
        return np.array([values[resolved(id_)] for id_ in vocabulary.ids], np.float32)


def read_class_thresholds(path: str | Path) -> ClassThresholds:
    """Read a file of thresholds.

    Raises:
        OptionError: no such file, or other columns; a class twice, or a threshold that is no number
            above 0 and up to 1.
    """
    path = to_path(path)
    with guarded(path, OptionError, "no file of thresholds of classes"):
        table = csv.reader(path.read_text("utf-8-sig").splitlines())
        head, values = next(table, []), dict[str, float]()
        if lacking := [name for name in COLUMNS if name not in head]:
            raise OptionError(f"{path}: no column {' and '.join(lacking)}; a file of thresholds of "
                              f"classes has {', '.join(COLUMNS)}")  # fmt: skip
        for cells in filter(None, table):
            row = dict(zip(head, cells, strict=True))
            where = f"{path}: row {table.line_num:,}"
            if row["id"] in values:
                raise OptionError(f"{where}: {row['id']} occurs twice")
            values[row["id"]] = portion(f"{where}: threshold", row["threshold"], above=True)
        return ClassThresholds(path, sha256_of(path), values)


def threshold_or_file(name: str, value: Any) -> float | ClassThresholds:
    """A number above 0 and up to 1, thresholds, or the path of a file of them, read.

    Raises:
        OptionError: neither; see `read_class_thresholds`.
    """
    if isinstance(value, ClassThresholds):
        return value
    try:
        float(value)
    except (TypeError, ValueError):
        if isinstance(value, str | Path) and (isinstance(value, Path) or to_path(value).exists()):
            return read_class_thresholds(value)
        raise OptionError(
            f"{name} {value!r}: give a number from above 0 to 1, or a file of thresholds of "
            f"classes (there is none of that name)"
        ) from None
    return portion(name, value, above=True)

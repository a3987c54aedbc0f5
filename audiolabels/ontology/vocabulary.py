"""Vocabularies: the class of each column.

The named ones are data files: `audioset` (527, the weak labels, in the order of
`class_labels_indices.csv`), `ontology` (632, in the order of `ontology.json`), `audioset-strong`
(456, by id) and its subsets `-train` (447), `-eval` (416) and `-both` (407), `fsd50k` (200, in the
order of FSD50K's `vocabulary.csv`). Any list of ids or names makes another.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.tables import html_table
from audiolabels.datasets.cache import find_file
from audiolabels.errors import VocabularyError, expect, guarded, nearest, shortlist
from audiolabels.ontology.embedded import ontology_folder
from audiolabels.ontology.ontology import Ontology, default_ontology

LARGEST = 65_535  # the Parquet layouts store columns as uint16
ROWS_SHOWN = 6  # in a notebook


@dataclass(frozen=True)
class Vocabulary:
    """Classes in the order of a target tensor's columns.

    Attributes:
        name: of the vocabulary, in metadata.
        ids: one machine id per column.
        names: one display name per column.

    Raises:
        VocabularyError: no class, too many, an id twice, or not one name for each id.

    >>> guitars = load_vocabulary(["Guitar", "Electric guitar"])
    >>> guitars.ids, guitars.index["/m/02sgy"]
    (('/m/0342h', '/m/02sgy'), 1)
    """

    name: str
    ids: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.ids) <= LARGEST:
            raise VocabularyError(
                f"vocabulary {self.name!r} has {len(self.ids):,} classes; 1 to {LARGEST:,} work"
            )
        if len(self.ids) != len(self.names):
            raise VocabularyError(
                f"vocabulary {self.name!r} has {len(self.ids)} ids but {len(self.names)} names"
            )
        if len(self.index) < len(self.ids):
            twice = [id_ for i, id_ in enumerate(self.ids) if self.index[id_] != i]
            raise VocabularyError(
                f"vocabulary {self.name!r} has classes more than once: {shortlist(twice)}"
            )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Column of each id."""
        return {id_: i for i, id_ in enumerate(self.ids)}

    def take(self, columns: Iterable[int], name: str | None = None) -> "Vocabulary":
        """The classes in some columns, in that order."""
        chosen = list(columns)
        ids, names = ([texts[c] for c in chosen] for texts in (self.ids, self.names))
        return Vocabulary(name or self.name, tuple(ids), tuple(names))

    def missing_from(self, other: "Vocabulary") -> tuple[str, ...]:
        """Ids that this vocabulary has and the other lacks.

        >>> a, b = load_vocabulary("fsd50k"), load_vocabulary("audioset")
        >>> len(a.missing_from(b)), len(b.missing_from(a))
        (8, 335)
        """
        return tuple(id_ for id_ in self.ids if id_ not in other.index)

    def permutation_to(self, other: "Vocabulary") -> npt.NDArray[np.intp]:
        """Columns of this vocabulary in the other's order, so that `x[:, p]` fits the other.

        Returns:
            int array of shape (len(other),).

        Raises:
            VocabularyError: the other has a class that this one lacks.

        >>> a, b = load_vocabulary(["Guitar", "Rain"]), load_vocabulary(["Rain", "Guitar"])
        >>> a.permutation_to(b).tolist()
        [1, 0]
        """
        lacking = other.missing_from(self)
        if lacking:
            raise VocabularyError(
                f"vocabulary {self.name!r} lacks {len(lacking)} classes of {other.name!r}: "
                f"{shortlist(lacking)}"
            )
        return np.array([self.index[id_] for id_ in other.ids], dtype=np.intp)

    def __repr__(self) -> str:
        return f"Vocabulary({self.name!r}, {len(self)} classes)"

    def _repr_html_(self) -> str:
        rows = ((id_, name) for id_, name in zip(self.ids[:ROWS_SHOWN], self.names, strict=False))
        more = [("…", f"{len(self) - ROWS_SHOWN:,} more")] if len(self) > ROWS_SHOWN else []
        return html_table(self, ("id", "name"), [*rows, *more])


def describe_vocabulary(vocabulary: Vocabulary) -> dict[str, Any]:
    """The vocabulary in metadata."""
    return {
        "name": vocabulary.name,
        "ids": list(vocabulary.ids),
        "names": list(vocabulary.names),
    }


def described_vocabulary(facts: Any) -> Vocabulary:
    """The vocabulary that `describe_vocabulary` described; a ValueError if it did not."""
    parts: dict[str, Any] = facts if isinstance(facts, dict) else {}
    name, ids, names = (parts.get(key, ()) for key in ("name", "ids", "names"))
    lists = isinstance(ids, list) and isinstance(names, list)
    if not lists or not all(isinstance(text, str) for text in (name, *ids, *names)):
        raise ValueError("no vocabulary with name, ids and names, all of them texts")
    try:
        return Vocabulary(name, tuple(ids), tuple(names))
    except VocabularyError as error:
        raise ValueError(str(error)) from error


def class_rows(vocabulary: Vocabulary) -> list[tuple[str, str, str]]:
    """Header and rows of AudioSet's `class_labels_indices.csv`."""
    classes = enumerate(zip(vocabulary.ids, vocabulary.names, strict=True))
    return [("index", "mid", "display_name"), *((str(i), *names) for i, names in classes)]


def _column_file(stem: str, *conditions: str) -> Callable[[Ontology], tuple[list[str], list[str]]]:
    def read(ontology: Ontology) -> tuple[list[str], list[str]]:
        path = ontology_folder() / "vocabularies" / f"{stem}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = [r for r in csv.DictReader(file) if all(r[c] == "1" for c in conditions)]
        return [r["id"] for r in rows], [r["name"] for r in rows]

    return read


def _whole_ontology(ontology: Ontology) -> tuple[list[str], list[str]]:
    kept = [c for c in ontology.classes if c.id not in ontology.supplement]
    return [c.id for c in kept], [c.name for c in kept]


NAMED: Mapping[str, Callable[[Ontology], tuple[list[str], list[str]]]] = MappingProxyType(
    {
        "audioset": _column_file("audioset"),
        "ontology": _whole_ontology,
        "audioset-strong": _column_file("audioset-strong"),
        "audioset-strong-train": _column_file("audioset-strong", "in_train"),
        "audioset-strong-eval": _column_file("audioset-strong", "in_eval"),
        "audioset-strong-both": _column_file("audioset-strong", "in_train", "in_eval"),
        "fsd50k": _column_file("fsd50k"),
    }
)


def load_vocabulary(
    source: str | Path | Iterable[str] | Vocabulary | None = None,
    *,
    ontology: Ontology | None = None,
    default: str = "audioset",
) -> Vocabulary:
    """Load a named vocabulary, one from a file, or make one from ids and names.

    Args:
        source: a name (see the module), a path to a list of classes (CSV or TSV with a column of
            ids, or one id or name per line), ids and names, or a vocabulary, which is returned;
            None: the one named `default`, or all classes of an ontology that lacks some of those.
        ontology: for the look-up of names; the embedded one with its supplement by default.

    Raises:
        VocabularyError: no such name or file, no usable column, or a class that the ontology lacks
            or that occurs twice.

    >>> load_vocabulary("audioset")
    Vocabulary('audioset', 527 classes)
    """
    if isinstance(source, Vocabulary):
        return source
    ontology = default_ontology(ontology)
    if source is None:
        ids, _ = NAMED[default](ontology)
        source = default if all(map(ontology.resolve, ids)) else "ontology"
    expected = "a name, the path of a list of classes, or ids and names of classes"
    expect("vocabulary", source, str | Path | Iterable, expected)
    if isinstance(source, str) and source in NAMED:
        ids, names = NAMED[source](ontology)
        vocabulary = Vocabulary(source, tuple(ids), tuple(names))
    elif isinstance(source, str | Path):
        path = find_file("vocabulary", source)
        vocabulary = _from_labels(path.name, _read_class_list(path, ontology), ontology)
    else:
        vocabulary = _from_labels("custom", list(source), ontology)
    refuse_lacking(vocabulary, ontology)
    _refuse_doubles(vocabulary, ontology)
    return vocabulary


def named_like(vocabulary: Vocabulary, ontology: Ontology) -> Vocabulary:
    """The first named vocabulary with exactly the same classes, else the vocabulary itself."""
    own = {ontology.resolve(id_) for id_ in vocabulary.ids}
    for name in NAMED:
        named = load_vocabulary(name)
        if {ontology.resolve(id_) for id_ in named.ids} == own:
            return named
    return vocabulary


def refuse_lacking(vocabulary: Vocabulary, ontology: Ontology) -> None:
    """Raise a VocabularyError if the ontology lacks classes of the vocabulary."""
    lacking = [id_ for id_ in vocabulary.ids if ontology.resolve(id_) is None]
    if lacking:
        raise VocabularyError(
            f"the ontology lacks {len(lacking)} classes of vocabulary {vocabulary.name!r}: "
            f"{shortlist(lacking)}"
        )


def _refuse_doubles(vocabulary: Vocabulary, ontology: Ontology) -> None:
    columns: dict[str | None, str] = {}
    for id_ in vocabulary.ids:
        other = columns.setdefault(ontology.resolve(id_), id_)
        if other != id_:
            raise VocabularyError(
                f"vocabulary {vocabulary.name!r} has one class under two ids: {other} and {id_}"
            )


def _from_labels(name: str, labels: list[str], ontology: Ontology) -> Vocabulary:
    if odd := [label for label in labels if not isinstance(label, str)]:
        raise VocabularyError(f"vocabulary {name!r}: no texts: {shortlist(odd, show=repr)}")
    resolved = {label: ontology.resolve(label) for label in labels}
    unknown = [label for label, id_ in resolved.items() if id_ is None]
    if unknown:
        raise VocabularyError(
            f"vocabulary {name!r}: neither an id nor an exact display name: "
            f"{shortlist(unknown, show=ontology.hint)}"
        )
    found = [(label, id_) for label in labels if (id_ := resolved[label])]
    # An alias stays the column's id: the order and ids of a vocabulary are its owner's.
    ids = tuple(label if label in ontology.aliases else id_ for label, id_ in found)
    return Vocabulary(name, ids, tuple(ontology.name(id_) for _, id_ in found))


def _read_class_list(path: Path, ontology: Ontology) -> list[str]:
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        offered, near = ", ".join(NAMED), nearest(str(path), NAMED, 1)
        reason = getattr(error, "strerror", None) or error
        raise VocabularyError(
            f"{str(path)!r} is neither a named vocabulary ({offered}) nor a readable file: "
            f"{reason}{''.join(f'; did you mean {name!r}?' for name in near)}"
        ) from error
    with guarded(path, VocabularyError, "not a text file"):
        text = content.decode("utf-8-sig")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise VocabularyError(f"{path}: empty; expected one class a line")
    if all(ontology.resolve(line.strip()) for line in lines):
        return [line.strip() for line in lines]
    delimiter = "\t" if "\t" in lines[0] else ","
    with guarded(path, VocabularyError, "not a list of classes"):
        rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
    for column in range(min(3, len(rows[0]))):
        cells = [row[column].strip() if column < len(row) else "" for row in rows]
        for first in (0, 1):  # with and without a header
            hits = sum(c in ontology or c in ontology.aliases for c in cells[first:])
            if cells[first:] and hits == len(cells) - first:
                return cells[first:]
    raise VocabularyError(
        f"{path}: no column of class ids; expected a header like 'index,mid,display_name', "
        f"'mid,name', or one id or exact display name a line"
    )

"""Label quality: classes whose labels raters seldom confirmed, and what schemes make of these.

The share that raters confirmed is of few ratings a class, so where it is a weight or evidence it is
smoothed: `PRIOR_RATINGS` of `PRIOR_QUALITY` are added.

Source: AudioSet's quality assessment (https://research.google.com/audioset/download.html,
`qa_true_counts.csv`): of up to ten clips with the label of each class, how many were rated, and in
how many the class was heard.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.errors import LabelFileError, OptionError, UnknownLabelError, expect, guarded
from audiolabels.files import sha256_of
from audiolabels.files.remote import to_path
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import option, portion
from audiolabels.schemes.scheme import SchemeOptions

COLUMNS = ("label_id", "num_rated", "num_true")
FLOOR = 0.5
PRIOR_RATINGS, PRIOR_QUALITY = 10, 0.9


@dataclass(frozen=True)
class ClassQuality:
    """What raters found of the labels of classes.

    Attributes:
        path, sha256: of the file.
        ratings: class, by id or name, to how many of its labels were rated, and how many confirmed.
    """

    path: Path
    sha256: str
    ratings: Mapping[str, tuple[int, int]]


def read_class_quality(path: str | Path) -> ClassQuality:
    """Read AudioSet's `qa_true_counts.csv`, or another CSV with its columns.

    Raises:
        LabelFileError: no such file, other columns, or no class; a class that occurs twice, or
            numbers that are none of ratings.
    """
    path = to_path(path)
    with guarded(path, LabelFileError, "no table of label quality"):
        table = csv.reader(path.read_text("utf-8-sig").splitlines())
        head, ratings = tuple(next(table, ())), dict[str, tuple[int, int]]()
        if sorted(head) != sorted(COLUMNS):
            raise LabelFileError(
                f"{path}: columns {', '.join(head)}; label quality has {', '.join(COLUMNS)}"
            )
        for cells in filter(None, table):
            row = dict(zip(head, cells, strict=True))
            label, rated, true = (row[name] for name in COLUMNS)
            if label in ratings or not 0 <= int(true) <= int(rated):
                raise LabelFileError(
                    f"{path}: row {table.line_num:,}: {label!r} occurs twice, or more labels are "
                    f"confirmed than rated: {cells}"
                )
            ratings[label] = int(rated), int(true)
        if not ratings:
            raise LabelFileError(f"{path}: no class but a header; was it cut off?")
        return ClassQuality(path, sha256_of(path), ratings)


def ratings_by_id(quality: ClassQuality, ontology: Ontology) -> dict[str, tuple[int, int]]:
    """The ratings by id of the ontology.

    Raises:
        UnknownLabelError: the ontology lacks a class.
        LabelFileError: two names of one class.
    """
    found = dict[str, tuple[int, int]]()
    for name, counts in quality.ratings.items():
        id_ = ontology.resolve(name)
        if id_ is None:
            raise UnknownLabelError(
                f"{quality.path.name}: the ontology lacks {ontology.hint(name)}"
            )
        if id_ in found:
            raise LabelFileError(f"{quality.path}: {name!r} occurs twice, under another name")
        found[id_] = counts
    return found


def smoothed_quality(
    quality: ClassQuality | None, vocabulary: Vocabulary, ontology: Ontology
) -> npt.NDArray[np.float64]:
    """Share of the labels of each class that raters confirmed, smoothed: float64 (C,).

    Raises:
        UnknownLabelError, LabelFileError: see `ratings_by_id`.

    >>> from audiolabels import load_ontology, load_vocabulary
    >>> classes, rated = load_vocabulary(["Rain", "Dog"]), {"Dog": (10, 1)}
    >>> smoothed_quality(ClassQuality(Path("q.csv"), "", rated), classes, load_ontology()).tolist()
    [0.9, 0.5]
    """
    by_id = {} if quality is None else ratings_by_id(quality, ontology)
    counts = [by_id.get(ontology.resolve(id_) or id_, (0, 0)) for id_ in vocabulary.ids]
    rated, true = np.array(counts, np.float64).reshape(-1, 2).T
    share: npt.NDArray[np.float64] = true + PRIOR_RATINGS * PRIOR_QUALITY
    return share / (rated + PRIOR_RATINGS)


def as_class_quality(name: str, value: Any) -> ClassQuality:
    """Label quality, as it is or from the path of its file, which an option of that name has."""
    expect(name, value, str | Path | ClassQuality, "the path of a file")
    return value if isinstance(value, ClassQuality) else read_class_quality(value)


@dataclass(frozen=True)
class QualityOptions(SchemeOptions):
    """Options of schemes of labels of clips: which classes are too uncertain for positives."""

    class_quality: str | Path | ClassQuality | None = option(
        None,
        "How many labels of each class raters confirmed: AudioSet's qa_true_counts.csv. Positives "
        "of classes with a share below the quality floor become unknown.",
        check=as_class_quality,
        metavar="FILE",
    )
    quality_floor: float | None = option(
        None,
        "The least share of confirmed labels, with a file of class quality.",
        check=portion,
        metavar="SHARE",
        shown=f"{FLOOR:g}",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.quality_floor is not None and self.class_quality is None:
            raise OptionError("quality_floor needs a file of label quality (--class-quality)")

    @property
    def floor(self) -> float:
        """The least share of confirmed labels."""
        return FLOOR if self.quality_floor is None else self.quality_floor

    @property
    def below_floor(self) -> tuple[str, ...]:
        """The classes below the floor, as the file names them; classes without ratings are not."""
        if not isinstance(self.class_quality, ClassQuality):
            return ()
        ratings = self.class_quality.ratings.items()
        return tuple(name for name, counts in ratings if self._below(*counts))

    def _below(self, rated: int, true: int) -> bool:
        return rated > 0 and true / rated < self.floor

    def doubtful(self, ontology: Ontology) -> list[int]:
        """Their positions in the ontology.

        Raises:
            UnknownLabelError, LabelFileError: see `ratings_by_id`.
        """
        if not isinstance(self.class_quality, ClassQuality):
            return []
        found = ratings_by_id(self.class_quality, ontology).items()
        return [ontology.index[id_] for id_, counts in found if self._below(*counts)]

    @property
    def side_files(self) -> list[Path]:
        """See `SchemeOptions`."""
        return [self.class_quality.path] if isinstance(self.class_quality, ClassQuality) else []

    def stated(self, *, labels: bool) -> dict[str, Any]:
        """See `SchemeOptions`; of the file its name."""
        own = super().stated(labels=labels)
        if isinstance(self.class_quality, ClassQuality):
            own |= {"class_quality": self.class_quality.path.name, "quality_floor": self.floor}
        return own

    def facts(self) -> dict[str, Any]:
        """See `SchemeOptions`."""
        quality = self.class_quality
        if not isinstance(quality, ClassQuality):
            return {}
        below = len(self.below_floor)
        return {"quality": {"name": quality.path.name, "sha256": quality.sha256, "below": below}}

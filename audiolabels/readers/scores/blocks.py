"""What importers agree on: how a file of scores is read, and what an importer hands on."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.grid import Ms
from audiolabels.errors import ScoresFileError
from audiolabels.options import Options, option

VALUES = ("auto", "logits", "probabilities")
BEYOND_TOP = ("unknown", "zero")
BLOCK = 8192  # segments that are read at a time, or one clip


@dataclass(frozen=True)
class ScoreOptions(Options):
    """How a file of scores is read.

    Attributes:
        path: the file.
    """

    path: Path
    class_order: str | Path | None = option(
        None,
        "The teacher's classes in its order: the name of a vocabulary, or a file with a list of "
        "classes. It comes before what the file says.",
        metavar="NAME|FILE",
        shown="as in the file; else audioset",
    )
    values: str = option(
        "auto",
        "What the scores are. logits become probabilities by the sigmoid; auto: logits if some of "
        "the first block lie outside 0 to 1.",
        choices=VALUES,
        name="score_values",
    )
    index: Path | None = option(
        None,
        "Which clip each row of a .npy file is: EfficientAT's fname_to_index.pkl, JSON, or a name "
        "a line.",
        check=lambda _, path: Path(path),
        metavar="FILE",
        shown="fname_to_index.pkl beside it",
        name="scores_index",
    )
    beyond_top: str = option(
        "unknown",
        "What classes are that a file of the highest scores, such as CED's, does not list.",
        choices=BEYOND_TOP,
    )


class Block(NamedTuple):
    """Some rows of a file, n clips or segments.

    Attributes:
        first: number of the first row, from 1.
        names: what the file calls each row's clip.
        values: (n, K), or (n, T, K) where a row holds T segments.
        onset_ms, offset_ms: int64 (n,) or (n, T); None: from the clip's start, end not known.
        known: bool of the shape of `values`; None where all are.
        masked: likewise: what is unknown whatever `beyond_top` says; None where nothing is.
    """

    first: int
    names: Sequence[str]
    values: npt.NDArray[Any]
    onset_ms: Ms | None = None
    offset_ms: Ms | None = None
    known: npt.NDArray[np.bool_] | None = None
    masked: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Table:
    """A file of scores that is open.

    Attributes:
        classes: number of classes, K; 0 where the class order alone tells it.
        labels: their ids or names in order, if the file or its form says them.
        order: what to call that order.
        blocks: a function of K to the rows in order.
        top: how many scores a row lists, if only the highest.
        notes: what else to say of the file.
    """

    classes: int
    labels: Sequence[str] | None
    order: str
    blocks: Callable[[int], Iterator[Block]]
    top: int = 0
    notes: tuple[str, ...] = ()


def texts(values: npt.NDArray[Any] | Sequence[Any]) -> list[str]:
    """Strings of an array of strings or bytes."""
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]


def whole_ms(seconds: npt.NDArray[Any], path: Path, what: str) -> Ms:
    """Whole milliseconds of times in seconds.

    Raises:
        ScoresFileError: one is no number, or below zero.
    """
    times = np.asarray(seconds, np.float64)
    if not (np.isfinite(times) & (times >= 0)).all():
        raise ScoresFileError(f"{path}: {what} holds a time that is no number of seconds")
    return np.rint(times * 1000).astype(np.int64)

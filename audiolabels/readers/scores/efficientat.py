"""EfficientAT's teacher file: a `.npy` array of logits (N, 527), and an index from name to row.

The index is `fname_to_index.pkl`, a pickled dict from file name to row. Unpickling can call
functions, so the unpickler here knows no function and no class: texts, numbers and dicts are read,
anything else is an error. An index may also be JSON (an object from name to row, or a list of names
in the order of the rows) or text with one name a line. Rows that the index does not name are not
used. The columns are taken to be in the order of `class_labels_indices.csv`.

The file names carry no start in the video, so neither do the clip ids.
"""

import io
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.errors import ScoresFileError, shortlist
from audiolabels.readers.options import ScoreOptions
from audiolabels.readers.scores.blocks import Block, ScoreTable, row_slices

INDEX = "fname_to_index.pkl"


def read_efficientat(scores: npt.NDArray[Any], options: ScoreOptions) -> ScoreTable:
    """The rows that the index names, in the order of the array, which is mapped, not read."""
    if scores.ndim != 2:
        raise ScoresFileError(f"{options.path}: shape {scores.shape}; expected (N, C)")
    path = Path(options.index or options.path.with_name(INDEX))
    if not path.is_file():
        raise ScoresFileError(
            f"{options.path}: an array without clip ids; name the file that gives the clip of each "
            f"row with --scores-index (index=), or put {INDEX} next to it"
        )
    entries = sorted((row, name) for name, row in _read_index(path).items())
    outside = [f"{name} (row {row})" for row, name in entries if not 0 <= row < len(scores)]
    if outside or not entries:
        raise ScoresFileError(
            f"{path}: {len(outside):,} of {len(entries):,} names have no row in "
            f"{options.path.name}, which has {len(scores):,}: {shortlist(outside)}"
        )
    rows = np.array([row for row, _ in entries], np.int64)
    names = [name for _, name in entries]

    def blocks(classes: int) -> Iterator[Block]:
        for part in row_slices(len(rows), options.block_sizes.scores):
            yield Block(part.start + 1, names[part], scores[rows[part]])

    unnamed = len(scores) - len(np.unique(rows))
    notes = [f"clips named by {path.name}"]
    if unnamed:
        notes.append(f"{unnamed:,} rows that it does not name were not used")
    return ScoreTable(
        scores.shape[1],
        None,
        "audioset",
        blocks,
        of_video=True,
        side_files=(path,),
        notes=tuple(notes),
    )


def _read_index(path: Path) -> dict[str, int]:
    content = path.read_bytes()
    try:
        if content[:1] == b"\x80":
            index: Any = _NothingButData(io.BytesIO(content)).load()
        elif content.lstrip()[:1] in (b"{", b"["):
            index = json.loads(content)
        else:
            index = content.decode("utf-8-sig").splitlines()
    except (ValueError, EOFError, LookupError, TypeError, AttributeError, pickle.PickleError) as e:
        raise ScoresFileError(f"{path}: no index of names and rows: {e}") from e
    if isinstance(index, list):
        names = [name for name in index if isinstance(name, str)]
        index = {name: row for row, name in enumerate(names)} if len(names) == len(index) else None
        if index is not None and len(index) < len(names):
            raise ScoresFileError(f"{path}: a name occurs more than once")
    pairs = index.items() if isinstance(index, dict) else [(None, None)]
    if not all(isinstance(name, str) and type(row) is int for name, row in pairs):
        raise ScoresFileError(
            f"{path}: no index of names and rows; expected an object from file name to row number, "
            f"or one name a line"
        )
    return dict(pairs)


class _NothingButData(pickle.Unpickler):
    """An unpickler without functions and classes, so that nothing can be called."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(
            f"it would call {module}.{name}, which is refused; write the index as JSON"
        )

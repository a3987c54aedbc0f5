"""EfficientAT's teacher file: a `.npy` array of logits (N, 527), and an index from name to row.

The index is `fname_to_index.pkl`, a pickled dict from file name to row. Unpickling can call
functions, so the unpickler here knows none: texts, numbers, numpy's integers and dicts are read,
anything else is an error. An index may also be JSON (an object from name to row, or a list of names
in the order of the rows) or text with one name a line. Rows that the index does not name are not
used. The columns are taken to be in the order of `class_labels_indices.csv`.

The file names carry no start in the video, so neither do the clip ids.
"""

import io
import json
import mmap
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import one_chunk, texts_to_arrow, to_arrow, to_numpy
from audiolabels.errors import ScoresFileError, guarded, shortlist
from audiolabels.files.remote import to_path
from audiolabels.readers.options import ScoreOptions
from audiolabels.readers.scores.blocks import Block, ScoreTable, row_slices

INDEX = "fname_to_index.pkl"
PYTHONS: Any = pickle._Unpickler


def read_efficientat(scores: npt.NDArray[Any], options: ScoreOptions) -> ScoreTable:
    """The rows that the index names, in the order of the array, which is mapped, not read."""
    if scores.ndim != 2:
        raise ScoresFileError(f"{options.path}: shape {scores.shape}; expected (N, C)")
    path = to_path(options.index or options.path.with_name(INDEX))
    if not path.is_file():
        raise ScoresFileError(
            f"{options.path}: an array without clip ids; name the file that gives the clip of each "
            f"row with --scores-index (index=), or put {INDEX} next to it"
        )
    rows, names = _read_index(path, options.path.name, len(scores))

    def blocks(classes: int) -> Iterator[Block]:
        for part in row_slices(len(rows), options.block_sizes.scores):
            yield Block(part.start + 1, names[part], scores[rows[part]])
            forget(scores)

    unnamed = len(scores) - len(np.unique(rows))
    notes = [f"clips named by {path.name}"]
    if unnamed:
        notes.append(f"{unnamed:,} rows that it does not name were not used")
    return ScoreTable(
        scores.shape[1],
        None,
        "audioset",
        len(rows),
        blocks,
        of_video=True,
        side_files=(path,),
        notes=tuple(notes),
    )


def forget(mapped: npt.NDArray[Any]) -> None:
    """Release the memory of what was read of a mapped file, where the system can."""
    held = getattr(mapped, "_mmap", None)
    if held is not None and hasattr(mmap, "MADV_DONTNEED"):
        held.madvise(mmap.MADV_DONTNEED)


def _read_index(
    path: Path, scores: str, count: int
) -> tuple[npt.NDArray[np.int64], pa.StringArray]:
    """Rows of an array of scores, which has `count`, in order, and the name of each."""
    with guarded(path, ScoresFileError, "no index of names and rows"):
        content = path.read_bytes()
        if content[:1] == b"\x80":
            index: Any = _NothingButData(io.BytesIO(content)).load()
        elif content.lstrip()[:1] in (b"{", b"["):
            index = json.loads(content)
        else:
            index = content.decode("utf-8-sig").splitlines()
    pairs: Iterable[tuple[Any, Any]] = [(None, None)]
    if isinstance(index, list):
        pairs = zip(index, range(len(index)), strict=True)
    elif isinstance(index, dict):
        pairs = index.items()
    if not all(isinstance(name, str) and type(row) is int for name, row in pairs):
        raise ScoresFileError(
            f"{path}: no index of names and rows; expected an object from file name to row number, "
            f"or one name a line"
        )
    numbers = range(len(index)) if isinstance(index, list) else list(index.values())
    outside = [row for row in numbers if not 0 <= row < count]
    if outside or not index:
        named = sorted(zip(numbers, index, strict=True))
        listed = [f"{name} (row {row})" for row, name in named if not 0 <= row < count]
        raise ScoresFileError(
            f"{path}: {len(outside):,} of {len(index):,} names have no row in {scores}, which has "
            f"{count:,}: {shortlist(listed)}"
        )
    names, rows = texts_to_arrow(list(index)), np.array(numbers, np.int64)
    if pc.count_distinct(names).as_py() < len(names):
        raise ScoresFileError(f"{path}: a name occurs more than once")
    if isinstance(index, list):
        return rows, names
    table = pa.table({"row": to_arrow(rows), "name": names})
    table = table.sort_by([("row", "ascending"), ("name", "ascending")])
    return to_numpy(one_chunk(table["row"])), one_chunk(table["name"])


class _Kind:
    """In place of numpy's dtype."""

    order = "<"

    def __init__(self, name: str, *_: object) -> None:
        self.signed = {"i": True, "u": False}[name[0]]


def _whole(kind: _Kind, content: bytes) -> int:
    """The integer that a scalar of numpy is."""
    order: Any = "big" if kind.order == ">" else "little"
    return int.from_bytes(content[:8], order, signed=kind.signed)


STAND_INS: Mapping[tuple[str, str], Callable[..., Any]] = MappingProxyType(
    {
        ("numpy", "dtype"): _Kind,
        ("numpy.core.multiarray", "scalar"): _whole,
        ("numpy._core.multiarray", "scalar"): _whole,
        ("_codecs", "encode"): lambda text, encoding: text.encode("latin1"),
    }
)


class _NothingButData(PYTHONS):  # type: ignore[misc]
    """An unpickler in which nothing but `STAND_INS` can be called.

    Python's own: that written in C allocates as much as a pickle of a few bytes asks for. Tuples
    become lists, which are no keys: hashes of nested tuples take time without end.
    """

    dispatch: ClassVar = dict(PYTHONS.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in STAND_INS:
            raise pickle.UnpicklingError(
                f"it would call {module}.{name}, which is refused; write the index as JSON"
            )
        return STAND_INS[module, name]

    def build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], _Kind):
            raise pickle.UnpicklingError("it holds objects")
        self.stack[-1].order = state[1]

    def marked(self) -> None:
        items = self.pop_mark()
        self.append(items)

    def last(self, count: int) -> None:
        start = len(self.stack) - count
        self.stack[start:] = [self.stack[start:]]

    dispatch[pickle.BUILD[0]] = build
    dispatch[pickle.TUPLE[0]] = marked
    for _count, _code in enumerate("EMPTY_TUPLE TUPLE1 TUPLE2 TUPLE3".split()):
        dispatch[getattr(pickle, _code)[0]] = lambda self, count=_count: self.last(count)
    del dispatch[pickle.BYTEARRAY8[0]]

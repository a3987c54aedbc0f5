"""Targets in Parquet: three layouts, the metadata that explain the file, atomic writing.

One row a clip: `clip_id`, `onset`, `offset`, then the targets.

| layout | columns |
|---|---|
| `lists` | `positive`, `masked`: list<uint16> of column numbers, ascending |
| `packed` | `positive`, `masked`: ceil(C / 8) bytes each, `numpy.packbits` order |
| `dense` | `target`: C float32; `mask`: C uint8, 1 = known |

The schema's metadata hold one JSON under the key `audiolabels`. Equal input and options give equal
bytes: row groups have a fixed number of rows, and nothing in the file tells the time.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.columns import fixed_binary, list_of, one_chunk, text_buffers, to_arrow, to_numpy
from audiolabels.errors import TargetsFileError, choose
from audiolabels.targets import Bits, Targets
from audiolabels.vocabulary import Vocabulary

KEY = b"audiolabels"
FORMAT_VERSION = 1
PARQUET_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "compression": "zstd",
        "use_dictionary": ["onset", "offset"],
        "write_statistics": ["onset", "offset"],
    }
)
CHUNK = 8192  # rows of bits unpacked at a time


Cells = tuple[pa.Array, pa.Array]


@dataclass(frozen=True)
class Layout:
    """One way to store targets.

    Attributes:
        group: clips of a row group.
        columns: names and types of the target columns, for C classes.
        encode: bits of distinct targets (positive, masked) and C, to one cell each.
        gather: such cells, int32 (N,) which of them each clip has, and C, to the target columns.
        load: the target columns and C to bits, one row a clip.
        dictionary: target columns that are dictionary-encoded.
    """

    group: int
    columns: Callable[[int], dict[str, pa.DataType]]
    encode: Callable[[Bits, Bits, int], Cells]
    gather: Callable[[Cells, npt.NDArray[np.int32], int], list[pa.Array]]
    load: Callable[[pa.RecordBatch, int], tuple[Bits, Bits]]
    dictionary: tuple[str, ...]


def append_cells(cells: Cells | None, more: Cells) -> Cells:
    """The cells of both, one after the other."""
    if cells is None:
        return more
    positive, masked = (pa.concat_arrays(pair) for pair in zip(cells, more, strict=True))
    return positive, masked


def _encode_lists(positive: Bits, masked: Bits, columns: int) -> Cells:
    """The column numbers of each list as bytes, which Arrow gathers five times faster."""
    return _numbers(positive, columns), _numbers(masked, columns)


def _numbers(bits: Bits, columns: int) -> pa.BinaryArray:
    sizes, values = [np.zeros(1, np.int64)], [np.zeros(0, np.uint16)]
    for start in range(0, len(bits), CHUNK):
        part = np.unpackbits(bits[start : start + CHUNK], axis=1, count=columns)
        cells = np.flatnonzero(part.view(np.bool_))
        rows = cells // columns
        sizes.append(np.bincount(rows, minlength=len(part)))
        values.append((cells - rows * columns).astype(np.uint16))
    offsets = np.cumsum(np.concatenate(sizes)) * 2
    data = pa.py_buffer(np.concatenate(values))
    return pa.Array.from_buffers(
        pa.binary(), len(bits), [None, pa.py_buffer(offsets.astype(np.int32)), data]
    )


def _gather_lists(cells: Cells, which: npt.NDArray[np.int32], columns: int) -> list[pa.Array]:
    arrays = []
    for cell in cells:
        offsets, data = text_buffers(cell.take(to_arrow(which)))
        arrays.append(list_of(offsets // 2, data.view(np.uint16)))
    return arrays


def _load_lists(batch: pa.RecordBatch, columns: int) -> tuple[Bits, Bits]:
    return _scatter(batch["positive"], columns), _scatter(batch["masked"], columns)


def _scatter(lists: pa.ListArray, columns: int) -> Bits:
    offsets = to_numpy(lists.offsets).astype(np.int64)
    values = to_numpy(lists.values)[offsets[0] : offsets[-1]].astype(np.int64)
    width = -(-columns // 8)
    rows = np.repeat(np.arange(len(lists)), np.diff(offsets))
    weights = (128 >> (values & 7)).astype(np.float64)
    sums = np.bincount(rows * width + (values >> 3), weights, len(lists) * width)
    return sums.astype(np.uint8).reshape(len(lists), width)


def _encode_packed(positive: Bits, masked: Bits, columns: int) -> Cells:
    return fixed_binary(positive), fixed_binary(masked)


def _gather_packed(cells: Cells, which: npt.NDArray[np.int32], columns: int) -> list[pa.Array]:
    return [cell.take(to_arrow(which)) for cell in cells]


def _load_packed(batch: pa.RecordBatch, columns: int) -> tuple[Bits, Bits]:
    return _fixed_bytes(batch["positive"]), _fixed_bytes(batch["masked"])


def _fixed_bytes(array: pa.FixedSizeBinaryArray) -> Bits:
    width = array.type.byte_width
    raw = np.frombuffer(array.buffers()[1], np.uint8)
    return raw[array.offset * width : (array.offset + len(array)) * width].reshape(-1, width)


def _gather_dense(cells: Cells, which: npt.NDArray[np.int32], columns: int) -> list[pa.Array]:
    positive, masked = (
        np.unpackbits(_fixed_bytes(cell)[which], axis=1, count=columns).ravel() for cell in cells
    )
    return [
        pa.FixedSizeListArray.from_arrays(to_arrow(positive.astype(np.float32)), columns),
        pa.FixedSizeListArray.from_arrays(to_arrow(1 - masked), columns),
    ]


def _load_dense(batch: pa.RecordBatch, columns: int) -> tuple[Bits, Bits]:
    def table(name: str) -> npt.NDArray[Any]:
        return to_numpy(batch[name].flatten()).reshape(-1, columns)

    return np.packbits(table("target") > 0, axis=1), np.packbits(table("mask") == 0, axis=1)


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "lists": Layout(
            group=131_072,
            columns=lambda c: {"positive": pa.list_(pa.uint16()), "masked": pa.list_(pa.uint16())},
            encode=_encode_lists,
            gather=_gather_lists,
            load=_load_lists,
            dictionary=(),
        ),
        "packed": Layout(
            group=131_072,
            columns=lambda c: {"positive": pa.binary(-(-c // 8)), "masked": pa.binary(-(-c // 8))},
            encode=_encode_packed,
            gather=_gather_packed,
            load=_load_packed,
            dictionary=("positive", "masked"),
        ),
        "dense": Layout(
            group=8_192,
            columns=lambda c: {
                "target": pa.list_(pa.float32(), c),
                "mask": pa.list_(pa.uint8(), c),
            },
            encode=_encode_packed,
            gather=_gather_dense,
            load=_load_dense,
            dictionary=("target.list.element", "mask.list.element"),
        ),
    }
)


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` only if all went well.

    Raises:
        TargetsFileError: the folder does not exist, `path` is no regular file, or writing fails.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise TargetsFileError(f"{path}: not a regular file, so it is not replaced")
    if not path.parent.is_dir():
        raise TargetsFileError(f"{path.parent}: no such folder; make it first")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise TargetsFileError(f"{path}: not written, left as it was: {reason}") from error
    finally:
        partial.unlink(missing_ok=True)


class TargetsWriter:
    """Writes one Parquet file in row groups of exactly `LAYOUTS[layout].group` clips.

    A context manager: without `close`, leaving it gives the file up.

    Args:
        path: where the file is written; `atomic_path` should stand around this.
        vocabulary: C classes.
        layout: a key of `LAYOUTS`.
    """

    def __init__(self, path: Path, vocabulary: Vocabulary, layout: str) -> None:
        self.layout = LAYOUTS[choose("layout", layout, LAYOUTS)]
        self._name = layout
        self._vocabulary = vocabulary
        self._schema = pa.schema(
            {
                "clip_id": pa.string(),
                "onset": pa.float64(),
                "offset": pa.float64(),
                **self.layout.columns(len(vocabulary)),
            }
        )
        self._sink = pa.OSFile(str(path), "wb")
        self._writer = pq.ParquetWriter(
            self._sink,
            self._schema,
            **{
                **PARQUET_OPTIONS,
                "use_dictionary": [*PARQUET_OPTIONS["use_dictionary"], *self.layout.dictionary],
            },
        )
        self.rows = 0

    def __enter__(self) -> "TargetsWriter":
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file; without `close` it has no end, so no reader takes it for whole."""
        self._writer.is_open = False
        self._sink.close()

    def write(
        self,
        clip_id: pa.StringArray,
        onset: pa.DoubleArray,
        offset: pa.DoubleArray,
        cells: Cells,
        which: npt.NDArray[np.int32],
    ) -> None:
        """Append one row group; all but the last have `layout.group` clips.

        Args:
            clip_id, onset, offset: N clips.
            cells: distinct targets as `layout.encode` makes them.
            which: int32 (N,): the cell of each clip.
        """
        targets = self.layout.gather(cells, which, len(self._vocabulary))
        table = pa.Table.from_arrays([clip_id, onset, offset, *targets], schema=self._schema)
        self._writer.write_table(table, row_group_size=self.layout.group)
        self.rows += len(clip_id)

    def close(self, metadata: Mapping[str, Any]) -> None:
        """Finish the file with its metadata."""
        from audiolabels import __version__

        facts = {
            "format_version": FORMAT_VERSION,
            "library": f"audiolabels {__version__}",
            "layout": self._name,
            "columns": list(self.layout.columns(1)),
            "rows": self.rows,
            **metadata,
        }
        text = json.dumps(facts, ensure_ascii=False, sort_keys=True)
        self._writer.add_key_value_metadata({KEY: text.encode()})
        self._writer.close()


def write_targets(targets: Targets, path: str | Path, *, layout: str = "lists") -> None:
    """Write targets to a Parquet file, whole or not at all.

    Args:
        targets: N clips × C classes.
        path: an existing file is replaced at the end.
        layout: `lists`, `packed` or `dense`.

    Raises:
        OptionError: no such layout.
        TargetsFileError: the file cannot be written; what was there is untouched.
    """
    with (
        atomic_path(path) as partial,
        TargetsWriter(partial, targets.vocabulary, layout) as writer,
    ):
        cells = writer.layout.encode(targets.positive, targets.masked, len(targets.vocabulary))
        for start in range(0, len(targets), writer.layout.group):
            part = targets.slice(start, start + writer.layout.group)
            writer.write(part.clip_id, part.onset, part.offset, cells, part.row_of_clip)
        writer.close(targets.metadata)


def read_info(path: str | Path) -> dict[str, Any]:
    """The metadata of a targets file: how it was made, vocabulary, layout, rows.

    Raises:
        TargetsFileError: the file is missing or broken, or this library did not write it.
    """
    return _open(path)[1]


def _open(path: str | Path) -> tuple[pq.ParquetFile, dict[str, Any]]:
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise TargetsFileError(f"{path}: cannot be read as Parquet: {error}") from error
    text = (file.metadata.metadata or {}).get(KEY)
    if text is None:
        raise TargetsFileError(
            f"{path}: not a targets file (no metadata 'audiolabels'); 'audiolabels expand' makes "
            f"one from labels"
        )
    try:
        facts = json.loads(text)
        version, layout, names = facts["format_version"], facts["layout"], facts["columns"]
        sizes = len(facts["vocabulary"]["ids"]), facts["rows"]
    except (ValueError, KeyError, TypeError) as error:
        raise TargetsFileError(f"{path}: broken metadata: {error}") from error
    if version > FORMAT_VERSION or layout not in LAYOUTS:
        raise TargetsFileError(
            f"{path}: written in format {version}, layout {layout!r}; this version of audiolabels "
            f"reads up to format {FORMAT_VERSION}: upgrade it"
        )
    expected = LAYOUTS[layout].columns(sizes[0])
    found = {
        name: file.schema_arrow.field(name).type
        for name in expected
        if name in file.schema_arrow.names
    }
    if list(expected) != names or len(found) < len(expected) or sizes[1] != file.metadata.num_rows:
        raise TargetsFileError(f"{path}: columns or rows are not those that its metadata name")
    return file, facts


def read_targets(path: str | Path) -> Targets:
    """Read a targets file of any layout.

    Returns:
        Targets of shape (N, C), equal to those that were written.

    Raises:
        TargetsFileError: the file is missing or broken, or this library did not write it.
    """
    file, facts = _open(path)
    classes = facts["vocabulary"]
    vocabulary = Vocabulary(classes["name"], tuple(classes["ids"]), tuple(classes["names"]))
    layout = LAYOUTS[facts["layout"]]
    tables, clips, starts, ends = [], [], [], []
    try:
        for group in range(file.num_row_groups):
            batch = file.read_row_group(group).combine_chunks().to_batches()[0]
            tables.append(np.concatenate(layout.load(batch, len(vocabulary)), axis=1))
            clips.append(batch["clip_id"])
            starts.append(batch["onset"])
            ends.append(batch["offset"])
    except (pa.ArrowException, OSError) as error:
        raise TargetsFileError(f"{path}: broken: {error}") from error
    both, rows = _distinct(tables, 2 * -(-len(vocabulary) // 8))
    width = both.shape[1] // 2
    written = ("format_version", "library", "layout", "columns", "rows")
    return Targets(
        vocabulary,
        one_chunk(pa.chunked_array(clips, pa.string())),
        one_chunk(pa.chunked_array(starts, pa.float64())),
        one_chunk(pa.chunked_array(ends, pa.float64())),
        rows,
        np.ascontiguousarray(both[:, :width]),
        np.ascontiguousarray(both[:, width:]),
        np.zeros(len(both), np.int32),
        MappingProxyType({k: v for k, v in facts.items() if k not in written}),
    )


def _distinct(tables: list[Bits], width: int) -> tuple[Bits, npt.NDArray[np.int32]]:
    """Distinct rows of all tables, and the distinct row of each row."""
    distinct, which, start = [np.zeros((0, width), np.uint8)], [np.zeros(0, np.int32)], 0
    for table in tables:
        encoded = fixed_binary(table).dictionary_encode()
        distinct.append(_fixed_bytes(encoded.dictionary))
        which.append(to_numpy(encoded.indices) + np.int32(start))
        start += len(encoded.dictionary)
    rows = fixed_binary(np.concatenate(distinct)).dictionary_encode()
    merged = to_numpy(rows.indices)[np.concatenate(which)] if start else which[0]
    return _fixed_bytes(rows.dictionary).copy(), merged

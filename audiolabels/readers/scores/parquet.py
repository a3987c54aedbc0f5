"""Scores in Parquet: one row per clip or segment, with `clip_id` and a list of scores.

| column | content |
|---|---|
| `clip_id`, or another known name of clips | string; a clip's segments follow each other |
| `scores` | list of floats, as many in every row |
| `onset`, `offset` | seconds; may be absent or null |
| `mask` | list of integers, 1 = known; may be absent |

The class order is a JSON list of ids or names in the schema's metadata under `classes`, or a column
`classes` with the same list in every row. `write_scores` writes such a file; soft targets that this
library wrote are one too, in either layout.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audiolabels.arrays.columns import to_arrow, to_numpy
from audiolabels.arrays.grid import Ms
from audiolabels.errors import ScoresFileError, expect
from audiolabels.files import atomic_path, blame
from audiolabels.labels.scores import Scores
from audiolabels.readers.batches import is_list, numbered, validated
from audiolabels.readers.columns import find_column
from audiolabels.readers.memory import InMemory
from audiolabels.readers.options import ScoreOptions
from audiolabels.readers.scores.blocks import (
    Block,
    ScoreTable,
    filled_texts,
    texts,
    unused_note,
    whole_ms,
)
from audiolabels.targets.layouts import SOFT_LAYOUTS
from audiolabels.targets.store import KEY

CLASSES = b"classes"
GROUP = 8192  # rows of a row group that is written


def read_parquet(file: pq.ParquetFile | InMemory, options: ScoreOptions) -> ScoreTable:
    """The rows of a Parquet file, or of a table in memory."""
    schema, path = file.schema_arrow, options.path
    column = "target" if "target" in schema.names else "scores"
    clip = find_column(schema.names, "clip", "video")
    type_ = schema.field(column).type if column in schema.names else pa.null()
    packed = pa.types.is_fixed_size_binary(type_) and KEY in (schema.metadata or {})
    if clip is None or not (packed or is_list(type_)):
        raise ScoresFileError(
            f"{path}: no columns clip_id and scores (lists of floats); columns are "
            f"{', '.join(schema.names)}"
        )
    width = type_.byte_width // 2 if packed else len(_first_cell(file, column))
    also = ("onset", "offset", "masked" if packed else "mask")
    chosen = [clip, column, *(c for c in also if c in schema.names)]

    def blocks(classes: int) -> Iterator[Block]:
        batches = _batches(file, options.block_sizes.scores, chosen)
        for first, batch in numbered(batches):
            names, known = filled_texts(batch[clip]), None
            if packed:
                values, known = _unpacked(path, batch[column], batch["masked"], width)
            else:
                values = _rectangle(path, batch[column], names, first, width)
            if "mask" in chosen:
                known = _rectangle(path, batch["mask"], names, first, width) != 0
            onset, offset = (_times(path, batch, time) for time in ("onset", "offset"))
            yield Block(first, names, values, onset, offset, known)

    notes = unused_note(schema.names, chosen)
    rows = (file.table if isinstance(file, InMemory) else file.metadata).num_rows
    return ScoreTable(width, _labels(file), "classes", rows, blocks, notes=notes)


def _batches(
    file: pq.ParquetFile | InMemory, size: int, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    """Record batches of `size` rows, except the last.

    Row groups are read one after the other, since Arrow frees none before the last one is read.
    """
    if isinstance(file, InMemory):
        yield from file.iter_batches(size, columns=columns)
        return
    held, count = list[pa.RecordBatch](), 0
    for group in range(file.num_row_groups):
        read = file.iter_batches(size, row_groups=[group], columns=columns, use_threads=False)
        for batch in validated(read):
            held.append(batch)
            count += len(batch)
            if count >= size:
                joined = pa.concat_batches(held) if len(held) > 1 else batch
                yield joined[:size]
                held, count = [joined[size:]], count - size
    if count:
        yield pa.concat_batches(held)


def _times(path: Path, batch: pa.RecordBatch, column: str) -> Ms | None:
    if column not in batch.schema.names or batch[column].null_count == len(batch):
        return None
    if batch[column].null_count:
        raise ScoresFileError(f"{path}: {column} is null in some rows but not in all")
    return whole_ms(to_numpy(batch[column].cast(pa.float64())), path, column)


def _unpacked(
    path: Path, target: pa.Array, masked: pa.Array, width: int
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """Scores, and which are known, of the layout `packed`."""
    if target.null_count or masked.null_count:
        raise ScoresFileError(f"{path}: target or masked is null in some rows")
    values, bits = SOFT_LAYOUTS["packed"].load((target, masked), width)
    return values, np.unpackbits(bits, axis=1, count=width) == 0


def _rectangle(
    path: Path, lists: pa.Array, names: pa.StringArray, first: int, width: int
) -> npt.NDArray[Any]:
    nowhere = to_arrow(np.array([-1], np.int32))[0]
    sizes = to_numpy(pc.coalesce(pc.list_value_length(lists).cast(pa.int32()), nowhere))
    odd = np.flatnonzero(sizes != width)
    if len(odd):
        row = int(odd[0])
        raise ScoresFileError(
            f"{path}: {names[row]} (row {first + row:,}) has {max(0, sizes[row])} scores, the "
            f"first row has {width}"
        )
    flat = lists.flatten()
    values = flat.cast(pa.float32() if pa.types.is_floating(flat.type) else pa.uint8())
    if not values.null_count:
        return to_numpy(values).reshape(-1, width)
    return np.array(values.to_pylist(), np.float32).reshape(-1, width)  # None becomes nan


def _first_cell(file: pq.ParquetFile | InMemory, column: str) -> list[Any]:
    cells = (batch[0][0].as_py() for batch in file.iter_batches(1, columns=[column]))
    return next(cells, None) or []


def _labels(file: pq.ParquetFile | InMemory) -> list[str] | None:
    metadata = file.schema_arrow.metadata or {}
    if KEY in metadata:
        return texts(json.loads(metadata[KEY])["vocabulary"]["ids"])
    if CLASSES in metadata:
        return texts(json.loads(metadata[CLASSES]))
    name = CLASSES.decode()
    return texts(_first_cell(file, name)) if name in file.schema_arrow.names else None


def write_scores(scores: Scores, path: str | Path) -> None:
    """Write scores to a Parquet file from which `read_scores` makes the same.

    Raises:
        TargetsFileError: the file cannot be written; what was there is untouched.
    """
    expect("scores", scores, Scores, "scores, as read_scores makes them")
    columns = len(scores.vocabulary)
    known = 1 - np.unpackbits(scores.unknown, axis=1, count=columns)
    tables = {"scores": scores.scores} | ({} if known.all() else {"mask": known})
    table = pa.Table.from_batches([scores.clips])
    for name, values in tables.items():
        lists = pa.FixedSizeListArray.from_arrays(to_arrow(values.ravel()), columns)
        table = table.append_column(name, lists)
    classes = json.dumps(list(scores.vocabulary.ids)).encode()
    table = table.replace_schema_metadata({CLASSES: classes})
    with atomic_path(path) as partial, blame(path):
        pq.write_table(table, partial, compression="zstd", row_group_size=GROUP)

"""CED's stored outputs: the k highest scores of each chunk, and a table of the chunks.

`logits_ep<E>_<rank>.h5` holds `topk_values` float16 (N, k) and `topk_indexes` int16 (N, k), the
Parquet file of the same stem `filename`, `start`, `end` in seconds, row by row. One file is read at
a time, so one epoch of one process.

The files are called logits, but CED's usual models store what the sigmoid has made of them; `auto`
decides by the range. What the classes beyond the k highest become is a choice: CED takes small
numbers or zero in training. Here they are unknown, since all that is known is that they score below
the k-th; `beyond_top="zero"` takes them for zero.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from audiolabels.arrays.columns import one_chunk
from audiolabels.errors import ScoresFileError, guarded
from audiolabels.readers.opening import hdf5_data
from audiolabels.readers.options import ScoreOptions
from audiolabels.readers.scores.blocks import Block, ScoreTable, filled_texts, row_slices, whole_ms

COLUMNS = ("filename", "start", "end")


def read_ced(file: Any, options: ScoreOptions) -> ScoreTable:
    """The chunks of one HDF5 file; the class order gives the number of classes."""
    side_file = options.path.with_suffix(".parquet")
    if not side_file.is_file():
        raise ScoresFileError(
            f"{options.path}: CED's table of chunks is missing; {side_file.name} belongs next to it"
        )
    with guarded(side_file, ScoresFileError):
        chunks = pq.read_table(side_file, columns=list(COLUMNS))
        names, starts, ends = (one_chunk(chunks[name]) for name in COLUMNS)
        names = filled_texts(names)
    onset = whole_ms(np.array(starts.to_pylist(), np.float64), side_file, "start")
    offset = whole_ms(np.array(ends.to_pylist(), np.float64), side_file, "end")
    values, indexes = hdf5_data(file, "topk_values"), hdf5_data(file, "topk_indexes")
    mask = hdf5_data(file, "mask") if "mask" in file else None  # of this library's own export
    if values.dtype.kind != "f" or indexes.dtype.kind not in "iu":
        raise ScoresFileError(
            f"{options.path}: topk_values of type {values.dtype}, topk_indexes of type "
            f"{indexes.dtype}; expected floats and integers"
        )
    if values.ndim != 2 or values.shape != indexes.shape or len(values) != len(names):
        raise ScoresFileError(
            f"{options.path}: topk_values {values.shape}, topk_indexes {indexes.shape} and "
            f"{len(names):,} rows in {side_file.name} do not fit together"
        )

    def blocks(classes: int) -> Iterator[Block]:
        for rows in row_slices(len(values), options.block_sizes.scores):
            column = np.asarray(indexes[rows], np.int64)
            if ((column < 0) | (column >= classes)).any():
                raise ScoresFileError(
                    f"{options.path}: topk_indexes go up to {column.max()}, from {column.min()}, "
                    f"but there are {classes} classes; name the teacher's with --class-order"
                )
            scores = np.zeros((len(column), classes), np.float32)
            known = np.zeros(scores.shape, np.bool_)
            np.put_along_axis(scores, column, np.asarray(values[rows], np.float32), axis=1)
            np.put_along_axis(known, column, True, axis=1)
            masked = None
            if mask is not None:
                masked = np.unpackbits(mask[rows], axis=1, count=classes) == 0
            times = onset[rows], offset[rows]
            yield Block(rows.start + 1, names[rows], scores, *times, known, masked)

    top = values.shape[1]
    return ScoreTable(0, None, "audioset", len(values), blocks, top, True, (side_file,))

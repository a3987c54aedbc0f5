"""Plain arrays by name, in a numpy archive (npz) or an HDF5 file.

| key | shape |
|---|---|
| `clip_id` | (N,) strings; a clip's segments follow each other |
| `scores` | (N, C), one row per segment, or (N, T, C), one row per clip of T segments |
| `onset`, `offset` | seconds, (N,); with (N, T, C) also (T,) or (N, T) |
| `segment_seconds` | instead of these: a number, the length of each segment |
| `classes` | (C,) ids or exact display names, in the order of the columns |

`clip_id` and `scores` are required; with (N, T, C) the times are too. An archive is held in memory,
of an HDF5 file only the times.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.grid import Ms, seconds_to_ms
from audiolabels.errors import ScoresFileError
from audiolabels.readers.opening import hdf5_data, npz_array
from audiolabels.readers.options import ScoreOptions
from audiolabels.readers.scores.blocks import (
    Block,
    ScoreTable,
    row_slices,
    texts,
    unused_note,
    whole_ms,
)

KEYS = ("clip_id", "scores", "onset", "offset", "segment_seconds", "classes")


def read_npz(archive: Any, options: ScoreOptions) -> ScoreTable:
    """The rows of a numpy archive."""
    data = {key: npz_array(archive, key) for key in KEYS if key in archive}
    return _table(options, data, unused_note(archive, KEYS))


def read_plain_hdf5(file: Any, options: ScoreOptions) -> ScoreTable:
    """The rows of an HDF5 file; `segment_seconds` and `classes` may be attributes."""
    data = {key: hdf5_data(file, key) for key in KEYS if key in file}
    attributes = {key: file.attrs[key] for key in KEYS if key in file.attrs}
    return _table(options, {**attributes, **data}, unused_note(file, KEYS))


def _table(options: ScoreOptions, arrays: Mapping[str, Any], notes: tuple[str, ...]) -> ScoreTable:
    scores, clips = arrays["scores"], arrays["clip_id"]
    if scores.ndim not in (2, 3) or np.shape(clips) != scores.shape[:1]:
        raise ScoresFileError(
            f"{options.path}: scores of shape {scores.shape} for clip_id of shape "
            f"{np.shape(clips)}; expected (N, C) or (N, T, C) for (N,)"
        )
    onset, offset = _times(options, arrays, scores.shape)

    segments = scores.shape[1] if scores.ndim == 3 else 1

    def blocks(classes: int) -> Iterator[Block]:
        for rows in row_slices(len(scores), options.block_sizes.scores, segments):
            begin, end = (None if ms is None else ms[rows] for ms in (onset, offset))
            yield Block(rows.start + 1, texts(clips[rows]), scores[rows], begin, end)

    labels = texts(np.asarray(arrays["classes"])) if "classes" in arrays else None
    return ScoreTable(scores.shape[-1], labels, "classes", blocks, notes=notes)


def _times(
    options: ScoreOptions, arrays: Mapping[str, Any], shape: tuple[int, ...]
) -> tuple[Ms | None, Ms | None]:
    rows = shape[:-1]
    if "segment_seconds" in arrays:
        length = seconds_to_ms(float(np.asarray(arrays["segment_seconds"])), "a segment")
        number = np.arange(rows[1]) if len(rows) == 2 else np.zeros(rows[0], np.int64)
        onset = np.broadcast_to(number * length, rows)
        return onset, onset + length
    if "onset" not in arrays or (len(rows) == 2 and "offset" not in arrays):
        if len(rows) == 1 and "offset" not in arrays:
            return None, None
        raise ScoresFileError(
            f"{options.path}: no times of the segments; add onset and offset in seconds, or "
            f"segment_seconds"
        )
    onset = _spread(options, arrays["onset"], rows, "onset")
    return onset, _spread(options, arrays["offset"], rows, "offset") if "offset" in arrays else None


def _spread(options: ScoreOptions, times: Any, rows: tuple[int, ...], what: str) -> Ms:
    times = np.asarray(times)
    if times.shape not in (rows, rows[1:]) or not times.shape:
        raise ScoresFileError(
            f"{options.path}: {what} of shape {times.shape} for segments of shape {rows}"
        )
    spread: npt.NDArray[np.int64] = np.broadcast_to(whole_ms(times, options.path, what), rows)
    return spread

"""Plain arrays by name, in a numpy archive (npz) or an HDF5 file.

| key | shape |
|---|---|
| `clip_id` | (N,) strings; a clip's segments follow each other |
| `scores` | (N, C), one row per segment, or (N, T, C), one row per clip of T segments |
| `onset`, `offset` | seconds, (N,); with (N, T, C) also (T,) or (N, T) |
| `segment_seconds` | instead of these: a number, the length of each segment |
| `classes` | (C,) ids or exact display names, in the order of the columns |

`clip_id` and `scores` are required; with (N, T, C) the times are too. Rows are read block by block.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from audiolabels.arrays.grid import Ms, seconds_to_ms
from audiolabels.errors import ScoresFileError
from audiolabels.readers.opening import NpzRows, hdf5_data, npz_array
from audiolabels.readers.options import ScoreOptions
from audiolabels.readers.scores.blocks import (
    Block,
    ScoreTable,
    row_slices,
    row_texts,
    texts,
    unused_note,
    whole_ms,
)

KEYS = ("clip_id", "scores", "onset", "offset", "segment_seconds", "classes")


def read_npz(archive: Any, options: ScoreOptions) -> ScoreTable:
    """The rows of a numpy archive."""
    few = ("segment_seconds", "classes")
    data = {
        key: (npz_array if key in few else NpzRows)(archive, key) for key in KEYS if key in archive
    }
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
    times = _times(options, arrays, scores.shape)
    segments = scores.shape[1] if scores.ndim == 3 else 1

    def blocks(classes: int) -> Iterator[Block]:
        for rows in row_slices(len(scores), options.block_sizes.scores, segments):
            names = row_texts(np.asarray(clips[rows]))
            yield Block(rows.start + 1, names, scores[rows], *times(rows, len(names)))

    labels = texts(np.asarray(arrays["classes"])) if "classes" in arrays else None
    return ScoreTable(scores.shape[-1], labels, "classes", len(scores), blocks, notes=notes)


def _times(
    options: ScoreOptions, arrays: Mapping[str, Any], shape: tuple[int, ...]
) -> Callable[[slice, int], tuple[Ms | None, Ms | None]]:
    """A function of some rows, and how many they are, to their onsets and offsets."""
    rows = shape[:-1]
    if "segment_seconds" in arrays:
        length = seconds_to_ms(float(np.asarray(arrays["segment_seconds"])), "a segment")
        begins = np.arange(*rows[1:] or (1,)) * length

        def at_steps(part: slice, count: int) -> tuple[Ms, Ms]:
            onset = np.broadcast_to(begins, (count, len(begins))).reshape(count, *rows[1:])
            return onset, onset + length

        return at_steps
    if "onset" not in arrays or (len(rows) == 2 and "offset" not in arrays):
        if len(rows) == 1 and "offset" not in arrays:
            return lambda part, count: (None, None)
        raise ScoresFileError(
            f"{options.path}: no times of the segments; add onset and offset in seconds, or "
            f"segment_seconds"
        )
    given = [
        _spread(options, arrays[name], rows, name) if name in arrays else None
        for name in ("onset", "offset")
    ]

    def as_given(part: slice, count: int) -> tuple[Ms | None, Ms | None]:
        onset, offset = (None if each is None else each(part, count) for each in given)
        return onset, offset

    return as_given


def _spread(
    options: ScoreOptions, times: Any, rows: tuple[int, ...], what: str
) -> Callable[[slice, int], Ms]:
    shape = np.shape(times)
    if shape not in (rows, rows[1:]) or not shape:
        raise ScoresFileError(
            f"{options.path}: {what} of shape {shape} for segments of shape {rows}"
        )
    if shape == rows:
        return lambda part, count: whole_ms(times[part], options.path, what)
    of_each = whole_ms(times[:], options.path, what)
    return lambda part, count: np.broadcast_to(of_each, (count, *shape))

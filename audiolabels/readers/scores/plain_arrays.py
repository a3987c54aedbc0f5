"""Plain arrays under plain names, in a numpy archive (npz) or an HDF5 file.

| key | shape |
|---|---|
| `clip_id` | (N,) strings; a clip's segments stand together |
| `scores` | (N, C), one row a segment, or (N, T, C), one row a clip of T segments |
| `onset`, `offset` | seconds, (N,); with (N, T, C) also (T,) or (N, T) |
| `segment_seconds` | in their place: a number, the length of each segment |
| `classes` | (C,) ids or exact display names, in the order of the columns |

`scores` alone is required beside `clip_id`; with (N, T, C) the times are too. An archive is held
in memory, of an HDF5 file the times alone.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.grid import Ms, seconds_to_ms
from audiolabels.errors import ScoresFileError
from audiolabels.readers.scores.blocks import BLOCK, Block, ScoreOptions, Table, texts, whole_ms
from audiolabels.readers.scores.hdf5 import open_hdf5


@contextmanager
def open_npz(options: ScoreOptions) -> Iterator[Table]:
    """A numpy archive; pickled objects in it are refused, never loaded."""
    with np.load(options.path, allow_pickle=False) as archive:
        yield _table(options, {key: archive[key] for key in archive.files})


@contextmanager
def open_plain_hdf5(options: ScoreOptions) -> Iterator[Table]:
    """An HDF5 file with the same keys; `segment_seconds` and `classes` may be attributes."""
    with open_hdf5(options.path) as file:
        yield _table(options, {**dict(file.attrs), **{key: file[key] for key in file}})


def _table(options: ScoreOptions, arrays: Mapping[str, Any]) -> Table:
    scores, clips = arrays["scores"], arrays["clip_id"]
    if scores.ndim not in (2, 3) or np.shape(clips) != scores.shape[:1]:
        raise ScoresFileError(
            f"{options.path}: scores of shape {scores.shape} for clip_id of shape "
            f"{np.shape(clips)}; expected (N, C) or (N, T, C) for (N,)"
        )
    onset, offset = _times(options, arrays, scores.shape)

    def blocks(classes: int) -> Iterator[Block]:
        step = max(1, BLOCK // (scores.shape[1] if scores.ndim == 3 else 1))
        for start in range(0, len(scores), step):
            rows = slice(start, start + step)
            yield Block(
                start + 1,
                texts(clips[rows]),
                scores[rows],
                None if onset is None else onset[rows],
                None if offset is None else offset[rows],
            )

    labels = texts(np.asarray(arrays["classes"])) if "classes" in arrays else None
    return Table(scores.shape[-1], labels, "classes", blocks)


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

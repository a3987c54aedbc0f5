"""Precomputed embeddings, in an npz, HDF5 or Parquet file.

| file | content |
|---|---|
| npz, HDF5 | `clip_id` (N,), `embedding` (N, T, D) or (N, D); `n_frames` (N,) where clips differ |
| HDF5 | or a dataset (T, D) per clip, under the clip's id; or a group with `embedding` |
| Parquet | a row per clip: `clip_id`, `embedding`, a list of frames or one frame |
| Parquet | a row per frame: also `frame`, numbers from 0, or `onset` in seconds |

Values are floats, or uint8 as in AudioSet's released VGGish features: a code q is -2 + 4q / 255.
The release clips to [-2, 2] and truncates (Hershey et al.'s `vggish_postprocess`), so the embedding
was up to 4 / 255 higher; readers of YouTube-8M add about half of this, which this library does not.
npz and Parquet files are kept in memory with their dtype; HDF5 files are read batch by batch.
Values that are not finite are refused on reading.
"""

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audiolabels.arrays.columns import NUMPY_TYPES, one_chunk, texts_to_arrow, to_numpy
from audiolabels.clips.names import canonical_ids
from audiolabels.errors import FeaturesFileError, guarded, shortlist
from audiolabels.features.inputs import Features, Floats, Inputs, Rows, spans
from audiolabels.labels.report import Finding, Report
from audiolabels.readers.opening import hdf5_data, npz_array, open_hdf5, refuse_oversize_data
from audiolabels.readers.scores.blocks import texts

KEYS = ("clip_id", "embedding", "n_frames")


class Frames(NamedTuple):
    """Frames of N clips: `sizes` of each, from `first` on in `values` (F, D); None: in the file."""

    names: list[str]
    sizes: Rows
    first: Rows
    dim: int
    dtype: np.dtype[Any]
    values: npt.NDArray[Any] | None


class EmbeddingFeatures(Features):
    """Embeddings of clips."""

    takes, centre = "embeddings", 0.5

    def __init__(self, path: Path, frames: Frames, frame_seconds: float) -> None:
        if frames.dtype != np.uint8 and frames.dtype.kind != "f":
            raise ValueError(f"it holds {frames.dtype}; expected floats, or uint8 as VGGish's are")
        ids = canonical_ids(texts_to_arrow(frames.names)).to_pylist()
        if twice := [clip for clip, count in Counter(ids).items() if count > 1]:
            raise ValueError(f"{len(twice):,} clips occur more than once: {shortlist(twice)}; keep "
                             f"one of each")  # fmt: skip
        report = Report(len(ids), len(ids))
        super().__init__(frames.names, frame_seconds, report)
        self.dim, self._path, self._frames = frames.dim, path, frames
        for i in np.flatnonzero(frames.sizes == 0).tolist():
            report.findings.append(Finding(path.name, i + 1, ids[i], "clip without frames",
                                           "no frame"))  # fmt: skip

    def sizes(self, rows: npt.ArrayLike) -> Rows:
        """See `Features`."""
        return self._frames.sizes[self._numbers(rows)]

    def read(self, rows: npt.ArrayLike, onset: npt.ArrayLike, offset: npt.ArrayLike) -> Inputs:
        """See `Features`."""
        clips = self._numbers(rows)
        begin, end = spans(onset, offset, self.step, self.centre, self.sizes(clips))
        frames, first = self._fetch(clips)
        lengths = end - begin
        within = np.arange(lengths.max(initial=0))
        void = within >= lengths[:, None]
        chosen = frames.take(np.where(void, 0, (first + begin)[:, None] + within), axis=0)
        values: Floats = chosen.astype(np.float32)
        if chosen.dtype == np.uint8:
            values *= np.float32(4 / 255)
            values -= 2
        values[void] = 0
        if not np.isfinite(values).all():
            bad = clips[~np.isfinite(values).all(axis=(1, 2))].tolist()
            named = shortlist(dict.fromkeys(self.clip_ids[i] for i in bad))
            raise FeaturesFileError(f"{self._path}: embeddings hold what is no finite number, as "
                                    f"those of {named}; compute them anew, or leave these clips "
                                    f"out")  # fmt: skip
        return Inputs(values, lengths)

    def _fetch(self, clips: Rows) -> tuple[npt.NDArray[Any], Rows]:
        """Frames (F, D), and each clip's first one."""
        if self._frames.values is not None:
            return self._frames.values, self._frames.first[clips]
        unique, place = np.unique(clips, return_inverse=True)
        with guarded(self._path, FeaturesFileError), open_hdf5(self._path) as file:
            if "embedding" in file:
                parts = [file["embedding"][row] for row in unique.tolist()]
            else:
                parts = [_dataset(file[self.clip_ids[row]])[:] for row in unique.tolist()]
        parts = [part.reshape(-1, self._frames.dim) for part in parts]
        first = np.cumsum([0, *map(len, parts)])[place]
        return np.concatenate([*parts, np.zeros((0, self._frames.dim), self._frames.dtype)]), first


def open_embeddings(path: Path, form: str, frame_seconds: float) -> EmbeddingFeatures:
    """Open a file of embeddings; `form` is npz, HDF5 or Parquet. See `open_features`."""
    with guarded(path, FeaturesFileError, f"no {form} file of embeddings"):
        if form == "npz":
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as archive:
                arrays = {key: npz_array(archive, key) for key in KEYS if key in archive}
            frames = _of_arrays(arrays, True)
        elif form == "HDF5":
            with open_hdf5(path) as file:
                if "embedding" in file:
                    frames = _of_arrays({k: hdf5_data(file, k) for k in KEYS if k in file}, False)
                else:
                    frames = _of_members(file)
        else:
            frames = _of_table(pq.ParquetFile(path), frame_seconds)
        return EmbeddingFeatures(path, frames, frame_seconds)


def _of_arrays(arrays: Any, held: bool) -> Frames:
    if missing := [key for key in KEYS[:2] if key not in arrays]:
        raise ValueError(f"it lacks {' and '.join(missing)}")
    names, values = texts(arrays["clip_id"][:]), arrays["embedding"]
    if values.ndim not in (2, 3) or len(values) != len(names) or not len(names):
        raise ValueError(f"embedding of shape {values.shape} for {len(names):,} clips; expected "
                         f"(N, T, D) or (N, D)")  # fmt: skip
    most, dim = values.shape[1] if values.ndim == 3 else 1, values.shape[-1]
    sizes = np.full(len(names), most, np.int64)
    if "n_frames" in arrays:
        sizes = np.asarray(arrays["n_frames"][:]).astype(np.int64)
    if sizes.shape != (len(names),) or sizes.min() < 0 or sizes.max() > most:
        raise ValueError(f"n_frames is not a number from 0 to {most} for each clip")
    first = np.arange(len(names)) * most
    return Frames(names, sizes, first, dim, values.dtype, values.reshape(-1, dim) if held else None)


def _of_members(file: Any) -> Frames:
    members = [_dataset(file[name]) for name in file]
    kinds = {(*data.shape[1:], data.dtype) for data in members if data.ndim == 2}
    if len(kinds) != 1 or not all(data.ndim == 2 for data in members):
        raise ValueError("expected clip_id and embedding, or a dataset (T, D) a clip, of one D")
    sizes = np.array([len(data) for data in members], np.int64)
    dim, dtype = kinds.pop()
    refuse_oversize_data(members)
    return Frames(list(file), sizes, np.cumsum(sizes) - sizes, dim, dtype, None)


def _dataset(node: Any) -> Any:
    return node["embedding"] if hasattr(node, "keys") else node


def _of_table(file: pq.ParquetFile, frame_seconds: float) -> Frames:
    order = next((name for name in ("frame", "onset") if name in file.schema_arrow.names), None)
    table = file.read(columns=[*KEYS[:2], *([order] if order else [])])
    if not len(table) or any(column.null_count for column in table.columns):
        raise ValueError("it has no row" if not len(table) else "it has nulls")
    sizes, values = map(np.concatenate, zip(*map(_lists, table["embedding"].chunks), strict=True))
    ids = one_chunk(table["clip_id"].cast(pa.string()))
    if order:  # a row is a frame
        coded = ids.dictionary_encode()
        ids, clip = coded.dictionary, to_numpy(coded.indices)
        step = frame_seconds if order == "onset" else 1
        number = to_numpy(one_chunk(table[order].cast(pa.float64()))) / step
        place, counts = np.lexsort((number, clip)), np.bincount(clip)
        expected = np.arange(len(clip)) - np.repeat(np.cumsum(counts) - counts, counts)
        odd = np.flatnonzero((np.abs(number[place] - expected) > 0.1) | (sizes != 1))
        if len(odd):
            first_odd = ids[int(clip[place[odd[0]]])]
            raise ValueError(f"the frames of {first_odd} are not 0, 1, 2, ... once each; of onset, "
                             f"frame_seconds must be what it rises by")  # fmt: skip
        sizes, values = counts, values[place]
    first = np.cumsum(sizes) - sizes
    return Frames(ids.to_pylist(), sizes, first, values.shape[1], values.dtype, values)


def _lists(array: pa.Array) -> tuple[Rows, npt.NDArray[Any]]:
    """Frames per row, and the frames (F, D), of lists of lists, or of lists of one frame each."""
    sizes = []
    while hasattr(array.type, "value_type") and not array.null_count:
        sizes.append(to_numpy(pc.list_value_length(array).cast(pa.int64())))
        array = array.flatten()
    dims = set(sizes[-1].tolist()) if len(sizes) in (1, 2) else set()
    if array.null_count or array.type not in NUMPY_TYPES or len(dims) != 1:
        raise ValueError("embedding must be lists, or lists of lists, of D numbers without nulls")
    counts = sizes[0] if len(sizes) == 2 else np.ones(len(sizes[0]), np.int64)
    return counts, to_numpy(array).reshape(-1, dims.pop())

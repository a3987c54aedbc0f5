"""Files of scores, made exactly in the forms in which other projects write them."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

NAMES = ("Guitar", "Rain", "Speech")
VIDEOS = ("aaaaaaaaaaa", "bbbbbbbbbbb", "-c_cccccccc")


def logits_of(probabilities: Any) -> Any:
    values = np.asarray(probabilities, np.float64)
    return np.log(values / (1 - values))


def write_npz(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def write_hdf5(path: Path, *, attrs: dict[str, Any] | None = None, **arrays: Any) -> Path:
    import h5py

    with h5py.File(path, "w") as file:
        for key, value in arrays.items():
            array = np.asarray(value)
            file[key] = array.astype("S") if array.dtype.kind == "U" else array
        file.attrs.update(attrs or {})
    return path


def write_parquet(path: Path, classes: list[str] | None = None, **columns: Any) -> Path:
    table = pa.table(columns)
    if classes is not None:
        table = table.replace_schema_metadata({"classes": json.dumps(classes)})
    pq.write_table(table, path)
    return path


def write_ced(
    folder: Path, scores: Any, *, top: int, names: list[str], starts: list[float] | None = None
) -> Path:
    """`logits_ep1_0.h5` with the highest scores, and its table of chunks."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :top]
    path = write_hdf5(
        folder / "logits_ep1_0.h5",
        topk_values=np.take_along_axis(scores, order, 1).astype(np.float16),
        topk_indexes=order.astype(np.int16),
        seeds=np.zeros(len(scores), np.int32),
    )
    begin = np.array(starts or [0.0] * len(names), np.float32)
    table = pa.table({"filename": names, "start": begin, "end": begin + np.float32(10)})
    pq.write_table(table, path.with_suffix(".parquet"), compression="brotli")
    return path


def write_efficientat(folder: Path, logits: Any, index: dict[str, int]) -> Path:
    path = folder / "ensemble_logits.npy"
    np.save(path, np.asarray(logits, np.float16))
    (folder / "fname_to_index.pkl").write_bytes(pickle.dumps(index))
    return path


def write_pretrained_sed(path: Path, logits: Any, names: list[str]) -> Path:
    return write_hdf5(path, filenames=names, strong_logits=np.asarray(logits, np.float16))

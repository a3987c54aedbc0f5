"""Arrays made of a large targets file once, and mapped whenever it is opened again.

They are in the folder `sources` of the cache (`files.cache`), in one Arrow file that is named by
the path and the identity of the targets file, written whole or not at all, and made again if it is
damaged. Those of earlier files of the same path are removed.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import to_arrow, to_numpy
from audiolabels.errors import TargetsFileError
from audiolabels.files.cache import cached_file

VERSION = 2  # of the arrays that are made
Arrays = Mapping[str, npt.NDArray[Any]]


def cached_arrays(source: Path, identity: object, make: Callable[[], Arrays]) -> Arrays:
    """Arrays made of a file, mapped from the cache; read-only.

    Raises:
        TargetsFileError: the cache cannot be written.
    """

    def write(path: Path) -> None:
        _write_arrays(path, make())

    file = cached_file("sources", source, (VERSION, identity), ".arrow", write)
    found = _read_arrays(file)
    if found is None:
        file.unlink(missing_ok=True)
        found = _read_arrays(cached_file("sources", source, (VERSION, identity), ".arrow", write))
    if found is None:
        raise TargetsFileError(f"{file}: damaged as soon as it is written; is the disk sound?")
    return found


def _write_arrays(path: Path, arrays: Arrays) -> None:
    """One row with a list for each array; the metadata have their shapes, types and checksums."""
    facts = {
        name: (array.shape, array.dtype.str, zlib.crc32(np.ascontiguousarray(array).data))
        for name, array in arrays.items()
    }
    lists = []
    for array in arrays.values():
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        ends = pa.array(np.array([0, len(flat)]), pa.int64())
        lists.append(pa.LargeListArray.from_arrays(ends, to_arrow(flat)))
    batch = pa.RecordBatch.from_arrays(lists, names=list(arrays))
    schema = batch.schema.with_metadata({"arrays": json.dumps(facts)})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(batch.replace_schema_metadata(schema.metadata))


def _read_arrays(path: Path) -> Arrays | None:
    """The arrays, mapped; None if the file is damaged or was removed meanwhile."""
    with suppress(OSError, ValueError, TypeError, KeyError, pa.ArrowException):
        batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)
        facts = json.loads(batch.schema.metadata[b"arrays"])
        arrays = {}
        for name, (shape, dtype, checksum) in facts.items():
            array = to_numpy(batch[name].values)
            if zlib.crc32(array.data) != checksum:
                return None
            arrays[name] = array.view(dtype).reshape(shape)
        return arrays
    return None

"""HDF5 of PANNs (audioset_tagging_cnn): targets and waveforms, and the index of the samplers.

Format: the waveform file has `audio_name` S20 (`Y<id>.wav`), `waveform` int16, `target` bool (N,
527), which the loss uses, and the attribute `sample_rate`. The index file, for the samplers only,
has `audio_name`, `target`, `hdf5_path` S200 and `index_in_hdf5` int32. Both have an added data set
`mask`. The samplers count `target` themselves, so there are no weights.

Not possible: frames, other classes, and where in its video a clip begins. Deviations: the audio is
linked, see `hdf5`; `hdf5_path` is absolute.
"""

import os
from pathlib import Path

import numpy as np

from audiolabels.errors import OptionError
from audiolabels.exporters.clip_selection import Rows, state_bits
from audiolabels.exporters.hdf5 import Values, import_h5py, write_hdf5
from audiolabels.exporters.written_files import Export
from audiolabels.files import atomic_path, blame, real_path, where_written
from audiolabels.targets.targets import Targets

LONGEST_PATH = 200  # bytes of `hdf5_path`


def write_panns(
    targets: Targets,
    path: str | Path,
    *,
    audio: str | Path | None = None,
    index: str | Path | None = None,
) -> Export:
    """Write `audio_name`, `target`, `mask` and, with an audio file, `waveform`; and the index.

    Args:
        targets, path, audio: see `write_hdf5`.
        index: where to write the index of `path`; only with `audio`.

    Raises:
        OptionError: as `write_hdf5`; or `index` without `audio`, or the path is too long for it.
    """
    with blame(path):
        place = os.fsencode(real_path(path))
    if index is not None and audio is None:
        raise OptionError("an index refers to the audio: name its file with --audio")
    if index is not None and real_path(index) == real_path(path):
        raise OptionError(f"{index}: cannot be both the waveform file and its index")
    if index is not None and len(place) > LONGEST_PATH:
        raise OptionError(f"{path}: a path of more than {LONGEST_PATH} bytes fits no index")
    export = write_hdf5(
        targets,
        path,
        form="panns",
        sound="waveform",
        extension=".wav",
        encode=_booleans,
        audio=audio,
    )
    if index is None:
        export.notes.append("no index: 'hdf5_path' and 'index_in_hdf5' are not written")
    else:
        count = export.files[Path(path)]
        _write_index(Path(index), Path(path), place, count)
        export.files[Path(index)] = count
    return export


def _booleans(targets: Targets, rows: Rows) -> Values:
    positive, unknown = (
        np.unpackbits(state_bits(targets, rows, state), axis=1, count=len(targets.vocabulary))
        for state in ("positive", "unknown")
    )
    return positive > 0, unknown == 0


def _write_index(index: Path, path: Path, place: bytes, count: int) -> None:
    h5py = import_h5py()
    with (
        atomic_path(index) as partial,
        blame(index),
        h5py.File(partial, "w") as file,
        h5py.File(where_written(path), "r") as labels,
    ):
        for name in ("audio_name", "target", "mask"):
            labels.copy(name, file)
        file["hdf5_path"] = np.full(count, place, f"S{LONGEST_PATH}")
        file["index_in_hdf5"] = np.arange(count, dtype=np.int32)

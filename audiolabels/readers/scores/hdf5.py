"""Opening HDF5 files, with h5py, which the extra `hdf5` installs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audiolabels.errors import OptionError


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """An HDF5 file open for reading.

    Raises:
        OptionError: h5py is not installed.
        OSError: the file is none.
    """
    try:
        import h5py
    except ImportError as error:
        raise OptionError(
            f"{path}: HDF5 needs h5py, which is not installed; install it with: pip install "
            f"'audiolabels[hdf5]'"
        ) from error
    with h5py.File(path, "r") as file:
        yield file

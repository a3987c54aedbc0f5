"""The cache folder, and files in it that belong to a version of another file."""

import hashlib
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from audiolabels.errors import RemoteError, TargetsFileError
from audiolabels.files import apart, atomic_path, partial_path, real_path

VARIABLE = "AUDIOLABELS_CACHE"
# The user's cache folder: a variable, and its usual value.
USUAL = {
    "darwin": ("", "~/Library/Caches"),
    "win32": ("LOCALAPPDATA", "~/AppData/Local"),
}
_making = threading.RLock()


def cache_folder() -> Path:
    """The folder of fetched files: `AUDIOLABELS_CACHE`, or `audiolabels` in the user's cache."""
    if named := os.environ.get(VARIABLE):
        return Path(named).expanduser()
    variable, usual = USUAL.get(sys.platform, ("XDG_CACHE_HOME", "~/.cache"))
    return Path(os.environ.get(variable) or usual).expanduser() / "audiolabels"


def cached_name(folder: str, source: Path, version: object, suffix: str) -> Path:
    """The file of a folder in the cache that belongs to a version of another file."""
    place, state = (
        hashlib.sha256(str(each).encode("utf-8", "replace")).hexdigest()[:20]
        for each in (real_path(source), version)
    )
    return cache_folder() / folder / f"{place}-{state}{suffix}"


def cached_file(
    folder: str, source: Path, version: object, suffix: str, write: Callable[[Path], None]
) -> Path:
    """As `cached_name`; `write` makes the file if it is not there. Those of earlier versions, and
    what killed runs left, are removed.

    Raises:
        TargetsFileError: it cannot be written.
    """
    file = cached_name(folder, source, version, suffix)
    with _making:
        if not file.exists():
            _make(file, write, source)
            for old in file.parent.glob(f"{file.name.partition('-')[0]}-*{suffix}"):
                if old != file:
                    with suppress(OSError):  # another user's, or in use
                        old.unlink()
            for left in file.parent.glob(".*.partial"):  # of runs that were killed
                partial_path(file.parent / left.name[1:].rsplit(".", 2)[0])
    return file


def _make(file: Path, write: Callable[[Path], None], source: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with apart(), atomic_path(file) as partial:
            write(partial)
    except RemoteError:  # of fetching the source
        raise
    except OSError as error:
        raise TargetsFileError(
            f"{source}: its cache {file.parent} cannot be written: {error.strerror or error}; name "
            f"another folder in {VARIABLE}"
        ) from error

"""Files that are whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audiolabels.errors import TargetsFileError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` only if all went well.

    Raises:
        TargetsFileError: the folder does not exist, `path` is no regular file or read-only, or
            writing fails.
    """
    path = Path(path)
    with blame(path):
        target = path.resolve()  # a link stays a link
        if target.exists() and not target.is_file():
            raise TargetsFileError(f"{path}: not a regular file, so it is not replaced")
        if target.exists() and not target.stat().st_mode & 0o222:
            raise TargetsFileError(f"{path}: read-only, so it is not replaced")
        if not target.parent.is_dir():
            raise TargetsFileError(f"{path.parent}: no such folder; make it first")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        yield partial
        with blame(path):
            partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def blame(path: str | Path) -> Iterator[None]:
    """Turn an OSError into one that names the output.

    Raises:
        TargetsFileError: in the place of an OSError.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise TargetsFileError(f"{path}: not written, left as it was: {reason}") from error

"""Files that are whole or not there, and the cells of CSV files."""

import csv
import hashlib
import os
import re
import shutil
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from glob import escape
from pathlib import Path
from signal import SIGINT, SIGTERM
from stat import S_IMODE
from typing import NamedTuple

from audiolabels.errors import OptionError, TargetsFileError, expect


def as_path(what: str, path: str | Path) -> Path:
    """The path of a file that is called `what` in the message if it is none.

    Raises:
        InputTypeError: it is neither a text nor a path.
    """
    expect(what, path, str | Path, "a path")
    return Path(path)


def as_paths(what: str, paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """One path or several as a list.

    Raises:
        InputTypeError: something else, or something else among them.
    """
    expect(what, paths, str | Path | Iterable, "a path or a list of paths")
    listed = [paths] if isinstance(paths, str | Path) else paths
    return [as_path(what, path) for path in listed]


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` only if all went well.

    Raises:
        TargetsFileError: the folder does not exist, `path` is no regular file or read-only, or
            writing fails.
    """
    path = as_path("output", path)
    with blame(path):
        target = path.resolve()  # a link stays a link
        if target.exists() and not target.is_file():
            raise TargetsFileError(f"{path}: not a regular file, so it is not replaced")
        if target.exists() and not target.stat().st_mode & 0o222:
            raise TargetsFileError(f"{path}: read-only, so it is not replaced")
        if not target.parent.is_dir():
            raise TargetsFileError(f"{path.parent}: no such folder; make it first")
    file = _Finished(path, partial_path(target), target)
    waiting = _together.get()
    try:
        yield file.partial
    except BaseException:
        file.partial.unlink(missing_ok=True)
        raise
    if waiting is not None:
        waiting.append(file)
        return
    try:
        _take_places([file])
    finally:
        file.partial.unlink(missing_ok=True)


@contextmanager
def together() -> Iterator[None]:
    """Let the files that are written inside take their places together, at the end.

    Whatever ends the work earlier leaves all of them as they were. Between the first and the last
    of them nothing happens but renaming, during which signals wait; only a kill within those
    microseconds could part them.
    """
    if _together.get() is not None:  # part of a larger whole
        yield
        return
    waiting: list[_Finished] = []
    token = _together.set(waiting)
    try:
        yield
        _take_places(waiting)
    finally:
        _together.reset(token)
        for file in waiting:
            file.partial.unlink(missing_ok=True)


@contextmanager
def apart() -> Iterator[None]:
    """Let files that are written inside take their places at once: their folder is the whole."""
    token = _together.set(None)
    try:
        yield
    finally:
        _together.reset(token)


def where_written(path: Path) -> Path:
    """Where a file that was written is: under its name, or still waiting for others."""
    target = path.resolve()
    waiting = _together.get() or []
    return next((file.partial for file in waiting if file.target == target), path)


class _Finished(NamedTuple):
    """A file that is written whole: under which name, and where it belongs."""

    path: Path
    partial: Path
    target: Path


_together: ContextVar[list[_Finished] | None] = ContextVar("together", default=None)


def partial_path(target: Path) -> Path:
    """A hidden name beside a target to write under; what killed runs left there is removed."""
    prefix, suffix = f".{target.name}.", ".partial"
    for path in target.parent.glob(f"{escape(prefix)}*{suffix}"):
        pid = path.name.removeprefix(prefix).removesuffix(suffix)
        if pid.isdecimal() and not _runs(int(pid)):
            with suppress(OSError):  # somebody else's
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return target.with_name(f"{prefix}{os.getpid()}{suffix}")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True


def _take_places(files: Sequence[_Finished]) -> None:
    """Replace each target by its file, which keeps the mode and, where allowed, the owner."""
    for file in files:
        with blame(file.path), suppress(FileNotFoundError):
            before = file.target.stat()
            file.partial.chmod(S_IMODE(before.st_mode))
            with suppress(PermissionError):
                os.chown(file.partial, before.st_uid, before.st_gid)
    with _signals_wait():
        for file in files:
            with blame(file.path):
                file.partial.replace(file.target)


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Hold interrupts back until the end; only the main thread can, and only there they arrive."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []
    kept = {s: signal.signal(s, lambda s, _: arrived.append(s)) for s in (SIGINT, SIGTERM)}
    try:
        yield
    finally:
        for which, handler in kept.items():
            signal.signal(which, handler)
        for number in arrived:
            signal.raise_signal(number)


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


def write_rows(path: str | Path, rows: Iterable[str]) -> int:
    """Write lines to a file, whole or not at all; returns their number.

    Raises:
        TargetsFileError: the file cannot be written; what was there is untouched.
    """
    count = 0
    with (
        atomic_path(path) as partial,
        blame(path),
        partial.open("w", encoding="utf-8", newline="") as file,
    ):
        for row in rows:
            file.write(f"{row}\n")
            count += 1
    return count


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_overwriting(
    inputs: Sequence[Path], outputs: Sequence[Path], beside: Sequence[Path] = ()
) -> None:
    """Raise OptionError if an output is an input or another output, or if there is no input.

    Args:
        inputs, outputs: what is read and written.
        beside: further files that are read.
    """
    if not inputs:
        raise OptionError("no input: give at least one label file")
    taken = {path.resolve() for path in (*inputs, *beside)}
    for output in outputs:
        if output.resolve() in taken:
            raise OptionError(f"{output} is an input or another output; choose another name")
        taken.add(output.resolve())


def write_classes(
    path: Path, rows: Sequence[Sequence[str]], *, header: bool = True, quoted: bool = True
) -> int:
    """Write a list of classes in CSV, unless it stands there already; returns their number.

    Args:
        path: a list with other classes is never replaced.
        rows: cells.
        header: whether the first row is one.
        quoted: whether the last cell of each class is in quotes, as in AudioSet's own list.

    Raises:
        OptionError: the file is there and holds something else.
        TargetsFileError: the file cannot be written.
    """
    if path.exists():
        refuse_other_classes(path, rows)
    else:
        lines = [",".join([*row[:-1], quote(row[-1]) if quoted else row[-1]]) for row in rows]
        write_rows(path, [",".join(rows[0]), *lines[1:]] if header else lines)
    return len(rows) - header


def refuse_other_classes(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Raise OptionError if a list of classes is there and holds something else."""
    if not path.exists():
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            same = list(csv.reader(file)) == [list(row) for row in rows]
    except (OSError, ValueError, csv.Error):
        same = False
    if not same:
        raise OptionError(
            f"{path}: lists other classes than the labels have; write into another folder"
        )


def quote(cell: str) -> str:
    """A cell of a CSV file in quotes.

    >>> quote("Bass, drum")
    '"Bass, drum"'
    """
    return '"' + cell.replace('"', '""') + '"'


def plain(cell: str) -> str:
    """A cell of a CSV or TSV file, in quotes only where it needs them.

    >>> plain("64760"), plain("a, b.wav")
    ('64760', '"a, b.wav"')
    """
    return quote(cell) if re.search(r'[",\t\r\n]', cell) else cell


def seconds(ms: int) -> str:
    """Seconds with three decimals, exactly.

    >>> seconds(960), seconds(10_000)
    ('0.960', '10.000')
    """
    return f"{ms // 1000}.{ms % 1000:03}"

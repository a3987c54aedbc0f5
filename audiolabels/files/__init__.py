"""Files written atomically, here or at an address, and the cells of CSV files."""

import csv
import hashlib
import json
import os
import re
import shutil
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from glob import escape
from pathlib import Path
from signal import SIGINT, SIGTERM
from stat import S_IMODE
from typing import Any, NamedTuple

from audiolabels.errors import OptionError, TargetsFileError, expect
from audiolabels.files.remote import RemotePath, streamed, to_path

UNQUOTED = re.compile(r'[",\t\r\n]')  # what a cell in quotes alone can have
HTML_STARTS = (b"<!doctype html", b"<html", b"<head", b"<?xml", b"<body")


def as_path(what: str, path: str | Path) -> Path:
    """The path of a file, which the message of an InputTypeError calls `what`; of an address, such
    as `s3://bucket/labels.csv`, a `RemotePath`.

    Raises:
        OptionError: an address of a protocol that is not offered.
    """
    expect(what, path, str | Path, "a path")
    return to_path(path)


def as_paths(what: str, paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """One path or several as a list, checked as in `as_path`."""
    expect(what, paths, str | Path | Iterable, "a path or a list of paths")
    listed = [paths] if isinstance(paths, str | Path) else paths
    return [as_path(what, path) for path in listed]


def on_disk(what: str, path: str | Path) -> Path:
    """As `as_path`, where a file or folder of the disk is needed.

    Raises:
        OptionError: an address.
    """
    found = as_path(what, path)
    if isinstance(found, RemotePath):
        raise OptionError(f"{what}: {path} is not on the disk; name a place there")
    return found


def remove_folder(folder: Path) -> None:
    """Remove a folder and the files in it."""
    if isinstance(folder, RemotePath):
        for path in folder.glob("*"):
            path.unlink()
    else:
        shutil.rmtree(folder)


def real_path(path: str | Path) -> Path:
    """The absolute path without links; a TargetsFileError if they lead to each other."""
    real = to_path(path)
    if isinstance(real, RemotePath):
        return real
    with suppress(OSError, ValueError):  # a name that no file can have: opening it raises the error
        real = Path(os.path.realpath(path))
        if real.is_symlink():
            raise TargetsFileError(f"{path}: links that lead to each other, not a file")
    return real


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path in the same folder to write to; it replaces `path` only on success.

    For an address it is in the cache, and put up on success.

    Raises:
        TargetsFileError: the folder does not exist, `path` is read-only or not a regular file, or
            writing fails.
    """
    path = as_path("output", path)
    if path == Path("-"):
        raise OptionError("output -: nothing is written to standard output; name a file")
    with blame(path):
        target = real_path(path)  # a link stays a link
        if isinstance(target, RemotePath):
            target.check_writable()
        else:
            _check_writable(path, target)
        file = _Finished(path, partial_path(target), target)
    waiting = _together.get()
    try:
        yield file.partial
        if waiting is None:
            _take_places([file])
        else:
            waiting.append(file)
    except BaseException:
        file.partial.unlink(missing_ok=True)
        raise


def _check_writable(path: Path, target: Path) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        target.lstat()  # fails for a name that no file can have
    if target.exists() and not target.is_file():
        raise TargetsFileError(f"{path}: not a regular file, so it is not replaced")
    if target.exists() and not target.stat().st_mode & 0o222:
        raise TargetsFileError(f"{path}: read-only, so it is not replaced")
    if not target.parent.is_dir():
        raise TargetsFileError(f"{path.parent}: no such folder; make it first")


@contextmanager
def together() -> Iterator[None]:
    """Replace the files that are written inside together, at the end.

    If the work ends earlier, all of them are unchanged. Between the first and the last of them only
    renaming happens, during which signals are held back; only a kill in those microseconds could
    separate them.
    """
    if _together.get() is not None:  # already inside another
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
    """Replace files that are written inside at once, since their folder is replaced as a whole."""
    token = _together.set(None)
    try:
        yield
    finally:
        _together.reset(token)


def where_written(path: Path) -> Path:
    """The current path of a written file: its own, or a temporary one inside `together`."""
    target = real_path(path)
    waiting = _together.get() or []
    return next((file.partial for file in waiting if file.target == target), path)


class _Finished(NamedTuple):
    """A file written under a temporary name, to be moved to its target."""

    path: Path
    partial: Path
    target: Path


_together: ContextVar[list[_Finished] | None] = ContextVar("together", default=None)


def partial_path(target: Path) -> Path:
    """A hidden name in the target's folder to write under; leftovers of killed runs are removed.

    For an address it is in the folder `outgoing` of the cache.
    """
    if isinstance(target, RemotePath):
        from audiolabels.files.cache import cached_name

        target = cached_name("outgoing", target, "", "")
        target.parent.mkdir(parents=True, exist_ok=True)
    prefix, suffix = f".{target.name}.", ".partial"
    for path in target.parent.glob(f"{escape(prefix)}*{suffix}"):
        pid = path.name.removeprefix(prefix).removesuffix(suffix)
        if pid.isdecimal() and not is_running(int(pid)):
            with suppress(OSError):  # another user's
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return target.with_name(f"{prefix}{os.getpid()}{suffix}")


def is_running(pid: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # another user's
        return True
    return True


def _take_places(files: Sequence[_Finished]) -> None:
    """Replace each target by its file, keeping the mode and, where allowed, the owner."""
    for file in files:
        if isinstance(file.target, RemotePath):
            with blame(file.path):
                file.target.put(file.partial)
            file.partial.unlink()
    files = [file for file in files if not isinstance(file.target, RemotePath)]
    for file in files:
        with blame(file.path), suppress(FileNotFoundError):
            before = file.target.stat()
            file.partial.chmod(S_IMODE(before.st_mode))
            with suppress(PermissionError):
                os.chown(file.partial, before.st_uid, before.st_gid)
    moves = [(os.fspath(file.partial), os.fspath(file.target)) for file in files]
    done = 0
    with _signals_wait(), ExitStack() as held:
        if len(files) > 1:
            # So that renaming takes microseconds: new files are on the disk before, and old ones,
            # as they are open, are freed after.
            for file in files:
                with blame(file.path), file.partial.open("rb") as written:
                    os.fsync(written.fileno())
                with suppress(OSError):
                    held.enter_context(file.target.open("rb"))
        try:
            for partial, target in moves:  # nothing else: a kill in between would separate the set
                os.replace(partial, target)  # noqa: PTH105
                done += 1
        except OSError as error:
            with blame(files[done].path):
                raise error


@contextmanager
def _signals_wait() -> Iterator[None]:
    """Hold signals back until the end; only the main thread can, and only it receives them."""
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
    """Turn an error of writing into a TargetsFileError that names the output."""
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:  # of names and loops of links, too
        reason = getattr(error, "strerror", None) or str(error)
        raise TargetsFileError(f"{path}: not written, left as it was: {reason}") from error


def write_rows(path: str | Path, rows: Iterable[str]) -> int:
    """Write lines to a file as `atomic_path` does; returns their number."""
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


def write_blocks(path: str | Path, blocks: Iterable[bytes | memoryview]) -> None:
    """Write blocks of bytes to a file as `atomic_path` does."""
    with atomic_path(path) as partial, blame(path), partial.open("wb") as file:
        for block in blocks:
            file.write(block)


def parse_json(content: bytes | str) -> Any:
    """The value of a JSON text; ValueError or RecursionError if it is none that can be written."""
    value = json.loads(content)
    json.dumps(value, ensure_ascii=False).encode()  # JSON can spell halves of characters
    return value


def is_web_page(head: bytes) -> bool:
    """Whether a file whose first bytes are given is HTML or XML.

    >>> is_web_page(b"<!DOCTYPE html>"), is_web_page(b"index,mid,display_name")
    (True, False)
    """
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(HTML_STARTS)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with streamed(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_overwriting(
    inputs: Sequence[Path], outputs: Sequence[Path], others: Sequence[Path] = ()
) -> None:
    """Raise OptionError without inputs, or if an output is an input, one of `others` that are also
    read, or another output.
    """
    if not inputs:
        raise OptionError("no input: give at least one label file")
    taken = {real_path(path) for path in (*inputs, *others)}
    for output in outputs:
        if real_path(output) in taken:
            raise OptionError(f"{output} is an input or another output; choose another name")
        taken.add(real_path(output))


def write_classes(
    path: Path, rows: Sequence[Sequence[str]], *, header: bool = True, quoted: bool = True
) -> int:
    """Write a list of classes in CSV unless the file has it already; returns their number.

    `header`: whether the first row is one; `quoted`: whether the last cell of each class is always
    in quotes, as in AudioSet's own list. Raises OptionError if the file has other content, and
    TargetsFileError if it cannot be written.
    """
    refuse_other_classes(path, rows)
    if not path.exists():
        last = quote if quoted else plain
        lines = [",".join([*map(plain, row[:-1]), last(row[-1])]) for row in rows]
        write_rows(path, [",".join(rows[0]), *lines[1:]] if header else lines)
    return len(rows) - header


def refuse_other_classes(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Raise OptionError if a file of that name exists and is not this list of classes."""
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
    return quote(cell) if UNQUOTED.search(cell) else cell


def seconds(ms: int) -> str:
    """Seconds with three decimals, exactly.

    >>> seconds(960), seconds(10_000)
    ('0.960', '10.000')
    """
    return f"{ms // 1000}.{ms % 1000:03}"

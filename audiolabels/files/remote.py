"""Files at addresses such as `s3://bucket/labels.csv`, through fsspec.

A `RemotePath` is a path: it is joined, matched and looked up like those of the disk. Whatever opens
it by name, as most libraries do, reads a copy of this version of the file in the folder `remote` of
the cache; `streamed` and `parquet_source` read without a copy, for what needs a part of a file, or
reads it once. Files are not written in place: `audiolabels.files.atomic_path` puts them up whole.
Folders need no making; they are what the names of files have in common.

Credentials, endpoints and regions are found as the driver of each protocol does, in its environment
variables and files.
"""

import hashlib
import os
import re
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from errno import EDQUOT, EIO, ENOENT, ENOSPC
from fnmatch import fnmatchcase
from glob import has_magic
from io import BufferedReader
from pathlib import Path
from stat import S_IFDIR, S_IFREG
from types import MappingProxyType
from typing import Any, cast

from audiolabels.errors import (
    LONGEST,
    AudioLabelsError,
    OptionError,
    RemoteError,
    TargetsFileError,
    choose,
    extra,
    located,
)

if sys.platform == "win32":
    from pathlib import WindowsPath as NativePath
else:
    from pathlib import PosixPath as NativePath

# Protocol to the package that is its driver; fsspec's own needs none.
PROTOCOLS: Mapping[str, str] = MappingProxyType(
    {
        "s3": "s3fs",
        "gs": "gcsfs",
        "gcs": "gcsfs",
        "az": "adlfs",
        "abfs": "adlfs",
        "abfss": "adlfs",
        "http": "aiohttp",
        "https": "aiohttp",
        "memory": "",
    }
)
READ_ONLY = frozenset({"http", "https"})
ADDRESS = re.compile(r"([A-Za-z][\w+.-]+):/(/?)")  # one slash is what pathlib leaves of two
# What changes when a file does, as the drivers call it.
VERSION = frozenset(
    "size etag contentmd5 md5hash digest lastmodified updated generation versionid created".split()
)
BLOCK = 1 << 22  # bytes that are read ahead
MOMENT = 1.0  # seconds
NOT_FOUND = (404, 410)  # of HTTP
NO_SPACE = (ENOSPC, EDQUOT)
_found: set[Path] = set()  # buckets
THIS_PROCESS = f"{os.getpid()}, {time.time_ns()}"


def to_path(path: str | Path) -> Path:
    """A path of the disk, or a `RemotePath` for an address.

    Raises:
        OptionError: an address of a protocol that is not offered, or of no file.
    """
    found = None if isinstance(path, RemotePath) else ADDRESS.match(str(path))
    if found is None or (isinstance(path, Path) and found[1] not in PROTOCOLS):
        return path if isinstance(path, Path) else Path(path)
    if not (found[2] or isinstance(path, Path)):
        return Path(path)
    with located(str(path)):
        choose("protocol", found[1], PROTOCOLS)
        remote = RemotePath(path)
        if not remote.parts[1:]:
            raise OptionError("an address that names no file")
    return remote


class RemotePath(NativePath):
    """The address of a file or folder.

    Its methods raise FileNotFoundError, as those of other paths do, RemoteError, and OptionError if
    the driver of its protocol is not installed.
    """

    def __str__(self) -> str:
        return f"{self.protocol}://{'/'.join(self.parts[1:])}"

    def __fspath__(self) -> str:
        """The copy in the cache, fetched if it is not there."""
        from audiolabels.files.cache import cached_file

        return str(cached_file("remote", self, self._version(), "", self._fetch))

    @property
    def protocol(self) -> str:
        """A key of `PROTOCOLS`."""
        return self.parts[0].rstrip(":")

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """As of other files; `st_mtime_ns` is a number that changes whenever the file does."""
        facts = self._facts()
        if facts is None:
            raise self._missing()
        known = sorted(
            (name, str(value))
            for name, value in facts.items()
            if re.sub("[-_]", "", name).lower() in VERSION
        )
        if [name for name, _ in known] in ([], ["size"]):  # then it may change at any time
            known.append(("process", THIS_PROCESS))
        digest = hashlib.sha256(repr(known).encode()).digest()
        kind = S_IFDIR if facts["type"] == "directory" else S_IFREG
        numbers = (kind | 0o644, 0, 0, 1, 0, 0, facts["size"] or 0, 0, 0, 0)
        changed = {"st_mtime_ns": int.from_bytes(digest[:7], "big")}
        return cast("Any", os.stat_result)(numbers, changed)  # type: ignore[no-any-return]

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is a file or folder."""
        return self._facts() is not None

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there is a file."""
        return (self._facts() or {}).get("type") == "file"

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether there are files whose names begin with this one and a slash."""
        return (self._facts() or {}).get("type") == "directory"

    def iterdir(self) -> Generator["RemotePath"]:
        """What is in a folder."""
        system, place = self._place()
        with self._reached():
            names = [name.rstrip("/") for name in system.ls(place, detail=False)]
        for name in sorted(set(names) - {place.rstrip("/")}):  # a folder may be an empty file
            yield self / name.rsplit("/", 1)[-1]

    def glob(self, pattern: str, **_: Any) -> Generator["RemotePath"]:
        """What is in a folder, not below it, and has a name that matches."""
        with suppress(FileNotFoundError):
            yield from (path for path in self.iterdir() if fnmatchcase(path.name, pattern))

    def matches(self) -> list[Path]:
        """The files that match a pattern, in the order of their names."""
        first = next(i for i, part in enumerate(self.parts) if has_magic(part))
        base = type(self)(*self.parts[:first])
        (system, place), (_, start) = self._place(), base._place()
        with self._reached():
            found = sorted(system.glob(place))
        return [base / name[len(start) :].lstrip("/") for name in found]

    def read_bytes(self) -> bytes:
        """The content, without a copy in the cache."""
        system, place = self._place()
        with self._reached():
            content: bytes = system.cat_file(place)
        return content

    def read_text(self, encoding: str | None = None, *_: Any) -> str:
        """The content, without a copy in the cache."""
        return self.read_bytes().decode(encoding or "utf-8")

    def mkdir(self, *_: Any, **__: Any) -> None:
        """Nothing: folders need no making."""

    def rmdir(self) -> None:
        """Nothing, as for `mkdir`."""

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the file."""
        system, place = self._place()
        self.__dict__.pop("_asked", None)
        try:
            with self._reached():
                system.rm_file(place)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def check_writable(self) -> None:
        """Raise TargetsFileError if no file can be put here, as far as it is known before."""
        if self.protocol in READ_ONLY:
            written = ", ".join(name for name in PROTOCOLS if name not in READ_ONLY)
            raise TargetsFileError(
                f"{self}: {self.protocol} is only read; write to the disk, or to one of {written}"
            )
        bucket = type(self)(*self.parts[:2])
        if self.protocol == "memory" or bucket in _found:
            return
        try:
            there = bucket.exists()
        except RemoteError as error:
            if not isinstance(error.__cause__, PermissionError):
                raise
            there = True  # who may write into a bucket may not be shown it
        if not there:
            raise TargetsFileError(f"{self}: there is no {bucket}; make it first")
        _found.add(bucket)

    def put(self, file: Path) -> None:
        """Put up a file of the disk: whole or not at all."""
        system, place = self._place()
        self.__dict__.pop("_asked", None)
        with self._reached():
            system.put_file(str(file), place)

    def is_copied(self) -> bool:
        """Whether the copy in the cache is read in any case: where there is one already, or the
        server may not give parts of a file.
        """
        from audiolabels.files.cache import cached_name

        copied = self.protocol in READ_ONLY
        return copied or cached_name("remote", self, self._version(), "").exists()

    def stream(self) -> BufferedReader:
        """The file, open for reading without a copy."""
        system, place = self._place()
        with self._reached():
            opened = system.open(place, "rb", block_size=BLOCK, cache_type="readahead")
        return cast("BufferedReader", opened)

    def _version(self) -> tuple[int, int]:
        state = self.stat()
        return state.st_size, state.st_mtime_ns

    def _fetch(self, copy: Path) -> None:
        system, place = self._place()
        with self._reached():
            system.get_file(place, str(copy))

    def _facts(self) -> dict[str, Any] | None:
        """What fsspec knows of the file or folder; None if there is none.

        Of a file it is remembered for a moment, in which it is looked at several times.
        """
        asked, facts = self.__dict__.get("_asked", (0.0, None))
        if facts is not None and time.monotonic() < asked + MOMENT:
            return cast("dict[str, Any]", facts)
        system, place = self._place()
        with suppress(FileNotFoundError), self._reached():
            found: dict[str, Any] = system.info(place)
            if found["type"] == "file":
                self._asked = time.monotonic(), found
            return found
        return None

    def _place(self) -> tuple[Any, str]:
        """The file system, and the name in it."""
        system = _file_system(self.protocol, str(self))
        return system, system._strip_protocol(str(self))

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Turn what drivers raise into FileNotFoundError and RemoteError."""
        try:
            yield
        except AudioLabelsError:
            raise
        except Exception as error:  # of any kind: each driver has its own
            cause: BaseException = error
            if isinstance(error, FileNotFoundError):
                # Of HTTP, fsspec calls whatever fails a file that is not found.
                hidden = error.__cause__ if self.protocol in READ_ONLY else None
                if hidden is None or getattr(hidden, "status", None) in NOT_FOUND:
                    raise self._missing() from error
                cause = hidden
            if getattr(cause, "errno", None) in NO_SPACE:  # in the cache
                raise
            text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
            raise RemoteError(EIO, " ".join(text.split())[:LONGEST], str(self)) from error

    def _missing(self) -> FileNotFoundError:
        return FileNotFoundError(ENOENT, os.strerror(ENOENT), str(self))


def parquet_source(path: Path) -> Path | BufferedReader:
    """What Arrow opens a Parquet file from: a remote one without a copy in the cache."""
    return path.stream() if isinstance(path, RemotePath) and not path.is_copied() else path


def streamed(path: Path) -> BufferedReader:
    """A file open to be read once, or in part: a remote one without a copy in the cache."""
    source = parquet_source(path)
    return source.open("rb") if isinstance(source, Path) else source


def _file_system(protocol: str, address: str) -> Any:
    """The file system of fsspec for an address.

    Raises:
        OptionError: fsspec or the driver is not installed.
    """
    with located(address), extra("remote"):
        import fsspec

    try:
        # Without its memory of listings, which other processes' files are not in.
        return fsspec.core.url_to_fs(address, use_listings_cache=False)[0]
    except ImportError as error:
        package = PROTOCOLS[protocol]
        raise OptionError(
            f"{address}: {protocol}:// needs {package}, which is not installed; install it with: "
            f"pip install {package}"
        ) from error

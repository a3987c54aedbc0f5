"""Fetching label files from their publishers into the cache.

Files are downloaded with pooch, which compares their checksums. A file of which no checksum is
published is noted when it is first fetched: its SHA-256 is kept beside it in a file `.sha256`, as
`sha256sum --check` reads it, and what is downloaded later must be equal. A download that breaks off
is kept under a hidden name, and the next one continues it if the server still has the same version
(`ETag`).
"""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from glob import escape
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from audiolabels.datasets.cache import split_name
from audiolabels.datasets.table import DATASETS, Dataset, RemoteFile
from audiolabels.errors import FetchError, TargetsFileError, expect, extra, guarded
from audiolabels.files import atomic_path, is_running, is_web_page, sha256_of, write_rows
from audiolabels.files.cache import VARIABLE, cache_folder

TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 16  # bytes
PUBLISHED, EARLIER, NOTED = "as published", "as first fetched", "noted; none is published"
RANGE_ANSWERS = (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
BROKEN_OFF = ".broken-off"
LONGEST_TAG = 64  # characters, as it becomes part of a file name

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FetchedFile:
    """A file in the cache.

    Attributes:
        path: where it is.
        downloaded: whether it was downloaded now; else it was in the cache.
        checksum: what its checksum, or that of its archive, was compared with.
    """

    path: Path
    downloaded: bool
    checksum: str


def fetch(
    name: str,
    *,
    force: bool = False,
    mirror: str | None = None,
    progress: Progress | None = None,
    datasets: Mapping[str, Dataset] = DATASETS,
) -> dict[str, FetchedFile]:
    """Download the label files of a data set, unless they are in the cache and unchanged.

    Args:
        name: a key of `DATASETS`, or `name:part` for one of its files.
        force: download them again.
        mirror: a URL to download from instead; the files below it are named as in the cache:
            `audioset/eval_segments.csv`.
        progress: called with (bytes, bytes in all as far as known) for each file.
        datasets: the table.

    Returns:
        Part to file.

    Raises:
        OptionError: there is no such data set or part, or the extra `fetch` is not installed.
        FetchError: a server cannot be reached or has no such file; what it sends is a web page, or
            has another checksum; or the cache cannot be written. Files in the cache are as before.
    """
    expect("data set", name, str, "a name")
    dataset, parts = split_name(name, datasets)
    known, folder = datasets[dataset], cache_folder() / dataset
    done: dict[str, FetchedFile] = {}
    fetched: dict[str, FetchedFile] = {}
    for part in parts:
        file = known.files[part]
        if file.address not in done:
            address = f"{mirror.rstrip('/')}/{dataset}/{file.download}" if mirror else file.address
            done[file.address] = _fetch(file, address, folder, known.page, force, progress)
        fetched[part] = _unpack(file, done[file.address]) if file.member else done[file.address]
    return fetched


def _fetch(
    file: RemoteFile, address: str, folder: Path, page: str, force: bool, progress: Progress | None
) -> FetchedFile:
    """What is at the address of a file, in the cache."""
    target = folder / file.download
    record = target.with_name(f"{target.name}.sha256")
    with _cache_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        noted = " ".join(record.read_text("utf-8").split()[:1]) if record.exists() else ""
        expected = file.checksum or noted
        downloaded = force or not target.exists() or not _matches(target, expected)
        if downloaded:
            with atomic_path(target) as written, _explained(address, target, page, record):
                _retrieve(address, expected, written, partial(_download, target, progress))
        if not expected:
            write_rows(record, [f"{sha256_of(target)}  {target.name}"])
    compared = PUBLISHED if file.checksum else EARLIER if noted else NOTED
    return FetchedFile(target, downloaded, compared)


def _matches(path: Path, checksum: str) -> bool:
    """Whether a file has a checksum; without one, any file will do."""
    if not checksum:
        return True
    algorithm, _, digest = checksum.rpartition(":")
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm or "sha256").hexdigest() == digest.lower()


def _retrieve(address: str, checksum: str, path: Path, downloader: Callable[..., None]) -> None:
    """Download a file with pooch, without pooch's messages."""
    with extra("fetch"):
        import pooch
    log = pooch.get_logger()
    level = log.level
    log.setLevel("WARNING")
    try:
        pooch.retrieve(address, checksum or None, path.name, path.parent, downloader=downloader)
    finally:
        log.setLevel(level)


def _download(
    target: Path, progress: Progress | None, address: str, output: str, pooch: object
) -> None:
    """Download to `output`, from where pooch moves it; what breaks off stays beside `target`."""
    import requests

    left, version = _left_over(target)
    headers = {"Accept-Encoding": "identity"}
    if left:
        headers |= {"Range": f"bytes={left.stat().st_size}-", "If-Range": version}
    with requests.get(address, headers=headers, stream=True, timeout=TIMEOUT) as response:
        continued = left is not None and _continues(response, left, version)
        if left and not continued and response.status_code in RANGE_ANSWERS:
            left.unlink()
            _download(target, progress, address, output, pooch)
            return
        response.raise_for_status()
        tag = response.headers.get("ETag", "")
        strong = tag.startswith('"') and len(tag) <= LONGEST_TAG  # a weak one: not equal bytes
        version = tag if strong else ""
        own = target.with_name(f".{target.name}.{os.getpid()}.{quote(version, '')}{BROKEN_OFF}")
        if left:
            left.replace(own) if continued else left.unlink()
        try:
            _save(response, address, own, progress)
        except BaseException:
            if not version:
                own.unlink(missing_ok=True)
            raise
    own.replace(output)
    with Path(output).open("rb") as file:
        start = file.read(1024)
    if is_web_page(start):
        raise FetchError(f"{address}: a web page came in place of the file, perhaps of a login")
    if not start.strip() or (target.suffix == ".zip" and not zipfile.is_zipfile(output)):
        raise FetchError(f"{address}: what came is {'broken' if start.strip() else 'empty'}")


def _left_over(target: Path) -> tuple[Path | None, str]:
    """What an earlier download left of a file, and the server's name of that version."""
    prefix = f".{target.name}."
    for path in target.parent.glob(f"{escape(prefix)}*{BROKEN_OFF}"):
        rest = path.name.removeprefix(prefix).removesuffix(BROKEN_OFF)
        pid, _, version = rest.partition(".")
        if pid == str(os.getpid()) or (pid.isdecimal() and not is_running(int(pid))):
            if version:
                return path, unquote(version)
            path.unlink()
    return None, ""


def _continues(response: Any, left: Path, version: str) -> bool:
    """Whether a response is the rest of what was left over."""
    headers: Mapping[str, str] = response.headers
    return (
        response.status_code == HTTPStatus.PARTIAL_CONTENT
        and headers.get("ETag") == version
        and headers.get("Content-Range", "").startswith(f"bytes {left.stat().st_size}-")
    )


def _save(response: Any, address: str, path: Path, progress: Progress | None) -> None:
    """Append the body of a response to a file."""
    import requests

    with path.open("ab") as file:
        done = file.tell()
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else 0
        cause = None
        try:
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                done += len(chunk)
                if progress:
                    progress(done, max(done, total))
        except requests.RequestException as error:
            cause = error
    if cause or done < total:  # urllib3 before 2.0 does not notice the latter
        of = f" of {total:,}" if done < total else ""
        raise FetchError(
            f"{address}: broke off after {done:,}{of} bytes; fetch it again"
        ) from cause


def _unpack(file: RemoteFile, archive: FetchedFile) -> FetchedFile:
    """A file of an archive, beside it in the cache."""
    path = archive.path.with_name(file.name)
    with (
        _cache_errors(path.parent),
        atomic_path(path) as written,
        guarded(archive.path, FetchError, "cannot be unpacked"),
        zipfile.ZipFile(archive.path) as members,
        members.open(file.member) as packed,
        written.open("wb") as unpacked,
    ):
        shutil.copyfileobj(packed, unpacked)
    return replace(archive, path=path)


@contextmanager
def _cache_errors(folder: Path) -> Iterator[None]:
    """Errors of writing to the cache."""
    try:
        yield
    except (OSError, TargetsFileError) as error:
        raise FetchError(
            f"{folder}: the cache cannot be used: {getattr(error, 'strerror', None) or error}; "
            f"{VARIABLE} names another folder"
        ) from error


@contextmanager
def _explained(address: str, target: Path, page: str, record: Path) -> Iterator[None]:
    """Errors of a download, with what to do about them."""
    with extra("fetch"):
        import requests
    by_hand = f"or look for the file on {page} and save it as {target}"
    try:
        yield
    except requests.HTTPError as error:
        answer: Any = error.response
        raise FetchError(
            f"{address}: HTTP {answer.status_code} {answer.reason}; try again later, {by_hand}"
        ) from error
    except requests.RequestException as error:
        raise FetchError(
            f"{address}: cannot be reached: {_cause(error)}; check the network, {by_hand}"
        ) from error
    except ValueError as error:  # pooch's
        found = str(error).partition(": ")[2].partition(". ")[0]
        known = (
            f"its publisher changed it since it was first fetched; remove {record} to accept that"
            if record.exists()
            else f"it was changed, or damaged on its way; see {page}"
        )
        raise FetchError(f"{address}: another checksum than known ({found}): {known}") from error


def _cause(error: BaseException) -> str:
    """The innermost reason of an error of the network."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return str(getattr(error, "strerror", None) or error)

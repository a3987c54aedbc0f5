"""Opening files: compression, containers by their first bytes, and files that hold no labels."""

import gzip
import io
import math
import os
import re
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from audiolabels.errors import LabelFileError, OptionError, guarded, shortlist
from audiolabels.files import is_web_page
from audiolabels.files.remote import streamed, to_path
from audiolabels.readers.memory import InMemory

HEAD = 1 << 16
# What the first bytes of a container match.
CONTAINERS: Mapping[str, bytes] = MappingProxyType(
    {
        "npz": rb"PK\x03\x04",
        "npy": rb"\x93NUMPY",
        "HDF5": rb"\x89HDF",
        "Parquet": rb"PAR1",
        "Arrow": rb"\xff\xff\xff\xff",  # a stream of messages
        "tar": rb"[^\0][\s\S]{256}ustar",
        "TFRecord": rb"[\s\S]{4}\0{4}[\s\S]{4}\n",  # a length, its checksum, a field of a message
        "JSON": rb"[\xef\xbb\xbf \t\r\n]*[{\[]",
        "text": b"",
    }
)
LABEL_CONTAINERS = frozenset({"Parquet", "Arrow", "tar", "TFRecord", "JSON"})
# First bytes of files that people take for label files, and what to do about them.
REFUSED_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "a workbook (.xls); open it and save the sheet as CSV (UTF-8)"),
    (b"\xff\xfe", "UTF-16 text; save it as CSV (UTF-8)"),
    (b"\xfe\xff", "UTF-16 text; save it as CSV (UTF-8)"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself; run 'git lfs pull'"),
    (b"\x89HDF", "an HDF5 file; label files are text, JSON or Parquet"),
    (b"SQLite format 3", "a database; export the table as CSV"),
    (b"%PDF", "a PDF; label files are text, JSON or Parquet"),
)


@dataclass
class Source:
    """A label file opened for reading.

    Attributes:
        path: where it is.
        stream: its bytes, decompressed, at the start.
        head: the first 64 KiB of them.
        raw: the file as it is on disk, whose position is the progress.
        table: a table in memory, in the place of bytes.
    """

    path: Path
    stream: BinaryIO
    head: bytes
    raw: BinaryIO
    table: InMemory | None = None

    @property
    def name(self) -> str:
        """File name without folders, as reports and metadata give it."""
        return file_name(self.path)

    @property
    def container(self) -> str:
        """One of `LABEL_CONTAINERS`, `memory`, or `text`."""
        if self.table is not None:
            return "memory"
        found = container_of(self.head)
        return found if found in LABEL_CONTAINERS else "text"


def file_name(path: Path) -> str:
    """The name without folders, as reports and metadata give it."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def container_of(head: bytes) -> str:
    """The key of `CONTAINERS` for the first bytes of a file."""
    return next(name for name, start in CONTAINERS.items() if re.match(start, head))


def refuse_oversize(declared: int, stored: int) -> None:
    """Raise ValueError for data of more bytes than `stored` ones can hold.

    Deflate, the usual compression, makes bytes at most 1,032 times fewer.
    """
    if declared > 2000 * stored + HEAD:
        raise ValueError(f"{stored:,} bytes declare {declared:,} bytes of data")


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """An HDF5 file open for reading, with h5py, which the extra `hdf5` installs.

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


class NpzRows:
    """An array of a numpy archive, whose rows are read block by block.

    Attributes:
        shape, ndim: of the array.

    Raises:
        ValueError: its shape needs more bytes than it has, or there are fewer.
    """

    def __init__(self, archive: Any, name: str) -> None:
        member = archive.zip.NameToInfo.get(f"{name}.npy") or archive.zip.getinfo(name)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{name} is compressed in a way that numpy does not write")
        refuse_oversize(member.file_size, member.compress_size)
        self._archive, self._name, self._member = archive, name, member
        self._begin()
        self.ndim = len(self.shape)
        if math.prod(self.shape) * self._dtype.itemsize > member.file_size:
            raise ValueError(f"{name} of shape {self.shape} in {member.file_size:,} bytes")

    def _begin(self) -> None:
        """Open the member at its first row."""
        self._stream, self._row = self._archive.zip.open(self._member), 0
        formats = np.lib.format
        first = formats.read_magic(self._stream) == (1, 0)
        read = formats.read_array_header_1_0 if first else formats.read_array_header_2_0
        self.shape, self._across, self._dtype = read(self._stream)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> npt.NDArray[Any]:
        """The rows from `start` up to `stop`; blocks in order are read once."""
        start, stop, _ = rows.indices(len(self))
        size = math.prod(self.shape[1:]) * self._dtype.itemsize
        across = self._across and self.ndim > 1  # columns follow each other
        if across or self._dtype.hasobject or not size:
            return self.whole[rows]
        if start < self._row:
            self._stream.close()
            self._begin()
        self._stream.seek((start - self._row) * size, os.SEEK_CUR)
        content = self._stream.read(size * (stop - start))
        self._row = stop
        if len(content) < size * (stop - start):
            raise ValueError(f"{self._name} ends within its rows")
        values = np.frombuffer(content, self._dtype).reshape(stop - start, *self.shape[1:])
        return _refuse_no_text(values, self._name)

    @cached_property
    def whole(self) -> npt.NDArray[Any]:
        """The array, in memory."""
        return _refuse_no_text(self._archive[self._name], self._name)


def _refuse_no_text(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if array.dtype.kind == "U":
        codes = np.frombuffer(array.tobytes(), np.dtype("u4").newbyteorder(array.dtype.byteorder))
        if codes.max(initial=0) > sys.maxunicode:
            raise ValueError(f"{name} holds what is no text")
    return array


def npz_array(archive: Any, name: str) -> npt.NDArray[Any]:
    """An array of a numpy archive; ValueError if its shape needs more bytes than it has."""
    return NpzRows(archive, name).whole


def hdf5_data(file: Any, name: str) -> Any:
    """A data set of an HDF5 file; ValueError if it is none, or larger than the file can be."""
    node = file[name]
    if not hasattr(node, "chunks") or node.shape is None:
        raise ValueError(f"{name} is no data set of numbers or texts")
    refuse_oversize_data([node])
    return node


def refuse_oversize_data(nodes: Iterable[Any]) -> None:
    """Raise ValueError if data sets are larger than the files that they are in can hold."""
    declared: Counter[str] = Counter()
    for node in nodes:
        if not (node.is_virtual or node.external):  # else the data are in other files
            declared[node.file.filename] += node.nbytes
    for name, count in declared.items():
        refuse_oversize(count, Path(name).stat().st_size)


@contextmanager
def open_source(path: str | Path | InMemory, *, start: bool = False) -> Iterator[Source]:
    """Open a label file, plain, gzip or zip, or a table in memory.

    Args:
        path: the file or table.
        start: whether only its start is read as a rule, so that a remote file is not fetched.

    Raises:
        LabelFileError: it cannot be opened, or its first bytes show that it has no labels.
    """
    if isinstance(path, InMemory):
        nothing = io.BytesIO()
        yield Source(path.path, nothing, b"", nothing, path)
        return
    path = to_path(path)
    with guarded(path, LabelFileError, "cannot be read"):
        if not path.is_file():
            _refuse_no_file(path)
        with (
            streamed(path) if start else path.open("rb") as raw,
            _decompress(path, raw) as stream,
        ):
            head = stream.read(HEAD)
            stream.seek(0)
            _refuse(path, head)
            yield Source(path, stream, head, raw)


def _refuse_no_file(path: Path) -> None:
    if not path.exists():
        raise LabelFileError(f"{path}: no such file")
    if path.is_dir() and (arrow := sorted(path.glob("*.arrow"))):
        raise LabelFileError(f"{path}: a folder; give the data in it: {arrow[0]}")
    raise LabelFileError(f"{path}: not a regular file; save its content to one first")


@contextmanager
def _decompress(path: Path, raw: BinaryIO) -> Iterator[BinaryIO]:
    start = raw.read(4)
    raw.seek(0)
    if start[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=raw) as unzipped:
            yield cast("BinaryIO", unzipped)
    elif start == b"PK\x03\x04":
        with zipfile.ZipFile(raw) as archive, archive.open(_only_member(path, archive)) as member:
            yield cast("BinaryIO", member)
    else:
        yield raw


def _only_member(path: Path, archive: zipfile.ZipFile) -> str:
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if "[Content_Types].xml" in names or any(name.startswith("xl/") for name in names):
        raise LabelFileError(
            f"{path}: a workbook (.xlsx); open it and save the sheet as CSV (UTF-8)"
        )
    if len(names) != 1:
        raise LabelFileError(
            f"{path}: the archive holds {len(names)} files ({shortlist(names)}); unpack it and "
            f"give the label file"
        )
    member = archive.getinfo(names[0])
    if member.flag_bits & 1:
        raise LabelFileError(f"{path}: cannot be read: the archive is locked with a password")
    refuse_oversize(member.file_size, member.compress_size)
    return names[0]


def _refuse(path: Path, head: bytes) -> None:
    if not head.strip():
        raise LabelFileError(f"{path}: empty; was it fetched or written whole?")
    for start, what in REFUSED_STARTS:
        if head.startswith(start):
            raise LabelFileError(f"{path}: this is {what}")
    if is_web_page(head):
        raise LabelFileError(
            f"{path}: an HTML or XML page, not labels; the download got an error or redirect page"
        )
    if b"\0" in head and container_of(head) not in LABEL_CONTAINERS - {"JSON"}:
        raise LabelFileError(
            f"{path}: binary data, not a label file; those are text, JSON or Parquet"
        )

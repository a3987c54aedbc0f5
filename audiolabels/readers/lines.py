"""Lines of delimited files, and blocks of whole lines."""

import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from audiolabels.clips.names import EXTENSION, SPREADSHEET_ERROR, VIDEO, Clip, parse_clip_name
from audiolabels.readers.dialect import Dialect, is_comment, split_cells
from audiolabels.readers.opening import Source

Item = TypeVar("Item")
TAIL = 1 << 16  # bytes at the end of a block in which its last clip is looked for


class BadRowError(Exception):
    """A row that cannot be used; the text is the reason."""


class Line(NamedTuple):
    """One line that holds a row.

    Attributes:
        number: its place in the file, from 1.
        cells: its cells, as far as it could be split.
        clip: its clip.
        label: its label text.
        fault: why the row cannot be used; empty if it can.
    """

    number: int
    cells: list[str]
    clip: Clip
    label: str
    fault: str

    def clip_cell(self, dialect: Dialect) -> str:
        """The clip as the file writes it, cut to 64 characters; empty if there is no such cell."""
        return self.cells[dialect.clip][:64] if len(self.cells) > dialect.clip else ""


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made in another thread while the one before is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


def line_blocks(source: Source, size: int) -> Iterator[bytes]:
    """The rest of a file in blocks of at least `size` bytes that end with a line's end."""
    while block := source.stream.read(size):
        yield block if block.endswith(b"\n") else block + source.stream.readline()


def clip_blocks(source: Source, size: int, dialect: Dialect) -> Iterator[bytes]:
    """As `line_blocks`; the rows of a clip that follow each other are in one block."""
    held = b""
    while block := held + next(line_blocks(source, size), b""):
        held = b""
        tail = (_clip_name(line, dialect) for line in reversed(block[-TAIL:].split(b"\n")))
        clip, more = next(filter(None, tail), ""), []
        while line := source.stream.readline():
            if _clip_name(line, dialect) not in ("", clip):
                held = line
                break
            more.append(line)
        yield block + b"".join(more)


def _clip_name(line: bytes, dialect: Dialect) -> str:
    """The clip of a line as the file writes it; empty if it holds no row."""
    text = line.decode("utf-8", "replace").strip("\r\n")
    try:
        cells = [] if is_comment(text) else split_cells(text, dialect.delimiter)
    except csv.Error:
        return ""
    return cells[dialect.clip] if len(cells) >= dialect.needed else ""


def read_lines(block: bytes, first_line: int, dialect: Dialect) -> Iterator[Line]:
    """The lines of a block that are neither blank nor comments."""
    for number, raw in enumerate(block.split(b"\n"), first_line):
        if not raw.strip(b" ,;\t\r"):
            continue
        cells: list[str] = []
        clip, label, fault = Clip("", None), "", ""
        try:
            line = raw.decode("utf-8-sig").strip("\r")
            cells = split_cells(line, dialect.delimiter)
            if dialect.events and len(cells) == 1 and EXTENSION.search(cells[0]):
                cells += [""] * (dialect.needed - 1)  # a file without events
            if is_comment(line) and (len(cells) < dialect.needed or line[1:2] in ("", " ")):
                continue
            clip, label = _read_cells(line, cells, dialect)
        except UnicodeDecodeError:
            fault = "not UTF-8"
        except (csv.Error, BadRowError) as error:
            fault = str(error)
        yield Line(number, cells, clip, label, fault)


def _read_cells(line: str, cells: list[str], dialect: Dialect) -> tuple[Clip, str]:
    """Clip and label text of a row.

    Raises:
        BadRowError: the row cannot be used.
    """
    if "\r" in line:
        raise BadRowError("a lone carriage return: lines run together")
    if len(cells) < dialect.needed or (dialect.width and any(cells[dialect.width :])):
        raise BadRowError(f"{len(cells)} cells where {dialect.needed} are expected")
    if len(dialect.labels) > 1:
        text = ";".join(cells[i] for i in dialect.labels if i < len(cells))
    else:
        end = None if dialect.width is None else dialect.labels[0] + 1
        text = ",".join(cells[dialect.labels[0] : end])
    if line.count('"') % 2 or text.count('"') % 2:
        raise BadRowError("a quote has no partner: labels were cut off")
    cell = cells[dialect.clip]
    clip = parse_clip_name(cell, of_video=dialect.of_video)
    if SPREADSHEET_ERROR.fullmatch(cell) or not clip.clip_id:
        raise BadRowError(f"the clip's id is lost: {cell or 'empty'}")
    if dialect.video_ids and not VIDEO.fullmatch(clip.clip_id):
        raise BadRowError("not a YouTube id of 11 characters")
    return clip, text

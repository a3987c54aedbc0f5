"""Lines of delimited files, and blocks of whole lines."""

import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from audiolabels.clips.names import EXTENSION, SPREADSHEET_ERROR, VIDEO, parse_clip_name
from audiolabels.readers.columns import MISSING
from audiolabels.readers.dialect import FREQUENCIES, Dialect, is_comment, split_cells
from audiolabels.readers.opening import Source

Item = TypeVar("Item")
TAIL = 1 << 16  # bytes at the end of a block in which its last clip is looked for


class Line(NamedTuple):
    """A row: its line in the file, from 1, and why it cannot be used; empty if it can."""

    number: int
    cells: list[str]
    label: str
    fault: str


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
    return dialect.name_of_clip(cells) if len(cells) >= dialect.needed else ""


def read_lines(block: bytes, first_line: int, dialect: Dialect) -> Iterator[Line]:
    """The lines of a block that are neither blank nor comments."""
    for number, raw in enumerate(block.split(b"\n"), first_line):
        if not raw.strip(b" ,;\t\r"):
            continue
        if FREQUENCIES in dialect.unused and raw.startswith(b"\\\t"):
            continue
        try:
            line = raw.decode("utf-8-sig").strip("\r")
            cells = split_cells(line, dialect.delimiter)
        except UnicodeDecodeError:
            yield Line(number, [], "", "not UTF-8")
        except csv.Error as error:
            yield Line(number, [], "", str(error))
        else:
            if dialect.events and len(cells) == 1 and EXTENSION.search(cells[0]):
                cells += [""] * (dialect.needed - 1)  # a file without events
            if is_comment(line) and (len(cells) < dialect.needed or line[1:2] in ("", " ")):
                continue
            label = _label(cells, dialect)
            yield Line(number, cells, label, _fault(line, cells, label, dialect))


def _label(cells: list[str], dialect: Dialect) -> str:
    if len(dialect.labels) > 1:
        return ";".join(cells[i] for i in dialect.labels if i < len(cells))
    end = None if dialect.width is None else dialect.labels[0] + 1
    return ",".join(cells[dialect.labels[0] : end])


def _fault(line: str, cells: list[str], label: str, dialect: Dialect) -> str:
    """Why a row cannot be used; empty if it can."""
    if "\r" in line:
        return "a lone carriage return: lines run together"
    if len(cells) < dialect.needed or (dialect.width and any(cells[dialect.width :])):
        return f"{len(cells)} cells where {dialect.needed} are expected"
    if line.count('"') % 2 or label.count('"') % 2:
        return "a quote has no partner: labels were cut off"
    cell = dialect.name_of_clip(cells)
    clip_id = parse_clip_name(cell, of_video=dialect.of_video).clip_id
    if SPREADSHEET_ERROR.fullmatch(cell) or clip_id.casefold() in MISSING:
        return f"the clip's id is lost: {cell or 'empty'}"
    if dialect.video_ids and not VIDEO.fullmatch(clip_id):
        return "not a YouTube id of 11 characters"
    return ""

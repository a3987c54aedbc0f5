"""Delimited files in blocks and lines: what readers of clips and of events share."""

import csv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from audiolabels.clips.names import SPREADSHEET_ERROR, VIDEO, Clip, parse_clip_name
from audiolabels.readers.dialect import Dialect, is_comment, split_cells
from audiolabels.readers.opening import Source

BLOCK = 4 << 20
Item = TypeVar("Item")


class BadRowError(Exception):
    """A row that cannot be used; the text says why."""


class Line(NamedTuple):
    """One line that holds a row.

    Attributes:
        number: its place in the file, from 1.
        cells: its cells, as far as it could be split.
        clip: its clip.
        label: its label text.
        fault: why the row cannot be used, or nothing.
    """

    number: int
    cells: list[str]
    clip: Clip
    label: str
    fault: str


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each made in another thread while the one before is being used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = pool.submit(next, items, None)
            yield item


def blocks(source: Source) -> Iterator[bytes]:
    """The file in pieces that end with a line's end."""
    while block := source.stream.read(BLOCK):
        yield block if block.endswith(b"\n") else block + source.stream.readline()


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
            if is_comment(line) and (len(cells) < dialect.needed or line[1:2] in ("", " ")):
                continue
            clip, label = _read_cells(line, cells, dialect)
        except UnicodeDecodeError:
            fault = "not UTF-8"
        except (csv.Error, BadRowError) as error:
            fault = str(error)
        yield Line(number, cells, clip, label, fault)


def shown_clip(line: Line, dialect: Dialect) -> str:
    """The clip of an unusable line, as far as it can be told."""
    return line.cells[dialect.clip][:64] if len(line.cells) > dialect.clip else ""


def _read_cells(line: str, cells: list[str], dialect: Dialect) -> tuple[Clip, str]:
    """Clip and label text of a row.

    Raises:
        BadRowError: the row cannot be used.
    """
    if "\r" in line:
        raise BadRowError("a lone carriage return: lines run together")
    if len(cells) < dialect.needed or (dialect.width and any(cells[dialect.width :])):
        raise BadRowError(f"{len(cells)} cells where {dialect.needed} are expected")
    end = None if dialect.width is None else dialect.labels + 1
    text = ",".join(cells[dialect.labels : end])
    if line.count('"') % 2 or text.count('"') % 2:
        raise BadRowError("a quote has no partner: labels were cut off")
    cell = cells[dialect.clip]
    clip = parse_clip_name(cell)
    if SPREADSHEET_ERROR.fullmatch(cell) or not clip.clip_id:
        raise BadRowError(f"the clip's id is lost: {cell or 'empty'}")
    if dialect.video_ids and not VIDEO.fullmatch(clip.clip_id):
        raise BadRowError("not a YouTube id of 11 characters")
    return clip, text

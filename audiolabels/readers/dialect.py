"""How a delimited label file is laid out: separator, header, and which column holds what.

Columns are known by their names; a file without header is recognised by its first row's shape.
"""

import csv
import re
from dataclasses import dataclass
from typing import NamedTuple

from audiolabels.clips.names import EXTENSION, SPREADSHEET_ERROR, parse_clip_name
from audiolabels.errors import LabelFileError
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.columns import COLUMNS, find_column, known_names
from audiolabels.readers.formats import Layout
from audiolabels.readers.opening import HEAD, Source

VIDEO_CLIP = ("ytid", "yt_id", "youtube_id")  # columns of clips that hold YouTube ids alone
CLASS_LIST = "index display_name label_id name".split()
SPREADSHEET_HEADER = "column1"  # what a spreadsheet writes above columns without a name
ROW_COUNT = re.compile(r"num_segs\s*=\s*(\d{1,15})")
NUMBER = re.compile(r"\s*\d+(\.\d*)?\s*")
SPACES = "  "  # the separator of columns aligned by two or more spaces


class Start(NamedTuple):
    """Where the rows of a file begin, and how many there should be.

    Attributes:
        line: line of the first row, from 1.
        position: bytes before that line.
        promised: number of rows that the comments announce, or None.
    """

    line: int
    position: int
    promised: int | None


@dataclass(frozen=True, kw_only=True)
class Dialect(Layout):
    """The layout of one delimited label file.

    Attributes:
        names: names of the columns, in lower case; none without a header.
        delimiter: `,` `;` tab, or two spaces for columns aligned by spaces.
        clip, labels: their columns.
        start, end: columns of times, or None.
        present: column of PRESENT or NOT_PRESENT, or None.
        duration: column of the clip's length, or None.
        width: number of columns of a row, or None where labels may run over several.
        numbered: whether the labels of the first row are numbers joined by `;`, or none.
        video_ids: whether clips must be YouTube ids.
        places: whether the times of a bare YouTube id are the clip's place in the video.
        begin: where the rows begin.
    """

    delimiter: str
    clip: int
    labels: int
    width: int | None
    video_ids: bool
    places: bool
    begin: Start
    start: int | None = None
    end: int | None = None
    present: int | None = None
    duration: int | None = None
    names: tuple[str, ...] = ()
    numbered: bool = False

    @property
    def timed(self) -> bool:
        """Whether rows have times."""
        return self.start is not None and self.end is not None

    @property
    def events(self) -> bool:
        """Whether rows are events: one label and its times in the clip."""
        return self.one_label and self.timed

    @property
    def needed(self) -> int:
        """Number of cells that a row must have."""
        return self.labels + 1 if self.width is None else self.width


def split_cells(line: str, delimiter: str) -> list[str]:
    """The cells of one line, stripped.

    Raises:
        csv.Error: the line cannot be split.
    """
    if delimiter == SPACES:
        return re.split(r" {2,}|\t", line.strip())
    if '"' in line:
        quoted = csv.reader((line,), delimiter=delimiter, skipinitialspace=True)
        return [cell.strip() for cell in next(quoted, [])]
    return [cell.strip() for cell in line.split(delimiter)]


def detect_dialect(source: Source, ontology: Ontology) -> Dialect:
    """Recognise the layout from the first lines.

    Raises:
        LabelFileError: the file is a list of classes, has no column of labels or of clips, or
            has no recognisable layout.
    """
    promised, header, skipped = None, None, 0
    final = False  # whether the header is a line of its own, not a comment
    for number, raw in enumerate(source.head.splitlines(keepends=True), 1):
        line = raw.decode("utf-8-sig", "replace").strip("\r\n")
        comment = is_comment(line) and not (final and line[1:2].strip())
        cells = split_cells(line.lstrip("# ") if comment else line, _delimiter(line))
        if promise := ROW_COUNT.search(line):
            promised = int(promise.group(1))
        names = [cell.casefold() for cell in cells]
        if _is_header(names) and not final and not (comment and header):
            header, final = (names, _delimiter(line)), not comment
        elif line.strip(" ,;\t") and not comment and names[0] != SPREADSHEET_HEADER:
            begin = Start(number, skipped, promised)
            if header:
                return _from_header(source, *header, cells, begin)
            return _from_shape(source, cells, _delimiter(line), ontology, begin)
        skipped += len(raw)
    if header:
        _from_header(source, *header, [], Start(0, 0, promised))
    where = "in its first 64 KiB" if len(source.head) == HEAD else "but a header or comments"
    raise LabelFileError(f"{source.path}: no rows {where}; was it cut off?")


def is_comment(line: str) -> bool:
    """Whether a line is a comment, and not a row whose id a spreadsheet turned into an error."""
    return line.startswith("#") and not SPREADSHEET_ERROR.match(line)


def _delimiter(line: str) -> str:
    if "\t" in line:
        return "\t"
    outside = re.sub(r'"[^"]*"', "", line)
    if re.search(r"\S {2,}\S", outside) and not re.search(r"[,;] {2,}", outside):
        return SPACES
    first = re.search(r"[,;]", outside)
    return first.group() if first else ","


def _is_header(names: list[str]) -> bool:
    """Whether the names are those of columns: a clip's and another's, or those of a class list."""
    known = {name for role in ("start", "end", "labels", "label") for name in COLUMNS[role].names}
    others = sum(name in known or name in CLASS_LIST for name in names)
    return others >= (2 if find_column(names, "clip") is None else 1)


def _from_header(
    source: Source, names: list[str], delimiter: str, first: list[str], begin: Start
) -> Dialect:
    while names and not names[-1]:
        names = names[:-1]
    shown = ", ".join(names)
    roles = ("clip", "start", "end", "labels", "label", "present", "length")
    found = (find_column(names, role) for role in roles)
    clip, start, end, labels, label, present, length = (
        None if name is None else names.index(name) for name in found
    )
    one_label = labels is None
    labels = label if labels is None else labels
    if clip is None and ("mid" in names or "label_id" in names):
        raise LabelFileError(
            f"{source.path}: a list of classes, not labels of clips (columns {shown}); "
            f"a vocabulary is given with --vocabulary"
        )
    if clip is None:
        raise LabelFileError(
            f"{source.path}: no column of clips; columns are {shown}; "
            f"name it clip_id (known: {known_names('clip')})"
        )
    if labels is None:
        raise LabelFileError(
            f"{source.path}: no column of labels; columns are {shown}; "
            f"name it labels (known: {known_names('labels', 'label')})"
        )
    last = labels == len(names) - 1
    used = {clip, labels, start, end, present}
    return Dialect(
        names=tuple(names),
        delimiter=delimiter,
        clip=clip,
        labels=labels,
        start=start,
        end=end,
        present=present,
        duration=length,
        width=None if last and delimiter != "\t" else len(names),
        one_label=one_label,
        numbered=len(first) <= labels or bool(re.fullmatch(r"(\d+(;\d+)*)?", first[labels])),
        video_ids=names[clip] in VIDEO_CLIP,
        places=names[clip] in (*VIDEO_CLIP, "video_id"),
        begin=begin,
        unused=tuple(name for i, name in enumerate(names) if name and i not in used),
    )


def _from_shape(
    source: Source, cells: list[str], delimiter: str, ontology: Ontology, begin: Start
) -> Dialect:
    times = len(cells) > 2 and all(NUMBER.fullmatch(cell) for cell in cells[1:3])
    if times and len(cells) == 3:
        raise LabelFileError(
            f"{source.path}: no column of labels; the first row holds only {', '.join(cells)}"
        )
    named_file = bool(EXTENSION.search(cells[0]))
    classes = cells[0] == "label_id" or any(cell in ontology for cell in cells[:3])
    if classes and not times and not named_file:
        raise LabelFileError(
            f"{source.path}: a list of classes, not labels of clips (first row "
            f"{', '.join(cells)}); a vocabulary is given with --vocabulary"
        )
    video = bool(SPREADSHEET_ERROR.fullmatch(cells[0])) or (
        parse_clip_name(cells[0]).clip_id == cells[0] and len(cells[0]) == 11
    )
    if not (times and (video or named_file)) and not (len(cells) >= 2 and named_file):
        raise LabelFileError(
            f"{source.path}: not a label file in a known form; the first row is "
            f"{delimiter.join(cells)[:120]!r}. Give it a header, for instance 'clip_id,labels'"
        )
    labels = 3 if times else 1
    return Dialect(
        delimiter=delimiter,
        clip=0,
        labels=labels,
        width=labels + 1 if delimiter == "\t" else None,
        one_label=times and named_file,
        video_ids=times and not named_file,
        places=not named_file,
        begin=begin,
        start=1 if times else None,
        end=2 if times else None,
    )

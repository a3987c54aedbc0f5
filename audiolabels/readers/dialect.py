"""How a delimited label file is laid out: separator, header, and which column holds what.

Known column names are data; a file without header is recognised by the shape of its first row.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from audiolabels.clips.names import EXTENSION, SPREADSHEET_ERROR, parse_clip_name
from audiolabels.errors import LabelFileError
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.opening import HEAD, Source

CLIP = (
    "ytid yt_id youtube_id video_id segment_id clip_id filename file_name fname audio_id "
    "audio_name audio clip file path wav"
).split()
VIDEO_CLIP = ("ytid", "yt_id", "youtube_id")
START = "start_seconds start_time_seconds start_time start onset from".split()
END = "end_seconds end_time_seconds end_time end offset to".split()
LABELS = "positive_labels mids labels event_labels human_labels tags classes".split()
PSL = {"hdf5path", "duration", "from"}
CLASS_LIST = "index display_name label_id name".split()
LABEL = "mid event_label label class tag category".split()
PRESENT = ["present"]
CLIP_DURATION = (
    "clip_duration clip_duration_seconds audio_duration file_duration recording_duration".split()
)

SPREADSHEET_HEADER = "column1"  # what a spreadsheet writes above columns without a name
PROMISE = re.compile(r"num_segs\s*=\s*(\d{1,15})")
NUMBER = re.compile(r"\s*\d+(\.\d*)?\s*")
SPACES = "  "  # the separator of columns aligned by two or more spaces


class Start(NamedTuple):
    """Where the rows of a file begin, and how many the lines before them promise.

    Attributes:
        line: line of the first row, from 1.
        position: bytes before that line.
        promised: number of rows that the comments announce, or None.
    """

    line: int
    position: int
    promised: int | None


@dataclass(frozen=True)
class Dialect:
    """The layout of one delimited label file.

    Attributes:
        format: key of the table of formats.
        delimiter: `,` `;` tab, or two spaces for columns aligned by spaces.
        clip, labels: their columns.
        start, end: columns of times, or None.
        present: column that says whether a class sounds (PRESENT) or not, or None.
        duration: column of the clip's length, or None.
        width: number of columns that a row has, or None where labels may run over several.
        one_label: whether a clip has one row a label, instead of one row.
        video_ids: whether clips must be YouTube ids.
        places: whether the times beside a bare YouTube id are the clip's place in the video.
        begin: where the rows begin.
        unused: names of columns that are not read.
    """

    format: str
    delimiter: str
    clip: int
    labels: int
    start: int | None
    end: int | None
    present: int | None
    duration: int | None
    width: int | None
    one_label: bool
    video_ids: bool
    places: bool
    begin: Start
    unused: tuple[str, ...]

    @property
    def events(self) -> bool:
        """Whether rows are events: one label and its times in the clip."""
        return self.one_label and self.start is not None and self.end is not None

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
    final = False  # whether the header stands for itself, not in a comment
    for number, raw, line in _first_lines(source.head):
        comment = is_comment(line) and not (final and line[1:2].strip())
        cells = split_cells(line.lstrip("# ") if comment else line, _delimiter(line))
        if promise := PROMISE.search(line):
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


def _first_lines(head: bytes) -> Iterator[tuple[int, bytes, str]]:
    for number, raw in enumerate(head.splitlines(keepends=True), 1):
        yield number, raw, raw.decode("utf-8-sig", "replace").strip("\r\n")


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
    clip = any(name in CLIP for name in names)
    others = sum(name in {*START, *END, *LABELS, *LABEL, *CLASS_LIST} for name in names)
    return others >= (1 if clip else 2)


def _column(names: list[str], known: list[str]) -> int | None:
    return next((names.index(name) for name in known if name in names), None)


def _from_header(
    source: Source,
    names: list[str],
    delimiter: str,
    first: list[str],
    begin: Start,
) -> Dialect:
    while names and not names[-1]:
        names = names[:-1]
    shown = ", ".join(names)
    clip, start, end = _column(names, CLIP), _column(names, START), _column(names, END)
    labels = _column(names, LABELS)
    one_label = labels is None
    if labels is None:
        labels = _column(names, LABEL)
    if clip is None and ("mid" in names or "label_id" in names):
        raise LabelFileError(
            f"{source.path}: a list of classes, not labels of clips (columns {shown}); "
            f"a vocabulary is given with --vocabulary"
        )
    if clip is None:
        raise LabelFileError(
            f"{source.path}: no column of clips; columns are {shown}; "
            f"name it clip_id (known: {', '.join(CLIP)})"
        )
    if labels is None:
        raise LabelFileError(
            f"{source.path}: no column of labels; columns are {shown}; "
            f"name it labels (known: {', '.join(LABELS + LABEL)})"
        )
    present, duration = _column(names, PRESENT), _column(names, CLIP_DURATION)
    last = labels == len(names) - 1
    numbers = len(first) <= labels or bool(re.fullmatch(r"(\d+(;\d+)*)?", first[labels]))
    if one_label:
        format_ = "long"
    elif names[labels] == "labels" and numbers and PSL & set(names):
        format_ = "psl"
    elif names[clip] == "fname" and names[labels] == "mids":
        format_ = "fsd50k"
    elif start is not None and end is not None:
        format_ = "audioset-segments"
    else:
        format_ = "clip-labels"
    used = {clip, labels, start, end, present}
    return Dialect(
        format=format_,
        delimiter=delimiter,
        clip=clip,
        labels=labels,
        start=start,
        end=end,
        present=present,
        duration=duration,
        width=None if last and delimiter != "\t" else len(names),
        one_label=one_label,
        video_ids=names[clip] in VIDEO_CLIP,
        places=names[clip] in (*VIDEO_CLIP, "video_id"),
        begin=begin,
        unused=tuple(name for i, name in enumerate(names) if name and i not in used),
    )


def _from_shape(
    source: Source,
    cells: list[str],
    delimiter: str,
    ontology: Ontology,
    begin: Start,
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
    events = times and named_file
    return Dialect(
        format="long" if events else "audioset-segments" if times else "clip-labels",
        delimiter=delimiter,
        clip=0,
        labels=labels,
        start=1 if times else None,
        end=2 if times else None,
        present=None,
        duration=None,
        width=labels + 1 if delimiter == "\t" else None,
        one_label=events,
        video_ids=times and not named_file,
        places=not named_file,
        begin=begin,
        unused=(),
    )

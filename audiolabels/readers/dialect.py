"""How a delimited label file is laid out: separator, header, and which column holds what.

Columns are known by their names; a file without header is recognised by its first row's shape.
"""

import csv
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from audiolabels.clips.names import EXTENSION, SPREADSHEET_ERROR, mostly_videos, parse_clip_name
from audiolabels.errors import LabelFileError
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.clip_ids import clip_of_file
from audiolabels.readers.column_roles import assign_roles
from audiolabels.readers.columns import (
    HEADER,
    LISTS,
    MISSING,
    NO_COLUMNS,
    SELECTION_TABLE,
    UNIT,
    Columns,
    GivenColumns,
    Known,
    as_columns,
    class_hint,
    find_column,
    has_header,
    known_names,
)
from audiolabels.readers.formats import Layout
from audiolabels.readers.opening import HEAD, Source

# Roles of columns whose cells decide about a row.
STATED = ("presence", "value", "rater", "vote")
EXTRA = (*STATED, *LISTS, "class", "clip_length", "annotated_for", "selection", "file_offset")
VIDEO_IDS = ("ytid", "yt_id", "youtube_id")  # columns of videos that hold nothing but their ids
SPREADSHEET_HEADER = "column1"  # what a spreadsheet writes above columns without a name
ROW_COUNT = re.compile(r"num_segs\s*=\s*(\d{1,15})")
SAMPLE = 200  # rows after the header that are looked at
NAMED_ROW = re.compile(rf"#[^,;\t]*{EXTENSION.pattern[:-1]}[,;\t]", re.IGNORECASE)
NUMBER = re.compile(r"\s*\d+(\.\d*)?\s*")
VALUED = ("onset", "offset", "label", "value")  # of a track of labels with values
FREQUENCIES = "frequencies"  # lines that begin with a backslash, in Audacity's labels
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


FIRST_LINE = Start(1, 0, None)


@dataclass(frozen=True, kw_only=True)
class Dialect(Layout):
    """The layout of one delimited label file.

    Attributes:
        delimiter: `,` `;` tab, or two spaces for columns aligned by spaces.
        clip: column of the clip, or of the video; None where the file is named after it.
        labels: columns of labels; of several, each has one label.
        start: column of onsets, or None.
        end: column of offsets, or of durations; or None.
        lasting: whether `end` is a duration.
        clip_length: column of the clip's length, or None.
        width: number of columns of a row, or None where labels may run over several.
        numbers: whether the labels of the first row are numbers joined by `;`, or none.
        video_ids: whether clips must be YouTube ids.
        of_video: whether names made of words are those of YouTube videos too.
        places: whether the times of a bare YouTube id are the clip's place in the video.
        begin: where the rows begin.
    """

    delimiter: str
    clip: int | None
    labels: tuple[int, ...]
    width: int | None
    video_ids: bool
    places: bool
    begin: Start
    start: int | None = None
    end: int | None = None
    lasting: bool = False
    clip_length: int | None = None
    numbers: bool = False
    of_video: bool = False

    @property
    def gathered(self) -> bool:
        """See `Layout`."""
        return self.one_label or bool(self.columns.roles.keys() & {*STATED})

    @property
    def timed(self) -> bool:
        """Whether rows have times."""
        return self.start is not None and self.end is not None

    @property
    def events(self) -> bool:
        """Whether rows are events: one label and its times in the clip."""
        return self.one_label and self.timed

    @property
    def framed(self) -> bool:
        """Whether rows are times in a clip at which a class is present or absent."""
        in_clip = self.start is not None and not self.places
        return in_clip and "presence" in self.columns.roles

    @property
    def needed(self) -> int:
        """Number of cells that a row must have.

        Rows of selection tables may end behind the last column that is read.
        """
        if SELECTION_TABLE in self.columns.names:
            read = (self.clip, *self.labels, self.start, self.end, *self.extra)
            return 1 + max(i for i in read if i is not None)
        return self.labels[-1] + 1 if self.width is None else self.width

    @property
    def extra(self) -> tuple[int, ...]:
        """Columns whose cells decide about a row: presence, values, raters and the like."""
        return tuple(i for role in EXTRA for i in self.columns.roles.get(role, ()))

    def name_of_clip(self, cells: Sequence[str]) -> str:
        """The clip of a row as the file writes it; empty if the row has too few cells."""
        return self.file_clip if self.clip is None else "".join(cells[self.clip : self.clip + 1])


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


def detect_dialect(
    source: Source, ontology: Ontology, given: GivenColumns = None, known: Known | None = None
) -> Dialect:
    """Recognise the layout from the first lines.

    Args:
        source: the opened file.
        ontology: tells a list of classes from labels of clips.
        given: role to names of columns.
        known: whether a label is known; by default, whether the ontology has it.

    Raises:
        LabelFileError: the file is a list of classes, has no column of labels or of clips, or
            has no recognisable layout.
        OptionError: a column that was given is not there.
    """
    known = known or (lambda name: ontology.resolve(name) is not None)
    promised, header, skipped = None, None, 0
    final = False  # whether the header is a line of its own, not a comment
    lines = source.head.splitlines(keepends=True)
    for number, raw in enumerate(lines, 1):
        line = raw.decode("utf-8-sig", "replace").strip("\r\n")
        comment = is_comment(line) and not (final and line[1:2].strip())
        cells = split_cells(line.lstrip("# ") if comment else line, _delimiter(line))
        if promise := ROW_COUNT.search(line):
            promised = int(promise.group(1))
        names = [cell.casefold() for cell in cells]
        if has_header(cells, given, known) and not final and not (comment and header):
            header, final = (cells, _delimiter(line)), not comment
        elif line.strip(" ,;\t") and not comment and names[0] != SPREADSHEET_HEADER:
            begin = Start(number, skipped, promised)
            delimiter = header[1] if header else _delimiter(line)
            rows = _sample(lines[number - 1 :], delimiter)
            if header or given:
                named = header[0] if header else cells
                return from_header(source, named, rows, given, known, delimiter, begin)
            return _from_shape(source, rows, delimiter, ontology, begin)
        skipped += len(raw)
    if header:
        from_header(source, header[0], [], given, known)
    where = "in its first 64 KiB" if len(source.head) == HEAD else "but a header or comments"
    raise LabelFileError(f"{source.path}: no rows {where}; was it cut off?")


def _sample(lines: list[bytes], delimiter: str) -> list[list[str]]:
    """Cells of the first rows; the last line may be cut off."""
    rows = []
    for raw in lines[: SAMPLE if len(lines) > 1 else None]:
        line = raw.decode("utf-8-sig", "replace").strip("\r\n")
        with suppress(csv.Error):
            if line.strip(" ,;\t") and not is_comment(line):
                rows.append(split_cells(line, delimiter))
    return rows


def is_comment(line: str) -> bool:
    """Whether a line is a comment.

    A row whose id a spreadsheet turned into an error is none, nor is one of a file whose name
    begins with `#`.
    """
    return line.startswith("#") and not (SPREADSHEET_ERROR.match(line) or NAMED_ROW.match(line))


def _delimiter(line: str) -> str:
    if "\t" in line:
        return "\t"
    outside = re.sub(r'"[^"]*"', "", line)
    if re.search(r"\S {2,}\S", outside) and not re.search(r"[,;] {2,}", outside):
        return SPACES
    first = re.search(r"[,;]", outside)
    return first.group() if first else ","


def from_header(
    source: Source,
    names: Sequence[str],
    rows: list[list[str]],
    given: GivenColumns,
    known: Known | None = None,
    delimiter: str = ",",
    begin: Start = FIRST_LINE,
) -> Dialect:
    """The layout of a table whose columns have names, with cells of some of its rows.

    Raises:
        LabelFileError: see `detect_dialect`.
        OptionError: see `detect_dialect`.
    """
    while names and not names[-1]:
        names = names[:-1]
    written, names = names, [name.casefold() for name in names]
    shown = ", ".join(names)
    if (
        find_column(names, "clip", "video") is None
        and {"mid", "label_id"} & set(names)
        and not given
    ):
        raise LabelFileError(
            f"{source.path}: a list of classes, not labels of clips (columns {shown}); "
            f"a vocabulary is given with --vocabulary"
        )
    columns = assign_roles(str(source.path), written, rows, given, known)
    clip = columns["video"] if columns["clip"] is None else columns["clip"]
    file_clip = "" if clip is not None else _file_clip(source, columns, rows)
    if clip is None and not file_clip:
        raise LabelFileError(
            f"{source.path}: no column of clips; columns are {shown}; name it clip_id "
            f"(known: {known_names('clip', 'video')}), or give it: --columns clip=NAME"
        )
    _refuse_lists(source, columns)
    if columns.classes:
        _refuse_odd_table(source, columns)
    roles = ("labels", "numbered_label", "label")
    found = (columns.roles.get(role) for role in roles)
    labels = next(filter(None, found), columns.roles.get("class", ())[:1])
    if not labels:
        raise LabelFileError(
            f"{source.path}: no column of labels; columns are {shown}; name it labels "
            f"(known: {known_names('labels', 'label')}), or give it: --columns labels=NAME"
            f"{class_hint(columns, rows)}"
        )
    start, end, lasting = columns["start"], columns["end"], columns["duration"]
    first, last = rows[0] if rows else [], (len(names) - 1,)
    texts = [first[i] for i in labels if i < len(first)]
    in_video, one_label = clip is not None and clip == columns["video"], "label" in columns.roles
    clips = [file_clip] if clip is None else _cells(rows, clip)
    if clip is not None and "clip" not in as_columns(given) and len({*clips}) > 1:
        _refuse_sequence(source, columns, names[clip])
    of_video = in_video or mostly_videos(clips)
    return Dialect(
        columns=columns,
        delimiter=delimiter,
        clip=clip,
        labels=labels,
        start=start,
        end=lasting if end is None else end,
        lasting=end is None and lasting is not None,
        clip_length=columns["clip_length"],
        width=len(names) if columns.classes or labels != last or delimiter == "\t" else None,
        one_label=one_label,
        numbers=all(re.fullmatch(r"(\d+(;\d+)*)?", text) for text in texts),
        video_ids=clip is not None and in_video and names[clip] in VIDEO_IDS,
        of_video=of_video,
        folders=not of_video and _have_folders(clips),
        places=in_video,
        begin=begin,
        file_clip=file_clip,
        unused=columns.unused,
        wide=columns.classes,
        annotated=first[where] if (where := columns["annotated_for"]) is not None and first else "",
    )


def _refuse_lists(source: Source, columns: Columns) -> None:
    """Refuse columns that list labels, or their values, of a table without rows of labels of clips.

    Raises:
        LabelFileError: there is one, or two columns of values.
    """
    listed = [columns.names[i] for role in LISTS for i in columns.roles.get(role, ())]
    if listed and "labels" not in columns.roles:
        raise LabelFileError(
            f"{source.path}: column {listed[0]} lists labels of a clip, which needs a column of "
            f"labels in one row per clip: --columns labels=NAME (columns=…). If it holds something "
            f"else, use --columns ignored={listed[0]}"
        )
    if "label_values" in columns.roles and "value" in columns.roles:
        name = columns.names[columns.roles["value"][0]]
        raise LabelFileError(
            f"{source.path}: columns {listed[0]} and {name} both hold values; leave one of them "
            f"out with --columns ignored={name} (columns=…)"
        )


def _refuse_odd_table(source: Source, columns: Columns) -> None:
    """Refuse a table of one column per class that holds more than the classes of clips.

    Raises:
        LabelFileError: it has events, or columns that change what its cells mean.
    """
    names, roles = columns.names, columns.roles
    what = f"{source.path}: a table of one column per class, such as {columns.classes[0]},"
    if "clip" in roles and roles.keys() & {"start", "end"}:
        raise LabelFileError(
            f"{what} with times; as labels of clips it is read with --columns "
            f"{','.join(f'ignored={names[i]}' for r in ('start', 'end') for i in roles.get(r, ()))}"
            f" (columns=…); events need one row per event: clip, onset, offset, label"
        )
    for role in ("presence", "value", "vote"):
        for i in roles.get(role, ()):
            raise LabelFileError(
                f"{what} whose cells hold presence and values; what is column {names[i]} for? If "
                f"it is a class, use --columns class={names[i]} with all others, else --columns "
                f"ignored={names[i]} (columns=…)"
            )
    twice = [name for name in columns.classes if columns.classes.count(name) > 1]
    if twice:
        raise LabelFileError(f"{source.path}: several columns of the class {twice[0]}; rename one")


def _file_clip(source: Source, columns: Columns, rows: list[list[str]]) -> str:
    """The clip that a file of events is named after, unless a column may have it; then empty."""
    roles = columns.roles
    if not ("label" in roles and "start" in roles and roles.keys() & {"end", "duration"}):
        return ""
    taken = {i for positions in roles.values() for i in positions}
    others = [i for i, name in enumerate(columns.names) if name and i not in taken]
    if SELECTION_TABLE in columns.names:  # which people add columns to
        others = [i for i in others if any(EXTENSION.search(cell) for cell in _cells(rows, i))]
    return "" if others else clip_of_file(source.path)


def _cells(rows: list[list[str]], position: int) -> list[str]:
    return [row[position] for row in rows if position < len(row)]


def _refuse_sequence(source: Source, columns: Columns, clip: str) -> None:
    """Refuse a selection table of several files whose times may go on from file to file.

    Raises:
        LabelFileError: it is one.
    """
    if SELECTION_TABLE in columns.names and "file_offset" not in columns.roles:
        raise LabelFileError(
            f"{source.path}: selections in several files, whose times Raven counts from the first "
            f"one. Save the table with the column File Offset (s) too; if times count from the "
            f"beginning of each file, use --columns 'clip={clip}' (columns=…)"
        )


def _from_shape(
    source: Source, rows: list[list[str]], delimiter: str, ontology: Ontology, begin: Start
) -> Dialect:
    cells = rows[0]
    scene = len(cells) == 5 and _are_numbers(cells[2:4])  # DCASE: file, scene, onset, offset, event
    times = scene or (len(cells) > 2 and _are_numbers(cells[1:3]))
    if times and len(cells) == 3:
        raise LabelFileError(
            f"{source.path}: no column of labels; the first row holds only {', '.join(cells)}"
        )
    last = [row[-1].casefold() for row in rows]
    units = bool(cells[-1]) and all(map(UNIT.fullmatch, last))
    if delimiter == "\t" and _are_numbers(cells[:2]) and not times:
        if len(cells) == 3:  # as Audacity's
            return _of_labels_track(source, begin, NO_COLUMNS)
        values = [cell for cell in last if cell not in MISSING]
        valued = values and all(map(UNIT.fullmatch, values))
        if len(cells) == 4 and valued:  # as MAESTRO's
            roles = MappingProxyType({"value": (3,)})
            return _of_labels_track(source, begin, Columns(VALUED, roles, ()))
    named_file = bool(EXTENSION.search(cells[0]))
    classes = cells[0] == "label_id" or any(cell in ontology for cell in cells[:3])
    if classes and not times and not named_file:
        raise LabelFileError(
            f"{source.path}: a list of classes, not labels of clips (first row "
            f"{', '.join(cells)}); a vocabulary is given with --vocabulary"
        )
    most = 5 if scene else 4 if times else 2
    if len(cells) > most and units:
        raise LabelFileError(
            f"{source.path}: the last column looks like scores from 0 to 1 ({cells[-1]}), which "
            f"are not labels. Give the file a header, for instance clip_id,label,confidence, and "
            f"leave out the rows that are too unsure, or the column with --columns "
            f"ignored=confidence"
        )
    video = bool(SPREADSHEET_ERROR.fullmatch(cells[0])) or (
        parse_clip_name(cells[0]).clip_id == cells[0] and len(cells[0]) == 11
    )
    if not (times and (video or named_file)) and not (len(cells) >= 2 and named_file):
        unnamed = [cell for cell in cells if cell.casefold() in HEADER]
        raise LabelFileError(
            f"{source.path}: no column of clips; columns are {', '.join(cells)}; name it "
            f"clip_id (known: {known_names('clip', 'video')}), or give it: --columns clip=NAME"
            if unnamed
            else f"{source.path}: not a label file in a known format; the first row is "
            f"{delimiter.join(cells)[:120]!r}. Give it a header, for instance 'clip_id,labels'"
        )
    clips = [row[0] for row in rows]
    of_video = not named_file or mostly_videos(clips)
    start = 2 if scene else 1 if times else None
    labels = 1 if start is None else start + 2
    return Dialect(
        delimiter=delimiter,
        clip=0,
        labels=(labels,),
        width=labels + 1 if delimiter == "\t" else None,
        one_label=times and named_file,
        video_ids=times and not named_file,
        of_video=of_video,
        folders=not of_video and _have_folders(clips),
        places=not named_file,
        begin=begin,
        start=start,
        end=None if start is None else start + 1,
        unused=("scene",) if scene else (),
    )


def _of_labels_track(source: Source, begin: Start, columns: Columns) -> Dialect:
    """The layout of rows of onset, offset, label and, if `columns` has it, a value.

    The file is named after the clip.
    """
    file_clip = clip_of_file(source.path)
    return Dialect(
        columns=columns,
        delimiter="\t",
        clip=None,
        labels=(2,),
        width=len(columns.names) or 3,
        one_label=True,
        video_ids=False,
        of_video=mostly_videos([file_clip]),
        folders=_have_folders([file_clip]),
        places=False,
        begin=begin,
        start=0,
        end=1,
        file_clip=file_clip,
        unused=(FREQUENCIES,) if b"\n\\\t" in source.head else (),
    )


def _are_numbers(cells: list[str]) -> bool:
    return all(map(NUMBER.fullmatch, cells))


def _have_folders(names: list[str]) -> bool:
    return any("/" in name or "\\" in name for name in names)

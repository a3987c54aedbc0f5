"""A list of clips: a column named for clips, or the first cell of each line."""

import csv
from pathlib import Path

from audiolabels.errors import LabelFileError
from audiolabels.readers.columns import find_column
from audiolabels.readers.opening import open_source


def read_clip_names(path: str | Path) -> list[str]:
    """The clips that a text file lists, each once, in its order.

    A table, CSV or TSV, has a column with one of the names that label files have for clips
    (`clip_id`, `filename`, …); otherwise the first cell of each line is a clip. Lines that begin
    with `#` do not count.

    Raises:
        LabelFileError: no such file, no text, or no clip in it.
    """
    with open_source(path) as source:
        if source.container != "text":
            raise LabelFileError(f"{path}: {source.container}, not a text file with a clip on each "
                                 f"line")  # fmt: skip
        text = source.stream.read().decode("utf-8-sig", "replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    rows = [[c.strip() for c in row] for row in csv.reader(lines, delimiter=delimiter)]
    head = [cell.casefold() for cell in rows[0]] if rows else []
    name = find_column(head, "clip", "video")
    column = head.index(name) if name else 0
    names = [row[column] for row in rows[bool(name) :] if len(row) > column and row[column]]
    if not names:
        raise LabelFileError(f"{path}: no clip in it; expected one on each line, or a column such "
                             f"as clip_id")  # fmt: skip
    return list(dict.fromkeys(names))

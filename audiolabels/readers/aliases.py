"""Aliases: names of classes of one's own, from a mapping or a file of label and class."""

import csv
from collections.abc import Mapping
from pathlib import Path

from audiolabels.errors import LabelFileError, expect, guarded
from audiolabels.files.remote import to_path

HEADER = ("label", "class")


def as_aliases(aliases: Mapping[str, str] | str | Path | None) -> dict[str, str]:
    """Label to class, which is an id or a name.

    Raises:
        LabelFileError: a file that cannot be read, or has a row without label and class or a label
            with two classes.
        InputTypeError: neither a mapping nor a path.
    """
    expect("aliases", aliases, Mapping | str | Path | None, "a mapping or the path of a file")
    if aliases is None or isinstance(aliases, Mapping):
        return dict(aliases or {})
    with guarded(aliases, LabelFileError, "cannot be read"):
        text = to_path(aliases).read_text("utf-8-sig")
        delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
        rows = list(csv.reader(text.splitlines(), delimiter=delimiter))
    found: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        cells = tuple(cell.strip() for cell in row)
        if not any(cells) or (number == 1 and cells[:2] == HEADER):
            continue
        if len(cells) < 2 or not all(cells[:2]) or found.setdefault(*cells[:2]) != cells[1]:
            raise LabelFileError(
                f"{aliases}: row {number:,} is not a label and its one class: {row}; the columns "
                f"are {', '.join(HEADER)}"
            )
    return found

"""Label members of webdataset's shards: a tar with `<key>.json` next to the audio of a sample.

A member is an object, in which a field has the labels, as text joined by `;` or as a list. As in
webdataset, a key ends at the first dot after the last slash; so `a_1.5.json` is no label member.
"""

import json
import tarfile
from typing import Any

from audiolabels.errors import LabelFileError
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.entries import Entries
from audiolabels.readers.annotations.json_fields import of_kind
from audiolabels.readers.columns import find_column
from audiolabels.readers.opening import Source

KEY = "__key__"  # as webdataset calls it
LABEL = ("a text", "a number", "null")
NO_MEMBER = "no label member, since its key ends at the first dot:"


def webdataset_entries(source: Source) -> Entries:
    """A row for each label member, with all fields; the archive is read once, audio included.

    Raises:
        LabelFileError: the labels of a member are something else, or lists in some members alone.
    """
    rows, numbers, findings = list[dict[str, Any]](), [], []
    with tarfile.open(fileobj=source.stream, mode="r|") as archive:
        found = ((m, archive.extractfile(m)) for m in archive if m.name.endswith(".json"))
        for number, (member, file) in enumerate(found, 1):
            key, _, extension = _split(member.name)
            content = _parsed(file.read()) if file else None
            if extension == "json" and isinstance(content, dict):
                rows.append({KEY: key, **content})
                numbers.append(number)
            else:
                fault = "no JSON object" if extension == "json" else f"{NO_MEMBER} {key}"
                findings.append(Finding(source.name, number, member.name, "row unused", fault))
    names = {name.casefold(): name for row in rows for name in row}
    labels = find_column([*names], "labels", "label")
    if labels is not None:
        name = names[labels]
        for row in rows:
            row[name] = _as_texts(row.get(name), f"{name} of {row[KEY]}.json")
        if len({isinstance(row[name], list) for row in rows if row[name] is not None}) > 1:
            raise LabelFileError(f"{name} is a list in some members, a text in others")
    roles = {"clip": KEY, **({} if labels is None else {"labels": labels})}
    return Entries(rows, numbers, findings, roles=roles)


def _as_texts(cell: Any, place: str) -> Any:
    """A text, or a list of texts, of which each may be null."""
    if isinstance(cell, list):
        return [_as_texts(of_kind(own, f"an entry of {place}", *LABEL), place) for own in cell]
    return None if of_kind(cell, place, *LABEL, "a list") is None else str(cell)


def _split(name: str) -> tuple[str, str, str]:
    """Key, dot and extension of a member."""
    folder, slash, file = name.rpartition("/")
    key, dot, extension = file.partition(".")
    return f"{folder}{slash}{key}", dot, extension


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None

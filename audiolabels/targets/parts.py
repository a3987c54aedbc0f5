"""Folders of parts: targets in several Parquet files, and an index that names them.

The index, `_audiolabels.json`, is a JSON object with the metadata of a targets file, of all rows
together, and `parts`: name, rows and SHA-256 of each file, in the order of rows. Each part is a
targets file of its own, whose metadata lack only what is known at the end: sources and counts. A
folder without an index was not finished.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from audiolabels.errors import TargetsFileError, guarded, shortlist
from audiolabels.files import parse_json, write_rows

INDEX = "_audiolabels.json"
UNFINISHED = "_unfinished.json"  # in a folder until its index is written


class Part(NamedTuple):
    """A file of a folder of targets."""

    name: str
    rows: int
    sha256: str


def is_folder(path: Path) -> bool:
    """Whether targets at a path are a folder of parts."""
    with suppress(OSError, ValueError):  # a name that no file can have: opening it raises the error
        return path.is_dir()
    return False


def identifying_file(path: Path) -> Path:
    """The file that changes whenever targets change: they themselves, or the index of a folder."""
    return path / INDEX if is_folder(path) else path


def files_of(path: Path) -> list[Path]:
    """The files of targets, in the order of rows: of a folder its parts.

    Raises:
        TargetsFileError: see `read_index`.
    """
    return [path / part.name for part in read_index(path)[1]] if is_folder(path) else [path]


def write_index(folder: Path, facts: Mapping[str, Any], parts: Sequence[Part]) -> None:
    """Write the index of a folder, which finishes it."""
    whole = {**facts, "rows": sum(p.rows for p in parts), "parts": [p._asdict() for p in parts]}
    write_rows(folder / INDEX, [json.dumps(whole, ensure_ascii=False, sort_keys=True)])


def read_index(folder: Path) -> tuple[dict[str, Any], list[Part]]:
    """The metadata of a folder of parts, and its parts.

    Raises:
        TargetsFileError: no index, a broken one, or a Parquet file that it does not name.
    """
    path = folder / INDEX
    if not path.exists():
        remedy = "it holds no targets: name a file, or a folder that 'audiolabels expand' made"
        if (folder / UNFINISHED).exists():
            remedy = "the run that made it was interrupted; run the same command again to go on"
        raise TargetsFileError(f"{folder}: no {INDEX}; {remedy}")
    with guarded(path, TargetsFileError, "broken metadata"):
        facts = parse_json(path.read_bytes())
        parts = [Part(str(p["name"]), int(p["rows"]), str(p["sha256"])) for p in facts["parts"]]
        if any(Path(part.name).name != part.name for part in parts):
            raise ValueError("a part is not in the folder")
    others = {file.name for file in folder.glob("*.parquet")} - {part.name for part in parts}
    if others:
        raise TargetsFileError(
            f"{folder}: files that {INDEX} does not name: {shortlist(sorted(others))}; move them "
            f"elsewhere"
        )
    return facts, parts

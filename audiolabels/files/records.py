"""What a folder holds, recorded in a JSON file in it, so that nothing else is put there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiolabels.errors import RunError, guarded
from audiolabels.files import parse_json


def read_record(path: Path) -> dict[str, Any]:
    """The JSON object of a folder's record; empty if there is no such file.

    Raises:
        RunError: it is something else.
    """
    if not path.exists():
        return {}
    with guarded(path, RunError, "cannot be read"):
        record: dict[str, Any] = dict(parse_json(path.read_bytes()))
    return record


def refuse_other(
    folder: Path, kind: str, there: Mapping[str, Any], asked: Mapping[str, Any]
) -> None:
    """Check that a folder's record is the one asked for, whatever version of the library wrote it.

    Raises:
        RunError: it is not; the message names the keys that differ.
    """
    asked = json.loads(json.dumps(asked))
    differ = []
    for key in sorted((there.keys() | asked.keys()) - {"audiolabels"}):
        one, other, inner = there.get(key), asked.get(key), ""
        if isinstance(one, dict) and isinstance(other, dict):
            keys = sorted(k for k in {**one, **other} if one.get(k) != other.get(k))
            inner = f" ({', '.join(keys)})"
        if one != other:
            differ.append(key + inner)
    if differ:
        raise RunError(f"{folder} holds {kind} with other {', '.join(differ)}; choose another "
                       f"folder, or delete it")  # fmt: skip

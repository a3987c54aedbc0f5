"""Fields of JSON, with values of the kinds that a form has there."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from audiolabels.errors import LabelFileError, guarded

KINDS: Mapping[str, type | tuple[type, ...]] = MappingProxyType(
    {
        "null": type(None),
        "true or false": bool,  # before a number, which it is in Python
        "a number": (int, float),
        "a text": str,
        "a list": list,
        "an object": dict,
    }
)
SHOWN = 60  # characters of a value


def kind_of(value: Any) -> str:
    """The key of `KINDS` for a value."""
    return next(name for name, types in KINDS.items() if isinstance(value, types))


def of_kind(value: Any, place: str, *kinds: str) -> Any:
    """The value.

    Raises:
        LabelFileError: it is of none of the kinds; the message names the place.
    """
    if kind_of(value) not in kinds:
        raise LabelFileError(
            f"{place} is {json.dumps(value, ensure_ascii=False)[:SHOWN]}; expected "
            f"{' or '.join(kinds)}"
        )
    return value


def take(entry: Any, name: str, place: str, *kinds: str) -> Any:
    """The value of a field of an object; None if it is missing and may be null.

    Raises:
        LabelFileError: the entry is no object, or the field is missing or of none of the kinds.
    """
    of_kind(entry, place, "an object")
    if name not in entry and "null" not in kinds:
        raise LabelFileError(f"{name} of {place} is missing; expected {' or '.join(kinds)}")
    return of_kind(entry.get(name), f"{name} of {place}", *kinds)


def check_lines(content: bytes) -> None:
    """Find the first line that makes JSON lines no table.

    Raises:
        LabelFileError: a line is no object, or a field is of another kind than in earlier lines.
    """
    first: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8-sig").split("\n"), 1):
        if not line.strip():
            continue
        with guarded(f"line {number}", LabelFileError, "not valid JSON"):
            entry = json.loads(line)
        for name, value in of_kind(entry, f"line {number}", "an object").items():
            inside = value if isinstance(value, list) else ()
            for what, each in ((name, value), *((f"an entry of {name}", own) for own in inside)):
                kind = kind_of(each)
                if kind != "null" and (earlier := first.setdefault(what, kind)) != kind:
                    raise LabelFileError(
                        f"line {number}: {what} is {kind}; before, it is {earlier}"
                    )

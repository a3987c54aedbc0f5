"""Label Studio's JSON export: a list of tasks, each of one audio file.

Labelled regions are events; without any in the file, choices are labels of clips. Source: the
format of results at https://labelstud.io/guide/export.
"""

import re
from typing import Any

from audiolabels.errors import LabelFileError, shortlist
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.entries import Entries, load_json
from audiolabels.readers.annotations.json_fields import of_kind, take
from audiolabels.readers.columns import find_column
from audiolabels.readers.opening import Source


def is_label_studio(head: bytes) -> bool:
    """Whether a JSON file begins like an export of tasks."""
    return bool(re.match(rb"[\xef\xbb\xbf\s]*\[\s*\{", head)) and (
        b'"annotations"' in head and b'"data"' in head
    )


def label_studio_entries(source: Source) -> Entries:
    """The regions of all tasks, or their choices; tasks that nobody did are findings.

    Raises:
        LabelFileError: a task has no audio file, or a field is none of Label Studio's.
    """
    regions: list[tuple[int, dict[str, Any]]] = []
    choices: list[tuple[int, dict[str, Any]]] = []
    empty: list[tuple[int, dict[str, Any]]] = []
    findings: list[Finding] = []
    unused: dict[str, None] = {}
    for number, task in enumerate(of_kind(load_json(source), "the file", "a list"), 1):
        place = f"task {number}"
        name = _audio(source, number, take(task, "data", place, "an object"))
        given = {
            f"annotation {i} of {place}": each
            for i, each in enumerate(take(task, "annotations", place, "a list"), 1)
        }
        done = {
            where: each
            for where, each in given.items()
            if not of_kind(each, where, "an object").get("was_cancelled")
        }
        if not done:
            reason = "skipped by the annotator" if given else "not annotated yet"
            findings.append(Finding(source.name, number, name, "row unused", reason))
        for where, annotation in done.items():
            clip = {"clip": name, "rater": None}
            if len(done) > 1:
                clip["rater"] = f"annotation {take(annotation, 'id', where, 'a number', 'a text')}"
            before = len(regions), len(choices)
            for result in take(annotation, "result", where, "a list"):
                inside = f"a result of {where}"
                kind = take(result, "type", inside, "a text")
                value = take(result, "value", inside, "an object", "null") or {}
                length = {
                    "clip_length": take(result, "original_length", inside, "a number", "null")
                }
                if kind == "labels" and "start" in value:
                    onset, offset = (take(value, n, inside, "a number") for n in ("start", "end"))
                    times = {"onset": onset, "offset": offset}
                    labels = _labels(value, "labels", inside) or [None]
                    regions += [(number, {**clip, **times, "label": a, **length}) for a in labels]
                elif kind == "choices" and "start" not in value:
                    labels = _labels(value, "choices", inside)
                    choices += [(number, {**clip, "label": label}) for label in labels]
                else:
                    unused[kind] = None
            if before[0] == len(regions):
                empty.append((number, {**clip, "label": None}))
    if regions:
        unused |= {"choices of clips": None} if choices else {}
        found = sorted([*regions, *empty], key=lambda row: row[0])
    else:
        tagged = {number for number, _ in choices}
        rest = (row for row in empty if row[0] not in tagged)
        found = sorted([*choices, *rest], key=lambda row: row[0])
    numbers, rows = [number for number, _ in found], [row for _, row in found]
    return Entries(rows, numbers, findings, tuple(unused))


def _labels(value: Any, name: str, place: str) -> list[Any]:
    labels = take(value, name, place, "a list")
    return [of_kind(label, f"{name} of {place}", "a text", "null") for label in labels]


def _audio(source: Source, number: int, data: Any) -> str:
    """The audio file of a task."""
    names = {name.casefold(): name for name in data}
    column = find_column([*names], "clip", "video")
    if column is None:
        raise LabelFileError(
            f"{source.path}: task {number} has no audio file in data; its fields are "
            f"{shortlist(names) or 'none'}; name it audio"
        )
    return str(take(data, names[column], f"data of task {number}", "a text"))

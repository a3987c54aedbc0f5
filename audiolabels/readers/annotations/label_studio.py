"""Label Studio's JSON export: a list of tasks, each of one audio file.

Labelled regions are events; without any in the file, choices are labels of clips. Source: the
format of results at https://labelstud.io/guide/export.
"""

import re
from typing import Any

from audiolabels.errors import LabelFileError, shortlist
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.entries import Entries, load_json
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
        LabelFileError: a task has no audio file, or labels that are no list.
    """
    regions: list[tuple[int, dict[str, Any]]] = []
    choices: list[tuple[int, dict[str, Any]]] = []
    empty: list[tuple[int, dict[str, Any]]] = []
    findings: list[Finding] = []
    unused: dict[str, None] = {}
    for number, task in enumerate(load_json(source), 1):
        name = _audio(source, number, task["data"])
        done = [each for each in task["annotations"] if not each.get("was_cancelled")]
        if not done:
            reason = "skipped by the annotator" if task["annotations"] else "not annotated yet"
            findings.append(Finding(source.name, number, name, "row unused", reason))
        for annotation in done:
            clip = {"clip": name}
            if len(done) > 1:
                clip["rater"] = f"annotation {annotation['id']}"
            before = len(regions), len(choices)
            for result in annotation["result"]:
                kind, value = result["type"], result.get("value", {})
                length = {"clip_length": result.get("original_length")}
                if kind == "labels" and "start" in value:
                    times = {"onset": value["start"], "offset": value["end"]}
                    labels = _labels(source, number, value["labels"]) or [None]
                    regions += [(number, {**clip, **times, "label": a, **length}) for a in labels]
                elif kind == "choices" and "start" not in value:
                    labels = _labels(source, number, value["choices"])
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


def _labels(source: Source, number: int, labels: Any) -> list[Any]:
    if not isinstance(labels, list):
        raise LabelFileError(f"{source.path}: the labels of task {number} are no list: {labels!r}")
    return labels


def _audio(source: Source, number: int, data: Any) -> str:
    """The audio file of a task."""
    names = {name.casefold(): name for name in data}
    column = find_column([*names], "clip", "video")
    if column is None or not isinstance(name := data[names[column]], str):
        raise LabelFileError(
            f"{source.path}: task {number} has no audio file in data; its fields are "
            f"{shortlist(names) or 'none'}; name it audio"
        )
    return name

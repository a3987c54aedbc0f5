"""Lhotse's manifests, JSON lines of supervisions or of cuts, with `audio_event` in `custom`.

`audio_event` has labels joined by `;`: names, ids or, as in icefall's AudioSet recipe, numbers of
columns: those of a `class_labels_indices.csv` in the same folder, else AudioSet's. A cut of a whole
recording is the clip of the recording's file; a cut of a part of one is a clip of its own, called
by the cut's id. Source: lhotse 1.33, `SupervisionSegment` and
`MonoCut`.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from audiolabels.errors import LabelFileError, guarded
from audiolabels.labels.report import Finding
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.readers.annotations.entries import Entries
from audiolabels.readers.annotations.json_fields import of_kind, take
from audiolabels.readers.columns import STATES_COLUMN
from audiolabels.readers.opening import Source

READ = frozenset("id recording_id start duration channel custom".split())
EVENT, MASKED = "audio_event", "masked"  # which the exporter of this format writes
NUMBER = "a number"


def is_lhotse(head: bytes) -> bool:
    """Whether the first line is a cut or a supervision."""
    try:
        entry = json.loads(head.split(b"\n", 1)[0].decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and (
        {"id", "supervisions"} <= entry.keys() or {"id", "recording_id", "start"} <= entry.keys()
    )


def lhotse_entries(source: Source) -> Entries:
    """The labels of all supervisions; lines without are findings.

    Raises:
        LabelFileError: a line or a field is none of Lhotse's.
    """
    rows, numbers, findings, unused = [], [], list[Finding](), dict[str, None]()
    lines = source.stream.read().decode("utf-8-sig").split("\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            place = f"line {number}"
            with guarded(place, LabelFileError, "not valid JSON"):
                entry = json.loads(line)
            labels = 0
            for row, other in _labels(entry, place):
                unused |= dict.fromkeys(other)
                rows.append(row)
                numbers.append(number)
                labels += 1
            if not labels:
                kind = f"{entry.get('type', '')} without {EVENT} of its own".strip()
                name = str(take(entry, "id", place, "a text", "a number"))
                findings.append(Finding(source.name, number, name, "row unused", kind))
    if any(STATES_COLUMN in row for row in rows):
        rows = [{STATES_COLUMN: "present", **row} for row in rows]
    if all(str(row["label"] or 0).isdecimal() for row in rows):
        ids = _column_ids(source.path.with_name("class_labels_indices.csv"))
        rows = [{**row, "label": ids.get(row["label"], row["label"])} for row in rows]
    return Entries(rows, numbers, findings, tuple(unused))


def _column_ids(path: Path) -> dict[str, str]:
    """Ids of classes by column number."""
    if not path.exists():
        return {str(i): id_ for i, id_ in enumerate(load_vocabulary("audioset").ids)}
    with guarded(path, LabelFileError, "not a list of columns: index, mid"), path.open() as file:
        return {row["index"]: row["mid"] for row in csv.DictReader(file)}


def _labels(entry: Mapping[str, Any], line: str) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """A row for each label of a cut or supervision, and what else is known of it."""
    clip, length = take(entry, "recording_id", line, "a text", "null"), {}
    supervisions = {line: entry}
    if "supervisions" in entry:
        clip, length = _clip(entry, line), {"clip_length": take(entry, "duration", line, NUMBER)}
        listed = take(entry, "supervisions", line, "a list")
        supervisions = {f"supervision {n} of {line}": own for n, own in enumerate(listed, 1)}
    for place, supervision in supervisions.items():
        custom = take(supervision, "custom", place, "an object", "null") or {}
        if EVENT in custom:
            onset = take(supervision, "start", place, NUMBER)
            times = {"onset": onset, "offset": onset + take(supervision, "duration", place, NUMBER)}
            facts = {**custom, **{k: v for k, v in supervision.items() if k not in READ}}
            unsure = [custom[MASKED]] if isinstance(custom.get(MASKED), str) else []
            read = (EVENT, MASKED) if unsure else (EVENT,)
            other = [n for n, value in facts.items() if n not in read and value is not None]
            given = custom[EVENT] if isinstance(custom[EVENT], list) else [custom[EVENT]]
            for each in given:
                of_kind(each, f"{EVENT} of {place}", "a text", NUMBER, "null")
            labels, masked = (";".join(map(str, texts)).split(";") for texts in (given, unsure))
            open_: list[dict[str, str | None]]
            open_ = [{"label": label, STATES_COLUMN: "unsure"} for label in masked if label.strip()]
            named = any(map(str.strip, labels)) or not open_
            rows = [{"label": label.strip() or None} for label in labels] if named else []
            for own in (*rows, *open_):
                yield {"clip": clip, **times, **length, **own}, other


def _clip(cut: Mapping[str, Any], line: str) -> str:
    recording, place = (
        take(cut, "recording", line, "an object", "null") or {},
        f"recording of {line}",
    )
    length = take(recording, "duration", place, NUMBER, "null") or 0
    whole = take(cut, "start", line, NUMBER) == 0
    if not whole or abs(take(cut, "duration", line, NUMBER) - length) >= 1e-3:
        return str(take(cut, "id", line, "a text", NUMBER))
    for source in take(recording, "sources", place, "a list", "null") or ():
        if take(source, "type", f"a source of {place}", "a text") == "file":
            return str(take(source, "source", f"a source of {place}", "a text"))
    return str(take(recording, "id", place, "a text", NUMBER))

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
from audiolabels.readers.opening import Source

READ = frozenset("id recording_id start duration channel custom".split())
EVENT = "audio_event"


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
    """The labels of all supervisions; lines without are findings."""
    rows, numbers, findings, unused = [], [], list[Finding](), dict[str, None]()
    lines = source.stream.read().decode("utf-8-sig").split("\n")
    for number, line in enumerate(lines, 1):
        if line.strip():
            entry = json.loads(line)
            labels = 0
            for row, other in _labels(entry):
                unused |= dict.fromkeys(other)
                rows.append(row)
                numbers.append(number)
                labels += 1
            if not labels:
                kind = f"{entry.get('type', '')} without {EVENT} of its own".strip()
                findings.append(Finding(source.name, number, entry["id"], "row unused", kind))
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


def _labels(entry: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """A row for each label of a cut or supervision, and what else is known of it."""
    clip, length = entry.get("recording_id"), {}
    if "supervisions" in entry:
        clip, length = _clip(entry), {"clip_length": entry["duration"]}
    for supervision in entry.get("supervisions", (entry,)):
        custom = supervision.get("custom") or {}
        if EVENT in custom:
            onset = supervision["start"]
            times = {"onset": onset, "offset": onset + supervision["duration"]}
            facts = {**custom, **{k: v for k, v in supervision.items() if k not in READ}}
            other = [name for name, value in facts.items() if name != EVENT and value is not None]
            given = custom[EVENT] if isinstance(custom[EVENT], list) else [custom[EVENT]]
            for label in ";".join(map(str, given)).split(";"):
                yield {"clip": clip, **times, "label": label.strip() or None, **length}, other


def _clip(cut: Mapping[str, Any]) -> str:
    recording = cut.get("recording") or {}
    whole = cut["start"] == 0 and abs(cut["duration"] - recording.get("duration", 0)) < 1e-3
    sources = [each["source"] for each in recording.get("sources", ()) if each["type"] == "file"]
    return str([*sources, recording["id"]][0] if whole else cut["id"])

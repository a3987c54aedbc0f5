"""JAMS, as Scaper and others write it: annotations of the one audio file that it is called after.

A scene's background counts as an event of the whole clip, as in the file. Source: the JAMS schema,
https://jams.readthedocs.io; Scaper's namespace `scaper`, before that `sound_event`.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from audiolabels.errors import LabelFileError, shortlist
from audiolabels.readers.annotations.entries import Entries, load_json
from audiolabels.readers.annotations.json_fields import take
from audiolabels.readers.opening import Source

LABELS = re.compile(r"scaper|sound_event|segment_open|tag_\w+")  # the namespaces that are read


def is_jams(head: bytes) -> bool:
    """Whether a JSON file begins like JAMS."""
    return bool(re.match(rb'[\xef\xbb\xbf\s]*\{\s*"(annotations|file_metadata|sandbox)"', head))


def jams_entries(source: Source) -> Entries:
    """The observations of events and tags; without any, the clip is verified empty.

    Raises:
        LabelFileError: no annotation is of events or tags, or a field is none of JAMS.
    """
    content = load_json(source)
    metadata = take(content, "file_metadata", "the file", "an object")
    length = take(metadata, "duration", "file_metadata", "a number", "null") or None
    annotations = {
        f"annotation {number}": annotation
        for number, annotation in enumerate(take(content, "annotations", "the file", "a list"), 1)
    }
    namespaces = Counter(
        take(own, "namespace", where, "a text") for where, own in annotations.items()
    )
    read = [name for name in namespaces if LABELS.fullmatch(name)]
    if not read:
        raise LabelFileError(
            f"{source.path}: JAMS without events or tags; namespaces are "
            f"{shortlist(namespaces) or 'none'}"
        )
    unused = {f"namespace {name}": None for name in namespaces if name not in read}
    rows = []
    for where, annotation in annotations.items():
        if annotation["namespace"] in read:
            rater = None if namespaces[annotation["namespace"]] == 1 else where
            for number, observation in enumerate(_observations(annotation, where), 1):
                place = f"observation {number} of {where}"
                onset = take(observation, "time", place, "a number")
                offset = onset + take(observation, "duration", place, "a number")
                value = observation.get("value")
                facts = value if isinstance(value, Mapping) else {"label": value}
                unused |= dict.fromkeys(name for name in facts if name != "label")
                label = take(facts, "label", f"the value of {place}", "a text", "null")
                sure = take(observation, "confidence", place, "a number", "null")
                confidence = {} if sure is None else {"confidence": sure}
                rows.append(
                    {"onset": onset, "offset": offset, "label": label, **confidence, "rater": rater}
                )
    rows = rows or [dict.fromkeys(("onset", "offset", "label"))]
    return Entries([{**row, "clip_length": length} for row in rows], unused=tuple(unused))


def _observations(annotation: Any, where: str) -> list[Any]:
    """Observations, which older versions of JAMS write as a list of each field."""
    data = take(annotation, "data", where, "a list", "an object")
    if isinstance(data, list):
        return data
    columns = [take(data, name, f"data of {where}", "a list") for name in data]
    if len({len(cells) for cells in columns}) > 1:
        raise LabelFileError(f"data of {where} has lists of different lengths")
    return [dict(zip(data, cells, strict=True)) for cells in zip(*columns, strict=True)]

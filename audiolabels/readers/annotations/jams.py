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
from audiolabels.readers.opening import Source

LABELS = re.compile(r"scaper|sound_event|segment_open|tag_\w+")  # the namespaces that are read


def is_jams(head: bytes) -> bool:
    """Whether a JSON file begins like JAMS."""
    return bool(re.match(rb'[\xef\xbb\xbf\s]*\{\s*"(annotations|file_metadata|sandbox)"', head))


def jams_entries(source: Source) -> Entries:
    """The observations of events and tags; without any, the clip is verified empty.

    Raises:
        LabelFileError: no annotation is of events or tags.
    """
    content = load_json(source)
    length = content["file_metadata"]["duration"] or None
    namespaces = Counter(annotation["namespace"] for annotation in content["annotations"])
    read = [name for name in namespaces if LABELS.fullmatch(name)]
    if not read:
        raise LabelFileError(
            f"{source.path}: JAMS without events or tags; namespaces are "
            f"{shortlist(namespaces) or 'none'}"
        )
    unused = {f"namespace {name}": None for name in namespaces if name not in read}
    rows = []
    for number, annotation in enumerate(content["annotations"], 1):
        if annotation["namespace"] in read:
            alone = namespaces[annotation["namespace"]] == 1
            rater = {} if alone else {"rater": f"annotation {number}"}
            for observation in _observations(annotation["data"]):
                value = observation["value"]
                facts = value if isinstance(value, Mapping) else {"label": value}
                unused |= dict.fromkeys(name for name in facts if name != "label")
                onset, lasting = observation["time"], observation["duration"]
                times = {"onset": onset, "offset": onset + lasting}
                sure = observation.get("confidence")
                confidence = {} if sure is None else {"confidence": sure}
                rows.append({**times, "label": facts["label"], **confidence, **rater})
    rows = rows or [dict.fromkeys(("onset", "offset", "label"))]
    return Entries([{**row, "clip_length": length} for row in rows], unused=tuple(unused))


def _observations(data: Any) -> list[Mapping[str, Any]]:
    """Observations, which older versions of JAMS write as a list of each field."""
    if not isinstance(data, Mapping):
        return list(data)
    return [dict(zip(data, cells, strict=True)) for cells in zip(*data.values(), strict=True)]

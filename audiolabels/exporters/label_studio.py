"""Tasks of Label Studio: clips with their labels as predictions, and the labelling configuration.

Format: a JSON list of `{"data": {"audio": address, "clip_id": id, "masked": unknown classes},
"predictions": […]}`, one task per clip, whose prediction chooses the positive classes
(https://labelstud.io/guide/predictions); and `<name>_config.xml`, an `Audio` and a `Choices` with a
`Choice` for each class by its display name. An export of the annotated project has the ids of the
clips, and `read_labels` reads it as labels.

Not possible: frames; and whether a class was not chosen or was unknown before.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np
import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.errors import OptionError
from audiolabels.exporters.clip_selection import (
    Rows,
    Selection,
    are_segments,
    drop_ambiguous,
    name_after,
    name_clips,
    refuse_labels,
)
from audiolabels.exporters.text_columns import whole
from audiolabels.exporters.written_files import Export
from audiolabels.files import write_rows
from audiolabels.targets.targets import Targets

CONTROL = r"[\0-\x1f\x7f]"  # characters that no label of a configuration has


def write_label_studio(
    targets: Targets, path: str | Path, *, audio_url: str = "/data/local-files/?d={clip}.wav"
) -> Export:
    """Write the tasks and `<name>_config.xml`.

    Args:
        targets: N whole clips; those without a known target are tasks too.
        path: of the tasks.
        audio_url: addresses of the audio, see `name_after`; ids are percent-encoded.

    Raises:
        OptionError: rows are frames, an unsuitable `audio_url`, or names of classes that do not
            differ.
    """
    path, export, names = Path(path), Export(), targets.vocabulary.names
    if are_segments(targets):
        raise OptionError(
            "label-studio has one task per clip, and these are frames: give targets of whole clips"
        )
    refuse_labels(names, CONTROL, "Label Studio's configuration")
    address = name_after(audio_url)

    def encoded(clip_id: pa.StringArray, rows: Rows) -> pa.StringArray:
        return address(texts_to_arrow([quote(clip) for clip in clip_id.to_pylist()]), rows)

    clips = drop_ambiguous(name_clips(targets, np.arange(len(targets)), encoded), export)
    write_rows(path, _tasks(clips))
    export.files[path] = len(clips)
    config = path.with_name(f"{path.stem}_config.xml")
    write_rows(config, _configuration(names))
    export.files[config] = len(names)
    return export


def _tasks(clips: Selection) -> Iterator[str]:
    yield "["
    left, ids = len(clips), clips.targets.clip_id
    for part, *states, _ in clips.columns(clips.targets.vocabulary.names, "\0"):
        texts = (whole(cells).to_pylist() for cells in states)
        for row, address, positive, unknown in zip(
            part.rows.tolist(), part.names.to_pylist(), *texts, strict=True
        ):
            left -= 1
            yield f"{_task(ids[row].as_py(), address, positive, unknown)}{',' * (left > 0)}"
    yield "]"


def _task(clip: str, address: str, positive: str, unknown: str) -> str:
    """A task, of classes with a null character between them."""
    data = {"audio": address, "clip_id": clip, "masked": unknown.replace("\0", "; ")}
    choices = {"value": {"choices": positive.split("\0")}}
    result = {"id": "labels", "from_name": "labels", "to_name": "audio", "type": "choices"}
    predictions = [{"model_version": "audiolabels", "result": [{**result, **choices}]}]
    task = {"data": data, "predictions": predictions if positive else []}
    return json.dumps(task, ensure_ascii=False)


def _configuration(names: tuple[str, ...]) -> Iterator[str]:
    yield '<View>\n  <Audio name="audio" value="$audio"/>'
    yield '  <Filter name="filter" toName="labels" minlength="0"/>'
    yield '  <Choices name="labels" toName="audio" choice="multiple" showInline="true">'
    for name in names:
        yield f"    <Choice value={quoteattr(name)}/>"
    yield "  </Choices>\n</View>"

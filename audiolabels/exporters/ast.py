"""The JSON of AST, PSLA, SSAST and AudioMAE, with sampling weights and the list of classes.

Form: `{"data": [{"wav": path, "labels": "/m/a,/m/b"}, …]}`, an entry a clip. Readers look each
label up in `class_labels_indices.csv`, so any vocabulary works that this file lists; of an entry
they take `wav` and `labels` alone. Here each entry has a third key, `masked`: the unknown classes,
joined as `labels` are. `<json name>_weight.csv` holds one number a clip, that of
`sampling_weights(…, "ast")` over the clips that are written.

What it cannot hold: a clip without a positive class, since an empty `labels` names a class that no
list has. Of soft targets the scores stand in a fourth key, `soft`, see `soft`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from audiolabels.errors import OptionError
from audiolabels.exporters.clip_selection import Selection, name_after, select_clips, write_weights
from audiolabels.exporters.soft_columns import soft_header
from audiolabels.exporters.written_files import Export
from audiolabels.files import refuse_other_classes, write_classes, write_rows
from audiolabels.ontology.vocabulary import class_rows
from audiolabels.targets.targets import Targets


def write_ast(targets: Targets, path: str | Path, *, files: str = "{id}.wav") -> Export:
    """Write the JSON, and beside it the weights and `class_labels_indices.csv`.

    Args:
        targets: N whole clips.
        path: ends in `.json`, for AST cuts five characters off to find the weights.
        files: the audio files' paths, see `name_after`.

    Raises:
        OptionError: rows are frames, `path` or `files` do not fit, or another list of classes
            stands beside `path`.
    """
    path = Path(path)
    if path.suffix != ".json":
        raise OptionError(f"{path}: AST finds the weights by the JSON's name: end it in .json")
    export, classes = Export(), class_rows(targets.vocabulary)
    beside = path.with_name("class_labels_indices.csv")
    refuse_other_classes(beside, classes)
    clips = select_clips(targets, "ast", name_after(files), export, empty=False)
    write_rows(path, _entries(clips))
    export.files[path] = len(clips)
    write_weights(clips, path, export)
    export.files[beside] = write_classes(beside, classes)
    return export


def _entries(clips: Selection) -> Iterator[str]:
    yield '{"data": ['
    keys, cells = soft_header(clips.targets), clips.cells(clips.targets.vocabulary.ids, ",")
    for left, (_, name, positive, unknown, soft) in zip(
        range(len(clips) - 1, -1, -1), cells, strict=True
    ):
        entry = {"wav": name, "labels": positive, "masked": unknown}
        entry |= zip(keys, soft, strict=True)
        yield f"{json.dumps(entry, ensure_ascii=False)}{',' if left else ''}"
    yield "]}"

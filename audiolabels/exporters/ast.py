"""The JSON of AST, PSLA, SSAST and AudioMAE, with sampling weights and the list of classes.

Format: `{"data": [{"wav": path, "labels": "/m/a,/m/b"}, …]}`, one entry per clip. Readers look each
label up in `class_labels_indices.csv`, so any vocabulary in that file works; they read only `wav`
and `labels`. Each entry has a third key, `masked`: the unknown classes, joined like `labels`; soft
targets have a fourth, `soft`, see `soft_columns`. `<json name>_weight.csv` has one number per clip:
`sampling_weights(…, "ast")` of the exported clips.

Not possible: a clip without a positive class, since an empty `labels` is looked up as a class.
"""

from collections.abc import Iterator
from pathlib import Path

from audiolabels.errors import OptionError
from audiolabels.exporters.clip_selection import Selection, name_after, select_clips, write_weights
from audiolabels.exporters.soft_columns import soft_header
from audiolabels.exporters.text_columns import Column, json_lines, json_object
from audiolabels.exporters.written_files import Export
from audiolabels.files import refuse_other_classes, write_blocks, write_classes
from audiolabels.ontology.vocabulary import class_rows
from audiolabels.targets.targets import Targets


def write_ast(targets: Targets, path: str | Path, *, files: str = "{id}.wav") -> Export:
    """Write the JSON, the weights and `class_labels_indices.csv`.

    Args:
        targets: N whole clips.
        path: ends in `.json`; AST removes five characters to find the weights.
        files: paths of the audio files, see `name_after`.

    Raises:
        OptionError: rows are frames, an unsuitable `path` or `files`, or another list of classes in
            the folder.
    """
    path = Path(path)
    if path.suffix != ".json":
        raise OptionError(f"{path}: AST finds the weights by the JSON's name: end it in .json")
    export, classes = Export(), class_rows(targets.vocabulary)
    class_file = path.with_name("class_labels_indices.csv")
    refuse_other_classes(class_file, classes)
    clips = select_clips(targets, "ast", name_after(files), export, empty=False)
    write_blocks(path, json_lines('{"data": [', _entries(clips), "]}"))
    export.files[path] = len(clips)
    write_weights(clips, path, export)
    export.files[class_file] = write_classes(class_file, classes)
    return export


def _entries(clips: Selection) -> Iterator[list[Column]]:
    keys = ["wav", "labels", "masked", *soft_header(clips.targets)]
    for part, *labels, soft in clips.columns(clips.targets.vocabulary.ids, ","):
        yield json_object(dict(zip(keys, [part.names, *labels, *soft], strict=True)))

"""The CSV of FlexSED, with positives and explicit negatives, and its list of classes.

Format: the columns `file_name`, `pos_ids`, `neg_ids` and `removed_ids`, with lists of numbers as
Python writes them; `label_to_id.csv` has the columns `label,id`: display names in alphabetical
order and their numbers. FlexSED draws the classes of a training step from `pos_ids` and from
`neg_ids`, so unknown classes, in neither list, never occur in the loss. `removed_ids`, negatives
that FlexSED's own script takes for doubtful and that are drawn less often, is empty. Columns that
FlexSED does not read are `masked_ids`, the unknown classes, and for soft targets `soft`, see
`soft_columns`, in the order of `label_to_id.csv`. Any vocabulary works.

Not possible: frames. `duration` is added by FlexSED's own script, which measures the audio; the
events, in a file of their own, are not written.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from audiolabels.exporters.clip_selection import (
    Selection,
    name_after,
    refuse_labels,
    select_clips,
)
from audiolabels.exporters.pretrained_sed import by_name
from audiolabels.exporters.soft_columns import soft_header
from audiolabels.exporters.text_columns import Column, each, join, plain_texts
from audiolabels.exporters.written_files import Export
from audiolabels.files import refuse_other_classes, write_classes
from audiolabels.targets.targets import Targets


def write_flexsed(targets: Targets, path: str | Path, *, files: str = "{clip}.wav") -> Export:
    """Write the CSV and `label_to_id.csv`.

    Args:
        targets: N whole clips.
        files: names of the audio files, see `name_after`.

    Raises:
        OptionError: rows are frames, unsuitable `files`, two classes of one name, or another list
            of classes in the folder.
    """
    export, path = Export(), Path(path)
    targets = targets.select(by_name(targets.vocabulary))
    refuse_labels(targets.vocabulary.names, r"[\r\n]", "flexsed")
    numbered = enumerate(targets.vocabulary.names)
    classes = [("label", "id"), *((name, str(number)) for number, name in numbered)]
    class_file = path.with_name("label_to_id.csv")
    refuse_other_classes(class_file, classes)
    clips = select_clips(targets, "flexsed", name_after(files), export, empty=True)
    head = ["file_name", "pos_ids", "neg_ids", "removed_ids", "masked_ids", *soft_header(targets)]
    export.write_columns(path, head, _columns(clips), ",")
    export.files[class_file] = write_classes(class_file, classes, quoted=False)
    return export


def _columns(clips: Selection) -> Iterator[list[Column]]:
    numbers = [str(i) for i in range(len(clips.targets.vocabulary))]
    for part in clips.parts():
        positive, negative, unknown = (
            each(part.join(state, numbers, ", "), _listed)
            for state in ("positive", "negative", "unknown")
        )
        yield [plain_texts(part.names), positive, negative, "[]", unknown, *part.soft()]


def _listed(joined: pa.StringArray) -> pa.StringArray:
    return plain_texts(join("[", joined, "]"))

"""FSD50K's CSV and its vocabulary.

Format: `fname,labels,mids`; labels and ids are joined by commas, in quotes. A label is the display
name with `_` for spaces and `_and_` for commas, as in FSD50K's own `vocabulary.csv` (number, label,
id, without header), which is written too; so any vocabulary works. Further columns, read by name
only, are `masked`, the unknown ids, and for soft targets `soft`, see `soft_columns`. FSD50K's
column `split` is not written, since targets have no split.

Not possible: frames, and a clip without a positive class.
"""

from pathlib import Path

from audiolabels.exporters.clip_selection import select_clips
from audiolabels.exporters.soft_columns import soft_header
from audiolabels.exporters.written_files import Export
from audiolabels.files import plain, quote, refuse_other_classes, write_classes
from audiolabels.targets.targets import Targets


def write_fsd50k(targets: Targets, path: str | Path) -> Export:
    """Write the CSV and `vocabulary.csv`.

    Args:
        targets: N whole clips; `fname` is the clip's whole id.

    Raises:
        OptionError: rows are frames, or another vocabulary in the folder.
    """
    export, path = Export(), Path(path)
    vocabulary, class_file = targets.vocabulary, path.with_name("vocabulary.csv")
    labels = [underscored(name) for name in vocabulary.names]
    classes = [(str(i), *c) for i, c in enumerate(zip(labels, vocabulary.ids, strict=True))]
    refuse_other_classes(class_file, classes)
    clips = select_clips(targets, "fsd50k", lambda clip, _: clip, export, empty=False)
    head = ["fname", "labels", "mids", "masked", *soft_header(targets)]
    words, ids = clips.cells(labels, ","), clips.cells(vocabulary.ids, ",")
    rows = (
        [plain(name), *map(quote, (word, positive, unknown)), *scores]
        for (_, name, word, *_), (*_, positive, unknown, scores) in zip(words, ids, strict=True)
    )
    export.write_table(path, head, rows, ",")
    export.files[class_file] = write_classes(class_file, classes, header=False, quoted=False)
    return export


def underscored(name: str) -> str:
    """A display name in FSD50K's spelling.

    >>> underscored("Dishes, pots, and pans")
    'Dishes_and_pots_and_pans'
    """
    return name.replace(", and ", "_and_").replace(", ", "_and_").replace(" ", "_")

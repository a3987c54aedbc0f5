"""FSD50K's CSV and its vocabulary.

Format: `fname,labels,mids,split`; labels and ids are joined by commas, in quotes. A label is the
display name with `_` for spaces and `_and_` for commas, as in FSD50K's own `vocabulary.csv`
(number, label, id, without header), which is written too; so any vocabulary works. `split` is
`train` or `val`, as in another file of this kind or, by default, by recording (`clips.partition`).
Further columns, read by name only, are `masked`, the unknown ids, and for soft targets `soft`, see
`soft_columns`.

Not possible: frames, and a clip without a positive class.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow, to_arrow
from audiolabels.clips.partition import draw_parts
from audiolabels.errors import OptionError, guarded, shortlist
from audiolabels.exporters.clip_selection import Selection, name_after, select_clips
from audiolabels.exporters.soft_columns import soft_header
from audiolabels.exporters.text_columns import Column, each, plain_texts, quote_texts
from audiolabels.exporters.written_files import Export
from audiolabels.files import refuse_other_classes, write_classes
from audiolabels.targets.targets import Targets

VALIDATION = 0.1  # share of the recordings


def write_fsd50k(targets: Targets, path: str | Path, *, like: str | Path | None = None) -> Export:
    """Write the CSV and `vocabulary.csv`.

    Args:
        targets: N whole clips; `fname` is the clip's whole id.
        like: a CSV with `fname` and `split`, such as FSD50K's dev.csv, whose split is copied.

    Raises:
        OptionError: rows are frames, another vocabulary in the folder, or `like` lacks these
            columns or a clip.
    """
    export, path = Export(), Path(path)
    vocabulary, class_file = targets.vocabulary, path.with_name("vocabulary.csv")
    labels = [underscored(name) for name in vocabulary.names]
    classes = [(str(i), *c) for i, c in enumerate(zip(labels, vocabulary.ids, strict=True))]
    refuse_other_classes(class_file, classes)
    clips = select_clips(targets, "fsd50k", name_after("{clip}"), export, empty=False)
    head = ["fname", "labels", "mids", "split", "masked", *soft_header(targets)]
    split = _split(clips.names) if like is None else _split_like(Path(like), clips.names)
    export.write_columns(path, head, _columns(clips, labels, split), ",")
    export.files[class_file] = write_classes(class_file, classes, header=False, quoted=False)
    return export


def _columns(clips: Selection, labels: list[str], split: pa.StringArray) -> Iterator[list[Column]]:
    for part, ids, unknown, soft in clips.columns(clips.targets.vocabulary.ids, ","):
        words = part.join("positive", labels, ",")
        quoted = (each(cells, quote_texts) for cells in (words, ids))
        own = split.slice(part.start, len(part))
        yield [plain_texts(part.names), *quoted, own, each(unknown, quote_texts), *soft]


def _split(names: pa.StringArray) -> pa.StringArray:
    parts = draw_parts(names, (1 - VALIDATION, VALIDATION))
    return texts_to_arrow(["train", "val"]).take(to_arrow(parts))


def _split_like(path: Path, names: pa.StringArray) -> pa.StringArray:
    with (
        guarded(path, OptionError, "not read"),
        path.open(encoding="utf-8-sig", newline="") as file,
    ):
        rows = csv.DictReader(file)
        if not {"fname", "split"} <= set(rows.fieldnames or ()):
            raise OptionError(f"{path}: no columns fname and split")
        parts: dict[str, str] = {}
        for row in rows:
            name, part = row["fname"] or "", row["split"] or ""
            if not part or parts.setdefault(name, part) != part:
                raise OptionError(f"{path}: no split of {name}, or several")
    wanted = names.to_pylist()
    lacking = [name for name in wanted if name not in parts]
    if lacking:
        raise OptionError(
            f"{path}: no split of {len(lacking):,} of {len(wanted):,} clips: {shortlist(lacking)}"
        )
    return texts_to_arrow([parts[name] for name in wanted])


def underscored(name: str) -> str:
    """A display name in FSD50K's spelling.

    >>> underscored("Dishes, pots, and pans")
    'Dishes_and_pots_and_pans'
    """
    return name.replace(", and ", "_and_").replace(", ", "_and_").replace(" ", "_")

"""A wide CSV, one column per class, as autrainer's multi-label data sets read it.

Format: the column `filename`, then a column per class, whose name is the class's id or display
name; 1 is positive, 0 negative. In autrainer's configuration `index_column` is `filename`, and
`target_column` lists the classes. Scores of soft targets are the cells themselves, with as many
digits as float16 needs. Any vocabulary works.

Not possible: a mask, and frames. autrainer reads an empty cell as NaN, which makes the loss NaN,
and takes any number for a target; so targets with unknown classes are refused unless an option
gives the cell that is written for them.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.errors import OptionError, choose
from audiolabels.exporters.clip_selection import (
    Selection,
    name_after,
    refuse_labels,
    select_clips,
)
from audiolabels.exporters.soft_columns import BinarisedTargets, binarise
from audiolabels.exporters.text_columns import Chosen, Column, plain_texts
from audiolabels.exporters.written_files import Export
from audiolabels.files import plain
from audiolabels.targets.targets import SoftTargets, Targets

FILE = "filename"
UNKNOWN_CELLS: Mapping[str, str] = MappingProxyType({"empty": "", "-1": "-1", "0": "0"})


def write_wide_csv(
    targets: Targets | SoftTargets,
    path: str | Path,
    *,
    files: str = "{clip}.wav",
    names: bool = False,
    unknown_cells: str | None = None,
) -> Export:
    """Write the CSV.

    Args:
        targets: N whole clips.
        files: paths of the audio files, see `name_after`.
        names: display names as columns, not ids.
        unknown_cells: a key of `UNKNOWN_CELLS`, written where a class is unknown.

    Raises:
        OptionError: rows are frames, unsuitable `files`, two columns of one name, or unknown
            classes without `unknown_cells`.
    """
    if isinstance(targets, SoftTargets):
        targets = binarise(targets, "wide-csv", 1)  # the scores are written, not these labels
    export, vocabulary = Export(), targets.vocabulary
    header = [FILE, *(vocabulary.names if names else vocabulary.ids)]
    refuse_labels(header, r"[\r\n]", "wide-csv")
    clips = select_clips(targets, "wide-csv", name_after(files), export, empty=True)
    unknown = np.bitwise_count(targets.masked).sum(1, dtype=np.int64)[targets.row_of_clip]
    if unknown_cells is None and (number := int(unknown[clips.rows].sum())):
        raise OptionError(
            f"{number:,} targets of {len(clips):,} clips are unknown, and a wide CSV has no mask: "
            f"autrainer's loss becomes NaN with an empty cell. Choose the cell that is written for "
            f"them: --unknown-cells {'|'.join(UNKNOWN_CELLS)} (unknown_cells=); 0 is negative"
        )
    cell = UNKNOWN_CELLS[choose("unknown_cells", unknown_cells or "empty", UNKNOWN_CELLS)]
    export.write_columns(path, list(map(plain, header)), _columns(clips, cell), ",")
    return export


def _columns(clips: Selection, unknown: str) -> Iterator[list[Column]]:
    targets = clips.targets
    for part in clips.parts():
        rows = part.rows[part.first]
        target, mask = targets.to_numpy(rows)
        values = (
            targets.scores(rows) if isinstance(targets, BinarisedTargets) else target.astype(int)
        )
        texts = np.where(mask > 0, values.astype(np.str_), unknown).tolist()
        cells = texts_to_arrow(list(map(",".join, texts)))
        yield [plain_texts(part.names), Chosen(cells, part.which)]

"""Parquet in the format of `agkphysics/AudioSet` on Hugging Face.

Format: one row per clip: `video_id` (the bare 11 characters), `labels` (list of ids),
`human_labels` (list of display names). Further columns, for readers by name, are `masked` (list of
unknown ids) and for soft targets `soft`, lists of float16 as long as `classes`: the ids in column
order, as JSON in the schema's metadata. The column `audio` is not written: join by `video_id`.

Not possible: frames, and where in its video a clip begins. An empty `labels` means no positive
class; `read_labels` reads such a clip as verified empty, since it does not read `masked`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.arrays.columns import texts_to_arrow, to_arrow
from audiolabels.exporters.clip_selection import ROWS, Selection, lists_of, name_after, select_clips
from audiolabels.exporters.soft_columns import BinarisedTargets
from audiolabels.exporters.written_files import Export
from audiolabels.files import atomic_path, blame
from audiolabels.targets.targets import Targets

TEXTS = pa.list_(pa.string())


def write_huggingface(targets: Targets, path: str | Path) -> Export:
    """Write the Parquet file.

    Args:
        targets: N whole clips.

    Raises:
        OptionError: rows are frames.
    """
    export, path = Export(), Path(path)
    clips = select_clips(targets, "huggingface", name_after("{id}"), export, empty=True)
    columns = {
        "video_id": pa.string(),
        **dict.fromkeys(("labels", "human_labels", "masked"), TEXTS),
    }
    if isinstance(targets, BinarisedTargets):
        columns["soft"] = pa.list_(pa.float16(), len(targets.vocabulary))
    classes = json.dumps(targets.vocabulary.ids).encode()
    schema = pa.schema(columns).with_metadata({b"classes": classes})
    with (
        atomic_path(path) as partial,
        blame(path),
        pq.ParquetWriter(partial, schema, compression="zstd") as writer,
    ):
        for arrays in _batches(clips):
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    export.files[path] = len(clips)
    export.notes.append("no audio: the column 'audio' is not written; join by 'video_id'")
    return export


def _batches(clips: Selection) -> Iterator[list[pa.Array]]:
    vocabulary = clips.targets.vocabulary
    ids, names = texts_to_arrow(vocabulary.ids), texts_to_arrow(vocabulary.names)
    for start in range(0, len(clips), ROWS):
        target, mask = clips.targets.to_numpy(clips.rows[start : start + ROWS])
        lists = [
            lists_of(row, labels.take(to_arrow(column)), len(target))
            for table, labels in ((target > 0, ids), (target > 0, names), (mask == 0, ids))
            for row, column in [np.nonzero(table)]
        ]
        scores = []
        if isinstance(clips.targets, BinarisedTargets):
            halves = clips.targets.scores(clips.rows[start : start + ROWS])
            flat = to_arrow(halves.ravel())
            scores.append(pa.FixedSizeListArray.from_arrays(flat, len(vocabulary)))
        yield [clips.names.slice(start, ROWS), *lists, *scores]

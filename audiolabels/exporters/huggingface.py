"""Parquet in the format of `agkphysics/AudioSet` on Hugging Face.

Format: one row per clip: `video_id` (the bare 11 characters), `labels` (list of ids),
`human_labels` (list of display names). Further columns, for readers by name, are `masked` (list of
unknown ids) and for soft targets `soft`, lists of float16 as long as `classes`: the ids in column
order, as JSON in the schema's metadata. The column `audio` is not written: join by `video_id`.

Not possible: frames, and where in its video a clip begins. An empty `labels` means no positive
class; `read_labels` reads such a clip as verified empty, since it does not read `masked`.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.arrays.columns import texts_to_arrow, to_arrow
from audiolabels.exporters.clip_selection import (
    ROWS,
    Rows,
    Selection,
    name_after,
    select_clips,
    state_bits,
)
from audiolabels.exporters.soft_columns import BinarisedTargets
from audiolabels.exporters.written_files import Export
from audiolabels.files import atomic_path, blame
from audiolabels.targets.layouts import LISTS
from audiolabels.targets.targets import Targets

TEXTS = pa.list_(pa.string())
NUMBERS = pa.dictionary(pa.int32(), pa.string())
NUMBERED = {pa.string(): NUMBERS, TEXTS: pa.list_(NUMBERS)}


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
    facts = {b"classes": json.dumps(targets.vocabulary.ids).encode()}
    schema = pa.schema(columns).with_metadata(facts)
    # Columns are written by the numbers of their texts, and stated as those of texts.
    facts[b"ARROW:schema"] = base64.b64encode(schema.serialize())
    numbered = pa.schema([(name, NUMBERED.get(kind, kind)) for name, kind in columns.items()])
    with (
        atomic_path(path) as partial,
        blame(path),
        pq.ParquetWriter(partial, numbered, compression="zstd", store_schema=False) as writer,
    ):
        writer.add_key_value_metadata(facts)
        for arrays in _batches(clips):
            writer.write_table(pa.Table.from_arrays(arrays, schema=numbered))
    export.files[path] = len(clips)
    export.notes.append("no audio: the column 'audio' is not written; join by 'video_id'")
    return export


def _batches(clips: Selection) -> Iterator[list[pa.Array]]:
    vocabulary = clips.targets.vocabulary
    ids, names = texts_to_arrow(vocabulary.ids), texts_to_arrow(vocabulary.names)
    for part in clips.parts():
        cells = [
            LISTS.encode(state_bits(part.targets, part.rows[part.first], state), len(vocabulary))
            for state in ("positive", "unknown")
        ]
        for start in range(0, len(part), ROWS):
            which = to_arrow(part.which[start : start + ROWS])
            positive, masked = (LISTS.gather(c.take(which), len(vocabulary)) for c in cells)
            own = part.names.slice(start, ROWS)
            video = _numbered(to_arrow(np.arange(len(own), dtype=np.int32)), own)
            lists = [_texts(p, t) for p, t in ((positive, ids), (positive, names), (masked, ids))]
            yield [video, *lists, *_scores(clips.targets, part.rows[start : start + ROWS])]


def _texts(lists: pa.ListArray, labels: pa.StringArray) -> pa.ListArray:
    """Lists of the labels with the numbers in some lists, in the order in which they occur."""
    coded = lists.values.dictionary_encode()
    values = _numbered(coded.indices, labels.take(coded.dictionary))
    return pa.ListArray.from_arrays(lists.offsets, values)


def _numbered(numbers: pa.Array, texts: pa.StringArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(numbers, texts)


def _scores(targets: Targets, rows: Rows) -> list[pa.Array]:
    if not isinstance(targets, BinarisedTargets):
        return []
    flat = to_arrow(targets.scores(rows).ravel())
    return [pa.FixedSizeListArray.from_arrays(flat, len(targets.vocabulary))]

"""The TSV of PSL: column numbers of classes, one row per clip or per segment.

Format: the columns `filename`, `labels`, `duration`, `hdf5path`; `labels` are column numbers of the
527 classes joined by `;`, `duration` is in seconds. Segments also have `from` and `to`, in seconds
from the start of the clip. Names are `<id>_<start>_<end>.wav`, in seconds, or the id of a clip of
unknown start. Last come `masked`, the unknown classes joined like `labels`, or a lone `;`, since
the reader drops rows with an empty cell, and for soft targets `soft`, see `soft_columns`.

Not possible: other classes, and a clip or segment without a positive class. PSL's reader of chunks
cuts clips itself and overwrites `from` and `to`; segments need its reader of whole clips.
Deviation: without an audio file there is no `hdf5path`, which PSL's own script then adds.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import texts_to_arrow, to_numpy
from audiolabels.arrays.grid import Ms
from audiolabels.clips.names import videos_of
from audiolabels.exporters.clip_selection import (
    Name,
    Rows,
    Selection,
    are_segments,
    clip_lengths,
    reorder_classes,
    select_clips,
)
from audiolabels.exporters.hdf5 import keep_with_audio
from audiolabels.exporters.soft_columns import soft_header
from audiolabels.exporters.text_columns import (
    Column,
    join,
    or_else,
    plain_texts,
    second_texts,
    spell,
    whole,
)
from audiolabels.exporters.written_files import Export
from audiolabels.files import plain, real_path, refuse_other_classes, seconds, write_classes
from audiolabels.ontology.vocabulary import class_rows
from audiolabels.targets.targets import Targets


def write_psl(
    targets: Targets,
    path: str | Path,
    *,
    audio: str | Path | None = None,
    clip_duration: float | str | None = None,
) -> Export:
    """Write the TSV and `class_labels_indices.csv`.

    Args:
        targets: N clips or segments of the 527 classes, in any order.
        audio: PSL's HDF5 file with one data set per clip; becomes `hdf5path`.
        clip_duration: seconds, for segments and for clips of unknown length.

    Raises:
        OptionError: a missing length, an unsuitable audio file, or another list of classes in the
            folder.
    """
    export, path = Export(), Path(path)
    targets, segments = reorder_classes(targets, "psl"), are_segments(targets)
    classes, class_file = class_rows(targets.vocabulary), path.with_name("class_labels_indices.csv")
    refuse_other_classes(class_file, classes)
    length = clip_lengths(targets, "psl", clip_duration)
    unit = "segments" if segments else "clips"
    clips = select_clips(targets, "psl", _namer(length), export, empty=False, unit=unit)
    clips = keep_with_audio(clips, audio, export)
    labels = np.bitwise_count(targets.positive).sum(1)[targets.row_of_clip[clips.rows]]
    if labels.max(initial=0) < 2:
        export.notes.append(
            "no row has several labels: PSL's reader takes such a column for numbers, and fails"
        )
    hdf5 = [] if audio is None else [plain(str(real_path(audio)))]
    head = ["filename", "labels", "duration", *(["hdf5path"] if hdf5 else [])]
    head += [*(["from", "to"] if segments else []), "masked", *soft_header(targets)]
    export.write_columns(path, head, _columns(clips, length, segments, hdf5))
    export.files[class_file] = write_classes(class_file, classes)
    return export


def _namer(length: Ms) -> Name:
    def names(clip_id: pa.StringArray, rows: Rows) -> pa.StringArray:
        videos, nothing = videos_of(clip_id), texts_to_arrow(["-1"])[0]
        started = pc.not_equal(clip_id, videos)
        start = pc.if_else(started, pc.utf8_slice_codeunits(clip_id, 12), nothing)
        begin = to_numpy(pc.cast(start, pa.int64()))
        times = begin, np.where(begin < 0, begin, begin + length[rows])
        texts = (whole(spell(ms, lambda t: "" if t < 0 else f"_{seconds(t)}")) for ms in times)
        return join(videos, *texts, ".wav")

    return names


def _columns(
    clips: Selection, length: Ms, segments: bool, hdf5: list[str]
) -> Iterator[list[Column]]:
    numbers = [str(i) for i in range(len(clips.targets.vocabulary))]
    onset, offset = (to_numpy(t) for t in (clips.targets.onset, clips.targets.offset))
    for part, positive, unknown, soft in clips.columns(numbers, ";"):
        ends = length[part.rows]
        columns = [plain_texts(part.names), positive, second_texts(ends), *hdf5]
        if segments:
            start, stop = (np.rint(s[part.rows] * 1000).astype(int) for s in (onset, offset))
            columns += [second_texts(start), second_texts(np.minimum(stop, ends))]
        yield [*columns, or_else(unknown, ";"), *soft]

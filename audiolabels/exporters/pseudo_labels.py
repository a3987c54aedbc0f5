"""PretrainedSED's pseudo labels: soft targets as logits over frames of 40 ms.

Format: HDF5 with `filenames` and `strong_logits` float16 (N, 447, 250), the 447 classes in the
order of their display names. Its reader looks a clip up by `"Y<id>.mp3".rstrip(".mp3")`, which also
takes `.`, `m`, `p` and `3` off the end of an id, so `filenames` has just these keys; the added data
set `clip_id` has the ids. Another one, `mask`, uint8 (N, 447, 32), has a bit per frame in
`numpy.packbits` order, 1 = known.

A frame has the scores of the last segment that contains its centre; it is unknown if there is none.
Scores become logits in [-20, 20], which in half precision are within 0.4 % of the score, 0 and 1
exactly. Not possible: segments after the 10 s of the 250 frames, and where in its video a clip
begins.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.columns import to_arrow, whole_ms
from audiolabels.clips.names import videos_of
from audiolabels.errors import OptionError, shortlist
from audiolabels.exporters.clip_selection import Rows, clip_spans, reorder_classes, unique_names
from audiolabels.exporters.hdf5 import import_h5py
from audiolabels.exporters.text_columns import join
from audiolabels.exporters.written_files import Export
from audiolabels.files import atomic_path, blame
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.targets.targets import SoftTargets

FRAMES, FRAME_MS = 250, 40
FARTHEST = 20.0  # the sigmoid of -20 is 0 in float16
CLIPS = 32  # whose frames are held at a time


def write_pseudo_labels(soft: SoftTargets, path: str | Path, classes: Vocabulary) -> Export:
    """Write the HDF5 file.

    Args:
        soft: N clips or segments of the 447 classes, in any order.
        classes: in the order of the file.

    Raises:
        OptionError: h5py is not installed, or two clips have the same key.
    """
    h5py, export, path = import_h5py(), Export(), Path(path)
    soft = reorder_classes(soft, "pretrained-sed", "audioset-strong-train").select(classes)
    first, stop = clip_spans(soft)
    # Where it is not known, a row reaches as far as the frames.
    onset, offset = (
        whole_ms(soft.onset.fill_null(0.0)),
        whole_ms(soft.offset.fill_null(FRAMES * FRAME_MS / 1000)),
    )
    ids = soft.clip_id.take(to_arrow(first))
    texts = join("Y", videos_of(ids), ".mp3")
    own, names = unique_names(texts), np.array(texts.to_pylist(), np.object_)
    lost = ids.take(to_arrow(np.flatnonzero(~own)))
    export.leave_out("clips that share their name", lost)
    first, stop, names = first[own], stop[own], names[own]
    keys = [name.rstrip(".mp3") for name in names.tolist()]  # as its reader does
    shared = [key for key, count in Counter(keys).items() if count > 1]
    if shared:
        several = [name for name, key in zip(names.tolist(), keys, strict=True) if key in shared]
        raise OptionError(
            f"{path}: PretrainedSED looks clips up without '.', 'm', 'p' and '3' at the end of "
            f"their ids, so these are one to it: {shortlist(several)}; export one of them"
        )
    late = np.concatenate([np.arange(a, b) for a, b in zip(first, stop, strict=True)] or [first])
    export.leave_out(
        "segments after the 250 frames",
        soft.clip_id.take(to_arrow(late[onset[late] >= FRAMES * FRAME_MS])),
    )
    shape = (len(first), len(classes))
    with atomic_path(path) as partial, blame(path), h5py.File(partial, "w") as file:
        file["filenames"] = np.array([key.encode() for key in keys], "S")
        file["clip_id"] = np.array([name[1:-4].encode() for name in names], "S")
        logits = file.create_dataset("strong_logits", (*shape, FRAMES), np.float16)
        mask = file.create_dataset("mask", (*shape, -(-FRAMES // 8)), np.uint8)
        logits.attrs["classes"] = np.array(classes.ids, "S")
        for start in range(0, len(first), CLIPS):
            part = slice(start, start + CLIPS)
            row = np.stack(
                [
                    _row_of_frame(onset[a:b], offset[a:b], int(a))
                    for a, b in zip(first[part], stop[part], strict=True)
                ]
            )
            scores, known = soft.to_numpy(row.ravel())
            known[row.ravel() < 0] = 0
            framed = (len(row), FRAMES, len(classes))
            logits[part] = as_logits(scores.reshape(framed).transpose(0, 2, 1))
            sure = known.reshape(framed).transpose(0, 2, 1) > 0
            mask[part] = np.packbits(sure, axis=2)
    export.files[path] = len(first)
    return export


def _row_of_frame(onset: Rows, offset: Rows, first: int) -> Rows:
    """The row of each frame's scores, -1 for none: int64 (250,)."""
    middle = np.arange(FRAMES) * FRAME_MS + FRAME_MS // 2
    place = np.searchsorted(onset, middle, side="right") - 1
    inside = (place >= 0) & (middle < offset[place])
    return np.where(inside, first + place, -1)


def as_logits(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float16]:
    """The logits of scores, in [-20, 20]."""
    with np.errstate(divide="ignore"):
        values = np.log(scores) - np.log1p(-scores)
    return values.clip(-FARTHEST, FARTHEST).astype(np.float16)

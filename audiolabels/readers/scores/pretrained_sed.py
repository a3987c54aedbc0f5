"""PretrainedSED's pseudo labels: logits of an ensemble over frames of 40 ms.

HDF5 with `filenames` (N,) and `strong_logits` float16 (N, 447, 250): the 447 classes of the strong
training labels, sorted by display name, over 250 frames. The file names carry no start in the
video, so neither do the clip ids.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from audiolabels.errors import ScoresFileError
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.readers.opening import hdf5_data
from audiolabels.readers.options import ScoreOptions
from audiolabels.readers.scores.blocks import Block, ScoreTable, row_slices, row_texts

FRAME_MS = 40


def read_pretrained_sed(file: Any, options: ScoreOptions) -> ScoreTable:
    """The frames of all clips."""
    # Its file names lack some last characters of ids, which this library's own export adds.
    names = hdf5_data(file, "clip_id" if "clip_id" in file else "filenames")
    logits = hdf5_data(file, "strong_logits")
    mask = hdf5_data(file, "mask") if "mask" in file else None  # of this library's own export
    if logits.ndim != 3 or names.shape != logits.shape[:1]:
        raise ScoresFileError(
            f"{options.path}: strong_logits of shape {logits.shape} for filenames of shape "
            f"{names.shape}; expected (N, 447, 250) for (N,)"
        )
    frames = logits.shape[2]
    onset = np.arange(frames) * FRAME_MS

    def blocks(classes: int) -> Iterator[Block]:
        for rows in row_slices(len(names), options.block_sizes.scores, frames):
            values = logits[rows].transpose(0, 2, 1)
            begin = np.broadcast_to(onset, values.shape[:2])
            known = None
            if mask is not None:
                bits = np.unpackbits(mask[rows], axis=2, count=frames)
                known = bits.transpose(0, 2, 1) > 0
            times = begin, begin + FRAME_MS
            yield Block(rows.start + 1, row_texts(names[rows]), values, *times, known)

    strong = _strong_classes()
    labels = strong if logits.shape[1] == len(strong) else None
    order = "the strong training classes by name"
    return ScoreTable(logits.shape[1], labels, order, len(names), blocks, of_video=True)


def _strong_classes() -> list[str]:
    """The ids of the 447 classes, sorted by display name."""
    vocabulary = load_vocabulary("audioset-strong-train")
    return [id_ for _, id_ in sorted(zip(vocabulary.names, vocabulary.ids, strict=True))]

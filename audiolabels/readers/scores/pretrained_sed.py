"""PretrainedSED's pseudo labels: logits of an ensemble over frames of 40 ms.

HDF5 with `filenames` (N,) and `strong_logits` float16 (N, 447, 250): the 447 classes of the strong
training labels, sorted by display name, over 250 frames. The file names carry no start in the
video, so neither do the clip ids.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from audiolabels.errors import ScoresFileError
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.readers.scores.blocks import BLOCK, Block, ScoreOptions, Table, texts
from audiolabels.readers.scores.hdf5 import open_hdf5

FRAME_MS = 40


@contextmanager
def open_pretrained_sed(options: ScoreOptions) -> Iterator[Table]:
    """The frames of all clips."""
    with open_hdf5(options.path) as file:
        names, logits = file["filenames"], file["strong_logits"]
        if logits.ndim != 3 or names.shape != logits.shape[:1]:
            raise ScoresFileError(
                f"{options.path}: strong_logits of shape {logits.shape} for filenames of shape "
                f"{names.shape}; expected (N, 447, 250) for (N,)"
            )
        frames = logits.shape[2]
        onset = np.arange(frames) * FRAME_MS

        def blocks(classes: int) -> Iterator[Block]:
            step = max(1, BLOCK // max(1, frames))
            for start in range(0, len(names), step):
                rows = slice(start, start + step)
                values = np.asarray(logits[rows], np.float32).transpose(0, 2, 1)
                begin = np.broadcast_to(onset, values.shape[:2])
                spans, known = (begin, begin + FRAME_MS), None
                if "mask" in file:  # of this library's own export
                    bits = np.unpackbits(file["mask"][rows], axis=2, count=frames)
                    known = bits.transpose(0, 2, 1) > 0
                yield Block(start + 1, texts(names[rows]), values, *spans, known)

        labels = class_order() if logits.shape[1] == len(class_order()) else None
        yield Table(logits.shape[1], labels, "the strong training classes by name", blocks)


def class_order() -> list[str]:
    """The ids of the 447 classes, sorted by display name."""
    vocabulary = load_vocabulary("audioset-strong-train")
    return [id_ for _, id_ in sorted(zip(vocabulary.names, vocabulary.ids, strict=True))]

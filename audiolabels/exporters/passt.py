"""HDF5 of PaSST and EfficientAT: the bits of the targets, and the MP3 bytes of each clip.

Format: `audio_name` S20 (`Y<id>.mp3`), `mp3` variable-length uint8, `target` uint8 (N, 66), the
bits of 527 classes in `numpy.packbits` order, as in this library. An added data set `mask` is
packed likewise. PaSST computes its sampling weights from `target`, so none are written.

Not possible: frames, other classes, and where in its video a clip begins. Deviation: the audio is
linked, see `hdf5`; a file read from memory (PaSST's `in_mem`) loses its links.
"""

from pathlib import Path

from audiolabels.arrays.bits import third_state
from audiolabels.exporters.clip_selection import Rows
from audiolabels.exporters.hdf5 import Values, write_hdf5
from audiolabels.exporters.written_files import Export
from audiolabels.targets.targets import Targets


def write_passt(targets: Targets, path: str | Path, *, audio: str | Path | None = None) -> Export:
    """Write `audio_name`, `target`, `mask` and, with an audio file, `mp3`.

    Arguments and errors are those of `write_hdf5`.
    """
    return write_hdf5(
        targets, path, form="passt", sound="mp3", extension=".mp3", encode=_bits, audio=audio
    )


def _bits(targets: Targets, rows: Rows) -> Values:
    chosen = targets.row_of_clip[rows]
    masked = targets.masked[chosen]
    return targets.positive[chosen], third_state(masked, masked, len(targets.vocabulary))

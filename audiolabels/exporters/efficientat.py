"""EfficientAT's teacher scores: soft targets as an array of logits, and the index of its rows.

Format: a `.npy` array float16 (N, 527), of which its distillation takes the sigmoid, and
`fname_to_index.pkl` next to it, a pickled dict from `Y<id>.mp3`, the name in its HDF5 files, to the
row. Scores become logits as for PretrainedSED, see `pseudo_labels`.

Not possible: segments, unknown targets, and where in its video a clip begins.
"""

import pickle
from pathlib import Path

import numpy as np

from audiolabels.arrays.columns import to_arrow
from audiolabels.clips.names import videos_of
from audiolabels.errors import OptionError
from audiolabels.exporters.clip_selection import are_segments, reorder_classes, unique_names
from audiolabels.exporters.pseudo_labels import as_logits
from audiolabels.exporters.text_columns import join
from audiolabels.exporters.written_files import Export
from audiolabels.files import atomic_path, blame, together
from audiolabels.readers.scores.efficientat import INDEX
from audiolabels.targets.targets import SoftTargets


@together()
def write_efficientat(soft: SoftTargets, path: str | Path) -> Export:
    """Write the array and its index.

    Args:
        soft: N whole clips of the 527 classes, in any order.

    Raises:
        OptionError: the name does not end in .npy, rows are segments, or a target is unknown.
    """
    export, path = Export(), Path(path)
    if path.suffix != ".npy":
        raise OptionError(f"{path}: the array is a .npy file; name it {path.stem}.npy")
    soft = reorder_classes(soft, "efficientat")
    if are_segments(soft):
        raise OptionError("efficientat holds one row of scores per clip, and these have segments")
    if unknown := int(np.bitwise_count(soft.masked).sum()):
        raise OptionError(f"efficientat has no mask, and {unknown:,} of these targets are unknown")
    texts = join("Y", videos_of(soft.clip_id), ".mp3")
    own, names = unique_names(texts), texts.to_pylist()
    rows = np.flatnonzero(own)
    lost = soft.clip_id.take(to_arrow(np.flatnonzero(~own)))
    export.leave_out("clips that share their name", lost)
    index = {names[row]: place for place, row in enumerate(rows.tolist())}
    with atomic_path(path) as partial, blame(path), partial.open("wb") as file:
        np.save(file, as_logits(soft.to_numpy(rows)[0]))
    place = path.with_name(INDEX)
    with atomic_path(place) as partial, blame(place):
        partial.write_bytes(pickle.dumps(index))
    export.files |= {path: len(rows), place: len(rows)}
    return export

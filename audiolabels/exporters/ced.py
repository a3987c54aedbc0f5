"""CED's lists of clips, and the files of highest scores that it is trained with.

Format of a list: TSV with `filename`, `labels` (column numbers of the 527 classes, joined by `;`)
and `hdf5path`, a file with one data set per clip, under the clip's file name. CED evaluates with
such lists; in training it uses them only to find the audio. The last column is `masked`, the
unknown classes joined like `labels`, or a lone `;`, so that no reader parses the column as numbers.

For training, CED reads a teacher's scores in HDF5: `topk_values` float16 and `topk_indexes` int16
(N, k), highest first, and `seeds` int32 (N,), of its augmentation; a Parquet file of the same name
has `filename`, `start` and `end` in seconds. An added data set `mask` has bits (N, ceil(C / 8)) in
`numpy.packbits` order, 1 = known. All scores but the `k` highest become what CED's `label_type`
sets, zero by default.

Not possible: other classes; in a list also frames, and clips without a positive class, since an
empty cell is not a number. Deviations: a score file has one epoch, which CED then uses in every
epoch; seeds are 0; `meta.pt`, which holds objects of CED's own code, is not written.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.arrays.columns import texts_to_arrow, to_arrow, to_numpy
from audiolabels.errors import OptionError
from audiolabels.exporters.clip_selection import (
    ROWS,
    Name,
    name_after,
    reorder_classes,
    select_clips,
)
from audiolabels.exporters.hdf5 import import_h5py, keep_with_audio
from audiolabels.exporters.text_columns import or_else, plain_texts
from audiolabels.exporters.written_files import Export
from audiolabels.files import (
    atomic_path,
    blame,
    plain,
    real_path,
    refuse_other_classes,
    write_classes,
)
from audiolabels.ontology.vocabulary import class_rows
from audiolabels.targets.targets import SoftTargets, Targets

KEPT_SCORES = 20  # scores of a clip
EPOCH = re.compile(r"[^/\\]*ep1_[^/\\]*\.h5")  # CED finds the scores of an epoch by their names


def write_ced(
    targets: Targets | SoftTargets,
    path: str | Path,
    *,
    files: str = "{id}.wav",
    audio: str | Path | None = None,
) -> Export:
    """Write a list and `class_labels_indices.csv`; for soft targets the highest scores.

    Args:
        targets: N whole clips of the 527 classes, in any order; soft targets, of clips or segments,
            are written by `write_top_scores`, without a list.
        files: names of the audio files without a folder, see `name_after`.
        audio: CED's HDF5 file with one data set per clip; becomes `hdf5path`.

    Raises:
        OptionError: rows are frames, unsuitable `files` or audio file, or another list of classes
            in the folder.
    """
    if "/" in files:
        raise OptionError(f"files {files!r}: CED cuts names at the last slash; name no folder")
    if isinstance(targets, SoftTargets):
        return _write_soft(targets, path, name_after(files))
    export, path, targets = Export(), Path(path), reorder_classes(targets, "ced")
    classes, class_file = class_rows(targets.vocabulary), path.with_name("class_labels_indices.csv")
    refuse_other_classes(class_file, classes)
    clips = select_clips(targets, "ced", name_after(files), export, empty=False)
    clips = keep_with_audio(clips, audio, export)
    hdf5 = [] if audio is None else [plain(str(real_path(audio)))]
    numbers = [str(i) for i in range(len(targets.vocabulary))]
    columns = (
        [plain_texts(part.names), positive, *hdf5, or_else(unknown, ";")]
        for part, positive, unknown, _ in clips.columns(numbers, ";")
    )
    head = ["filename", "labels", *(["hdf5path"] if hdf5 else []), "masked"]
    export.write_columns(path, head, columns)
    export.files[class_file] = write_classes(class_file, classes)
    return export


def _write_soft(targets: SoftTargets, path: str | Path, name: Name) -> Export:
    names = name(targets.clip_id, np.arange(len(targets))).to_pylist()
    scores, known = reorder_classes(targets, "ced").to_numpy()
    start = to_numpy(targets.onset.fill_null(0.0))
    lengths = to_numpy(targets.offset.fill_null(10.0)) - start
    return write_top_scores(scores, names, path, seconds=lengths, start=start, known=known)


def write_top_scores(
    scores: npt.NDArray[np.floating],
    names: Sequence[str],
    path: str | Path,
    *,
    seconds: float | npt.NDArray[np.floating] = 10.0,
    start: float | npt.NDArray[np.floating] = 0.0,
    known: npt.NDArray[np.generic] | None = None,
    top: int = KEPT_SCORES,
) -> Export:
    """Write the highest scores of each clip or chunk, and the Parquet file.

    Args:
        scores: float (N, C), in [0, 1].
        names: N names of audio files, as in CED's HDF5; chunks of a file share its name.
        path: ends in `.h5`, with `ep1_` in its name, such as `logits_ep1_0.h5`.
        seconds: length of all chunks, or of each, (N,).
        start: onset of each in its file, in seconds, likewise.
        known: (N, C), zero where a class is unknown and its score is skipped; all known by default.
        top: number of scores kept per clip.

    Returns:
        With the number of scores above zero that are not kept.

    Raises:
        OptionError: unsuitable shapes, names, scores or `path`, or h5py is not installed.
    """
    h5py, export, path = import_h5py(), Export(), Path(path)
    parquet = path.with_suffix(".parquet")
    count, columns = _refuse_scores(scores, names, path, known, top)
    starts = np.broadcast_to(np.asarray(start, np.float64), count)
    if len(set(zip(names, starts.tolist(), strict=True))) < count:
        raise OptionError(
            "several clips have one name, by which CED finds their audio; give names with {clip}"
        )
    lost, highest, shapes = 0, 0.0, (count, top)
    with atomic_path(path) as partial, blame(path), h5py.File(partial, "w") as file:
        values = file.create_dataset("topk_values", shapes, np.float16)
        indexes = file.create_dataset("topk_indexes", shapes, np.int16)
        file["seeds"] = np.zeros(count, np.int32)
        mask = file.create_dataset("mask", (count, -(-columns // 8)), np.uint8)
        for first in range(0, count, ROWS):
            part = slice(first, first + ROWS)
            sure = np.ones(scores[part].shape, bool) if known is None else known[part] != 0
            scored = np.where(sure, scores[part], 0)
            order = np.argsort(-scored, axis=1, kind="stable")
            ranked = np.take_along_axis(scored, order, axis=1)
            values[part], indexes[part] = ranked[:, :top], order[:, :top]
            mask[part] = np.packbits(sure, axis=1)
            lost += int(np.count_nonzero(ranked[:, top:]))
            highest = max(highest, float(ranked[:, top:].max(initial=0)))
    export.files[path] = count
    with atomic_path(parquet) as partial, blame(parquet):
        spans = [to_arrow(times.astype(np.float32)) for times in (starts, starts + seconds)]
        columns_ = dict(zip(("start", "end"), spans, strict=True))
        pq.write_table(pa.table({"filename": texts_to_arrow(names), **columns_}), partial)
    export.files[parquet] = count
    if lost:
        export.left_out[f"scores beyond the {top} highest of their clip"] = lost
        export.notes.append(f"the highest score that is not kept is {highest:.3f}")
    export.notes.append("no 'meta.pt': take that of CED's own save_logits.py")
    return export


def _refuse_scores(
    scores: npt.NDArray[np.floating],
    names: Sequence[str],
    path: Path,
    known: npt.NDArray[np.generic] | None,
    top: int,
) -> tuple[int, int]:
    if scores.ndim != 2 or len(names) != len(scores) or not 1 <= top <= scores.shape[1]:
        raise OptionError(
            f"scores of shape {scores.shape}, {len(names):,} names and the {top} highest do not "
            f"fit: give (N, C), N names, and 1 to C"
        )
    if known is not None and known.shape != scores.shape:
        raise OptionError(f"known has shape {known.shape}, the scores have {scores.shape}")
    if not EPOCH.fullmatch(path.name) or ".h5" in str(path)[: -len(".h5")]:
        raise OptionError(
            f"{path}: CED finds scores by names such as logits_ep1_0.h5, with '.h5' only "
            f"once in the whole path"
        )
    if not ((scores >= 0) & (scores <= 1)).all():
        raise OptionError("scores must lie in [0, 1]: CED's loss uses them as targets")
    count, columns = scores.shape
    return count, columns

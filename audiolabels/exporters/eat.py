"""The manifest of EAT, its labels, and its list of classes.

Format: the first line of `<split>.tsv` is the folder of the audio; then follows a line per clip
with path and number of samples. `<split>.lbl` has, for the same lines, the name and the ids, joined
by commas; `label_descriptors.csv` lists number, id and name without a header. EAT splits all lines
at blanks and looks ids up in the list, so any vocabulary works. `<split>.masked` has the unknown
classes in the format of `<split>.lbl`, `<split>.soft` the scores of soft targets, see
`soft_columns`. `<split>_weight.csv`, for EAT's `weights_file`, has one number per clip:
`sampling_weights(…, "ast")` of the exported clips.

Sizes come from the headers of the audio files or, without the audio, from the length of each clip
and a sample rate: an estimate, since a truncated file has fewer samples. EAT uses them to leave
short clips out and to batch clips of equal length.

Not possible: frames; a clip without a positive class, since the second word of each line is read;
and a path with a blank.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import to_arrow
from audiolabels.clips.names import EXTENSION
from audiolabels.errors import OptionError, extra
from audiolabels.exporters.clip_selection import (
    Rows,
    Selection,
    clip_lengths,
    drop_blank,
    name_after,
    select_clips,
    write_weights,
)
from audiolabels.exporters.hdf5 import keep_named
from audiolabels.exporters.soft_columns import soft_header
from audiolabels.exporters.written_files import Export
from audiolabels.files import real_path, refuse_other_classes, write_classes
from audiolabels.ontology.vocabulary import class_rows
from audiolabels.targets.targets import Targets


def write_eat(
    targets: Targets,
    path: str | Path,
    *,
    files: str = "{id}.wav",
    audio: str | Path | None = None,
    sample_rate: int | None = None,
    clip_duration: float | str | None = None,
) -> Export:
    """Write manifest, labels, unknown classes, weights, and `label_descriptors.csv`.

    Args:
        targets: N whole clips.
        path: the manifest, `<split>.tsv`.
        files: paths of the audio files, see `name_after`.
        audio: their folder, for the number of samples.
        sample_rate: in hertz, instead of `audio`.
        clip_duration: with `sample_rate`, seconds of clips of unknown length.

    Raises:
        OptionError: rows are frames, unsuitable `path` or `files`, neither or both sources of
            sizes, a missing length, no clip with audio, or another list of classes in the folder.
    """
    path = Path(path)
    if path.suffix != ".tsv":
        raise OptionError(f"{path}: EAT finds the manifest of a split by its name: end it in .tsv")
    if (audio is None) == (sample_rate is None):
        raise OptionError(
            "eat lists the number of samples of each file: give either the folder of the audio "
            "with --audio, or --sample-rate 16000 to estimate it from the lengths of the clips"
        )
    export, classes = Export(), class_rows(targets.vocabulary)[1:]
    class_file = path.with_name("label_descriptors.csv")
    refuse_other_classes(class_file, classes)
    clips = select_clips(targets, "eat", name_after(files), export, empty=False)
    clips = drop_blank(clips, export)
    if sample_rate is not None:
        if sample_rate < 1:
            raise OptionError(f"a sample rate of {sample_rate} Hz: give a positive number")
        length = clip_lengths(clips.targets, "eat", clip_duration)[clips.rows]
        root, sizes = "", length * sample_rate // 1000
        export.notes.append(f"sizes are lengths of clips times {sample_rate:,} Hz, not of files")
    else:
        root = str(real_path(str(audio)))
        clips, sizes = _measure(clips, Path(str(audio)), export)
    lengths = pc.cast(to_arrow(sizes), pa.string())
    export.write_columns(path, [root], [[clips.names, lengths]])
    for place, suffix in enumerate(["lbl", "masked", *soft_header(targets)]):
        columns = (
            [part.names, [*texts, *soft][place]]
            for part, *texts, soft in clips.columns(targets.vocabulary.ids, ",")
        )
        export.write_columns(path.with_suffix(f".{suffix}"), [], columns)
    write_weights(clips, path, export)
    export.files[class_file] = write_classes(class_file, classes, header=False)
    return export


def _measure(clips: Selection, folder: Path, export: Export) -> tuple[Selection, Rows]:
    """The clips with a non-empty file in a folder, and their numbers of samples."""
    if not folder.is_dir():
        raise OptionError(f"{folder}: no such folder of audio")
    found = sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if EXTENSION.search(file.name)
    )
    clips = keep_named(clips, found, export, place="folder")
    with ThreadPoolExecutor() as pool:
        files = [folder / name for name in clips.names.to_pylist()]
        sizes = np.array(list(pool.map(_count_samples, files)), np.int64)
    silent = clips.names.take(to_arrow(np.flatnonzero(sizes < 1)))
    export.leave_out("clips whose audio file cannot be read, or is empty", silent)
    return clips.take(np.flatnonzero(sizes > 0)), sizes[sizes > 0]


def _count_samples(file: Path) -> int:
    """Samples per channel from the file's header; 0 if it cannot be read.

    Raises:
        OptionError: soundfile is not installed.
    """
    with extra("audio", ", or give --sample-rate"):
        import soundfile
    try:
        return int(soundfile.info(str(file)).frames)
    except (soundfile.SoundFileError, OSError):
        return 0

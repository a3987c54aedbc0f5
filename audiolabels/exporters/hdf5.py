"""Labels in HDF5 with audio that stays in another HDF5 file.

PANNs and PaSST keep audio and target of a clip in one file, row by row. Here a new file has
`audio_name`, `target` and `mask`, and the audio of the old one: an external link if every clip of
it has a target, else a virtual data set of the rows of the clips that have. So rows correspond
whatever is missing, nothing is copied, and the old file is unchanged. Both name the old file
relative to the new one if possible. If it is gone, a link is an error, but HDF5 reads a virtual
data set as zeros without an error: keep the two together.

`mask` has the shape, type and packing of `target`; 1 is known. The attribute `classes` of both has
the ids in column order. Scores of soft targets are in a further data set, `soft`, float16 (N, C),
since readers expect bits in `target`.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import places_in, text_buffers, texts_to_arrow, to_arrow
from audiolabels.clips.index import ClipFinder
from audiolabels.clips.names import canonical_ids, videos_of
from audiolabels.errors import OptionError, extra, guarded
from audiolabels.exporters.clip_selection import (
    ROWS,
    Rows,
    Selection,
    name_after,
    reorder_classes,
    select_clips,
)
from audiolabels.exporters.soft_columns import BinarisedTargets
from audiolabels.exporters.written_files import Export
from audiolabels.files import atomic_path, blame, real_path
from audiolabels.readers.opening import hdf5_data
from audiolabels.targets.targets import Targets

LONGEST_NAME = 20  # bytes of `audio_name`

Flags = npt.NDArray[np.bool_]
Values = tuple[npt.NDArray[Any], npt.NDArray[Any]]
Encode = Callable[[Targets, Rows], Values]


def import_h5py() -> Any:
    """The module h5py.

    Raises:
        OptionError: it is not installed.
    """
    with extra("hdf5"):
        import h5py
    return h5py


@contextmanager
def open_audio(path: str | Path, needed: tuple[str, ...]) -> Iterator[Any]:
    """An HDF5 file with audio, open for reading.

    Raises:
        OptionError: it is missing or broken, or lacks one of the data sets.
    """
    h5py = import_h5py()
    with guarded(str(path), OptionError, "cannot be read as HDF5"), h5py.File(path, "r") as file:
        lacking = [name for name in needed if name not in file]
        if lacking:
            raise OptionError(
                f"{path}: no data set {lacking[0]!r}; it has: {', '.join(file) or 'none'}"
            )
        for name in needed:
            hdf5_data(file, name)
        yield file


def write_hdf5(
    targets: Targets,
    path: str | Path,
    *,
    form: str,
    sound: str,
    extension: str,
    encode: Encode,
    audio: str | Path | None,
) -> Export:
    """Write labels, with the audio of another file if one is given.

    Args:
        targets: N whole clips of the 527 classes, in any order.
        form: name of the format, for messages.
        sound: name of the data set with the audio.
        extension: of the names.
        encode: targets and rows (K,) to target and mask, arrays of K rows.
        audio: an HDF5 file with `audio_name` and `sound`, which determines the order of the rows.

    Raises:
        OptionError: rows are frames, h5py is not installed, or the audio file is unsuitable.
    """
    h5py = import_h5py()
    export, path = Export(), Path(path)
    if audio is not None and real_path(audio) == real_path(path):
        raise OptionError(f"{path}: the audio file, which must stay; write to another name")
    targets = reorder_classes(targets, form)
    clips = select_clips(targets, form, name_after(f"Y{{id}}{extension}"), export, empty=True)
    clips = clips.keep(
        rf"(?s)[^ -~]|.{{{LONGEST_NAME + 1}}}",
        lambda name: len(name.encode()) <= LONGEST_NAME,
        f"clips whose name has more than {LONGEST_NAME} bytes",
        export,
    )
    with atomic_path(path) as partial, blame(path), h5py.File(partial, "w") as file:
        if audio is None:
            padded = pc.ascii_rpad(clips.names, LONGEST_NAME, "\0")
            text = text_buffers(padded)[1][: LONGEST_NAME * len(clips)]
            names = text.reshape(-1, LONGEST_NAME).view(f"S{LONGEST_NAME}")[:, 0]
            export.notes.append(f"no audio: {sound!r} is not written; name its file with --audio")
        else:
            with open_audio(audio, ("audio_name", sound)) as source:
                if len(source["audio_name"]) != len(source[sound]):
                    raise OptionError(f"{audio}: 'audio_name' and {sound!r} differ in length")
                clips, kept = _match(clips, source["audio_name"], export)
                names = source["audio_name"][:][kept]
                file.attrs.update(source.attrs)
                _link(file, source[sound], kept, path)
        file["audio_name"] = names
        _write_values(file, clips, encode)
    export.files[path] = len(clips)
    return export


def _match(clips: Selection, audio_names: Any, export: Export) -> tuple[Selection, Rows]:
    """The clips that have audio in the order of the audio file, and their rows in it."""
    ids = clips.targets.clip_id.take(to_arrow(clips.rows))
    place = match_clips(audio_names, ids, export)
    kept = np.flatnonzero(place >= 0)
    return clips.take(place[kept]), kept


def match_clips(audio_names: Any, clip_ids: pa.StringArray, export: Export) -> Rows:
    """The clip of each row of an audio file, by the rule of `audiolabels.clips.index`.

    Args:
        audio_names: HDF5 data set of bytes (A,).
        clip_ids: string (K,), of the targets.
        export: where clips on only one side are counted and named.

    Returns:
        int64 (A,); -1 where the targets lack the clip.

    Raises:
        OptionError: no clip is in both.
        UnknownClipError: a name in the audio file could mean several clips.
    """
    names = texts_to_arrow([name.decode("utf-8", "replace") for name in audio_names[:].tolist()])
    place = ClipFinder(clip_ids).find(names)
    has_audio = np.isin(np.arange(len(clip_ids)), place)
    report_unmatched(_videos(names), _videos(clip_ids), place >= 0, has_audio, export, "file")
    return place


def keep_named(
    clips: Selection, audio_names: Iterable[str], export: Export, *, place: str = "file"
) -> Selection:
    """The clips with audio under exactly the names that the form gives them.

    Args:
        clips: of the targets.
        audio_names: names of the audio.
        export: where clips on only one side are counted and named.
        place: what holds the audio, for messages.

    Raises:
        OptionError: no name is in both.
    """
    names = texts_to_arrow(list(audio_names))
    has_target, has_audio = places_in(names, clips.names) >= 0, places_in(clips.names, names) >= 0
    report_unmatched(names, clips.names, has_target, has_audio, export, place)
    return clips.take(np.flatnonzero(has_audio))


def report_unmatched(
    audio_names: pa.StringArray,
    clips: pa.StringArray,
    has_target: Flags,
    has_audio: Flags,
    export: Export,
    place: str,
) -> None:
    """Count and name in `export` the clips that only the targets or only the audio have.

    Raises:
        OptionError: no clip is in both.
    """
    if not has_target.any():
        raise OptionError(
            f"no clip of the audio {place} has a target: it has {_some(audio_names)}, the targets "
            f"{_some(clips)}"
        )
    for reason, names, found in (
        (f"clips of the audio {place} without targets", audio_names, has_target),
        ("targets without audio", clips, has_audio),
    ):
        export.leave_out(reason, names.take(to_arrow(np.flatnonzero(~found))))


def keep_with_audio(clips: Selection, audio: str | Path | None, export: Export) -> Selection:
    """The clips with a data set of their name in an HDF5 file; without a file all, with a note.

    Raises:
        OptionError: the file is missing or broken, or has none of them.
    """
    if audio is None:
        export.notes.append("no audio: 'hdf5path' is not written; name its file with --audio")
        return clips
    with open_audio(audio, ()) as file:
        return keep_named(clips, file, export)


def _some(names: pa.StringArray) -> str:
    return f"{', '.join(names.slice(0, 2).to_pylist())} …" if len(names) else "none"


def _videos(names: pa.StringArray) -> pa.StringArray:
    return videos_of(canonical_ids(names, of_video=True))


def _link(file: Any, sound: Any, kept: Rows, path: Path) -> None:
    """Link the chosen rows of a data set of another file into `file`, the future `path`."""
    h5py = import_h5py()
    source = real_path(sound.file.filename)
    try:
        where = os.path.relpath(source, real_path(path).parent)
    except ValueError:  # another drive
        where = str(source)
    name = sound.name.lstrip("/")
    if len(kept) == len(sound):
        file[name] = h5py.ExternalLink(where, sound.name)
        return
    layout = h5py.VirtualLayout((len(kept), *sound.shape[1:]), sound.dtype)
    rows = h5py.VirtualSource(where, sound.name, sound.shape, sound.dtype)
    breaks = np.flatnonzero(np.diff(kept) != 1) + 1
    bounds = [0, *breaks.tolist(), len(kept)]
    for start, stop in itertools.pairwise(bounds):
        first = int(kept[start])
        layout[start:stop] = rows[first : first + stop - start]
    made = file.create_virtual_dataset(name, layout)
    made.attrs.update(sound.attrs)


def _write_values(file: Any, clips: Selection, encode: Encode) -> None:
    """`target`, `mask` and, for soft targets, `soft`, some thousands of rows at a time."""
    ids = np.array(clips.targets.vocabulary.ids, "S")
    for name, none in _values(clips.targets, clips.rows[:0], encode).items():
        made = file.create_dataset(name, (len(clips), none.shape[1]), none.dtype)
        made.attrs["classes"] = ids
    for start in range(0, len(clips), ROWS):
        part = slice(start, start + ROWS)
        for name, values in _values(clips.targets, clips.rows[part], encode).items():
            file[name][part] = values


def _values(targets: Targets, rows: Rows, encode: Encode) -> dict[str, npt.NDArray[Any]]:
    target, mask = encode(targets, rows)
    soft = {"soft": targets.scores(rows)} if isinstance(targets, BinarisedTargets) else {}
    return {"target": target, "mask": mask, **soft}

"""Label members for the samples of a webdataset: a tar of JSON files named by their keys.

Format: `<key>.json`, with the labels joined by `;` in a field, as X-ARES reads them, `masked`, the
unknown classes joined likewise, and for soft targets `soft`, see `soft_columns`, in the order of
`class_labels_indices.csv`. Any vocabulary works. Members have no time and no owner, so equal
targets make equal files.

webdataset cuts the name of a member at the first dot after the last slash, and what is before it is
the key: `a_30.000.wav` has the key `a_30`. A key with a dot would be cut; an option decides what
becomes of it.

Not possible: frames, a clip without a positive class (X-ARES looks an empty text up as a class),
and names that webdataset skips.
"""

import io
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.errors import OptionError, choose, shortlist
from audiolabels.exporters.clip_selection import (
    Name,
    Rows,
    Selection,
    name_after,
    refuse_labels,
    select_clips,
)
from audiolabels.exporters.soft_columns import soft_header
from audiolabels.exporters.written_files import Export
from audiolabels.files import atomic_path, blame, refuse_other_classes, write_classes
from audiolabels.ontology.vocabulary import class_rows
from audiolabels.targets.targets import Targets

DOTS = ("refuse", "cut", "underscore")
KEY = re.compile(r"(?!__[^/]*__/)([^\0]*/)?[^/\0]+")  # others are skipped, or not stored whole


def write_webdataset(
    targets: Targets,
    path: str | Path,
    *,
    keys: str = "{clip}",
    dots: str = "refuse",
    field: str = "labels",
    names: bool = False,
) -> Export:
    """Write the tar and `class_labels_indices.csv`.

    Args:
        targets: N whole clips.
        path: ends in `.tar`.
        keys: the keys of the samples, see `name_after`.
        dots: what becomes of a key with a dot: `refuse` all; `cut` it where webdataset cuts the
            name of such an audio file; or write `_` for each dot, `underscore`.
        field: the key of the labels in the JSON.
        names: display names as labels, not ids.

    Raises:
        OptionError: rows are frames, unsuitable `path`, `keys`, `field` or labels, a key with a
            dot, or another list of classes in the folder.
    """
    path, vocabulary = Path(path), targets.vocabulary
    if path.suffix != ".tar":
        raise OptionError(f"{path}: a webdataset is a tar file: end it in .tar")
    if field in ("masked", "soft"):
        raise OptionError(f"field {field!r} holds something else; name the labels otherwise")
    export, classes = Export(), class_rows(vocabulary)
    labels = vocabulary.names if names else vocabulary.ids
    refuse_labels(labels, ";", "webdataset")
    class_file = path.with_name("class_labels_indices.csv")
    refuse_other_classes(class_file, classes)
    changed: dict[str, str] = {}
    name = _keyed(name_after(keys), choose("dots", dots, DOTS), changed)
    clips = select_clips(targets, "webdataset", name, export, empty=False)
    if changed:
        shown = shortlist(changed.items(), 2, lambda pair: " → ".join(pair))
        export.notes.append(f"{len(changed):,} keys had a dot: {shown}")
    clips = clips.keep(
        lambda name: bool(KEY.fullmatch(name)), "clips whose name webdataset skips", export
    )
    with (
        atomic_path(path) as partial,
        blame(path),
        tarfile.open(partial, "w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for key, content in _members(clips, labels, field):
            member = tarfile.TarInfo(f"{key}.json")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    export.files[path] = len(clips)
    export.files[class_file] = write_classes(class_file, classes)
    return export


def _keyed(name: Name, dots: str, changed: dict[str, str]) -> Name:
    """Keys without dots; those that had one are noted in `changed`."""

    def key(full: str, clip_id: str) -> str:
        folder, slash, last = full.rpartition("/")
        if "." not in last:
            return full
        if dots == "refuse":
            raise OptionError(
                f"key {full!r} of clip {clip_id!r} has a dot, at which webdataset cuts it; choose "
                f"--dots cut, as it cuts the names of audio files, or --dots underscore"
            )
        made = last.partition(".")[0] if dots == "cut" else last.replace(".", "_")
        changed[full] = f"{folder}{slash}{made}"
        return changed[full]

    def keys(clip_id: pa.StringArray, rows: Rows) -> pa.StringArray:
        names = name(clip_id, rows).to_pylist()
        return texts_to_arrow(list(map(key, names, clip_id.to_pylist())))

    return keys


def _members(clips: Selection, labels: tuple[str, ...], field: str) -> Iterator[tuple[str, bytes]]:
    soft = soft_header(clips.targets)
    for _, key, positive, unknown, scores in clips.cells(labels, ";"):
        entry = {field: positive, "masked": unknown, **dict(zip(soft, scores, strict=True))}
        yield key, json.dumps(entry, ensure_ascii=False).encode()

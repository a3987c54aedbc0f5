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

import re
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import text_buffers, texts_to_arrow, to_bools, to_numpy
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
from audiolabels.exporters.text_columns import (
    Chosen,
    gather,
    join,
    json_object,
    spell,
)
from audiolabels.exporters.written_files import Export
from audiolabels.files import refuse_other_classes, write_blocks, write_classes
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
    reason = "clips whose name webdataset skips"
    clips = clips.keep(r"^$|\x00|/$|^__", lambda name: bool(KEY.fullmatch(name)), reason, export)
    write_blocks(path, _tar(_members(clips, labels, field)))
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
        names = name(clip_id, rows)
        dotted = pc.match_substring(names, ".")
        pairs = (texts.filter(dotted).to_pylist() for texts in (names, clip_id))
        return pc.replace_with_mask(names, dotted, texts_to_arrow(list(map(key, *pairs))))

    return keys


def _tar(members: Iterable[memoryview]) -> Iterator[bytes | memoryview]:
    size = 0
    for block in members:
        size += len(block)
        yield block
    yield bytes(2 * tarfile.BLOCKSIZE + -(size + 2 * tarfile.BLOCKSIZE) % tarfile.RECORDSIZE)


def _members(clips: Selection, labels: tuple[str, ...], field: str) -> Iterator[memoryview]:
    """Headers and contents, as tarfile writes them: headers differ in name, size and checksum."""
    keys = (field, "masked", *soft_header(clips.targets))
    blank = tarfile.TarInfo().tobuf(tarfile.PAX_FORMAT).decode()
    for part, positive, unknown, soft in clips.columns(labels, ";"):
        entry = json_object(dict(zip(keys, [positive, unknown, *soft], strict=True)))
        texts = (cells.texts if isinstance(cells, Chosen) else cells for cells in entry)
        content = join(*texts)
        sizes = to_numpy(pc.binary_length(content)).tolist()
        octal = [f"{size:011o}" for size in sizes]
        ends = texts_to_arrow(["\0" * (-size % tarfile.BLOCKSIZE) for size in sizes])
        names, sums = _names(part.names)
        sums += np.array([sum(map(int, digits)) for digits in octal])[part.which]
        size, content = (
            Chosen(cells, part.which) for cells in (texts_to_arrow(octal), join(content, ends))
        )
        checksum = spell(sums + int(blank[148:154], 8), "{:06o}".format)
        yield from gather(
            [names, blank[100:124], size, blank[135:148], checksum, blank[154:], content]
        )


def _names(keys: pa.StringArray) -> tuple[pa.StringArray, Rows]:
    """The names of members, 100 bytes of their headers and what is before, and the bytes' sums."""
    names, longest = join(keys, ".json"), tarfile.LENGTH_NAME
    odd = pc.match_substring_regex(names, rf"(?s)[^\x00-\x7f]|.{{{longest + 1}}}")
    padded = pc.ascii_rpad(pc.if_else(odd, texts_to_arrow([""])[0], names), longest, "\0")
    text = text_buffers(padded)[1][: longest * len(keys)]
    sums = text.reshape(-1, longest).sum(1, dtype=np.int64)
    headers = [
        tarfile.TarInfo(name).tobuf(tarfile.PAX_FORMAT)[: longest - tarfile.BLOCKSIZE]
        for name in names.filter(odd).to_pylist()
    ]
    sums[to_bools(odd)] = [sum(header[-longest:]) for header in headers]
    texts = texts_to_arrow([header.decode() for header in headers])
    return pc.replace_with_mask(padded, odd, texts), sums

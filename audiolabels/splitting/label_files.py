"""Label files split by a class of the ontology, and written as label files."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from audiolabels.arrays.columns import whole_ms
from audiolabels.clips.names import STARTED, VIDEO, parse_clip_name
from audiolabels.clips.partition import draw_parts
from audiolabels.errors import OptionError, shortlist
from audiolabels.files import (
    atomic_path,
    plain,
    quote,
    refuse_overwriting,
    seconds,
    together,
    write_classes,
    write_rows,
)
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Report
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import class_rows, load_vocabulary
from audiolabels.readers import read_labels
from audiolabels.splitting.by_class import Split, split_by_root

PARTS = ("train", "validation", "test")
ENDINGS = (".csv", ".parquet")


@dataclass
class SplitFiles:
    """Result of `split_files`.

    Attributes:
        split: the two sides.
        report: of reading the files.
        clips: label files written, and the clips in each.
        classes: lists of classes written, and the classes in each.
    """

    split: Split
    report: Report
    clips: dict[Path, int] = field(default_factory=dict)
    classes: dict[Path, int] = field(default_factory=dict)


@together()
def split_files(
    paths: Sequence[Path],
    root: str,
    *,
    base: Path,
    target: Path,
    vocabulary: str | Path | None = None,
    ontology: Ontology | None = None,
    shares: Sequence[float] | None = None,
    seed: int = 0,
    **reading: Any,
) -> SplitFiles:
    """Split label files into a base and a target; see `split_by_root`.

    The classes of `base.csv` are listed in `base.classes.csv`, for `load_vocabulary`; likewise for
    the target. An existing list must be equal.

    Args:
        paths: label files.
        root: id or name of the dividing class.
        base, target: label files to write; see `write_labels`.
        vocabulary: its classes are divided; None: see `load_vocabulary`.
        ontology: the embedded one with its supplement by default.
        shares: of train, validation and test; with them `base.csv` becomes `base.train.csv`,
            `base.validation.csv` and `base.test.csv`, likewise the target. See `draw_parts`.
        seed: for the shares.
        **reading: how label files are read: see `read_labels`.

    Raises:
        OptionError: not three shares, an output is an input or another output, or an existing list
            has other classes; see also `split_by_root`.
        TargetsFileError: a file cannot be written.
        AudioLabelsError: see `read_labels` and `split_by_root`.
    """
    if shares is not None and len(shares) != len(PARTS):
        raise OptionError(f"{len(shares)} shares; give one for each of {', '.join(PARTS)}")
    files = [
        [path.with_suffix(f".{part}{path.suffix}") for part in PARTS] if shares else [path]
        for path in (base, target)
    ]
    lists = [path.with_suffix(".classes.csv") for path in (base, target)]
    refuse_overwriting(paths, [*files[0], *files[1], *lists])
    check_name(base)
    check_name(target)
    ontology = default_ontology(ontology)
    classes = load_vocabulary(vocabulary, ontology=ontology)
    labels = read_labels(paths, ontology=ontology, **reading)
    split = split_by_root(labels, root, vocabulary=classes)
    done = SplitFiles(split, labels.report)
    for path, own in zip(lists, (split.base_vocabulary, split.target_vocabulary), strict=True):
        done.classes[path] = write_classes(path, class_rows(own))
    for side, clips in zip(files, (split.base, split.target), strict=True):
        part = draw_parts(clips.clip_id, shares, seed=seed) if shares else np.zeros(len(clips))
        for number, path in enumerate(side):
            done.clips[path] = write_labels(clips.take(np.flatnonzero(part == number)), path)
    return done


def check_name(path: str | Path) -> None:
    """Raise OptionError for a name that ends as those of formats that are not written do."""
    if Path(path).suffix.casefold() not in (*ENDINGS, ""):
        raise OptionError(f"{path}: labels are written as {' or '.join(ENDINGS)}; end its name so")


def write_labels(annotations: Annotations, path: str | Path) -> int:
    """Write labels of clips to a file for `read_labels`; returns the number of clips.

    The format is AudioSet's segments if every clip is a part of a YouTube video, of known length;
    else CSV with `clip_id` and `labels`, and times if all are known and no id is a bare video id,
    whose times would be read as positions in the video. Labels are ids. Verified empty clips cannot
    be expressed: they are read back as unannotated. A name that ends in `.parquet` makes the table
    of `Annotations.to_arrow`, which holds all.

    Raises:
        OptionError: another ending; an id would be read back as another, or values, absences or
            what the clips were annotated for would be lost.
        TargetsFileError: the file cannot be written; an existing one is unchanged.
    """
    check_name(path)
    ids = annotations.clip_id.to_pylist()
    odd = [
        clip
        for clip in ids
        if parse_clip_name(clip).clip_id != clip or clip[:1] == "#" or not clip.isprintable()
    ]
    if odd:
        raise OptionError(
            f"{path}: clip ids that would be read back as others: {shortlist(odd)}; leave out "
            f"their prefix, or rename them"
        )
    if Path(path).suffix.casefold() == ".parquet":
        with atomic_path(path) as partial:
            pq.write_table(annotations.to_arrow(), partial)
        return len(ids)
    sets = annotations.sets
    if annotated_further := [
        what
        for what, there in (
            ("values", sets.values is not None),
            (
                "absent, unsure or judged classes",
                any(own and len(own.classes) for own in (sets.absent, sets.unsure, sets.judged)),
            ),
            ("the classes that the clips were annotated for", annotations.annotated is not None),
        )
        if there
    ]:
        raise OptionError(
            f"{path}: the labels have {', and '.join(annotated_further)}, which this "
            f"format would lose; write a .parquet file"
        )
    # Times of a bare video id are read as positions in the video.
    timed = not annotations.offset.null_count and not any(map(VIDEO.fullmatch, ids))
    onset, offset = (
        whole_ms(times.fill_null(0.0)).tolist() for times in (annotations.onset, annotations.offset)
    )
    segments = timed and not any(onset) and all(re.match(STARTED, clip) for clip in ids)

    def rows() -> Iterator[str]:
        if segments:
            yield f"# num_segs={len(ids)}"
            yield "# YTID, start_seconds, end_seconds, positive_labels"
        else:
            yield "clip_id,start_seconds,end_seconds,labels" if timed else "clip_id,labels"
        for row, clip in enumerate(ids):
            labels = quote(",".join(_given(annotations, row)))
            if segments:
                start = int(clip[12:])
                times = f"{seconds(start)}, {seconds(start + offset[row])}"
                yield f"{clip[:11]}, {times}, {labels}"
            elif timed:
                yield f"{plain(clip)},{seconds(onset[row])},{seconds(offset[row])},{labels}"
            else:
                yield f"{plain(clip)},{labels}"

    write_rows(path, rows())
    return len(ids)


def _given(annotations: Annotations, row: int) -> list[str]:
    chosen = int(annotations.set_of_clip[row])
    start, stop = annotations.sets.offsets[chosen : chosen + 2]
    return [annotations.ontology.ids[c] for c in annotations.sets.classes[start:stop].tolist()]

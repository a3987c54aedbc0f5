"""Subsets of labelled clips: a share of all recordings, or so many clips per class.

Source: Dinkel et al. 2022, §3.1, Aud-300h: at most 200 clips per class, with the balanced set;
Hershey et al. 2021, figure 3, shares of the strongly labelled clips. What the papers leave open is
fixed here: which clips are taken depends on a hash of the recording with the seed
(`clips.partition`) and, per class, on the labels, but not on the order of rows.

Per class, each clip is a candidate for its rarest label alone. From the rarest class to the most
frequent, ties by the ontology's order, a class takes candidates until N of the clips taken have it.
So it has more than N clips only if that many were taken for rarer classes or always, and fewer only
if all of its candidates are taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.columns import to_numpy
from audiolabels.clips.index import MISSING, ClipFinder
from audiolabels.clips.partition import in_subset, subset_order
from audiolabels.errors import OptionError, expect
from audiolabels.files import refuse_overwriting
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.report import Report
from audiolabels.options import Options, option, portion, whole_number
from audiolabels.readers import read_labels
from audiolabels.splitting.label_files import check_name, write_labels

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SubsetOptions(Options):
    """Which clips a subset has."""

    per_class: int | None = option(
        None,
        "Clips per class at most; a class has more where they are kept for rarer classes.",
        check=whole_number, metavar="N",
    )  # fmt: skip
    share: float | None = option(
        None, "Share of the recordings.", check=partial(portion, above=True), metavar="SHARE"
    )
    seed: int = option(
        0, "Another seed draws other clips.", check=partial(whole_number, least=0), metavar="N"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.per_class is None) == (self.share is None):
            raise OptionError("give either a number of clips per class (--per-class 200) or a "
                              "share of the recordings (--share 0.1)")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Subset:
    """Result of `draw_subset`.

    Attributes:
        labels: the rows of the clips that are kept, in their order.
        report: how the labels were read.
        clips: clips before; rows of one clip count once.
        kept: clips kept.
        always: of these, clips that are kept in any case.
        not_found: clips to be kept in any case that are not among the labels.
        clips_by_class, kept_by_class: int64 (K,): clips with each class of the ontology.
    """

    labels: Annotations
    report: Report
    clips: int
    kept: int
    always: int
    not_found: int
    clips_by_class: Ints
    kept_by_class: Ints

    def __repr__(self) -> str:
        return f"Subset({self.kept:,} of {self.clips:,} clips, {self.always:,} kept in any case)"


def draw_subset(
    labels: Annotations, *, always: Annotations | None = None, **options: Any
) -> Subset:
    """Some of the clips, the same ones in whatever order.

    A smaller share is part of a larger one of the same seed.

    Args:
        labels: N rows; all rows of a clip are kept or not. Only given labels count, not what they
            imply. A clip without any is kept by share, but for no class.
        always: clips that are kept in any case; their own labels do not matter.
        **options: those of `SubsetOptions`: `per_class` or `share`, and `seed`.

    Raises:
        OptionError: neither or both of `per_class` and `share`, a value out of range, or nothing is
            left.
        UnknownClipError: a clip of `always` could mean several of the labelled ones.

    >>> clips = {f"clip{n}": ["Rain"] for n in range(10)} | {"rare": ["Rain", "Dog"]}
    >>> subset = draw_subset(Annotations.from_dict(clips), per_class=3)
    >>> subset
    Subset(3 of 11 clips, 0 kept in any case)
    >>> "rare" in subset.labels
    True
    """
    expect("labels", labels, Annotations, "annotations, as read_labels makes them")
    chosen = SubsetOptions(**options)
    ids = labels.clip_id.dictionary_encode()
    clip, count = to_numpy(ids.indices).astype(np.int64), len(ids.dictionary)
    sets = labels.sets.take(labels.set_of_clip).united(clip, count)
    kept, not_found = np.zeros(count, np.bool_), 0
    if always is not None:
        rows = ClipFinder(ids.dictionary).find(always.clip_id.unique())
        kept[rows[rows != MISSING]] = True
        not_found = int((rows == MISSING).sum())
    certain = int(kept.sum())
    if chosen.share is not None:
        kept |= in_subset(ids.dictionary, chosen.share, seed=chosen.seed)
    else:
        assert chosen.per_class is not None
        order = subset_order(ids.dictionary, seed=chosen.seed)
        kept = take_per_class(sets, order, chosen.per_class, kept)
    if not kept.any():
        raise OptionError(f"none of the {count:,} clips is in the subset: ask for more")
    classes = len(labels.ontology)
    return Subset(
        labels.take(np.flatnonzero(kept[clip])),
        labels.report,
        count,
        int(kept.sum()),
        certain,
        not_found,
        np.bincount(sets.classes, minlength=classes),
        np.bincount(sets.classes[kept[sets.owners]], minlength=classes),
    )


def take_per_class(sets: LabelSets, order: Ints, most: int, kept: Flags) -> Flags:
    """The clips that are taken when each class takes the candidates that it lacks.

    Args:
        sets: the labels of each of N clips.
        order: int64 (N,): the clips in the order in which they are taken.
        most: clips per class.
        kept: bool (N,): clips that are taken already.
    """
    number = np.bincount(sets.classes)
    rank = np.empty(len(number), np.int64)  # the rarest class first
    rank[np.argsort(number, kind="stable")] = np.arange(len(number))
    rarest = np.full(len(sets), len(number))
    np.minimum.at(rarest, sets.owners, rank[sets.classes])
    candidates = order[np.argsort(rarest[order], kind="stable")]
    bounds = np.searchsorted(rarest[candidates], np.arange(len(number) + 1))
    taken, have = kept.copy(), np.bincount(sets.classes[kept[sets.owners]], minlength=len(number))
    for place in range(len(number)):
        own = candidates[bounds[place] : bounds[place + 1]]
        class_ = np.flatnonzero(rank == place)[0]
        own = own[~taken[own]][: max(0, most - have[class_])]
        taken[own] = True
        have += np.bincount(sets.take(own).classes, minlength=len(number))
    return taken


def subset_files(
    paths: Sequence[Path],
    output: str | Path,
    *,
    always: Sequence[Path] = (),
    per_class: int | None = None,
    share: float | None = None,
    seed: int = 0,
    **reading: Any,
) -> Subset:
    """Read label files and write a subset of their clips; see `draw_subset`.

    Args:
        paths: label files.
        output: the label file to write; see `write_labels`.
        always: label files of the clips that are kept in any case.
        per_class, share, seed: as for `draw_subset`.
        **reading: how all label files are read: see `read_labels`.

    Raises:
        OptionError: the output is an input, or would lose what the labels hold; see `draw_subset`.
        TargetsFileError: the output cannot be written.
        AudioLabelsError: see `read_labels`.
    """
    SubsetOptions(per_class=per_class, share=share, seed=seed)
    refuse_overwriting([*paths, *always], [Path(output)])
    check_name(output)
    labels = read_labels(paths, **reading)
    kept = read_labels(always, **reading) if always else None
    subset = draw_subset(labels, always=kept, per_class=per_class, share=share, seed=seed)
    write_labels(subset.labels, output)
    return subset

"""Which clips a format can hold, and under which names.

A clip's id is `<11 characters>_<start ms>`; most formats store the 11 characters alone. Two clips
of one video then share a name, which no reader could resolve: they are left out, and counted.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import texts_to_arrow, to_arrow, to_numpy, whole_ms
from audiolabels.arrays.grid import Ms, seconds_to_ms
from audiolabels.clips.names import videos_of
from audiolabels.errors import OptionError, VocabularyError, shortlist
from audiolabels.exporters.soft_columns import BinarisedTargets, soft_texts
from audiolabels.exporters.written_files import Export
from audiolabels.files import write_rows
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.targets.sampling import weigh_clips
from audiolabels.targets.targets import SoftTargets, Targets

ROWS = 1 << 14  # clips whose targets are unpacked at a time

Rows = npt.NDArray[np.int64]
AnyTargets = TypeVar("AnyTargets", Targets, SoftTargets)
Cells = tuple[int, str, str, str, tuple[str, ...]]
LabelColumns = tuple[pa.StringArray, pa.StringArray]
Columns = tuple[Rows, pa.StringArray, pa.StringArray, pa.StringArray, list[pa.StringArray]]
Name = Callable[[pa.StringArray, Rows], pa.StringArray]  # ids and rows to names in a format


@dataclass(frozen=True, eq=False)
class Selection:
    """The clips, or segments, that are exported.

    Attributes:
        targets: N rows.
        rows: int64 (K,): the exported rows, in order.
        names: string (K,): their names in the format.
    """

    targets: Targets
    rows: Rows
    names: pa.StringArray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, which: Rows) -> "Selection":
        """The clips at these positions, in that order."""
        return Selection(self.targets, self.rows[which], self.names.take(to_arrow(which)))

    def blocks(self) -> Iterator[tuple[Rows, list[str]]]:
        """Rows and names, some thousands at a time."""
        for start in range(0, len(self), ROWS):
            yield self.rows[start : start + ROWS], self.names.slice(start, ROWS).to_pylist()

    def label_columns(self, labels: Sequence[str], separator: str) -> Iterator[LabelColumns]:
        """Joined positive and unknown classes, some thousands at a time.

        Where few label sets differ, each is joined once.
        """
        sets = self.targets.row_of_clip[self.rows]
        used, first = np.unique(sets, return_index=True)
        few = len(used) <= ROWS
        if few:
            joined = label_texts(self.targets, self.rows[first], labels, separator)
        for start in range(0, len(self), ROWS):
            part = slice(start, start + ROWS)
            if few:
                which = to_arrow(np.searchsorted(used, sets[part]))
                yield joined[0].take(which), joined[1].take(which)
            else:
                yield label_texts(self.targets, self.rows[part], labels, separator)

    def columns(self, labels: Sequence[str], separator: str) -> Iterator[Columns]:
        """Rows, names, `label_columns` and `soft_texts`, some thousands at a time."""
        for number, texts in enumerate(self.label_columns(labels, separator)):
            rows = self.rows[number * ROWS : (number + 1) * ROWS]
            names = self.names.slice(number * ROWS, ROWS)
            yield rows, names, *texts, soft_texts(self.targets, rows)

    def cells(self, labels: Sequence[str], separator: str) -> Iterator[Cells]:
        """The same row by row."""
        for rows, *texts, soft in self.columns(labels, separator):
            texts = [column.to_pylist() for column in texts]
            scores = list(zip(*(column.to_pylist() for column in soft), strict=True))
            yield from zip(rows.tolist(), *texts, scores or [()] * len(rows), strict=True)

    def keep(self, fits: Callable[[str], bool], reason: str, export: Export) -> "Selection":
        """The clips with a suitable name; the others are counted and named in `export`."""
        fit = np.array([fits(name) for name in self.names.to_pylist()], np.bool_)
        export.leave_out(reason, self.names.take(to_arrow(np.flatnonzero(~fit))))
        return self if fit.all() else self.take(np.flatnonzero(fit))


def name_after(pattern: str) -> Name:
    """File names after a pattern with `{id}` (see `videos_of`) or `{clip}` (the whole id).

    Raises:
        OptionError: the pattern has neither.

    >>> name_after("audio/Y{id}.flac")(pa.array(["s9d-2nhuJCQ_30000"]), np.zeros(1, int))[0].as_py()
    'audio/Ys9d-2nhuJCQ.flac'
    """
    if "{id}" not in pattern and "{clip}" not in pattern:
        raise OptionError(f"{pattern!r}: a name needs {{id}} or {{clip}} in it")
    parts = re.split(r"(\{id\}|\{clip\})", pattern)

    def names(clip_id: pa.StringArray, _: Rows) -> pa.StringArray:
        known = {"{id}": videos_of(clip_id), "{clip}": clip_id}
        return pc.binary_join_element_wise(*(known.get(part, part) for part in parts), "")

    return names


def are_segments(targets: Targets | SoftTargets) -> bool:
    """Whether rows are frames or other parts of clips."""
    if "frame_hop" in targets.metadata.get("options", {}):
        return True
    return bool(to_numpy(targets.onset.drop_null()).any())


def clip_lengths(targets: Targets, form: str, clip_duration: float | str | None) -> Ms:
    """Length of each row's clip in milliseconds, int64 (N,).

    Args:
        targets: N clips or segments.
        form: name of the format, for messages.
        clip_duration: seconds, for segments and for clips of unknown length.

    Raises:
        OptionError: a length is missing, or a segment begins after the end of its clip.
    """
    segments = are_segments(targets)
    if clip_duration is None and (targets.offset.null_count or segments):
        raise OptionError(
            f"{form} needs the length of each clip, which these targets lack: give it with "
            f"--clip-duration 10 (clip_duration=10)"
        )
    given = 0 if clip_duration is None else seconds_to_ms(clip_duration, "a clip")
    if segments and (to_numpy(targets.onset) * 1000 >= given).any():
        raise OptionError(f"clips of {clip_duration} seconds: some segments begin later")
    if segments:
        return np.full(len(targets), given, np.int64)
    return whole_ms(targets.offset.fill_null(given / 1000))


def reorder_classes(targets: AnyTargets, form: str, named: str = "audioset") -> AnyTargets:
    """The targets with the columns in the order that the format requires.

    Raises:
        VocabularyError: other classes.
    """
    own, wanted = targets.vocabulary, load_vocabulary(named)
    if own.ids == wanted.ids:
        return targets
    lacking, foreign = wanted.missing_from(own), own.missing_from(wanted)
    if lacking or foreign:
        some = [f"lacks {len(lacking)}: {shortlist(lacking, 3)}"] if lacking else []
        some += [f"has {len(foreign)} others: {shortlist(foreign, 3)}"] if foreign else []
        raise VocabularyError(
            f"{form} is read with the {len(wanted)} classes of {named!r}; vocabulary {own.name!r} "
            f"{' and '.join(some)}. Expand with --vocabulary {named}"
        )
    return targets.select(wanted)


def select_clips(
    targets: Targets, form: str, name: Name, export: Export, *, empty: bool, unit: str = "clips"
) -> Selection:
    """The clips that a format can hold; the others are counted and named in `export`.

    Clips without any known target are always left out: without a mask they would be negative
    throughout, with one they would have no effect.

    Args:
        targets: N rows.
        form: name of the format, for messages.
        name: a clip's name in the format.
        export: counts the others.
        empty: whether the format can hold a clip without a positive class.
        unit: what the format holds: whole `clips`; `segments`, which share names; or clips of
            `frames`, the first of which is selected.

    Raises:
        OptionError: rows are frames, and the format holds whole clips.
    """
    if unit == "clips" and are_segments(targets):
        if isinstance(targets, BinarisedTargets):
            raise OptionError(
                f"{form} holds one row of scores per clip, and these have segments: give scores of "
                f"whole clips, or choose a format with segments: psl, ced, lhotse, pretrained-sed"
            )
        raise OptionError(
            f"{form} holds one target per clip, and these are frames: give targets of whole clips, "
            f"from --scheme diffuse or from labels of clips"
        )
    first = clip_spans(targets)[0] if unit == "frames" else np.arange(len(targets))
    known, some = (
        np.logical_or.reduceat(flags[targets.row_of_clip], first) if len(first) else first > 0
        for flags in (
            np.bitwise_count(targets.masked).sum(1, dtype=np.int64) < len(targets.vocabulary),
            np.asarray(targets.positive.any(axis=1)) | empty,
        )
    )
    what = "segments" if unit == "segments" else "clips"
    export.leave_out(f"{what} without any known target", _ids(targets, first[~known]))
    export.leave_out(f"{what} without a positive class", _ids(targets, first[known & ~some]))
    selected = name_clips(targets, first[known & some], name)
    return selected if unit == "segments" else drop_ambiguous(selected, export)


def clip_spans(targets: Targets | SoftTargets) -> tuple[Rows, Rows]:
    """The first row of each clip, and the one after its last: int64 (clips,) each."""
    codes = to_numpy(targets.clip_id.dictionary_encode().indices)
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    return first, np.append(first[1:], len(targets))[: len(first)]


def name_clips(targets: Targets, rows: Rows, name: Name) -> Selection:
    """Rows of targets under their names in the format."""
    return Selection(targets, rows, name(_ids(targets, rows), rows))


def drop_ambiguous(clips: Selection, export: Export) -> Selection:
    """Drop clips with a shared name; of duplicates, the first is kept."""
    targets, places = clips.targets, defaultdict[str, list[int]](list)
    for place in np.flatnonzero(~unique_names(clips.names)).tolist():
        places[clips.names[place].as_py()].append(place)

    def content(place: int) -> tuple[str | bytes, ...]:
        row = int(clips.rows[place])
        bits = int(targets.row_of_clip[row])
        tables: list[npt.NDArray[Any]] = [targets.positive, targets.masked]
        if isinstance(targets, BinarisedTargets):
            tables.append(targets.soft.scores)
        return (targets.clip_id[row].as_py(), *(table[bits].tobytes() for table in tables))

    several, repeats = [], []
    for same in places.values():
        if len(set(map(content, same))) > 1:
            several += same
        else:
            repeats += same[1:]
    for reason, lost in (
        ("clips that share their name", several),
        ("duplicate rows", repeats),
    ):
        export.leave_out(reason, _ids(targets, clips.rows[sorted(lost)]))
    return clips.take(np.delete(np.arange(len(clips)), several + repeats))


def unique_names(names: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Whether a name occurs once: bool (N,)."""
    codes = to_numpy(names.dictionary_encode().indices)
    single: npt.NDArray[np.bool_] = np.bincount(codes, minlength=1)[codes] == 1
    return single


def _ids(targets: Targets, rows: Rows) -> pa.StringArray:
    return targets.clip_id.take(to_arrow(rows))


def label_texts(
    targets: Targets, rows: Rows, labels: Sequence[str], separator: str
) -> LabelColumns:
    """Positive and unknown classes of some rows, joined: two arrays of len(rows) texts."""
    _, first, which = np.unique(targets.row_of_clip[rows], return_index=True, return_inverse=True)
    target, mask = targets.to_numpy(rows[first])
    texts, places = texts_to_arrow(labels), to_arrow(which)

    def joined(table: npt.NDArray[np.bool_]) -> pa.StringArray:
        row, column = np.nonzero(table)
        lists = lists_of(row, texts.take(to_arrow(column)), len(table))
        return pc.binary_join(lists, separator).take(places)

    return joined(target > 0), joined(mask == 0)


def label_lists(table: npt.NDArray[np.bool_], labels: Sequence[str]) -> Iterator[list[str]]:
    """The labels of the set classes, for each row of a table (D, C)."""
    row, column = np.nonzero(table)
    ends = np.cumsum(np.bincount(row, minlength=len(table))).tolist()
    flat = [labels[c] for c in column.tolist()]
    for start, end in zip([0, *ends], ends, strict=False):
        yield flat[start:end]


def refuse_labels(labels: Sequence[str], unfit: str, form: str) -> None:
    """Check labels that are written as plain text.

    Args:
        labels: of the classes, in column order.
        unfit: pattern of the characters at which readers of the format cut.
        form: name of the format, for messages.

    Raises:
        OptionError: a label has such a character, is empty, or occurs twice.
    """
    cut = [label for label in labels if not label or re.search(unfit, label)]
    if cut:
        raise OptionError(
            f"{form} cuts labels at some characters, which {len(cut)} labels have: "
            f"{shortlist(map(repr, cut), 2)}"
        )
    twice = [label for label, count in Counter(labels).items() if count > 1]
    if twice:
        raise OptionError(f"{form} needs labels that differ: {shortlist(map(repr, twice), 2)}")


def lists_of(owner: Rows, values: pa.Array, count: int) -> pa.ListArray:
    """Values as `count` lists, given the ascending number of the list of each value."""
    ends = np.cumsum(np.bincount(owner, minlength=count))
    return pa.ListArray.from_arrays(to_arrow(np.append(0, ends).astype(np.int32)), values)


def write_weights(clips: Selection, path: Path, export: Export) -> None:
    """Write the sampling weights of AST's code, one number per clip, next to `path`."""
    weights = path.with_name(f"{path.stem}_weight.csv")
    export.files[weights] = write_rows(weights, map(repr, weights_of(clips)))


def weights_of(clips: Selection) -> list[float]:
    """The sampling weights of AST's code, one per clip."""
    bits, rows = clips.targets.positive, clips.targets.row_of_clip[clips.rows]
    weights: list[float] = weigh_clips(bits, rows, len(clips.targets.vocabulary), "ast").tolist()
    return weights

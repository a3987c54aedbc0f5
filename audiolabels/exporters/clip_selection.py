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

from audiolabels.arrays.bits import Bits, by_chunk, third_state
from audiolabels.arrays.columns import to_arrow, to_bools, to_numpy, whole_ms
from audiolabels.arrays.grid import Ms, seconds_to_ms
from audiolabels.clips.index import hash_strings
from audiolabels.clips.names import videos_of
from audiolabels.errors import OptionError, VocabularyError, shortlist
from audiolabels.exporters.soft_columns import BinarisedTargets, soft_texts
from audiolabels.exporters.text_columns import Chosen, gather, join, join_labels, spell
from audiolabels.exporters.written_files import Export
from audiolabels.files import write_blocks
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.targets.sampling import weigh_clips
from audiolabels.targets.targets import SoftTargets, Targets

ROWS = 1 << 14  # clips whose targets are unpacked at a time
PART = 1 << 22  # clips of a part at most, since no column may hold more than 2 GiB

Rows = npt.NDArray[np.int64]
AnyTargets = TypeVar("AnyTargets", Targets, SoftTargets)
Columns = tuple["Part", Chosen, Chosen, list[Chosen]]
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

    def parts(self) -> "Iterator[Part]":
        """Millions of clips where few of their targets differ, else some thousands at a time."""
        sets = to_arrow(self.targets.row_of_clip[self.rows])
        size = PART if len(sets.unique()) <= ROWS else ROWS
        for start in range(0, len(self), size):
            coded = sets.slice(start, size).dictionary_encode()
            which, first = to_numpy(coded.indices), np.empty(len(coded.dictionary), np.int64)
            first[which[::-1]] = np.arange(len(which))[::-1]
            rows, names = self.rows[start : start + size], self.names.slice(start, size)
            yield Part(self.targets, rows, names, start, first, which)

    def columns(self, labels: Sequence[str], separator: str) -> Iterator[Columns]:
        """Each part, its joined positive and unknown classes, and `soft_texts`."""
        for part in self.parts():
            positive, unknown = (part.join(s, labels, separator) for s in ("positive", "unknown"))
            soft = soft_texts(self.targets, part.rows[part.first])
            yield part, positive, unknown, [Chosen(cells, part.which) for cells in soft]

    def keep(
        self, odd: str, fits: Callable[[str], bool], reason: str, export: Export
    ) -> "Selection":
        """The clips whose name lacks a pattern, `odd`, or fits; others are left out of `export`."""
        chosen = np.flatnonzero(to_bools(pc.match_substring_regex(self.names, odd)))
        doubtful = self.names.take(to_arrow(chosen)).to_pylist()
        lost = chosen[[not fits(name) for name in doubtful]]
        export.leave_out(reason, self.names.take(to_arrow(lost)))
        return self.drop(lost)

    def drop(self, lost: Rows | list[int]) -> "Selection":
        """All but the clips at these positions."""
        return self.take(np.delete(np.arange(len(self)), lost)) if len(lost) else self


@dataclass(frozen=True, eq=False)
class Part(Selection):
    """Clips whose distinct targets are few.

    Attributes:
        start: the place of its first clip among all that are exported.
        first: int64 (D,): where each of the distinct targets occurs first.
        which: int32 (K,): which of them each clip has.
    """

    start: int
    first: Rows
    which: npt.NDArray[np.int32]

    def join(self, state: str, labels: Sequence[str], separator: str) -> Chosen:
        """The joined labels of the classes in a state, see `state_bits`."""
        bits = state_bits(self.targets, self.rows[self.first], state)
        return Chosen(join_labels(bits, labels, separator), self.which)


def state_bits(targets: Targets, rows: Rows, state: str) -> Bits:
    """Which classes are `positive`, `negative` or `unknown` in some rows, as `Targets.positive`."""
    chosen = targets.row_of_clip[rows]
    positive, unknown = targets.positive[chosen], targets.masked[chosen]
    if state == "negative":
        return third_state(positive, unknown, len(targets.vocabulary))
    return positive if state == "positive" else unknown


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
        return join(*(known.get(part, part) for part in parts))

    return names


def are_segments(targets: Targets | SoftTargets) -> bool:
    """Whether rows are frames or other parts of clips."""
    if "frame_length" in targets.metadata.get("options", {}):
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
    unknown = targets.offset.null_count  # Arrow imports pandas to fill them
    return whole_ms(targets.offset.fill_null(given / 1000) if unknown else targets.offset)


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
    return clips.drop(several + repeats)


def drop_blank(clips: Selection, export: Export) -> Selection:
    """Drop clips whose name has a blank, at which lines are split."""
    reason = "clips whose name has a blank"
    return clips.keep(r"^$|[^!-~]", lambda name: name.split() == [name], reason, export)


def unique_names(names: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Whether a name occurs once: bool (N,)."""
    hashes = by_chunk(hash_strings, names)
    ordered = np.sort(hashes)
    single = ~np.isin(hashes, ordered[1:][ordered[1:] == ordered[:-1]])
    others = np.flatnonzero(~single)
    codes = to_numpy(names.take(to_arrow(others)).dictionary_encode().indices)
    single[others] = np.bincount(codes, minlength=1)[codes] == 1  # of few, the hashes alone agree
    return single


def _ids(targets: Targets, rows: Rows) -> pa.StringArray:
    return targets.clip_id.take(to_arrow(rows))


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


def write_weights(clips: Selection, path: Path, export: Export) -> None:
    """Write the sampling weights of AST's code, one number per clip, next to `path`."""
    weights = path.with_name(f"{path.stem}_weight.csv")
    write_blocks(weights, gather([weights_of(clips), "\n"]) if len(clips) else [])
    export.files[weights] = len(clips)


def weights_of(clips: Selection) -> Chosen:
    """The sampling weights of AST's code, one per clip."""
    bits, rows = clips.targets.positive, clips.targets.row_of_clip[clips.rows]
    return spell(weigh_clips(bits, rows, len(clips.targets.vocabulary), "ast"), repr)

"""The label source: targets looked up by clip, ready for a `Dataset`.

Names that are not found are listed; they never become zeros.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.bits import Bits, unpack_floats
from audiolabels.arrays.columns import fixed_binary, fixed_bytes, to_arrow, to_bools, to_numpy
from audiolabels.clips.index import MISSING, ClipFinder, Rows
from audiolabels.errors import (
    OptionError,
    TargetsFileError,
    UnknownClipError,
    choose,
    expect,
    shortlist,
)
from audiolabels.files import real_path
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
from audiolabels.targets.store import file_identity, read_targets
from audiolabels.targets.targets import Floats, SoftTargets, Targets, as_tensors

ARRAYS = ("numpy", "torch")
WITHIN_CLIPS = frozenset({"frame_hop", "teacher_weight"})  # options of schemes with such rows


class Labels(NamedTuple):
    """Target and mask, float32 of shape (C,), (T, C), (B, C) or (B, T, C).

    Target: 1 is positive, 0 negative or unknown, others are scores; mask: 1 is known, 0 unknown.
    """

    target: Any
    mask: Any


class LabelSource:
    """Targets by clip.

    Args:
        targets: as from `read_targets`; the frames of a clip follow one another.
        arrays: `numpy` or `torch`.
        path: where the targets came from; a source with a path pickles as its path, and unpickling
            refuses a file that has changed.

    Attributes:
        vocabulary: the C classes of the columns.
        metadata: how the targets were made.
        clip_ids: string (N,).
        framed: whether a clip has frames.
        frames: most frames of a clip.

    Raises:
        OptionError: no such kind of arrays, or no clip.

    >>> from audiolabels import Annotations, expand
    >>> labels = Annotations.from_dict({"abcdefghijk_30000": ["Guitar"], "lmnopqrstuv_0": ["Rain"]})
    >>> source = LabelSource(expand(labels, "weak", vocabulary=["Guitar", "Rain"]))
    >>> source
    LabelSource(weak, 2 clips × 2 classes)
    >>> source["Yabcdefghijk.wav"].target.tolist()
    [1.0, 0.0]
    >>> source[["lmnopqrstuv_0", "abcdefghijk_30000"]].target.tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    >>> source.find(["abcdefghijk_30000", "elsewhere"])
    (array([ 0, -1]), ['elsewhere'])
    """

    def __init__(
        self,
        targets: Targets | SoftTargets,
        *,
        arrays: str = "numpy",
        path: str | Path | None = None,
    ) -> None:
        expect("targets", targets, Targets | SoftTargets, "targets, as expand makes them")
        if not len(targets):
            raise OptionError("targets without a clip")
        self.vocabulary, self.metadata = targets.vocabulary, targets.metadata
        self._arrays = choose("arrays", arrays, ARRAYS)
        self._path = None if path is None else real_path(path)
        self._identity = None if self._path is None else file_identity(self._path)
        ids, options = targets.clip_id, targets.metadata.get("options", {})
        begins = np.ones(len(ids), np.bool_)
        if WITHIN_CLIPS & options.keys():  # else rows are clips, even of one recording
            onset, same = to_numpy(targets.onset), to_bools(pc.equal(ids[1:], ids[:-1]))
            begins[1:] = ~(same & (onset[1:] > onset[:-1]))
        self.framed = "frame_hop" in options or not begins.all()
        first = np.append(np.flatnonzero(begins), len(ids)).astype(np.int32)
        self.frames = int(np.diff(first).max(initial=0))
        self.clip_ids = ids if begins.all() else ids.take(to_arrow(first[:-1]))
        self._first = first if self.framed else None
        self._finder = ClipFinder(self.clip_ids)
        unused: dict[str, Any] = {"clips": targets.clips.select(["clip_id"])}
        if isinstance(targets, Targets):
            # Masks are few, even where nearly every label set is distinct.
            masked = fixed_binary(targets.masked).dictionary_encode()
            self._masked = fixed_bytes(masked.dictionary)
            self._mask_of_row = to_numpy(masked.indices)
            unused["masked"] = np.zeros((0, self._masked.shape[1]), np.uint8)
        # What is not used can be read again where there is a file.
        self._targets = targets if path is None else replace(targets, **unused)

    def __len__(self) -> int:
        return len(self.clip_ids)

    def __contains__(self, clip: object) -> bool:
        try:
            return isinstance(clip, str) and not self.find([clip])[1]
        except UnknownClipError:  # ambiguous
            return False

    def find(self, clips: Sequence[str]) -> tuple[Rows, list[str]]:
        """The numbers of clips, by the rule of `audiolabels.clips.index`.

        Returns:
            int64 (B,): a number for `take`, -1 if the clip is not found; and the names not found.

        Raises:
            UnknownClipError: a name could mean several clips; the message lists them.
        """
        rows = self._finder.find(clips)
        return rows, [clips[i] for i in np.flatnonzero(rows == MISSING).tolist()]

    def __getitem__(self, clips: str | Sequence[str]) -> Labels:
        """Target and mask of a clip, or of several.

        Returns:
            Shape (C,) or (T, C) for one clip, (B, C) or (B, T, C) for a list; T is the largest
            number of frames among them, and frames that a shorter clip lacks are unknown.

        Raises:
            UnknownClipError: a clip is not found (`find` and `take` allow that), or a name could
                mean several.
        """
        one = isinstance(clips, str)
        rows, missing = self.find([clips] if isinstance(clips, str) else list(clips))
        if missing:
            raise UnknownClipError(
                f"{len(missing):,} of {len(rows):,} clips are not among the {len(self):,} of the "
                f"targets: {shortlist(map(repr, missing))}; those look like "
                f"{shortlist(map(repr, self.clip_ids[:2].to_pylist()))}. find() returns -1 for them"
            )
        target, mask = self.take(rows)
        return Labels(target[0], mask[0]) if one else Labels(target, mask)

    def take(self, rows: Rows | Sequence[int], *, arrays: str | None = None) -> Labels:
        """Target and mask of clips by number, as `find` gives them; -1 is unknown throughout.

        Args:
            rows: B numbers.
            arrays: `numpy` or `torch`; the source's own by default.

        Returns:
            Shape (B, C) or (B, T, C), as for a list of clips.

        Raises:
            OptionError: a number that no clip has, or no such kind of arrays.
        """
        chosen = np.asarray(rows, np.int64)
        if len(chosen) and not (chosen.min() >= MISSING and chosen.max() < len(self)):
            raise OptionError(f"clips are numbered from 0 to {len(self) - 1}, and -1 is unknown")
        places, void = chosen.clip(min=0), chosen == MISSING
        if self._first is not None:
            first = self._first[chosen]
            sizes = np.where(void, 0, self._first[chosen + 1] - first)
            within = np.arange(int(sizes.max(initial=0)))
            void = within >= sizes[:, None]
            places = np.where(void, 0, first[:, None] + within)
        shape = (*places.shape, len(self.vocabulary))
        target, mask = (cells.reshape(shape) for cells in self._unpack(places.ravel()))
        if void.any():
            target[void] = mask[void] = 0
        return self.as_arrays(target, mask, arrays)

    def _unpack(self, places: Rows) -> tuple[Floats, Floats]:
        """Target and mask of rows of the targets."""
        targets, columns = self._targets, len(self.vocabulary)
        if isinstance(targets, SoftTargets):
            return targets.to_numpy(places)
        rows = targets.row_of_clip[places]
        masked = self._masked[self._mask_of_row[rows]]
        return unpack_floats(targets.positive[rows], columns), unpack_floats(~masked, columns)

    def as_arrays(self, target: Floats, mask: Floats, arrays: str | None = None) -> Labels:
        """Target and mask in the source's own kind of arrays, or in another."""
        if choose("arrays", arrays or self._arrays, ARRAYS) == "numpy":
            return Labels(target, mask)
        return Labels(*as_tensors(target, mask))

    def positive_bits(self) -> tuple[Bits, npt.NDArray[np.int32]]:
        """Classes that are positive in any frame, from 0.5 on for soft targets: bits, uint8
        (D, ceil(C / 8)), and int32 (N,) which row of them each clip has.
        """
        bits, row = self._targets.positive_bits()
        if self._first is not None:
            bits = np.bitwise_or.reduceat(bits[row], self._first[:-1], axis=0)
            row = np.arange(len(bits), dtype=np.int32)
        return bits, row

    def __reduce__(self) -> tuple[Any, ...]:
        if self._path is None:
            return partial(LabelSource, arrays=self._arrays), (self._targets,)
        return _reopen, (self._path, self._identity, self.vocabulary, self._arrays)

    def __repr__(self) -> str:
        frames = f" × {self.frames} frames" * self.framed
        return (
            f"LabelSource({self.metadata.get('scheme', '?')}, {len(self):,} clips{frames} × "
            f"{len(self.vocabulary)} classes)"
        )


def open_source(
    path: str | Path,
    *,
    vocabulary: str | Path | Iterable[str] | Vocabulary | None = None,
    arrays: str = "numpy",
) -> LabelSource:
    """Open a targets file for look-up by clip; public as `audiolabels.open`.

    Args:
        path: a file from `expand` or `write_targets`.
        vocabulary: other columns, in their order; anything that `load_vocabulary` takes.
        arrays: `numpy` or `torch`.

    Raises:
        TargetsFileError: the file is missing or broken, or this library did not write it.
        VocabularyError: no such vocabulary, or the file lacks one of its classes.
        OptionError: no such kind of arrays.
    """
    targets = read_targets(path)
    if vocabulary is not None:
        targets = targets.select(load_vocabulary(vocabulary))
    source = LabelSource(targets, arrays=arrays, path=path)
    del targets
    pa.default_memory_pool().release_unused()  # reading takes more than the targets
    return source


def _reopen(
    path: Path, identity: tuple[int, int, str], vocabulary: Vocabulary, arrays: str
) -> LabelSource:
    """A source from its pickled path."""
    if file_identity(path) != identity:
        raise TargetsFileError(
            f"{path}: not the file that this source was opened from; open it again"
        )
    return open_source(path, vocabulary=vocabulary, arrays=arrays)

"""The label source: targets looked up by clip, ready for a `Dataset`.

Names that are not found are listed; they never become zeros.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.bits import Bits, unpack_floats
from audiolabels.arrays.columns import (
    fixed_binary,
    fixed_bytes,
    text_buffers,
    to_arrow,
    to_bools,
    to_numpy,
)
from audiolabels.arrays.tables import abridged, html_table
from audiolabels.clips.index import MISSING, ClipFinder, Rows
from audiolabels.clips.rows import join_rows
from audiolabels.errors import (
    OptionError,
    UnknownClipError,
    choose,
    expect,
    shortlist,
)
from audiolabels.files import real_path
from audiolabels.ontology.vocabulary import Vocabulary, described_vocabulary, load_vocabulary
from audiolabels.targets.source_cache import Arrays, cached_arrays
from audiolabels.targets.store import (
    LARGE,
    Identity,
    clip_batches,
    file_identity,
    map_targets,
    read_info,
    read_targets,
    refuse_changed,
    targets_metadata,
)
from audiolabels.targets.targets import Floats, SoftTargets, Targets, as_tensors

ARRAYS = ("numpy", "torch")
WITHIN_CLIPS = frozenset({"frame_length", "teacher_weight"})  # options of schemes with such rows


class Labels(NamedTuple):
    """Target and mask, float32 of shape (C,), (T, C), (B, C) or (B, T, C).

    Target: 1 is positive, 0 negative or unknown, others are scores; mask: 1 is known, 0 unknown.
    """

    target: Any
    mask: Any


class WeightedLabels(NamedTuple):
    """Target, mask, and how much each target counts in the loss; all as in `Labels`."""

    target: Any
    mask: Any
    weight: Any


class LabelSource:
    """Targets by clip.

    Args:
        targets: as from `read_targets`; the frames of a clip follow one another.
        arrays: `numpy` or `torch`.
        weights: whether clips have their weights as a third array, 1 where targets have none.
        path: where the targets came from; a source with a path pickles as its path, and unpickling
            refuses a file that has changed.

    Attributes:
        vocabulary: the C classes of the columns.
        metadata: how the targets were made.
        clip_ids: string (N,).
        weights: whether clips have their weights as a third array.
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
        weights: bool = False,
        path: str | Path | None = None,
    ) -> None:
        expect("targets", targets, Targets | SoftTargets, "targets, as expand makes them")
        index = _index_clips([targets.clips], targets.metadata)
        self._path, self._identity, self._whole = None, None, None
        if path is None:
            self._whole = targets
        else:
            self._path = real_path(path)
            self._identity = file_identity(self._path)
        if isinstance(targets, Targets):
            index |= _tables(targets)
            targets = _of_tables(index, targets.vocabulary, targets.metadata)
        self._open(targets, index, arrays, weights)

    def _open(
        self, targets: Targets | SoftTargets, index: Arrays, arrays: str, weights: bool
    ) -> None:
        """Take in the index of the clips, and targets, of which rows of clips are not needed."""
        self.vocabulary, self.metadata = targets.vocabulary, targets.metadata
        self.weights = weights
        self._arrays = choose("arrays", arrays, ARRAYS)
        first, ends = index["first"], pa.py_buffer(index["id_ends"])
        self.clip_ids = pa.StringArray.from_buffers(
            len(first) - 1, ends, pa.py_buffer(index["id_bytes"])
        )
        self.frames = int(np.diff(first).max(initial=0))
        self.framed = "frame_length" in self.metadata.get("options", {}) or self.frames > 1
        self._first = first if self.framed else None
        self._finder = ClipFinder(self.clip_ids, index)
        self._targets, self._mask_of_row = targets, index.get("mask_of_row")

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

    def __getitem__(self, clips: str | Sequence[str]) -> Any:
        """Target and mask of a clip, or of several, and their weights if these are asked for.

        Returns:
            `Labels` or `WeightedLabels` of shape (C,) or (T, C) for one clip, (B, C) or (B, T, C)
            for a list; T is the largest number of frames among them, and frames that a shorter clip
            lacks are unknown.

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
        found = self.take(rows)
        return type(found)(*(each[0] for each in found)) if one else found

    def take(self, rows: Rows | Sequence[int], *, arrays: str | None = None) -> Any:
        """As `source[clips]`, of clips by number, as `find` gives them; -1 is unknown throughout.

        Args:
            rows: B numbers.
            arrays: `numpy` or `torch`; the source's own by default.

        Returns:
            `Labels` or `WeightedLabels` of shape (B, C) or (B, T, C), as for a list of clips.

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
        found = [target, mask]
        if self.weights:
            weight = np.ones(shape, np.float32)
            if self._targets.weight is not None:
                weight[:] = self._targets.weights(places.ravel()).reshape(shape)
                weight[void] = 1
            found.append(weight)
        return self.as_arrays(*found, arrays=arrays)

    def _unpack(self, places: Rows) -> tuple[Floats, Floats]:
        """Target and mask of rows of the targets."""
        targets, columns = self._targets, len(self.vocabulary)
        if isinstance(targets, SoftTargets):
            return targets.to_numpy(places)
        rows = targets.row_of_clip[places]
        assert self._mask_of_row is not None
        masked = targets.masked[self._mask_of_row[rows]]
        return unpack_floats(targets.positive[rows], columns), unpack_floats(~masked, columns)

    def as_arrays(self, *found: Floats, arrays: str | None = None) -> Any:
        """Target, mask and any weights in the source's own kind of arrays, or in another."""
        if choose("arrays", arrays or self._arrays, ARRAYS) == "torch":
            return _labels(*as_tensors(*found))
        return _labels(*found)

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
            return partial(LabelSource, arrays=self._arrays, weights=self.weights), (self._whole,)
        return _reopen, (
            self._path, self._identity, self.vocabulary, self._arrays, self.weights
        )  # fmt: skip

    def __repr__(self) -> str:
        frames = f" × {self.frames} frames" * self.framed
        return (
            f"LabelSource({self.metadata.get('scheme', '?')}, {len(self):,} clips{frames} × "
            f"{len(self.vocabulary)} classes)"
        )

    def _repr_html_(self) -> str:
        facts = {"vocabulary": self.vocabulary.name, **self.metadata.get("options", {})}
        files = [source["name"] for source in self.metadata.get("sources", ())]
        rows = [*facts.items(), ("made of", abridged(files)), ("first clips",
                abridged([*self.clip_ids[:6].to_pylist()]))]  # fmt: skip
        return html_table(self, (), rows)


def open_source(
    path: str | Path,
    *,
    vocabulary: str | Path | Iterable[str] | Vocabulary | None = None,
    arrays: str = "numpy",
    weights: bool = False,
) -> LabelSource:
    """Open a targets file for look-up by clip; public as `audiolabels.open`.

    From 131,072 rows on, soft targets stay in the file; what finds the clips, and hard targets, are
    put into the cache (`audiolabels.datasets.cache_folder`) once, and mapped.

    Args:
        path: a file from `expand` or `write_targets`.
        vocabulary: other columns, in their order; anything that `load_vocabulary` takes.
        arrays: `numpy` or `torch`.
        weights: whether clips have their weights as a third array, 1 where targets have none.

    Raises:
        TargetsFileError: the file is missing or broken, this library did not write it, or the cache
            cannot be written.
        VocabularyError: no such vocabulary, or the file lacks one of its classes.
        OptionError: no such kind of arrays.
    """
    facts = read_info(path)
    real, hard = real_path(path), not facts.get("soft", False)
    identity = file_identity(real)

    def make() -> Arrays:
        if not hard:
            return _index_clips(clip_batches(real), facts)
        targets = read_targets(real)
        index = _index_clips([targets.clips], targets.metadata)
        assert isinstance(targets, Targets)
        index |= _tables(targets)
        del targets
        pa.default_memory_pool().release_unused()  # reading takes more than the targets
        return index

    index = make() if facts["rows"] < LARGE else cached_arrays(real, identity, make)
    refuse_changed(real, identity)
    targets: Targets | SoftTargets
    if hard:
        stored = described_vocabulary(facts["vocabulary"])
        targets = _of_tables(index, stored, targets_metadata(facts))
    else:
        targets = map_targets(real, clips=False)
    if vocabulary is not None:
        targets = targets.select(load_vocabulary(vocabulary))
    source = LabelSource.__new__(LabelSource)
    source._path, source._identity = real, identity
    source._open(targets, index, arrays, weights)
    return source


def _tables(targets: Targets) -> dict[str, npt.NDArray[Any]]:
    """What a source needs of hard targets, with distinct masks and the mask of each row: these are
    few, even where nearly every label set is distinct.
    """
    masked = fixed_binary(targets.masked).dictionary_encode()
    own = {} if targets.weight is None else {"weight": targets.weight}
    return own | {
        "row_of_clip": targets.row_of_clip,
        "positive": targets.positive,
        "masked": fixed_bytes(masked.dictionary),
        "mask_of_row": to_numpy(masked.indices),
    }


def _of_tables(index: Arrays, vocabulary: Vocabulary, metadata: Mapping[str, Any]) -> Targets:
    """Hard targets without rows of clips, whose `masked` are the distinct masks."""
    which, positive, masked = (index[name] for name in ("row_of_clip", "positive", "masked"))
    cut = np.zeros(len(positive), np.int32)
    return Targets(join_rows([]), vocabulary, which, positive, masked, cut, metadata=metadata,
                   weight=index.get("weight"))  # fmt: skip


def _index_clips(
    batches: Iterable[pa.RecordBatch], metadata: Mapping[str, Any]
) -> dict[str, npt.NDArray[Any]]:
    """What finds N clips among rows of clips in order, whichever batches they come in.

    Returns:
        `id_ends`, int32 (N + 1,), and `id_bytes`, uint8: the ids, as Arrow has them; `first`,
        int32 (N + 1,): the first row of each clip, and the number of rows; and the tables of a
        `ClipFinder`.

    Raises:
        OptionError: there is no row, or a join of frames with whole clips or other frames.
    """
    hops = {
        own["name"]: own["options"].get("frame_hop", own["options"].get("frame_length"))
        for own in metadata.get("joined", ())
    }
    if len(set(hops.values())) > 1:
        shown = (f"{name} ({f'every {hop} s' if hop else 'clips'})" for name, hop in hops.items())
        raise OptionError(
            f"clips of this join have no one shape: its data sets have rows for whole clips, or "
            f"for frames of different grids: {shortlist(shown)}. Expand those of each kind to a "
            f"file of its own, and draw examples from both with audiolabels.targets.Mixture or "
            f"train --mix; read_targets(…)['clip'] looks up a clip of such a join"
        )
    options = metadata.get("options", {})
    ids, first, count, last = list[pa.StringArray](), list[npt.NDArray[np.int64]](), 0, None
    for batch in batches:
        texts, onset = batch.column(0), to_numpy(batch.column(1))
        begins = np.ones(len(texts), np.bool_)
        if WITHIN_CLIPS & options.keys():  # else rows are clips, even of one recording
            same = to_bools(pc.equal(texts[1:], texts[:-1]))
            begins[1:] = ~(same & (onset[1:] > onset[:-1]))
            if len(texts) and last is not None:
                begins[0] = not (texts[0].equals(last[0]) and onset[0] > last[1])
        ids.append(texts if begins.all() else texts.take(to_arrow(np.flatnonzero(begins))))
        first.append(np.flatnonzero(begins) + count)
        count += len(texts)
        last = (texts[-1], onset[-1]) if len(texts) else last
    if not count:
        raise OptionError("targets without a clip")
    clip_ids = pa.concat_arrays(ids)
    ends, data = text_buffers(clip_ids)
    return {
        "id_ends": ends - ends[0],
        "id_bytes": data[ends[0] : ends[-1]],
        "first": np.append(np.concatenate(first), count).astype(np.int32),
        **ClipFinder(clip_ids).tables,
    }


def _labels(*arrays: Any) -> Any:
    return Labels(*arrays) if len(arrays) == 2 else WeightedLabels(*arrays)


def _reopen(
    path: Path, identity: Identity, vocabulary: Vocabulary, arrays: str, weights: bool
) -> LabelSource:
    """A source from its pickled path."""
    refuse_changed(path, identity)
    return open_source(path, vocabulary=vocabulary, arrays=arrays, weights=weights)

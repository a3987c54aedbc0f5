"""Examples: rows of targets with the features between their onset and offset.

A row is a clip, a frame or a segment. A longer one may be cropped to a random span of whole frames
or samples, with the row's labels.

Source: Hershey et al. 2021, §4: a random 960 ms of each clip in each epoch, and mixing by μ.
Deviations: of strong labels, `one-a-clip` draws one of the labelled frames, where the paper frames
the drawn 960 ms anew; the paper mixes to fine-tune a model trained on weak labels, for which begin
with another run.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor
from torch.utils.data import Dataset

from audiolabels.arrays.bits import by_chunk
from audiolabels.arrays.columns import texts_to_arrow, to_numpy
from audiolabels.arrays.grid import windows
from audiolabels.clips import partition
from audiolabels.errors import OptionError, choose, shortlist
from audiolabels.features import Features
from audiolabels.features.inputs import Seconds
from audiolabels.targets.sampling import balanced_rows, weigh_clips
from audiolabels.targets.targets import BINARISATION_THRESHOLD, SoftTargets, Targets
from audiolabels.training.hyperparameters import DRAWS

Ints = npt.NDArray[np.int64]


class Batch(NamedTuple):
    """A batch of B examples.

    Attributes:
        values: float32 (B, L, D) or (B, L), as from `Features.read`.
        lengths: int64 (B,): how many of the L are real.
        target, mask: float32 (B, C); an example of length 0 is unknown throughout.
        weight: float32 (B, C): how much each target counts; None: all count the same.
    """

    values: Tensor
    lengths: Tensor
    target: Tensor
    mask: Tensor
    weight: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Segments(Dataset[Any]):
    """Spans of clips: rows of features, int64 (N,), from onset to offset, float64 (N,), in seconds;
    an infinite offset is the end of the clip.
    """

    features: Features
    clips: Ints
    onset: Seconds
    offset: Seconds

    @classmethod
    def whole(cls, features: Features, clips: Ints) -> "Segments":
        """Whole clips."""
        return Segments(features, clips, np.zeros(len(clips)), np.full(len(clips), np.inf))

    def __len__(self) -> int:
        return len(self.clips)

    def take(self, chosen: Ints | npt.NDArray[np.bool_]) -> Self:
        """Some of the segments, or examples."""
        columns = [n for n in ("clips", "onset", "offset", "source", "rows") if hasattr(self, n)]
        some: dict[str, Any] = {name: getattr(self, name)[chosen] for name in columns}
        return replace(self, **some)

    def cut(self, length: float) -> "tuple[Segments, Ints]":
        """Parts of the segments by `windows`, without empty ones, and each one's segment."""
        ends = np.minimum(self.offset, self.features.durations(self.clips))
        owner, onset, offset = windows(ends - self.onset, length)
        clips, start = self.clips[owner], self.onset[owner]
        parts = Segments(self.features, clips, start + onset, start + offset)
        some = self.features.lengths(clips, parts.onset, parts.offset) > 0
        return parts.take(some), owner[some]

    def __getitems__(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Values and lengths of a batch, for torch's loader."""
        chosen = np.asarray(numbers)
        values, lengths = self.features.read(
            self.clips[chosen], self.onset[chosen], self.offset[chosen]
        )
        return torch.from_numpy(values), torch.from_numpy(lengths)


@dataclass(frozen=True, eq=False)
class Examples(Segments):
    """Rows of one or more targets files with one vocabulary, and their features.

    Attributes:
        targets: of the files.
        source, rows: int64 (N,): the index of each example's targets, and its row there.
        crop, seed: seconds; longer rows are cropped to this length, at least a frame, by that seed.
        left_out: rows without features, without any known target, or without a frame.
    """

    targets: tuple[Targets | SoftTargets, ...]
    source: Ints
    rows: Ints
    crop: float | None = None
    seed: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def match(
        cls,
        targets: Targets | SoftTargets,
        features: Features,
        *,
        crop: float | None = None,
        seed: int = 0,
    ) -> "Examples":
        """Find the features of each row of targets; OptionError if none has any."""
        names = targets.clip_id.dictionary_encode()
        found = features.find(names.dictionary.to_pylist())
        clips = found[to_numpy(names.indices)]
        if (clips < 0).all():
            first = (names.dictionary[:2].to_pylist(), list(features.clip_ids[:2]))
            ours, theirs = (shortlist(map(repr, each)) for each in first)
            raise OptionError(f"labels and features share no clip: labels have {ours}, features "
                              f"{theirs}")  # fmt: skip
        known = known_rows(targets)
        rows = np.flatnonzero((clips >= 0) & known)
        if not len(rows):
            raise OptionError("no target is known in the clips that labels and features share")
        onset = to_numpy(targets.onset.fill_null(0.0))
        offset = to_numpy(targets.offset.fill_null(np.inf))
        some = features.lengths(clips[rows], onset[rows], offset[rows]) > 0
        left_out = {
            "rows without features": int((clips < 0).sum()),
            "rows without any known target": int(((clips >= 0) & ~known).sum()),
            "rows without a frame": int((~some).sum()),
        }
        rows = rows[some]
        if not len(rows):
            raise OptionError("the features hold no frame or sample of any row of the labels")
        return cls(features, clips[rows], onset[rows], offset[rows], (targets,),
                   np.zeros(len(rows), np.int64), rows, crop, seed, left_out)  # fmt: skip

    def concat(self, other: "Examples") -> "Examples":
        """These examples followed by others, of the same features and vocabulary."""
        if self.vocabulary.ids != other.vocabulary.ids:
            raise OptionError("the labels to be mixed have different vocabularies; expand both "
                              "with the same --vocabulary")  # fmt: skip
        later = replace(other, source=other.source + len(self.targets))
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(later, name)])
            for name in ("clips", "onset", "offset", "rows", "source")
        }
        left_out = Counter(self.left_out)
        left_out.update(other.left_out)
        return replace(self, **joined, targets=self.targets + other.targets, left_out=left_out)

    @property
    def vocabulary(self) -> Any:
        """The classes of the columns."""
        return self.targets[0].vocabulary

    def labels(self, chosen: Ints | slice = slice(None)) -> tuple[Any, Any]:
        """Target and mask, float32 (B, C) each."""
        source, rows = self.source[chosen], self.rows[chosen]
        shape = (len(rows), len(self.vocabulary))
        target, mask = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for number, targets in enumerate(self.targets):
            mine = source == number
            target[mine], mask[mine] = targets.to_numpy(rows[mine])
        return target, mask

    def weights(self, chosen: Ints | slice = slice(None)) -> Any | None:
        """How much each target counts, float32 (B, C); None where no file has weights."""
        if all(targets.weight is None for targets in self.targets):
            return None
        source, rows = self.source[chosen], self.rows[chosen]
        weight = np.ones((len(rows), len(self.vocabulary)), np.float32)
        for number, targets in enumerate(self.targets):
            mine = source == number
            if targets.weight is not None:
                weight[mine] = targets.weights(rows[mine])
        return weight

    def __getitems__(self, numbers: Sequence[int]) -> Batch:  # type: ignore[override]
        """A batch; numbers from N on are the same examples in a later epoch."""
        rounds, chosen = np.divmod(np.asarray(numbers), len(self))
        onset, offset = self.onset[chosen], self.offset[chosen]
        if self.crop is not None:
            generator = np.random.default_rng([self.seed, int(rounds[0]), *chosen])
            end = np.minimum(offset, self.features.durations(self.clips[chosen]))
            step, length = self.features.step, max(self.crop, self.features.step)
            room = np.rint((end - onset - length) / step).astype(np.int64).clip(min=0)
            onset = onset + generator.integers(0, room, endpoint=True) * step
            offset = np.minimum(offset, onset + length)
        values, lengths = self.features.read(self.clips[chosen], onset, offset)
        target, mask = self.labels(chosen)
        mask[lengths == 0] = 0
        batch = Batch(*map(torch.from_numpy, (values, lengths, target, mask)))
        weight = self.weights(chosen)
        return batch if weight is None else batch._replace(weight=torch.from_numpy(weight))

    def order(self, draw: str, *, epoch: int, mixing: float | None = None) -> Ints:
        """The examples of an epoch, counted from 0, in an order that depends on it and the seed.

        Args:
            draw, epoch: one of `DRAWS`; from 0 on.
            mixing: μ: the probability that an example comes from the last targets file instead of
                the first, which determines the size of the epoch (Hershey et al. 2021, §4).

        Returns:
            int64 (M,): numbers for a loader.
        """
        generator = np.random.default_rng([self.seed, epoch])
        choose("draw", draw, DRAWS)
        pools = [self._draw(number, draw, generator) for number in range(len(self.targets))]
        order = pools[0]
        if mixing is not None:
            other = generator.random(len(order)) < mixing
            order = np.where(other, np.resize(pools[-1], len(order)), order)
        return order + epoch * len(self)

    def _draw(self, number: int, draw: str, generator: np.random.Generator) -> Ints:
        mine = np.flatnonzero(self.source == number)
        if draw == "all":
            return generator.permutation(mine)
        if draw == "one-a-clip":
            shuffled = generator.permutation(mine)
            first = np.unique(self.clips[shuffled], return_index=True)[1]
            return generator.permutation(shuffled[first])
        row: npt.NDArray[Any]
        targets, columns = self.targets[number], len(self.vocabulary)
        if isinstance(targets, SoftTargets):
            bits, row = targets.reach(BINARISATION_THRESHOLD), self.rows[mine]
        else:
            bits, row = targets.positive, targets.row_of_clip[self.rows[mine]]
        if draw == "balanced":
            seed = int(generator.integers(1 << 32))
            return mine[balanced_rows(bits, row, columns, len(mine), seed=seed)]
        weights = weigh_clips(bits, row, columns, "ast")
        if not weights.any():
            raise OptionError("no row has a positive class, so none has a weight; draw all")
        return mine[generator.choice(len(mine), len(mine), p=weights / weights.sum())]


def held_out(examples: Examples, share: float) -> npt.NDArray[np.bool_]:
    """Which examples are of clips held out for validation; see `clips.partition.held_out`."""
    return of_clips(examples, lambda names: partition.held_out(names, share))


def of_clips(
    examples: Examples, rule: Callable[[pa.StringArray], npt.NDArray[np.bool_]]
) -> npt.NDArray[np.bool_]:
    """Which examples are of the clips that a rule chooses by their names."""
    clips, place = np.unique(examples.clips, return_inverse=True)
    names = texts_to_arrow([examples.features.clip_ids[clip] for clip in clips.tolist()])
    return rule(names)[place]


def known_rows(targets: Targets | SoftTargets) -> npt.NDArray[np.bool_]:
    """Whether any target of each row is known, bool (N,)."""
    unknown = by_chunk(lambda bits: np.bitwise_count(bits).sum(1, dtype=np.int64), targets.masked)
    known: npt.NDArray[np.bool_] = unknown < len(targets.vocabulary)
    return known if isinstance(targets, SoftTargets) else known[targets.row_of_clip]

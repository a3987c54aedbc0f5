"""Sampling for training: weights per clip, a class-balanced order, and mixtures of sources.

Sources: AST's and PaSST's code for the weights, PANNs' for the balanced order; Hershey et al. 2021,
§4, for mixing strong and weak labels. Clips count by their positive classes, in any frame; unknown
ones do not count.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.bits import Bits, by_chunk, weigh
from audiolabels.clips.index import Rows
from audiolabels.errors import OptionError, choose
from audiolabels.targets.source import LabelSource

# A class of n clips has weight `scale / (n + offset)`; a clip, the sum over its classes.
CLASS_WEIGHTS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"ast": (1000.0, 0.01), "passt": (1000.0, 100.0)}
)


def sampling_weights(source: LabelSource, project: str = "ast") -> npt.NDArray[np.float64]:
    """Weight of each clip for a weighted random sampler.

    Args:
        source: N clips.
        project: a key of `CLASS_WEIGHTS`, the project whose weights these are.

    Returns:
        float64 (N,), zero for clips without a positive class.

    Raises:
        OptionError: no such project.

    >>> from audiolabels import Annotations, expand
    >>> labels = Annotations.from_dict({"a": ["Rain"], "b": ["Rain"], "c": ["Guitar"], "d": []})
    >>> source = LabelSource(expand(labels, "weak"))
    >>> sampling_weights(source, "passt").round(2).tolist()
    [9.8, 9.8, 9.9, 0.0]
    """
    return weigh_clips(*source.positive_bits(), len(source.vocabulary), project)


def weigh_clips(
    bits: Bits, row: npt.NDArray[Any], columns: int, project: str
) -> npt.NDArray[np.float64]:
    """`sampling_weights` of N clips whose positive classes are `bits[row]`, from bits of distinct
    targets, uint8 (D, ceil(columns / 8)), and integers (N,).
    """
    scale, offset = CLASS_WEIGHTS[choose("project", project, CLASS_WEIGHTS)]
    counts = weigh(bits, np.bincount(row, minlength=len(bits)), columns)
    of_class = scale / (counts + offset)
    of_row = by_chunk(lambda part: np.unpackbits(part, axis=1, count=columns) @ of_class, bits)
    return of_row.take(row)


def balanced_order(source: LabelSource, count: int, *, seed: int) -> Rows:
    """Clips in a class-balanced order.

    Classes take turns in a random order, new in each round; each contributes one of its clips, in a
    random order, new once all have been drawn. Classes without a clip are left out.

    Args:
        source: N clips.
        count: number of clips to draw.
        seed: equal seeds give equal orders.

    Returns:
        int64 (count,): numbers for `LabelSource.take`.

    Raises:
        OptionError: no class has a clip.
    """
    return balanced_rows(*source.positive_bits(), len(source.vocabulary), count, seed=seed)


def balanced_rows(
    bits: Bits, row: npt.NDArray[Any], columns: int, count: int, *, seed: int
) -> Rows:
    """`balanced_order` of clips whose positive classes are `bits[row]`, as for `weigh_clips`."""
    generator = np.random.default_rng(seed)
    clips = _clips_of_classes(bits, row, columns)
    if not clips:
        raise OptionError("no clip has a positive class, so none can be drawn")
    left = [generator.permutation(own) for own in clips]
    drawn, turns = np.empty(count, np.int64), np.zeros(0, np.int64)
    for i in range(count):
        if not len(turns):
            turns = generator.permutation(len(clips))
        chosen, turns = int(turns[0]), turns[1:]
        if not len(left[chosen]):
            left[chosen] = generator.permutation(clips[chosen])
        drawn[i], left[chosen] = left[chosen][0], left[chosen][1:]
    return drawn


def _clips_of_classes(bits: Bits, row: npt.NDArray[Any], columns: int) -> list[Rows]:
    """The clips of each class that has any."""
    table = np.ascontiguousarray(bits.T)
    found = (np.flatnonzero((table[c >> 3] & (128 >> (c & 7)))[row]) for c in range(columns))
    return [own for own in found if len(own)]


class Mixture:
    """Examples from several sources, each with its probability.

    Labels of whole clips are repeated for each frame if other sources have frames.

    Args:
        sources: sources of one vocabulary.
        probabilities: of each source, adding up to one; Hershey et al. found 0.8 best for strong
            labels mixed with weak ones, 0.7 for diffuse.

    Raises:
        OptionError: vocabularies or frames differ, or these are not probabilities.

    >>> from audiolabels import Annotations, expand
    >>> weak = LabelSource(expand(Annotations.from_dict({"a": ["Rain"]}), "weak"))
    >>> other = LabelSource(expand(Annotations.from_dict({"b": ["Rain"]}), "pel"))
    >>> mixture = Mixture([weak, other], [0.2, 0.8])
    >>> which, clips = mixture.draw(5, seed=0)
    >>> which.tolist(), clips.tolist()
    ([1, 1, 0, 0, 1], [0, 0, 0, 0, 0])
    >>> mixture.take(which, clips).target.shape
    (5, 527)
    """

    def __init__(self, sources: Sequence[LabelSource], probabilities: Sequence[float]) -> None:
        shares = np.asarray(probabilities, np.float64)
        if len(shares) != len(sources) or (shares < 0).any() or not np.isclose(shares.sum(), 1):
            raise OptionError(
                f"{len(sources)} sources need as many probabilities that add up to one, not "
                f"{list(probabilities)}"
            )
        if len({source.vocabulary.ids for source in sources}) > 1:
            raise OptionError("the sources have different vocabularies; open them with vocabulary=")
        framed = [source for source in sources if source.framed]
        frames = {source.frames for source in framed}
        if len(frames) > 1:
            raise OptionError(
                f"the sources have {sorted(frames)} frames per clip; frame them alike"
            )
        options = [source.metadata["options"] for source in framed]
        grids = {(own.get("frame_length"), own.get("frame_hop")) for own in options}
        if len(grids) > 1:
            shown = ", ".join(f"{length} s every {hop} s" for length, hop in sorted(grids, key=str))
            raise OptionError(f"the sources have frames of {shown}; frame them alike")
        self.sources, self.frames = list(sources), max(frames, default=None)
        self._shares = shares / shares.sum()

    def draw(self, count: int, *, seed: int) -> tuple[Rows, Rows]:
        """Draw examples: a source by its probability, then any of its clips.

        Returns:
            Source, and clip in it, of each example: int64 (count,) each.
        """
        generator = np.random.default_rng(seed)
        which = generator.choice(len(self.sources), count, p=self._shares)
        return which, generator.integers(0, np.array([*map(len, self.sources)])[which])

    def take(self, which: Rows, clips: Rows) -> Any:
        """Target and mask of examples, as `draw` names them: shape (B, C) or (B, T, C); and their
        weights, if a source has been opened with them.
        """
        frames = () if self.frames is None else (self.frames,)
        shape = (len(which), *frames, len(self.sources[0].vocabulary))
        wholes = [*np.zeros((2, *shape), np.float32)]
        if any(source.weights for source in self.sources):
            wholes.append(np.ones(shape, np.float32))
        for number, source in enumerate(self.sources):
            mine = np.flatnonzero(which == number)
            labels = source.take(clips[mine], arrays="numpy")
            for whole, part in zip(wholes, labels, strict=False):
                if source.framed:
                    whole[mine, : part.shape[1]] = part
                else:
                    whole[mine] = part if self.frames is None else part[:, None]
        return self.sources[0].as_arrays(*wholes)

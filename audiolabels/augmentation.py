"""Augmentation of batches for any torch training code: waveforms, log-mel frames, mixtures.

All draws are those of a numpy generator, so that a seed gives the same ones on every device.

Sources: Dinkel et al. 2022, §3.3, which names gain, polarity inversion, time shift, SpecAugment and
mixup without any range. Park et al. 2019 (SpecAugment); Zhang et al. 2018 (mixup).
Choices: the probability of a half and the ranges of torch-audiomentations' defaults; the widths of
SpecAugment's masks of PANNs' code, and of time at most the share that Park et al. have for
Switchboard, as short segments would be masked throughout.
No library is used: torch-audiomentations needs torchaudio; audiomentations draws from Python's
global state, clip by clip, and mixes nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audiolabels.errors import choose
from audiolabels.losses import mix_targets
from audiolabels.options import above_zero

PROBABILITY = 0.5
GAIN = (-18.0, 6.0)  # dB
SHIFT = 0.5  # of a clip's length, either way
TIME, BANDS = 64, 8  # frames and bands that a mask covers at most
SHARE = 0.2  # of a clip's frames, likewise


def gain(values: Tensor, _: Tensor, generator: np.random.Generator) -> Tensor:
    """A gain in dB, drawn from `GAIN`."""
    factor = 10 ** (generator.uniform(*GAIN, len(values)) / 20)
    return values * _like(factor, values)[:, None]


def polarity(values: Tensor, *_: Any) -> Tensor:
    """The opposite sign."""
    return -values


def shift(values: Tensor, lengths: Tensor, generator: np.random.Generator) -> Tensor:
    """Later or earlier, by up to `SHIFT` of the clip; what leaves at an end enters at the other."""
    steps = np.rint(generator.uniform(-SHIFT, SHIFT, len(values)) * lengths.cpu().numpy())
    at, ends = torch.arange(values.shape[1], device=values.device), lengths[:, None]
    turned = (at - torch.from_numpy(steps.astype(np.int64)).to(at.device)[:, None]) % ends.clamp(1)
    return values.gather(1, torch.where(at < ends, turned, at))


AUGMENTATIONS: Mapping[str, Callable[[Tensor, Tensor, np.random.Generator], Tensor]] = (
    MappingProxyType({"gain": gain, "polarity": polarity, "shift": shift})
)


def augment(
    values: Tensor, lengths: Tensor, names: Sequence[str], generator: np.random.Generator
) -> Tensor:
    """Waveforms, each changed in each of these ways with a probability of a half.

    Args:
        values, lengths: float (B, L), zeros after a clip's end, and int64 (B,).
        names: of `AUGMENTATIONS`, in the order in which they are applied.
        generator: of the draws.

    Raises:
        OptionError: no such name.

    >>> augment(torch.ones(2, 3), torch.tensor([3, 3]), ["polarity"], np.random.default_rng(0))
    tensor([[ 1.,  1.,  1.],
            [-1., -1., -1.]])
    """
    for name in names:
        choose("augmentation", name, AUGMENTATIONS)
        chosen = torch.from_numpy(generator.random(len(values)) < PROBABILITY).to(values.device)
        changed = AUGMENTATIONS[name](values, lengths, generator)
        values = torch.where(chosen[:, None], changed, values)
    return values


def spec_augment(
    frames: Tensor, counts: Tensor, masks: int, generator: np.random.Generator
) -> Tensor:
    """Log-mel frames (B, T, F) in which stretches of time and bands have the mean of the clip.

    Args:
        frames, counts: float, and int64 (B,): how many of the T are real.
        masks: of time, and as many of bands. Each has a width from 0 on, up to `TIME` frames and
            `SHARE` of the real ones, or `BANDS`.
        generator: of the draws.
    """
    steps, bands = frames.shape[1:]
    real = torch.arange(steps, device=frames.device) < counts[:, None]
    mean = (frames * real[..., None]).sum((1, 2)) / (counts.clamp(min=1) * bands)
    lengths = counts.cpu().numpy()
    widest = np.minimum(TIME, (SHARE * lengths).astype(np.int64))
    everywhere = np.full(len(frames), bands)
    for _ in range(masks):
        for axis, sizes, most in ((1, lengths, widest), (2, everywhere, min(BANDS, bands))):
            width = generator.integers(0, most, len(frames), endpoint=True)
            first = generator.integers(0, sizes - width, endpoint=True)
            ends = torch.from_numpy(np.stack([first, first + width])).to(frames.device)[..., None]
            at = torch.arange(frames.shape[axis], device=frames.device)
            hidden = ((at >= ends[0]) & (at < ends[1])).unsqueeze(3 - axis)
            frames = torch.where(hidden, mean[:, None, None].to(frames.dtype), frames)
    return frames


def mixup(
    values: Tensor,
    lengths: Tensor,
    target: Tensor,
    mask: Tensor,
    weight: Tensor | None,
    alpha: float,
    generator: np.random.Generator,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None]:
    """Each example mixed with another of the batch, by a share from Beta(α, α).

    Args:
        values, lengths: float (B, L, ...) and int64 (B,); a shorter example ends in zeros.
        target, mask: (B, C); a target is known where it is known in both, see `mix_targets`.
        weight: (B, C), mixed as targets are; None: all count the same.
        alpha, generator: α, above 0; of the draws.

    Returns:
        All five of the mixtures.

    Raises:
        OptionError: an α that is no number above 0.
    """
    alpha = above_zero("alpha", alpha)
    share = _like(generator.beta(alpha, alpha, len(values)), values)
    order = torch.from_numpy(generator.permutation(len(share))).to(share.device)
    part = share.reshape(-1, *[1] * (values.ndim - 1))
    mixed = part * values + (1 - part) * values[order]
    longer = torch.maximum(lengths, lengths[order])
    if weight is not None:
        part = share[:, None].to(weight.dtype)
        weight = part * weight + (1 - part) * weight[order]
    return mixed, longer, *mix_targets(target, mask, order, share), weight


def _like(numbers: Any, values: Tensor) -> Tensor:
    return torch.from_numpy(numbers).to(values.dtype).to(values.device)  # Apple's lack float64

"""Augmentation of batches: waveforms, log-mel frames, mixtures of examples.

All draws are numpy's, so a seed gives the same ones on every device; `training_loop` seeds a
generator by seed, step and process.

Sources: Dinkel et al. 2022, §3.3, which names gain, polarity inversion, time shift, SpecAugment and
mixup without any range. Park et al. 2019 (SpecAugment); Zhang et al. 2018 (mixup).
Choices: the probability of a half and the ranges of torch-audiomentations' defaults; the widths of
SpecAugment's masks of PANNs' code, with its largest share of time for a policy of LibriSpeech.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audiolabels.losses import mix_targets
from audiolabels.training.examples import Batch
from audiolabels.training.tagger import mean_of_real, real_frames

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
    """Later or earlier by a share of the clip up to `SHIFT`; what leaves at an end enters at the
    other.
    """
    share = torch.from_numpy(generator.uniform(-SHIFT, SHIFT, len(values))).to(lengths.device)
    at, ends = torch.arange(values.shape[1], device=values.device), lengths[:, None]
    turned = (at - (share[:, None] * ends).round().long()) % ends.clamp(min=1)
    return values.gather(1, torch.where(at < ends, turned, at))


AUGMENTATIONS: Mapping[str, Callable[[Tensor, Tensor, np.random.Generator], Tensor]] = (
    MappingProxyType({"gain": gain, "polarity": polarity, "shift": shift})
)


def augment(batch: Batch, names: list[str], generator: np.random.Generator) -> Batch:
    """A batch of waveforms, each changed in each of these ways with a probability of a half."""
    values = batch.values
    for name in names:
        chosen = torch.from_numpy(generator.random(len(values)) < PROBABILITY).to(values.device)
        changed = AUGMENTATIONS[name](values, batch.lengths, generator)
        values = torch.where(chosen[:, None], changed, values)
    return batch._replace(values=values)


def spec_augment(
    frames: Tensor, counts: Tensor, masks: int, generator: np.random.Generator
) -> Tensor:
    """Log-mel frames (B, T, F) in which stretches of time and bands have the mean of the clip.

    Args:
        frames, counts: float, and int64 (B,): how many of the T are real.
        masks: of time, and as many of bands. Each has a width from 0 on, up to `TIME` frames and
            `SHARE` of the real ones, or `BANDS`.
    """
    real = real_frames(counts, frames.shape[1])
    mean = mean_of_real(frames, real).mean(1)[:, None, None].to(frames.dtype)
    lengths = counts.cpu().numpy()
    bands = np.full(len(frames), frames.shape[2])
    for _ in range(masks):
        for axis, sizes, most in (
            (1, lengths, np.minimum(TIME, (SHARE * lengths).astype(np.int64))),
            (2, bands, np.minimum(BANDS, bands)),
        ):
            width = generator.integers(0, most, endpoint=True)
            first = generator.integers(0, sizes - width, endpoint=True)
            ends = torch.from_numpy(np.stack([first, first + width])).to(frames.device)[..., None]
            at = torch.arange(frames.shape[axis], device=frames.device)
            frames = torch.where(
                ((at >= ends[0]) & (at < ends[1])).unsqueeze(3 - axis), mean, frames
            )
    return frames


def mixup(batch: Batch, alpha: float, generator: np.random.Generator) -> Batch:
    """Each example mixed with another of the batch, by a share from Beta(α, α).

    A target is known where it is known in both (`mix_targets`). A shorter example ends in zeros.
    """
    share = _like(generator.beta(alpha, alpha, len(batch.values)), batch.values)
    order = torch.from_numpy(generator.permutation(len(share))).to(share.device)
    target, mask = mix_targets(batch.target, batch.mask, order, share)
    part = share.reshape(-1, *[1] * (batch.values.ndim - 1))
    values = part * batch.values + (1 - part) * batch.values[order]
    lengths = torch.maximum(batch.lengths, batch.lengths[order])
    return batch._replace(values=values, lengths=lengths, target=target, mask=mask)


def _like(numbers: Any, values: Tensor) -> Tensor:
    return torch.from_numpy(numbers).to(values.device, values.dtype)

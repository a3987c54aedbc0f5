"""Augmentation of batches against their formulae, written out cell by cell."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from audiolabels.augmentation import (
    AUGMENTATIONS,
    augment,
    gain,
    mixup,
    polarity,
    shift,
    spec_augment,
)
from audiolabels.errors import OptionError
from audiolabels.training.examples import Batch
from audiolabels.training.hyperparameters import WAVEFORMS


def batch(size: int = 6, samples: int = 40, seed: int = 0) -> Batch:
    torch.manual_seed(seed)
    lengths = torch.linspace(1, samples, size).long()
    values = torch.randn(size, samples)
    values[torch.arange(samples) >= lengths[:, None]] = 0
    return Batch(values, lengths, torch.rand(size, 3), (torch.rand(size, 3) < 0.6).float())


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_names_that_options_take_are_those_of_the_table() -> None:
    assert tuple(AUGMENTATIONS) == WAVEFORMS


def test_a_gain_is_drawn_in_decibels() -> None:
    values, lengths, *_ = batch(500)
    changed = gain(values, lengths, generator())
    drawn = generator().uniform(-18, 6, 500)
    for row, wanted, before in zip(changed, drawn, values, strict=True):
        assert torch.allclose(row, before * 10 ** (wanted / 20))
    assert (drawn.min(), drawn.max()) == pytest.approx((-18, 6), abs=0.2)


def test_polarity_turns_the_sign() -> None:
    values = batch().values
    assert torch.equal(polarity(values), 0 - values)


@given(st.integers(0, 1000))
def test_a_shift_goes_round_within_each_clip(seed: int) -> None:
    values, lengths, *_ = batch(seed=seed)
    changed = shift(values, lengths, generator(seed))
    shares = generator(seed).uniform(-0.5, 0.5, len(values))
    for row, before, length, share in zip(changed, values, lengths.tolist(), shares, strict=True):
        steps = int(np.rint(share * length))
        wanted = [before[(i - steps) % length].item() for i in range(length)]
        assert row[:length].tolist() == wanted
        assert not row[length:].any()


def test_each_change_comes_to_half_of_the_clips() -> None:
    given = batch(1000)
    changed = augment(*given[:2], ["polarity"], generator())
    turned = (changed == -given.values).all(1)
    assert 0.45 < turned.float().mean() < 0.55
    assert torch.equal(changed[~turned], given.values[~turned])
    assert torch.equal(changed[turned], -given.values[turned])


def test_draws_depend_on_the_generator_alone() -> None:
    def all_of_it(seed: int) -> Batch:
        values, *rest = batch()
        changed = augment(values, rest[0], list(WAVEFORMS), generator(seed))
        return Batch(*mixup(changed, *rest, 1.0, generator(seed)))

    torch.manual_seed(5)
    one = all_of_it(1)
    torch.manual_seed(6)
    assert all(torch.equal(a, b) for a, b in zip(one[:4], all_of_it(1)[:4], strict=True))
    assert not torch.equal(one.values, all_of_it(2).values)


def masked(frames: torch.Tensor, counts: list[int], masks: int, draws: np.random.Generator):
    """SpecAugment, cell by cell."""
    done = frames.clone()
    means = [frames[i, :n].mean() for i, n in enumerate(counts)]
    for _ in range(masks):
        for axis in (1, 2):
            sizes = counts if axis == 1 else [frames.shape[2]] * len(counts)
            most = [min(64, int(0.2 * n)) if axis == 1 else min(8, n) for n in sizes]
            width = draws.integers(0, most, endpoint=True)
            first = draws.integers(0, np.array(sizes) - width, endpoint=True)
            for i, (start, size) in enumerate(zip(first, width, strict=True)):
                if axis == 1:
                    done[i, start : start + size] = means[i]
                else:
                    done[i, :, start : start + size] = means[i]
    return done


@given(st.integers(0, 1000), st.integers(0, 3))
def test_masks_cover_time_and_bands_with_the_mean(seed: int, masks: int) -> None:
    torch.manual_seed(seed)
    frames, counts = torch.randn(5, 400, 12), [400, 350, 40, 4, 1]
    found = spec_augment(frames, torch.tensor(counts), masks, generator(seed))
    wanted = masked(frames, counts, masks, generator(seed))
    assert torch.allclose(found, wanted, atol=1e-6)
    assert torch.equal(found, frames) == (masks == 0 or torch.allclose(wanted, frames))


@given(st.integers(0, 1000), st.sampled_from([0.2, 1.0, 8.0]))
def test_a_mixture_knows_what_both_know(seed: int, alpha: float) -> None:
    given_batch = batch(seed=seed)
    weights = torch.from_numpy(generator(seed + 1).uniform(0, 3, (6, 3)))
    given_batch = given_batch._replace(weight=weights)
    values, lengths, target, mask, weight = mixup(*given_batch, alpha, generator(seed))
    assert weight is not None
    draws = generator(seed)
    share = draws.beta(alpha, alpha, 6).astype(np.float32)
    order = draws.permutation(6)
    for i, (part, j) in enumerate(zip(share.tolist(), order.tolist(), strict=True)):
        one, other = given_batch.values[i], given_batch.values[j]
        assert torch.allclose(values[i], part * one + (1 - part) * other, atol=1e-6)
        assert lengths[i] == max(given_batch.lengths[i], given_batch.lengths[j])
        for column in range(3):
            known = (part == 0 or given_batch.mask[i, column] == 1) and (
                part == 1 or given_batch.mask[j, column] == 1
            )
            assert mask[i, column] == known
            heavy = part * weights[i, column] + (1 - part) * weights[j, column]
            assert math.isclose(weight[i, column], heavy, rel_tol=1e-6)
            mixed = (
                part * given_batch.target[i, column] + (1 - part) * given_batch.target[j, column]
            )
            assert math.isclose(target[i, column], known * mixed, abs_tol=1e-6)


def test_embeddings_are_mixed_frame_by_frame() -> None:
    given_batch = batch()._replace(values=torch.randn(6, 40, 5))
    values = mixup(*given_batch, 1.0, generator(3))[0]
    draws = generator(3)
    share = torch.from_numpy(draws.beta(1, 1, 6)).float()[:, None, None]
    order = draws.permutation(6)
    wanted = share * given_batch.values + (1 - share) * given_batch.values[order]
    assert torch.allclose(values, wanted)


def test_what_is_not_offered_is_refused_and_an_empty_clip_stays_as_it_is() -> None:
    values, lengths, draws = torch.ones(2, 4), torch.tensor([0, 4]), np.random.default_rng(0)
    with pytest.raises(OptionError, match="augmentation 'echo' is not offered"):
        augment(values, lengths, ["echo"], draws)
    with pytest.raises(OptionError, match="alpha 0: give a number above zero"):
        mixup(values, lengths, values, values, None, 0, draws)
    assert spec_augment(torch.ones(2, 4, 64), lengths, 3, draws).isfinite().all()

"""Masked losses against their definition, cell by cell."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from audiolabels.losses import (
    coherent_bce_with_logits,
    masked_bce,
    masked_bce_with_logits,
    masked_mse,
    mix_targets,
)

SHAPES = [(4, 7), (2, 5, 7), (3,)]


def batch(shape: tuple[int, ...], seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator)
    soft = torch.rand(shape, generator=generator)
    mask = (torch.rand(shape, generator=generator) > 0.4).float()
    return logits.requires_grad_(), soft * mask, mask


def mean_of_known(cells: list[tuple[float, float, float]], loss) -> float:
    known = [loss(value, target) for value, target, mask in cells if mask]
    return math.fsum(known) / len(known)


def cross_entropy(p: float, y: float) -> float:
    return -(y * math.log(p) + (1 - y) * math.log(1 - p))


@pytest.mark.parametrize("guard", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_they_are_means_over_the_known_cells(shape: tuple[int, ...], guard: bool) -> None:
    logits, target, mask = batch(shape)
    p = logits.detach().sigmoid()
    cells = list(zip(*(x.flatten().tolist() for x in (p, target, mask)), strict=True))
    for ours, right in (
        (masked_bce_with_logits(logits, target, mask, guard=guard), cross_entropy),
        (masked_bce(p, target, mask), cross_entropy),
        (masked_mse(p, target, mask, guard=guard), lambda value, y: (value - y) ** 2),
    ):
        assert ours.item() == pytest.approx(mean_of_known(cells, right), rel=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_unknown_has_no_say(shape: tuple[int, ...]) -> None:
    logits, target, mask = batch(shape)
    loss = masked_bce_with_logits(logits, target, mask)
    loss.backward()
    assert (logits.grad[mask == 0] == 0).all()
    assert (logits.grad[mask == 1] != 0).all()
    other = torch.where(mask > 0, target, 1 - target)
    assert masked_bce_with_logits(logits, other, mask).item() == loss.item()


@pytest.mark.parametrize("loss", [masked_bce_with_logits, masked_bce, masked_mse])
def test_nothing_known_is_zero_and_gives_no_gradient(loss) -> None:
    values = torch.rand(3, 5, requires_grad=True)
    made = loss(values, torch.ones(3, 5), torch.zeros(3, 5))
    made.backward()
    assert made.item() == 0
    assert (values.grad == 0).all()


def test_without_a_mask_it_is_the_plain_loss() -> None:
    logits, target, mask = batch((8, 5))
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
    assert masked_bce_with_logits(logits, target, torch.ones_like(mask)).item() == pytest.approx(
        plain.item(), rel=1e-6
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("guard", [False, True])
@pytest.mark.parametrize(
    ("loss", "neutral"), [(masked_bce_with_logits, 0.0), (masked_bce, 0.5), (masked_mse, 0.0)]
)
def test_what_is_under_the_mask_never_matters(
    loss: Any, neutral: float, guard: bool, value: float
) -> None:
    logits, target, mask = batch((4, 7))
    values = logits.detach().sigmoid() if loss is masked_bce else logits.detach()
    options = {} if loss is masked_bce else {"guard": guard}
    plain = values.clone().requires_grad_()
    right = loss(plain, target, mask, **options)
    right.backward()
    broken, wrong = values.masked_fill(mask == 0, value), target.masked_fill(mask == 0, value)
    for x, y in ((broken, target), (values, wrong), (broken, wrong)):
        given = x.clone().requires_grad_()
        made = loss(given, y, mask, **options)
        made.backward()
        assert made.item() == right.item()
        assert torch.equal(given.grad, plain.grad)


def test_nan_in_a_known_cell_is_not_hidden() -> None:
    logits, target, mask = batch((4, 7))
    everywhere = torch.full_like(logits, math.nan)
    for guard in (False, True):
        assert masked_bce_with_logits(everywhere, target, mask, guard=guard).isnan()
        assert masked_mse(logits, everywhere, mask, guard=guard).isnan()


def test_a_compiled_loss_ignores_what_is_under_the_mask() -> None:
    logits, target, mask = batch((4, 7))
    wrong = target.masked_fill(mask == 0, math.nan)
    for loss in (masked_bce_with_logits, masked_mse):
        traced = torch.compile(loss, fullgraph=True, backend="eager")
        assert traced(logits, wrong, mask).item() == loss(logits, target, mask).item()


def test_under_autocast_they_are_float32() -> None:
    layer = torch.nn.Linear(6, 5)
    _, target, mask = batch((4, 5))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = layer(torch.randn(4, 6))
        assert logits.dtype == torch.bfloat16
        for loss in (
            masked_bce_with_logits(logits, target, mask),
            masked_bce(logits.sigmoid(), target, mask),
            masked_mse(logits, target, mask),
        ):
            assert loss.dtype == torch.float32
            loss.backward(retain_graph=True)
    assert layer.weight.grad.isfinite().all()


def test_torch_can_trace_them_whole() -> None:
    logits, target, mask = batch((4, 7))
    for loss in (masked_bce_with_logits, masked_mse):
        traced = torch.compile(loss, fullgraph=True, backend="eager")
        assert traced(logits, target, mask).item() == loss(logits, target, mask).item()


def test_mixup_knows_only_what_both_know() -> None:
    target = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    mask = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    order = torch.tensor([1, 0])
    mixed, known = mix_targets(target, mask, order, 0.25)
    assert mixed.tolist() == [[0, 0.75, 0], [0, 0.25, 0]]
    assert known.tolist() == [[0, 1, 0], [0, 1, 0]]
    alone, same = mix_targets(target, mask, order, torch.tensor([1.0, 0.0]))
    assert alone.tolist() == [target[0].tolist(), target[0].tolist()]
    assert same.tolist() == [mask[0].tolist(), mask[0].tolist()]
    frames, _ = mix_targets(torch.ones(2, 5, 3), torch.ones(2, 5, 3), order, torch.tensor([0.3, 1]))
    assert frames.shape == (2, 5, 3)


def test_a_mask_that_expands_counts_every_cell_it_covers() -> None:
    logits, mask = torch.zeros(4, 2), torch.tensor([1.0, 0.0])
    for loss, right in ((masked_bce_with_logits, math.log(2)), (masked_mse, 1.0)):
        assert loss(logits, torch.ones(2), mask).item() == pytest.approx(right)


def test_whole_numbers_are_mixed_as_fractions() -> None:
    target = torch.tensor([[1, 0], [0, 1]])
    mixed, _ = mix_targets(target, torch.ones(2, 2), torch.tensor([1, 0]), 0.75)
    assert mixed.tolist() == [[0.75, 0.25], [0.25, 0.75]]


LOSSES = [
    (masked_bce_with_logits, cross_entropy),
    (masked_bce, cross_entropy),
    (masked_mse, lambda value, y: (value - y) ** 2),
]


def weighted_batch(shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    logits, target, mask = batch(shape)
    return logits.detach(), target, mask, torch.rand(shape, generator=generator) / 100


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("loss", "of_cell"), LOSSES)
def test_weighted_losses_are_sums_over_the_sum_of_weights(
    loss: Any, of_cell: Any, shape: tuple[int, ...]
) -> None:
    logits, target, mask, weight = weighted_batch(shape)
    p = logits.sigmoid()
    values = logits if loss is masked_bce_with_logits else p
    cells = zip(*(x.flatten().tolist() for x in (p, target, mask, weight)), strict=True)
    pairs = [(w * of_cell(value, y), w) for value, y, m, w in cells if m]
    right = math.fsum(x for x, _ in pairs) / math.fsum(w for _, w in pairs)
    for scale in (1, 2, 1000):  # only ratios matter
        found = loss(values, target, mask, weight=scale * weight)
        assert found.item() == pytest.approx(right, rel=1e-5)


@pytest.mark.parametrize("guard", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_weights_of_one_change_nothing(shape: tuple[int, ...], guard: bool) -> None:
    logits, target, mask = batch(shape)
    for loss in (masked_bce_with_logits, masked_mse):
        plain = loss(logits, target, mask, guard=guard)
        weighted = loss(logits, target, mask, weight=torch.ones_like(mask), guard=guard)
        assert plain.item() == weighted.item()
        gradients = [torch.autograd.grad(each, logits)[0] for each in (plain, weighted)]
        assert torch.equal(*gradients)


@pytest.mark.parametrize(("loss", "_"), LOSSES)
def test_gradients_are_in_proportion_to_weights(loss: Any, _: Any) -> None:
    logits, target, mask, weight = weighted_batch((4, 7))
    values = (logits if loss is masked_bce_with_logits else logits.sigmoid()).requires_grad_()
    (found,) = torch.autograd.grad(loss(values, target, mask, weight=weight), values)
    (plain,) = torch.autograd.grad(loss(values, target, mask), values)
    right = plain * mask.sum() * weight / (weight * mask).sum()
    torch.testing.assert_close(found, right)


@pytest.mark.parametrize(("loss", "_"), LOSSES)
def test_weights_of_zero_leave_cells_out(loss: Any, _: Any) -> None:
    logits, target, mask, weight = weighted_batch((4, 7))
    values = logits if loss is masked_bce_with_logits else logits.sigmoid()
    some = (torch.arange(28).reshape(4, 7) % 3 > 0).float()
    right = loss(values, target, mask * some, weight=weight)
    assert loss(values, target, mask, weight=weight * some).item() == right.item()
    out = values.masked_fill(some == 0, math.nan)
    assert loss(out, target, mask, weight=weight * some).item() == right.item()
    nothing = values.clone().requires_grad_()
    made = loss(nothing, target, mask, weight=torch.zeros_like(mask))
    made.backward()
    assert made.item() == 0
    assert (nothing.grad == 0).all()


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(("loss", "_"), LOSSES)
def test_weights_under_the_mask_never_matter(loss: Any, _: Any, value: float) -> None:
    logits, target, mask, weight = weighted_batch((4, 7))
    values = logits if loss is masked_bce_with_logits else logits.sigmoid()
    right = loss(values, target, mask, weight=weight)
    broken = weight.masked_fill(mask == 0, value)
    assert loss(values, target, mask, weight=broken).item() == right.item()
    known = weight.masked_fill(mask == 1, math.nan)
    assert loss(values, target, mask, weight=known).isnan()


def test_one_weight_for_each_class_is_expanded() -> None:
    logits, target, mask = batch((4, 7))
    weight = torch.arange(1.0, 8.0)
    for loss in (masked_bce_with_logits, masked_mse):
        traced = torch.compile(loss, fullgraph=True, backend="eager")
        right = loss(logits, target, mask, weight=weight.expand(4, 7)).item()
        assert loss(logits, target, mask, weight=weight).item() == right
        assert traced(logits, target, mask, weight=weight).item() == pytest.approx(right)


HIERARCHY = torch.tensor([[0, 0, 0, 1, 1, 2, 3], [0, 1, 2, 1, 2, 2, 3]])  # 0 > 1 > 2; 3 alone


def coherent_by_hand(logits: Tensor, target: Tensor, mask: Tensor, weight: Tensor) -> float:
    """C-HMCNN's loss cell by cell, over known cells."""
    below: dict[int, list[int]] = {}
    for one, other in HIERARCHY.T.tolist():
        below.setdefault(one, []).append(other)
    losses, weights = [], []
    rows = zip(*(x.tolist() for x in (logits.sigmoid(), target, mask, weight)), strict=True)
    for p, y, known, w in rows:
        for c, own in below.items():
            if known[c]:
                yes = max((p[d] for d in own if known[d] and y[d] >= y[c]), default=0)
                no = max(p[d] for d in own if known[d])
                losses.append(w[c] * (-y[c] * math.log(yes) - (1 - y[c]) * math.log(1 - no)))
                weights.append(w[c])
    return math.fsum(losses) / math.fsum(weights)


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_coherent_loss_is_that_of_the_paper_with_a_mask(seed: int, hard: bool) -> None:
    logits, target, mask = batch((6, 4), seed)
    target = (target > 0.5).float() if hard else target
    for weight in (torch.ones_like(mask), weighted_batch((6, 4))[3]):
        loss = coherent_bce_with_logits(logits, target, mask, HIERARCHY, weight=weight)
        right = coherent_by_hand(logits, target, mask, weight)
        assert loss.item() == pytest.approx(right, rel=1e-5)
    loss = coherent_bce_with_logits(logits, target, mask, HIERARCHY)
    right = coherent_by_hand(logits, target, mask, torch.ones_like(mask))
    assert loss.item() == pytest.approx(right, rel=1e-5)
    loss.backward()
    assert (logits.grad[mask == 0] == 0).all()


def test_the_coherent_loss_of_unrelated_classes_is_the_plain_one() -> None:
    logits, target, mask = batch((6, 4))
    alone = torch.arange(4).repeat(2, 1)
    loss = coherent_bce_with_logits(logits, target, mask, alone)
    assert loss.item() == pytest.approx(masked_bce_with_logits(logits, target, mask).item())


def test_a_positive_class_learns_only_from_what_is_there_below() -> None:
    logits = torch.tensor([[0.0, 1.0, 5.0]], requires_grad=True)
    pairs, known = HIERARCHY[:, :6], torch.ones(1, 3)
    coherent_bce_with_logits(logits, torch.tensor([[1.0, 1.0, 0.0]]), known, pairs).backward()
    assert logits.grad[0, 0] == 0  # the class below is there, and higher
    assert logits.grad[0, 1] < 0
    assert logits.grad[0, 2] > 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_under_the_mask_never_matters_to_the_coherent_loss(value: float) -> None:
    logits, target, mask = batch((6, 4))
    hidden = mask == 0
    right = coherent_bce_with_logits(logits, target, mask, HIERARCHY)
    right.backward()
    given = logits.detach().masked_fill(hidden, value).requires_grad_()
    made = coherent_bce_with_logits(given, target.masked_fill(hidden, value), mask, HIERARCHY)
    made.backward()
    assert made.item() == right.item()
    assert torch.equal(given.grad, logits.grad)
    nothing = coherent_bce_with_logits(given, target, torch.zeros_like(mask), HIERARCHY)
    assert nothing.item() == 0


def test_the_coherent_loss_hides_no_nan_and_can_be_traced() -> None:
    logits, target, mask = batch((6, 4))
    traced = torch.compile(coherent_bce_with_logits, fullgraph=True, backend="eager")
    right = coherent_bce_with_logits(logits, target, mask, HIERARCHY)
    assert traced(logits, target, mask, HIERARCHY).item() == right.item()
    everywhere = torch.full_like(logits, math.nan)
    assert coherent_bce_with_logits(everywhere, target, mask, HIERARCHY).isnan()
    half = coherent_bce_with_logits(logits.bfloat16(), target, mask, HIERARCHY)
    assert half.dtype == torch.float32

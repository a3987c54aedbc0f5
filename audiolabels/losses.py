"""Masked losses for any torch training code, which leave unknown targets out.

A mask is 1 where the target is known, 0 where it is unknown. Each loss is the sum over the known
cells, divided by their number; with weights, sum(weight · mask · loss) / sum(weight · mask). Where
none is known, or all that are weigh 0, it and every gradient are zero. Any shape works: (B, C),
(B, T, C). All work under `torch.compile`, and under autocast in float32.

Masked cells never matter, nor those of weight 0, NaN and infinity included, in targets, weights and
model output alike; in other cells they are not hidden. Zero times NaN is NaN, so a weighted sum
that is not finite is computed again with those cells filled first. That costs nothing where all is
finite, but reads the loss, which waits for a GPU; `guard=True` and `torch.compile` fill them at
once.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional


def masked_bce_with_logits(
    logits: Tensor,
    target: Tensor,
    mask: Tensor,
    *,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    guard: bool = False,
) -> Tensor:
    """Binary cross-entropy of the known cells, from logits.

    Args:
        logits: float tensor of any shape.
        target: in [0, 1], hard or soft; of that shape, or one that expands to it.
        mask: 1 = known, 0 = unknown; likewise.
        weight: how much each cell counts, at least 0; likewise. None: all count the same.
        pos_weight: as in `torch.nn.functional.binary_cross_entropy_with_logits`.
        guard: whether to fill the unknown cells first, without reading the result.

    Returns:
        A scalar, float32.
    """
    bce = functional.binary_cross_entropy_with_logits
    summed = partial(bce, pos_weight=pos_weight, reduction="sum")
    return _mean_of_known(summed, logits, target, mask, weight, neutral=0.0, guard=guard)


def masked_bce(
    probabilities: Tensor, target: Tensor, mask: Tensor, *, weight: Tensor | None = None
) -> Tensor:
    """Binary cross-entropy of the known cells, from probabilities; arguments as above.

    torch rejects values outside [0, 1], so unknown cells are filled first, and half precision, so
    the loss is computed outside autocast.
    """
    with torch.autocast(probabilities.device.type, enabled=False):
        summed = partial(functional.binary_cross_entropy, reduction="sum")
        return _mean_of_known(summed, probabilities, target, mask, weight, neutral=0.5, guard=True)


def masked_mse(
    scores: Tensor,
    target: Tensor,
    mask: Tensor,
    *,
    weight: Tensor | None = None,
    guard: bool = False,
) -> Tensor:
    """Mean squared error of the known cells; arguments as above."""

    def summed(scores: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        return ((scores - target).square() * weight).sum()

    return _mean_of_known(summed, scores, target, mask, weight, neutral=0.0, guard=guard)


def mix_targets(
    target: Tensor, mask: Tensor, order: Tensor, share: Tensor | float
) -> tuple[Tensor, Tensor]:
    """Target and mask of a mixup batch: `share` of each example, the rest of another.

    A cell is known if it is known in both examples; one with a share of zero does not count.
    Weights mix as targets do: `share * weight + (1 - share) * weight[order]`.

    Args:
        target, mask: shape (B, ...).
        order: int64 (B,): the example that each is mixed with.
        share: in [0, 1], one number or (B,).

    Returns:
        Target and mask of the mixture, shape (B, ...).
    """
    if not target.is_floating_point():
        target = target.float()
    part = torch.as_tensor(share, dtype=target.dtype, device=target.device)
    part = part.reshape(-1, *[1] * (target.ndim - 1)) if part.ndim else part
    mine, other = (part == 0) | (mask > 0), (part == 1) | (mask[order] > 0)
    known = (mine & other).to(mask.dtype)
    mixed = part * target + (1 - part) * target[order]
    return mixed * known.to(mixed.dtype), known


def _mean_of_known(
    summed: Callable[..., Tensor],
    values: Tensor,
    target: Tensor,
    mask: Tensor,
    weight: Tensor | None,
    *,
    neutral: float,
    guard: bool,
) -> Tensor:
    """The sum over the known cells, divided by their number, or by the sum of their weights."""
    known = mask.to(torch.float32).expand_as(values)
    if weight is not None:
        known = known * weight.to(torch.float32).expand_as(values).masked_fill(known == 0, 0.0)
    total = known.sum()
    total = total.masked_fill(total == 0, 1.0)
    cells, wanted = values.float(), target.float().expand_as(values)
    if not guard and not torch.compiler.is_compiling():
        loss = summed(cells, wanted, weight=known)
        if bool(loss.detach().isfinite()):
            return loss / total
    unknown = known == 0
    cells, wanted = cells.masked_fill(unknown, neutral), wanted.masked_fill(unknown, 0.0)
    return summed(cells, wanted, weight=known) / total

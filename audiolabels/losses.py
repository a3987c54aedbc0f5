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


def coherent_bce_with_logits(
    logits: Tensor,
    target: Tensor,
    mask: Tensor,
    pairs: Tensor,
    *,
    weight: Tensor | None = None,
) -> Tensor:
    """Binary cross-entropy of the known cells, of scores that agree with a hierarchy.

    The score of a class is the highest of itself and all classes below it. For a positive target it
    is the highest among those of them that are positive too, so that a class learns from what is
    below it only where that is there. Unknown classes have no part in either: they raise no score,
    and their own does not count.

    Source: Giunchiglia & Lukasiewicz, NeurIPS 2020 (C-HMCNN), §3, MCLoss, for targets 0 and 1.
    Deviations: the mask; the mean over known cells in place of the sum over classes; and soft
    targets, of which the share that is positive takes the highest score among the classes below
    whose target is at least as high.

    Args:
        logits: float (..., C).
        target: in [0, 1], hard or soft; of that shape, or one that expands to it.
        mask: 1 = known, 0 = unknown; likewise.
        pairs: int64 (2, P): columns of classes, and of themselves and what is below them; from
            `audiolabels.ontology.descendant_pairs`.
        weight: how much the loss of each cell counts, as in the other losses; a class of weight 0
            still raises the scores of those above.

    Returns:
        A scalar, float32.

    >>> pairs = torch.tensor([[0, 0, 1], [0, 1, 1]])  # the second class is below the first
    >>> logits, known = torch.tensor([[-9.0, 9.0]]), torch.ones(1, 2)
    >>> [round(coherent_bce_with_logits(logits, torch.tensor([target]), known, pairs).item(), 2)
    ...  for target in ([1.0, 1.0], [1.0, 0.0], [0.0, 0.0])]
    [0.0, 9.0, 9.0]
    """
    known = (mask > 0).expand_as(logits)
    wanted = target.float().expand_as(logits).masked_fill(~known, 0.0)
    classes, below = pairs.to(logits.device)
    values, there = logits.float()[..., below], known[..., below]
    as_positive = there & (wanted[..., below] >= wanted[..., classes])
    yes, no = (
        highest_of_class(values.masked_fill(~some, -torch.inf), classes, logits.shape[-1])
        for some in (as_positive, there)
    )
    yes, no = yes.masked_fill(~known, 0.0), no.masked_fill(~known, 0.0)
    cells = wanted * functional.softplus(-yes) + (1 - wanted) * functional.softplus(no)
    counts = known.float()
    if weight is not None:
        counts = counts * weight.float().expand_as(logits).masked_fill(~known, 0.0)
    total = counts.sum()
    return (cells.masked_fill(counts == 0, 0.0) * counts).sum() / total.masked_fill(total == 0, 1.0)


def highest_of_class(values: Tensor, classes: Tensor, count: int) -> Tensor:
    """The highest value of each class, (..., C), of values (..., P), int64 (P,) of which class."""
    lowest = values.new_full((*values.shape[:-1], count), -torch.inf)
    return lowest.scatter_reduce(-1, classes.expand_as(values), values, "amax")


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

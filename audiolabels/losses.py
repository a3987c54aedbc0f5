"""Losses that leave unknown targets out, for any torch training code.

A mask is 1 where the target is known, 0 where it is unknown. Each loss is the sum over the known
cells, divided by their number; where none is known it is zero, and so is every gradient. Any shape
will do: (B, C), (B, T, C). All work under `torch.compile`, and under autocast in float32.

A NaN or infinity that the model puts out is not hidden, not even under the mask: zero times NaN is
NaN. `guard=True` keeps the unknown cells out altogether, at twice the time.
"""

import torch
from torch import Tensor
from torch.nn import functional


def masked_bce_with_logits(
    logits: Tensor,
    target: Tensor,
    mask: Tensor,
    *,
    pos_weight: Tensor | None = None,
    guard: bool = False,
) -> Tensor:
    """Binary cross-entropy of the known cells, from logits.

    Args:
        logits: float tensor of any shape.
        target: in [0, 1], hard or soft; of that shape, or one that expands to it.
        mask: 1 = known, 0 = unknown; likewise.
        pos_weight: as in `torch.nn.functional.binary_cross_entropy_with_logits`.
        guard: whether what the model says in unknown cells may be NaN or infinite.

    Returns:
        A scalar, float32.
    """
    known = mask.to(torch.float32).expand_as(logits)
    loss = functional.binary_cross_entropy_with_logits(
        _known_only(logits, known, 0.0, guard).float(),
        target.float().expand_as(logits),
        weight=known,
        pos_weight=pos_weight,
        reduction="sum",
    )
    return loss / _count(known)


def masked_bce(
    probabilities: Tensor, target: Tensor, mask: Tensor, *, guard: bool = False
) -> Tensor:
    """Binary cross-entropy of the known cells, from probabilities; arguments as above.

    torch refuses this loss in half precision, so it is taken out of autocast.
    """
    known = mask.to(torch.float32).expand_as(probabilities)
    with torch.autocast(probabilities.device.type, enabled=False):
        loss = functional.binary_cross_entropy(
            _known_only(probabilities, known, 0.5, guard).float(),
            target.float().expand_as(probabilities),
            weight=known,
            reduction="sum",
        )
    return loss / _count(known)


def masked_mse(scores: Tensor, target: Tensor, mask: Tensor, *, guard: bool = False) -> Tensor:
    """Mean squared error of the known cells; arguments as above."""
    known = mask.to(torch.float32).expand_as(scores)
    difference = _known_only(scores, known, 0.0, guard).float() - target.float().expand_as(scores)
    return (difference.square() * known).sum() / _count(known)


def mix_targets(
    target: Tensor, mask: Tensor, order: Tensor, share: Tensor | float
) -> tuple[Tensor, Tensor]:
    """Target and mask of a mixup batch: `share` of each example, the rest of another.

    A cell is known if it is known in both examples that are mixed; one of which nothing is taken
    has no say.

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


def _known_only(values: Tensor, known: Tensor, neutral: float, guard: bool) -> Tensor:
    return values.masked_fill(known == 0, neutral) if guard else values


def _count(known: Tensor) -> Tensor:
    return known.sum().clamp(min=1.0)

"""Tagger: the base of all models, from frames to logits of clips.

Padding after a clip's end never enters the pooling. Models of single frames or patches (`mlp`,
`linear`, `resnet50`) do not process it at all, and it has no part in their batch normalisation. In
`mobilenetv2` and `segments` the last outputs of a clip see it as silence, where without padding
they would see the edge; `cnn1d` pads every clip. A clip of length 0 counts as one frame, or sample,
of zeros.
"""

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

LARGEST = 80.0  # exp(-80) is a float32 with all its digits


def mean_of_probabilities(logits: Tensor, real: Tensor) -> Tensor:
    """The logit of the mean over frames of sigmoid(logits), in float32.

    With several frames, logits beyond ±80 count as ±80, with zero gradient: the limit of float32.
    Logarithms of sums would avoid it, at three to four times the time.
    """
    if logits.shape[1] == 1:
        return logits[:, 0].float()
    z, share = logits.float().clamp(-LARGEST, LARGEST), real[..., None].float()
    yes, no = ((torch.sigmoid(v) * share).sum(1) for v in (z, -z))
    return yes.log() - no.log()


def highest(logits: Tensor, real: Tensor) -> Tensor:
    """The highest logit of all frames, in float32."""
    return logits.float().masked_fill(~real[..., None], -torch.inf).amax(1)


POOLING: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"mean": mean_of_probabilities, "max": highest}
)


class Tagger(nn.Module):
    """Base of all models; a model implements `features` and sets the attributes."""

    summary: str  # what it is, in one line
    source: str  # paper and section
    deviations: str = "none"  # from it, and choices that it leaves open
    takes: str = "audio"  # or embeddings
    rate: int | None = 16_000  # sampling rate of its input in Hz; None for embeddings
    pooling: str = "mean"  # from logits of frames to those of the clip, one of `POOLING`
    framewise = False  # whether each frame goes through the layers alone, without axis of clips
    axis = 1  # the frames' axis where a layer's output has three
    logmel = False  # whether its module `frontend` makes log-mel frames
    frozen = False  # but for the last layer
    head: nn.Linear  # the last layer, features to classes
    labels: tuple[str, ...] | None = None  # of a model from a folder: its classes, in order
    description: dict[str, Any]  # what `rebuild` needs apart from the head

    @classmethod
    def options(cls) -> dict[str, Any]:
        """Names and defaults of its options."""
        parameters = inspect.signature(cls).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not p.empty}

    def features(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The input of `head`, float (N, S, D), and its numbers of real frames, int64 (N,)."""
        raise NotImplementedError

    def inputs_of_head(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`features`, and which of them are real, bool (N, S); arguments as for `forward`."""
        if not x.shape[1]:
            x = x.new_zeros(len(x), 1, *x.shape[2:])
        features, counts = self.features(x, lengths.to(x.device).clamp(1, x.shape[1]))
        return features, real_frames(counts, features.shape[1])

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Logits of each clip, float32 (N, C), from x, embeddings (N, L, D) or samples (N, L),
        float32 with zeros after a clip's end, and their real numbers, lengths, int64 (N,).
        """
        features, real = self.inputs_of_head(x, lengths)
        return POOLING[self.pooling](self.head(features), real)

    def probabilities(self, x: Tensor, lengths: Tensor) -> Tensor:
        """The sigmoid of `forward`, float32 (N, C)."""
        return torch.sigmoid(self(x, lengths).float())

    def train(self, mode: bool = True) -> "Tagger":
        """As in torch; frozen layers keep their batch statistics and drop nothing out."""
        super().train(mode)
        if self.frozen:
            for name, child in self.named_children():
                child.train(mode and name == "head")
        return self


def new_head(model: Tagger, classes: int) -> None:
    """Replace the last layer by a fresh one for so many classes, on the same device."""
    old = model.head
    model.head = nn.Linear(old.in_features, classes, device=old.weight.device)
    model.labels = None


def freeze(model: Tagger) -> None:
    """Train only the last layer; all others stay in evaluation mode."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.head.requires_grad_(True)
    model.frozen = True
    model.train(model.training)


def real_frames(counts: Tensor, steps: int) -> Tensor:
    """Which of so many steps are real, bool (N, steps), from counts (N,)."""
    return torch.arange(steps, device=counts.device) < counts[:, None]


def mean_of_real(values: Tensor, real: Tensor) -> Tensor:
    """Mean over the real steps of (N, S, D), float32 (N, D); at least one per clip."""
    kept = values.float().masked_fill(~real[..., None], 0)
    return kept.sum(1) / real.sum(1, keepdim=True)


def one_by_one(body: Callable[[Tensor], Tensor], x: Tensor, counts: Tensor) -> Tensor:
    """(N, S, ...) to (N, S, D), with only the real steps through the body; zeros elsewhere."""
    real = real_frames(counts, x.shape[1])
    if bool(real.all()):
        return body(x.flatten(0, 1)).reshape(*real.shape, -1)
    done = body(x[real])
    out = done.new_zeros(*real.shape, done.shape[-1])
    out[real] = done
    return out

"""What tests of training share."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.models import MODELS

HYPERPARAMETERS = Hyperparameters(epochs=4, batch_size=32, average=2, learning_rate=1e-2, seed=3)
SMALL = {"hidden": 16, "dropout": 0.2}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(a: Path, b: Path) -> bool:
    one, other = weights(a), weights(b)
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def clips(name: str, lengths: list[float], seed: int = 1) -> tuple[Tensor, Tensor]:
    """Clips of so many frames, or seconds of audio, with zeros after them."""
    rate = MODELS[name].rate
    counts = torch.tensor([int(n * (rate or 1)) for n in lengths])
    x = torch.randn(
        len(lengths),
        max(counts.tolist()),
        *(() if rate else (6,)),
        generator=torch.Generator().manual_seed(seed),
    )
    x[torch.arange(x.shape[1]) >= counts[:, None]] = 0
    return x, counts

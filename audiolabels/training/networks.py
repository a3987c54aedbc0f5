"""The networks of the papers, each with its source and its deviations from it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from audiolabels.errors import OptionError, choose
from audiolabels.training.frontend import LogMel
from audiolabels.training.tagger import Tagger, mean_of_real, one_by_one, real_frames

PATCH = 96  # log-mel frames, 0.96 s


class MLP(Tagger):
    """Layers over each embedding frame."""

    summary = "hidden layers over each embedding frame, outputs pooled"
    source = "Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet, §V"
    deviations = ("the source has hidden=256, activation=elu, norm=true; the defaults are for "
                  "frames of VGGish")  # fmt: skip
    takes, rate, framewise = "embeddings", None, True

    def __init__(
        self,
        classes: int,
        dim: int,
        hidden: int | Sequence[int] = 1024,
        dropout: float = 0.0,
        activation: str = "relu",
        norm: bool = False,
        pooling: str = "mean",
        pool_inputs: bool = False,
    ) -> None:
        super().__init__()
        sizes = [dim, *([hidden] if isinstance(hidden, int) else hidden)]
        if min(sizes) < 1 or not 0 <= dropout < 1:
            raise OptionError("sizes of layers are 1 or more, dropout lies in [0, 1)")
        activations = {"relu": nn.ReLU, "elu": nn.ELU}
        activate = activations[choose("activation", activation, activations)]
        self.body = nn.Sequential()
        for size, larger in pairwise(sizes):
            self.body.extend([nn.Linear(size, larger), activate()])
            self.body.extend([nn.BatchNorm1d(larger)] if norm else [])
            self.body.extend([nn.Dropout(dropout)] if dropout else [])
        self.head = nn.Linear(sizes[-1], classes)
        self.pooling, self.pool_inputs = pooling, pool_inputs

    def features(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        if self.pool_inputs:
            x = mean_of_real(x, real_frames(lengths, x.shape[1]))[:, None]
            lengths = torch.ones_like(lengths)
        return one_by_one(self.body, x, lengths), lengths


class Linear(MLP):
    """One layer over each embedding frame."""

    summary = "one linear layer over each embedding frame, outputs pooled"
    source, deviations = "the usual probe of frozen features", "none"

    def __init__(self, classes: int, dim: int, pooling: str = "mean", pool_inputs: bool = False):
        super().__init__(classes, dim, (), pooling=pooling, pool_inputs=pool_inputs)


class CNN1D(Tagger):
    """Nine convolutions on raw samples at 8 kHz."""

    summary = "nine convolutions on ten seconds of raw samples; layer `embedding` has 128 features"
    source = "Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet, §V, table II"
    deviations = ("ELU before batch normalisation, as the text lists them; clips of other lengths "
                  "are padded with zeros or cut")  # fmt: skip
    rate, axis, samples = 8000, 2, 80_000
    layers = (
        *((64, 17, 3), (64, 16, 3), (96, 15, 3), (96, 14, 3), (128, 13, 3), (128, 12, 3)),
        *((192, 9, 3), (192, 9, 3), (256, 9, 1)),
    )

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.convolutions, before = nn.Sequential(), 1
        for filters, kernel, stride in self.layers:
            layer = nn.Conv1d(before, filters, kernel, stride)
            self.convolutions.append(nn.Sequential(layer, nn.ELU(), nn.BatchNorm1d(filters)))
            before = filters
        self.dense = nn.Sequential(nn.Linear(256, 256), nn.ELU(), nn.BatchNorm1d(256))
        self.embedding = nn.Linear(256, 128)
        self.after = nn.Sequential(nn.ELU(), nn.BatchNorm1d(128))
        self.head = nn.Linear(128, classes)

    def features(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        x = _padded(x, self.samples)[:, : self.samples]
        x = self.convolutions(x[:, None]).squeeze(2)
        return self.after(self.embedding(self.dense(x)))[:, None], torch.ones_like(lengths)


class OnLogMel(Tagger):
    """Models on log-mel frames, scaled so that -100 dB is -1 and 0 dB is 1."""

    logmel = True

    def __init__(self, classes: int, width: int, pooling: str, bands: int = 64) -> None:
        super().__init__()
        self.frontend = LogMel(rate=16_000, bands=bands)
        self.head = nn.Linear(width, classes)
        self.pooling = pooling

    def frames(self, x: Tensor, lengths: Tensor, least: int = 1) -> tuple[Tensor, Tensor]:
        """Frames (N, T, bands), `least` or more, and how many of them each clip has."""
        x = _padded(x, (least - 1) * self.frontend.hop)
        return self.frontend(x) / 50 + 1, self.frontend.frames(lengths).clamp(min=least)


class MobileNetV2(OnLogMel):
    """MobileNetV2 on log-mel frames."""

    summary = "MobileNetV2 on 64 log-mel bands, an output every 0.32 s, outputs pooled"
    source = "Dinkel et al. 2022, Pseudo strong labels, §3.3"
    deviations = ("the paper names no pooling: mean over frequency, then of the probabilities over "
                  "time, and dropout 0.3, as in the authors' code; the log-mel of this library for "
                  "theirs (Slaney's scale for HTK's), scaled; weights begin as transformers sets "
                  "them")  # fmt: skip

    def __init__(self, classes: int, dropout: float = 0.3, pooling: str = "mean", width: float = 1):
        from transformers import MobileNetV2Config, MobileNetV2Model

        if not 0 < width <= 1:
            raise OptionError(f"width is {width:g}; above 0 and up to 1 works")
        super().__init__(classes, 1280, pooling)
        config = MobileNetV2Config(num_channels=1, tf_padding=False, layer_norm_eps=1e-5,
                                   depth_multiplier=width)  # fmt: skip
        self.body = MobileNetV2Model(config, add_pooling_layer=False)
        # Faster by half on a processor.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for module in self.body.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 0.1  # transformers' 0.997 is TensorFlow's, which is torch's 0.003
        self.dropout = nn.Dropout(dropout)

    def features(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        frames, counts = self.frames(x, lengths)
        maps = self.body(frames[:, None]).last_hidden_state
        return self.dropout(maps.mean(3).mT), -(-counts // 32)


class ResNet50(OnLogMel):
    """ResNet-50 on patches of 96 log-mel frames."""

    summary = "ResNet-50 on patches of 96 frames and 64 log-mel bands (0.96 s), outputs pooled"
    source = "Hershey et al. 2021, The benefit of temporally-strong labels, §4"
    deviations = ("the log-mel of this library for theirs (25 ms, 125 to 7,500 Hz), scaled; all "
                  "whole patches of a clip for a random one; what is left after the last is not "
                  "used")  # fmt: skip
    framewise = True

    def __init__(self, classes: int, pooling: str = "mean") -> None:
        from transformers import ResNetConfig, ResNetModel

        super().__init__(classes, 2048, pooling)
        self.body = ResNetModel(ResNetConfig(num_channels=1))

    def features(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        frames, counts = self.frames(x, lengths, PATCH)
        whole = frames[:, : frames.shape[1] // PATCH * PATCH]
        patches = whole.reshape(len(x), -1, 1, PATCH, whole.shape[2])
        counts = counts // PATCH
        pooled = one_by_one(lambda x: self.body(x).pooler_output.flatten(1), patches, counts)
        return pooled, counts


class SegmentCNN(OnLogMel):
    """Convolutions to outputs for segments of 1.28 s, every 0.64 s."""

    summary = "convolutions to outputs for segments of 1.28 s, every 0.64 s, outputs pooled"
    source = "Kumar & Ithapu 2020, SeCoST (WELS-Net), as its authors' earlier network"
    deviations = "with 64 bands a single one is left before the 2×2 convolution, which is 2×1 there"

    def __init__(self, classes: int, bands: int = 64, pooling: str = "mean") -> None:
        if bands not in (64, 128):
            raise OptionError("bands: the network takes 64 or 128")
        super().__init__(classes, 1024, pooling, bands)
        self.body, before = nn.Sequential(), 1
        for filters, repeats in ((16, 2), (32, 2), (64, 2), (128, 2), (256, 2), (512, 1)):
            for _ in range(repeats):
                self.body.extend(_convolution(before, filters, 3, padding=1))
                before = filters
            self.body.append(nn.MaxPool2d(2))
        self.body.extend(_convolution(512, 1024, (2, bands // 64)))

    def features(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        frames, counts = self.frames(x, lengths, 128)
        return self.body(frames[:, None]).squeeze(3).mT, counts // 64 - 1


def _padded(samples: Tensor, least: int) -> Tensor:
    return functional.pad(samples, (0, max(0, least - samples.shape[1])))


def _convolution(before: int, filters: int, kernel: Any, padding: int = 0) -> list[nn.Module]:
    layer = nn.Conv2d(before, filters, kernel, padding=padding, bias=False)
    return [layer, nn.BatchNorm2d(filters), nn.ReLU()]

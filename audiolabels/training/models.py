"""Models: audio or embeddings of clips to logits of classes.

The command line and the documentation read the table `MODELS`. All models are a `Tagger`: outputs
for frames, pooled over each clip's real frames, and a replaceable last layer `head`.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from audiolabels.errors import OptionError, choose
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
from audiolabels.training.huggingface import (
    HuggingFace,
    from_description,
    from_folder,
    rate_of_folder,
)
from audiolabels.training.networks import CNN1D, MLP, Linear, MobileNetV2, ResNet50, SegmentCNN
from audiolabels.training.tagger import POOLING, Tagger, mean_of_real, new_head, real_frames


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes:
        network: its class.
        summary: in one line.
        source: paper and section.
        deviations: differences from the source, and choices that it leaves open.
        make: its constructor, `(classes, [dim], **options)`, where that is not the class.
    """

    network: type[Tagger]
    summary: str
    source: str
    deviations: str
    make: Callable[..., Tagger] | None = None

    @property
    def takes(self) -> str:
        """Its input, "embeddings" or "audio"."""
        return self.network.takes

    @property
    def rate(self) -> int | None:
        """Sampling rate in Hz; None for embeddings, or where a folder determines it."""
        return self.network.rate

    @property
    def options(self) -> dict[str, Any]:
        """Names and defaults of its options."""
        parameters = inspect.signature(self.make or self.network).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not p.empty}


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "mlp": Model(
            MLP,
            "hidden layers over each embedding frame, outputs pooled",
            "Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet, §V",
            "the source has hidden=256, activation=elu, norm=true; the defaults are for frames of "
            "VGGish",
        ),
        "linear": Model(
            Linear,
            "one linear layer over each embedding frame, outputs pooled",
            "the usual probe of frozen features",
            "none",
        ),
        "mobilenetv2": Model(
            MobileNetV2,
            "MobileNetV2 on 64 log-mel bands, an output every 0.32 s, outputs pooled",
            "Dinkel et al. 2022, Pseudo strong labels, §3.3",
            "the paper names no pooling: mean over frequency, then of the probabilities over time, "
            "and dropout 0.3, as in the authors' code; the log-mel of this library for theirs "
            "(Slaney's scale for HTK's), scaled; weights begin as transformers sets them",
        ),
        "resnet50": Model(
            ResNet50,
            "ResNet-50 on patches of 96 frames and 64 log-mel bands (0.96 s), outputs pooled",
            "Hershey et al. 2021, The benefit of temporally-strong labels, §4",
            "the log-mel of this library for theirs (25 ms, 125 to 7,500 Hz), scaled; all whole "
            "patches of a clip for a random one; what is left after the last is not used",
        ),
        "cnn1d": Model(
            CNN1D,
            "nine convolutions on ten seconds of raw samples; layer `embedding` has 128 features",
            "Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet, §V, table II",
            "ELU before batch normalisation, as the text lists them; clips of other lengths are "
            "padded with zeros or cut",
        ),
        "segments": Model(
            SegmentCNN,
            "convolutions to outputs for segments of 1.28 s, every 0.64 s, outputs pooled",
            "Kumar & Ithapu 2020, SeCoST (WELS-Net), as its authors' earlier network",
            "with 64 bands a single one is left before the 2×2 convolution, which is 2×1 there",
        ),
        "huggingface": Model(
            HuggingFace,
            "an audio classifier of transformers, given by a folder's path",
            "its model card",
            "its own feature extractor runs, on the CPU, and handles padding and long clips "
            "(that of AST cuts at 10.24 s)",
            from_folder,
        ),
    }
)


def rate_of(name: str) -> int | None:
    """Sampling rate in Hz of a model, by name or folder; None for embeddings.

    Raises:
        OptionError: no such model, or no classifier in the folder.
    """
    if name not in MODELS and Path(name).is_dir():
        return rate_of_folder(name)
    return MODELS[choose("model", name, MODELS)].rate


def make_model(
    name: str | Path, classes: int | None, *, dim: int | None = None, **options: Any
) -> Tagger:
    """Make a model with fresh weights, or load a classifier from a folder.

    Args:
        name: one of `MODELS`, or a folder with a Hugging Face audio classifier.
        classes: their number; None for the folder's classifier with its own head.
        dim: width of an embedding frame, for models of embeddings.
        options: as in the table.

    Raises:
        OptionError: no such model or option, `dim` missing or superfluous, or a folder without a
            classifier with weights in safetensors.

    >>> make_model("linear", 3, dim=128).head
    Linear(in_features=128, out_features=3, bias=True)
    >>> make_model("mobilenetv2", 3, depth=5)
    Traceback (most recent call last):
    audiolabels.errors.OptionError: option 'depth' is not offered; choose one of dropout, ...
    """
    if str(name) not in MODELS and Path(name).is_dir():
        name, options = "huggingface", {"folder": str(name), **options}
    name = choose("model", str(name), MODELS)
    entry = MODELS[name]
    for option in options:
        choose("option", option, entry.options)
    if "pooling" in options:
        choose("pooling", options["pooling"], POOLING)
    if (dim is None) == (entry.takes == "embeddings"):
        raise OptionError(f"{name} takes {entry.takes}: {'give' if dim is None else 'omit'} dim")
    if entry.make:
        return entry.make(classes, **options)
    if classes is None or classes < 1:
        raise OptionError(f"{name}: classes is {classes}; 1 or more work")
    make: Callable[..., Tagger] = entry.network
    model = make(classes, **({} if dim is None else {"dim": dim}), **options)
    model.description = {"model": name, "dim": dim, "options": options}
    return model


def describe(model: Tagger) -> dict[str, Any]:
    """Everything for `rebuild` except the weights, for JSON."""
    return {**model.description, "classes": model.head.out_features, "labels": model.labels}


def rebuild(description: Mapping[str, Any]) -> Tagger:
    """The described model with fresh weights; load its state afterwards.

    Raises:
        OptionError: not a description by this library.
    """
    try:
        if description["model"] != "huggingface":
            chosen = {"dim": description["dim"], **description["options"]}
            return make_model(description["model"], description["classes"], **chosen)
        model = from_description(description)
        new_head(model, description["classes"])
        model.labels = tuple(description["labels"]) if description["labels"] else None
    except (KeyError, TypeError) as error:
        raise OptionError(f"not the description of a model: {error!r}") from error
    return model


def own_vocabulary(model: Tagger) -> Vocabulary:
    """The classes of a model from a folder.

    Raises:
        OptionError: it has none, or a new head.
        VocabularyError: the ontology lacks some of them; the message names them.
    """
    if model.labels is None:
        raise OptionError("the model has no classes of its own; name the vocabulary of its head")
    return load_vocabulary(model.labels)


def layers(model: Tagger) -> list[str]:
    """Names of the layers for `embeddings`."""
    return [
        name
        for name, module in model.named_modules()
        if name and not name.startswith("frontend") and not isinstance(module, nn.ModuleList)
    ]


@torch.no_grad()
def embeddings(model: Tagger, x: Tensor, lengths: Tensor, layer: str = "") -> Tensor:
    """Mean output of a layer over the frames of each clip, in evaluation mode.

    Args:
        model: its mode is restored.
        x, lengths: as for `Tagger.forward`.
        layer: one of `layers(model)`; by default the input of the last layer.

    Returns:
        float32 (N, D); also averaged over frequency for maps with such an axis. Outputs of Hugging
        Face models with three axes are taken as (N, frames, D).

    Raises:
        OptionError: no such layer, or it takes no part in the computation.
    """
    caught: list[Tensor] = []
    modules = dict(model.named_modules())
    hook = modules[choose("layer", layer, layers(model))] if layer else nn.Identity()
    handle = hook.register_forward_hook(
        lambda _, __, output: caught.append(output if isinstance(output, Tensor) else output[0])
    )
    training = model.training
    try:
        features, real = model.eval().inputs_of_head(x, lengths)
        if layer == "head":
            model.head(features)
    finally:
        handle.remove()
        model.train(training)
    if layer and not caught:
        raise OptionError(f"layer {layer!r} gives no output of its own; choose another")
    out = caught[0] if layer else features
    inner = layer not in ("", "head")
    if model.framewise and inner:
        rows = out.flatten(2).mean(2) if out.ndim > 2 else out
        out = rows.new_zeros(*real.shape, rows.shape[1])
        out[real] = rows
    elif out.ndim == 4 or (out.ndim == 3 and model.axis == 2 and inner):
        out = (out.mean(3) if out.ndim == 4 else out).transpose(1, 2)
    if out.ndim == 2:
        return out.float()
    steps = out.shape[1]
    return mean_of_real(out, real_frames(-(-real.sum(1) * steps // real.shape[1]), steps))

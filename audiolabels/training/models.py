"""Models: audio or embeddings of clips to logits of classes.

The command line and the documentation read the table `MODELS`. All models are a `Tagger`: outputs
for frames, pooled over each clip's real frames, and a replaceable last layer `head`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from audiolabels.errors import OptionError, choose, guarded
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
from audiolabels.training import huggingface, networks
from audiolabels.training.huggingface import HuggingFace
from audiolabels.training.tagger import POOLING, Tagger, mean_of_real, new_head, real_frames

MODELS: Mapping[str, type[Tagger]] = MappingProxyType({
    "mlp": networks.MLP, "linear": networks.Linear, "mobilenetv2": networks.MobileNetV2,
    "resnet50": networks.ResNet50, "cnn1d": networks.CNN1D, "segments": networks.SegmentCNN,
    "huggingface": HuggingFace,
})  # fmt: skip


def rate_of(name: str) -> int | None:
    """Sampling rate in Hz of a model, by name or folder; None for embeddings. Raises OptionError if
    there is no such model, or no classifier in the folder.
    """
    return huggingface.rate_of_folder(name) if _is_folder(name) else class_of(name).rate


def class_of(name: str) -> type[Tagger]:
    """The class of a model, by name or folder; see `rate_of`."""
    return HuggingFace if _is_folder(name) else MODELS[choose("model", name, MODELS)]


def _is_folder(name: str) -> bool:
    if name not in MODELS and (hint := huggingface.hub_hint(name)):
        raise OptionError(f"model {name!r}: no such folder{hint}")
    with guarded(name, OptionError, "no model and no folder"):
        return name not in MODELS and Path(name).is_dir()


def make_model(name: str | Path, classes: int | None, *, dim: int | None = None,
               **options: Any) -> Tagger:  # fmt: skip
    """Make a model with fresh weights, or load a classifier from a folder.

    Args:
        name, options: as in `MODELS`, or a folder with a Hugging Face audio classifier.
        classes: their number; None for the folder's classifier with its own head.
        dim: width of an embedding frame, for models of embeddings.

    Raises:
        OptionError: no such model, option or classifier, or `dim` missing or superfluous.

    >>> make_model("linear", 3, dim=128).head
    Linear(in_features=128, out_features=3, bias=True)
    >>> make_model("mobilenetv2", 3, depth=5)
    Traceback (most recent call last):
    audiolabels.errors.OptionError: option 'depth' is not offered; choose one of dropout, ...
    """
    if _is_folder(str(name)):
        name, options = "huggingface", {"folder": str(name), **options}
    name = choose("model", str(name), MODELS)
    network = MODELS[name]
    for option in options:
        choose("option", option, network.options())
    if "pooling" in options:
        choose("pooling", options["pooling"], POOLING)
    if (dim is None) == (network.takes == "embeddings"):
        raise OptionError(f"{name} takes {network.takes}: {'give' if dim is None else 'omit'} dim")
    if network is HuggingFace:
        classifier = huggingface.read_folder(options.get("folder", ""), weights=True)
        if classes is not None:
            new_head(classifier, classes)
        return classifier
    if classes is None or classes < 1:
        raise OptionError(f"{name}: classes is {classes}; 1 or more work")
    make: Callable[..., Tagger] = network
    model = make(classes, **({} if dim is None else {"dim": dim}), **options)
    model.description = {"model": name, "dim": dim, "options": options}
    return model


def describe(model: Tagger) -> dict[str, Any]:
    """Everything for `rebuild` except the weights, for JSON."""
    return {**model.description, "classes": model.head.out_features, "labels": model.labels}


def rebuild(description: Mapping[str, Any]) -> Tagger:
    """The described model with fresh weights; load its state afterwards."""
    with guarded("model", OptionError, "not the description of a model"):
        if description["model"] != "huggingface":
            chosen = {"dim": description["dim"], **description["options"]}
            return make_model(description["model"], description["classes"], **chosen)
        model = huggingface.from_description(description)
        new_head(model, description["classes"])
        model.labels = tuple(description["labels"]) if description["labels"] else None
    return model


def own_vocabulary(model: Tagger) -> Vocabulary:
    """The classes of a model from a folder; OptionError if it has none, or a new head,
    VocabularyError if the ontology lacks some of them.
    """
    if model.labels is None:
        raise OptionError("the model has no classes of its own; name the vocabulary of its head")
    return load_vocabulary(model.labels)


def layers(model: Tagger) -> list[str]:
    """Names of the layers for `embeddings`."""
    named = [name for name, each in model.named_modules() if not isinstance(each, nn.ModuleList)]
    return [name for name in named if name and not name.startswith("frontend")]


@torch.no_grad()
def embeddings(model: Tagger, x: Tensor, lengths: Tensor, layer: str = "") -> Tensor:
    """Mean output of a layer over the frames of each clip, in evaluation mode.

    Args:
        model: its mode is restored.
        x, lengths: as for `Tagger.forward`.
        layer: one of `layers(model)`, else OptionError; by default the input of the last layer.

    Returns:
        float32 (N, D); also averaged over frequency for maps with such an axis. Outputs of Hugging
        Face models with three axes are taken as (N, frames, D).
    """
    caught: list[Tensor] = []
    modules = dict(model.named_modules())
    hook = modules[choose("layer", layer, layers(model))] if layer else nn.Identity()
    training = model.training
    with hook.register_forward_hook(
        lambda _, __, output: caught.append(output if isinstance(output, Tensor) else output[0])
    ):
        try:
            features, real = model.eval().inputs_of_head(x, lengths)
            if layer == "head":
                model.head(features)
        finally:
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

"""Audio classifiers of transformers, from a local folder or from their description.

Nothing is downloaded, no pickle is read, and only code of transformers is run.
"""

import inspect
import json
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from audiolabels.errors import OptionError, guarded, shortlist
from audiolabels.files import parse_json
from audiolabels.ontology.vocabulary import LARGEST
from audiolabels.training.tagger import Tagger

LONGEST = 1 << 24  # no number in a configuration is greater
FILES = "config.json, preprocessor_config.json and *.safetensors"
CONFIGS = MappingProxyType({"config": "config.json", "extractor": "preprocessor_config.json"})


class HuggingFace(Tagger):
    """An audio classifier of transformers, with its own feature extractor.

    Its last layer becomes `head`, so that it can be replaced as in all models.
    """

    summary = "an audio classifier of transformers, given by a folder's path"
    source = "its model card"
    deviations = ("its own feature extractor runs, on the CPU, and handles padding and long clips "
                  "(that of AST cuts at 10.24 s)")  # fmt: skip
    rate = None  # that of its extractor

    def __init__(self, model: nn.Module, extractor: Any) -> None:
        super().__init__()
        config: Any = model.config
        linear = {n: m for n, m in model.named_modules() if isinstance(m, nn.Linear)}
        last = [name for name, m in linear.items() if m.out_features == config.num_labels][-1:]
        if not last:
            raise OptionError(f"{config.model_type}: no linear layer gives its classes")
        model.set_submodule(last[0], nn.Identity())
        self.body, self.head, self.extractor = model, linear[last[0]], extractor
        self.rate = int(extractor.sampling_rate)
        self.labels = tuple(config.id2label[i] for i in range(config.num_labels))
        self.description = {"model": "huggingface",
                            "config": json.loads(config.to_json_string(use_diff=False)),
                            "extractor": json.loads(extractor.to_json_string())}  # fmt: skip

    @classmethod
    def options(cls) -> dict[str, Any]:
        """The folder to load it from."""
        return {"folder": ""}

    def prepare(self, samples: list[npt.NDArray[np.float32]]) -> dict[str, Tensor]:
        """The classifier's input, made from samples by its extractor, on the CPU."""
        shortest = self.extractor.sampling_rate // 10  # extractors fail on less than a window
        padded = [np.pad(s, (0, max(0, shortest - len(s)))) for s in samples]
        padding = inspect.signature(type(self.extractor).__call__).parameters.get("padding")
        options = {"padding": True} if padding and not padding.default else {}
        return dict(self.extractor(padded, sampling_rate=self.rate, return_tensors="pt", **options))

    @torch.no_grad()
    def try_out(self) -> None:
        """Classify silence: extractor and model may not fit each other."""
        self.eval().features(torch.zeros(1, 0), torch.zeros(1, dtype=torch.int64))

    def features(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:  # noqa: D102
        clips = x.detach().float().cpu().numpy()
        inputs = self.prepare([s[:n] for s, n in zip(clips, lengths.tolist(), strict=True)])
        output = self.body(**{name: value.to(x.device) for name, value in inputs.items()})
        return output.logits[:, None], torch.ones_like(lengths)


def from_description(description: Mapping[str, Any]) -> HuggingFace:
    """The classifier with fresh weights, from its `description`."""
    with tempfile.TemporaryDirectory() as folder:
        for part, file in CONFIGS.items():
            Path(folder, file).write_text(json.dumps(description[part]), encoding="utf-8")
        return read_folder(folder, weights=False)


def rate_of_folder(folder: str | Path) -> int:
    """Sampling rate in Hz of the classifier in a folder; OptionError if there is none."""
    path = Path(folder, CONFIGS["extractor"])
    with guarded(folder, OptionError, f"no sampling rate in {path.name}"):
        return int(parse_json(path.read_bytes())["sampling_rate"])


def hub_hint(name: str) -> str:
    """What to do about a folder that is missing, if its name could be one of Hugging Face's Hub.

    >>> hub_hint("MIT/ast")
    '; a model of the Hugging Face Hub is downloaded first: hf download MIT/ast --local-dir ast'
    """
    if not re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name) or Path(name).exists():
        return ""
    local = name.split("/")[1]
    return (f"; a model of the Hugging Face Hub is downloaded first: hf download {name} "
            f"--local-dir {local}")  # fmt: skip


def read_folder(folder: str | Path, weights: bool) -> HuggingFace:
    """Read `CONFIGS` and, if asked, weights in safetensors; pickles and code never. OptionError if
    it holds no such classifier.
    """
    from transformers import AutoConfig, AutoFeatureExtractor, AutoModelForAudioClassification

    here: Any = {"local_files_only": True, "trust_remote_code": False}
    weighed = sum(path.stat().st_size for path in Path(folder).glob("*.safetensors"))
    with (
        guarded(folder, OptionError, f"not an audio classifier of transformers, which has {FILES}"),
        at_most(weighed) if weights else nullcontext(),
    ):
        for file in CONFIGS.values():
            json.loads(Path(folder, file).read_bytes(), object_pairs_hook=_refuse_odd)
        config = AutoConfig.from_pretrained(folder, **here)
        with warnings.catch_warnings():
            # AST's 128 bands are more than its spectrum resolves; so it was trained.
            warnings.filterwarnings("ignore", message="At least one mel filter has all zero")
            extractor = AutoFeatureExtractor.from_pretrained(folder, **here)
        if weights:
            here |= {"config": config, "use_safetensors": True, "output_loading_info": True}
            model, info = AutoModelForAudioClassification.from_pretrained(folder, **here)
        else:
            model, info = AutoModelForAudioClassification.from_config(config), {}
        missing = info.get("missing_keys")
        if missing:
            lacking = shortlist(sorted(missing))
            raise OptionError(f"{folder}: the classifier lacks weights: {lacking}")
        classifier = HuggingFace(model.float(), extractor)
        if weights:
            classifier.try_out()
    return classifier


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Refuse to make a model with more parameters than weights of `size` bytes can have."""
    most, count = 8 * size + (1 << 20), 0  # a parameter may be made anew

    def add(_: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal count
        count += 0 if parameter is None else parameter.numel()
        if count > most:
            raise ValueError(f"it describes more parameters than {size:,} bytes of weights hold")

    handle = register_module_parameter_registration_hook(add)
    try:
        yield
    finally:
        handle.remove()


def _refuse_odd(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse implementations that transformers would fetch and run, such as "owner/kernel", and
    numbers that no classifier has.
    """
    for key, value in pairs:
        most = LARGEST if key == "num_labels" else LONGEST
        if isinstance(value, int) and abs(value) > most:
            raise ValueError(f"{key} is {value:,}; up to {most:,} is possible")
        if key.endswith("_implementation") and value not in (None, "eager", "sdpa"):
            raise ValueError(f"{key} is {value!r}; only eager and sdpa are run")
    return dict(pairs)

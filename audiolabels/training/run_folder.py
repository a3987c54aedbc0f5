"""A run: the folder of a trained model and its configuration.

| file | content |
|---|---|
| `config.json` | model, vocabulary, features, hyperparameters, labels, version |
| `vocabulary.csv` | its classes, for `expand --vocabulary` |
| `model.safetensors` | the weights; in its metadata their validation mAP, and epochs |
| `checkpoints/`, `log/` | Lightning's |

Loading executes nothing in it.
"""

import csv
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save, save_file

from audiolabels import __version__
from audiolabels.errors import RunError, VocabularyError, guarded, shortlist
from audiolabels.features import Features
from audiolabels.files import atomic_path, blame, on_disk, write_rows
from audiolabels.files.records import read_record, refuse_other
from audiolabels.ontology.vocabulary import Vocabulary, described_vocabulary
from audiolabels.targets.store import read_info
from audiolabels.training.huggingface import HuggingFace, at_most, hub_hint
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.models import MODELS, describe, make_model, own_vocabulary, rebuild

CONFIG, CLASSES, WEIGHTS = "config.json", "vocabulary.csv", "model.safetensors"
RESULT, FORMAT = "result", 2


@dataclass(frozen=True)
class Run:
    """A model in evaluation mode, the C classes of its outputs, `config.json`, and its folder."""

    model: Any
    vocabulary: Vocabulary
    config: Mapping[str, Any]
    folder: Path


def is_first_process() -> bool:
    """Whether this process writes the shared files; `torchrun` numbers the processes."""
    return os.environ.get("RANK", "0") == "0"


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write the configuration of a run before training.

    A run that never completed an epoch is replaced, one of fewer epochs extended, if its schedule
    and its validations do not depend on their number; the folder of another run is refused.
    """
    stated = {"format": FORMAT, "audiolabels": __version__, **config}
    path = on_disk("output", folder) / CONFIG
    if path.exists():
        there = _read_config(folder)
        begun = (folder / WEIGHTS).exists() or (folder / "checkpoints/last.ckpt").exists()
        if begun or "format" not in there:
            with guarded(path, RunError, "not the configuration of a run"):
                epochs = stated["hyperparameters"]["epochs"]
                before = Hyperparameters(**there["hyperparameters"])
                whole = before.schedule != "polynomial" and not before.validate_every
                more = whole and before.epochs < epochs
                there["hyperparameters"] = asdict(before) | ({"epochs": epochs} if more else {})
            refuse_other(folder, "a run", there, stated)
            if not more:
                return
    if not is_first_process():
        return
    with blame(folder):
        folder.mkdir(parents=True, exist_ok=True)
    columns = stated["vocabulary"]
    with atomic_path(folder / CLASSES) as partial, partial.open("w", newline="") as file:
        rows = zip(columns["ids"], columns["names"], strict=True)
        csv.writer(file).writerows([("mid", "display_name"), *rows])
    write_rows(path, [json.dumps(stated, indent=1, ensure_ascii=False)])


def save_weights(folder: Path, model: torch.nn.Module, result: Any, epochs: int) -> None:
    """Write a model's weights and what `fit` returned, which completes a run of so many epochs."""
    if not is_first_process():
        return
    with atomic_path(folder / WEIGHTS) as partial:
        save_file(weights_of(model), partial, {RESULT: json.dumps([epochs, *result])})


def weights_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """A model's weights in the form that safetensors writes."""
    state = model.state_dict()
    return {name: value.detach().cpu().contiguous() for name, value in state.items()}


def digest_weights(model: torch.nn.Module) -> str:
    """SHA-256 of a model's weights."""
    return hashlib.sha256(save(weights_of(model))).hexdigest()


def finished(folder: Path, epochs: int) -> tuple[float, list[int]] | None:
    """Validation mAP and epochs of a completed run's weights; None if it was of fewer epochs."""
    path = folder / WEIGHTS
    if not path.is_file():
        return None
    with guarded(path, RunError, "not the weights of a run"), safe_open(path, "pt") as file:
        before, score, averaged = json.loads(file.metadata()[RESULT])
        return None if before < epochs else (score, averaged)


def load_run(folder: str | Path) -> Run:
    """Load a run, or a folder with a Hugging Face audio classifier; else it raises RunError."""
    folder = on_disk("run", folder)
    with guarded(folder, RunError, "cannot be read"):
        if not (folder / CONFIG).is_file():
            raise RunError(f"{folder}: no run of `audiolabels train` and no Hugging Face model "
                           f"(there is no {CONFIG}){hub_hint(str(folder))}")  # fmt: skip
    config = _read_config(folder)
    if "format" not in config:
        model = make_model(str(folder), None)
        vocabulary = own_vocabulary(model)
        return Run(model.eval(), vocabulary, {"model": describe(model)}, folder)
    if not (folder / WEIGHTS).is_file():
        raise RunError(f"{folder}: the run is not finished; run its train command again")
    with guarded(folder, RunError, f"{CONFIG} is not the configuration of a run"):
        vocabulary = described_vocabulary(config["vocabulary"])
        with at_most((folder / WEIGHTS).stat().st_size):
            model = rebuild(config["model"])
    with guarded(folder / WEIGHTS, RunError, "not the weights of this run"):
        model.load_state_dict(load_file(folder / WEIGHTS))
        if isinstance(model, HuggingFace):
            model.try_out()
    return Run(model.eval(), vocabulary, config, folder)


def check_features(model: Any, features: Features, config: Mapping[str, Any] | None = None) -> None:
    """Check that features match a model: audio at its rate, or embeddings as wide as `config` has;
    else it raises RunError.
    """
    check_kind(model, features.takes)
    if model.rate != features.rate:
        raise RunError(f"the model takes {model.rate:,} samples a second, the features have "
                       f"{features.rate:,}; open them with rate={model.rate}")  # fmt: skip
    wanted = (config or {}).get("features", {}).get("dim", features.dim)
    if wanted != features.dim:
        raise RunError(f"trained on embeddings of {wanted} numbers, these have {features.dim}")


def require_classes(labels: str | Path, wanted: Sequence[str], remedy: str) -> None:
    """Check by its metadata alone that a targets file has the classes with these ids; if not, it
    raises VocabularyError, and TargetsFileError if it is missing or broken.
    """
    lacking = sorted({*wanted} - {*read_info(labels)["vocabulary"]["ids"]})
    if lacking:
        raise VocabularyError(f"{labels} lacks {len(lacking):,} classes: {shortlist(lacking)}; "
                              f"expand the labels with --vocabulary {remedy}")  # fmt: skip


def check_kind(model: Any, takes: str) -> None:
    """Check that a model, or its class, takes `audio` or `embeddings`; else it raises RunError."""
    if model.takes != takes:
        fitting = ", ".join(name for name, each in MODELS.items() if each.takes == takes)
        raise RunError(f"the model takes {model.takes}, the features are {takes}; give features of "
                       f"that kind, or another model: {fitting}")  # fmt: skip


def fingerprint(features: Features, clips: npt.NDArray[np.int64]) -> str:
    """SHA-256 of ids and lengths of clips, and of the features of the first and the last."""
    ids = json.dumps([features.clip_ids[clip] for clip in clips.tolist()])
    values = features.read(clips[[0, -1]], [0.0, 0.0], [np.inf, np.inf]).values
    parts = ids.encode(), features.durations(clips).tobytes(), values.tobytes()
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _read_config(folder: Path) -> dict[str, Any]:
    config = read_record(folder / CONFIG)
    if config.get("format", FORMAT) != FORMAT:
        raise RunError(f"{folder / CONFIG}: not the configuration of a run that this version knows")
    return config

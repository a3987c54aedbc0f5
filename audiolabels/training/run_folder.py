"""A run: the folder of a trained model and its configuration.

| file | content |
|---|---|
| `config.json` | model, vocabulary, features, hyperparameters (`recipe`), labels, version |
| `vocabulary.csv` | its classes, for `expand --vocabulary` |
| `model.safetensors` | the weights; in its metadata the best validation mAP |
| `checkpoints/`, `log/` | Lightning's |

Loading executes nothing in it.
"""

import csv
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from audiolabels import __version__
from audiolabels.errors import RunError
from audiolabels.features import Features
from audiolabels.files import atomic_path, write_rows
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.training.models import MODELS, describe, make_model, own_vocabulary, rebuild

CONFIG, CLASSES, WEIGHTS = "config.json", "vocabulary.csv", "model.safetensors"
BEST, FORMAT = "best_validation_mAP", 1


@dataclass(frozen=True)
class Run:
    """A model and its configuration.

    Attributes:
        model: in evaluation mode.
        vocabulary: the C classes of its outputs.
        config: content of `config.json`.
        folder: its path.
    """

    model: Any
    vocabulary: Vocabulary
    config: Mapping[str, Any]
    folder: Path


def is_first_process() -> bool:
    """Whether this process writes the shared files; `torchrun` numbers the processes."""
    return os.environ.get("RANK", "0") == "0"


def write_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Write the configuration of a run before training.

    A run that never completed an epoch is replaced.

    Raises:
        RunError: the folder holds another run.
    """
    stated = {"format": FORMAT, "audiolabels": __version__, **config}
    path = folder / CONFIG
    if path.exists():
        there = _read_config(folder)
        asked = json.loads(json.dumps(stated))
        differ = [
            f"{key}{_which(there.get(key), asked.get(key))}"
            for key in sorted(asked.keys() | there.keys())
            if key != "audiolabels" and there.get(key) != asked.get(key)
        ]
        begun = "format" not in there or any(
            (folder / name).exists() for name in (WEIGHTS, "checkpoints/last.ckpt")
        )
        if differ and begun:
            raise RunError(
                f"{folder} holds a run with other {', '.join(differ)}; choose another folder, or "
                f"delete it"
            )
        if not differ:
            return
    if not is_first_process():
        return
    folder.mkdir(parents=True, exist_ok=True)
    columns = stated["vocabulary"]
    with atomic_path(folder / CLASSES) as partial, partial.open("w", newline="") as file:
        rows = zip(columns["ids"], columns["names"], strict=True)
        csv.writer(file).writerows([("mid", "display_name"), *rows])
    write_rows(path, [json.dumps(stated, indent=1, ensure_ascii=False)])


def _which(there: Any, asked: Any) -> str:
    """The keys in which two values differ, for a message."""
    if not isinstance(there, dict) or not isinstance(asked, dict):
        return ""
    keys = there.keys() | asked.keys()
    return f" ({', '.join(sorted(k for k in keys if there.get(k) != asked.get(k)))})"


def save_weights(folder: Path, model: torch.nn.Module, best: float) -> None:
    """Write a model's weights, which completes the run."""
    if not is_first_process():
        return
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic_path(folder / WEIGHTS) as partial:
        save_file(state, partial, {BEST: repr(best)})


def finished(folder: Path) -> float | None:
    """The best validation mAP of a completed run, None for another.

    Raises:
        RunError: the weights are damaged.
    """
    if not (folder / WEIGHTS).is_file():
        return None
    try:
        with safe_open(folder / WEIGHTS, "pt") as file:
            return float(file.metadata()[BEST])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"{folder / WEIGHTS}: not the weights of a run: {error}") from error


def load_run(folder: str | Path) -> Run:
    """Load a run, or a folder with a Hugging Face audio classifier.

    Raises:
        RunError: the folder is neither, is not completed, or its parts do not match.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        raise RunError(f"{folder}: no run of `audiolabels train` and no Hugging Face model "
                       f"(there is no {CONFIG})")  # fmt: skip
    config = _read_config(folder)
    if "format" not in config:
        model = make_model(str(folder), None)
        vocabulary = own_vocabulary(model)
        return Run(model.eval(), vocabulary, {"model": describe(model)}, folder)
    if not (folder / WEIGHTS).is_file():
        raise RunError(f"{folder}: the run is not finished; run its train command again")
    columns = config["vocabulary"]
    vocabulary = Vocabulary(columns["name"], tuple(columns["ids"]), tuple(columns["names"]))
    model = rebuild(config["model"])
    try:
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (SafetensorError, RuntimeError) as error:
        raise RunError(f"{folder / WEIGHTS}: not the weights of this run: {error}") from error
    return Run(model.eval(), vocabulary, config, folder)


def check_features(model: Any, features: Features, config: Mapping[str, Any] | None = None) -> None:
    """Check that features match a model: audio at its rate, or embeddings.

    Args:
        model: of a run, or new.
        features: of clips.
        config: of the run, with the width of its embeddings.

    Raises:
        RunError: they do not.
    """
    if model.takes != features.takes:
        fitting = [name for name, form in MODELS.items() if form.takes == features.takes]
        raise RunError(
            f"the model takes {model.takes}, the features are {features.takes}; models: "
            f"{', '.join(fitting)}"
        )
    if model.rate != features.rate:
        raise RunError(
            f"the model takes {model.rate:,} samples a second, the features have "
            f"{features.rate:,}; open them with rate={model.rate}"
        )
    wanted = (config or {}).get("features", {}).get("dim", features.dim)
    if wanted != features.dim:
        raise RunError(f"trained on embeddings of {wanted} numbers, these have {features.dim}")


def fingerprint(features: Features, clips: npt.NDArray[np.int64]) -> str:
    """SHA-256 of ids and lengths of clips, and of the features of the first and the last."""
    ids = json.dumps([features.clip_ids[clip] for clip in clips.tolist()])
    values = features.read(clips[[0, -1]], [0.0, 0.0], [np.inf, np.inf]).values
    parts = ids.encode(), features.durations(clips).tobytes(), values.tobytes()
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _read_config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / CONFIG}: cannot be read: {error}") from error
    if not isinstance(config, dict) or config.get("format", FORMAT) != FORMAT:
        raise RunError(f"{folder / CONFIG}: not the configuration of a run that this version knows")
    return config

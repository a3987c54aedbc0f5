"""From files to a run: the command `audiolabels train`."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from audiolabels.clips import partition
from audiolabels.errors import OptionError, VocabularyError, located
from audiolabels.features import Features
from audiolabels.files import sha256_of
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary, describe_vocabulary
from audiolabels.targets.parts import identifying_file
from audiolabels.targets.store import map_targets, read_info
from audiolabels.training import run_folder
from audiolabels.training.coherent import COHERENT
from audiolabels.training.examples import Examples, of_clips
from audiolabels.training.hyperparameters import DEFAULT, HELD_OUT, MIXING, NONE, Hyperparameters
from audiolabels.training.models import MODELS, class_of, describe, make_model
from audiolabels.training.predict import find_device
from audiolabels.training.run_folder import check_features, save_weights
from audiolabels.training.tagger import freeze, new_head
from audiolabels.training.training_loop import fit


@dataclass(frozen=True)
class Trained:
    """Result of a training.

    Attributes:
        folder: of the run.
        best: validation mAP of the saved weights.
        averaged: the epochs, from 1, of which these are the mean; the steps, with
            `validate_every`.
        seconds: duration.
        found: whether the run was already complete, and unchanged.
        examples, validated: numbers of examples.
        in_both: examples for validation of clips that are trained on too.
        left_out: rows not used for training, by reason, apart from those held out.
        not_validated: likewise, of the validation file.
        weights: what targets are weighed by in the loss; empty if all count the same.
    """

    folder: Path
    best: float
    averaged: list[int]
    seconds: float
    found: bool
    examples: int
    validated: int
    in_both: int
    left_out: dict[str, int]
    not_validated: dict[str, int]
    weights: list[str]


def train(
    labels: Path,
    features: Features,
    folder: Path,
    model: str | None = None,
    *,
    hyperparameters: Hyperparameters | None = None,
    validation: Path | None = None,
    held_out: float | None = None,
    mix: Path | None = None,
    crop: float | None = None,
    init: Path | None = None,
    frozen: bool = False,
    model_options: dict[str, Any] | None = None,
    fold: tuple[int, int] | None = None,
    ontology: Ontology | None = None,
    device: str = "auto",
    **fit_options: Any,
) -> Trained:
    """Train a model on a targets file, whose weights, if it has any, count in the loss.

    What is saved is the best epoch by validation mAP, or the average of the best if that is no
    worse; see `fit`.

    Args:
        labels: a targets file.
        features: from `open_features`.
        folder: of the run; an interrupted run is resumed, as is one of fewer epochs that is
            otherwise the same; a complete one is unchanged.
        model: a key of `MODELS`, or a folder with a Hugging Face audio classifier; none with
            `init`.
        hyperparameters: of the training.
        validation: a targets file to validate on; `labels` by default.
        held_out: share of clips, by their ids, for validation only; by default 0.1 without a
            validation file, and with one all of that is used.
        mix: a second targets file, drawn with the hyperparameter `mixing` (0.8 by default).
        crop: seconds; longer rows are cropped to this length, anew in each epoch.
        init, frozen: a run to begin with, whose head is replaced if the classes differ, and whether
            only the head is trained.
        model_options: of the model's constructor; none with `init`.
        fold: a number from 0, and K: the clips of that one of K folds have no part in it.
        ontology: of the loss `coherent`; the embedded one with its supplement by default.
        device: see `find_device`; a run can be continued on another.
        fit_options: `on_epoch` and `progress` of `fit`.

    Raises:
        OptionError, RunError, VocabularyError, TargetsFileError: bad options or input.
    """
    find_device(device)
    hyperparameters = hyperparameters or Hyperparameters()
    check_request(labels, validation, mix, hyperparameters, ontology)
    if mix is not None and hyperparameters.mixing is None:
        hyperparameters = replace(hyperparameters, mixing=MIXING)
    if held_out is None and validation is None:
        held_out = HELD_OUT
    examples, validated = _examples(
        labels, features, validation, held_out, mix, crop, hyperparameters.seed, fold
    )
    vocabulary = examples.vocabulary
    torch.manual_seed(hyperparameters.seed)
    network = _network(model, vocabulary, features, init, frozen, model_options or {})
    check_augmentation(network, hyperparameters)
    files = [path for path in (labels, validation, mix) if path is not None]
    config = {
        "model": describe(network),
        "vocabulary": describe_vocabulary(vocabulary),
        "features": {"takes": features.takes, "rate": features.rate, "dim": features.dim,
                     "sha256": run_folder.fingerprint(features, np.unique(examples.clips))},
        "hyperparameters": asdict(hyperparameters), "crop": crop, "held_out": held_out,
        "init": str(init) if init else None, "frozen": frozen, "fold": fold,
        "labels": [{"file": path.name, "sha256": sha256_of(identifying_file(path))}
                   for path in files],
        **({"ontology": ontology.digest} if ontology else {}),
    }  # fmt: skip
    run_folder.write_config(folder, config)
    saved, began = run_folder.finished(folder, hyperparameters.epochs), time.perf_counter()
    found = saved is not None
    if saved is None:
        saved = fit(network, examples, validated, hyperparameters, folder, device=device,
                    ontology=ontology, **fit_options)  # fmt: skip
        save_weights(folder, network, saved, hyperparameters.epochs)
    in_both = int(np.isin(validated.clips, examples.clips).sum())
    not_validated = dict(validated.left_out) if validation else {}
    return Trained(folder, *saved, time.perf_counter() - began, found, len(examples),
                   len(validated), in_both, dict(examples.left_out), not_validated,
                   _weighed_by(examples))  # fmt: skip


def _weighed_by(examples: Examples) -> list[str]:
    """What the metadata of targets with weights state that these are by."""
    weighted = [each.metadata for each in examples.targets if each.weight is not None]
    made = [own for facts in weighted for own in facts.get("joined", [facts])]
    stated = {own.get("options", {}).get("weights") for own in made} - {None}
    return sorted(stated) or ["numbers of its own"] * bool(weighted)


def check_request(
    labels: Path,
    validation: Path | None,
    mix: Path | None,
    hyperparameters: Hyperparameters,
    ontology: Ontology | None,
) -> None:
    """Check what needs no features: targets files, by their metadata, and what goes together.
    Raises TargetsFileError, VocabularyError or OptionError.
    """
    if hyperparameters.mixing is not None and mix is None:
        raise OptionError("mixing (μ) needs a second targets file")
    if ontology is not None and hyperparameters.loss != COHERENT:
        raise OptionError(f"ontology: only the loss {COHERENT} takes one; targets have theirs")
    ids = read_info(labels)["vocabulary"]["ids"]
    if validation is not None:
        run_folder.require_classes(validation, ids, f"of {labels}")
    if mix is not None and read_info(mix)["vocabulary"]["ids"] != ids:
        raise VocabularyError(f"{mix} has other classes than {labels}, or another order; expand "
                              f"both with the same --vocabulary")  # fmt: skip


def check_augmentation(model: Any, hyperparameters: Hyperparameters) -> None:
    """Check that a model, or its class, has what is to be augmented; else it raises OptionError."""
    if hyperparameters.augment != NONE and model.takes != "audio":
        raise OptionError(f"augment {hyperparameters.augment}: changes waveforms, the model takes "
                          f"{model.takes}; give {NONE}")  # fmt: skip
    if hyperparameters.spec_augment and not model.logmel:
        having = ", ".join(name for name, each in MODELS.items() if each.logmel)
        raise OptionError(f"spec_augment masks log-mel frames, which the model does not make; give "
                          f"0, or a model that does: {having}")  # fmt: skip


def _examples(
    labels: Path,
    features: Features,
    validation: Path | None,
    held_out: float | None,
    mix: Path | None,
    crop: float | None,
    seed: int,
    fold: tuple[int, int] | None,
) -> tuple[Examples, Examples]:
    """The examples to train on and those to validate on; see `train`."""

    def part(found: Examples, purpose: str, *, validated: bool) -> Examples:
        def rule(names: pa.StringArray) -> npt.NDArray[np.bool_]:
            mine = np.ones(len(names), np.bool_)
            if fold is not None:
                mine &= partition.draw_folds(names, fold[1]) != fold[0]
            if held_out is not None:
                mine &= partition.held_out(names, held_out) == validated
            return mine

        chosen = of_clips(found, rule)
        if not chosen.any():
            clips = len(np.unique(found.clips))
            raise OptionError(f"of {clips:,} clips, {held_out or 0:g} held out leaves none to "
                              f"{purpose}; give another share, or a validation file")  # fmt: skip
        return found.take(chosen)

    with located(str(labels)):
        matched = Examples.match(map_targets(labels), features, crop=crop, seed=seed)
    judged = matched
    if validation is not None:
        targets = map_targets(validation).select(matched.vocabulary)
        with located(str(validation)):
            judged = Examples.match(targets, features)
    examples = part(matched, "train on", validated=False)
    if mix is not None:
        with located(str(mix)):
            other = Examples.match(map_targets(mix), features, crop=crop)
        examples = examples.concat(part(other, "mix in", validated=False))
    return examples, part(judged, "validate", validated=True)


def _network(
    model: str | None,
    vocabulary: Vocabulary,
    features: Features,
    init: Path | None,
    frozen: bool,
    options: dict[str, Any],
) -> Any:
    if init is None:
        if frozen:
            raise OptionError("frozen needs a run to begin with (init)")
        run_folder.check_kind(MODELS[DEFAULT] if model is None else class_of(model), features.takes)
        network = make_model(model or DEFAULT, len(vocabulary), dim=features.dim, **options)
        check_features(network, features)
    else:
        if named := [*([] if model is None else ["model"]), *options]:
            raise OptionError(f"{', '.join(named)}: a run to begin with (init) brings its model; "
                              f"give none")  # fmt: skip
        run = run_folder.load_run(init)
        check_features(run.model, features, run.config)
        network = run.model
        if run.vocabulary.ids != vocabulary.ids:
            new_head(network, len(vocabulary))
    if frozen:
        freeze(network)
    return network

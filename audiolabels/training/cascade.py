"""A cascade of students: each stage's teacher is the student of the previous stage (SeCoST).

Source: Kumar & Ithapu 2020: the targets of a stage are mixtures of the given labels and the
previous stage's scores of whole clips, with the teacher weight 1-α fixed (0.7 was best) or rising
(0.7 to 0.95 over five stages). As there, the teacher scores the clips that it was trained on.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audiolabels.errors import OptionError
from audiolabels.expansion.local import expand_files
from audiolabels.features import Features
from audiolabels.files import on_disk, sha256_of, write_rows
from audiolabels.files.records import read_record, refuse_other
from audiolabels.files.remote import to_path
from audiolabels.training.annotate import annotate
from audiolabels.training.hyperparameters import HELD_OUT, Hyperparameters
from audiolabels.training.predict import find_device
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train

FIXED = 0.7  # teacher weight that did best with one stage


@dataclass(frozen=True)
class Stage:
    """One stage: run, teacher weight (None: labels alone), validation mAP."""

    folder: Path
    teacher_weight: float | None
    best: float


def parse_weights(text: str, stages: int) -> list[float]:
    """Teacher weights of the stages: one for all, or `first:last` in equal steps.

    >>> parse_weights("0.7:0.95", 5)
    [0.7, 0.7625, 0.825, 0.8875, 0.95]
    """
    try:
        ends = [float(part) for part in text.split(":")]
        first, last = ends if len(ends) == 2 else (*ends, *ends)
    except ValueError as error:
        raise OptionError(f"teacher weight {text!r}: give a number, or first:last") from error
    return [round(float(weight), 6) for weight in np.linspace(first, last, stages)]


def cascade(
    labels: Sequence[Path],
    features: Features,
    folder: Path,
    model: str | None = None,
    *,
    teacher_weights: Sequence[float] = (FIXED,) * 4,
    labels_scheme: str = "weak",
    vocabulary: str | Path | None = None,
    parents: str | None = None,
    held_out: float = HELD_OUT,
    hyperparameters: Hyperparameters | None = None,
    device: str = "auto",
    on_stage: Callable[[Stage], None] = lambda stage: None,
    **train_options: Any,
) -> list[Stage]:
    """Train stage after stage; an interrupted cascade is resumed.

    Args:
        labels, features: label files, and features of their clips.
        folder: for `stage-0`, `stage-1`, …
        teacher_weights: one per stage after the first, from 0 to 1.
        labels_scheme, vocabulary, parents: as for `expand`.
        held_out: share of clips for validation, on given labels in every stage.
        on_stage: called after each stage.
        model, hyperparameters, device, train_options: of `train`, for each stage.

    Raises:
        OptionError: a weight outside its range, no stage, or no such device.
        RunError: the folder holds another cascade; one of fewer stages is continued.
    """
    find_device(device)
    if not teacher_weights or not all(0 <= weight <= 1 for weight in teacher_weights):
        raise OptionError("a cascade needs one or more teacher weights from 0 to 1")
    hyperparameters = hyperparameters or Hyperparameters()
    on_disk("output", folder).mkdir(parents=True, exist_ok=True)
    is_file = vocabulary and to_path(vocabulary).is_file()
    stated = {
        "labels": [sha256_of(path) for path in labels],
        "labels scheme": labels_scheme,
        "vocabulary": sha256_of(to_path(vocabulary)) if vocabulary and is_file else vocabulary,
        "parents": parents,
        "hyperparameters": asdict(hyperparameters),
    }
    _claim(folder, stated, list(teacher_weights))
    given = folder / "given.parquet"
    expansion: dict[str, Any] = {"vocabulary": vocabulary}
    expansion |= {} if parents is None else {"parents": parents}
    if not given.exists():
        expand_files(labels, given, labels_scheme, **expansion)
    stages: list[Stage] = []
    for number, weight in enumerate([None, *teacher_weights]):
        scores = folder / f"scores-{number}.parquet"
        targets = given if weight is None else folder / f"targets-{number}.parquet"
        if not targets.exists():
            if not scores.exists():
                annotate(load_run(stages[-1].folder), features, scores,
                         batch_size=hyperparameters.batch_size,
                         workers=hyperparameters.workers, device=device)  # fmt: skip
            expand_files(labels, targets, "co-supervised", scores=scores, teacher_weight=weight,
                         labels_scheme=labels_scheme, **expansion)  # fmt: skip
        done = train(targets, features, folder / f"stage-{number}", model, validation=given,
                     held_out=held_out, hyperparameters=hyperparameters, device=device,
                     **train_options)  # fmt: skip
        stages.append(Stage(done.folder, weight, done.best))
        on_stage(stages[-1])
    return stages


def _claim(folder: Path, stated: dict[str, Any], weights: list[float]) -> None:
    """Record what a cascade is made from, or check that refuse the folder of another."""
    path, key = folder / "cascade.json", "teacher weights"
    if there := read_record(path):
        before = list(there.get(key, ()))
        shared = min(len(before), len(weights))
        refuse_other(folder, "a cascade", {**there, key: before[:shared]},
                     {**stated, key: weights[:shared]})  # fmt: skip
        weights = max(before, weights, key=len)
    write_rows(path, [json.dumps({**stated, key: weights})])

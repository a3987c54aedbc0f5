"""Scores out of sample, by K annotators: each scores the recordings that it was trained without.

A model's scores of clips that it was trained on repeat their labels, wrong and missing ones too.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from audiolabels.arrays.columns import texts_to_arrow
from audiolabels.clips.partition import draw_folds
from audiolabels.errors import OptionError, RunError, guarded
from audiolabels.features import Features
from audiolabels.files import as_path, remove_folder, sha256_of
from audiolabels.targets.parts import identifying_file
from audiolabels.training.annotate import annotate, begin
from audiolabels.training.hyperparameters import HELD_OUT, Hyperparameters
from audiolabels.training.run_folder import Run, fingerprint, load_run
from audiolabels.training.scoring import conclude
from audiolabels.training.train import train
from audiolabels.training.training_loop import Epoch


class Fold(NamedTuple):
    """An annotator: its folder, its validation mAP, the number of clips that it scored."""

    folder: Path
    best: float
    clips: int


def annotate_folds(
    run: Run,
    labels: Path,
    features: Features,
    output: str | Path,
    folds: int,
    *,
    window: float | None = None,
    device: str = "auto",
    on_epoch: Callable[[int, Epoch], None] = lambda fold, epoch: None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> list[Fold]:
    """Score all clips, each by an annotator that was trained on no clip of its recording.

    Args:
        run, labels: from `load_run`, and its targets file; the annotators are trained as it was,
            from fresh weights. Its share of clips for validation (0.1 if it had a file) is taken
            from those outside the part.
        features, output, window, device, progress, options: as for `annotate`.
        folds: K, 2 or more. The annotators are kept in the run's folder, in `folds-K`; what was
            interrupted is continued.
        on_epoch: called after each epoch with the number of the annotator, from 0.

    Raises:
        OptionError: fewer folds than two, or a part without clips; see `train` and `annotate`.
        RunError: a run that cannot be repeated from its folder and these labels, or whose first
            weights may know the clips; see `annotate`.
    """
    made = _arguments(run, labels)
    if folds < 2:
        raise OptionError(f"folds {folds}: give 2 or more")
    drawn = draw_folds(texts_to_arrow(list(features.clip_ids)), folds)
    counts = np.bincount(drawn, minlength=folds)
    if not counts.all():
        raise OptionError(f"folds {folds}: of {len(drawn):,} clips, some part has none; give fewer")
    output = as_path("output", output)
    parts, done = output.with_name(f".{output.name}.folds"), list[Fold]()
    stated = {"folds": folds, "window": window, "coherent": options.get("coherent"),
              "run": run.config,
              "features": fingerprint(features, np.arange(len(drawn)))}  # fmt: skip
    begin(parts, json.dumps(stated))

    def report(clips: int, _: int) -> None:
        if progress:
            progress(sum(each.clips for each in done) + clips, len(drawn))

    for fold in range(folds):
        folder = run.folder / f"folds-{folds}" / f"fold-{fold}"
        trained = train(labels, features, folder, fold=(fold, folds), device=device,
                        on_epoch=partial(on_epoch, fold), **made)  # fmt: skip
        scores = parts / f"{fold:04}.parquet"
        if not scores.exists():
            annotate(load_run(folder), features, scores, clips=np.flatnonzero(drawn == fold),
                     window=window, device=device, progress=report, **options)  # fmt: skip
        done.append(Fold(folder, trained.best, int(counts[fold])))
    conclude(parts, output)
    remove_folder(parts)
    return done


def _arguments(run: Run, labels: Path) -> dict[str, Any]:
    """The arguments of `train` that made the run."""
    config, other = run.config, ""
    if config["model"]["model"] == "huggingface" or config.get("init"):
        other = "it began with the weights of another model, which may know the clips"
    with guarded(run.folder, RunError, "cannot be trained again"):
        if not other and config["hyperparameters"]["mixing"] is not None:
            other = "it was trained on a mixture of two targets files"
        if not other and config["labels"][0]["sha256"] != sha256_of(identifying_file(labels)):
            other = f"it was trained on other targets than {labels}"
        if other:
            raise RunError(f"{run.folder}: {other}; folds need a run that `train` made from these "
                           f"labels alone")  # fmt: skip
        return {
            "model": config["model"]["model"],
            "model_options": config["model"]["options"],
            "hyperparameters": Hyperparameters(**config["hyperparameters"]),
            "held_out": config["held_out"] or HELD_OUT,
            "crop": config["crop"],
        }

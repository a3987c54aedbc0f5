"""Claim 1: features learned from parent-expanded labels serve other sounds better.

    python benchmarks/reproduce/grzywalski.py ../shared/data/audioset [--seeds 0 1 2 3 4]

Grzywalski & Botteldooren, §IV to VI, both halves of table IV. For each of four roots the clips of
both sets are split into the target, with a label below the root, and the base. Networks on a
clip's ten VGGish frames are trained on the base with labels of each kind. Target labels, again of
each kind, are learned from the features of the layer before the last; by the base network, whose
last layer is replaced; and by the same network from random weights. The base is divided 80 to 10
to 10 for training, validation and test, the target in five folds.

The loss is binary cross-entropy; for the root with the smallest target also the paper's squared
error. Results are written after each root, so that an interrupted run continues. The rounds that
matter most come first, each with all seeds.
"""

import copy
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from common import (
    FEATURES,
    LABELS,
    clip_means,
    fit_model,
    parse,
    saved_features,
    test,
    together,
    train_mlp,
)
from grzywalski_page import BASES, MEANS, OURS, PAPERS, ROOTS, SCRATCH, TUNED, tables
from results_page import Result, load_results, save_results, write_tables
from torch import Tensor, nn

import audiolabels
from audiolabels.clips.partition import draw_parts, in_subset
from audiolabels.features import Features
from audiolabels.splitting.by_class import Split, split_by_root
from audiolabels.training.examples import Examples, Segments
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.predict import predict
from audiolabels.training.tagger import Tagger

SCHEMES = dict(zip(BASES, ("weak", "pel", "pe-cml"), strict=True))
FOLDS = 5
TESTED = 2000  # clips at least: as many folds of a target are tested as it takes
SHARES = (1.0, 0.1)  # of the target's training clips; the second where they are many
MLP = {"activation": "elu", "norm": True, "pool_inputs": True, "hidden": 256}
STEPS = 25  # an epoch of a target, with batches of 24, the paper's, up to 128
BIAS = -5.0  # of the last layer, at first: most classes are absent


class Recipe(NamedTuple):
    """How bases and targets are trained."""

    base: Hyperparameters
    target: Hyperparameters


RECIPES = {
    OURS: Recipe(
        Hyperparameters(epochs=6, patience=6, batch_size=128, learning_rate=1e-3, decay=0.8),
        Hyperparameters(epochs=12, patience=12, batch_size=128, learning_rate=1e-3, decay=0.85),
    ),
    PAPERS: Recipe(
        Hyperparameters(
            loss="mse", epochs=12, patience=12, batch_size=128, learning_rate=1e-2, decay=0.8
        ),
        Hyperparameters(
            loss="mse", epochs=20, patience=20, batch_size=48, learning_rate=5e-3, decay=0.88
        ),
    ),
}
ROUNDS = (*((root, OURS) for root in reversed(ROOTS)), (ROOTS[-1], PAPERS))


class FrameNetwork(Tagger):
    """Convolutions over ten embedding frames to one, two dense layers, the classes.

    The paper's network (§V.C, table II) with its first seven convolutions left out, whose place the
    embeddings take; shorter clips are padded with zeros.
    """

    takes, rate = "embeddings", None
    frames = 10

    def __init__(self, classes: int, dim: int | None) -> None:
        assert dim is not None, "embeddings have a width"
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv1d(dim, 256, 4, 3), nn.ELU(), nn.BatchNorm1d(256),
            nn.Conv1d(256, 256, 3), nn.ELU(), nn.BatchNorm1d(256),
        )  # fmt: skip
        self.dense = nn.Sequential(nn.Linear(256, 256), nn.ELU(), nn.BatchNorm1d(256))
        self.embedding = nn.Linear(256, 128)
        self.after = nn.Sequential(nn.ELU(), nn.BatchNorm1d(128))
        self.head = nn.Linear(128, classes)
        nn.init.constant_(self.head.bias, BIAS)

    def features(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The input of `head`, one for each clip."""
        x = nn.functional.pad(x, (0, 0, 0, self.frames - x.shape[1]))
        x = self.convolutions(x.mT).squeeze(2)
        return self.after(self.embedding(self.dense(x)))[:, None], torch.ones_like(lengths)


def measure(divided: Split, frames: Features, means: Features, recipe: Recipe, seed: int) -> Result:
    """The mAP on test clips of a root's bases and targets, with labels of each kind."""
    bases = kinds(divided.base, divided.base_vocabulary, frames)
    targets = kinds(divided.target, divided.target_vocabulary, frames)
    models: dict[str, Any] = {}
    own = {}
    for name, examples in bases.items():
        part = draw_parts(names_of(examples), (80, 10, 10), seed=seed)
        train, validation, judged = (examples.take(part == number) for number in range(3))
        models[name] = fresh(train, seed)
        fit_model(models[name], train, validation, replace(recipe.base, seed=seed))
        own[name] = test(models[name], judged).mean_average_precision
    whole = Segments.whole(frames, np.unique(targets["OL"].clips))
    inputs = {MEANS: means, **{name: embedded(model, whole) for name, model in models.items()}}
    tested = min(FOLDS, -(-TESTED * FOLDS // len(targets["OL"])))
    return {
        "clips": [len(bases["OL"]), len(targets["OL"])],
        "classes": [len(divided.base_vocabulary), len(divided.target_vocabulary)],
        "labels": {name: per_clip(examples) for name, examples in bases.items()},
        "base": own,
        "folds": tested,
        "target": {
            f"{kind}, {share:g}": by_model(
                [Target(examples, fold, share, seed) for fold in range(tested)],
                models, inputs, recipe,
            )
            for kind, examples in targets.items()
            for share in SHARES[: 1 + (tested < FOLDS)]
        },
    }  # fmt: skip


def kinds(
    labels: audiolabels.Annotations, classes: audiolabels.Vocabulary, features: Features
) -> dict[str, Examples]:
    """The clips with labels of each kind."""
    return {
        name: Examples.match(audiolabels.expand(labels, scheme, vocabulary=classes), features)
        for name, scheme in SCHEMES.items()
    }


class Target(NamedTuple):
    """Target clips with labels of one kind, one fold of which is the test."""

    examples: Examples
    fold: int
    share: float
    seed: int

    def parts(self, examples: Examples) -> Iterator[Examples]:
        """The same clips with any features, for training, validation and test."""
        names = names_of(examples)
        tested = draw_parts(names, (1,) * FOLDS, seed=self.seed) == self.fold
        validated = draw_parts(names, (10, 70), seed=self.seed + 1000) == 0
        some = in_subset(names, self.share, seed=self.seed)
        for chosen in (~tested & ~validated & some, ~tested & validated, tested):
            yield examples.take(chosen)


def by_model(
    targets: list[Target], models: dict[str, Any], inputs: dict[str, Features], recipe: Recipe
) -> dict[str, float]:
    """The mAP on test clips, mean over folds, of each way to learn target labels."""
    found: dict[str, list[float]] = {}
    for target in targets:
        train, validation, judged = target.parts(target.examples)
        batch = int(np.clip(len(train) // STEPS, 24, recipe.target.batch_size))
        hyperparameters = replace(recipe.target, batch_size=batch, seed=target.seed)
        starts = {SCRATCH: fresh(train, target.seed + 10)}
        for name, base in models.items():
            starts[TUNED + name] = with_head(base, fresh(train, target.seed + 10).head)
        for name, model in starts.items():
            fit_model(model, train, validation, hyperparameters)
            found.setdefault(name, []).append(test(model, judged).mean_average_precision)
        for name, features in inputs.items():
            moved = target.parts(Examples.match(target.examples.targets[0], features))
            train, validation, judged = moved
            model = train_mlp(train, validation, hyperparameters, **MLP)
            found.setdefault(name, []).append(test(model, judged).mean_average_precision)
    return {name: float(np.mean(values)) for name, values in found.items()}


def fresh(examples: Examples, seed: int) -> FrameNetwork:
    """A network with random weights."""
    torch.manual_seed(seed)
    return FrameNetwork(len(examples.vocabulary), examples.features.dim)


def with_head(base: FrameNetwork, head: nn.Linear) -> FrameNetwork:
    """A copy of a base with another last layer."""
    model = copy.deepcopy(base)
    model.head = head
    return model


def embedded(model: FrameNetwork, whole: Segments) -> Features:
    """What a base makes of clips: outputs of the layer before the last, before ELU."""
    values = np.concatenate(list(predict(model, whole, layer="embedding", batch_size=1024)))
    with tempfile.TemporaryDirectory() as folder:
        return saved_features(
            folder, [whole.features.clip_ids[clip] for clip in whole.clips.tolist()], values
        )


def names_of(examples: Examples) -> Any:
    """Clip ids of the examples."""
    return examples.targets[0].clip_id.take(examples.rows)


def per_clip(examples: Examples) -> list[float]:
    """Positive and unknown labels per clip."""
    target, mask = examples.labels()
    return [float(target.sum(1).mean()), float((1 - mask).sum(1).mean())]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what has no result yet, then write the tables."""
    given = parse("grzywalski", arguments)
    results = load_results(given.results)
    labels = audiolabels.read_labels([given.data / name for name in LABELS.values()])
    paths = [given.data / name for name in FEATURES.values()]
    with tempfile.TemporaryDirectory() as folder:
        frames, means = together(paths, Path(folder)), clip_means(folder, paths)
    for root, kind in ROUNDS:
        recipe = RECIPES[kind]
        if given.epochs:
            recipe = Recipe(
                *(replace(each, epochs=min(each.epochs, given.epochs)) for each in recipe)
            )
        for seed in given.seeds:
            done = results.setdefault(str(seed), {})
            if root + kind not in done:
                began = time.process_time()
                found = measure(split_by_root(labels, root), frames, means, recipe, seed)
                found["processor_seconds"] = round(time.process_time() - began)
                done[root + kind] = found
                save_results(given.results, results)
                print(f"seed {seed}, {root}{kind}: {found}", flush=True)
    write_tables(given.page, tables(results))


if __name__ == "__main__":
    main()

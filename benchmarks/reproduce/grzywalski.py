"""Claim 1: features learned from parent-expanded labels serve other sounds better.

    python benchmarks/reproduce/grzywalski.py ../shared/data/audioset [--seeds 0 1 2]

Grzywalski & Botteldooren, §IV to VI, table IV, feature extraction. For each of four roots the clips
of both sets are split into the target, with a label below the root, and the base. MLPs are trained
on the base with labels of each kind; what the layer before the last puts out for the target's clips
is what other MLPs learn the target labels from, again of each kind. Both sides are divided 80 to 10
to 10 for training, validation and test.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import (
    FEATURES,
    LABELS,
    Result,
    clip_means,
    effort,
    main,
    markdown,
    saved_features,
    spread,
    test,
    train_mlp,
)

import audiolabels
from audiolabels.clips.partition import draw_parts
from audiolabels.features import Features
from audiolabels.splitting.by_class import Split, split_by_root
from audiolabels.training.examples import Examples, Segments
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.predict import predict

ROOTS = ("Human sounds", "Sounds of things", "Source-ambiguous sounds", "Natural sounds")
SCHEMES = {"OL": "weak", "PEL": "pel", "PE-CML": "pe-cml"}
NONE = "no base"  # the target models learn from the mean of VGGish's frames
SHARES = (1.0, 0.1)  # of the target's training clips
ENOUGH = 4500  # target clips; fewer are divided into training, validation and test more than once
COMMON = {"activation": "elu", "norm": True, "pool_inputs": True}
BASE_LAYERS = [512, 128]
EMBEDDING = "body.3"  # the layer of the features, before ELU and batch normalisation
TARGET = {**COMMON, "hidden": 256}
BASE_HYPERPARAMETERS = Hyperparameters(epochs=10, patience=10, learning_rate=2e-3, decay=0.8)
TARGET_HYPERPARAMETERS = Hyperparameters(epochs=15, patience=15, learning_rate=2e-3, decay=0.85)
STEPS = 25  # an epoch of a target model, with batches of 24, the paper's, up to 256
PAPER = {  # table IV, features extracted: a row a base, a column a root and target labels
    "OL": (790, 805, 812, 195, 304, 323, 461, 461, 465, 468, 656, 653),
    "PEL": (795, 809, 817, 207, 314, 333, 487, 492, 494, 487, 669, 670),
    "PE-CML": (793, 808, 820, 199, 303, 319, 492, 497, 493, 529, 690, 691),
}


def measure(data: Path, seed: int, epochs: int | None) -> Result:
    """The mAP on test clips of each root's base and target, with labels of each kind."""
    labels = audiolabels.read_labels([data / name for name in LABELS.values()])
    with tempfile.TemporaryDirectory() as folder:
        features = clip_means(folder, [data / name for name in FEATURES.values()])
    recipes = tuple(
        replace(hyperparameters, seed=seed, epochs=epochs or hyperparameters.epochs)
        for hyperparameters in (BASE_HYPERPARAMETERS, TARGET_HYPERPARAMETERS)
    )
    roots = {root: transfer(split_by_root(labels, root), features, *recipes) for root in ROOTS}
    return {"roots": roots}


def transfer(
    divided: Split,
    features: Features,
    base_hyperparameters: Hyperparameters,
    target_hyperparameters: Hyperparameters,
) -> Result:
    """Train bases and targets of one root, on features of all clips."""
    base = kinds(divided.base, divided.base_vocabulary, features)
    target = kinds(divided.target, divided.target_vocabulary, features)
    learned, base_map = {NONE: features}, {}
    for name, examples in base.items():
        train, validation, judged = parts(examples, base_hyperparameters.seed)
        model = train_mlp(train, validation, base_hyperparameters, **COMMON, hidden=BASE_LAYERS)
        base_map[name] = test(model, judged).mean_average_precision
        learned[name] = embedded(model, target["OL"])
    done = {
        "clips": [len(base["OL"]), len(target["OL"])],
        "classes": [len(divided.base_vocabulary), len(divided.target_vocabulary)],
        "labels": {name: per_clip(examples) for name, examples in base.items()},
        "base": base_map,
        "target": {
            name: [
                [
                    transferred(examples, embeddings, target_hyperparameters, share)
                    for examples in target.values()
                ]
                for share in SHARES
            ]
            for name, embeddings in learned.items()
        },
    }
    print(f"seed {base_hyperparameters.seed}, {divided!r}: {done}", flush=True)
    return done


def kinds(
    labels: audiolabels.Annotations, classes: audiolabels.Vocabulary, features: Features
) -> dict[str, Examples]:
    """The clips with labels of each kind."""
    return {
        name: Examples.match(audiolabels.expand(labels, scheme, vocabulary=classes), features)
        for name, scheme in SCHEMES.items()
    }


def transferred(
    examples: Examples, embeddings: Features, hyperparameters: Hyperparameters, share: float
) -> float:
    """Test mAP of a model that learns labels from embeddings, the mean over divisions."""
    moved = Examples.match(examples.targets[0], embeddings)
    found = []
    for division in range(min(3, 1 + ENOUGH // len(moved))):
        train, validation, judged = parts(moved, hyperparameters.seed + 100 * division)
        some = train.take(np.arange(round(share * len(train))))
        batch = int(np.clip(len(some) // STEPS, 24, hyperparameters.batch_size))
        model = train_mlp(some, validation, replace(hyperparameters, batch_size=batch), **TARGET)
        found.append(test(model, judged).mean_average_precision)
    return float(np.mean(found))


def embedded(model: object, examples: Examples) -> Features:
    """What the base model makes of the clips."""
    clips = np.unique(examples.clips)
    whole = Segments(examples.features, clips, np.zeros(len(clips)), np.full(len(clips), np.inf))
    values = np.concatenate(list(predict(model, whole, layer=EMBEDDING, batch_size=1024)))
    with tempfile.TemporaryDirectory() as folder:
        return saved_features(
            folder, [examples.features.clip_ids[c] for c in clips.tolist()], values
        )


def parts(examples: Examples, seed: int) -> list[Examples]:
    """Examples for training, validation and test."""
    part = draw_parts(examples.targets[0].clip_id.take(examples.rows), (80, 10, 10), seed=seed)
    return [examples.take(part == number) for number in range(3)]


def per_clip(examples: Examples) -> list[float]:
    """Positive and unknown labels per clip."""
    target, mask = examples.labels()
    return [float(target.sum(1).mean()), float((1 - mask).sum(1).mean())]


def tables(results: list[Result]) -> str:
    names, seeds = list(SCHEMES), range(len(results))
    roots = {root: [result["roots"][root] for result in results] for root in ROOTS}

    def maps(base: str, share: int = 0) -> np.ndarray:
        """(seeds, roots · target labels), a column as in the paper's table IV."""
        found = [[of[seed]["target"][base][share] for of in roots.values()] for seed in seeds]
        return np.array(found).reshape(len(results), -1)

    def gains(base: str, share: int = 0) -> np.ndarray:
        more: np.ndarray = maps(base, share) - maps("OL", share)
        return more

    def better(base: str, share: int = 0) -> str:
        mean = gains(base, share).mean(0)
        return f"{(mean > 0).sum()} of {len(mean)}"

    columns = [f"{root}, {name}" for root in ROOTS for name in names]
    paper = {base: np.array(row) / 1000 for base, row in PAPER.items()}
    measured = {base: maps(base) for base in [*names, NONE]}
    return "\n".join(
        [
            effort(results),
            "The sets, as divided, and labels per clip on the base (unknown ones in brackets):\n",
            markdown(
                ["root", "base clips", "target clips", "target classes", *names],
                [
                    [
                        root,
                        f"{of[0]['clips'][0]:,}",
                        f"{of[0]['clips'][1]:,}",
                        of[0]["classes"][1],
                        *(
                            f"{known:.2f}" + (f" ({unknown:.1f})" if unknown else "")
                            for known, unknown in (of[0]["labels"][name] for name in names)
                        ),
                    ]
                    for root, of in roots.items()
                ],
            ),
            "Target models, mAP on test clips; a column is a root and the target labels:\n",
            markdown(
                [
                    "root",
                    "target labels",
                    *(f"base {base}" for base in names),
                    NONE,
                    *(f"paper, {base}" for base in names),
                ],
                [
                    [
                        *column.split(", "),
                        *(spread(measured[base][:, n]) for base in [*names, NONE]),
                        *(f"{paper[base][n]:.3f}" for base in names),
                    ]
                    for n, column in enumerate(columns)
                ],
            ),
            "Over the twelve columns:\n",
            markdown(
                [
                    "base",
                    "mAP",
                    "gain over OL",
                    "columns better than OL",
                    "paper: mAP",
                    "paper: columns better",
                ],
                [
                    [
                        base,
                        spread(measured[base].mean(1)),
                        "" if base == "OL" else spread(gains(base).mean(1), 4, sign=True),
                        "" if base == "OL" else better(base),
                        f"{paper[base].mean():.3f}" if base in paper else "",
                        f"{(paper[base] > paper['OL']).sum()} of 12"
                        if base in paper and base != "OL"
                        else "",
                    ]
                    for base in [*names, NONE]
                ],
            ),
            "Gain over the base with OL by root and number of training clips of the target, the "
            "mean over target labels:\n",
            markdown(
                ["root", "training clips", "PEL", "PE-CML", NONE],
                [
                    [
                        root,
                        f"{round(0.8 * share * roots[root][0]['clips'][1]):,}",
                        *(
                            spread(gains(base, number)[:, 3 * n : 3 * n + 3].mean(1), 3, sign=True)
                            for base in ("PEL", "PE-CML", NONE)
                        ),
                    ]
                    for n, root in enumerate(ROOTS)
                    for number, share in enumerate(SHARES)
                ],
            ),
            "Base models on the base's test clips, each with labels of its own kind (not to be "
            "compared between kinds):\n",
            markdown(
                ["base for", *names],
                [
                    [root, *(spread(r["base"][name] for r in of) for name in names)]
                    for root, of in roots.items()
                ],
            ),
        ]
    )


if __name__ == "__main__":
    main("grzywalski", measure, tables)

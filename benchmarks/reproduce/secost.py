"""Claim 4: students of their own teachers, stage by stage, beat the base model (SeCoST).

    python benchmarks/reproduce/secost.py ../shared/data/audioset [--seeds 0 1 2]

Kumar & Ithapu 2020. An MLP is trained on the balanced set's weak labels; stages follow whose
targets are w · teacher + (1 - w) · given labels, the teacher being the student before. Each model
starts from fresh weights and is measured on the evaluation set. Validation is on a tenth of the
balanced set, with given labels.
"""

import csv
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from common import (
    FEATURES,
    LABELS,
    Result,
    effort,
    main,
    markdown,
    split,
    spread,
    test,
    train_mlp,
)

import audiolabels
from audiolabels.features import Features, open_features
from audiolabels.metrics.evaluation import Evaluation
from audiolabels.training.examples import Examples
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.predict import predict_windows

Floats = npt.NDArray[np.floating[Any]]
Stages = tuple[float, ...]

MODEL = {"hidden": 1024, "norm": True, "pool_inputs": True}
HYPERPARAMETERS = Hyperparameters(
    epochs=10, patience=10, learning_rate=2e-3, decay=0.82, precision="bf16-mixed"
)
# Teacher weights, 1 - α, of each stage after the base model.
CASCADES = {
    **{f"one stage, {w:g}": (w,) for w in (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)},
    "four stages, 0.7": (0.7,) * 4,
    "five stages, 0.7 to 0.95": tuple(np.linspace(0.7, 0.95, 5).round(4).tolist()),
    "three stages, teacher alone": (1.0,) * 3,
}
HELD_OUT = 0.1  # of the clips, for validation
# More bases and their students at 0.7: with dropout, for as long as the others and for longer, and
# with a share of wrong labels.
DROPOUT, WRONG = 0.5, 0.3
LONG_EPOCHS, LONG_DECAY = 30, 0.93
AP_BINS = (0, 0.1, 0.2, 0.3, 0.4, 0.6, 1)  # of the base model's average precision
QUALITY = "qa_true_counts.csv"  # of a few clips of each class, how many raters found right
QUALITY_BINS = (0, 0.5, 0.8, 1)


def measure(data: Path, seed: int, epochs: int | None) -> Result:
    """The mAP after each stage of each cascade; stages that cascades share are trained once."""
    given = audiolabels.read_labels(data / LABELS["train"])
    features = open_features(data / FEATURES["train"])
    weak = Examples.match(audiolabels.expand(given, "weak"), features)
    judged = Examples.match(
        audiolabels.expand(audiolabels.read_labels(data / LABELS["eval"]), "weak"),
        open_features(data / FEATURES["eval"]),
    )
    hyperparameters = replace(HYPERPARAMETERS, epochs=epochs or HYPERPARAMETERS.epochs)
    paths = dict.fromkeys(
        stages[:length] for stages in CASCADES.values() for length in range(len(stages) + 1)
    )
    first = 100 * seed
    found = train_stages(given, features, judged, hyperparameters, dict(zip(paths, count(first))))
    # Base and student start alike here, so that two models say more.
    pair = {(): first + len(paths), (0.7,): first + len(paths)}
    dropped = train_stages(given, features, judged, hyperparameters, pair, dropout=DROPOUT)
    long = replace(
        hyperparameters, epochs=epochs or LONG_EPOCHS, patience=LONG_EPOCHS, decay=LONG_DECAY
    )
    longer = train_stages(given, features, judged, long, pair, dropout=DROPOUT)
    wrong = train_stages(mislabelled(weak, seed), features, judged, hyperparameters, pair)
    base, quality = found[()], read_quality(data / QUALITY, weak.vocabulary)
    return {
        "base": summarise(base, base),
        "cascades": {
            name: [summarise(found[stages[: n + 1]], base) for n in range(len(stages))]
            for name, stages in CASCADES.items()
        },
        "dropout": [summarise(evaluation, dropped[()]) for evaluation in dropped.values()],
        "longer": [summarise(evaluation, longer[()]) for evaluation in longer.values()],
        "wrong": [summarise(evaluation, wrong[()]) for evaluation in wrong.values()],
        "gains": {
            name: {
                "precision": gains(found[stages], base, base.average_precision, AP_BINS),
                "quality": gains(found[stages], base, quality, QUALITY_BINS),
            }
            for name, stages in CASCADES.items()
        },
    }


def train_stages(
    given: audiolabels.Annotations,
    features: Features,
    judged: Examples,
    hyperparameters: Hyperparameters,
    seeds: Mapping[Stages, int],
    dropout: float = 0.0,
) -> dict[Stages, Evaluation]:
    """Train stages, each with the seed that is named for it, after its teacher, and test them."""
    weak = Examples.match(audiolabels.expand(given, "weak"), features)
    validation = split(weak, HELD_OUT)[1]
    models: dict[Stages, Any] = {}
    found = {}
    for path, seed in seeds.items():
        examples = weak
        if path:
            teacher = predict_windows(models[path[:-1]], weak, None, batch_size=1024)
            examples = co_supervised(given, weak, features, teacher, path[-1])
        models[path] = train_mlp(
            split(examples, HELD_OUT)[0],
            validation,
            replace(hyperparameters, seed=seed),
            **MODEL,
            dropout=dropout,
        )
        found[path] = test(models[path], judged)
        print(f"seed {seed}, dropout {dropout:g}, stages {path}: {found[path]!r}", flush=True)
    return found


def mislabelled(weak: Examples, seed: int) -> audiolabels.Annotations:
    """The given labels, of which a share is replaced by other classes, drawn at random."""
    generator = np.random.default_rng(seed)
    classes, names = weak.vocabulary.ids, weak.targets[0].clip_id.take(weak.rows).to_pylist()
    labels: dict[str, list[str]] = {name: [] for name in names}
    for row, column in np.argwhere(weak.labels()[0]).tolist():
        if generator.random() < WRONG:
            column = int(generator.integers(len(classes)))
        labels[names[row]].append(classes[column])
    return audiolabels.Annotations.from_dict(labels)


def read_quality(path: Path, classes: audiolabels.Vocabulary) -> Floats:
    """Share of clips with a class in which raters heard it, (C,)."""
    with path.open(newline="") as file:
        rows = {row["label_id"]: row for row in csv.DictReader(file)}
    rated, true = (
        np.array([float(rows[id_][column]) for id_ in classes.ids])
        for column in ("num_rated", "num_true")
    )
    quality: Floats = true / np.maximum(rated, 1)
    return quality


def co_supervised(
    given: audiolabels.Annotations,
    weak: Examples,
    features: Features,
    teacher: Floats,
    weight: float,
) -> Examples:
    """The clips with targets that mix the teacher's scores and the given labels."""
    names = weak.targets[0].clip_id.take(weak.rows).to_pylist()
    scores = audiolabels.Scores.from_arrays(names, teacher, classes=weak.vocabulary)
    soft = audiolabels.expand(scores, "pseudo-strong", given=given, teacher_weight=weight)
    return Examples.match(soft, features)


def summarise(found: Evaluation, base: Evaluation) -> dict[str, float]:
    """mAP, and classes that do better or worse than with the base model."""
    improved = found.share_improved(base)
    return {
        "mAP": found.mean_average_precision,
        "d_prime": found.d_prime_of_mean_auc,
        "lwlrap": found.lwlrap,
        "higher": improved.higher,
        "lower": improved.lower,
        "classes": improved.classes,
    }


def gains(
    found: Evaluation, base: Evaluation, values: Floats, bins: tuple[float, ...]
) -> list[dict[str, float]]:
    """Classes whose value lies in each bin, and their mean gain in average precision."""
    gain = found.average_precision - base.average_precision
    place = np.digitize(values, bins[1:-1])
    some = ~np.isnan(gain)
    return [
        {"classes": int(chosen.sum()), "gain": float(gain[chosen].mean()) if chosen.any() else 0.0}
        for chosen in ((place == n) & some for n in range(len(bins) - 1))
    ]


def tables(results: list[Result]) -> str:
    bases = [result["base"] for result in results]
    classes = bases[0]["classes"]

    def values(name: str, key: str, stage: int = -1) -> list[float]:
        return [result["cascades"][name][stage][key] for result in results]

    def gain(name: str, key: str, stage: int = -1) -> str:
        pairs = zip(values(name, key, stage), bases, strict=True)
        return spread((value - base[key] for value, base in pairs), 4, sign=True)

    def by(kind: str, bins: tuple[float, ...], what: str) -> str:
        return markdown(
            [what, "classes", *many],
            [
                [
                    f"{low:g} to {high:g}",
                    spread((r["gains"][many[0]][kind][n]["classes"] for r in results), 0),
                    *(
                        spread((r["gains"][name][kind][n]["gain"] for r in results), 4, sign=True)
                        for name in many
                    ),
                ]
                for n, (low, high) in enumerate(pairwise(bins))
            ],
        )

    one = [name for name in CASCADES if name.startswith("one")]
    many = [name for name in CASCADES if not name.startswith("one")]
    stages = max(len(CASCADES[name]) for name in many)
    gained = ["gain in mAP", "in d′", "in lωlrap", f"classes better, of {classes}"]

    def gains_of(name: str) -> list[str]:
        return [
            *(gain(name, key) for key in ("mAP", "d_prime", "lwlrap")),
            spread(values(name, "higher"), 0),
        ]

    return "\n".join(
        [
            effort(results),
            f"The base model on the evaluation set: mAP {spread(b['mAP'] for b in bases)}, d′ of "
            f"the mean AUC {spread(b['d_prime'] for b in bases)}, lωlrap "
            f"{spread(b['lwlrap'] for b in bases)}.\n",
            "One stage, by teacher weight; weight 0 is the base model once more with another "
            "seed:\n",
            markdown(
                ["teacher weight", "mAP", *gained],
                [
                    [f"{CASCADES[name][0]:g}", spread(values(name, "mAP")), *gains_of(name)]
                    for name in one
                ],
            ),
            "Cascades, mAP after each stage:\n",
            markdown(
                ["cascade", "base", *(f"stage {n + 1}" for n in range(stages))],
                [
                    [
                        name,
                        spread(b["mAP"] for b in bases),
                        *(
                            spread(values(name, "mAP", n)) if n < len(CASCADES[name]) else ""
                            for n in range(stages)
                        ),
                    ]
                    for name in many
                ],
            ),
            "Their last stages against the base model:\n",
            markdown(["cascade", *gained], [[name, *gains_of(name)] for name in many]),
            "One stage at 0.7 under other conditions, base and student with the same seed:\n",
            markdown(
                ["", "base model, mAP", "one stage, 0.7", *gained],
                [
                    [
                        what,
                        *(spread(pair[n]["mAP"] for pair in pairs) for n in (0, 1)),
                        *(
                            spread((two[key] - one[key] for one, two in pairs), 4, sign=True)
                            for key in ("mAP", "d_prime", "lwlrap")
                        ),
                        spread((two["higher"] for _, two in pairs), 0),
                    ]
                    for what, pairs in (
                        (f"dropout {DROPOUT:g}", [result["dropout"] for result in results]),
                        (
                            f"dropout {DROPOUT:g}, {LONG_EPOCHS} epochs",
                            [result["longer"] for result in results],
                        ),
                        (f"{WRONG:.0%} wrong labels", [result["wrong"] for result in results]),
                    )
                ],
            ),
            between_seeds([result["longer"][0]["mAP"] for result in results]),
            "Mean gain of the last stage in average precision, by the base model's average "
            "precision of a class:\n",
            by("precision", AP_BINS, "base model"),
            "And by the label quality of a class, the share of rated clips in which raters heard "
            "it:\n",
            by("quality", QUALITY_BINS, "label quality"),
        ]
    )


def between_seeds(bases: list[float]) -> str:
    """What another seed alone changes: the control of the students that were trained longest."""
    apart = [abs(one - other) for one, other in combinations(bases, 2)]
    if not apart:
        return ""
    return (
        f"The base models with {LONG_EPOCHS} epochs, which differ in the seed alone, are "
        f"{min(apart):.4f} to {max(apart):.4f} mAP apart.\n"
    )


if __name__ == "__main__":
    main("secost", measure, tables)

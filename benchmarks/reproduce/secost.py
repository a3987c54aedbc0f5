"""Claim 4: students of their own teachers, stage by stage, beat the base model (SeCoST).

    python benchmarks/reproduce/secost.py ../shared/data/audioset [--seeds 0 1 2]

Kumar & Ithapu 2020. An MLP is trained on the balanced set's weak labels; stages follow whose
targets are w · teacher + (1 - w) · given labels, the teacher being the student before. Each model
starts from fresh weights and is measured on the evaluation set. Validation is on a tenth of the
balanced set, with given labels. `secost_long.py` trains for longer, with dropout.
"""

import csv
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from common import FEATURES, LABELS, parse, split, test, train_mlp
from results_page import Result, load_results, save_results, write_tables
from secost_page import AP_BINS, DROPOUT, QUALITY_BINS, WRONG, tables

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
QUALITY = "qa_true_counts.csv"  # of a few clips of each class, how many raters found right


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
    wrong = train_stages(mislabelled(weak, seed), features, judged, hyperparameters, pair)
    base, quality = found[()], read_quality(data / QUALITY, weak.vocabulary)
    return {
        "base": summarise(base, base),
        "cascades": {
            name: [summarise(found[stages[: n + 1]], base) for n in range(len(stages))]
            for name, stages in CASCADES.items()
        },
        "dropout": [summarise(evaluation, dropped[()]) for evaluation in dropped.values()],
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with each seed that has no result yet, then write the tables."""
    given = parse("secost", arguments)
    results = load_results(given.results)
    for seed in given.seeds:
        own = results.setdefault(str(seed), {})
        if "base" not in own:
            wall, processor = time.perf_counter(), time.process_time()
            own.update(measure(given.data, seed, given.epochs))
            own["seconds"] = round(time.perf_counter() - wall)
            own["processor_seconds"] = round(time.process_time() - processor)
            save_results(given.results, results)
    write_tables(given.page, tables(results))


if __name__ == "__main__":
    main()

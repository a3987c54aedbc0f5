"""Does a loss that knows the ontology help? C-HMCNN's against masked BCE, on VGGish.

    python benchmarks/reproduce/coherent.py ../shared/data/audioset [--seeds 0 1 2 3 4]

An MLP on clip means is trained on the balanced set's labels with the masked binary cross-entropy
and with the coherent loss (Giunchiglia & Lukasiewicz 2020), and judged on the evaluation set's
labels. A third column makes the scores of the first model coherent after the fact: each class is
raised to the highest of all below it. Labels to train on are the given ones and `pe-cml` with
certain parents; those to judge by are the given ones, and `pel` with certain parents, whose
uncertain parents are left out.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from common import FEATURES, LABELS, clip_means, main, split, train_mlp
from results_page import Result, effort, markdown, spread

import audiolabels
from audiolabels.metrics import evaluate
from audiolabels.metrics.hierarchical import find_violations
from audiolabels.ontology import coherent_scores, descendant_pairs
from audiolabels.ontology.hierarchy import descendant_table, parent_pairs
from audiolabels.training.examples import Examples
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.predict import predict_windows

MODEL = {"hidden": 512, "dropout": 0.4, "norm": True}
HYPERPARAMETERS = {
    "epochs": 20,
    "patience": 20,
    "learning_rate": 2e-3,
    "decay": 0.9,
    "batch_size": 256,
}
TRAINED: dict[str, tuple[str, dict[str, str]]] = {
    "weak": ("weak", {}),
    "pe-cml, certain": ("pe-cml", {"parents": "certain"}),
}
JUDGED: dict[str, tuple[str, dict[str, str]]] = {
    "given": ("weak", {}),
    "certain": ("pel", {"parents": "certain"}),
}
SCORES = ("BCE", "BCE, propagated", "coherent loss")
GROUPS = ("all", "with classes below", "leaves")


def measure(data: Path, seed: int, epochs: int | None) -> Result:
    """Train with both losses on each kind of labels, and judge three kinds of scores."""
    hyperparameters: dict[str, Any] = {
        **HYPERPARAMETERS,
        "epochs": epochs or HYPERPARAMETERS["epochs"],
        "seed": seed,
    }
    labels = {name: audiolabels.read_labels(data / file) for name, file in LABELS.items()}
    vocabulary = audiolabels.load_vocabulary("audioset")
    pairs, table = descendant_pairs(vocabulary), descendant_table(vocabulary)
    above = table.sum(axis=1) > 1
    groups = {"all": np.ones_like(above), "with classes below": above, "leaves": ~above}
    found: Result = {"classes": {n: int(own.sum()) for n, own in groups.items()}, "models": {}}
    with tempfile.TemporaryDirectory() as folder:
        features = clip_means(folder, [data / file for file in FEATURES.values()])
        judged = {
            name: Examples.match(
                audiolabels.expand(labels["eval"], scheme, vocabulary=vocabulary, **options),
                features,
            )
            for name, (scheme, options) in JUDGED.items()
        }
        for name, (scheme, options) in TRAINED.items():
            targets = audiolabels.expand(labels["train"], scheme, vocabulary=vocabulary, **options)
            train, validation = split(Examples.match(targets, features), 0.1)
            scores = {}
            for loss in ("bce", "coherent"):
                own = Hyperparameters(loss=loss, **hyperparameters)
                model = train_mlp(train, validation, own, **MODEL)
                scores[loss] = predict_windows(model, judged["given"], None, batch_size=1024)
            by_kind = (
                scores["bce"],
                coherent_scores(scores["bce"], pairs),
                coherent_scores(scores["coherent"], pairs),
            )
            found["models"][name] = {
                kind: judge(values, judged, groups, table)
                for kind, values in zip(SCORES, by_kind, strict=True)
            }
            print(f"seed {seed}, {name}: {found['models'][name]}", flush=True)
    return found


def judge(
    scores: Any, judged: dict[str, Examples], groups: dict[str, Any], table: Any
) -> dict[str, Any]:
    """Metrics by each kind of labels, and violations."""
    found: dict[str, Any] = {}
    for name, examples in judged.items():
        result = evaluate(scores, *examples.labels(), vocabulary=examples.vocabulary)
        means = {g: result.macro(classes=np.flatnonzero(own).tolist()) for g, own in groups.items()}
        found[name] = {**means, "lωlrap": result.lwlrap}
    found["violations"] = find_violations(scores, pairs=parent_pairs(table)).share
    return found


def gather(results: list[Result], labels: str, kind: str, *where: str) -> list[float]:
    found = []
    for result in results:
        value = result["models"][labels][kind]
        for name in where:
            value = value[name]
        found.append(value)
    return found


def difference(results: list[Result], labels: str, kind: str, base: str, *where: str) -> str:
    """Paired by seed."""
    sides = (gather(results, labels, name, *where) for name in (kind, base))
    return spread((a - b for a, b in zip(*sides, strict=True)), 4, sign=True)


def tables(results: list[Result]) -> str:
    parts = [effort(results)]
    for truth in JUDGED:
        rows = [
            [
                labels,
                *(spread(gather(results, labels, kind, truth, "all"), 4) for kind in SCORES),
                difference(results, labels, SCORES[1], SCORES[0], truth, "all"),
                difference(results, labels, SCORES[2], SCORES[0], truth, "all"),
                difference(results, labels, SCORES[2], SCORES[1], truth, "all"),
            ]
            for labels in TRAINED
        ]
        head = ["trained on", *SCORES, "propagated − BCE", "coherent − BCE",
                "coherent − propagated"]  # fmt: skip
        parts += [f"mAP, judged by labels: {truth}; differences paired by seed:\n",
                  markdown(head, rows)]  # fmt: skip
    classes = results[0]["classes"]
    cells = [(truth, group) for truth in JUDGED for group in (*GROUPS[1:], "lωlrap")]
    parts += [
        "Difference of the coherent loss from BCE, in mAP over the "
        f"{classes['with classes below']} classes with others below and over the "
        f"{classes['leaves']} without, and in lωlrap:\n",
        markdown(
            ["trained on", *(f"{group}, {truth}" for truth, group in cells)],
            [
                [labels, *(difference(results, labels, SCORES[2], SCORES[0], *c) for c in cells)]
                for labels in TRAINED
            ],
        ),
        "The same of propagation after the fact:\n",
        markdown(
            ["trained on", *(f"{group}, {truth}" for truth, group in cells)],
            [
                [labels, *(difference(results, labels, SCORES[1], SCORES[0], *c) for c in cells)]
                for labels in TRAINED
            ],
        ),
        "Share of (clip, child, parent) of BCE's scores in which the child scores higher:\n",
        markdown(
            ["trained on", "violations"],
            [
                [labels, spread(gather(results, labels, SCORES[0], "violations"))]
                for labels in TRAINED
            ],
        ),
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    main("coherent", measure, tables)

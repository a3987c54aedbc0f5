"""How many of the labels that the audit suspects are missing or wrong, by AudioSet's strong labels.

    python benchmarks/reproduce/audit.py ../shared/data/audioset [--seeds 0 1 2]

`audiolabels train`'s default model is trained on the weak labels of the balanced set, on the mean
of a clip's VGGish frames, and scores the clips of the evaluation set. The audit ranks the weak
labels of these by its kinds `missing` and `wrong`. A pair of a clip and a class is judged by the
strong labels of the evaluation set, closed upwards under the parent policy `certain`, for the
classes that occur in their file. Compared with the teacher's score alone, with cleanlab's
(confident learning, scores adjusted by class) and with chance. Needs cleanlab.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from common import FEATURES, LABELS, clip_means, main, split, train_mlp
from results_page import Result, effort, markdown, spread

import audiolabels
from audiolabels.audit import audit
from audiolabels.schemes.class_quality import read_class_quality
from audiolabels.training.examples import Examples
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.predict import predict_windows

STRONG, QUALITY = "strong_eval_110_classes.tsv.gz", "qa_true_counts.csv"
DEPTHS = (100, 1000, 5000)
KINDS = ("missing", "wrong")
MOST = 60_000  # pairs of all classes, of which enough are of those that are judged
HELD_OUT = 0.1
Floats = npt.NDArray[np.float64]


def score(data: Path, seed: int, epochs: int | None) -> audiolabels.Scores:
    """A teacher's scores of the evaluation set, which it was not trained on."""
    labels = audiolabels.read_labels(data / LABELS["train"])
    targets = audiolabels.expand(labels, "weak")
    asked = audiolabels.expand(audiolabels.read_labels(data / LABELS["eval"]), "weak")
    hyperparameters = Hyperparameters(seed=seed)
    if epochs:
        hyperparameters = replace(hyperparameters, epochs=epochs)
    with tempfile.TemporaryDirectory() as folder:
        features = clip_means(folder, [data / file for file in FEATURES.values()])
        train, validation = split(Examples.match(targets, features), HELD_OUT)
        model = train_mlp(train, validation, hyperparameters)
        examples = Examples.match(asked, features)
        scores = predict_windows(model, examples, None, batch_size=1024)
    ids = [features.clip_ids[row] for row in examples.clips]
    return audiolabels.Scores.from_arrays(ids, scores, classes=targets.vocabulary)


def measure(data: Path, seed: int, epochs: int | None) -> Result:
    labels = audiolabels.read_labels(data / LABELS["eval"])
    events = audiolabels.read_events(data / STRONG)
    truth = audiolabels.expand(events, "diffuse", vocabulary="audioset", parents="certain")
    place = {clip: row for row, clip in enumerate(truth.clip_id.to_pylist())}
    present = truth.to_numpy()[0] > 0
    classes = truth.vocabulary
    heard = {events.ontology.ids[c] for c in np.unique(events.classes) if c >= 0}
    judged = np.array([id_ in heard for id_ in classes.ids])
    scores = score(data, seed, epochs)
    given = audiolabels.expand(labels, "weak")
    row = {clip: number for number, clip in enumerate(given.clip_id.to_pylist())}
    clips = [clip for clip in scores.clip_id.to_pylist() if clip in place]
    own = given.to_numpy([row[clip] for clip in clips])[0] > 0
    teacher = scores.scores[[clip in place for clip in scores.clip_id.to_pylist()]]
    right = present[[place[clip] for clip in clips]]
    found = audit(labels, scores, class_quality=read_class_quality(data / QUALITY), most=MOST)
    result: Result = {"clips": len(clips), "classes": int(judged.sum())}
    for kind in KINDS:
        of_kind = own if kind == "wrong" else ~own
        hit = ~right if kind == "wrong" else right
        rankings = {
            "audit": list(ranked_pairs(found.table, kind, clips, classes, judged)),
            "teacher's score": order(
                teacher if kind == "missing" else 1 - teacher, of_kind, judged
            ),
            "cleanlab": order(1 - cleanlab_quality(own, teacher), of_kind, judged),
        }
        result[kind] = {"chance": float(hit[:, judged][of_kind[:, judged]].mean())}
        for name, pairs in rankings.items():
            hits = np.array([hit[pair] for pair in pairs])
            result[kind][name] = {str(n): float(hits[:n].mean()) for n in DEPTHS}
            top = Counter(classes.names[column] for _, column in pairs[:1000])
            result[kind][name]["by class"] = [
                [
                    label,
                    count,
                    float(np.mean([hit[p] for p in pairs[:1000] if classes.names[p[1]] == label])),
                ]
                for label, count in top.most_common(6)
            ]
        print(f"seed {seed}, {kind}: {result[kind]}", flush=True)
    return result


def ranked_pairs(
    table: Any, kind: str, clips: list[str], classes: Any, judged: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, int]]:
    """Row and column of the pairs of a kind that can be judged, the most suspicious first."""
    rows = {clip: row for row, clip in enumerate(clips)}
    for clip, id_ in table.loc[table["kind"] == kind, ["clip_id", "id"]].itertuples(index=False):
        column = classes.index[id_]
        if clip in rows and judged[column]:
            yield rows[clip], column


def order(
    suspicion: Any, of_kind: npt.NDArray[np.bool_], judged: npt.NDArray[np.bool_]
) -> list[tuple[int, int]]:
    """The pairs that can be judged, the highest first, as many as are looked at."""
    values = np.where(of_kind & judged, suspicion, -np.inf)
    best = np.argsort(-values, axis=None, kind="stable")[: max(DEPTHS)]
    return [
        (int(row), int(column))
        for row, column in zip(*np.divmod(best, values.shape[1]), strict=True)
    ]


def cleanlab_quality(own: npt.NDArray[np.bool_], scores: Any) -> Floats:
    """How likely each label is right by confident learning: float64 (N, C)."""
    from cleanlab.multilabel_classification.rank import get_label_quality_scores_per_class

    labels = [np.flatnonzero(row).tolist() for row in own]
    columns = get_label_quality_scores_per_class(
        labels, scores.astype(np.float64), method="normalized_margin", adjust_pred_probs=True
    )
    quality: Floats = (
        np.stack(columns, axis=1) if isinstance(columns, list) else np.asarray(columns)
    )
    return quality if quality.shape == own.shape else quality.T


def tables(results: list[Result]) -> str:
    parts = [effort(results)]
    for kind in KINDS:
        found = [result[kind] for result in results]
        parts += [
            f"**{kind.capitalize()}**: precision among the pairs ranked first, of "
            f"{results[0]['clips']:,} clips × {results[0]['classes']} classes; by chance "
            f"{spread([f['chance'] for f in found])}.\n",
            markdown(
                ["ranked by", *(f"first {n:,}" for n in DEPTHS)],
                [
                    [name, *(spread([f[name][str(n)] for f in found]) for n in DEPTHS)]
                    for name in ("audit", "teacher's score", "cleanlab")
                ],
            ),
            "The most frequent classes among the audit's first 1,000, seed 0: "
            + ", ".join(f"{n} {count} ({p:.2f})" for n, count, p in found[0]["audit"]["by class"])
            + "; among the teacher's: "
            + ", ".join(
                f"{n} {count} ({p:.2f})" for n, count, p in found[0]["teacher's score"]["by class"]
            )
            + ".\n",
        ]
    return "\n".join(parts)


if __name__ == "__main__":
    main("audit", measure, tables)

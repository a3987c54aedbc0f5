"""Claim 2: students of a teacher's scores of segments do better than with weak labels (PSL).

    python benchmarks/reproduce/psl.py ../shared/data/audioset [--seeds 0 1 2]

Dinkel et al. 2022, tables 2 and 3, and the numbers of figures 2 and 3, which the page draws. An
annotator is trained on the weak labels of the whole balanced set; students are trained on a random
tenth of its clips: on segments of n seconds, with the annotator's scores, the weak labels, or both
mixed. Each is measured on the evaluation set, on segments of its own length, averaged over the
clip. Validation is on another tenth, with weak labels, on segments of the student's length. The
annotator was trained on both tenths, as in the paper.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import FEATURES, LABELS, main, split, train_mlp
from results_page import Result, effort, markdown, spread

import audiolabels
from audiolabels.features import open_features
from audiolabels.metrics.evaluation import evaluate
from audiolabels.schemes.given_labels import GivenLabels, GivenOptions, MatchedScores
from audiolabels.schemes.score_counts import FOUND_FROM, count_scores
from audiolabels.training.annotate import annotate
from audiolabels.training.examples import Examples
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.predict import predict_windows
from audiolabels.training.run_folder import Run

# A segment is the mean of its frames' embeddings, which the MLP takes.
MODEL: dict[str, Any] = {"hidden": 512, "dropout": 0.4, "norm": True, "pool_inputs": True}
TEACHER = {"epochs": 15, "patience": 15, "learning_rate": 2e-3, "decay": 0.87}
STUDENT = {"epochs": 30, "patience": 5, "learning_rate": 2e-3, "decay": 0.93, "batch_size": 128}
SHARE = 0.1  # of the clips for students, and as much to validate them
LENGTHS = {"10 s": None, "5 s": 5.0, "2 s": 2.0, "0.96 s": 0.96}
CONTROL = "10 s, as many steps as at 2 s"
WEIGHTS = (0.0, 0.5, 1.0)
PAPER = {  # mAP and d′ by segment and teacher weight
    ("10 s", 0.0): (17.69, 1.994),
    ("5 s", 0.0): (19.76, 2.072),
    ("2 s", 0.0): (20.21, 2.030),
    ("10 s", 0.5): (27.12, 2.190),
    ("5 s", 0.5): (28.24, 2.273),
    ("2 s", 0.5): (28.13, 2.203),
    ("10 s", 1.0): (31.13, 2.454),
    ("5 s", 1.0): (34.11, 2.549),
    ("2 s", 1.0): (35.48, 2.588),
}
COVERAGE = ("none", "less than half", "half or more", "all")


def measure(data: Path, seed: int, epochs: int | None) -> Result:
    """How good the annotator and each student are; what the annotator finds in the clips."""
    given = audiolabels.read_labels(data / LABELS["train"])
    features = open_features(data / FEATURES["train"])
    weak = Examples.match(audiolabels.expand(given, "weak"), features)
    judged = Examples.match(
        audiolabels.expand(audiolabels.read_labels(data / LABELS["eval"]), "weak"),
        open_features(data / FEATURES["eval"]),
    )
    shuffled = np.random.default_rng(seed).permutation(len(weak))
    size = round(len(weak) * SHARE)
    taught, validation = weak.take(shuffled[:size]), weak.take(shuffled[size : 2 * size])
    teacher = train_mlp(*split(weak, 0.1), hyperparameters(TEACHER, seed, epochs), **MODEL)
    heard = {name: summarise(teacher, judged, window) for name, window in LENGTHS.items()}
    found: Result = {"clips": size, "teacher": heard}
    print(f"seed {seed}, annotator: {found['teacher']}", flush=True)
    found["students"], found["finds"] = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        run = Run(teacher, weak.vocabulary, {}, Path(folder))
        for name, window in LENGTHS.items():
            path = Path(folder) / f"{name}.parquet"
            annotate(run, features, path, window=window, clips=taught.clips, batch_size=4096)
            scores = audiolabels.read_scores(path)
            found["finds"][name] = what_it_finds(scores, given)
            own = replace(hyperparameters(STUDENT, seed, epochs), window=window)
            tried = {name: own}
            if window is None:
                tried[CONTROL] = replace(own, batch_size=own.batch_size // 5)
            for weight in WEIGHTS:
                soft = audiolabels.expand(
                    scores, "pseudo-strong", given=given, teacher_weight=weight
                )
                examples = Examples.match(soft, features)
                for title, chosen in tried.items():
                    student = train_mlp(examples, validation, chosen, **MODEL)
                    numbers = summarise(student, judged, window)
                    found["students"][f"{title}, {weight:g}"] = numbers
                    print(f"seed {seed}, {title}, teacher weight {weight}: {numbers}", flush=True)
    return found


def hyperparameters(options: dict[str, Any], seed: int, epochs: int | None) -> Hyperparameters:
    return Hyperparameters(**{**options, "epochs": epochs or options["epochs"]}, seed=seed)


def summarise(model: Any, examples: Examples, window: float | None) -> dict[str, float]:
    scores = predict_windows(model, examples, window, batch_size=4096)
    numbers = evaluate(scores, *examples.labels(), vocabulary=examples.vocabulary).numbers()
    return {name: numbers[name] for name in ("mAP", "d_prime_of_mean_auc", "lwlrap")}


def what_it_finds(scores: audiolabels.Scores, given: audiolabels.Annotations) -> Result:
    """Clips by number of classes at 0.5, and by the share of their labels that is found."""
    labels = GivenLabels.make(given, scores.vocabulary, GivenOptions())
    segments = MatchedScores.match(scores, labels)
    clips = segments.highest()
    counts = count_scores(segments, clips)
    positive, _ = clips.bits
    given_numbers = positive.sum(1)
    covered = (positive & (clips.scores >= FOUND_FROM)).sum(1) / given_numbers.clip(1)
    place = np.select([covered == 0, covered < 0.5, covered < 1], [0, 1, 2], 3)
    coverage = np.bincount(place[given_numbers > 0], minlength=len(COVERAGE))
    numbers = np.bincount(given_numbers)
    return {
        "clips_by_number": np.trim_zeros(counts.clips_by_number, "b").tolist(),
        "given_by_number": numbers.tolist(),
        "segments_empty": counts.segments_empty / counts.segments,
        "clips_empty": counts.clips_empty / counts.clips,
        "found_a_clip": int(counts.found_by_class.sum()) / counts.clips,
        "given_a_clip": counts.given / counts.clips,
        "coverage": counts.coverage / counts.labelled,
        "coverage_by_kind": (coverage / coverage.sum()).tolist(),
    }


def tables(results: list[Result]) -> str:
    def students(name: str, weight: float, metric: str) -> list[float]:
        return [result["students"][f"{name}, {weight:g}"][metric] for result in results]

    def over(scores: list[float], base: list[float]) -> str:
        return spread((s - b for s, b in zip(scores, base, strict=True)), 4, sign=True)

    base, control = (students(name, 0.0, "mAP") for name in ("10 s", CONTROL))
    rows = []
    for weight in WEIGHTS:
        for name in ["10 s", CONTROL, *list(LENGTHS)[1:]]:
            paper = PAPER.get((name, weight))
            scores = students(name, weight, "mAP")
            rows.append(
                [
                    f"{weight:g}",
                    name,
                    f"{paper[0] / 100:.4f}" if paper else "",
                    spread(scores, 4),
                    over(scores, base),
                    over(scores, control),
                    f"{paper[1]:.3f}" if paper else "",
                    spread(students(name, weight, "d_prime_of_mean_auc")),
                ]
            )
    head = ["teacher weight", "segments", "mAP, paper", "mAP", "over weak at 10 s",
            "over weak, as many steps", "d′, paper", "d′"]  # fmt: skip
    return "\n".join(
        [
            effort(results),
            f"Students on {results[0]['clips']:,} clips. Teacher weight 0 is training on the weak "
            "labels, repeated on each segment, 1 on the annotator's scores alone.\n",
            markdown(head, rows),
            "The annotator itself, on segments of these lengths (in the paper mAP 0.4053, d′ "
            "2.695):\n",
            markdown(
                ["segments", "mAP", "d′"],
                [
                    [name, *(spread((r["teacher"][name][metric] for r in results), digits)
                             for metric, digits in (("mAP", 4), ("d_prime_of_mean_auc", 3)))]
                    for name in LENGTHS
                ],
            ),
            "What the annotator finds at 0.5 in the students' clips, in any segment:\n",
            markdown(
                ["segments", "clips with none", "classes per clip", "most", "label coverage",
                 *(f"labels found: {kind}" for kind in COVERAGE)],
                [finds(results, name) for name in LENGTHS],
            ),
        ]
    )  # fmt: skip


def finds(results: list[Result], name: str) -> list[str]:
    own = [result["finds"][name] for result in results]
    return [
        name,
        spread((100 * o["clips_empty"] for o in own), 1) + " %",
        spread((o["found_a_clip"] for o in own), 2),
        spread((len(o["clips_by_number"]) - 1 for o in own), 1),
        spread(o["coverage"] for o in own),
        *(
            spread((100 * o["coverage_by_kind"][n] for o in own), 1) + " %"
            for n in range(len(COVERAGE))
        ),
    ]


if __name__ == "__main__":
    main("psl", measure, tables)

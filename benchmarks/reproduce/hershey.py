"""Claim 3: strong labels of few clips help, alone and mixed with weak labels of many.

    python benchmarks/reproduce/hershey.py ../shared/data/audioset [--seeds 0 1 2]

Hershey et al. 2021, table 1 and figure 3. The clips with strong labels, which are of the evaluation
set, are split at random: half are the test, a twentieth validates, the rest is trained on, with its
weak, diffuse or strong labels. The large weak set, in place of Weak-1.8M, is the balanced set, the
clips to train on, and the clips of the evaluation set without strong labels. All models hear one
random frame of 0.96 s of each clip in an epoch; the checkpoints, and μ, are those with the best mAP
on the frames of the validation clips.

No absences are confirmed. Hard negatives replace them: per class the test clips without it
that a judge scores highest, as many as there are clips with it, and the other frames of clips with
it. The judge is a model trained on the balanced set's weak labels alone; a second one, trained on
strong labels, shows how much hangs on it.
"""

import copy
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from common import FEATURES, LABELS, fit_model, main, together, train_mlp
from results_page import Result, effort, markdown, spread
from strong import read_strong, shared_classes

import audiolabels
from audiolabels.clips.partition import in_subset
from audiolabels.metrics import evaluate, hard_negatives
from audiolabels.training.examples import Examples, of_clips
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.predict import predict_windows

FRAME = 0.96  # seconds
FRAMES = 10
MODEL = {"hidden": 512, "dropout": 0.4, "norm": True}
SMALL = {"epochs": 60, "patience": 10, "learning_rate": 1e-3, "decay": 0.97}
LARGE = {"epochs": 25, "patience": 6, "learning_rate": 2e-3, "decay": 0.93}
TUNE = {"epochs": 8, "patience": 3, "learning_rate": 5e-4, "decay": 0.9}
MIXINGS = (0.2, 0.5, 0.8, 1.0)
SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)  # of the clips with strong labels, figure 3
SHARED = 0.8  # μ there, the paper's for strong labels
PAPER = {  # d′ and lωlrap on weak labels, then on strong ones
    "weak": (0.86, 0.39, 0.81, 0.29),
    "diffuse": (0.82, 0.27, 0.88, 0.29),
    "strong": (0.96, 0.31, 1.05, 0.33),
    "large weak": (1.17, 0.53, 1.13, 0.43),
    "large weak + diffuse": (1.21, 0.38, 1.28, 0.43),
    "large weak + strong": (1.28, 0.42, 1.39, 0.47),
}
PAIRS = (
    ("diffuse", "weak"),
    ("strong", "diffuse"),
    ("large weak", "weak"),
    ("large weak", "strong"),
    ("large weak + strong", "strong"),
    ("large weak + strong", "large weak"),
    ("large weak + strong", "large weak + diffuse"),
)
JUDGES = ("weak", "strong", "none")
NEGATIVES = ("judge of weak labels", "judge of strong labels", "all negatives")

Rows = npt.NDArray[np.int64]


class Test(NamedTuple):
    """M test clips: examples of clips with weak labels and of their frames, target and mask of
    each, (M, C) and (M, T, C).
    """

    clips: Examples
    frames: Examples
    weak: tuple[Any, Any]
    strong: tuple[Any, Any]


def measure(data: Path, seed: int, epochs: int | None) -> Result:
    """Metrics of each training set on weak and strong labels of the test clips."""
    events = read_strong(data)
    vocabulary = shared_classes(events)
    given = audiolabels.read_labels([data / file for file in LABELS.values()])
    weak = audiolabels.expand(given, "weak", vocabulary="audioset").select(vocabulary)
    with tempfile.TemporaryDirectory() as folder:
        features = together([data / file for file in FEATURES.values()], Path(folder))
        of = {
            "weak": Examples.match(weak, features, crop=FRAME),
            "diffuse": Examples.match(
                audiolabels.expand(events, "diffuse", vocabulary=vocabulary), features, crop=FRAME
            ),
            "strong": Examples.match(
                audiolabels.expand(events, "strong-framed", vocabulary=vocabulary), features
            ),
        }
        heard = np.unique(of["diffuse"].clips)
        shuffled = np.random.default_rng(seed).permutation(heard)
        half, most = len(heard) // 2, len(heard) - len(heard) // 20
        tested, taught, validated = np.split(shuffled, [half, most])
        names = audiolabels.read_labels(data / LABELS["train"]).clip_id.to_pylist()
        validation = chosen(of["strong"], validated)
        small = {name: chosen(examples, taught) for name, examples in of.items()}
        large = chosen(of["weak"], np.setdiff1d(of["weak"].clips, [*tested, *validated]))
        outside = chosen(of["weak"], np.setdiff1d(features.find(names), heard))

        def learn(train: Examples, options: Any, start: Any = None, **more: Any) -> Any:
            """Train, from the weights of another model if there is one."""
            hyperparameters = Hyperparameters(
                **{**options, "epochs": epochs or options["epochs"], "seed": seed, **more},
                draw="one-a-clip",
            )
            if start is None:
                return train_mlp(train, validation, hyperparameters, **MODEL)
            model = copy.deepcopy(start)
            fit_model(model, train, validation, hyperparameters)
            return model

        test = gather_test(of, tested)
        judges = {
            "weak": learn(outside, LARGE, seed=seed + 1000),
            "strong": learn(small["strong"], SMALL, seed=seed + 1000),
        }
        masks = {name: judge_masks(test, model) for name, model in judges.items()}
        masks["none"] = test.weak[1], test.strong[1]
        found: Result = {
            "clips": {"tested": len(test.clips), "taught": len(taught), "large": len(large)},
            "classes": len(vocabulary),
            "per_class": clips_per_class(events, vocabulary),
            "heard": {name: heard_after_all(test, known[0]) for name, known in masks.items()},
            "models": {},
            "mixing": {},
        }

        def judge(name: str, model: Any) -> None:
            found["models"][name] = judged(test, model, masks)
            print(f"seed {seed}, {name}: {found['models'][name]}", flush=True)

        for name, examples in small.items():
            judge(name, learn(examples, SMALL))
        base = learn(large, LARGE)
        judge("large weak", base)
        for name in ("diffuse", "strong"):
            mixed, best = large.concat(small[name]), -1.0
            for mixing in MIXINGS:
                model = learn(mixed, TUNE, base, mixing=mixing)
                score = mean_average_precision(model, validation)
                judge(f"large weak + {name}, {mixing:g}", model)
                if score > best:
                    best, found["mixing"][name] = score, mixing
        for share in SHARES:
            some = small["strong"].take(in_share(small["strong"], share, seed))
            model = learn(large.concat(some), TUNE, base, mixing=SHARED)
            judge(f"{share:g} of strong", model)
            found["clips"][f"{share:g}"] = len(np.unique(some.clips))
    return found


def clips_per_class(
    events: audiolabels.Events, vocabulary: audiolabels.Vocabulary
) -> dict[str, float]:
    """Clips with each class by strong labels: the fewest, the mean, the median, the most."""
    clips = audiolabels.expand(events, "diffuse", vocabulary=vocabulary).to_numpy()[0].sum(0)
    return {name: float(getattr(np, name)(clips)) for name in ("min", "mean", "median", "max")}


def in_share(examples: Examples, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Which examples are of a share of the clips; of nested ones, as `audiolabels subset` has."""
    return of_clips(examples, lambda names: in_subset(names, share, seed=seed))


def chosen(examples: Examples, clips: Rows) -> Examples:
    return examples.take(np.isin(examples.clips, clips))


def gather_test(of: dict[str, Examples], tested: Rows) -> Test:
    """The test clips, those with weak labels and features of all frames, in one order."""
    weak, strong = (replace(chosen(of[name], tested), crop=None) for name in ("weak", "strong"))
    strong = chosen(strong, np.flatnonzero(np.bincount(strong.clips) == FRAMES))
    strong = chosen(strong, weak.clips)
    clips = strong.clips[::FRAMES]
    assert (strong.clips.reshape(-1, FRAMES) == clips[:, None]).all()
    place = {clip: row for row, clip in enumerate(weak.clips.tolist())}
    weak = weak.take(np.array([place[clip] for clip in clips.tolist()]))
    target, mask = strong.labels()
    shape = (len(clips), FRAMES, -1)
    framed = target.reshape(shape) * mask.reshape(shape), mask.reshape(shape)
    return Test(weak, strong, weak.labels(), framed)


def judge_masks(test: Test, model: Any) -> tuple[Any, Any]:
    """What counts as known of the clips and of the frames: positives and hard negatives."""
    of_clips, of_frames = scores(test, model)
    return hard_negatives(of_clips, *test.weak), hard_negatives(of_frames, *test.strong)


def heard_after_all(test: Test, known: Any) -> float:
    """The share of negatives by weak labels that are positive in some frame by strong ones."""
    negative = (known > 0) & (test.weak[0] == 0)
    return float((test.strong[0].max(1) > 0)[negative].mean())


def scores(test: Test, model: Any) -> tuple[Any, Any]:
    of_clips = predict_windows(model, test.clips, None, batch_size=4096)
    of_frames = predict_windows(model, test.frames, None, batch_size=4096)
    return of_clips, of_frames.reshape(test.strong[0].shape)


def judged(test: Test, model: Any, masks: dict[str, tuple[Any, Any]]) -> Result:
    """d′ on hard negatives of each judge, and on all; lωlrap and mAP, on all."""
    found: Result = {}
    for what, values, (target, mask), number in zip(
        ("weak", "strong"), scores(test, model), (test.weak, test.strong), (0, 1), strict=True
    ):
        everything = evaluate(values, target, mask)
        found[what] = {"lwlrap": everything.lwlrap, "mAP": everything.mean_average_precision}
        for judge, known in masks.items():
            result = evaluate(values, target, known[number])
            found[what][f"d', {judge}"] = result.d_prime_of_mean_auc
            found[what][f"mean d', {judge}"] = result.mean_d_prime
    return found


def mean_average_precision(model: Any, examples: Examples) -> float:
    values = predict_windows(model, examples, None, batch_size=4096)
    return evaluate(values, *examples.labels()).mean_average_precision


def tables(results: list[Result]) -> str:
    def numbers(name: str, what: str, metric: str) -> list[float]:
        """Of each seed, with the μ that its validation chose."""
        own = []
        for result in results:
            kind = name.rpartition("+ ")[2]
            key = f"{name}, {result['mixing'][kind]:g}" if "+" in name else name
            own.append(result["models"][key][what][metric])
        return own

    columns = [("weak", "d', weak"), ("weak", "lwlrap"), ("strong", "d', weak"),
               ("strong", "lwlrap")]  # fmt: skip
    clips = results[0]["clips"]
    return "\n".join(
        [
            effort(results),
            f"Table 1: {results[0]['classes']} classes; {clips['taught']:,} clips with strong "
            f"labels to train on, {clips['large']:,} in the large weak set, {clips['tested']:,} "
            "tested. d′ is that of the mean AUC, on hard negatives; the paper's figures in "
            "brackets are on explicit negatives.\n",
            markdown(
                ["trained on", "weak labels, d′", "weak, lωlrap", "strong labels, d′",
                 "strong, lωlrap"],
                [
                    [name, *(f"{spread(numbers(name, *column))} ({value:.2f})"
                             for column, value in zip(columns, paper, strict=True))]
                    for name, paper in PAPER.items()
                ],
            ),
            "Clips with a class by strong labels, in brackets those of the paper's training set "
            "(§3.3): {min:,.0f} at least (1), {mean:,.0f} in the mean (418.9), {median:,.0f} in "
            "the median (248), {max:,.0f} at most (22,410).\n".format(**results[0]["per_class"]),
            "Differences between models of the same seed and clips, on strong labels; in brackets "
            "the number of seeds with the sign of the mean:\n",
            paired(numbers, "strong"),
            "And on weak labels:\n",
            paired(numbers, "weak"),
            "The best μ by validation: "
            + "; ".join(
                f"{kind} {', '.join(str(result['mixing'][kind]) for result in results)}"
                for kind in ("diffuse", "strong")
            )
            + ".\n",
            "d′ by what counts as negative: hard negatives of a judge trained on weak or on strong "
            "labels, or all; and mAP, on all. On weak labels:\n",
            by_judge(numbers, "weak"),
            "Negatives by weak labels that are positive by strong labels: "
            + "; ".join(
                f"{name}, {spread((100 * r['heard'][judge] for r in results), 1)} %"
                for judge, name in zip(JUDGES, NEGATIVES, strict=True)
            )
            + ".\n",
            "On strong labels:\n",
            by_judge(numbers, "strong"),
            "With fewer strong clips, as figure 3: the large weak set first, then mixed with the "
            f"strong labels of a share of the clips, μ = {SHARED:g}; on strong labels:\n",
            by_share(results),
            "By μ, as in table 1:\n",
            markdown(
                ["mixed with", "μ", "weak, d′", "weak, lωlrap", "strong, d′", "strong, lωlrap"],
                [
                    [kind, f"{mixing:g}",
                     *(spread(r["models"][f"large weak + {kind}, {mixing:g}"][what][metric]
                              for r in results) for what, metric in columns)]
                    for kind in ("diffuse", "strong") for mixing in MIXINGS
                ],
            ),
        ]
    )  # fmt: skip


def by_share(results: list[Result]) -> str:
    """Figure 3: metrics on strong labels by the share of the clips with strong labels."""
    metrics = {f"d′, {name}": f"d', {j}" for name, j in zip(NEGATIVES, JUDGES, strict=True)}
    metrics |= {"lωlrap": "lwlrap", "mAP": "mAP"}
    rows = [["0 %", 0, *(spread(r["models"]["large weak"]["strong"][m] for r in results)
                         for m in metrics.values())]]  # fmt: skip
    for share in SHARES:
        found = [r["models"][f"{share:g} of strong"]["strong"] for r in results]
        clips = np.mean([r["clips"][f"{share:g}"] for r in results])
        numbers = (spread(own[metric] for own in found) for metric in metrics.values())
        rows.append([f"{100 * share:g} %", f"{clips:,.0f}", *numbers])
    return markdown(["strong clips", "number", *metrics], rows)


def paired(numbers: Callable[[str, str, str], list[float]], what: str) -> str:
    """Differences between pairs of models, by each metric."""
    metrics = [*(f"d', {judge}" for judge in JUDGES), "lwlrap", "mAP"]

    def cell(one: str, other: str, metric: str) -> str:
        both = zip(numbers(one, what, metric), numbers(other, what, metric), strict=True)
        own = [a - b for a, b in both]
        agree = sum((value > 0) == (np.mean(own) > 0) for value in own)
        return f"{spread(own, 3, sign=True)} ({agree} of {len(own)})"

    return markdown(
        ["", *(f"d′, {name}" for name in NEGATIVES), "lωlrap", "mAP"],
        [
            [f"{one} − {other}", *(cell(one, other, metric) for metric in metrics)]
            for one, other in PAIRS
        ],
    )


def by_judge(numbers: Callable[[str, str, str], list[float]], what: str) -> str:
    metrics = [*(f"d', {judge}" for judge in JUDGES), "mAP"]
    return markdown(
        ["trained on", *NEGATIVES, "mAP"],
        [[name, *(spread(numbers(name, what, metric)) for metric in metrics)] for name in PAPER],
    )


if __name__ == "__main__":
    main("hershey", measure, tables)

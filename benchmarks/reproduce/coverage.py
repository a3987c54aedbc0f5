"""What coverage is worth: two data sets, each annotated for half of the classes, become one.

    python benchmarks/reproduce/coverage.py ../shared/data/audioset [--seeds 0 1 2]

AudioSet's balanced set is taken for two data sets, each annotated for about half of its labels, by
root of the ontology. A clip belongs to one of them by the hash of its recording, and keeps only the
labels of that one's classes. `audiolabels.join` makes targets of both, with what each was annotated
for, or without, when a class that nobody listened for is absent. `audiolabels train` trains its
default model on them, and on the complete labels of the same clips; its features are the mean of a
clip's VGGish frames. Each is measured on the evaluation set.

A class below several roots counts as below the one that comes first in the ontology. A clip without
a label of its half is either known to have none of its classes (`every clip`) or belongs to neither
data set (`labelled clips`).
"""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from common import FEATURES, LABELS, clip_means, main
from results_page import Result, effort, markdown, spread
from strong import states

import audiolabels
from audiolabels.clips.partition import draw_parts
from audiolabels.features import Features
from audiolabels.ontology import Ontology
from audiolabels.training.hyperparameters import HELD_OUT, Hyperparameters
from audiolabels.training.run_evaluation import evaluate_run
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train

HALVES = ("first", "second")
COMPLETE, COVERED, ABSENT = "complete labels", "with coverage", "without coverage"
CHECKED = "without coverage, validated on complete labels"
RANDOM = "without coverage, as many random negatives unknown"
CLIPS = {
    "every clip": (COMPLETE, COVERED, ABSENT, CHECKED, RANDOM),
    "labelled clips": (COMPLETE, COVERED, ABSENT),
}
MEASURES = ("mAP", *HALVES, "d_prime_of_mean_auc", "lwlrap", "level")


def halve(labels: Iterable[Iterable[str]], ontology: Ontology) -> list[list[str]]:
    """Ids of the classes of each half.

    A class goes with its root, which is the first in the ontology of those above it. The half
    with the first root comes first; the halves' numbers of labels differ as little as possible.
    """
    root = {
        id_: next(r for r in ontology.roots if r == id_ or r in ontology.ancestors(id_))
        for id_ in audiolabels.load_vocabulary("audioset").ids
    }
    number = dict.fromkeys(ontology.roots, 0)
    for own in labels:
        for id_ in own:
            number[root[id_]] += 1
    first, *others = ontology.roots

    def gap(sides: tuple[bool, ...]) -> int:
        return abs(
            sum(n if s else -n for n, s in zip(number.values(), (True, *sides), strict=True))
        )

    sides = min(product((True, False), repeat=len(others)), key=gap)
    chosen = {first, *(r for r, side in zip(others, sides, strict=True) if side)}
    return [[id_ for id_, r in root.items() if (r in chosen) == side] for side in (True, False)]


def join_halves(
    labels: Mapping[str, tuple[str, ...]],
    halves: list[list[str]],
    *,
    seed: int,
    every: bool,
    annotated: bool,
) -> audiolabels.Targets:
    """The targets of two data sets, each with the clips of a half and the labels of its classes.

    Args:
        labels: clip to ids.
        halves: ids of the classes of each.
        seed: of the division of clips.
        every: whether a clip without a label of its half is a verified empty one.
        annotated: whether it is known what each was annotated for.
    """
    # Seed 0 holds clips out for validation, which must not all belong to one half.
    parts = draw_parts(audiolabels.Annotations.from_dict(labels).clip_id, (50, 50), seed=seed + 1)
    sources: dict[str, dict[str, Any]] = {}
    for number, (name, classes) in enumerate(zip(HALVES, halves, strict=True)):
        own = set(classes)
        kept = {
            clip: [id_ for id_ in ids if id_ in own]
            for (clip, ids), part in zip(labels.items(), parts.tolist(), strict=True)
            if part == number
        }
        read = audiolabels.read_labels(kept, annotated=classes if annotated else None)
        if not every:
            read = replace(read, sets=replace(read.sets, labelled=read.sets.sizes > 0))
        sources[name] = {"labels": read}
    return audiolabels.join(sources, "weak", vocabulary="audioset")


def unknown_at_random(
    absent: audiolabels.Targets, covered: audiolabels.Targets, seed: int
) -> audiolabels.Targets:
    """As many unknown targets of each class as with coverage, drawn among all its negatives."""
    generator = np.random.default_rng(seed)
    positive, known = states(absent)
    masked = np.zeros_like(positive)
    for column, count in enumerate((~states(covered)[1]).sum(0).tolist()):
        negatives = np.flatnonzero(~positive[:, column] & known[:, column])
        masked[generator.choice(negatives, count, replace=False), column] = True
    return replace(
        absent,
        row_of_clip=np.arange(len(absent), dtype=np.int32),
        positive=np.packbits(positive, axis=1),
        masked=np.packbits(masked, axis=1),
        cut=absent.cut[absent.row_of_clip],
    )


def measure(data: Path, seed: int, epochs: int | None) -> Result:
    """Train on each kind of targets with a seed, and test."""
    given = audiolabels.read_labels(data / LABELS["train"])
    ids, sets = np.array(given.ontology.ids), given.sets
    each = np.split(ids[sets.classes], sets.offsets[1:-1])
    clips = given.clip_id.to_pylist()
    labels = {c: tuple(each[s]) for c, s in zip(clips, given.set_of_clip.tolist(), strict=True)}
    halves = halve(labels.values(), given.ontology)
    complete = audiolabels.expand(given, "weak", vocabulary="audioset")
    place = {clip: row for row, clip in enumerate(complete.clip_id.to_pylist())}
    judged = audiolabels.expand(audiolabels.read_labels(data / LABELS["eval"]), "weak")
    hyperparameters = Hyperparameters(seed=seed)
    if epochs:
        hyperparameters = replace(hyperparameters, epochs=epochs)
    found: Result = {"halves": describe(halves, complete, given.ontology)}
    with tempfile.TemporaryDirectory() as folder:
        features = clip_means(folder, [data / file for file in FEATURES.values()])
    for setting, arms in CLIPS.items():
        made: dict[str, audiolabels.Targets] = {}
        for name, annotated in ((COVERED, True), (ABSENT, False)):
            made[name] = join_halves(
                labels, halves, seed=seed, every=setting == "every clip", annotated=annotated
            )
        some = np.flatnonzero(states(made[ABSENT])[1].any(1))
        made = {name: targets.take(some) for name, targets in made.items()}
        rows = np.array([place[clip] for clip in made[ABSENT].clip_id.to_pylist()])
        made[COMPLETE] = complete.take(rows)
        made[CHECKED] = made[ABSENT]
        made[RANDOM] = unknown_at_random(made[ABSENT], made[COVERED], seed)
        truth = states(made[COMPLETE])[0]
        found[setting] = {"clips": len(some)}
        for arm in arms:
            validation = made[COMPLETE if arm == CHECKED else arm]
            numbers = train_and_test(
                made[arm], validation, judged, features, halves, hyperparameters
            )
            found[setting][arm] = {**count(made[arm], truth), **numbers}
            print(f"seed {seed}, {setting}, {arm}: {found[setting][arm]}", flush=True)
    return found


def describe(halves: list[list[str]], complete: audiolabels.Targets, ontology: Ontology) -> Result:
    """Roots, classes, labels of each half; how many classes are below a root of the other too."""
    positive, _ = states(complete)
    labels = positive.sum(0)
    found: Result = {}
    for name, own in zip(HALVES, halves, strict=True):
        roots = [root for root in ontology.roots if root in own or is_first(root, own, ontology)]
        above = {id_: {id_, *ontology.ancestors(id_)} & set(ontology.roots) for id_ in own}
        found[name] = {
            "roots": [ontology.name(root) for root in roots],
            "classes": len(own),
            "labels": int(labels[[complete.vocabulary.index[id_] for id_ in own]].sum()),
            "shared": sum(not reached <= set(roots) for reached in above.values()),
        }
    return found


def is_first(root: str, own: list[str], ontology: Ontology) -> bool:
    """Whether a class of a half has this root alone."""
    return any({id_, *ontology.ancestors(id_)} & set(ontology.roots) == {root} for id_ in own)


def count(targets: audiolabels.Targets, truth: Any) -> dict[str, int]:
    """What becomes of the complete labels, and all unknown targets."""
    positive, known = states(targets)
    return {
        "positive": int((positive & truth).sum()),
        "lost_as_unknown": int((~known & truth).sum()),
        "lost_as_negative": int((~positive & known & truth).sum()),
        "unknown": int((~known).sum()),
    }


def train_and_test(
    targets: audiolabels.Targets,
    validation: audiolabels.Targets,
    judged: audiolabels.Targets,
    features: Features,
    halves: list[list[str]],
    hyperparameters: Hyperparameters,
) -> dict[str, float]:
    """A default model's metrics on the evaluation set; `level` is the sum of its scores, divided by
    the number of labels.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        audiolabels.write_targets(targets, folder / "train.parquet")
        audiolabels.write_targets(validation, folder / "validation.parquet")
        audiolabels.write_targets(judged, folder / "eval.parquet")
        train(
            folder / "train.parquet",
            features,
            folder / "run",
            hyperparameters=hyperparameters,
            validation=folder / "validation.parquet",
            held_out=HELD_OUT,
        )
        evaluation, examples, scores = evaluate_run(
            load_run(folder / "run"), folder / "eval.parquet", features, batch_size=1024
        )
    found = {k: evaluation.numbers()[k] for k in ("mAP", "d_prime_of_mean_auc", "lwlrap")}
    for half, classes in zip(HALVES, halves, strict=True):
        found[half] = evaluation.macro(classes=[examples.vocabulary.index[id_] for id_ in classes])
    found["level"] = float(scores.sum(dtype=np.float64) / examples.labels()[0].sum())
    return found


def tables(results: list[Result]) -> str:
    halves = results[0]["halves"]
    parts = [
        effort(results),
        "The halves:\n",
        markdown(
            ["half", "roots", "classes", "labels", "classes below a root of the other too"],
            [
                [name, "; ".join(h["roots"]), h["classes"], f"{h['labels']:,}", h["shared"]]
                for name, h in halves.items()
            ],
        ),
    ]
    for setting, arms in CLIPS.items():
        clips = " to ".join(f"{n:,}" for n in range_of(r[setting]["clips"] for r in results))
        parts += [
            f"**{setting.capitalize()}** ({clips} clips). What becomes of the complete labels:\n",
            markdown(
                ["targets", "positive", "unknown", "negative", "all unknown targets per clip"],
                [[arm, *kept(results, setting, arm)] for arm in arms],
            ),
            "On the evaluation set; *level* is the sum of all scores divided by the number of "
            "labels:\n",
            markdown(
                ["trained on", "mAP", "mAP, first half", "mAP, second half", "d′ of the mean AUC",
                 "lωlrap", "level"],
                [
                    [arm, *(spread(gather(results, setting, arm, m)) for m in MEASURES)]
                    for arm in arms
                ],
            ),
            "Differences from *without coverage*, of pairs with equal seeds:\n",
            markdown(
                ["trained on", "mAP", *(f"seed {n}" for n in range(len(results))),
                 "mAP, first half", "mAP, second half", "d′ of the mean AUC", "lωlrap"],
                [
                    [arm, *differences(results, setting, arm)] for arm in arms if arm != ABSENT
                ],
            ),
        ]  # fmt: skip
    return "\n".join(parts)


def range_of(numbers: Iterable[int]) -> list[int]:
    """The least and the greatest, once if they are equal."""
    found = sorted(numbers)
    return sorted({found[0], found[-1]})


def gather(results: list[Result], setting: str, arm: str, measure: str) -> list[float]:
    return [result[setting][arm][measure] for result in results]


def kept(results: list[Result], setting: str, arm: str) -> list[str]:
    found = [r[setting][arm] for r in results]
    states_ = ("positive", "lost_as_unknown", "lost_as_negative")
    totals = [sum(f[s] for s in states_) for f in found]
    shares = [
        f"{100 * np.mean([f[s] / n for f, n in zip(found, totals, strict=True)]):.1f} %"
        for s in states_
    ]
    clips = gather(results, setting, arm, "unknown")
    per_clip = (u / r[setting]["clips"] for u, r in zip(clips, results, strict=True))
    return [*shares, spread(per_clip, 1)]


def differences(results: list[Result], setting: str, arm: str) -> list[str]:
    def pairs(measure: str) -> list[float]:
        own, absent = (gather(results, setting, a, measure) for a in (arm, ABSENT))
        return [a - b for a, b in zip(own, absent, strict=True)]

    each = [spread([difference], 4, sign=True) for difference in pairs("mAP")]
    others = [spread(pairs(m), 4, sign=True) for m in MEASURES[1:-1]]
    return [spread(pairs("mAP"), 4, sign=True), *each, *others]


if __name__ == "__main__":
    main("coverage", measure, tables)

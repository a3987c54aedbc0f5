"""Known omissions: which scheme wins back the labels that raters leave out.

    python benchmarks/reproduce/omissions.py ../shared/data/audioset [--seeds 0 1 2 3 4]

AudioSet's balanced set, closed under a parent policy, is taken for complete. Labels are removed
from it as raters leave them out (`omit.py`). Each scheme repairs what is left, an MLP on the mean
of a clip's VGGish frames is trained on the result, and measured on the evaluation set, which keeps
all of its labels. Teachers score the clips that they were trained without.

Results are written after each model, so that an interrupted run continues. The settings that matter
most come first, each with all seeds.
"""

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from common import FEATURES, LABELS, clip_means, parse, train_mlp
from omissions_page import COMPLETE, CONTROL, LONGER, tables
from omit import implications, omit
from results_page import Result, load_results, save_results, write_tables
from strong import Flags, states

import audiolabels
from audiolabels.clips.partition import draw_folds
from audiolabels.features import Features
from audiolabels.labels.annotations import LabelSets
from audiolabels.metrics.evaluation import evaluate
from audiolabels.metrics.ranking import average_precision
from audiolabels.ontology.parents import PARENTS
from audiolabels.training.examples import Examples, held_out
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.predict import predict_windows

SHORT = (
    {"hidden": 512, "norm": True, "activation": "elu"},
    Hyperparameters(epochs=10, patience=10, learning_rate=2e-3, decay=0.82, precision="bf16-mixed"),
)
RECIPES: Mapping[str, tuple[dict[str, Any], Hyperparameters]] = {
    "": SHORT,
    LONGER: ({**SHORT[0], "dropout": 0.3}, replace(SHORT[1], epochs=30, patience=30, decay=0.93)),
}
FOLDS = 3
HELD_OUT = 0.1  # of the clips, for validation, with labels of the kind that is trained on
PE_CML = {"labels_scheme": "pe-cml", "parents": "certain"}


class Arm(NamedTuple):
    """How labels are repaired: a scheme and its options."""

    scheme: str
    options: Mapping[str, Any] = MappingProxyType({})

    @property
    def validation(self) -> "Arm":
        """What to validate on: hard targets of the given labels, where a scheme makes soft ones."""
        if self.scheme != "co-supervised":
            return self
        parents = {k: v for k, v in self.options.items() if k == "parents"}
        return Arm(self.options.get("labels_scheme", "weak"), parents)


ARMS = {
    "weak": Arm("weak"),
    CONTROL: Arm("weak"),
    **{f"pel, {p}": Arm("pel", {"parents": p}) for p in PARENTS},
    **{f"pe-cml, {p}": Arm("pe-cml", {"parents": p}) for p in ("all", "certain")},
    **{
        name + how: Arm(name, options)
        for how, options in (("", {}), (" + pe-cml, certain", PE_CML))
        for name in ("teacher-masked", "teacher-enhanced", "co-supervised")
    },
}

BEST = "teacher-enhanced + pe-cml, certain"
# Parent policies that the complete labels are closed under, shares of labels that are left out, how
# models are trained; and what is trained. Complete labels are weak ones where none is left out.
SETTINGS = {
    ("certain", 0.5, ""): (*ARMS, COMPLETE),
    ("all", 0.5, ""): (
        "pel, all", "weak", "pel, certain", "pe-cml, all", "pe-cml, certain", COMPLETE,
    ),
    ("certain", 0.0, ""): tuple(name for name in ARMS if name != "weak"),
    ("certain", 0.75, ""): tuple(ARMS),
    ("certain", 0.25, ""): tuple(ARMS),
    ("certain", 0.5, LONGER): (
        "weak", "pe-cml, certain", "teacher-masked", "co-supervised", BEST, COMPLETE,
        "teacher-masked + pe-cml, certain", CONTROL,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Data:
    """Labels of both sets over C classes, and the features of all clips.

    Attributes:
        given: labels of the N clips to train on, as released.
        implied: bool (C, C) by parent policy: whether a class implies another.
        judges: positive and known cells of the clips to evaluate on, bool (M, C), by closure.
        untouched: bool (C,): classes that no closure adds to, or makes unknown, in either set.
    """

    given: audiolabels.Annotations
    vocabulary: audiolabels.Vocabulary
    features: Features
    judged: Examples
    judges: dict[str, tuple[Flags, Flags]]
    implied: dict[str, Flags]
    untouched: Flags

    @classmethod
    def read(cls, folder: Path) -> "Data":
        """Read labels and features."""
        given, judged = (audiolabels.read_labels(folder / LABELS[n]) for n in ("train", "eval"))
        with tempfile.TemporaryDirectory() as name:
            features = clip_means(name, [folder / file for file in FEATURES.values()])
        vocabulary = audiolabels.load_vocabulary("audioset")
        untouched = np.ones(len(vocabulary), np.bool_)
        for labels in (given, judged):
            plain = states(audiolabels.expand(labels, "weak"))[0]
            for parents in PARENTS:
                positive, known = states(audiolabels.expand(labels, "pel", parents=parents))
                untouched &= (positive == plain).all(0) & known.all(0)
        released = audiolabels.expand(judged, "weak")
        examples = Examples.match(released, features)
        judges = {"given": states(released, examples.rows)}
        for parents in PARENTS:
            targets = audiolabels.expand(judged, "pel", parents=parents)
            judges[parents] = states(targets, examples.rows)
        implied = {name: implications(given.ontology, vocabulary, name) for name in PARENTS}
        return cls(given, vocabulary, features, examples, judges, implied, untouched)


def annotations(data: Data, labels: Flags) -> audiolabels.Annotations:
    """The clips to train on with other labels, bool (N, C)."""
    ontology = data.given.ontology
    place = [ontology.index[ontology.resolve(id_) or id_] for id_ in data.vocabulary.ids]
    clips, columns = np.nonzero(labels)
    sets = LabelSets.build(clips, np.array(place)[columns], np.ones(len(labels), np.bool_))
    return replace(data.given, set_of_clip=np.arange(len(labels), dtype=np.int32), sets=sets)


def teach(data: Data, labels: audiolabels.Annotations, recipe: str, seed: int, epochs: int) -> Any:
    """Scores of all clips to train on, each by a model that has not seen its recording."""
    examples = Examples.match(audiolabels.expand(labels, "weak"), data.features)
    names = examples.targets[0].clip_id.take(examples.rows)
    fold, held = draw_folds(names, FOLDS), held_out(examples, HELD_OUT)
    scores = np.zeros((len(examples), len(data.vocabulary)), np.float32)
    for own in range(FOLDS):
        train, validation = (examples.take((fold != own) & side) for side in (~held, held))
        model = train_model(train, validation, recipe, 1000 + 10 * seed + own, epochs)
        judged = examples.take(fold == own)
        scores[fold == own] = predict_windows(model, judged, None, batch_size=1024)
    return audiolabels.Scores.from_arrays(names.to_pylist(), scores, classes=data.vocabulary)


def train_model(train: Examples, validation: Examples, recipe: str, seed: int, epochs: int) -> Any:
    """A model of a recipe, trained for at most so many epochs."""
    options, parameters = RECIPES[recipe]
    most = min(parameters.epochs, epochs)
    return train_mlp(train, validation, replace(parameters, seed=seed, epochs=most), **options)


def repair(arm: Arm, labels: audiolabels.Annotations, scores: Any) -> Any:
    """Targets of the labels."""
    if arm.scheme in ("weak", "pel", "pe-cml"):
        return audiolabels.expand(labels, arm.scheme, **arm.options)
    return audiolabels.expand(scores(), arm.scheme, given=labels, **arm.options)


def train_and_judge(data: Data, targets: Any, checked: Any, *how: Any) -> Result:
    """A model's mAP on the evaluation set by each closure; for `how` see `train_model`."""
    train, validation = (Examples.match(each, data.features) for each in (targets, checked))
    model = train_model(
        train.take(~held_out(train, HELD_OUT)),
        validation.take(held_out(validation, HELD_OUT)),
        *how,
    )
    scores = predict_windows(model, data.judged, None, batch_size=1024)
    found: Result = {}
    for name, (positive, known) in data.judges.items():
        precision = average_precision(scores, positive, known)
        found[name] = float(np.nanmean(precision))
        if name == "given":
            found["untouched"] = float(np.nanmean(precision[data.untouched]))
    whole = evaluate(scores, *data.judges["certain"])
    return {**found, "lwlrap": whole.lwlrap, "d_prime": whole.d_prime_of_mean_auc}


def count(targets: Any, remaining: Flags, complete: Flags) -> dict[str, int]:
    """What becomes of the labels left out, and what else a scheme changes; of soft targets, from a
    half on.
    """
    positive, known = (
        cells > limit for cells, limit in zip(targets.to_numpy(), (0.4999, 0), strict=True)
    )
    missing, absent = complete & ~remaining, ~complete
    return {
        "missing": int(missing.sum()),
        "restored": int((missing & positive).sum()),
        "unknown": int((missing & ~known).sum()),
        "false": int((absent & positive).sum()),
        "absent_unknown": int((absent & ~known).sum()),
        "lost": int((remaining & known & ~positive).sum()),
    }


def measure(
    data: Data, setting: tuple[str, float, str], seed: int, epochs: int, done: Result
) -> Iterator[str]:
    """Train and judge what the setting has and `done` lacks; yields its name when it is done."""
    world, share, recipe = setting
    own = states(audiolabels.expand(data.given, "weak"))[0]
    complete = states(audiolabels.expand(data.given, "pel", parents=world))[0]
    remaining, done["labels"] = omit(complete, own, data.implied[world], share, seed)
    labels = annotations(data, remaining)

    @cache
    def scores() -> Any:
        return teach(data, labels, recipe, seed, epochs)

    for name in SETTINGS[setting]:
        if name in done:
            continue
        began = time.process_time()
        arm = ARMS.get(name, ARMS["weak"])
        given = annotations(data, complete) if name == COMPLETE else labels
        targets = repair(arm, given, scores)
        checked = targets if arm.validation == arm else repair(arm.validation, given, scores)
        other = 500 * (name == CONTROL)
        done[name] = {
            **count(targets, remaining, complete),
            **train_and_judge(data, targets, checked, recipe, seed + other, epochs),
            "processor_seconds": round(time.process_time() - began, 1),
        }
        yield name


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what has no result yet, then write the tables."""
    given = parse("omissions", arguments)
    results, data = load_results(given.results), Data.read(given.data)
    for setting in SETTINGS:
        world, share, recipe = setting
        for seed in given.seeds:
            key = f"{world}, {share:g}{recipe}"
            done = results.setdefault(str(seed), {}).setdefault(key, {})
            for name in measure(data, setting, seed, given.epochs or 1000, done):
                print(f"seed {seed}, {key}, {name}: {done[name]}", flush=True)
                save_results(given.results, results)
    write_tables(given.page, tables(results, int(data.untouched.sum())))


if __name__ == "__main__":
    main()

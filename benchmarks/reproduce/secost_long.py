"""Claim 4 with the better recipe: SeCoST's cascades with dropout, trained for longer.

    python benchmarks/reproduce/secost_long.py ../shared/data/audioset [--seeds 0 1 2 3 4]

Each cascade is compared with a control, the base model trained once more with another seed. The
first student has the control's seed, so that these two differ in nothing but their targets. A
second control, with that seed too, is trained for twice as long.

Results are written after each model, so that an interrupted run continues; it trains once more the
teachers that it needs. The models that matter most come first, each with all seeds.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from common import FEATURES, LABELS, parse, split, test, train_mlp
from results_page import Result, load_results, save_results, write_tables
from secost import HELD_OUT, HYPERPARAMETERS, MODEL, Stages, co_supervised
from secost_page import BASE, CONTROL, DROPOUT, TWICE_AS_LONG, tables

import audiolabels
from audiolabels.features import Features, open_features
from audiolabels.training.examples import Examples
from audiolabels.training.predict import predict_windows

LONGER = replace(HYPERPARAMETERS, epochs=30, patience=30, decay=0.93)
FIXED, RISING = (0.7,) * 4, (0.7, 0.7625, 0.825, 0.8875, 0.95)
TWICE = replace(LONGER, epochs=60, patience=60, decay=LONGER.decay**0.5)
# Teacher weights of all stages up to a model; base model and controls have none.
MODELS: dict[str, Stages] = {
    BASE: (),
    CONTROL: (),
    TWICE_AS_LONG: (),
    **{f"0.7, stage {n}": FIXED[:n] for n in range(1, 5)},
    **{f"rising, stage {n}": RISING[:n] for n in range(2, 6)},
}
ROUNDS = (
    (BASE, CONTROL, "0.7, stage 1"),
    tuple(name for name in MODELS if name.startswith("0.7")),
    (TWICE_AS_LONG,),
    tuple(name for name in MODELS if name.startswith("rising")),
)
FIRST_SEED = 50  # of 100 for each seed; the shorter training has those before


@dataclass(frozen=True)
class Data:
    """Labels and features of the clips to train on, and of those to evaluate on."""

    given: audiolabels.Annotations
    features: Features
    judged: Examples

    @classmethod
    def read(cls, folder: Path) -> "Data":
        """Read them from a folder."""
        given, judged = (audiolabels.read_labels(folder / LABELS[n]) for n in ("train", "eval"))
        features, other = (open_features(folder / FEATURES[n]) for n in ("train", "eval"))
        return cls(given, features, Examples.match(audiolabels.expand(judged, "weak"), other))

    @cached_property
    def weak(self) -> Examples:
        """The clips to train on, with their labels."""
        return Examples.match(audiolabels.expand(self.given, "weak"), self.features)


class Cascades:
    """The models of one seed, each trained when it, or a student of it, is asked for."""

    def __init__(self, data: Data, seed: int, epochs: int) -> None:
        self.data, self.seed, self.epochs = data, seed, epochs
        self.models: dict[str, Any] = {}

    def model(self, name: str) -> Any:
        """A model, after its teachers."""
        if name not in self.models:
            weak = self.data.weak
            stages = MODELS[name]
            examples = weak
            if stages:
                before = next(n for n, other in MODELS.items() if other == stages[:-1])
                teacher = predict_windows(self.model(before), weak, None, batch_size=1024)
                examples = co_supervised(
                    self.data.given, weak, self.data.features, teacher, stages[-1]
                )
            parameters = TWICE if name == TWICE_AS_LONG else LONGER
            seed = 100 * self.seed + FIRST_SEED + (len(stages) or name != BASE)
            self.models[name] = train_mlp(
                split(examples, HELD_OUT)[0],
                split(weak, HELD_OUT)[1],
                replace(parameters, seed=seed, epochs=min(self.epochs, parameters.epochs)),
                **MODEL,
                dropout=DROPOUT,
            )
        return self.models[name]

    def measure(self, name: str) -> Result:
        """Metrics of a model on the evaluation set."""
        began = time.process_time()
        found = test(self.model(name), self.data.judged)
        return {
            "mAP": found.mean_average_precision,
            "d_prime": found.d_prime_of_mean_auc,
            "lwlrap": found.lwlrap,
            # One line of the file, not 527.
            "average_precision": " ".join(f"{value:.5f}" for value in found.average_precision),
            "processor_seconds": round(time.process_time() - began, 1),
        }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what has no result yet, then write the tables."""
    given = parse("secost", arguments)
    results, data = load_results(given.results), Data.read(given.data)
    cascades = {seed: Cascades(data, seed, given.epochs or TWICE.epochs) for seed in given.seeds}
    for names in ROUNDS:
        for seed, own in cascades.items():
            done = results.setdefault(str(seed), {}).setdefault("longer", {})
            for name in names:
                if name not in done:
                    done[name] = own.measure(name)
                    save_results(given.results, results)
                    print(f"seed {seed}, {name}: mAP {done[name]['mAP']:.4f}", flush=True)
    write_tables(given.page, tables(results))


if __name__ == "__main__":
    main()

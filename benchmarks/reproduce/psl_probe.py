"""Claim 2, table 5: does a student's network transfer better than its annotator's?

    python benchmarks/reproduce/psl_probe.py ../shared/data/esc10 [--seeds 0 1 2]

Dinkel et al. 2022, §4.5, on what is at hand. Scenes of ten seconds are mixed from the recordings of
five classes of ESC-10, drawn for each seed, as `examples/scenes.py` does it. An annotator learns
their weak labels, a student from the annotator's weights its scores of each second. A control
learns the weak labels, repeated on each second, from the same weights. All networks are then
frozen, and a linear classifier is trained on what they make of single recordings: of the five other
classes, in five folds, and of all ten, where the recordings of fold 5 are the test, which no
network has heard.

Results are written after each seed, so that an interrupted run continues.
"""

import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from common import parse
from results_page import Result, load_results, markdown, save_results, spread, write_tables
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import audiolabels
from audiolabels.features import open_features
from audiolabels.metrics import evaluate
from audiolabels.training.annotate import annotate
from audiolabels.training.examples import Segments
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.models import make_model
from audiolabels.training.predict import predict
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train

sys.path.append(str(Path(__file__).resolve().parents[2] / "examples"))
import scenes

LEARNED = 5  # classes that networks learn
SIZES = {"train": 400, "valid": 80}  # scenes
TEST_FOLD = 5  # of which no scene is made
UNTRAINED, ANNOTATOR, CONTROL, STUDENT = "random weights", "annotator", "weak labels", "student"
TEACHER_WEIGHTS = {CONTROL: 0.0, STUDENT: 1.0}
METRICS = ("mAP", "mAP@3")
KINDS = {"new": "the five other classes", "all": "all ten classes"}


def measure(recordings: list[scenes.Recording], seed: int, epochs: int | None) -> Result:
    """The metrics of a linear classifier on each network's outputs."""
    known = np.random.default_rng(seed).permutation(len(scenes.CLASSES))[:LEARNED]
    learned = sorted(scenes.CLASSES[number] for number in known)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = [recording for recording in recordings if recording.label in learned]
        scenes.mix_scenes(own, folder, SIZES, seed)
        networks = learn(folder, learned, seed, epochs)
        probed = folder / "recordings"
        probed.mkdir()
        for number, recording in enumerate(recordings):
            soundfile.write(probed / f"{number:05d}.wav", recording.samples, scenes.RATE)
        features = open_features(probed, rate=scenes.RATE)
        place = features.find([f"{number:05d}" for number in range(len(recordings))])
        whole = Segments.whole(features, place)
        found = {
            network: probe(np.concatenate([*predict(model, whole, layer="")]), recordings, learned)
            for network, model in networks.items()
        }
    return {"learned": learned, "probe": found}


def learn(folder: Path, classes: list[str], seed: int, epochs: int | None) -> dict[str, Any]:
    """The networks, trained on scenes of classes."""

    def hyperparameters(plain: Hyperparameters) -> Hyperparameters:
        return replace(plain, seed=seed, epochs=min(plain.epochs, epochs or plain.epochs))

    features = open_features(folder / "audio", rate=scenes.RATE)
    weak, valid, scores = (folder / f"{name}.parquet" for name in ("weak", "valid", "scores"))
    vocabulary = audiolabels.load_vocabulary(classes)
    for path in (weak, valid):
        source = folder / ("train.csv" if path == weak else "valid.csv")
        audiolabels.expand_files(source, path, "weak", vocabulary=vocabulary)
    first = folder / ANNOTATOR
    train(weak, features, first, scenes.MODEL, model_options=scenes.SMALLER, validation=valid,
          hyperparameters=hyperparameters(scenes.ANNOTATOR))  # fmt: skip
    clips = features.find(audiolabels.read_targets(weak).clip_id.to_pylist())
    annotate(load_run(first), features, scores, window=scenes.SEGMENT, clips=clips)
    torch.manual_seed(seed)
    networks = {
        UNTRAINED: make_model(scenes.MODEL, len(classes), dim=None, **scenes.SMALLER),
        ANNOTATOR: load_run(first).model,
    }
    for name, weight in TEACHER_WEIGHTS.items():
        soft = folder / f"{name}.parquet"
        options: dict[str, Any] = {"scores": scores, "teacher_weight": weight}
        audiolabels.expand_files(folder / "train.csv", soft, "pseudo-strong", **options)
        train(soft, features, folder / name, init=first, validation=valid,
              hyperparameters=hyperparameters(scenes.STUDENT))  # fmt: skip
        networks[name] = load_run(folder / name).model
    return networks


def probe(
    outputs: Any, recordings: Sequence[scenes.Recording], learned: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Metrics of linear classifiers on outputs (N, D) of recordings, by which classes they tell."""
    labels = np.array([recording.label for recording in recordings])
    fold = np.array([recording.fold for recording in recordings])
    new = ~np.isin(labels, learned)
    return {
        "new": judged(outputs[new], labels[new], fold[new], np.unique(fold)),
        "all": judged(outputs, labels, fold, [TEST_FOLD]),
    }


def judged(outputs: Any, labels: Any, fold: Any, tested: Iterable[int]) -> dict[str, float]:
    """The metrics, mean over tested folds, of classifiers that are trained on the other folds."""
    classes = np.unique(labels)
    found = []
    for test in tested:
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        probe.fit(outputs[fold != test], labels[fold != test])
        truth = labels[fold == test][:, None] == classes
        numbers = evaluate(
            probe.predict_proba(outputs[fold == test]), truth, np.ones_like(truth)
        ).numbers()
        found.append([numbers[name] for name in METRICS])
    return dict(zip(METRICS, np.mean(found, axis=0).tolist(), strict=True))


def tables(results: dict[str, Any]) -> str:
    found = [results[seed]["probe"] for seed in sorted(results, key=int)]
    minutes = [result["processor_seconds"] / 60 for result in results.values()]

    def numbers(network: str, kind: str, metric: str) -> list[float]:
        return [own[network][kind][metric] for own in found]

    def less(network: str, other: str, kind: str, metric: str) -> str:
        pairs = zip(numbers(network, kind, metric), numbers(other, kind, metric), strict=True)
        return spread([one - two for one, two in pairs], sign=True)

    columns = [(kind, metric) for kind in KINDS for metric in METRICS]
    head = ["", *(f"{KINDS[kind]}, {metric}" for kind, metric in columns)]
    pairs = ((STUDENT, ANNOTATOR), (STUDENT, CONTROL), (CONTROL, ANNOTATOR))
    rows = [[name, *(spread(numbers(name, *column)) for column in columns)] for name in found[0]]
    rows += [
        [f"{one} − {other}", *(less(one, other, *column) for column in columns)]
        for one, other in pairs
    ]
    return "\n".join(
        [
            f"Mean ± standard deviation over {len(found)} seeds; a seed took {min(minutes):.1f} to "
            f"{max(minutes):.1f} minutes of processor time.\n",
            markdown(head, rows),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the seeds that have no result yet, then write the table."""
    given = parse("psl_probe", arguments, page="psl")
    results = load_results(given.results)
    recordings = scenes.read_recordings(given.data)
    for seed in given.seeds:
        if str(seed) not in results:
            began = time.process_time()
            found = measure(recordings, seed, given.epochs)
            found["processor_seconds"] = round(time.process_time() - began)
            results[str(seed)] = found
            save_results(given.results, results)
            print(f"seed {seed}: {found}", flush=True)
    write_tables(given.page, tables(results), "probe")


if __name__ == "__main__":
    main()

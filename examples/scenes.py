"""Weak labels, an annotator, pseudo-strong labels, a student, PSDS: all of it on real audio.

    python examples/scenes.py OUTPUT_FOLDER --recordings ESC10_FOLDER [--seed 0] [--quick]

Recordings of ESC-10 (`manifest.tsv` with path, mids and fold) are mixed into scenes of ten seconds
whose events are known. The annotator learns only the classes of each scene; the student learns the
annotator's scores of each second. Both are then evaluated on the times of the events.

Without --recordings, tones replace them; --quick makes few scenes and takes seconds. Needs the extras
audio, psds and train.
"""

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
import soxr

import audiolabels
from audiolabels.features import open_features
from audiolabels.training.annotate import annotate
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.run_evaluation import detect, evaluate_run
from audiolabels.training.run_folder import load_run
from audiolabels.training.train import train

# Bark, rain, waves, baby cry, tick-tock; sneeze, helicopter, chainsaw, crowing, crackle.
CLASSES = [
    *("/m/05tny_", "/m/06mb1", "/m/034srq", "/t/dd00002", "/m/07qjznl"),
    *("/m/01hsr_", "/m/09ct_", "/m/01j4z9", "/m/07qn5dc", "/m/07pzfmf"),
]
RATE, SECONDS = 16_000, 10  # of the scenes
MODEL, SMALLER = "mobilenetv2", {"width": 0.5, "dropout": 0.1}
SEGMENT = 1.0  # seconds: what the annotator scores, and the student learns from
ANNOTATOR = Hyperparameters(epochs=15, patience=15, batch_size=16, learning_rate=4e-4, average=3)
STUDENT = replace(ANNOTATOR, epochs=6, batch_size=160, window=SEGMENT)
STEP, MEDIAN = 1.0, 2.0  # seconds: what is scored for PSDS, and its filter
SIZES = {"train": 400, "valid": 80, "tests": 100}  # scenes
FOLDS = {"train": {1, 2, 3}, "valid": {4}, "tests": {5}}


def learn(scenes: Path, output: Path, annotator: Hyperparameters, student: Hyperparameters) -> None:
    """Train both models."""
    features = open_features(scenes / "audio", rate=RATE)
    weak, valid, soft = (output / f"{name}.parquet" for name in ("weak", "valid", "soft"))
    vocabulary = audiolabels.load_vocabulary(CLASSES)

    # 1. The labels of whole scenes, and a model that learns them.
    audiolabels.expand_files(scenes / "train.csv", weak, "weak", vocabulary=vocabulary)
    audiolabels.expand_files(scenes / "valid.csv", valid, "weak", vocabulary=vocabulary)
    options: dict[str, Any] = {"model_options": SMALLER, "validation": valid, "on_epoch": print}
    train(weak, features, output / "annotator", MODEL, hyperparameters=annotator, **options)

    # 2. Its scores of each second of the same scenes.
    scores = output / "scores.parquet"
    clips = features.find(audiolabels.read_targets(weak).clip_id.to_pylist())
    annotate(load_run(output / "annotator"), features, scores, window=SEGMENT, clips=clips)
    audiolabels.expand_files([], soft, "pseudo-strong", scores=scores)

    # 3. A model that learns these scores, starting from the annotator's weights to save time.
    options = {"init": output / "annotator", "validation": valid, "on_epoch": print}
    train(soft, features, output / "student", hyperparameters=student, **options)


def measure(scenes: Path, output: Path) -> dict[str, dict[str, float]]:
    """mAP of scenes, and PSDS1 and PSDS2, of both models."""
    features = open_features(scenes / "audio", rate=RATE)
    targets = output / "tests.parquet"
    vocabulary = audiolabels.load_vocabulary(CLASSES)
    audiolabels.expand_files(scenes / "tests.csv", targets, "weak", vocabulary=vocabulary)
    events = audiolabels.read_events(scenes / "tests.tsv")
    found = {}
    for name in ("annotator", "student"):
        run = load_run(output / name)
        whole, *_ = evaluate_run(run, targets, features)
        fine = detect(run, events, features, window=STEP, median_filter=MEDIAN)
        found[name] = {
            "mAP": whole.mean_average_precision,
            "PSDS1": fine.psds1,
            "PSDS2": fine.psds2,
        }
    return found


class Recording(NamedTuple):
    """One sound: its class, its fold, its samples."""

    label: str
    fold: int
    samples: np.ndarray


def read_recordings(folder: Path) -> list[Recording]:
    """The recordings of ESC-10, each cut to its longest stretch without a pause."""
    recordings = []
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            audio, rate = soundfile.read(folder / row["path"], dtype="float32", always_2d=True)
            samples = longest_stretch(soxr.resample(audio.mean(axis=1), rate, RATE))
            recordings.append(Recording(row["mids"], int(row["fold"]), samples))
    return recordings


def longest_stretch(samples: np.ndarray, floor: float = 0.03, pause: float = 1.0) -> np.ndarray:
    """The longest stretch without a pause: a second of less than -30 dB from the loudest."""
    step = RATE // 100
    level = np.sqrt((samples[: len(samples) // step * step].reshape(-1, step) ** 2).mean(axis=1))
    loud = np.flatnonzero(level > floor * level.max())
    stretches = np.split(loud, np.flatnonzero(np.diff(loud) > 100 * pause) + 1)
    longest = max(stretches, key=len)
    return samples[longest[0] * step : (longest[-1] + 1) * step]


def made_up_recordings() -> list[Recording]:
    """Tones, one pitch per class, in place of recordings."""
    time = np.arange(2 * RATE) / RATE
    return [
        Recording(label, fold, np.sin(2 * np.pi * 200 * 1.4**i * (1 + fold / 100) * time))
        for i, label in enumerate(CLASSES)
        for fold in range(1, 6)
    ]


def mix_scenes(recordings: list[Recording], folder: Path, sizes: dict[str, int], seed: int) -> None:
    """Scenes as WAV files, their events as AudioSet's strong files, their labels as its weak ones."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    for part, (name, size) in enumerate(sizes.items()):
        sounds = [recording for recording in recordings if recording.fold in FOLDS[name]]
        generator = np.random.default_rng([seed, part])
        with (
            (folder / f"{name}.tsv").open("w") as strong,
            (folder / f"{name}.csv").open("w") as weak,
        ):
            strong.write("segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n")
            weak.write("# YTID, start_seconds, end_seconds, positive_labels\n")
            for number in range(size):
                scene = background(generator)
                events = list(mix_events(scene, sounds, generator))
                for label, onset, offset in events:
                    strong.write(f"{name}-{number:05d}_0\t{onset:.3f}\t{offset:.3f}\t{label}\n")
                labels = ",".join(sorted({label for label, *_ in events}))
                weak.write(f'{name}-{number:05d}, 0.000, {SECONDS:.3f}, "{labels}"\n')
                soundfile.write(folder / "audio" / f"{name}-{number:05d}_0.wav", scene, RATE)


def background(generator: np.random.Generator) -> np.ndarray:
    """Pink noise of 40 to 50 dB below full scale."""
    spectrum = np.fft.rfft(generator.normal(size=SECONDS * RATE))
    noise: np.ndarray = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)))
    noise *= 10 ** (generator.uniform(-50, -40) / 20) / noise.std()
    return noise


def mix_events(
    scene: np.ndarray, sounds: list[Recording], generator: np.random.Generator
) -> Iterator[tuple[str, float, float]]:
    """Add one to four events of up to four seconds to a scene; label, onset and offset of each."""
    for chosen in generator.integers(len(sounds), size=generator.integers(1, 5)):
        label, _, samples = sounds[chosen]
        length = min(len(samples), int(generator.uniform(2, 4) * RATE))
        begin = generator.integers(len(samples) - length + 1)
        event = samples[begin : begin + length]
        level = 10 ** (generator.uniform(-24, -14) / 20)
        onset = generator.integers(len(scene) - length + 1)
        scene[onset : onset + length] += event * level / event.std()
        yield label, onset / RATE, (onset + length) / RATE
    scene /= max(1.0, np.abs(scene).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path, metavar="OUTPUT_FOLDER")
    parser.add_argument("--recordings", type=Path, metavar="ESC10_FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    recordings = read_recordings(given.recordings) if given.recordings else made_up_recordings()
    sizes = {name: size // 20 if given.quick else size for name, size in SIZES.items()}
    scenes, runs = given.output / "scenes", given.output / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    mix_scenes(recordings, scenes, sizes, given.seed)
    changes = {"seed": given.seed, **({"epochs": 1} if given.quick else {})}
    learn(scenes, runs, replace(ANNOTATOR, **changes), replace(STUDENT, **changes))
    for name, found in measure(scenes, runs).items():
        print(f"{name:<10}", "  ".join(f"{metric} {value:.3f}" for metric, value in found.items()))


if __name__ == "__main__":
    main()

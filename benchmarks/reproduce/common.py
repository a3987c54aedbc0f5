"""What the scripts that check a paper's claim share: arguments, seeds, data, training.

A script gives `main` two functions: one measures with one seed, the other makes a page's tables of
what all seeds gave (`results_page.py`).
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from results_page import HERE, PAGES, Result, load_results, save_results, write_tables

from audiolabels.features import Features, open_features
from audiolabels.metrics.evaluation import Evaluation, evaluate
from audiolabels.training.examples import Examples, held_out
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.models import make_model
from audiolabels.training.predict import predict_windows
from audiolabels.training.training_loop import fit

LABELS = {"train": "balanced_train_segments.csv", "eval": "eval_segments.csv"}
FEATURES = {"train": "vggish_balanced_train.npz", "eval": "vggish_eval.npz"}


def main(
    name: str,
    measure: Callable[[Path, int, int | None], Result],
    tables: Callable[[list[Result]], str],
    arguments: Sequence[str] | None = None,
) -> None:
    """Measure with each seed that has no result yet, then write the tables.

    Args:
        name: of the results and of the page.
        measure: (folder of the data, seed, most epochs or None) to what JSON can hold.
        tables: results of all seeds to Markdown.
        arguments: of the command line.
    """
    given = parse(name, arguments)
    results = load_results(given.results)
    for seed in given.seeds:
        if str(seed) not in results:
            wall, processor = time.perf_counter(), time.process_time()
            result = measure(given.data, seed, given.epochs)
            result["seconds"] = round(time.perf_counter() - wall)
            result["processor_seconds"] = round(time.process_time() - processor)
            results[str(seed)] = result
            save_results(given.results, results)
    write_tables(given.page, tables([results[seed] for seed in sorted(results, key=int)]))


def parse(
    name: str, arguments: Sequence[str] | None = None, page: str | None = None
) -> argparse.Namespace:
    """The arguments of a script, with torch's threads set; by default its page has its name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path, help="folder with labels and features")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, help="at most so many for each model")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--results", type=Path, default=HERE / "results" / f"{name}.json")
    parser.add_argument("--page", type=Path, default=PAGES / f"{page or name}.md")
    given = parser.parse_args(arguments)
    import torch

    torch.set_num_threads(given.threads)
    return given


def saved_features(folder: str | Path, clip_id: Any, embedding: Any) -> Features:
    """Embeddings (N, D) or (N, T, D) as a file that is opened again."""
    path = Path(folder) / "embeddings.npz"
    np.savez(path, clip_id=np.asarray(clip_id), embedding=embedding)
    return open_features(path)


def together(paths: Iterable[Path], folder: Path) -> Features:
    """Embeddings of several npz files as one."""
    parts = [np.load(path) for path in paths]
    arrays: dict[str, Any] = {
        key: np.concatenate([part[key] for part in parts])
        for key in ("clip_id", "n_frames", "embedding")
    }
    np.savez(folder / "together.npz", **arrays)
    return open_features(folder / "together.npz")


def clip_means(folder: str, paths: Iterable[Path]) -> Features:
    """One file with the mean of each clip's frames, of several files with frames."""
    opened = [open_features(path) for path in paths]
    names: list[str] = []
    means = []
    for features in opened:
        for start in range(0, len(features.clip_ids), 4096):
            rows = np.arange(start, min(start + 4096, len(features.clip_ids)))
            values, lengths = features.read(rows, np.zeros(len(rows)), np.full(len(rows), np.inf))
            means.append(values.sum(1) / np.maximum(lengths, 1)[:, None])
            names += features.clip_ids[rows[0] : rows[-1] + 1]
    return saved_features(folder, names, np.concatenate(means))


def split(examples: Examples, share: float) -> tuple[Examples, Examples]:
    """Examples to train on, and those of the clips that are held out for validation."""
    held = held_out(examples, share)
    return examples.take(~held), examples.take(held)


def train_mlp(
    train: Examples, validation: Examples, hyperparameters: Hyperparameters, **options: Any
) -> Any:
    """An MLP trained from fresh weights, which depend on the seed."""
    import torch

    torch.manual_seed(hyperparameters.seed)
    model = make_model("mlp", len(train.vocabulary), dim=train.features.dim, **options)
    fit_model(model, train, validation, hyperparameters)
    return model


def fit_model(
    model: Any, train: Examples, validation: Examples, hyperparameters: Hyperparameters
) -> None:
    """Train a model from the weights that it has."""
    seeded = replace(train, seed=hyperparameters.seed)
    with tempfile.TemporaryDirectory() as folder:
        fit(model, seeded, validation, hyperparameters, Path(folder))


def test(model: Any, examples: Examples) -> Evaluation:
    """Metrics of a model's scores of whole clips; labels are hard."""
    scores = predict_windows(model, examples, None, batch_size=1024)
    return evaluate(scores, *examples.labels(), vocabulary=examples.vocabulary)

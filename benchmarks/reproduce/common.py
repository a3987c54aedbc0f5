"""What the scripts that check a paper's claim share: arguments, seeds, training, results, tables.

A script gives `main` two functions: one measures with one seed, the other makes a page's tables of
what all seeds gave. Results lie in `results/NAME.json`; tables go between two markers into
`docs/reproduce/NAME.md`.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from audiolabels.features import Features, open_features
from audiolabels.files import atomic_path
from audiolabels.metrics.evaluation import Evaluation, evaluate
from audiolabels.training.examples import Examples, held_out
from audiolabels.training.hyperparameters import Hyperparameters
from audiolabels.training.models import make_model
from audiolabels.training.predict import predict_windows
from audiolabels.training.training_loop import fit

HERE = Path(__file__).resolve().parent
PAGES = HERE.parents[1] / "docs" / "reproduce"
BEGIN, END = "<!-- {} -->\n", "<!-- end -->\n"
LABELS = {"train": "balanced_train_segments.csv", "eval": "eval_segments.csv"}
FEATURES = {"train": "vggish_balanced_train.npz", "eval": "vggish_eval.npz"}

Result = dict[str, Any]


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


def load_results(path: Path) -> Result:
    """Results by seed; none where there is no file yet."""
    found: Result = json.loads(path.read_text()) if path.exists() else {}
    return found


def save_results(path: Path, results: Result) -> None:
    write(path, json.dumps(results, indent=1) + "\n")


def write_tables(page: Path, made: str, marker: str = "measured") -> None:
    """Replace a page's tables after a marker."""
    begin = BEGIN.format(marker)
    before, _, rest = page.read_text("utf-8").partition(begin)
    after = rest.partition(END)[2]
    write(page, f"{before}{begin}\n{made}\n{END}{after}")


def write(path: Path, text: str) -> None:
    with atomic_path(path) as partial:
        partial.write_text(text, "utf-8")


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


def spread(values: Iterable[float], digits: int = 3, *, sign: bool = False) -> str:
    """Mean ± standard deviation over seeds.

    >>> spread([0.1, 0.2, 0.3])
    '0.200 ± 0.100'
    """
    numbers = list(values)
    value = round(statistics.fmean(numbers), digits) + 0.0  # never −0
    mean = f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")
    if len(numbers) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(numbers):.{digits}f}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


def effort(results: Sequence[Result]) -> str:
    """How long it took, in a sentence."""
    minutes = [result["processor_seconds"] / 60 for result in results]
    return (
        f"Mean ± standard deviation over {len(results)} seeds; a seed took "
        f"{min(minutes):.1f} to {max(minutes):.1f} minutes of processor time.\n"
    )

"""The scripts of claims 2, 3 and 5 run from labels and features to a page, on made-up data."""

import gzip
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("lightning")
SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks" / "reproduce"
NAMES = ("Speech", "Male speech, man speaking", "Dog", "Bark", "Growling", "Rain")
FRAMES, DIM = 10, 8


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of one or two classes; each class moves a dimension of the frames that it sounds in."""
    import audiolabels

    folder = tmp_path_factory.mktemp("audioset")
    ontology, generator = audiolabels.load_ontology(), np.random.default_rng(0)
    ids = [ontology.find(name) for name in NAMES]
    strong = ["filename\tevent_label\tonset\toffset"]
    for part, count in (("balanced_train", 200), ("eval", 240)):
        rows, names = ["# made up", "# made up", "# YTID, start_seconds, end_seconds, labels"], []
        embedding = generator.integers(100, 140, (count, FRAMES, DIM)).astype(np.uint8)
        for clip in range(count):
            name = f"{part[0]}{clip:010d}"
            names.append(f"{name}_0")
            own = generator.choice(len(ids), 1 + clip % 2, replace=False)
            rows.append(f'{name}, 0.000, 10.000, "{",".join(ids[c] for c in own)}"')
            for c in own:
                first = int(generator.integers(0, FRAMES - 2))
                embedding[clip, first : first + 3, c] = 250
                span = f"{first * 0.96:.3f}\t{(first + 3) * 0.96:.3f}"
                if part == "eval" and clip % 8:
                    strong.append(f"{names[-1]}\t{ids[c]}\t{span}")
        (folder / f"{part}_segments.csv").write_text("\n".join(rows) + "\n", "utf-8")
        sizes = np.full(count, FRAMES, np.uint8)
        np.savez(folder / f"vggish_{part}.npz", clip_id=names, embedding=embedding, n_frames=sizes)
    with gzip.open(folder / "strong_eval_110_classes.tsv.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(strong) + "\n")
    return folder


@pytest.mark.parametrize(
    ("name", "found", "row"),
    [
        ("psl", ["students"], "| 1 | 2 s | 0.3548 |"),
        ("hershey", ["models"], "| large weak + strong |"),
        ("parents", ["models"], "| pe-cml, certain |"),
        ("coherent", ["models", "classes"], "| pe-cml, certain |"),
    ],
)
def test_a_script_measures_and_writes_its_tables(
    data: Path, tmp_path: Path, name: str, found: list[str], row: str
) -> None:
    page, results = tmp_path / "page.md", tmp_path / "results.json"
    page.write_text("# Before\n", "utf-8")
    script = importlib.import_module(name)
    arguments = [data, "--seeds", 0, "--epochs", 1, "--results", results, "--page", page]
    importlib.import_module("common").main(
        name, script.measure, script.tables, [str(argument) for argument in arguments]
    )
    measured = json.loads(results.read_text("utf-8"))["0"]
    assert all(measured[key] for key in found)
    text = page.read_text("utf-8")
    assert text.startswith("# Before\n")
    assert row in text

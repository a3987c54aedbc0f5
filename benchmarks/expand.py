"""Time whole processes from AudioSet-sized CSV to Parquet: PE-CML over 527 classes.

    python benchmarks/expand.py LABELS.csv... [--clips 2084320] [--repeats 5] [--folder DIR]

LABELS.csv are real segments files, from which label sets and times are resampled; every clip gets
an id of its own. In one run, each as a process of its own:

(a) loop    a per-clip Python loop over sets, closures computed once; garbage collector on and off
(b) scipy   scikit-learn's MultiLabelBinarizer and products with sparse closure matrices
(c) ours    `audiolabels expand`, in each layout
(d) floor   pyarrow reads the same CSV and writes the finished table, which it maps from a file

Prints seconds (median), peak memory and ratios; then the bad case, in which nearly every label
set is distinct, and the memory at ten times the rows. The input lies outside the repository, in a
temporary folder by default, and is made once for a folder.
"""

import argparse
import gc
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from processes import measure, prepare_floor, show, take_turns, write_floor

HEADER = (
    "# Segments csv created by benchmarks/expand.py\n"
    "# num_ytids={n}, num_segs={n}, num_unique_labels=527, num_positive_labels=0\n"
    "# YTID, start_seconds, end_seconds, positive_labels\n"
)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
LAYOUTS = ("packed", "lists")
REFERENCES = ("loop", "loop-without-gc", "scipy")


def clip_id(number: int) -> str:
    """Eleven letters, a different string for each number, in no visible order."""
    scrambled = number * 0x9E3779B97F4A7C15 % (1 << 64)
    return "".join(LETTERS[scrambled >> shift & 63] for shift in range(0, 66, 6))


def build_input(
    path: Path, sources: list[Path], clips: int, distinct: bool, first: int = 0
) -> None:
    """Resample real rows; with `distinct`, join labels of several so that most sets differ.

    Ids are those of the clips from number `first` on.
    """
    rows = [
        line.rstrip("\n").split(", ", 3)[1:]
        for source in sources
        for line in source.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ]
    rng = random.Random(0)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER.format(n=clips))
        for number in range(clips):
            start, end, labels = rng.choice(rows)
            if distinct:
                others = (rng.choice(rows)[2].strip('"').split(",") for _ in range(2))
                joined = {*labels.strip('"').split(","), *(x for more in others for x in more)}
                labels = f'"{",".join(sorted(joined))}"'
            file.write(f"{clip_id(first + number)}, {start}, {end}, {labels}\n")


def read_rows(path: Path) -> Iterator[tuple[str, float, list[str]]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                video, start, end, labels = line.rstrip("\n").split(", ", 3)
                clip = f"{video}_{round(float(start) * 1000)}"
                yield clip, float(end) - float(start), labels.strip('"').split(",")


def closures() -> tuple[list[str], dict[str, set[str]], dict[str, set[str]]]:
    """Columns, each class with its ancestors, each class's descendants; from the embedded facts."""
    import audiolabels

    ontology = audiolabels.load_ontology()
    up = {c: {c, *ontology.ancestors(c)} for c in ontology}
    down = {c: set(ontology.descendants(c)) for c in ontology}
    return list(audiolabels.load_vocabulary("audioset").ids), up, down


def write_lists(
    output: Path, clips: list[str], ends: list[float], positive: Any, masked: Any
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    lists = pa.list_(pa.uint16())
    table = pa.table(
        {
            "clip_id": clips,
            "onset": pa.array([0.0] * len(clips)),
            "offset": pa.array(ends, pa.float64()),
            "positive": pa.array(positive, lists) if isinstance(positive, list) else positive,
            "masked": pa.array(masked, lists) if isinstance(masked, list) else masked,
        }
    )
    pq.write_table(table, output, compression="zstd", use_dictionary=["onset", "offset"])


def run_loop(source: Path, output: Path) -> None:
    """(a)"""
    columns, up, down = closures()
    index = {c: i for i, c in enumerate(columns)}
    clips, ends, positive, masked = [], [], [], []
    for clip, end, labels in read_rows(source):
        given = set(labels)
        lifted: set[str] = set()
        unknown: set[str] = set()
        for c in given:
            lifted |= up[c]
            if not down[c] & given:
                unknown |= down[c]
        clips.append(clip)
        ends.append(end)
        positive.append(sorted(index[c] for c in lifted if c in index))
        masked.append(sorted(index[c] for c in unknown - lifted if c in index))
    write_lists(output, clips, ends, positive, masked)


def run_loop_without_gc(source: Path, output: Path) -> None:
    gc.disable()
    run_loop(source, output)


def run_scipy(source: Path, output: Path) -> None:
    """(b)"""
    import numpy as np
    import pyarrow as pa
    from scipy import sparse
    from sklearn.preprocessing import MultiLabelBinarizer

    columns, up, down = closures()
    classes = [*columns, *(c for c in up if c not in set(columns))]
    index = {c: i for i, c in enumerate(classes)}

    def matrix(related: dict[str, set[str]]) -> "sparse.csr_matrix":
        pairs = [(index[c], index[o]) for c, others in related.items() for o in others]
        rows, cols = zip(*pairs, strict=True)
        shape = (len(classes), len(classes))
        return sparse.csr_matrix((np.ones(len(rows), np.int32), (rows, cols)), shape)

    clips, ends, labels = zip(*read_rows(source), strict=True)
    given = MultiLabelBinarizer(classes=classes, sparse_output=True).fit_transform(labels)
    given = given.astype(np.int32)
    below = matrix(down)
    positive = (given @ matrix(up)).astype(bool)
    specified = (given @ below.T).astype(bool)
    unspecified = given - given.multiply(specified)
    masked = ((unspecified @ below).astype(bool) > positive).tocsr()

    def lists(m: "sparse.csr_matrix") -> pa.Array:
        cut = m.tocsr()[:, : len(columns)].sorted_indices()
        return pa.ListArray.from_arrays(
            pa.array(cut.indptr, pa.int32()), pa.array(cut.indices, pa.uint16())
        )

    write_lists(output, list(clips), list(ends), lists(positive), lists(masked))


def run_floor(source: Path, output: Path) -> None:
    """(d)"""
    import pyarrow.csv

    # The official form puts a space before the quote, which only a cut at the quotes survives.
    with source.open("rb") as file:
        for _ in range(3):
            file.readline()
        pyarrow.csv.read_csv(
            file,
            read_options=pyarrow.csv.ReadOptions(column_names=["clip", "labels", "end"]),
            parse_options=pyarrow.csv.ParseOptions(delimiter='"', quote_char=False),
        )
    write_floor(output)


WORKERS: dict[str, Callable[[Path, Path], None]] = {
    "loop": run_loop,
    "loop-without-gc": run_loop_without_gc,
    "scipy": run_scipy,
    "floor": run_floor,
    "prepare-floor": prepare_floor,
}


def worker(name: str, source: Path, output: Path) -> list[str]:
    return [sys.executable, __file__, "--worker", name, str(source), str(output)]


def ours(source: Path, output: Path, layout: str) -> list[str]:
    command = ["expand", "--scheme", "pe-cml", "--layout", layout, str(source), "-o", str(output)]
    return [sys.executable, "-m", "audiolabels", *command]


def compare(folder: Path, source: Path, repeats: int, references: Sequence[str]) -> None:
    """The table of (c), (d) and the chosen references, (a) and (b), which run once."""
    slow = {name: worker(name, source, folder / "slow.parquet") for name in references}
    commands = {}
    for layout in LAYOUTS:
        output = folder / f"{layout}.parquet"
        commands[f"audiolabels, {layout}"] = ours(source, output, layout)
        measure(commands[f"audiolabels, {layout}"])
        finished = folder / f"floor-{layout}.parquet"
        measure(worker("prepare-floor", output, finished))
        commands[f"floor, {layout}"] = worker("floor", source, finished)
    results = {name: measure(command) for name, command in slow.items()}
    results |= take_turns(commands, repeats)
    for name, result in results.items():
        if name.startswith("audiolabels"):
            floor = results[name.replace("audiolabels", "floor")]
            ratios = [f"{results[s][0] / result[0]:5.1f}× faster than {s}" for s in slow]
            processor = f"{result.processor / floor.processor:.2f}× its processor time"
            show(name, result, *ratios, f"{result[0] / floor[0]:.2f}× the floor", processor)
        else:
            show(name, result)


def compare_memory(folder: Path, small: Path, large: Path, rows: int) -> None:
    """Memory at ten times the rows, `rows` of them."""
    for layout in LAYOUTS:
        output = folder / "memory.parquet"
        few, many = (measure(ours(source, output, layout)) for source in (small, large))
        index_mb = 8 * 9 / 10 * rows / 2**20  # of clip ids, eight bytes a clip
        ratios = [f"{many[1] / few[1]:.2f}× the memory", f"{(many[1] - index_mb) / few[1]:.2f}×"]
        show(f"{layout}, ten times the rows", many, *ratios, "without the index of clip ids")
        output.unlink()


def take_arguments(text: str | None) -> tuple[argparse.Namespace, Path]:
    """What the command line asks for, and the folder of the inputs; `text` describes the script."""
    parser = argparse.ArgumentParser(description=text and text.splitlines()[0])
    parser.add_argument("sources", nargs="+", type=Path, help="real segments files")
    parser.add_argument("--clips", type=int, default=2_084_320)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the input is made, and kept")
    parser.add_argument("--references", nargs="*", default=REFERENCES, help="of (a) and (b)")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.gettempdir()) / "audiolabels-benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    return options, folder


def main() -> None:
    options, folder = take_arguments(__doc__)

    def input_of(name: str, clips: int, distinct: bool = False) -> Path:
        path = folder / f"{name}-{clips}.csv"
        if not path.exists():
            build_input(path, options.sources, clips, distinct)
        return path

    usual = input_of("usual", options.clips)
    print(f"{options.clips:,} clips, {usual.stat().st_size / 1e6:.0f} MB of CSV")
    compare(folder, usual, options.repeats, options.references)
    bad = input_of("distinct", options.clips, distinct=True)
    print(f"\nnearly every label set distinct, {bad.stat().st_size / 1e6:.0f} MB of CSV")
    compare(folder, bad, options.repeats, options.references)
    print()
    dense = measure(ours(usual, folder / "dense.parquet", "dense"))
    show("audiolabels, dense", dense)
    compare_memory(folder, usual, input_of("usual", 10 * options.clips), 10 * options.clips)
    compare_memory(
        folder, bad, input_of("distinct", 10 * options.clips, distinct=True), 10 * options.clips
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        WORKERS[sys.argv[2]](Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()

"""Time mappings, data in memory and joins, on AudioSet-sized labels: PE-CML over 527 classes.

    python benchmarks/mapping.py LABELS.csv... [--clips 2084320] [--repeats 5] [--folder DIR]

The input is that of `expand.py`. Seconds of processor time, of all threads, medians of runs in
turns:

(a) mapping   `audiolabels expand` by a mapping in which each label is its own class (`exact`), and
              by one that covers every second class alone, the rest being broader (`half`); against
              the same without a mapping
(b) memory    `audiolabels.expand` of an Arrow table, with labels in lists or in texts, against
              `read_labels` of the CSV and `expand`
(c) join      `audiolabels expand joint.toml` of three parts, against the sum over the parts, less
              the start of two more processes; the second part has the mapping `half`
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from expand import build_input, ours, take_arguments

MAPPING_HEAD = "subject_label\tpredicate_id\tobject_id\n"
PARTS = 3


def seconds_of(command: list[str]) -> float:
    """Processor seconds of a whole process."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return usage.ru_utime + usage.ru_stime


def in_turns(works: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Median of what each returns, run one after the other, in turns."""
    runs = [{name: work() for name, work in works.items()} for _ in range(repeats)]
    return {name: statistics.median(run[name] for run in runs) for name in works}


def show(found: dict[str, float], base: str) -> None:
    for name, seconds in found.items():
        ratio = "" if name == base else f"   {seconds / found[base]:.3f}× {base}"
        print(f"{name:28} {seconds:8.2f} s{ratio}", flush=True)


def write_mappings(folder: Path) -> dict[str, Path]:
    """A mapping of each class to itself, and one in which every second is only broader."""
    import audiolabels

    paths = {}
    for name, second in (("exact", "exact"), ("half", "broad")):
        rows = [
            f"{id_}\tskos:{second if number % 2 else 'exact'}Match\t{id_}\n"
            for number, id_ in enumerate(audiolabels.load_vocabulary("audioset").ids)
        ]
        paths[name] = folder / f"{name}.sssom.tsv"
        paths[name].write_text(MAPPING_HEAD + "".join(rows), "utf-8")
    return paths


def compare_mappings(folder: Path, source: Path, repeats: int) -> None:
    """(a)"""
    base = ours(source, folder / "mapped.parquet", "packed")
    commands = {"without a mapping": base}
    for name, path in write_mappings(folder).items():
        commands[f"mapping {name}"] = [*base, "--mapping", str(path)]
    works = {n: partial(seconds_of, c) for n, c in commands.items()}
    show(in_turns(works, repeats), "without a mapping")


def compare_memory(source: Path, repeats: int) -> None:
    """(b), in this process."""
    import pyarrow as pa

    import audiolabels

    lines = source.read_text("utf-8").splitlines()[3:]
    video, start, end, texts = zip(*(line.split(", ", 3) for line in lines), strict=True)
    columns = {
        "YTID": pa.array(video),
        "start_seconds": pa.array(map(float, start)),
        "end_seconds": pa.array(map(float, end)),
    }
    plain = [text.strip('"') for text in texts]
    joined = pa.table({**columns, "positive_labels": plain})
    lists = pa.table({**columns, "positive_labels": [text.split(",") for text in plain]})
    del lines, video, start, end, texts, plain

    def timed(data: object) -> float:
        start = time.process_time()
        audiolabels.expand(audiolabels.read_labels(data), "pe-cml")
        return time.process_time() - start

    given = {"CSV": source, "Arrow, lists": lists, "Arrow, texts": joined}
    works = {name: partial(timed, data) for name, data in given.items()}
    show(in_turns(works, repeats), "CSV")


def compare_joins(folder: Path, source: Path, repeats: int) -> None:
    """(c)"""
    lines = source.read_text("utf-8").splitlines(keepends=True)
    head, rows = lines[:3], lines[3:]
    mapping = write_mappings(folder)["half"]
    toml = ['scheme = "pe-cml"\n', 'vocabulary = "audioset"\n', 'layout = "packed"\n']
    works: dict[str, Callable[[], float]] = {}
    for part in range(PARTS):
        path, own = folder / f"part-{part}.csv", rows[part::PARTS]
        count = head[1].replace(str(len(rows)), str(len(own)))
        path.write_text("".join([head[0], count, head[2], *own]), "utf-8")
        command = ours(path, folder / "part.parquet", "packed")
        toml += [f"[part{part}]\n", f"labels = '{path.resolve()}'\n"]
        if part == 1:
            command += ["--mapping", str(mapping)]
            toml.append(f"mapping = '{mapping.resolve()}'\n")
        works[f"part {part}"] = partial(seconds_of, command)
    joint = folder / "joint.toml"
    joint.write_text("".join(toml), "utf-8")
    command = [sys.executable, "-m", "audiolabels", "expand", str(joint)]
    command += ["-o", str(folder / "joint.parquet")]
    one = folder / "one.csv"
    one.write_text("".join([head[0], head[1].replace(str(len(rows)), "1"), head[2], rows[0]]))
    start = ours(one, folder / "part.parquet", "packed")
    works |= {"join": partial(seconds_of, command), "start": partial(seconds_of, start)}
    found = in_turns(works, repeats)
    parts = sum(found[f"part {part}"] for part in range(PARTS))
    less = parts - (PARTS - 1) * found["start"]
    show({"sum of the parts": less, "join": found["join"]}, "sum of the parts")


def main() -> None:
    options, folder = take_arguments(__doc__)
    source = folder / f"usual-{options.clips}.csv"
    if not source.exists():
        build_input(source, options.sources, options.clips, distinct=False)
    print(f"{options.clips:,} clips, {source.stat().st_size / 1e6:.0f} MB of CSV")
    compare_mappings(folder, source, options.repeats)
    print()
    compare_memory(source, options.repeats)
    print()
    compare_joins(folder, source, options.repeats)


if __name__ == "__main__":
    main()

"""Time one process, two processes and Ray: folders of hard and soft targets, and scores.

    python benchmarks/scale.py LABELS.csv... [--clips 20843200] [--segments 2000000]
                               [--scored 100000] [--files 10] [--folder DIR]

LABELS.csv are real segments files, resampled as in `expand.py` into files of equal size; scores and
features are made up. For each of three jobs (a size of 0 leaves one out):

hard      PE-CML of `--clips` clips over 527 classes
soft      pseudo-strong targets of `--segments` segments
annotate  scores of two-second segments of `--scored` clips by the default model

the programs are:

local  one process; seconds after the last file are those of the index, which only the driver makes
two    two processes at once that take half of the files each: what two can reach at best
ray    `--engine ray` with two workers; the start of Ray is that of an empty job, taken apart

Prints seconds and ratios, and whether Ray's output has the bytes of the local engine. For hard and
soft targets also what a model gives for more nodes of two cores: start of Ray + processor time of
the local process / cores + index. It holds where there are enough files for all cores, and where
the disk that the nodes share is not the limit.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from expand import build_input, clip_id
from soft import make_scores

OURS = [sys.executable, "-m", "audiolabels"]
START = "import ray; ray.init(log_to_driver=False, include_dashboard=False, num_cpus=2)"
INDEX = """\
import sys, time
from audiolabels.expansion import expand_files, folder
finish = folder.finish_folder
def timed(*arguments):
    start = time.perf_counter()
    result = finish(*arguments)
    print(time.perf_counter() - start)
    return result
folder.finish_folder = timed
scheme, output, kind, *files = sys.argv[1:]
given = {"inputs": None, "scores": files} if kind == "scores" else {"inputs": files}
expand_files(output=output, scheme=scheme, layout="packed", **given)
"""
NODES = (1, 2, 4, 8, 16)


def seconds_of(*commands: list[str]) -> float:
    """Seconds until all of several processes that start together have ended."""
    start = time.perf_counter()
    running = [subprocess.Popen(c, stdout=subprocess.DEVNULL) for c in commands]
    if sum(process.wait() for process in running):
        raise SystemExit("a process failed")
    return time.perf_counter() - start


def measured(*command: str) -> tuple[float, float, str]:
    """Seconds, seconds of processor time, and what a process prints."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, spent, printed


def contents(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (path.iterdir() if path.is_dir() else [path])}


def show(what: str, local: float, two: float, ray: float, start: float, same: bool) -> None:
    print(what)
    print(f"  local                {local:8.2f} s")
    print(f"  two local processes  {two:8.2f} s")
    print(f"  ray, two workers     {ray - start:8.2f} s   {(ray - start) / two:.2f}× two local")
    print("  the same bytes" if same else "  OTHER BYTES", flush=True)


def time_folder(what: str, folder: Path, files: list[Path], scheme: str, start: float) -> None:
    soft = scheme == "pseudo-strong"

    def command(files: list[Path], name: str, *options: str) -> list[str]:
        given = [x for f in files for x in (["--scores", str(f)] if soft else [str(f)])]
        made = [*OURS, "expand", "--scheme", scheme, "--layout", "packed", *given]
        return [*made, "-o", f"{folder}/{name}/", *options]

    out = f"{folder}/local/"
    kind, names = ("scores" if soft else "labels"), map(str, files)
    local, spent, index = measured(sys.executable, "-c", INDEX, scheme, out, kind, *names)
    half = len(files) // 2
    two = seconds_of(command(files[:half], "one"), command(files[half:], "other"))
    ray = seconds_of(command(files, "ray", "--engine", "ray"))
    show(what, local, two, ray, start, contents(folder / "local") == contents(folder / "ray"))
    print(f"  index                {float(index):8.2f} s")
    work = spent - float(index)
    times = [f"{start + work / (2 * n) + float(index):.1f}" for n in NODES]
    print(
        f"  model, {', '.join(map(str, NODES))} nodes: {', '.join(times)} s; measured {ray:.1f} s"
    )


def make_features(path: Path, first: int, clips: int) -> None:
    """Embeddings of the clips from number `first` on."""
    import h5py

    rng = np.random.default_rng(first)
    with h5py.File(path, "w") as file:
        file["clip_id"] = [clip_id(number) for number in range(first, first + clips)]
        file["embedding"] = rng.integers(0, 256, (clips, 10, 128), np.uint8)


def time_annotate(folder: Path, sources: list[Path], clips: int, start: float) -> None:
    names = [folder / f"features{which}.h5" for which in range(3)]
    for name, first, size in zip(
        names, (0, 0, clips // 2), (clips, clips // 2, clips // 2), strict=True
    ):
        make_features(name, first, size)
    labels, targets, run = (str(folder / n) for n in ("labels.csv", "train.parquet", "run"))
    build_input(Path(labels), sources, min(clips, 2000), distinct=False)
    seconds_of([*OURS, "expand", labels, "-o", targets])
    trained = ["--labels", targets, "--features", str(names[0]), "-o", run, "--epochs", "1"]
    seconds_of([*OURS, "train", *trained])

    def command(features: Path, name: str, *options: str) -> list[str]:
        made = [*OURS, "annotate", run, "--features", str(features), "--window", "2"]
        return [*made, "-o", f"{folder}/{name}.parquet", *options]

    local = seconds_of(command(names[0], "local"))
    two = seconds_of(command(names[1], "one"), command(names[2], "other"))
    ray = seconds_of(command(names[0], "ray", "--engine", "ray"))
    files = [contents(folder / f"{n}.parquet").popitem()[1] for n in ("local", "ray")]
    show(f"annotate: {clips:,} clips", local, two, ray, start, files[0] == files[1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--clips", type=int, default=20_843_200)
    parser.add_argument("--segments", type=int, default=2_000_000)
    parser.add_argument("--scored", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    start = seconds_of([sys.executable, "-c", START])
    print(f"start of Ray           {start:8.2f} s", flush=True)
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        hard, soft, scored = (Path(made) / name for name in ("hard", "soft", "scored"))
        for folder in (hard, soft, scored):
            folder.mkdir()
        if size := given.clips // given.files:
            files = [hard / f"shard{number:03}.csv" for number in range(given.files)]
            for number, file in enumerate(files):
                build_input(file, given.labels, size, distinct=False, first=number * size)
            what = f"hard: {size * given.files:,} clips in {given.files} files"
            time_folder(what, hard, files, "pe-cml", start)
        if size := given.segments // given.files:
            files = [soft / f"shard{number:03}.h5" for number in range(given.files)]
            for number, file in enumerate(files):
                make_scores(file, size, first=number * size)
            what = f"soft: {size * given.files:,} segments in {given.files} files"
            time_folder(what, soft, files, "pseudo-strong", start)
        if given.scored:
            time_annotate(scored, given.labels, given.scored, start)


if __name__ == "__main__":
    main()

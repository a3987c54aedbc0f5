"""Time a folder of parts: one process, two processes, Ray. PE-CML over 527 classes.

    python benchmarks/scale.py LABELS.csv... [--clips 20843200] [--shards 10] [--folder DIR]

LABELS.csv are real segments files, resampled as in `expand.py` into files of equal size:

(a) local   `audiolabels expand 'shards/*.csv' -o OUT/`
(b) two     the same of each half of the files, at once: what two processes can reach at best
(c) ray     `--engine ray` with two workers; the start of Ray is that of an empty job, taken apart

Prints seconds and ratios, and whether the folder of (c) has the bytes of (a).
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from expand import build_input

START = "import ray; ray.init(log_to_driver=False, include_dashboard=False, num_cpus=2)"


def seconds_of(*commands: list[str]) -> float:
    """Seconds until all of several processes that start together have ended."""
    start = time.perf_counter()
    running = [subprocess.Popen(c, stdout=subprocess.DEVNULL) for c in commands]
    if sum(process.wait() for process in running):
        raise SystemExit("a process failed")
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--clips", type=int, default=20_843_200)
    parser.add_argument("--shards", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        folder = Path(made)
        size = given.clips // given.shards
        shards = [folder / f"shard{number:03}.csv" for number in range(given.shards)]
        for number, shard in enumerate(shards):
            build_input(shard, given.labels, size, distinct=False, first=number * size)

        def command(files: list[Path], name: str, *options: str) -> list[str]:
            ours = [sys.executable, "-m", "audiolabels", "expand", "--layout", "packed"]
            return [*ours, *map(str, files), "-o", f"{folder}/{name}/", *options]

        local = seconds_of(command(shards, "local"))
        half = len(shards) // 2
        two = seconds_of(command(shards[:half], "one"), command(shards[half:], "other"))
        start = seconds_of([sys.executable, "-c", START])
        ray = seconds_of(command(shards, "ray", "--engine", "ray")) - start
        print(f"{size * given.shards:,} clips in {given.shards} files")
        print(f"local                    {local:8.2f} s")
        print(f"two local processes      {two:8.2f} s")
        print(f"ray, two workers         {ray:8.2f} s   {ray / two:.2f}× two local processes")
        print(f"start of Ray             {start:8.2f} s")
        files = [{p.name: p.read_bytes() for p in (folder / n).iterdir()} for n in ("local", "ray")]
        print("the same bytes" if files[0] == files[1] else "OTHER BYTES")


if __name__ == "__main__":
    main()

"""Kill runs that write a folder of parts at random moments, and go on with each until it is whole.

    python benchmarks/kills.py LABELS.csv... [--tries 50] [--clips 1000000] [--shards 10]
                               [--seed 0] [--engine local|ray] [--folder DIR]

LABELS.csv are real segments files, resampled as in `expand.py`. Of each try the driver is killed
(SIGKILL; Ray ends its workers) at a random moment between the appearance of its folder and the end
of an undisturbed run; then the same command is run to its end by the local engine. Ends with an
error if a folder was read as whole though it was not, or has other bytes in the end.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from expand import build_input

from audiolabels.errors import AudioLabelsError
from audiolabels.targets import read_targets


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)


def wait_for(folder: Path, process: subprocess.Popen[bytes]) -> None:
    while not folder.exists():
        if process.poll() is not None:
            raise SystemExit("a run ended before it made its folder")
        time.sleep(0.001)


def is_read(folder: Path) -> bool:
    """Whether readers take the folder for finished targets."""
    try:
        read_targets(folder)
    except AudioLabelsError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("labels", nargs="+", type=Path)
    parser.add_argument("--tries", type=int, default=50)
    parser.add_argument("--clips", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", default="local", choices=["local", "ray"])
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    with tempfile.TemporaryDirectory(dir=given.folder) as made:
        folder = Path(made)
        size = given.clips // given.shards
        shards = [folder / f"shard{number:03}.csv" for number in range(given.shards)]
        for number, shard in enumerate(shards):
            build_input(shard, given.labels, size, distinct=False, first=number * size)

        def command(name: str, engine: str = given.engine) -> list[str]:
            ours = [sys.executable, "-m", "audiolabels", "expand", *map(str, shards)]
            return [*ours, "-o", f"{folder}/{name}/", "--rows-per-part", "5000", "--engine", engine]

        log = folder / "log"
        process = start(command("undisturbed"), log)
        wait_for(folder / "undisturbed", process)
        begun = time.perf_counter()
        if process.wait():
            raise SystemExit(log.read_text())
        seconds = time.perf_counter() - begun
        wanted = contents(folder / "undisturbed")
        finished = half = other = kept = 0
        for attempt in range(given.tries):
            out = folder / f"try{attempt}"
            process = start(command(out.name), log)
            wait_for(out, process)
            time.sleep(rng.uniform(0, seconds))
            finished += process.poll() is not None
            process.kill()
            process.wait()
            time.sleep(2 if given.engine == "ray" else 0)  # workers end when their driver has
            half += is_read(out) and contents(out) != wanted
            kept += len([*out.glob("*.parquet")])
            if start(command(out.name, "local"), log).wait() and not is_read(out):
                raise SystemExit(log.read_text())
            other += contents(out) != wanted
            shutil.rmtree(out)
        print(f"{given.tries} tries, {seconds:.1f} s of writing, {len(wanted) - 1} parts")
        print(f"finished before the kill  {finished}")
        print(f"parts found after kills   {kept}")
        print(f"read as whole though half {half}")
        print(f"other bytes in the end    {other}")
        if half or other:
            raise SystemExit("a run that was killed left a trace")


if __name__ == "__main__":
    main()

"""Kill every command that writes at random moments, and look at what it leaves.

    python scripts/kill_runs.py [--tries N] [--seed S] [--only WORD]

`--only parts` runs the commands whose names have that word.

Each command first writes files from one input ("old") and then, killed with SIGKILL at a random
moment, from another ("new"). Afterwards all files must be old, or all new. A last run that is not
killed must remove hidden leftovers and write what is new. Training runs, annotations and folders of
parts are continued, those of Ray by the local engine: they must end as an undisturbed run does, and
a folder of parts must not be read as targets before. The table counts tries by what they left; of
runs that are continued there are a third as many.
"""

import argparse
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

from audiolabels.errors import AudioLabelsError
from audiolabels.ontology import sample_path
from audiolabels.targets import read_targets

# Command to its arguments; {in} is the folder of the input, outputs are in the current folder.
WRITES = {
    "expand": "expand {in}/labels.csv -o t.parquet --report r.csv",
    "expand (frames)": "expand --scheme strong-framed {in}/events.tsv -o f.parquet",
    "compare": "compare {in}/labels.csv {in}/labels.csv -o c.csv --odds o.csv --report r.csv",
    "check": "check {in}/labels.csv --report r.csv",
    "split": "split {in}/labels.csv --root Music --shares 80,10,10 --base b.csv --target t.csv",
    "export ast": "export --to ast {in}/hard.parquet -o a.json",
    "export fsd50k": "export --to fsd50k {in}/hard.parquet -o f.csv",
    "export hear": "export --to hear {in}/frames.parquet -o train.json",
    "export desed": "export --to desed {in}/events.tsv -o d.tsv",
    "export sed-scores-eval": "export --to sed-scores-eval {in}/events.tsv -o e.tsv "
    "--durations d.tsv",
    "export psl": "export --to psl {in}/hard.parquet -o p.tsv --clip-duration 10",
    "export framed-release": "export --to framed-release {in}/frames.parquet -o g.tsv",
    "export psds-eval": "export --to psds-eval {in}/events.tsv -o q.tsv --durations d.tsv",
    "export huggingface": "export --to huggingface {in}/hard.parquet -o h.parquet",
}
CONTINUED = {
    "train": "train --labels {in}/hard.parquet --features {in}/features.npz --epochs 2 -o run",
    "annotate": "annotate {in}/run --features {in}/features.npz -o s.parquet",
    "parts": "expand {in}/shards/*.csv -o parts/ --rows-per-part 5000",
    "parts (ray)": "expand {in}/shards/*.csv -o parts/ --rows-per-part 5000 --engine ray",
}
SHARDS, CLIPS = 20, 50_000  # files, and clips of each


def run(arguments: str, folder: Path, source: Path) -> subprocess.Popen[bytes]:
    words = [word.replace("{in}", str(source)) for word in arguments.split()]
    return subprocess.Popen(
        [sys.executable, "-m", "audiolabels", *words],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def must(arguments: str, folder: Path, source: Path, codes: tuple[int, ...] = (0, 1)) -> float:
    start = time.monotonic()
    process = run(arguments, folder, source)
    _, text = process.communicate()
    if process.returncode not in codes or (process.returncode and b"Error" in text):
        raise SystemExit(f"{arguments}: {process.returncode}: {text.decode()}")
    return time.monotonic() - start


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if not path.name.startswith(".")
    }


def make_shards(folder: Path, head: list[str], rows: list[str]) -> None:
    """Label files whose clips have the labels of some rows in turn, and ids of their own."""
    folder.mkdir()
    labels = [row.partition(", ")[2] for row in rows]
    for number in range(SHARDS):
        numbers = range(number * CLIPS, (number + 1) * CLIPS)
        lines = (f"clip{n:07}, {labels[n % len(labels)]}" for n in numbers)
        (folder / f"{number:02}.csv").write_text("".join([*head, *lines]))


def make_inputs(folder: Path, part: slice) -> Path:
    """Labels, events, targets and features of some rows of the samples, and shards of labels."""
    folder.mkdir()
    labels = sample_path().read_text().splitlines(keepends=True)
    head = [line for line in labels if line.startswith("#") and "num_segs" not in line]
    rows = [line for line in labels if not line.startswith("#")][part]
    # A clip twice and an unlabelled one, so that reports have rows.
    (folder / "labels.csv").write_text("".join([*head, *rows, rows[0]]))
    make_shards(folder / "shards", head, rows)
    first, *events = sample_path(events=True).read_text().splitlines(keepends=True)
    (folder / "events.tsv").write_text("".join([first, *events[part]]))
    must("expand labels.csv -o hard.parquet", folder, folder)
    must(
        "expand --scheme strong-framed --negatives both events.tsv -o frames.parquet",
        folder,
        folder,
    )
    rng = np.random.default_rng(0)
    clips = [line.split(",")[0] + "_" + line.split(",")[1].strip()[:-4] + "000" for line in rows]
    np.savez(
        folder / "features.npz",
        clip_id=np.array(clips),
        embedding=rng.normal(size=(len(clips), 10, 16)).astype(np.float32),
    )
    return folder


def kill_writes(name: str, old: Path, new: Path, tries: int, rng: random.Random) -> Counter[str]:
    """What killed runs of a command left: old files, new files, a mixture, leftovers."""
    left: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        must(WRITES[name], folder, new)
        right = digests(folder)
        for path in folder.iterdir():
            path.unlink()
        must(WRITES[name], folder, old)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        was = digests(folder)
        took = must(WRITES[name], folder, new)
        for _ in range(tries):
            for file, content in before.items():
                (folder / file).write_bytes(content)
            process = run(WRITES[name], folder, new)
            time.sleep(rng.uniform(0.5, 1.05) * took)
            process.kill()
            process.communicate()
            found = digests(folder)
            left["new" if found == right else "old" if found == was else "MIXTURE"] += 1
            left["with hidden leftovers"] += any(p.name.startswith(".") for p in folder.iterdir())
        must(WRITES[name], folder, new)
        hidden = [path.name for path in folder.iterdir() if path.name.startswith(".")]
        left["leftovers after the next run"] = len(hidden)
        left["NOT WHOLE"] = digests(folder) != right
    return left


def kill_continued(name: str, source: Path, tries: int, rng: random.Random) -> Counter[str]:
    """Whether runs that are killed and run again end as an undisturbed one."""
    left: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        took = must(CONTINUED[name], folder, source)
        right, parts = results(folder), folder / "parts"
        for _ in range(tries):
            shutil.rmtree(folder)
            folder.mkdir()
            process = run(CONTINUED[name], folder, source)
            if "parts" in name:
                wait_for(parts, rng.randrange(len(right)), process)
                time.sleep(rng.uniform(0, took / len(right)))
            else:
                time.sleep(rng.uniform(0.3, 1.0) * took)
            left["ended before the kill"] += process.poll() is not None
            process.kill()
            process.communicate()
            time.sleep(2 if "ray" in name else 0)  # workers end when their driver has
            whole = is_read(parts)
            left["READ BUT NOT WHOLE"] += whole and results(folder) != right
            if not whole:  # a finished folder is not written again
                must(CONTINUED[name].replace("--engine ray", ""), folder, source, (0,))
            left["as undisturbed" if results(folder) == right else "DIFFERENT"] += 1
            left["leftovers after the next run"] += any(
                path.name.endswith(".partial") for path in folder.rglob("*")
            )
    return left


def results(folder: Path) -> dict[str, str]:
    """Digests of what a run is for: a model, scores, or a folder of parts."""
    kept = ("model.safetensors", "s.parquet", "parts/")
    return {
        name: digest
        for name, digest in digests(folder).items()
        if name.endswith(kept[:2]) or name.startswith(kept[2])
    }


def wait_for(parts: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a folder has that many parts, or nothing is written any more."""
    while len([*parts.glob("*.parquet")]) < count and process.poll() is None:
        time.sleep(0.001)


def is_read(parts: Path) -> bool:
    """Whether readers take a folder for finished targets."""
    try:
        read_targets(parts)
    except AudioLabelsError:
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tries", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", metavar="WORD", help="of commands with that word")
    given = parser.parse_args()
    rng = random.Random(given.seed)
    with tempfile.TemporaryDirectory() as temporary:
        old, new = (
            make_inputs(Path(temporary) / name, part)
            for name, part in (("old", slice(0, 100)), ("new", slice(60, 200)))
        )
        if given.only in "annotate":
            must(CONTINUED["train"], new, new)
        jobs = {name: partial(kill_writes, name, old, new, given.tries, rng) for name in WRITES}
        jobs |= {
            name: partial(kill_continued, name, new, given.tries // 3, rng) for name in CONTINUED
        }
        for name, job in jobs.items():
            if given.only in name:
                print(f"{name:<26}{json.dumps(dict(job()))}", flush=True)


if __name__ == "__main__":
    main()

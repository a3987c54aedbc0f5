"""Fuzz the readers: `python tests/fuzz/run.py [READER ...] --cases N --seed S [--keep FOLDER]`.

Each case is an intact file mutated, and read in a worker of its reader, under a limit of time and
of memory. It is *read*, *refused* with an `AudioLabelsError`, or *foreign*: another exception, a
crash, too much time or too much memory. Equal arguments give equal cases.
"""

import argparse
import faulthandler
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support"), str(HERE.parent.parent)]
SECONDS, BYTES = 20, 1 << 30  # limits of one case; of memory, beyond what the process has before
READ, REFUSED, FOREIGN = OUTCOMES = ("read", "refused", "foreign")


def limit_memory() -> None:
    """Let allocations fail beyond the limit, where the system has such limits."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (ImportError, OSError):
        return
    limit = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def outcome(read: Any, path: Path, rng: Random) -> tuple[str, str, str]:
    """What came of a case: the outcome, the error and its place."""
    from audiolabels import AudioLabelsError

    try:
        read(path, rng)
    except AudioLabelsError as error:
        cause: BaseException | None = error
        while cause is not None and not out_of_memory(cause):
            cause = cause.__cause__
        return (FOREIGN if cause else REFUSED, *described(cause or error))
    except Exception as error:
        return FOREIGN, *described(error)
    return READ, "", ""


def out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed; Python's parser reports deep nesting by the same exception."""
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    return isinstance(error, MemoryError) and "_read_array_header" not in names


def described(error: BaseException) -> tuple[str, str]:
    """Type and message; the last line of the package on the way, and where it was raised."""
    trace = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in trace if "/audiolabels/" in frame.filename]
    places = [f"{Path(f.filename).name}:{f.lineno}" for f in (*own[-1:], *trace[-1:])]
    message = " ".join(str(error).split())[:120]
    return f"{type(error).__name__}: {message}", " ".join(dict.fromkeys(places))


def work(reader: str, numbers: range, seed: int, keep: Path | None) -> None:
    """Run cases in this process; a line of JSON on standard output before and after each."""
    from mutations import mutate
    from subjects import READERS

    warnings.simplefilter("ignore")
    logging.disable()
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is not ours
    subject = READERS[reader]
    with tempfile.TemporaryDirectory() as made:
        subject.seeds(Path(made))
        folders = sorted(Path(made).iterdir())
        for folder in folders:  # the intact files are read, and load what reading needs
            with tempfile.TemporaryDirectory() as place:
                copy = shutil.copytree(folder, Path(place, folder.name))
                subject.read(main_of(copy), Random(0))
        limit_memory()
        for number in numbers:
            rng = Random(f"{reader} {seed} {number}")
            with tempfile.TemporaryDirectory() as place:
                chosen = rng.choice(folders)
                case = Path(shutil.copytree(chosen, Path(place, chosen.name)))
                file = rng.choice(sorted(p for p in case.rglob("*") if p.is_file()))
                name, content = mutate(rng, file.read_bytes())
                file.write_bytes(content)
                what = f"{chosen.name}/{file.name} {name}"
                print(json.dumps([number, what]), file=output, flush=True)
                if keep:
                    kept = keep / f"{reader}-{number}"
                    shutil.rmtree(kept, ignore_errors=True)
                    shutil.copytree(case, kept)
                faulthandler.dump_traceback_later(SECONDS, exit=True)
                result = outcome(subject.read, main_of(case), rng)
                faulthandler.cancel_dump_traceback_later()
                if keep and result[0] != FOREIGN:
                    shutil.rmtree(kept)
                print(json.dumps([number, what, *result]), file=output, flush=True)


def main_of(folder: Path) -> Path:
    """The file or folder that is read."""
    return next(path for path in sorted(folder.iterdir()) if path.name.split(".")[0] == "main")


def fuzz(reader: str, cases: int, seed: int = 0, keep: Path | None = None) -> list[tuple[str, ...]]:
    """Outcome, what was mutated and how, error and place of each case."""
    results: list[tuple[str, ...]] = []
    while len(results) < cases:
        call = [sys.executable, __file__, reader, "--cases", str(cases), "--seed", str(seed)]
        call += ["--from", str(len(results))] + (["--keep", str(keep)] if keep else [])
        done = subprocess.run(call, capture_output=True, encoding="utf-8", check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        ended = [line for line in lines if len(line) > 2]
        results += [(line[2], line[1], *line[3:]) for line in ended]
        if done.returncode:
            if not lines or len(lines[-1]) > 2:
                raise RuntimeError(f"{reader}: {done.stderr}")
            own = [line for line in done.stderr.splitlines() if "/audiolabels/" in line]
            place = " ".join(own[:1] or done.stderr.splitlines()[-1:])
            results.append((FOREIGN, lines[-1][1], f"ended with {done.returncode}", place))
    return results


def foreign_cases(results: list[tuple[str, ...]]) -> list[tuple[int, str]]:
    """How often each error occurred in its place, and the first case with it."""
    alike: dict[tuple[str, str], list[str]] = {}
    for number, (kind, what, error, place) in enumerate(results):
        if kind == FOREIGN:
            alike.setdefault((error.partition(":")[0], place), []).append(
                f"case {number}, {what}: {error} ({place})"
            )
    return [(len(lines), lines[0]) for lines in alike.values()]


def main() -> None:
    """Run the cases of the chosen readers, and print a table of counts and each foreign case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("readers", nargs="*", help="all by default")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="a folder for the files of foreign cases")
    parser.add_argument("--from", type=int, dest="start", help=argparse.SUPPRESS)  # a worker
    given = parser.parse_args()
    if given.start is not None:
        work(given.readers[0], range(given.start, given.cases), given.seed, given.keep)
        return
    from subjects import READERS

    print(f"{'reader':24}{'cases':>8}" + "".join(f"{name:>10}" for name in OUTCOMES))
    foreign = 0
    for reader in given.readers or READERS:
        results = fuzz(reader, given.cases, given.seed, given.keep)
        counts = Counter(result[0] for result in results)
        numbers = "".join(f"{counts[name]:10,}" for name in OUTCOMES)
        print(f"{reader:24}{len(results):8,}{numbers}", flush=True)
        for times, line in foreign_cases(results):
            print(f"    {times} × {line}")
        foreign += counts[FOREIGN]
    sys.exit(foreign > 0)


if __name__ == "__main__":
    main()

"""Time events to frames: strong-framed over the 456 classes.

    python benchmarks/frame.py EVENTS.tsv... [--events 1000000] [--repeats 5] [--folder DIR]

EVENTS.tsv are real files of strong labels, from which whole clips are resampled; every clip gets an
id of its own. Prints, from one run:

framing   events to positive frames and complementary negatives, in memory: a Python loop over
          (clip, class) groups, and ours; both give the same frames, which is checked
process   events in TSV to frames in Parquet: `audiolabels expand`, and the floor, which reads the
          same file with pyarrow and writes the finished table that it maps from a file
ten times the events, for what grows with them
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from processes import measure, prepare_floor, show, take_turns, write_floor

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
FRAME, FRAMES = 960, 10
PART = 3276  # clips, whose frames the engine makes at a time
VARIANTS = (("lists", "all"), ("packed", "all"), ("lists", "both"))


def clip_id(number: int) -> str:
    """Eleven letters and a start, a different string for each number, in no visible order."""
    scrambled = number * 0x9E3779B97F4A7C15 % (1 << 64)
    return "".join(LETTERS[scrambled >> shift & 63] for shift in range(0, 66, 6)) + "_30000"


def build_input(path: Path, sources: list[Path], events: int) -> None:
    """Resample whole clips until there are so many events."""
    import audiolabels

    table = audiolabels.read_events(sources).to_pandas()
    clips = [
        [f"{onset:.3f}\t{offset:.3f}\t{id_}\n" for onset, offset, id_ in zip(*columns, strict=True)]
        for _, rows in table.groupby("clip_id", sort=False)
        for columns in [(rows["onset"], rows["offset"], rows["id"])]
    ]
    rng = random.Random(0)
    written = number = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("segment_id\tstart_time_seconds\tend_time_seconds\tlabel\n")
        while written < events:
            clip, name = rng.choice(clips), clip_id(number)
            file.writelines(f"{name}\t{row}" for row in clip)
            written, number = written + len(clip), number + 1


Groups = dict[tuple[int, int], list[tuple[int, int]]]
Frames = dict[tuple[int, int], tuple[list[int], list[int]]]


def frame_groups(groups: Groups) -> Frames:
    """The loop: for each clip and class the positive frames, and the others."""
    found: Frames = {}
    for pair, events in groups.items():
        positive = set()
        for onset, offset in events:
            half = min(FRAME, offset - onset)
            for i in range(max(0, onset // FRAME), min(FRAMES, -(-offset // FRAME))):
                overlap = min(offset, (i + 1) * FRAME) - max(onset, i * FRAME)
                if 2 * overlap >= half:
                    positive.add(i)
        if positive:
            found[pair] = sorted(positive), [i for i in range(FRAMES) if i not in positive]
    return found


def compare_framing(source: Path, repeats: int) -> None:
    """The framing alone, by the loop and by ours, in turns.

    To be run in a process of its own: the memory of a process counts as that of its children.
    """
    import numpy as np

    import audiolabels
    from audiolabels.arrays.intervals import Runs, gaps, merge

    events = audiolabels.read_events(source)
    parts = [events.slice(start, start + PART) for start in range(0, len(events), PART)]
    grid = audiolabels.arrays.Grid()

    def ours() -> list[tuple[Runs, Runs]]:
        found = []
        for part in parts:  # as the engine does, which keeps to the processor's cache
            frames = grid.count(part.duration_ms)
            first, stop = grid.half_filled(part.onset_ms, part.offset_ms)
            first, stop = first.clip(min=0), np.minimum(stop, frames[part.clip])
            positive = merge(part.clip, part.classes.astype(np.int64), first, stop)
            found.append((positive, gaps(positive, frames)))
        return found

    groups: Groups = defaultdict(list)
    keys = zip(events.clip.tolist(), events.classes.tolist(), strict=True)
    spans = zip(events.onset_ms.tolist(), events.offset_ms.tolist(), strict=True)
    for key, span in zip(keys, spans, strict=True):
        groups[key].append(span)

    def timed(work: Callable[[], Any]) -> tuple[float, Any]:
        start = time.perf_counter()
        result = work()
        return time.perf_counter() - start, result

    turns = [(timed(lambda: frame_groups(groups)), timed(ours)) for _ in range(repeats)]
    loop, fast = (statistics.median(turn[i][0] for turn in turns) for i in (0, 1))
    if as_frames(turns[-1][1][1]) != turns[-1][0][1]:
        raise SystemExit("the loop and ours give different frames")
    count = len(events.clip)
    print(f"{'framing, loop':28} {loop:8.3f} s {count / loop / 1e6:8.2f} million events a second")
    print(
        f"{'framing, audiolabels':28} {fast:8.3f} s {count / fast / 1e6:8.2f} million events a "
        f"second   {loop / fast:.0f}× faster",
        flush=True,
    )


def as_frames(parts: Any) -> Frames:
    found: Frames = {}
    for number, part in enumerate(parts):
        for which, runs in enumerate(part):
            for clip, column, first, stop in zip(*(a.tolist() for a in runs), strict=True):
                pair = clip + number * PART, column
                found.setdefault(pair, ([], []))[which].extend(range(first, stop))
    return found


def run_floor(source: Path, output: Path) -> None:
    import pyarrow.csv

    pyarrow.csv.read_csv(source, parse_options=pyarrow.csv.ParseOptions(delimiter="\t"))
    write_floor(output)


WORKERS: dict[str, Callable[[Path, Path], None]] = {
    "floor": run_floor,
    "prepare-floor": prepare_floor,
}


def worker(name: str, source: Path, output: Path) -> list[str]:
    return [sys.executable, __file__, "--worker", name, str(source), str(output)]


def ours(source: Path, output: Path, layout: str, negatives: str) -> list[str]:
    options = ["--scheme", "strong-framed", "--layout", layout, "--negatives", negatives]
    return [sys.executable, "-m", "audiolabels", "expand", *options, str(source), "-o", str(output)]


def compare_processes(folder: Path, source: Path, repeats: int) -> None:
    """Whole processes, and their floors."""
    commands = {}
    for layout, negatives in VARIANTS:
        name, output = f"{layout}, {negatives}", folder / f"{layout}-{negatives}.parquet"
        commands[f"audiolabels, {name}"] = ours(source, output, layout, negatives)
        measure(commands[f"audiolabels, {name}"])
        finished = folder / f"floor-{layout}-{negatives}.parquet"
        measure(worker("prepare-floor", output, finished))
        commands[f"floor, {name}"] = worker("floor", source, finished)
    results = take_turns(commands, repeats)
    for name, result in results.items():
        floor = results[name.replace("audiolabels", "floor")]
        show(name, result, *([f"{result[0] / floor[0]:.2f}× the floor"] * (floor != result)))


def compare_growth(folder: Path, small: Path, large: Path) -> None:
    """Time and memory at ten times the events."""
    for layout, negatives in VARIANTS:
        output = folder / "growth.parquet"
        few, many = (measure(ours(s, output, layout, negatives)) for s in (small, large))
        ratios = f"{many[0] / few[0]:.1f}× the time", f"{many[1] / few[1]:.2f}× the memory"
        show(f"{layout}, {negatives}, ten times", many, *ratios)
        output.unlink()


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        name, source, output = sys.argv[2:]
        WORKERS[name](Path(source), Path(output))
        return
    if sys.argv[1:2] == ["--build"]:
        build_input(Path(sys.argv[2]), [Path(source) for source in sys.argv[4:]], int(sys.argv[3]))
        return
    if sys.argv[1:2] == ["--framing"]:
        compare_framing(Path(sys.argv[2]), int(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="+", type=Path, metavar="EVENTS.tsv")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where inputs and outputs go, and stay")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        small, large = folder / "events.tsv", folder / "events-ten-times.tsv"
        for path, count in ((small, arguments.events), (large, 10 * arguments.events)):
            if not path.exists():
                sources = [str(source) for source in arguments.sources]
                build = [sys.executable, __file__, "--build", str(path), str(count), *sources]
                subprocess.run(build, check=True)
        print(f"{arguments.events:,} events, {small.stat().st_size / 1e6:.0f} MB of TSV")
        framing = [sys.executable, __file__, "--framing", str(small), str(arguments.repeats)]
        subprocess.run(framing, check=True)
        compare_processes(folder, small, arguments.repeats)
        compare_growth(folder, small, large)


if __name__ == "__main__":
    main()

"""Time soft targets: a teacher's scores to targets, targets to batches, each beside its floor.

    python benchmarks/soft.py [--rows 250000 1000000 10400000] [--repeats 3] [--folder DIR]

The scores are made up: 527 classes, float16, five segments a clip, in HDF5. For each size:

(a) expand   `audiolabels expand --scheme pseudo-strong`; floor: h5py reads the scores, and pyarrow
             writes the same columns in the same way, nothing is looked at
(b) read     `read_targets`; floor: pyarrow reads the same columns. Only up to a million rows
(c) open     `audiolabels.open`, the first time and again, and in two spawned workers
(d) batches  of 256 random clips: `take`, and by name; floor: the same rows from a numpy.memmap of
             the scores, as float32. Processor time

The folder needs 3.3 kB a row.
"""

import argparse
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from processes import show, take_turns

CLASSES, SEGMENTS, GROUP = 527, 5, 8192
BATCH, BATCHES = 256, 150
READ = 1_000_000


def make_scores(path: Path, rows: int, first: int = 0) -> None:
    """Scores of a teacher that is certain of few classes, block by block.

    Segments are those from number `first` on.
    """
    import h5py

    logits = np.random.default_rng(0).normal(-5, 2, (GROUP, CLASSES))
    block = (1 / (1 + np.exp(-logits))).astype(np.float16)
    with h5py.File(path, "w") as file:
        scores = file.create_dataset("scores", (rows, CLASSES), np.float16)
        clips = file.create_dataset("clip_id", rows, "S18")
        onset = file.create_dataset("onset", rows, np.float64)
        offset = file.create_dataset("offset", rows, np.float64)
        for start in range(0, rows, GROUP):
            number = np.arange(start, min(rows, start + GROUP))
            part = slice(start, start + len(number))
            block[:, 0] = number[0] % 2048 / 2048
            scores[part] = block[: len(number)]
            clip = ((first + number) // SEGMENTS).tolist()
            clips[part] = np.array([f"{i:08d}abc_{i % 500}000" for i in clip], "S18")
            onset[part] = number % SEGMENTS * 2.0
            offset[part] = number % SEGMENTS * 2.0 + 2


def write_floor(scores: Path, output: Path) -> None:
    """The columns of the finished table, straight from the file of scores."""
    import h5py
    import pyarrow as pa
    import pyarrow.parquet as pq

    width = -(-CLASSES // 8)
    schema = pa.schema(
        [
            ("clip_id", pa.string()),
            ("onset", pa.float64()),
            ("offset", pa.float64()),
            pa.field("target", pa.binary(2 * CLASSES), False),
            pa.field("masked", pa.binary(width), False),
        ]
    )
    columns = dict.fromkeys(schema.names[:3], "zstd") | dict.fromkeys(schema.names[3:], "none")
    masked = np.zeros((GROUP, width), np.uint8)

    def binary(values: npt.NDArray[Any]) -> pa.Array:
        size = values.nbytes // len(values)
        return pa.Array.from_buffers(
            pa.binary(size), len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
        )

    with (
        h5py.File(scores) as file,
        pq.ParquetWriter(
            output,
            schema,
            compression=columns,
            use_dictionary=schema.names[:3],
            write_statistics=["onset", "offset"],
            data_page_size=1 << 30,
        ) as writer,
    ):
        for start in range(0, len(file["scores"]), GROUP):
            part = slice(start, start + GROUP)
            values = file["scores"][part]
            arrays = [
                binary(file["clip_id"][part]).cast(pa.binary()).cast(pa.string()),
                *(pa.array(file[name][part]) for name in ("onset", "offset")),
                binary(values),
                binary(masked[: len(values)]),
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), GROUP)


def read_ours(path: Path) -> None:
    from audiolabels import read_targets

    read_targets(path)


def read_floor(path: Path) -> None:
    import pyarrow.parquet as pq

    pq.read_table(path)


def held_mb() -> float:
    """Megabytes of this process that no file holds."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def ready(pickled: bytes, times: Any) -> None:
    """A worker: seconds until the source is there, after the imports."""
    import audiolabels.targets.source  # noqa: F401

    start = time.perf_counter()
    pickle.loads(pickled).take([0])
    times.put(time.perf_counter() - start)


def time_source(path: Path, scores: Path) -> None:
    """Opening and batches; a process of its own."""
    import h5py

    import audiolabels
    import audiolabels.targets.source
    from audiolabels.arrays.columns import to_arrow

    opened = []
    for _ in range(2):
        before, start = held_mb(), time.perf_counter()
        source = audiolabels.open(path)
        opened.append((time.perf_counter() - start, gc.collect(), held_mb() - before))
    context = multiprocessing.get_context("spawn")
    times = context.Queue()
    arguments = (pickle.dumps(source), times)
    workers = [context.Process(target=ready, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    slowest = max(times.get() for _ in workers)
    for worker in workers:
        worker.join()
    (first, _, held), (again, _, _) = opened
    print(
        f"  opened first in {first:.2f} s, {held:.0f} MB held, again in {again:.3f} s, "
        f"in spawned workers in {slowest:.3f} s",
        flush=True,
    )
    with h5py.File(scores) as file:
        shape, place = file["scores"].shape, file["scores"].id.get_offset()
    mapped = np.memmap(scores, np.float16, "r", place, shape)
    clips = np.random.default_rng(0).integers(0, len(source), (BATCHES, BATCH))
    last = shape[0] - 1

    def floor(rows: npt.NDArray[np.int64]) -> Any:
        every = np.minimum(rows[:, None] * SEGMENTS + np.arange(SEGMENTS), last)
        return mapped[every.ravel()].astype(np.float32)

    names = [source.clip_ids.take(to_arrow(batch)).to_pylist() for batch in clips]
    right = source.take(clips[0]).target.reshape(-1, CLASSES)
    if not (floor(clips[0])[: len(right)] == right).all():
        raise SystemExit("the two give different targets")
    ways: list[tuple[str, Callable[[Any], object], Any]] = [
        ("floor", floor, clips),
        ("take", source.take, clips),
        ("by name", source.__getitem__, names),
    ]
    taken: dict[str, list[float]] = {name: [] for name, _, _ in ways}
    for number in range(BATCHES):
        floor(clips[number]), source.take(clips[number])  # so that no row comes from the disk
        for name, work, items in ways[number % 3 :] + ways[: number % 3]:
            start = time.process_time()
            work(items[number])
            taken[name].append((time.process_time() - start) * 1000)
    for name, own in taken.items():
        figures = ""
        for label, share in (("median", 50), ("fastest tenth", 10)):
            mine, least = np.percentile(own, share), np.percentile(taken["floor"], share)
            figures += f"   {label} {mine:6.2f} ms, {mine / least:4.2f}× the floor"
        print(f"  batch, {name:8}{figures}", flush=True)


def worker(*arguments: object) -> list[str]:
    return [sys.executable, __file__, "--worker", *map(str, arguments)]


def compare(name: str, commands: dict[str, list[str]], repeats: int) -> None:
    ours, floor = take_turns(commands, repeats).values()
    ratios = f"{ours[0] / floor[0]:.2f}× the floor", f"{ours[2] / floor[2]:.2f}× in processor time"
    show(f"  {name}", ours, f"{ours[2]:6.2f} s of processors", *ratios)
    show(f"  {name}, floor", floor, f"{floor[2]:6.2f} s of processors")


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        work = {f.__name__: f for f in (write_floor, read_ours, read_floor, time_source)}
        work[sys.argv[2]](*map(Path, sys.argv[3:]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[250_000, 1_000_000, 10_400_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where files go; they are removed")
    arguments = parser.parse_args()
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
            folder = Path(temporary)
            os.environ["AUDIOLABELS_CACHE"] = str(folder / "cache")
            scores, output, floor = (folder / name for name in ("s.h5", "o.parquet", "f.parquet"))
            make_scores(scores, rows)
            print(f"{rows:,} segments, {scores.stat().st_size / 1e6:,.0f} MB of scores", flush=True)
            module = [sys.executable, "-m", "audiolabels"]
            options = ["--scheme", "pseudo-strong", "--scores", str(scores), "-o", str(output)]
            expand = [*module, "expand", *options]
            repeats = arguments.repeats if rows <= READ else 1
            floors = worker("write_floor", scores, floor)
            compare("expand", {"ours": expand, "floor": floors}, repeats)
            floor.unlink()
            if rows <= READ:
                ours, least = worker("read_ours", output), worker("read_floor", output)
                compare("read", {"ours": ours, "floor": least}, repeats)
            subprocess.run(worker("time_source", output, scores), check=True)


if __name__ == "__main__":
    main()

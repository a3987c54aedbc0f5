"""Time the label source: random batches from two million clips.

    python benchmarks/source.py LABELS.csv... [--clips 2084320] [--folder DIR]

LABELS.csv are real segments files, from which label sets are resampled. In one run:

(a) hdf5     ids to float32 targets as PaSST and EfficientAT read them: an HDF5 data set of
             `numpy.packbits` rows, read clip by clip and unpacked, then stacked
(b) source   ids to float32 target and mask: `audiolabels.open`, numpy arrays

for the real label sets, and for the bad case in which nearly every one is distinct. Then the masked
loss against the plain one, forward and backward.
"""

import argparse
import gc
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from expand import build_input, ours
from processes import measure

BATCH, BATCHES = 256, 300
SHAPES = ((256, 527), (32, 10, 527))


def held_mb() -> float:
    """Megabytes of this process that are in memory now."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def times_ms(work: Callable[[Any], object], items: list[Any]) -> list[float]:
    times = []
    for item in items:
        start = time.perf_counter()
        work(item)
        times.append((time.perf_counter() - start) * 1000)
    return times


def median_ms(work: Callable[[Any], object], items: list[Any]) -> float:
    return statistics.median(times_ms(work, items))


def time_source(path: Path) -> None:
    """Both ways of reading, from one file of targets; a process of its own."""
    import h5py

    import audiolabels
    import audiolabels.targets.source

    before = held_mb()
    start, busy = time.perf_counter(), time.process_time()
    source = audiolabels.open(path)
    opened, busy = time.perf_counter() - start, time.process_time() - busy
    gc.collect()
    held = held_mb() - before
    ids = source.clip_ids.to_pylist()
    generator = np.random.default_rng(0)
    rows = generator.integers(0, len(ids), (BATCHES, BATCH))
    batches = [[ids[row] for row in batch] for batch in rows.tolist()]

    hdf5 = path.with_suffix(".h5")
    bits, row = source.positive_bits()
    with h5py.File(hdf5, "w") as file:
        file["target"] = bits[row]
    row_of = {clip: number for number, clip in enumerate(ids)}
    with h5py.File(hdf5) as file:
        target = file["target"]

        def read(batch: list[str]) -> Any:
            rows = [np.unpackbits(target[row_of[clip]], count=527) for clip in batch]
            return np.stack(rows).astype(np.float32)

        if not (read(batches[0]) == source[batches[0]].target).all():
            raise SystemExit("the two give different targets")
        # In turns, so that a machine that is slow for a while is slow for both.
        ways: dict[str, tuple[Callable[[Any], object], list[Any]]] = {
            "hdf5": (read, batches),
            "source": (source.__getitem__, batches),
            "source, found": (source.take, list(rows)),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(3):
            for name, (work, items) in ways.items():
                times[name] += times_ms(work, items[turn::3])
    print(
        f"  opened in {opened:.2f} s ({busy:.2f} s of CPU), {held:.0f} MB held, "
        f"{len(bits):,} distinct label sets"
    )
    for name, own in times.items():
        figures = ""
        for label, share in (("median", 50), ("fastest tenth", 10)):
            slow, fast = np.percentile(times["hdf5"], share), np.percentile(own, share)
            figures += f"   {label} {fast:6.3f} ms, {slow / fast:4.1f}× faster"
        print(f"  {name:13}{figures}", flush=True)


def time_loss() -> None:
    """The masked loss against the plain one."""
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits as bce

    from audiolabels.losses import masked_bce_with_logits as masked_bce

    def compare(shape: tuple[int, ...]) -> None:
        logits = torch.randn(shape, requires_grad=True)
        target, mask = (torch.rand(shape) > 0.95).float(), (torch.rand(shape) > 0.05).float()

        def backward(loss: torch.Tensor) -> None:
            torch.autograd.backward(loss)

        turns = [
            (
                median_ms(lambda _: backward(bce(logits, target)), [*range(30)]),
                median_ms(lambda _: backward(masked_bce(logits, target, mask)), [*range(30)]),
            )
            for _ in range(15)
        ]
        plain, masked = (statistics.median(turn[i] for turn in turns) for i in (0, 1))
        ratio = statistics.median(turn[1] / turn[0] for turn in turns)
        print(f"loss, {shape!s:14} plain {plain:.3f} ms, masked {masked:.3f} ms   {ratio:.2f}×")

    for shape in SHAPES:
        compare(shape)


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        time_source(Path(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sources", nargs="+", type=Path, metavar="LABELS.csv")
    parser.add_argument("--clips", type=int, default=2_084_320)
    parser.add_argument("--folder", type=Path, help="where inputs and outputs go, and stay")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for distinct in (False, True):
            stem = "distinct" if distinct else "clips"
            labels, targets = folder / f"{stem}.csv", folder / f"{stem}.parquet"
            if not labels.exists():
                build_input(labels, arguments.sources, arguments.clips, distinct)
            if not targets.exists():
                measure(ours(labels, targets, "packed"))
            case = "nearly every label set distinct" if distinct else "real label sets"
            print(f"{arguments.clips:,} clips, {case}", flush=True)
            subprocess.run([sys.executable, __file__, "--worker", str(targets)], check=True)
    time_loss()


if __name__ == "__main__":
    main()

"""Time PSDS compared with sed_scores_eval on what fits, and measure it on the whole of a file.

    python benchmarks/psds.py strong_eval_110_classes.tsv.gz [--clips 300] [--frames 10 62]
        [--filter 0.5]

The scores are made up: noise, and more of it where events are. For each number of frames in ten
seconds: seconds of both programs on the first clips, and the greatest difference of their figures;
then, for all clips, in two processes: seconds, seconds of all processors, and the highest sum of
the memory of all processes, scores included.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from audiolabels import Events, Scores, load_vocabulary, read_events
from audiolabels.metrics.psd_roc import MAX_EFPR, load_median_filter
from audiolabels.metrics.psds import SCENARIOS, Detection, psds
from audiolabels.schemes.event_spans import merge_events

LENGTH = 10.0  # seconds of a clip


def make(path: str, clips: int, frames: int) -> tuple[Scores, Events]:
    """Scores and events of the first clips of a file, all if it has fewer."""
    events = read_events(path, clip_duration=LENGTH)
    events = events.slice(0, min(clips, len(events)))
    strong = load_vocabulary("audioset-strong")
    vocabulary = strong.take(np.unique(merge_events(events, strong).column))
    values = np.random.default_rng(0).random((len(events), frames, len(vocabulary)), np.float32)
    np.multiply(values**4, 0.6, out=values)
    step = int(1000 * LENGTH) // frames
    for clip, column, first, stop in zip(*merge_events(events, vocabulary), strict=True):
        values[clip, first // step : -(-stop // step), column] += 0.1
    onset = np.tile(np.arange(frames) * step / 1000, len(events))
    scores = Scores.from_arrays(
        np.repeat(events.clip_id.to_pylist(), frames).tolist(),
        np.minimum(values, 1, out=values).reshape(-1, len(vocabulary)),
        classes=vocabulary,
        onset=onset.tolist(),
        offset=(onset + step / 1000).tolist(),
        ontology=events.ontology,
    )
    return scores, events


def reference(scores: Scores, events: Events, frames: int, seconds: float) -> list[Any]:
    """PSDS1 and PSDS2 by sed_scores_eval: of all classes, and of each."""
    load_median_filter()  # which keeps the warnings of the first import down
    import sed_scores_eval
    from sed_scores_eval.base_modules.postprocessing import medfilt
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    ids, classes = events.clip_id.to_pylist(), list(scores.vocabulary.ids)
    times = np.append(np.array(scores.onset)[:frames], scores.offset[frames - 1].as_py())
    values = scores.scores.reshape(len(ids), frames, -1)
    tables = {
        clip: create_score_dataframe(each, times, classes)
        for clip, each in zip(ids, values, strict=True)
    }
    if seconds:
        tables = medfilt(tables, seconds)
    truth: dict[str, list[Any]] = {clip: [] for clip in ids}
    for clip, column, first, stop in zip(*merge_events(events, scores.vocabulary), strict=True):
        truth[ids[clip]].append((first / 1000, stop / 1000, classes[column]))
    found: list[Any] = []
    for scenario in SCENARIOS.values():
        overall, each, *_ = sed_scores_eval.intersection_based.psds(
            tables, truth, dict.fromkeys(ids, LENGTH), dtc_threshold=scenario.dtc,
            gtc_threshold=scenario.gtc, cttc_threshold=scenario.cttc, alpha_ct=scenario.alpha_ct,
            alpha_st=scenario.alpha_st, max_efpr=MAX_EFPR,
        )  # fmt: skip
        found += [overall, *(each[name] for name in classes)]
    return found


def compare(path: str, clips: int, frames: int, seconds: float) -> None:
    """Both programs on the first clips, in one process each."""
    scores, events = make(path, clips, frames)
    marks = [time.perf_counter()]
    ours: Detection = psds(scores, events, median_filter=seconds)
    marks.append(time.perf_counter())
    theirs = reference(scores, events, frames, seconds)
    marks.append(time.perf_counter())
    mine = [ours.psds1, *ours.psds1_per_class, ours.psds2, *ours.psds2_per_class]
    took, wanted = np.diff(marks)
    print(
        f"{len(events):,} clips of {frames} frames, {len(ours.vocabulary)} classes\n"
        f"  audiolabels     {took:8.2f} s   {wanted / took:.0f}× faster\n"
        f"  sed_scores_eval {wanted:8.2f} s   greatest difference "
        f"{np.abs(np.subtract(mine, theirs)).max():.1e}",
        flush=True,
    )


def whole(path: str, frames: int, seconds: float) -> None:
    """All clips, in two processes."""
    scores, events = make(path, sys.maxsize, frames)
    start, used = time.perf_counter(), sum(os.times()[:4])
    found = psds(scores, events, median_filter=seconds, jobs=2)
    took, used = time.perf_counter() - start, sum(os.times()[:4]) - used
    print(f"{found.clips:,} clips of {frames} frames, {len(found.vocabulary)} classes")
    print(f"  audiolabels     {took:8.2f} s   {used:.0f} s of CPU   ", end="", flush=True)


def memory(pid: int) -> int:
    """Kilobytes of a process and its descendants, each page shared by them counted once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:  # it has ended
        return 0
    own = next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return own + sum(memory(int(child)) for child in children)


def main() -> None:
    if sys.argv[1:2] == ["--worker"]:
        whole(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("events")
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--frames", type=int, nargs="+", default=[10, 62])
    parser.add_argument("--filter", type=float, nargs="+", default=[0, 0.5])
    given = parser.parse_args()
    for seconds in given.filter:
        print(f"median filter of {seconds:g} seconds" if seconds else "without a filter")
        for frames in given.frames:
            compare(given.events, given.clips, frames, seconds)
            command = [sys.executable, __file__, "--worker", given.events, str(frames)]
            process, most = subprocess.Popen([*command, str(seconds)]), 0
            while process.poll() is None:
                most = max(most, memory(process.pid))
                time.sleep(0.05)
            if process.returncode:
                raise SystemExit(f"ended with status {process.returncode}")
            print(f"{most / 1024:.0f} MB at most, all processes together", flush=True)


if __name__ == "__main__":
    main()

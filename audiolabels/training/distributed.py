"""Annotation on a cluster, by Ray Data: a pool of actors, each with the model and the features.

An actor scores a span of segments at a time and writes it as one part. Ray starts the actors, hands
out the spans, and restarts an actor that dies. All machines must see the features and the output.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from audiolabels import errors
from audiolabels.errors import LONGEST, AudioLabelsError, OptionError, RunError, guarded
from audiolabels.expansion.distributed import RETRIES, connect
from audiolabels.files import write_rows
from audiolabels.training.scoring import Done, Scoring

BLOCKS = 4096  # most tasks of Ray


def pool_of_actors(
    device: str, num_gpus: float | None
) -> Callable[[Scoring, Sequence[range]], Iterator[Done]]:
    """Connect to Ray, and return a function that scores spans with actors on its cluster.

    Each has `num_gpus`; by default 1 where the cluster has GPUs, unless `device` is the CPU.
    OptionError if Ray is not installed, or the cluster lacks the GPUs.
    """
    there = connect().cluster_resources()
    gpus = there.get("GPU", 0.0)
    if num_gpus is None:
        num_gpus = min(gpus, 1.0) if device in ("auto", "cuda") else 0.0
    if num_gpus > gpus or (device == "cuda" and not num_gpus):
        raise OptionError(f"num_gpus {num_gpus:g} and device {device!r}: the cluster of Ray has "
                          f"{gpus:g} GPUs")  # fmt: skip
    actors = gpus / num_gpus if num_gpus else there.get("CPU", 1.0)
    return partial(_score, actors=max(1, int(actors)), num_gpus=num_gpus)


def _score(scoring: Scoring, spans: Sequence[range], *, actors: int,
           num_gpus: float) -> Iterator[Done]:  # fmt: skip
    """Score the spans, each a part, and yield them in the order in which they are done. RunError if
    actors died again and again; what an actor raised is raised here.
    """
    import ray.data

    if not spans:
        return
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # errors are raised here
    rows = [{"start": span.start, "stop": span.stop} for span in spans]
    parts = ray.data.from_items(rows, override_num_blocks=min(len(rows), BLOCKS))
    parts.context.enable_progress_bars = False
    done = parts.map_batches(
        _Actor, fn_constructor_args=(str(Path.cwd()), ray.put(scoring)), num_gpus=num_gpus,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors), batch_size=None,
    )  # fmt: skip
    try:
        for row in done.iter_rows():
            if row["error"]:
                raise getattr(errors, row["error"])(row["message"])
            yield Done(range(row["start"], row["stop"]), row["waited"], row["seconds"])
    except ray.exceptions.RayError as error:
        reason = " ".join(str(error).split())[:LONGEST]
        raise RunError(f"{scoring.folder}: Ray gave up: {reason}; run the same command again to go "
                       f"on") from error  # fmt: skip


class _Actor:
    """Scores spans. Relative names of files are those of the driver's folder `here`."""

    def __init__(self, here: str, scoring: Any) -> None:
        import ray

        with suppress(OSError):  # absolute names do not need it
            os.chdir(here)
        self.scoring: Scoring = ray.get(scoring)

    def __call__(self, spans: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for start, stop in zip(spans["start"].tolist(), spans["stop"].tolist(), strict=True):
            row = {"start": start, "stop": stop, "error": "", "message": ""}
            row |= {"waited": 0.0, "seconds": 0.0}
            try:
                row |= self._score(range(start, stop))._asdict()
            except AudioLabelsError as raised:  # the driver raises it, as the local engine would
                row |= {"error": type(raised).__name__, "message": str(raised)}
            yield {name: [value] for name, value in row.items() if name != "span"}

    def _score(self, span: range) -> Done:
        """Score a span, unless the processes that tried it died; Ray would retry without end."""
        first, last = (self.scoring.names[n].as_py() for n in (span.start, span.stop - 1))
        tries = self.scoring.folder / f"{span.start:012}.tries"
        with guarded(f"clips from {first} to {last}", RunError, "an actor of Ray failed"):
            tried = int(tries.read_text("utf-8")) if tries.exists() else 0
            write_rows(tries, [f"{tried + 1}"])
            try:
                if tried > RETRIES:
                    raise ChildProcessError(f"{RETRIES + 1} of them died while they scored these")
                return self.scoring.score_span(span)
            finally:
                tries.unlink(missing_ok=True)

"""Annotation: a model's scores of every segment of every clip, as a score file.

Source: Dinkel et al. 2022, §2: each segment of n seconds is scored on its own. Scores are written
as float16 in parts, and an interrupted annotation continues after them.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from audiolabels.arrays.columns import to_arrow
from audiolabels.arrays.grid import windows
from audiolabels.errors import OptionError, RunError, choose
from audiolabels.expansion.local import ENGINES
from audiolabels.features import Features
from audiolabels.files import as_path, blame, remove_folder, write_rows
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.training.coherent import as_coherent
from audiolabels.training.distributed import pool_of_actors
from audiolabels.training.examples import Ints, Segments
from audiolabels.training.models import layers
from audiolabels.training.own_model import own_run
from audiolabels.training.predict import find_device
from audiolabels.training.run_folder import Run, check_features, digest_weights, fingerprint
from audiolabels.training.scoring import Done, Scoring, conclude, score_here

PART = 100  # clips, after which a part ends at the latest


@dataclass(frozen=True)
class Annotated:
    """What was written: a file, numbers, and how long it took."""

    path: Path
    clips: int
    segments: int
    parts: int
    parts_found: int  # from an earlier attempt
    empty_segments: int  # without a frame or sample: not written, so that a clip may have none
    clips_scored: int  # without those found
    seconds: float  # of scoring them
    reading: float  # share of this time, from 0 to 1, in which the model waited for features


def annotate(
    run: Run | Callable[[Tensor, Tensor], Any],
    features: Features,
    output: str | Path,
    *,
    vocabulary: Vocabulary | str | Path | Sequence[str] | None = None,
    window: float | None = None,
    layer: str | None = None,
    clips: Sequence[int] | Ints | None = None,
    coherent: bool | None = None,
    ontology: Ontology | None = None,
    engine: str = "local",
    num_gpus: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Annotated:
    """Score segments of clips and write a file for `expand --scheme pseudo-strong`.

    Args:
        run: from `load_run`; or a function of values, float32 (B, L, D) or (B, L), and lengths,
            int64 (B,), tensors on the device, to probabilities (B, C), a tensor or an array. If it
            is a module of torch, it is left on the device, in evaluation mode.
        features, output: N clips, and the Parquet file, next to which parts are kept in a hidden
            folder until all are complete.
        vocabulary: of a function: its classes, as for `load_vocabulary`.
        window: length of the segments in seconds; None for whole clips.
        layer: write the output of this layer, as a column of embeddings that `open_features` reads
            with `frame_seconds` equal to `window`; see `predict`.
        clips: rows of the features; all by default.
        coherent: whether a class scores at least as high as all classes below it; by default
            whether the run was trained so (`--loss coherent`). Layers are as they are.
        ontology: of coherent scores; the embedded one with its supplement by default.
        engine: `local`, or `ray`, which scores on a cluster: see
            `audiolabels.training.distributed`.
        num_gpus: of each actor of Ray, or a share of one; by default 1 where the cluster has GPUs.
        progress: called after each batch, or part, with clips done and clips in all.
        options: `batch_size`, `workers` and `device` of `predict`.

    Raises:
        OptionError: no such layer, device or engine; the cluster lacks the GPUs; a function without
            a vocabulary, or with a layer; coherent scores of a layer, or of classes of which none
            is above another.
        RunError: unsuitable features, no clip was chosen, or existing parts are of another job:
            other weights, clips, features or options.
        ScoresFileError: the model outputs NaN, or a function no probabilities (B, C).
        TargetsFileError: the file or its parts cannot be written.
    """
    score = _engine(engine, options.get("device", "auto"), num_gpus)
    if isinstance(run, Run) != (vocabulary is None) or not (vocabulary is None or layer is None):
        raise OptionError("a function needs a vocabulary and has no layer; a run has its own "
                          "vocabulary")  # fmt: skip
    if not isinstance(run, Run):
        run = own_run(run, vocabulary or (), features)
    if layer is None:
        run = as_coherent(run, coherent, ontology)
    elif coherent:
        raise OptionError("coherent scores are those of classes; a layer has none")
    check_features(run.model, features, run.config)
    output = as_path("output", output)
    chosen = np.arange(len(features.clip_ids)) if clips is None else np.asarray(clips, np.int64)
    if not len(chosen):
        raise RunError("the features hold no clip" if clips is None else "no clip was chosen")
    durations = features.durations(chosen)
    length = window or max(1e-3, float(durations.max()))
    segments_in_all = len(windows(durations, length)[0])
    chosen = chosen[durations >= 1e-3]  # the shortest segment there is
    if not len(chosen):
        raise RunError("no clip has a frame or sample")
    if layer:
        choose("layer", layer, layers(run.model))
    parts = output.with_name(f".{output.name}.parts")
    begin(parts, json.dumps({
        "weights": digest_weights(run.model), "features": fingerprint(features, chosen),
        "window": window, "layer": layer, "ids": list(run.vocabulary.ids), "part": PART,
    }))  # fmt: skip
    segments, owner = Segments.whole(features, chosen).cut(length)
    names = pa.array([features.clip_ids[clip] for clip in chosen.tolist()], pa.string())
    groups = np.searchsorted(owner, [*range(0, len(chosen), PART), len(chosen)])
    scoring = Scoring(run.model, segments, names.take(to_arrow(owner)), layer, run.vocabulary.ids,
                      parts, np.unique(groups).tolist(), options)  # fmt: skip
    spans, found = scoring.unscored(), len([*parts.glob("*.parquet")])
    ended = np.append(0, np.cumsum(np.diff(owner, append=-1) != 0))  # clips before each segment
    scored, to_score = 0, sum(ended[span.stop] - ended[span.start] for span in spans)
    waited, busy, began = 0.0, 0.0, time.perf_counter()
    for done in score(scoring, spans):
        scored += int(ended[done.span.stop] - ended[done.span.start])
        waited, busy = waited + done.waited, busy + done.seconds
        if progress:
            progress(int(ended[-1] - to_score) + scored, int(ended[-1]))
    seconds = time.perf_counter() - began
    count = conclude(parts, output)
    remove_folder(parts)
    return Annotated(output, len(chosen), len(segments), count, found,
                     segments_in_all - len(segments), scored, seconds,
                     waited / (busy or 1.0))  # fmt: skip


def _engine(
    engine: str, device: str, num_gpus: float | None
) -> Callable[[Scoring, Sequence[range]], Iterator[Done]]:
    """What scores spans, after a check of the device."""
    if choose("engine", engine, ENGINES) == "ray":
        return pool_of_actors(device, num_gpus)
    if num_gpus is not None:
        raise OptionError("num_gpus is an option of the engine ray; give a device instead")
    find_device(device)
    return score_here


def begin(parts: Path, job: str) -> None:
    """Make the folder of parts, or go on with that of the same job."""
    path = parts / "job.json"
    if not path.exists():
        with suppress(OSError):
            remove_folder(parts)  # of a job whose removal was interrupted
        with blame(parts):
            parts.mkdir()
        write_rows(path, [job])
    elif path.read_text("utf-8").rstrip("\n") != job:
        raise RunError(f"{parts} holds parts of another annotation that was interrupted; delete it")

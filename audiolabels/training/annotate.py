"""Annotation: a model's scores of every segment of every clip, as a score file.

Source: Dinkel et al. 2022, §2: each segment of n seconds is scored on its own. Scores are written
as float16 in parts; an interrupted annotation continues after the last complete part.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.torch import save

from audiolabels.arrays.columns import to_arrow
from audiolabels.errors import RunError
from audiolabels.features import Features
from audiolabels.files import atomic_path, write_rows
from audiolabels.readers.scores.parquet import CLASSES
from audiolabels.training.examples import Ints, Segments, windows
from audiolabels.training.predict import predict
from audiolabels.training.run_folder import Run, check_features, fingerprint, weights_of

PART = 4096  # clips that are written at a time


@dataclass(frozen=True)
class Annotated:
    """Numbers of clips and segments written, and of parts found from an earlier attempt.

    Empty segments, without a frame or sample, are not written, so that a clip may have none.
    """

    path: Path
    clips: int
    segments: int
    parts: int
    parts_found: int
    empty_segments: int


def annotate(
    run: Run,
    features: Features,
    output: str | Path,
    *,
    window: float | None = None,
    layer: str | None = None,
    clips: Sequence[int] | Ints | None = None,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Annotated:
    """Score segments of clips and write a file for `expand --scheme pseudo-strong`.

    Args:
        run: from `load_run`.
        features: N clips.
        output: the Parquet file; parts are kept in a hidden folder next to it until all are
            complete.
        window: length of the segments in seconds, the last of a clip may be shorter; None for whole
            clips.
        layer: write the output of this layer, as a column of embeddings that `open_features` reads
            with `frame_seconds` equal to `window`; see `predict`.
        clips: rows of the features; all by default.
        progress: called with clips done and clips in all.
        options: `batch_size`, `workers` and `device` of `predict`.

    Raises:
        RunError: unsuitable features, no clip was chosen, or existing parts are of another job:
            other weights, clips, features or options.
        ScoresFileError: the model outputs NaN.
    """
    check_features(run.model, features, run.config)
    if not len(features.clip_ids):
        raise RunError("the features hold no clip")
    output = Path(output)
    chosen = np.arange(len(features.clip_ids)) if clips is None else np.asarray(clips, np.int64)
    if not len(chosen):
        raise RunError("no clip was chosen")
    durations = features.durations(chosen)
    length = window or max(1e-3, float(durations.max()))
    segments_in_all = len(windows(durations, length)[0])
    chosen = chosen[durations >= 1e-3]  # the shortest segment there is
    if not len(chosen):
        raise RunError("no clip has a frame or sample")
    parts = output.with_name(f".{output.name}.parts")
    stated = {
        "weights": hashlib.sha256(save(weights_of(run.model))).hexdigest(),
        "features": fingerprint(features, chosen),
        "window": window, "layer": layer, "ids": list(run.vocabulary.ids), "part": PART,
    }  # fmt: skip
    job, text = parts / "job.json", json.dumps(stated)
    if not job.exists():
        shutil.rmtree(parts, ignore_errors=True)  # of a job whose removal was interrupted
        parts.mkdir()
        write_rows(job, [text])
    elif job.read_text("utf-8").rstrip("\n") != text:
        raise RunError(f"{parts} holds parts of another annotation that was interrupted; delete it")
    starts = range(0, len(chosen), PART)
    names = [parts / f"{start:09d}.parquet" for start in starts]
    found = sum(name.exists() for name in names)
    segments = 0
    for start, name in zip(starts, names, strict=True):
        mine = chosen[start : start + PART]
        if not name.exists():
            table = _score(run, features, mine, length, layer, options)
            with atomic_path(name) as partial:
                pq.write_table(table, partial, compression="zstd")
        segments += pq.read_metadata(name).num_rows
        if progress:
            progress(min(len(chosen), start + PART), len(chosen))
    with (
        atomic_path(output) as partial,
        pq.ParquetWriter(partial, pq.read_schema(names[0]), compression="zstd") as writer,
    ):
        for name in names:
            for batch in pq.ParquetFile(name).iter_batches():
                writer.write_batch(batch)
    shutil.rmtree(parts)
    return Annotated(output, len(chosen), segments, len(names), found, segments_in_all - segments)


def _score(
    run: Run,
    features: Features,
    clips: Ints,
    length: float,
    layer: str | None,
    options: dict[str, Any],
) -> pa.Table:
    segments, owner = Segments.whole(features, clips).cut(length)
    number = np.float16 if layer is None else np.float32
    batches = predict(run.model, segments, layer=layer, **options)
    numbers = np.concatenate([batch.astype(number) for batch in batches])
    names = pa.array([features.clip_ids[clip] for clip in clips.tolist()], pa.string())
    table = pa.table(
        {
            "clip_id": names.take(to_arrow(owner)),
            "onset": to_arrow(segments.onset),
            "offset": to_arrow(segments.offset),
            "scores" if layer is None else "embedding": pa.FixedSizeListArray.from_arrays(
                to_arrow(numbers.ravel()), numbers.shape[1]
            ),
        }
    )
    if layer is not None:
        return table
    return table.replace_schema_metadata({CLASSES: json.dumps(list(run.vocabulary.ids)).encode()})

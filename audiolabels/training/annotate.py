"""Annotation: a model's scores of every segment of every clip, as a score file.

Source: Dinkel et al. 2022, §2: each segment of n seconds is scored on its own. Scores are written
as float16 in parts, and an interrupted annotation continues after them. Batches depend on clips and
batch size alone, not on where a part ends, so the scores are those of an uninterrupted run.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.torch import save

from audiolabels.arrays.columns import to_arrow
from audiolabels.errors import RunError, guarded
from audiolabels.features import Features
from audiolabels.features.inputs import Floats
from audiolabels.files import atomic_path, blame, write_rows
from audiolabels.readers.scores.parquet import CLASSES
from audiolabels.training.examples import Ints, Segments, windows
from audiolabels.training.predict import find_device, predict
from audiolabels.training.run_folder import Run, check_features, fingerprint, weights_of

# A part ends after so many clips, or with the batch during which so many seconds have passed.
PART, SECONDS = 100, 30.0
ROW_GROUP = 1 << 14  # rows


@dataclass(frozen=True)
class Annotated:
    """What was written.

    Attributes:
        path: the file.
        clips, segments: their numbers. Empty segments, without a frame or sample, are not written,
            so that a clip may have none.
        parts, parts_found: numbers of parts, and of those from an earlier attempt.
        empty_segments: their number.
        clips_scored: clips without those found.
        seconds: duration of scoring them.
        reading: share of this time, from 0 to 1, in which the model waited for features.
    """

    path: Path
    clips: int
    segments: int
    parts: int
    parts_found: int
    empty_segments: int
    clips_scored: int
    seconds: float
    reading: float


@dataclass(frozen=True, eq=False)
class Scoring:
    """The scoring of all segments, in parts that are named after their first segment.

    Attributes:
        model: from `load_run`.
        segments: N of them.
        names: string (N,): their clips.
        layer: see `annotate`.
        classes: their ids.
        folder: of the parts.
        groups: numbers of segments: a part ends at each of them, if not before.
        options: of `predict`.
    """

    model: Any
    segments: Segments
    names: pa.Array
    layer: str | None
    classes: Sequence[str]
    folder: Path
    groups: Sequence[int]
    options: dict[str, Any]

    def unscored(self) -> list[range]:
        """The segments that no part has, in spans of one group at most."""
        at, spans = 0, []
        for path in sorted(self.folder.glob("*.parquet")):
            with guarded(path, RunError, "a broken part of an annotation; delete it"):
                start, rows = int(path.stem), pq.read_metadata(path).num_rows
                if start < at:
                    raise ValueError("it has rows of the part before")
            spans.append(range(at, start))
            at = start + rows
        return _cut([*spans, range(at, len(self.segments))], self.groups)

    def batches(self, spans: Sequence[range]) -> list[range]:
        """The spans in batches, which begin with each group anew."""
        step = self.options.get("batch_size", 256)
        return _cut(spans, [n for ends in pairwise(self.groups) for n in range(*ends, step)])

    def predict(
        self, batches: Sequence[range], on_wait: Callable[[float], None]
    ) -> Iterator[Floats]:
        """The numbers of each batch, in the type in which they are written."""
        number = np.float16 if self.layer is None else np.float32
        for numbers in predict(self.model, self.segments, layer=self.layer, batches=batches,
                               on_wait=on_wait, **self.options):  # fmt: skip
            yield numbers.astype(number)

    def write(self, first: int, numbers: Sequence[Floats]) -> None:
        """Write a part that begins with the segment `first`."""
        values = np.concatenate(numbers)
        rows = slice(first, first + len(values))
        table = pa.table(
            {
                "clip_id": self.names[rows],
                "onset": to_arrow(self.segments.onset[rows]),
                "offset": to_arrow(self.segments.offset[rows]),
                "scores" if self.layer is None else "embedding": pa.FixedSizeListArray.from_arrays(
                    to_arrow(values.ravel()), values.shape[1]
                ),
            }
        )
        if self.layer is None:
            classes = json.dumps(list(self.classes)).encode()
            table = table.replace_schema_metadata({CLASSES: classes})
        with atomic_path(self.folder / f"{first:012}.parquet") as partial:
            pq.write_table(table, partial, compression="none")

    def conclude(self, output: Path) -> int:
        """Write all parts to one file, in row groups of one size; the number of parts."""
        paths = sorted(self.folder.glob("*.parquet"))
        held = pq.read_schema(paths[0]).empty_table()
        with (
            atomic_path(output) as partial,
            pq.ParquetWriter(partial, held.schema, compression="zstd") as writer,
        ):
            for path in paths:
                held = pa.concat_tables([held, pq.read_table(path)])
                while len(held) >= ROW_GROUP or (len(held) and path is paths[-1]):
                    writer.write_table(held[:ROW_GROUP].combine_chunks())
                    held = held[ROW_GROUP:]
        return len(paths)


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
        progress: called after each batch with clips done and clips in all.
        options: `batch_size`, `workers` and `device` of `predict`.

    Raises:
        OptionError: no such layer or device.
        RunError: unsuitable features, no clip was chosen, or existing parts are of another job:
            other weights, clips, features or options.
        ScoresFileError: the model outputs NaN.
        TargetsFileError: the file or its parts cannot be written.
    """
    find_device(options.get("device", "auto"))
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
    _begin(parts, json.dumps(stated))
    segments, owner = Segments.whole(features, chosen).cut(length)
    names = pa.array([features.clip_ids[clip] for clip in chosen.tolist()], pa.string())
    groups = np.searchsorted(owner, [*range(0, len(chosen), PART), len(chosen)])
    scoring = Scoring(run.model, segments, names.take(to_arrow(owner)), layer, run.vocabulary.ids,
                      parts, np.unique(groups).tolist(), options)  # fmt: skip
    spans, found = scoring.unscored(), len([*parts.glob("*.parquet")])
    ends = np.flatnonzero(np.diff(owner, append=-1)) + 1  # of the clips, in numbers of segments

    def clips_ending_in(span: range) -> int:
        first, last = np.searchsorted(ends, (span.start, span.stop), "right")
        return int(last - first)

    to_score, scored, waits = sum(map(clips_ending_in, spans)), 0, list[float]()
    began = time.perf_counter()
    for done in _score(scoring, spans, waits.append):
        scored += clips_ending_in(done)
        if progress:
            progress(len(ends) - to_score + scored, len(ends))
    seconds = time.perf_counter() - began
    count = scoring.conclude(output)
    shutil.rmtree(parts)
    return Annotated(output, len(chosen), len(segments), count, found,
                     segments_in_all - len(segments), scored, seconds,
                     sum(waits) / seconds)  # fmt: skip


def _begin(parts: Path, job: str) -> None:
    """Make the folder of parts, or go on with that of the same job."""
    path = parts / "job.json"
    if not path.exists():
        shutil.rmtree(parts, ignore_errors=True)  # of a job whose removal was interrupted
        with blame(parts):
            parts.mkdir()
        write_rows(path, [job])
    elif path.read_text("utf-8").rstrip("\n") != job:
        raise RunError(f"{parts} holds parts of another annotation that was interrupted; delete it")


def _score(
    scoring: Scoring, spans: Sequence[range], on_wait: Callable[[float], None]
) -> Iterator[range]:
    """Score the spans here, and yield each batch that is done."""
    batches, last = scoring.batches(spans), {span.stop for span in spans}
    held, first, began = list[Floats](), 0, time.monotonic()
    for batch, numbers in zip(batches, scoring.predict(batches, on_wait), strict=True):
        first = first if held else batch.start
        held.append(numbers)
        if batch.stop in last or time.monotonic() - began >= SECONDS:
            scoring.write(first, held)
            held, began = [], time.monotonic()
        yield batch


def _cut(spans: Sequence[range], edges: Sequence[int]) -> list[range]:
    """The spans cut at the edges, which are in order; without empty ones."""
    places = np.asarray(edges)
    pieces: list[range] = []
    for span in spans:
        inside = places[slice(*np.searchsorted(places, (span.start, span.stop)))]
        ends = np.unique([span.start, *inside, span.stop]).tolist()
        pieces += [range(*two) for two in pairwise(ends)]
    return pieces

"""The scoring of segments in parts, here or by several processes.

Batches depend on clips and batch size alone, not on where a part ends, so the scores are those of
an uninterrupted run.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.arrays.columns import to_arrow
from audiolabels.errors import RunError, guarded
from audiolabels.features.inputs import Floats
from audiolabels.files import atomic_path
from audiolabels.files.remote import parquet_source
from audiolabels.readers.scores.parquet import CLASSES
from audiolabels.training.examples import Segments
from audiolabels.training.predict import predict

SECONDS = 30.0  # after which a part ends with the batch
ROW_GROUP = 1 << 14  # rows


class Done(NamedTuple):
    """Segments that were scored, how long it took, and how long the model waited for features."""

    span: range
    waited: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Scoring:
    """The scoring of all segments, in parts that are named after their first segment."""

    model: Any
    segments: Segments
    names: pa.Array  # string (N,): their clips
    layer: str | None
    classes: Sequence[str]  # their ids
    folder: Path  # of the parts
    groups: Sequence[int]  # numbers of segments: a part ends at each of them, if not before
    options: dict[str, Any]  # of `predict`

    def unscored(self) -> list[range]:
        """The segments that no part has, in spans of one group at most."""
        at, spans = 0, []
        for path in sorted(self.folder.glob("*.parquet")):
            with guarded(path, RunError, "a broken part of an annotation; delete it"):
                start, rows = int(path.stem), pq.read_metadata(parquet_source(path)).num_rows
                if start < at:
                    raise ValueError("it has rows of the part before")
            spans.append(range(at, start))
            at = start + rows
        return _cut([*spans, range(at, len(self.segments))], self.groups)

    def batches(self, spans: Sequence[range]) -> list[range]:
        """The spans in batches, which begin with each group anew."""
        step = self.options.get("batch_size", 256)
        return _cut(spans, [n for ends in pairwise(self.groups) for n in range(*ends, step)])

    def predict(self, batches: Sequence[range],
                on_wait: Callable[[float], None]) -> Iterator[Floats]:  # fmt: skip
        """The numbers of each batch, in the type in which they are written."""
        number = np.float16 if self.layer is None else np.float32
        for numbers in predict(self.model, self.segments, layer=self.layer, batches=batches,
                               on_wait=on_wait, **self.options):  # fmt: skip
            yield numbers.astype(number)

    def score_span(self, span: range) -> Done:
        """Score a span and write it as one part."""
        waits, began = list[float](), time.perf_counter()
        self.write(span.start, [*self.predict(self.batches([span]), waits.append)])
        return Done(span, sum(waits), time.perf_counter() - began)

    def write(self, first: int, numbers: Sequence[Floats]) -> None:
        """Write a part that begins with the segment `first`."""
        values = np.concatenate(numbers)
        rows = slice(first, first + len(values))
        lists = pa.FixedSizeListArray.from_arrays(to_arrow(values.ravel()), values.shape[1])
        table = pa.table({
            "clip_id": self.names[rows],
            "onset": to_arrow(self.segments.onset[rows]),
            "offset": to_arrow(self.segments.offset[rows]),
            "scores" if self.layer is None else "embedding": lists,
        })  # fmt: skip
        if self.layer is None:
            classes = json.dumps(list(self.classes)).encode()
            table = table.replace_schema_metadata({CLASSES: classes})
        with atomic_path(self.folder / f"{first:012}.parquet") as partial:
            pq.write_table(table, partial, compression="none")


def conclude(folder: Path, output: Path) -> int:
    """Write all parts in a folder to one file, in row groups of one size; the number of parts."""
    paths = sorted(folder.glob("*.parquet"))
    held = pq.read_schema(parquet_source(paths[0])).empty_table()
    options = {"compression": "zstd"}
    with (
        atomic_path(output) as partial,
        pq.ParquetWriter(partial, held.schema, **options) as writer,
    ):
        for path in paths:
            held = pa.concat_tables([held, pq.read_table(parquet_source(path))])
            while len(held) >= ROW_GROUP or (len(held) and path is paths[-1]):
                writer.write_table(held[:ROW_GROUP].combine_chunks())
                held = held[ROW_GROUP:]
    return len(paths)


def score_here(scoring: Scoring, spans: Sequence[range]) -> Iterator[Done]:
    """Score the spans here, batch by batch."""
    batches, last = scoring.batches(spans), {span.stop for span in spans}
    held, waits, began = list[Floats](), list[float](), time.perf_counter()
    done = began
    for batch, numbers in zip(batches, scoring.predict(batches, waits.append), strict=True):
        if not held:
            first = batch.start
        held.append(numbers)
        if batch.stop in last or time.perf_counter() - began >= SECONDS:
            scoring.write(first, held)
            held, began = [], time.perf_counter()
        before, done = done, time.perf_counter()
        yield Done(batch, waits[-1], done - before)


def _cut(spans: Sequence[range], edges: Sequence[int]) -> list[range]:
    """The spans cut at the edges, which are in order; without empty ones."""
    places = np.asarray(edges)
    pieces: list[range] = []
    for span in spans:
        inside = places[slice(*np.searchsorted(places, (span.start, span.stop)))]
        ends = np.unique([span.start, *inside, span.stop]).tolist()
        pieces += [range(*two) for two in pairwise(ends)]
    return pieces

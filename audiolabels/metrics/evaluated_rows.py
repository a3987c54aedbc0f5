"""The rows that an evaluation was computed on: scores, targets and mask, to compute on again."""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audiolabels.arrays.columns import to_arrow, to_numpy
from audiolabels.errors import MetricError, guarded
from audiolabels.files import atomic_path
from audiolabels.files.remote import parquet_source, to_path
from audiolabels.metrics.evaluation import Evaluation, evaluate
from audiolabels.metrics.ranking import Flags
from audiolabels.ontology.vocabulary import (
    Vocabulary,
    describe_vocabulary,
    described_vocabulary,
)

VOCABULARY = b"audiolabels.vocabulary"  # key of the metadata


@dataclass(frozen=True, eq=False)
class EvaluatedRows:
    """N rows, clips or parts of them, over C classes.

    Attributes:
        vocabulary: the classes.
        clip_id: string (N,), as the targets name them.
        onset, offset: float64 (N,): seconds; an infinite offset is the end of the clip.
        scores: float32 (N, C).
        positive, known: bool (N, C).
    """

    vocabulary: Vocabulary
    clip_id: pa.StringArray
    onset: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float32]
    positive: Flags
    known: Flags

    def __len__(self) -> int:
        return len(self.clip_id)

    @cached_property
    def clips(self) -> npt.NDArray[np.int64]:
        """The number of each row's clip, from 0, int64 (N,)."""
        return to_numpy(self.clip_id.dictionary_encode().indices).astype(np.int64)

    @cached_property
    def keys(self) -> list[tuple[str, int, int]]:
        """Clip, and its part in milliseconds, of each row; -1 is the end of the clip."""
        times = (each.tolist() for each in self._times)
        return list(zip(self.clip_id.to_pylist(), *times, strict=True))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of classes, clips, their parts and targets, whatever the order of the rows."""
        onset, offset = self._times
        flags = (self.positive & self.known, self.known)
        cells = np.concatenate([np.packbits(each, axis=1) for each in flags], axis=1)
        table = pa.table(
            {"clip_id": self.clip_id, "onset": onset, "offset": offset,
             "cells": pa.array(map(bytes, cells), pa.binary())}
        )  # fmt: skip
        keys = [(name, "ascending") for name in table.column_names]
        order = to_numpy(pc.sort_indices(table, sort_keys=keys).cast(pa.int64()))
        clips = self.clip_id.take(to_arrow(order)).to_pylist()
        digest = hashlib.sha256(json.dumps([self.vocabulary.ids, clips]).encode())
        for times in (onset, offset):
            digest.update(times[order].astype("<i8").tobytes())
        digest.update(cells[order].tobytes())
        return digest.hexdigest()

    @property
    def _times(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Onset and offset in milliseconds; -1 is the end of the clip."""
        ends = np.where(np.isfinite(self.offset), self.offset, -0.001)
        onset, offset = (np.rint(1000 * each).astype(np.int64) for each in (self.onset, ends))
        return onset, offset

    def evaluate(self) -> Evaluation:
        """All metrics of the rows."""
        return evaluate(self.scores, self.positive, self.known, vocabulary=self.vocabulary)

    def take(self, rows: npt.NDArray[np.int64]) -> Self:
        """Some of the rows."""
        arrays: dict[str, Any] = {
            name: getattr(self, name)[rows]
            for name in ("onset", "offset", "scores", "positive", "known")
        }
        return replace(self, clip_id=self.clip_id.take(to_arrow(rows)), **arrays)

    def write(self, path: str | Path) -> None:
        """Write a Parquet file, which `read_evaluated_rows` reads.

        Raises:
            TargetsFileError: it cannot be written.
        """
        classes = len(self.vocabulary)
        columns = {
            "clip_id": self.clip_id,
            "onset": pa.array(self.onset),
            "offset": pa.array(self.offset, mask=~np.isfinite(self.offset)),
            "scores": pa.FixedSizeListArray.from_arrays(to_arrow(self.scores.ravel()), classes),
            **{
                name: pa.FixedSizeListArray.from_arrays(pa.array(flags.ravel()), classes)
                for name, flags in (("positive", self.positive), ("known", self.known))
            },
        }
        facts = json.dumps(describe_vocabulary(self.vocabulary), ensure_ascii=False).encode()
        table = pa.table(columns).replace_schema_metadata({VOCABULARY: facts})
        with atomic_path(path) as partial:
            pq.write_table(table, partial, compression="zstd")


def read_evaluated_rows(path: str | Path) -> EvaluatedRows:
    """Read what `EvaluatedRows.write` wrote.

    Raises:
        MetricError: the file is missing, or another one.
    """
    path = to_path(path)
    with guarded(path, MetricError, "no rows of an evaluation"):
        table = pq.read_table(parquet_source(path)).combine_chunks()
        vocabulary = described_vocabulary(json.loads(table.schema.metadata[VOCABULARY]))
        shape = len(table), len(vocabulary)

        def cells(name: str) -> npt.NDArray[Any]:
            values = pc.list_flatten(table[name].combine_chunks())
            found: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False).reshape(shape)
            return found

        return EvaluatedRows(
            vocabulary,
            table["clip_id"].combine_chunks(),
            table["onset"].to_numpy(),
            table["offset"].fill_null(np.inf).to_numpy(),
            cells("scores"),
            cells("positive"),
            cells("known"),
        )

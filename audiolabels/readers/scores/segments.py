"""Blocks of a file of scores to `Scores`: a row per segment, numbers to probabilities, checks."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import doubles_to_arrow, text_buffers, to_arrow, to_numpy
from audiolabels.clips.duplicates import repeated_hashes
from audiolabels.clips.index import hash_strings
from audiolabels.clips.names import canonical_ids
from audiolabels.clips.rows import clip_rows, join_rows
from audiolabels.errors import ScoresFileError
from audiolabels.labels.report import Finding, Report
from audiolabels.labels.scores import ONE, Floats, Scores, ordered, run_starts
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.readers.options import ScoreOptions
from audiolabels.readers.scores.blocks import Block, ScoreTable

SLACK = 1e-6  # by so much a number may lie outside [0, 1] and still be a probability


@dataclass
class Segments:
    """Makes scores of the blocks of one file; whether they are logits, the first block shows.

    Attributes:
        as_stored: whether scores may be the file's own: float16, and not to be written to.
        kind: `logits` or `probabilities`; empty until it is known.
        note: what the numbers were taken for, and why.
    """

    options: ScoreOptions
    table: ScoreTable
    vocabulary: Vocabulary
    ontology: Ontology
    as_stored: bool = False

    def __post_init__(self) -> None:
        self.kind = "" if self.options.values == "auto" else self.options.values
        self.note = f"scores taken as {self.kind}"

    def scores(self, block: Block) -> Scores:
        """A block with a row per segment.

        Raises:
            ScoresFileError: its shapes do not fit, or a score is no number or no probability.
        """
        values = self._probabilities(block)
        n, columns = len(block.names), len(self.vocabulary)
        if values.shape[0] != n or values.shape[-1] != columns:
            raise ScoresFileError(f"{self.options.path}: {values.shape} scores for {n} rows")
        each = values.shape[1] if values.ndim == 3 else 1
        of_video = self.table.of_video
        encoded = block.names.dictionary_encode()
        ids = canonical_ids(encoded.dictionary, of_video=of_video)
        which = to_numpy(encoded.indices)
        empty = np.diff(text_buffers(ids)[0])[which] == 0
        flat = values.reshape(n * each, columns)
        unknown = self._unknown(block, flat)
        findings = [
            Finding(self.options.path.name, row, "", "row unused", "the clip's id is empty")
            for row in (np.flatnonzero(empty) + block.first).tolist()
        ]
        part = Scores(
            clip_rows(
                ids.take(to_arrow(np.repeat(which, each))),
                _seconds(block.onset_ms, len(flat), 0.0),
                _seconds(block.offset_ms, len(flat), None),
            ),
            self.ontology,
            self.vocabulary,
            flat,
            unknown,
            np.repeat(np.arange(block.first, block.first + n), each),
        )
        if findings:
            part = part.keep(np.repeat(~empty, each))
        report = Report(rows=n, rows_used=n - len(findings), findings=findings)
        return replace(part, report=report)

    def _unknown(self, block: Block, flat: Floats) -> Bits:
        """Bits of the unknown classes; sets the values of masked ones to 0."""
        unknown = np.zeros((len(flat), -(-flat.shape[1] // 8)), np.uint8)
        if block.known is not None and not (self.table.top and self.options.beyond_top == "zero"):
            unknown = np.packbits(~block.known.reshape(flat.shape), axis=1)
        if block.masked is not None:
            flat[block.masked.reshape(flat.shape)] = 0
            unknown |= np.packbits(block.masked.reshape(flat.shape), axis=1)
        return unknown

    def _probabilities(self, block: Block) -> Floats:
        """Numbers of the shape of the block's values; 0 where unknown."""
        if (kind := block.values.dtype).kind not in "fiub":
            raise ScoresFileError(f"{self.options.path}: scores of type {kind}; expected numbers")
        values: Floats = np.asarray(block.values)
        if not (self.as_stored and values.dtype == np.float16):
            values = np.array(values, np.float32, copy=None if self.as_stored else True)
        if block.known is not None:
            values = np.where(block.known, values, values.dtype.type(0))
        if values.dtype == np.float16:
            if self.kind == "logits" or ordered(values).max(initial=0) > ONE:
                values = values.astype(np.float32)
            elif self.kind:
                return values
        numbers = ordered(values)
        # A number that is none makes both of them none.
        ends = np.array([numbers.min(initial=0), numbers.max(initial=0)], numbers.dtype)
        low, high = ends.view(values.dtype).tolist()
        if not math.isfinite(high - low):
            self._refuse(block, ~np.isfinite(values), values, "no number")
        if not self.kind:
            self.kind = "probabilities" if low >= -SLACK and high <= 1 + SLACK else "logits"
            if self.kind == "logits" and low >= 0 and not self.table.top:
                raise ScoresFileError(
                    f"{self.options.path}: scores from {low:.3g} to {high:.3g} are no "
                    f"probabilities, and hardly logits, of which none is below 0. Divide "
                    f"percentages by 100; if these are logits, use --score-values logits "
                    f"(values='logits')"
                )
            self.note = (
                f"scores taken as {self.kind} (the first block goes from {low:.3g} to {high:.3g})"
            )
        if self.kind == "logits":
            with np.errstate(over="ignore"):  # exp overflows to inf, of which 1 / inf makes 0
                values = np.exp(-values)
            values += 1
            np.reciprocal(values, out=values)
            if block.known is not None:
                values[~block.known] = 0
            return values
        if low >= 0 and high <= 1:
            return values
        outside = (values < -SLACK) | (values > 1 + SLACK)
        self._refuse(block, outside, values, "no probability; if these are logits, use "
                     "--score-values logits (values='logits')")  # fmt: skip
        return values.clip(0, 1)

    def _refuse(self, block: Block, bad: npt.NDArray[np.bool_], values: Floats, why: str) -> None:
        if not bad.any():
            return
        row = int(np.flatnonzero(bad.reshape(len(bad), -1).any(1))[0])
        value = values[row][bad[row]].ravel()[0]
        raise ScoresFileError(
            f"{self.options.path}: {block.names[row]} (row {block.first + row:,}) has a score "
            f"{value:.4g}, which is {why}"
        )


def _seconds(ms: npt.NDArray[np.int64] | None, count: int, default: float | None) -> pa.DoubleArray:
    if ms is None:
        return doubles_to_arrow([default] * count)
    return to_arrow(np.ascontiguousarray(ms).reshape(-1) / 1000)


def in_order(parts: Iterable[Scores], path: Path) -> Iterator[Scores]:
    """The same parts; refuses segments of a clip that are scattered or out of order.

    Raises:
        ScoresFileError: a segment does not begin after the one before it, or, at the end, a clip
            comes again; different names nearly never have the same hash.
    """
    before: list[pa.RecordBatch] = []  # the last segment so far
    hashes, rows = bytearray(), bytearray()
    for part in parts:
        if len(part):
            both = join_rows([*before, part.clips])
            clip_id, shift = both.column(0), len(before)
            starts = run_starts(clip_id)
            onset = to_numpy(both.column(1))
            same = np.ones(len(onset), np.bool_)
            same[starts] = False
            late = np.flatnonzero(same[1:] & (onset[1:] <= onset[:-1]))
            if len(late):
                row = int(late[0]) + 1
                raise ScoresFileError(
                    f"{path}: the segment of {clip_id[row]} in row {part.rows[row - shift]:,} does "
                    f"not begin after the one before it; sort the segments by onset, each once"
                )
            starts = starts[starts >= shift]
            hashes += hash_strings(clip_id.take(to_arrow(starts))).tobytes()
            rows += part.rows[starts - shift].tobytes()
            before = [part.clips[len(part) - 1 :]]
        yield part
    twice = repeated_hashes(bytearray(hashes))
    if len(twice):
        again = np.frombuffer(rows, np.int64)[np.frombuffer(hashes, np.uint64) == twice[0]]
        more = f", and so do {len(twice) - 1:,} more clips" if len(twice) > 1 else ""
        raise ScoresFileError(
            f"{path}: a clip comes again, in rows {again[0]:,} and {again[1]:,}{more}; a "
            f"clip's segments must follow each other, each once"
        )

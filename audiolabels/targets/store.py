"""Targets in Parquet: metadata, writing and reading.

One row per clip or frame: `clip_id`, `onset`, `offset`, then the targets in one of the `layouts`.
The schema's metadata hold one JSON object under the key `audiolabels`; for soft targets it has
`"soft": true`. Equal input and options give equal bytes: row groups have a fixed number of rows,
and the file has no timestamp.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.arrays.bits import Bits, third_state
from audiolabels.arrays.columns import fixed_binary, fixed_bytes, to_numpy
from audiolabels.clips.rows import SCHEMA, join_rows
from audiolabels.errors import TargetsFileError, expect
from audiolabels.files import as_path, atomic_path, blame
from audiolabels.ontology.vocabulary import Vocabulary, describe_vocabulary
from audiolabels.targets.layouts import LAYOUTS, SOFT, Cells, Layout, choose_layout
from audiolabels.targets.soft import SoftTargets
from audiolabels.targets.targets import Targets

KEY = b"audiolabels"
FOOTER = 1 << 16  # bytes at the end of a file that identify it
FORMAT_VERSION = 1
# What the writer adds to the metadata of targets.
WRITTEN = ("format_version", "library", "layout", "columns", "listed", "soft", "rows")


def parquet_options(layout: Layout, listed: str) -> dict[str, Any]:
    """How Parquet writes the columns of a layout."""
    targets = list(layout.columns(1, listed)) if layout.dictionary else []
    return {
        "compression": "zstd",
        "store_schema": False,
        "use_dictionary": ["onset", "offset", *targets],
        "write_statistics": ["onset", "offset"],
    }


class TargetsWriter:
    """Writes one Parquet file in row groups of exactly `layout.group` rows.

    A context manager; leaving it without `close` abandons the file.

    Args:
        path: where the file is written; use inside `atomic_path`.
        vocabulary, listed: see `Targets`.
        layout: a key of `LAYOUTS`.
        output: the file that errors name, `path` by default.

    Raises:
        OptionError: no such layout, or one that soft targets do not have.
    """

    def __init__(
        self,
        path: Path,
        vocabulary: Vocabulary,
        layout: str,
        *,
        listed: str = "masked",
        soft: bool = False,
        output: str | Path | None = None,
    ) -> None:
        self.layout = choose_layout(layout, soft=soft)
        self._name = layout
        self.soft = soft
        self._listed = listed
        self._vocabulary = vocabulary
        columns = self.layout.columns(len(vocabulary), listed)
        self._schema = pa.schema([*SCHEMA, *pa.schema(columns)])
        self._output = output or path
        with blame(self._output):
            self._sink = pa.OSFile(str(path), "wb")
        options = parquet_options(self.layout, listed)
        self._writer = pq.ParquetWriter(self._sink, self._schema, **options)
        self.rows = 0

    def __enter__(self) -> "TargetsWriter":
        return self

    def __exit__(self, *_: object) -> None:
        """Release the file; without `close` it lacks its footer, so no reader accepts it."""
        self._writer.is_open = False
        self._sink.close()

    def encode(self, targets: Targets | SoftTargets) -> Cells:
        """The distinct targets as cells, one per row for soft targets."""
        columns = len(self._vocabulary)
        if isinstance(targets, SoftTargets):
            return self.layout.encode(targets.scores, targets.masked, columns)
        second = targets.masked
        if self._listed == "negative" and self.layout.lists:
            second = third_state(targets.positive, targets.masked, columns)
        return self.layout.encode(targets.positive, second, columns)

    def write(self, clips: pa.RecordBatch, cells: Cells, which: npt.NDArray[np.int32]) -> None:
        """Append one row group: N clips, cells from `encode`, and each clip's cell, int32 (N,).

        All row groups except the last have `layout.group` clips.
        """
        targets = self.layout.gather(cells, which, len(self._vocabulary))
        table = pa.Table.from_arrays([*clips.columns, *targets], schema=self._schema)
        with blame(self._output):
            self._writer.write_table(table, row_group_size=self.layout.group)
        self.rows += len(clips)

    def close(self, metadata: Mapping[str, Any]) -> None:
        """Finish the file with its metadata."""
        from audiolabels import __version__

        facts = {
            "format_version": FORMAT_VERSION,
            "library": f"audiolabels {__version__}",
            "layout": self._name,
            "columns": list(self.layout.columns(1, self._listed)),
            "listed": self._listed,
            **({"soft": True} if self.soft else {}),
            "rows": self.rows,
            **metadata,
            "vocabulary": describe_vocabulary(self._vocabulary),
        }
        text = json.dumps(facts, ensure_ascii=False, sort_keys=True)
        # Rows and sources are known only now, so the Arrow schema is stored by hand.
        schema = self._schema.with_metadata({KEY: text.encode()})
        stored = base64.b64encode(schema.serialize())
        self._writer.add_key_value_metadata({KEY: text.encode(), b"ARROW:schema": stored})
        with blame(self._output):
            self._writer.close()


def file_identity(path: Path) -> tuple[int, int, str]:
    """Size, time of the last change, and digest of the end, where a Parquet file's footer is."""
    try:
        facts = path.stat()
        with path.open("rb") as file:
            file.seek(max(0, facts.st_size - FOOTER))
            digest = hashlib.sha256(file.read()).hexdigest()
    except OSError as error:
        raise TargetsFileError(f"{path}: cannot be read: {error.strerror}") from error
    return facts.st_size, facts.st_mtime_ns, digest


def default_layout(*, soft: bool) -> str:
    """The layout of targets if none is named."""
    return "dense" if soft else "lists"


def write_targets(
    targets: Targets | SoftTargets, path: str | Path, *, layout: str | None = None
) -> None:
    """Write targets to a Parquet file, whole or not at all.

    Args:
        targets: N clips × C classes.
        path: an existing file is replaced at the end.
        layout: `lists` (default), `packed` or `dense`; soft targets have `dense` only.

    Raises:
        OptionError: no such layout, or one that soft targets do not have.
        TargetsFileError: the file cannot be written; an existing file is unchanged.
    """
    expect("targets", targets, Targets | SoftTargets, "targets, as expand makes them")
    soft = isinstance(targets, SoftTargets)
    listed = "masked" if isinstance(targets, SoftTargets) else targets.listed
    layout = layout or default_layout(soft=soft)
    with (
        atomic_path(path) as partial,
        TargetsWriter(
            partial, targets.vocabulary, layout, listed=listed, soft=soft, output=path
        ) as writer,
    ):
        cells = writer.encode(targets)
        for start in range(0, len(targets), writer.layout.group):
            part = targets.slice(start, start + writer.layout.group)
            own = np.arange(start, start + len(part), dtype=np.int32)
            writer.write(part.clips, cells, getattr(part, "row_of_clip", own))
        writer.close(targets.metadata)


def read_info(path: str | Path) -> dict[str, Any]:
    """The metadata of a targets file: how it was made, vocabulary, layout, rows.

    Raises:
        TargetsFileError: the file is missing or broken, or this library did not write it.
    """
    return _open(path)[1]


def _open(path: str | Path) -> tuple[pq.ParquetFile, dict[str, Any]]:
    path = as_path("targets file", path)
    try:
        file = pq.ParquetFile(path)
    except FileNotFoundError as error:
        raise TargetsFileError(f"{path}: no such file") from error
    except (pa.ArrowException, OSError) as error:
        raise TargetsFileError(f"{path}: cannot be read as Parquet: {error}") from error
    text = (file.metadata.metadata or {}).get(KEY)
    if text is None:
        raise TargetsFileError(
            f"{path}: not a targets file (no metadata 'audiolabels'); 'audiolabels expand' makes "
            f"one from labels"
        )
    try:
        facts = json.loads(text)
        version, layout, names = facts["format_version"], facts["layout"], facts["columns"]
        sizes = len(facts["vocabulary"]["ids"]), facts["rows"]
        listed, soft = facts.setdefault("listed", "masked"), facts.get("soft", False)
    except (ValueError, KeyError, TypeError) as error:
        raise TargetsFileError(f"{path}: broken metadata: {error}") from error
    if version > FORMAT_VERSION or layout not in LAYOUTS:
        raise TargetsFileError(
            f"{path}: written in format {version}, layout {layout!r}; this version of audiolabels "
            f"reads up to format {FORMAT_VERSION}: upgrade it"
        )
    expected = (SOFT if soft else LAYOUTS[layout]).columns(sizes[0], listed)
    schema = file.schema_arrow
    found = {name: schema.field(name).type for name in expected if name in schema.names}
    if list(expected) != names or found != expected or sizes[1] != file.metadata.num_rows:
        raise TargetsFileError(f"{path}: columns or rows do not match the metadata")
    return file, facts


def read_targets(path: str | Path) -> Targets | SoftTargets:
    """Read a targets file of any layout.

    Returns:
        Targets of shape (N, C), equal to those that were written, hard or soft.

    Raises:
        TargetsFileError: the file is missing or broken, or this library did not write it.
    """
    file, facts = _open(path)
    names = facts["vocabulary"]
    vocabulary = Vocabulary(names["name"], tuple(names["ids"]), tuple(names["names"]))
    metadata = MappingProxyType({k: v for k, v in facts.items() if k not in WRITTEN})
    groups = _read_groups(path, file, facts)
    columns, width = len(vocabulary), -(-len(vocabulary) // 8)
    clips, row = [], 0
    if facts.get("soft"):
        scores = np.zeros((facts["rows"], columns), np.float16)
        masked = np.zeros((facts["rows"], width), np.uint8)
        for part, *loaded in groups:
            rows = slice(row, row + len(part))
            scores[rows], masked[rows] = loaded
            clips.append(part)
            row += len(part)
        return SoftTargets(join_rows(clips), vocabulary, scores, masked, metadata)
    complement = facts["listed"] == "negative" and LAYOUTS[facts["layout"]].lists

    def tables() -> Iterator[Bits]:
        for part, positive, second in groups:
            masked = third_state(positive, second, columns) if complement else second
            clips.append(part)
            yield np.concatenate([positive, masked], axis=1)

    positive, masked, which = _distinct_halves(tables(), width)
    cut = np.zeros(len(positive), np.int32)
    return Targets(
        join_rows(clips), vocabulary, which, positive, masked, cut, metadata, facts["listed"]
    )


def _read_groups(
    path: str | Path, file: pq.ParquetFile, facts: dict[str, Any]
) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[Any], Bits]]:
    """Clips and both target columns of each row group, read in this thread: Arrow never frees what
    other threads release.
    """
    layout = SOFT if facts.get("soft") else LAYOUTS[facts["layout"]]
    columns = len(facts["vocabulary"]["ids"])
    try:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, use_threads=False).combine_chunks()
            batch = table.to_batches()[0]
            first, second = layout.load([batch[name] for name in facts["columns"]], columns)
            yield batch.select(SCHEMA.names), first, second
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TargetsFileError(f"{path}: broken: {error}") from error


def read_hard_targets(path: str | Path) -> Targets:
    """`read_targets` where only hard targets will do.

    Raises:
        TargetsFileError: as `read_targets`, or the file holds soft targets.
    """
    targets = read_targets(path)
    if isinstance(targets, SoftTargets):
        raise TargetsFileError(
            f"{path}: soft targets, where hard ones are needed; expand the scores with a threshold "
            f"(--threshold 0.5)"
        )
    return targets


def _distinct_halves(
    tables: Iterable[Bits], width: int
) -> tuple[Bits, Bits, npt.NDArray[np.int32]]:
    """Left and right halves, `width` bytes each, of the distinct rows of many tables, and the
    distinct row of each row.

    Where most rows differ, equal rows of different tables are not merged: it would take as much
    memory again.
    """
    distinct, numbers, count = [np.zeros((0, 2 * width), np.uint8)], [np.zeros(0, np.int32)], 0
    for table in tables:
        encoded = fixed_binary(table).dictionary_encode()
        distinct.append(fixed_bytes(encoded.dictionary))
        numbers.append(to_numpy(encoded.indices) + np.int32(count))
        count += len(encoded.dictionary)
    which = np.concatenate(numbers)
    if 2 * count <= len(which):
        rows = fixed_binary(np.concatenate(distinct)).dictionary_encode()
        distinct, which = [fixed_bytes(rows.dictionary)], to_numpy(rows.indices)[which]
    count = sum(map(len, distinct))
    left, right = np.empty((count, width), np.uint8), np.empty((count, width), np.uint8)
    start = 0
    while distinct:
        table = distinct.pop(0)  # which frees it
        stop = start + len(table)
        left[start:stop], right[start:stop] = table[:, :width], table[:, width:]
        start = stop
    return left, right, which

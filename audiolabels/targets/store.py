"""Targets in Parquet: metadata, writing and reading.

One row per clip or frame: `clip_id`, `onset`, `offset`, then the targets in one of the `layouts`.
The schema's metadata hold one JSON object under the key `audiolabels`; for soft targets it has
`"soft": true`. Equal input and options give equal bytes: row groups have a fixed number of rows,
and the file has no timestamp.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import fixed_binary, fixed_bytes, to_numpy
from audiolabels.arrays.grid import LONGEST_S
from audiolabels.arrays.tables import Metadata
from audiolabels.clips.rows import SCHEMA, join_rows
from audiolabels.errors import OptionError, TargetsFileError, expect, guarded, shortlist
from audiolabels.files import as_path, atomic_path, blame, parse_json
from audiolabels.files.cache import cached_file
from audiolabels.files.remote import parquet_source, streamed
from audiolabels.ontology.vocabulary import (
    Vocabulary,
    describe_vocabulary,
    described_vocabulary,
)
from audiolabels.targets.layouts import (
    LAYOUTS,
    SOFT_LAYOUTS,
    WEIGHT,
    Cells,
    Layout,
    choose_layout,
)
from audiolabels.targets.mapped import map_rows
from audiolabels.targets.parts import INDEX, identifying_file, is_folder, read_index
from audiolabels.targets.source_cache import VERSION
from audiolabels.targets.targets import SoftTargets, Targets

KEY = b"audiolabels"
FOOTER = 1 << 16  # bytes at the end of a file that identify it
LARGE = 1 << 17  # rows from which on files are mapped and what is made of them is cached
PAGE = 1 << 30  # bytes that no row group reaches
FORMAT_VERSION = 1
Identity = tuple[int, int, str]
# Types of metadata that are read.
STATED = {
    "format_version": int,
    "layout": str,
    "columns": list,
    "weights": bool,
    "vocabulary": dict,
    "scheme": str,
    "options": dict,
    "ontology": dict,
    "library": str,
}
# Metadata that the parts of a folder have in common.
SHARED = ("layout", "columns", "listed", "soft", "weights", "scheme", "options", "vocabulary",
          "ontology")  # fmt: skip
# What the writer adds to the metadata of targets.
WRITTEN = ("format_version", "library", "layout", "columns", "listed", "soft", "weights", "rows",
           "parts")  # fmt: skip


def parquet_options(layout: Layout, listed: str) -> dict[str, Any]:
    """How Parquet writes the columns of a layout."""
    targets = list(layout.columns(1, listed))
    encoded = targets if layout.dictionary else []
    options: dict[str, Any] = {
        "compression": "zstd",
        "store_schema": False,
        "use_dictionary": ["onset", "offset", *encoded],
        "write_statistics": ["onset", "offset"],
    }
    if layout.plain:
        return options | {
            "compression": dict.fromkeys(SCHEMA.names, "zstd") | dict.fromkeys(targets, "none"),
            "data_page_size": PAGE,
            "use_dictionary": list(SCHEMA.names),  # a clip's id is that of each of its segments
        }
    return options


# Endings of files that Parquet is not to be taken for.
OTHER_FORMATS = frozenset(
    ".csv .tsv .txt .json .jsonl .npz .npy .h5 .hdf5 .hdf .arrow .feather .pkl .gz .zip".split()
)


class TargetsWriter:
    """Writes one Parquet file in row groups of exactly `layout.group` rows.

    A context manager; leaving it without `close` abandons the file. Use it inside `atomic_path`:
    errors name `output`, not the temporary `path`.
    """

    def __init__(
        self, path: Path, vocabulary: Vocabulary, layout: Layout, listed: str, output: str | Path
    ) -> None:
        if Path(output).suffix.lower() in OTHER_FORMATS:
            raise OptionError(
                f"{output}: targets are written as Parquet; name it {Path(output).stem}.parquet"
            )
        self.layout = layout
        self._listed = listed
        self._vocabulary = vocabulary
        columns = layout.columns(len(vocabulary), listed)
        plain = layout.plain  # where nothing but the values is stored
        targets = [pa.field(name, type_, not plain) for name, type_ in columns.items()]
        self._schema = pa.schema([*SCHEMA, *targets])
        self._output = output
        with blame(output):
            self._sink = pa.OSFile(str(path), "wb")
        options = parquet_options(layout, listed)
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
        return encode_targets(targets, self._vocabulary, self.layout, self._listed)

    def write(
        self, clips: pa.RecordBatch, cells: Cells, which: npt.NDArray[np.int32] | None
    ) -> None:
        """Append one row group: N clips, cells from `encode`, and each clip's cell, int32 (N,), or
        None if these are in order.
        """
        targets = self.layout.gather(cells, which, len(self._vocabulary))
        table = pa.Table.from_arrays([*clips.columns, *targets], schema=self._schema)
        with blame(self._output):
            self._writer.write_table(table, row_group_size=self.layout.group)
        self.rows += len(clips)

    def close(self, metadata: Mapping[str, Any]) -> None:
        """Finish the file with its metadata."""
        facts = written_facts(self._vocabulary, self.layout, self._listed, self.rows, metadata)
        text = json.dumps(facts, ensure_ascii=False, sort_keys=True)
        # Rows and sources are known only now, so the Arrow schema is stored by hand.
        schema = self._schema.with_metadata({KEY: text.encode()})
        stored = base64.b64encode(schema.serialize())
        self._writer.add_key_value_metadata({KEY: text.encode(), b"ARROW:schema": stored})
        with blame(self._output):
            self._writer.close()


def encode_targets(
    targets: Targets | SoftTargets, vocabulary: Vocabulary, layout: Layout, listed: str
) -> Cells:
    """The distinct targets as cells, one per row for soft targets."""
    columns = len(vocabulary)
    first = targets.scores if isinstance(targets, SoftTargets) else targets.positive
    tables = [first, layout.swap(first, targets.masked, columns, listed)]
    if layout.weighted:
        given = targets.weight
        tables.append(np.ones((len(first), columns), np.float16) if given is None else given[:])
    return layout.encode(tables, columns)


def written_facts(
    vocabulary: Vocabulary, layout: Layout, listed: str, rows: int, metadata: Mapping[str, Any]
) -> dict[str, Any]:
    """The metadata as they are written."""
    from audiolabels import __version__

    names = layout.columns(1, listed)
    return {
        "format_version": FORMAT_VERSION,
        "library": f"audiolabels {__version__}",
        "layout": layout.name,
        "columns": [name for name in names if name != WEIGHT],  # as readers without weights expect
        "listed": listed,
        **({"soft": True} if layout.soft else {}),
        **({"weights": True} if layout.weighted else {}),
        "rows": rows,
        **metadata,
        "vocabulary": describe_vocabulary(vocabulary),
    }


def file_identity(path: Path) -> Identity:
    """Size, time of the last change, and digest of the end, where a Parquet file's footer is; of a
    folder of parts those of its index.
    """
    path = identifying_file(path)
    with guarded(path, TargetsFileError, "cannot be read"), streamed(path) as file:
        facts = path.stat()
        file.seek(max(0, facts.st_size - FOOTER))
        digest = hashlib.sha256(file.read()).hexdigest()
    return facts.st_size, facts.st_mtime_ns, digest


def refuse_changed(path: Path, identity: Identity) -> None:
    """Raise TargetsFileError if a file is not the one that had this identity."""
    if file_identity(path) != identity:
        raise TargetsFileError(
            f"{path}: not the file that this source was opened from; open it again"
        )


def write_targets(
    targets: Targets | SoftTargets, path: str | Path, *, layout: str | None = None
) -> None:
    """Write targets to a Parquet file, whole or not at all.

    Args:
        targets: N clips × C classes.
        path: an existing file is replaced at the end.
        layout: `lists` (default), `packed` or `dense`; soft targets have `packed` (their default)
            and `dense`.

    Raises:
        OptionError: no such layout, or one that soft targets do not have.
        TargetsFileError: the file cannot be written; an existing file is unchanged.
    """
    expect("targets", targets, Targets | SoftTargets, "targets, as expand makes them")
    form = choose_layout(layout, soft=isinstance(targets, SoftTargets))
    form = form if targets.weight is None else form.with_weights()
    which = getattr(targets, "row_of_clip", np.arange(len(targets), dtype=np.int32))
    with (
        atomic_path(path) as unfinished,
        TargetsWriter(unfinished, targets.vocabulary, form, targets.listed, path) as writer,
    ):
        cells = writer.encode(targets)
        for start in range(0, len(targets), form.group):
            clips = targets.clips.slice(start, form.group)
            writer.write(clips, cells, which[start : start + form.group])
        writer.close(targets.metadata)


def read_info(path: str | Path) -> dict[str, Any]:
    """The metadata of a targets file, or of a folder of parts: how it was made, vocabulary, layout,
    rows; for a folder also `parts`, each with name, rows and SHA-256.

    Raises:
        TargetsFileError: the file is missing or broken, or this library did not write it.
    """
    return Metadata(open_targets(path)[1])


def targets_metadata(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a file without what the writer added."""
    return Metadata({name: value for name, value in facts.items() if name not in WRITTEN})


def open_targets(path: str | Path) -> tuple[list[pq.ParquetFile], dict[str, Any], Layout]:
    """The Parquet files of targets, in the order of rows, their metadata and layout.

    Raises:
        TargetsFileError: see `read_info`; or the parts of a folder do not belong together.
    """
    path = as_path("targets file", path)
    if not is_folder(path):
        file, facts, layout = _open(path)
        return [file], facts, layout
    facts, parts = read_index(path)
    files = []
    for part in parts:
        file, own, layout = _open(path / part.name)
        odd = [name for name in SHARED if own.get(name) != facts.get(name)]
        if odd or own["rows"] != part.rows:
            raise TargetsFileError(
                f"{path / part.name}: not the part that {INDEX} names: other "
                f"{shortlist(odd or ['rows'])}"
            )
        files.append(file)
    return files, facts, layout


def _open(path: Path) -> tuple[pq.ParquetFile, dict[str, Any], Layout]:
    what = "cannot be read as Parquet, in which 'audiolabels expand' writes targets"
    with guarded(path, TargetsFileError, what):
        if not path.exists():
            raise TargetsFileError(f"{path}: no such file")
        file = pq.ParquetFile(parquet_source(path))
        text, schema = (file.metadata.metadata or {}).get(KEY), file.schema_arrow
    if text is None:
        raise TargetsFileError(
            f"{path}: not a targets file (no metadata 'audiolabels'); 'audiolabels expand' makes "
            f"one from labels"
        )
    with guarded(path, TargetsFileError, "broken metadata"):
        facts = parse_json(text)
        odd = {key for key, kind in STATED.items() if not isinstance(facts.get(key, kind()), kind)}
        if odd:
            raise TargetsFileError(f"{path}: broken metadata: {shortlist(sorted(odd))}")
        version, name = facts["format_version"], facts["layout"]
        layouts = SOFT_LAYOUTS if facts.get("soft", False) else LAYOUTS
        if version > FORMAT_VERSION or name not in layouts:
            raise TargetsFileError(
                f"{path}: written in format {version}, layout {name!r}; this version of "
                f"audiolabels reads up to format {FORMAT_VERSION}: upgrade it"
            )
        layout = layouts[name].with_weights() if facts.get("weights") else layouts[name]
        classes = len(described_vocabulary(facts["vocabulary"]))
        columns = layout.columns(classes, facts.setdefault("listed", "masked"))
    expected = dict(zip(SCHEMA.names, SCHEMA.types, strict=True)) | columns
    found = {n: schema.field(n).type for n in expected if schema.names.count(n) == 1}
    rows = file.metadata.num_rows
    if [*columns][:2] != facts.get("columns") or found != expected or facts.get("rows") != rows:
        raise TargetsFileError(f"{path}: columns or rows do not match the metadata")
    return file, facts, layout


def read_targets(path: str | Path) -> Targets | SoftTargets:
    """Read a targets file of any layout, or a folder of parts.

    Returns:
        Targets of shape (N, C), equal to those that were written, hard or soft.

    Raises:
        TargetsFileError: the file is missing or broken, or this library did not write it.
    """
    files, facts, layout = open_targets(path)
    vocabulary = described_vocabulary(facts["vocabulary"])
    metadata = targets_metadata(facts)
    columns, width = len(vocabulary), -(-len(vocabulary) // 8)
    names = list(layout.columns(1, facts["listed"]))
    clips: list[pa.RecordBatch] = []

    def groups() -> Iterator[list[npt.NDArray[Any]]]:
        """The target columns of each row group."""
        for batch in _row_groups(path, files, names):
            clips.append(batch.select(SCHEMA.names))
            with guarded(path, TargetsFileError, "broken"):
                yield layout.load([batch[name] for name in names], columns)

    weight = None
    if layout.soft:
        n = facts["rows"]
        scores, masked = np.zeros((n, columns), np.float16), np.zeros((n, width), np.uint8)
        tables = [scores, masked]
        if layout.weighted:
            tables.append(weight := np.ones((n, columns), np.float16))
        start = 0
        for group in groups():
            rows = slice(start, start + len(group[0]))
            for table, part in zip(tables, group, strict=True):
                table[rows] = part
            start = rows.stop
        return SoftTargets(
            join_rows(clips), vocabulary, scores, masked, metadata=metadata, weight=weight
        )
    listed = facts["listed"]

    def joined() -> Iterator[Bits]:
        for positive, second, *own in groups():
            bits = [positive, layout.swap(positive, second, columns, listed)]
            bits += [np.ascontiguousarray(each, "<f2").view(np.uint8) for each in own]
            yield np.concatenate(bits, axis=1)

    widths = [width, width, *([2 * columns] if layout.weighted else [])]
    (positive, masked, *own), which = _distinct_pieces(joined(), widths)
    if own:
        weight = own[0].view("<f2")
    cut = np.zeros(len(positive), np.int32)
    return Targets(join_rows(clips), vocabulary, which, positive, masked, cut, listed,
                   metadata=metadata, weight=weight)  # fmt: skip


def _refuse_odd(batch: pa.RecordBatch, columns: Sequence[str]) -> None:
    """Raise ValueError for content that Arrow takes and no writer of targets makes."""
    batch["clip_id"].validate(full=True)
    if any(batch[name].null_count for name in ("clip_id", *columns)):
        raise ValueError("it has nulls")
    for name in ("onset", "offset"):
        seconds = to_numpy(batch[name].drop_null())
        if not ((seconds >= 0) & (seconds < LONGEST_S)).all():
            raise ValueError(f"{name} is no time in seconds")


def clip_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of clips of each row group.

    Raises:
        TargetsFileError: the file is missing or broken, or this library did not write it.
    """
    files, _, _ = open_targets(path)
    yield from _row_groups(path, files, ())


def _row_groups(
    path: str | Path, files: Sequence[pq.ParquetFile], targets: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """The row groups of files, with some columns of targets, read in this thread: Arrow never frees
    what other threads release.

    Raises:
        TargetsFileError: a file is broken.
    """
    names = [*SCHEMA.names, *targets]
    for file, group in ((each, g) for each in files for g in range(each.num_row_groups)):
        with guarded(path, TargetsFileError, "broken"):
            table = file.read_row_group(group, names, use_threads=False).combine_chunks()
            batches = table.to_batches()  # none of an empty group
            for batch in batches:
                _refuse_odd(batch, targets)
        yield from batches


def map_targets(path: str | Path, *, clips: bool = True) -> Targets | SoftTargets:
    """As `read_targets`; but soft targets of `LARGE` rows or more stay in their files, or if these
    have another layout, in a copy of the layout `packed` in the cache.

    Args:
        path: the file.
        clips: whether the rows of clips are wanted too; else there are none.

    Raises:
        TargetsFileError: as `read_targets`, or the cache cannot be written.
    """
    path = as_path("targets file", path)
    facts, layout = open_targets(path)[1:]
    if not layout.soft or facts["rows"] < LARGE:
        return read_targets(path)
    identity = file_identity(path)
    mapped = _mapped(path, identity)
    if mapped is None:
        version = (VERSION, identity)
        copy = cached_file("sources", path, version, ".parquet", partial(_copy_packed, path))
        mapped = _mapped(copy, file_identity(copy))
        if mapped is None:
            raise TargetsFileError(f"{copy}: broken; remove it, and it is made again")
    rows = join_rows([*clip_batches(path)] if clips else [])
    vocabulary = described_vocabulary(facts["vocabulary"])
    metadata = targets_metadata(facts)
    return SoftTargets(rows, vocabulary, **mapped, metadata=metadata)


def _mapped(path: Path, identity: Identity) -> dict[str, Any] | None:
    """Scores, masked bits and any weights, as `SoftTargets` has them, in a file; None if it is not
    so stored.
    """
    layout = open_targets(path)[2]
    if not layout.plain:
        return None
    fields = {"target": "scores", "masked": "masked", WEIGHT: WEIGHT}
    mapped = {
        fields[name]: map_rows(path, name, identity, halves=name != "masked")
        for name in layout.columns(1, "masked")
    }
    return None if any(rows is None for rows in mapped.values()) else mapped


def _copy_packed(path: Path, copy: Path) -> None:
    """Write soft targets of any layout in the layout `packed`, a row group at a time."""
    files, facts, layout = open_targets(path)
    packed = choose_layout("packed", soft=True)
    packed = packed.with_weights() if layout.weighted else packed
    vocabulary = described_vocabulary(facts["vocabulary"])
    names = list(layout.columns(1, facts["listed"]))
    with TargetsWriter(copy, vocabulary, packed, "masked", copy.with_suffix(".parquet")) as writer:
        for batch in _row_groups(path, files, names):
            with guarded(path, TargetsFileError, "broken"):
                tables = layout.load([batch[name] for name in names], len(vocabulary))
            for start in range(0, len(batch), packed.group):
                rows = slice(start, start + packed.group)
                cells = packed.encode([each[rows] for each in tables], len(vocabulary))
                writer.write(batch[rows].select(SCHEMA.names), cells, None)
        writer.close(targets_metadata(facts))


def read_hard_targets(path: str | Path) -> Targets:
    """`read_targets` where only hard targets will do; a TargetsFileError if they are soft."""
    targets = read_targets(path)
    if isinstance(targets, SoftTargets):
        raise TargetsFileError(
            f"{path}: soft targets, where hard ones are needed; expand the scores with a threshold "
            f"(--threshold 0.5)"
        )
    return targets


def _distinct_pieces(
    tables: Iterable[Bits], widths: Sequence[int]
) -> tuple[list[Bits], npt.NDArray[np.int32]]:
    """The distinct rows of many tables, cut into pieces of so many bytes each, and the distinct row
    of each row.

    Where most rows differ, equal rows of different tables are not merged: it would take as much
    memory again.
    """
    distinct, numbers, count = [np.zeros((0, sum(widths)), np.uint8)], [np.zeros(0, np.int32)], 0
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
    pieces = [np.empty((count, width), np.uint8) for width in widths]
    while distinct:
        table = distinct.pop()  # which frees it
        rows = slice(count - len(table), count)
        for piece, part in zip(pieces, np.split(table, np.cumsum(widths)[:-1], 1), strict=True):
            piece[rows] = part
        count = rows.start
    return pieces, which

"""Labels and scores in the files that `export` writes for other projects' code, as scores.

Where a file has `soft`, those are the scores; else its labels are, as 1 and 0, of which
`pseudo-strong` with a threshold makes the same hard targets again. `mask` or `masked` is unknown.
The list of classes stands beside the file, or in it. In text `soft` is base64 of little-endian
float16, a number a class.

Clip ids are what the form holds of them: where it writes a video's 11 characters alone, the start
is lost.
"""

import binascii
import csv
import json
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audiolabels.errors import ScoresFileError
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.readers.dialect import CLIP
from audiolabels.readers.scores.formats import BLOCK, Block, ScoreOptions, Table, texts, whole_ms
from audiolabels.readers.scores.hdf5 import open_hdf5

HEAR = "labelvocabulary.csv"


class Row(NamedTuple):
    """A clip or segment.

    Attributes:
        name: what the file calls it.
        labels, masked: classes as numbers, ids or names.
        soft: C scores, or their base64; None: the labels tell.
        span: onset and offset in seconds, if the file has segments.
    """

    name: str
    labels: Iterable[str]
    masked: Iterable[str]
    soft: str | npt.NDArray[np.floating] | None = None
    span: tuple[float, float] | None = None


def header(path: Path) -> list[str]:
    """The first line's cells, and the name's extension; nothing if that is no text."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            line = file.readline(1 << 16)
    except ValueError:
        return []
    return [*next(csv.reader([line], delimiter=_delimiter(line)), []), path.suffix]


def json_kind(path: Path) -> list[str]:
    """`data` for the JSON of AST; nothing for HEAR's, whose keys are files."""
    with path.open(encoding="utf-8") as file:
        return ["data"] if file.read(64).lstrip("{ \n").startswith('"data"') else []


def class_list(path: Path) -> Path:
    """The list of classes that belongs beside a text file."""
    cells = json_kind(path) if path.suffix == ".json" else header(path)
    beside = {
        "mids": "vocabulary.csv",
        "event_labels": f"{path.stem}_classes.tsv",
        "labels": "class_labels_indices.csv",
        "data": "class_labels_indices.csv",
        ".lbl": "label_descriptors.csv",
        ".json": HEAR,
    }
    found = next(name for key, name in beside.items() if key in [*cells, path.suffix])
    return path.with_name(found)


@contextmanager
def open_ast(options: ScoreOptions) -> Iterator[Table]:
    """The JSON of AST."""
    entries = json.loads(options.path.read_text(encoding="utf-8"))["data"]
    rows = (
        Row(e["wav"], _split(e["labels"], ","), _split(e.get("masked"), ","), e.get("soft"))
        for e in entries
    )
    yield _table(options, rows)


@contextmanager
def open_hear(options: ScoreOptions) -> Iterator[Table]:
    """The JSON of HEAR, labels a clip."""
    path = options.path
    masked = path.with_name(f"{path.stem}_masked.json")
    labels, unknown = (
        json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        for file in (path, masked)
    )
    if any(isinstance(label, dict) for label in chain.from_iterable(labels.values())):
        raise ScoresFileError(f"{path}: events, which are no scores; these are read by no form")
    yield _table(options, (Row(k, some, unknown.get(k, [])) for k, some in labels.items()))


@contextmanager
def open_eat(options: ScoreOptions) -> Iterator[Table]:
    """EAT's labels, line by line, and what stands beside them."""
    files = [options.path.with_suffix(suffix) for suffix in (".lbl", ".masked", ".soft")]
    columns = [
        [line.partition("\t") for line in file.read_text(encoding="utf-8").splitlines()]
        if file.exists()
        else None
        for file in files
    ]
    names = [name for name, *_ in columns[0] or []]
    for file, column in zip(files, columns, strict=True):
        if column is not None and [name for name, *_ in column] != names:
            raise ScoresFileError(f"{file}: its lines are not those of {options.path.name}")
    labels, masked, soft = (
        [None] * len(names) if column is None else [cell for *_, cell in column]
        for column in columns
    )
    rows = (
        Row(name, _split(some, ","), _split(unknown, ","), scores)
        for name, some, unknown, scores in zip(names, labels, masked, soft, strict=True)
    )
    yield _table(options, rows)


@contextmanager
def open_lists(options: ScoreOptions) -> Iterator[Table]:
    """The tables of PSL, CED, FSD50K and DESED_task's weak labels."""
    with options.path.open(encoding="utf-8-sig", newline="") as file:
        line = file.readline()
        file.seek(0)
        yield _table(options, map(_cells, csv.DictReader(file, delimiter=_delimiter(line))))


def _cells(cells: Mapping[str, str]) -> Row:
    column = next(c for c in ("mids", "event_labels", "labels") if c in cells)
    separator = ";" if column == "labels" else ","
    name = next(cells[c] for c in CLIP if c in cells)
    span = (float(cells["from"]), float(cells["to"])) if "from" in cells else None
    labels, masked = (_split(cells[c], separator) for c in (column, "masked"))
    return Row(name, labels, masked, cells.get("soft"), span)


@contextmanager
def open_hugging_face(options: ScoreOptions) -> Iterator[Table]:
    """Parquet as `agkphysics/AudioSet` has it."""
    with pq.ParquetFile(options.path) as file:
        schema = file.schema_arrow
        ids = texts(json.loads((schema.metadata or {})[b"classes"]))
        columns = [c for c in ("video_id", "labels", "masked", "soft") if c in schema.names]
        rows = (
            Row(*cells)
            for batch in file.iter_batches(BLOCK, columns=columns)
            for cells in zip(*_lists(batch, columns, len(ids)), strict=True)
        )
        columns_ = {id_: i for i, id_ in enumerate(ids)}
        yield Table(len(ids), ids, "classes", _blocks(options, rows, columns_))


def _lists(batch: pa.RecordBatch, columns: list[str], classes: int) -> Iterator[Iterable[Any]]:
    """The columns as Python has them, but for the scores, which stay numpy's."""
    for name in columns:
        if name == "soft":
            flat = batch[name].flatten().to_numpy(zero_copy_only=False)
            yield flat.reshape(len(batch), classes)
        else:
            yield batch[name].to_pylist()


@contextmanager
def open_beside_audio(options: ScoreOptions) -> Iterator[Table]:
    """HDF5 of PANNs, PaSST and EfficientAT, whose targets are booleans or bits."""
    with open_hdf5(options.path) as file:
        names, target = file["audio_name"], file["target"]
        ids = texts(target.attrs["classes"]) if "classes" in target.attrs else None
        width = len(ids) if ids else 527
        scores = file.get("soft", target)

        def unpack(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            bits = values.dtype == np.uint8 and values.shape[1] == -(-width // 8)
            return np.unpackbits(values, axis=1, count=width) if bits else values

        def blocks(classes: int) -> Iterator[Block]:
            for start in range(0, len(names), BLOCK):
                rows = slice(start, start + BLOCK)
                values = unpack(scores[rows]).astype(np.float32)
                known = unpack(file["mask"][rows]) > 0 if "mask" in file else None
                yield Block(start + 1, texts(names[rows]), values, known=known)

        yield Table(width, ids, "attribute classes", blocks)


def _table(options: ScoreOptions, rows: Iterable[Row]) -> Table:
    """Rows whose classes a list beside the file tells."""
    beside = class_list(options.path)
    if not beside.is_file():
        raise ScoresFileError(
            f"{options.path}: the list of classes is missing; {beside.name} belongs beside it"
        )
    classes = load_vocabulary(_named(beside) if beside.name == HEAR else beside)
    columns = {str(i): i for i in range(len(classes))}
    for labels in (classes.names, classes.ids):
        columns |= {label: i for i, label in enumerate(labels)}
    return Table(len(classes), classes.ids, beside.name, _blocks(options, rows, columns))


def _named(path: Path) -> list[str]:
    """HEAR's classes, which may be names."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row["label"] for row in csv.DictReader(file)]


def _blocks(
    options: ScoreOptions, rows: Iterable[Row], columns: Mapping[str, int]
) -> Callable[[int], Iterator[Block]]:
    def blocks(classes: int) -> Iterator[Block]:
        first, left = 1, iter(rows)
        while part := list(islice(left, BLOCK // 8)):
            values = np.zeros((len(part), classes), np.float32)
            known = np.ones(values.shape, np.bool_)
            for i, row in enumerate(part):
                try:
                    if row.soft is None:
                        values[i, [columns[label] for label in row.labels]] = 1
                    else:
                        values[i] = _scores(row.soft)
                    known[i, [columns[label] for label in row.masked]] = False
                except KeyError as error:
                    raise ScoresFileError(
                        f"{options.path}: {row.name} has a class {error} that the list of classes "
                        f"lacks"
                    ) from error
                except (ValueError, binascii.Error) as error:
                    raise ScoresFileError(
                        f"{options.path}: {row.name}: 'soft' holds no {classes} scores"
                    ) from error
            names = [row.name for row in part]
            spans = np.array([row.span for row in part if row.span], np.float64)
            onset, offset = (
                (whole_ms(times, options.path, "from and to") for times in spans.T)
                if len(spans)
                else (None, None)
            )
            yield Block(first, names, values, onset, offset, known)
            first += len(part)

    return blocks


def _scores(soft: str | npt.NDArray[np.floating]) -> npt.ArrayLike:
    if isinstance(soft, str):
        return np.frombuffer(b64decode(soft, validate=True), "<f2")
    return soft


def _split(text: str | None, separator: str) -> list[str]:
    return [label for label in (text or "").split(separator) if label]


def _delimiter(line: str) -> str:
    return "\t" if "\t" in line else ","

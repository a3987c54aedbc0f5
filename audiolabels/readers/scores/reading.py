"""Files of scores to `Scores`, in parts or whole: what all forms share.

Logits become probabilities, columns get their classes, rows with several segments become several
rows, and what cannot be a teacher's scores is refused with the first clip concerned.
"""

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import doubles_to_arrow, texts_to_arrow, to_arrow
from audiolabels.clips.duplicates import repeated_hashes
from audiolabels.clips.index import hash_strings
from audiolabels.clips.names import parse_clip_name
from audiolabels.clips.rows import clip_rows
from audiolabels.errors import AudioLabelsError, ScoresFileError, VocabularyError
from audiolabels.files import as_path
from audiolabels.labels.report import Finding, Report
from audiolabels.labels.scores import Floats, Scores, run_starts
from audiolabels.ontology.ontology import Ontology, load_ontology
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
from audiolabels.readers.scores.blocks import Block, ScoreOptions, Table
from audiolabels.readers.scores.detection import BESIDE, detect_form

SLACK = 1e-6  # a probability may be off by so much
# What zipfile, numpy, h5py and pyarrow raise when a file is not as it should be.
RAISED = (
    pa.ArrowException,
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    RuntimeError,
    SyntaxError,
    OverflowError,
    AttributeError,
)


def read_scores(
    path: str | Path,
    *,
    class_order: str | Path | None = None,
    values: str = "auto",
    index: str | Path | None = None,
    beyond_top: str = "unknown",
    ontology: Ontology | None = None,
) -> Scores:
    """Read a file of teacher scores in any of the known forms, whole.

    Args:
        path: the file; its form is detected, and named in the report's notes.
        class_order, values, index, beyond_top: see `ScoreOptions`.
        ontology: where classes are looked up; the embedded one with its supplement by default.

    Raises:
        ScoresFileError: the file is missing or broken, has no known form, its shapes do not fit, a
            score is no number or no probability, or a clip's segments do not stand together.
        VocabularyError: the class order is not known, or has another number of classes.
        OptionError: an option is not offered, or h5py is needed and not installed.
    """
    options = ScoreOptions(
        as_path("scores", path), class_order, values, Path(index) if index else None, beyond_top
    )
    ontology = ontology or load_ontology().with_supplement()
    return Scores.concat(list(stream_scores(options, ontology)))


def stream_scores(options: ScoreOptions, ontology: Ontology) -> Iterator[Scores]:
    """Scores part by part, each with its report; the last has no rows and names the source.

    Memory grows by 16 bytes a clip.

    Raises:
        AudioLabelsError: see `read_scores`.
    """
    path = options.path
    if not path.is_file():
        raise ScoresFileError(f"{path}: no such file")
    with _broken(path):
        form = detect_form(path)
        with form.open(options) as table:
            vocabulary, taken = _class_order(options, table, ontology)
            numbers, order, rows = _Numbers(options), _Order(path), 0
            for block in table.blocks(len(vocabulary)):
                part = _segments(options, table, block, numbers, vocabulary, ontology)
                order.check(part)
                rows += part.report.rows
                yield part
            order.finish()
    if not rows:
        raise ScoresFileError(f"{path}: no row of scores")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    notes = [
        f"{path.name} was read as {form.name} ({form.summary})",
        "; ".join([f"scores taken as {numbers.taken}", taken, *table.notes]),
    ]
    if table.top:
        notes.append(
            f"{path.name} lists the {table.top} highest scores a row; the others are "
            f"{options.beyond_top}"
        )
    facts = {"name": path.name, "format": form.name, "sha256": digest, "rows": rows}
    facts |= {"values": numbers.kind, "classes": vocabulary.name}
    yield replace(part.slice(0, 0), report=Report(sources=[facts], notes=notes))


def class_order(options: ScoreOptions, ontology: Ontology) -> Vocabulary:
    """The classes of a file of scores, in the teacher's order.

    Raises:
        AudioLabelsError: see `read_scores`.
    """
    if not options.path.is_file():
        raise ScoresFileError(f"{options.path}: no such file")
    with _broken(options.path), detect_form(options.path).open(options) as table:
        return _class_order(options, table, ontology)[0]


def side_files(options: ScoreOptions) -> list[Path]:
    """The files that are read beside a file of scores.

    Raises:
        ScoresFileError: the file of scores is missing, or has no known form.
    """
    path = options.path
    if not path.is_file():
        raise ScoresFileError(f"{path}: no such file")
    with _broken(path):
        form = detect_form(path).name
        beside = BESIDE[form](path) if form in BESIDE else []
    named = (options.index, options.class_order, *beside)
    return [Path(file) for file in named if file is not None]


@contextmanager
def _broken(path: Path) -> Iterator[None]:
    """Whatever a broken file makes a library raise, as one error."""
    try:
        yield
    except AudioLabelsError:
        raise
    except KeyError as error:
        raise ScoresFileError(f"{path}: has no {error}") from error
    except RAISED as error:
        raise ScoresFileError(f"{path}: broken, or not what it seems: {error}") from error


def _class_order(options: ScoreOptions, table: Table, ontology: Ontology) -> tuple[Vocabulary, str]:
    """The teacher's classes in order, and what to say of them."""
    if options.class_order is not None:
        vocabulary = load_vocabulary(options.class_order, ontology=ontology)
        told = f"classes in the order of {vocabulary.name}, as named"
    elif table.labels is not None:
        named = load_vocabulary(table.labels, ontology=ontology)
        vocabulary = replace(named, name=options.path.name)
        told = f"classes as the file says ({table.order})"
    else:
        vocabulary = load_vocabulary("audioset", ontology=ontology)
        told = "classes taken to be in the order of audioset"
    if table.classes and len(vocabulary) != table.classes:
        raise VocabularyError(
            f"{options.path}: scores of {table.classes} classes, but {vocabulary.name} has "
            f"{len(vocabulary)}; name the teacher's class order with --class-order (class_order=)"
        )
    return vocabulary, told


class _Numbers:
    """Makes probabilities of the numbers, as asked for or as the first block shows."""

    def __init__(self, options: ScoreOptions) -> None:
        self._options = options
        self.kind = "" if options.values == "auto" else options.values
        self.taken = self.kind

    def probabilities(self, block: Block) -> Floats:
        """float32 of the shape of the block's values; 0 where unknown."""
        values = np.array(block.values, np.float32)
        if block.known is not None:
            values[~block.known] = 0
        self._refuse(block, ~np.isfinite(values), values, "no number")
        if not self.kind:
            low, high = float(values.min(initial=0)), float(values.max(initial=0))
            self.kind = "probabilities" if low >= -SLACK and high <= 1 + SLACK else "logits"
            self.taken = f"{self.kind} (the first block goes from {low:.3g} to {high:.3g})"
        if self.kind == "logits":
            with np.errstate(over="ignore"):  # exp of much is inf, and 1 / inf is 0, as it should
                np.exp(-values, out=values)
            np.reciprocal(1 + values, out=values)
            if block.known is not None:
                values[~block.known] = 0
            return values
        outside = (values < -SLACK) | (values > 1 + SLACK)
        self._refuse(block, outside, values, "no probability; if they are logits, say so with "
                     "--score-values logits (values='logits')")  # fmt: skip
        return values.clip(0, 1)

    def _refuse(self, block: Block, bad: npt.NDArray[np.bool_], values: Floats, why: str) -> None:
        if not bad.any():
            return
        row = int(np.flatnonzero(bad.reshape(len(bad), -1).any(1))[0])
        value = values[row][bad[row]].ravel()[0]
        raise ScoresFileError(
            f"{self._options.path}: {block.names[row]} (row {block.first + row:,}) has a score "
            f"{value:.4g}, which is {why}"
        )


def _segments(
    options: ScoreOptions,
    table: Table,
    block: Block,
    numbers: _Numbers,
    vocabulary: Vocabulary,
    ontology: Ontology,
) -> Scores:
    """A block with a row for each segment."""
    values = numbers.probabilities(block)
    n, columns = len(block.names), len(vocabulary)
    if values.shape[0] != n or values.shape[-1] != columns:
        raise ScoresFileError(f"{options.path}: {values.shape} scores for {n} rows")
    each = values.shape[1] if values.ndim == 3 else 1
    ids = [parse_clip_name(name).clip_id for name in block.names]
    flat = values.reshape(n * each, columns)
    unknown = np.zeros((len(flat), -(-columns // 8)), np.uint8)
    if block.known is not None and not (table.top and options.beyond_top == "zero"):
        unknown = np.packbits(~block.known.reshape(flat.shape), axis=1)
    if block.masked is not None:
        flat[block.masked.reshape(flat.shape)] = 0
        unknown |= np.packbits(block.masked.reshape(flat.shape), axis=1)
    numbered = np.repeat(np.arange(block.first, block.first + n), each)
    findings = [
        Finding(options.path.name, block.first + row, "", "row unused", "the clip's id is empty")
        for row, id_ in enumerate(ids)
        if not id_
    ]
    part = Scores(
        clip_rows(
            texts_to_arrow([id_ for id_ in ids for _ in range(each)]),
            _seconds(block.onset_ms, len(flat), 0.0),
            _seconds(block.offset_ms, len(flat), None),
        ),
        ontology,
        vocabulary,
        flat,
        unknown,
        numbered,
    )
    if findings:
        part = part.keep(np.repeat(np.array([bool(id_) for id_ in ids]), each))
    report = Report(rows=n, rows_used=n - len(findings), findings=findings)
    return replace(part, report=report)


def _seconds(ms: npt.NDArray[np.int64] | None, count: int, default: float | None) -> pa.DoubleArray:
    if ms is None:
        return doubles_to_arrow([default] * count)
    return to_arrow(np.ascontiguousarray(ms).reshape(-1) / 1000)


class _Order:
    """Refuses segments of a clip that do not stand together, in order."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: Scores | None = None
        self._hashes, self._rows = bytearray(), bytearray()

    def check(self, part: Scores) -> None:
        """Take in the next part."""
        if not len(part):
            return
        both = part if self._last is None else Scores.concat([self._last, part])
        starts = run_starts(both.clip_id)
        onset = np.asarray(both.onset.to_pylist())
        same = np.ones(len(both), np.bool_)
        same[starts] = False
        late = np.flatnonzero(same[1:] & (onset[1:] <= onset[:-1]))
        if len(late):
            row = int(late[0]) + 1
            raise ScoresFileError(
                f"{self._path}: the segment of {both.clip_id[row]} in row {both.rows[row]:,} does "
                f"not begin after the one before it; sort the segments by onset, each once"
            )
        if self._last is not None:
            starts = starts[starts > 0]
        self._hashes += hash_strings(both.clip_id.take(to_arrow(starts))).tobytes()
        self._rows += both.rows[starts].tobytes()
        self._last = part.slice(len(part) - 1, len(part))

    def finish(self) -> None:
        """Look for clips that came again; equal names hash alike, others all but never do."""
        twice = repeated_hashes(bytearray(self._hashes))
        if len(twice):
            hashes = np.frombuffer(self._hashes, np.uint64)
            rows = np.frombuffer(self._rows, np.int64)[hashes == twice[0]]
            raise ScoresFileError(
                f"{self._path}: a clip comes again, in rows {rows[0]:,} and {rows[1]:,}"
                f"{_more(len(twice) - 1)}; a clip's segments must stand together, each once"
            )


def _more(clips: int) -> str:
    return f", and so do {clips:,} more clips" if clips else ""

"""Files of scores to `Scores`, in parts or whole."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiolabels.errors import ScoresFileError, VocabularyError, guarded
from audiolabels.files import as_path
from audiolabels.files.remote import to_path
from audiolabels.labels.report import Report
from audiolabels.labels.scores import Scores
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary, load_vocabulary
from audiolabels.readers.memory import InMemory, expecting, in_memory
from audiolabels.readers.options import BLOCK_SIZES, BlockSizes, ScoreOptions
from audiolabels.readers.reports import described
from audiolabels.readers.scores.blocks import ScoreTable
from audiolabels.readers.scores.formats import ScoreFormat, open_format
from audiolabels.readers.scores.segments import Segments, in_order


@dataclass(frozen=True)
class ScoreFile:
    """A file of scores that is open: its format and classes are known, its rows are not read yet.

    Attributes:
        options: how it is read.
        format: its entry in `SCORE_FORMATS`.
        table: what it holds.
        vocabulary: the teacher's classes, in its order.
        class_note: where that order comes from.
        ontology: where classes are looked up.
        source: the file, or a table in memory.
    """

    options: ScoreOptions
    format: ScoreFormat
    table: ScoreTable
    vocabulary: Vocabulary
    class_note: str
    ontology: Ontology
    source: Path | InMemory

    @property
    def side_files(self) -> list[Path]:
        """The other files that are read with it."""
        named = (self.options.class_order, *self.table.side_files)
        return [to_path(file) for file in named if file is not None]

    def stream(self) -> Iterator[Scores]:
        """Scores part by part, from the first row, each with its report.

        The last part has no rows; its report describes the file. Memory grows by 16 bytes per clip.

        Raises:
            AudioLabelsError: see `read_scores`.
        """
        path, table, options = self.options.path, self.table, self.options
        segments = Segments(options, table, self.vocabulary, self.ontology)
        report = Report()
        with guarded(path, ScoresFileError):
            parts = map(segments.scores, table.blocks(len(self.vocabulary)))
            for part in in_order(described(parts, self.source, self.format, report), path):
                yield part
        (source,) = report.sources
        if not source["rows"]:
            raise ScoresFileError(f"{path}: no row of scores")
        source |= {"values": segments.kind, "classes": self.vocabulary.name}
        report.notes.append("; ".join([segments.note, self.class_note, *table.notes]))
        if table.top:
            report.notes.append(
                f"{path.name} lists the {table.top} highest scores per row; the others are "
                f"{options.beyond_top}"
            )
        yield replace(part.slice(0, 0), report=report)


@contextmanager
def open_scores(
    options: ScoreOptions, ontology: Ontology, held: InMemory | None = None
) -> Iterator[ScoreFile]:
    """Open a file of scores, whose format is detected, or a table in memory.

    Raises:
        AudioLabelsError: see `read_scores`.
    """
    source = held or options.path
    with ExitStack() as stack:
        with guarded(options.path, ScoresFileError):
            found, opened = open_format(source, stack)
            table = found.read(opened, options)
            vocabulary, note = _class_order(options, table, ontology)
        yield ScoreFile(options, found, table, vocabulary, note, ontology, source)


def stream_scores(options: ScoreOptions, ontology: Ontology) -> Iterator[Scores]:
    """Scores part by part; see `ScoreFile.stream`.

    Raises:
        AudioLabelsError: see `read_scores`.
    """
    with open_scores(options, ontology) as file:
        yield from file.stream()


def read_scores(
    path: str | Path | Any,
    *,
    class_order: str | Path | None = None,
    values: str = "auto",
    index: str | Path | None = None,
    beyond_top: str = "unknown",
    ontology: Ontology | None = None,
    block_sizes: BlockSizes = BLOCK_SIZES,
) -> Scores:
    """Read a file of teacher scores in any of the known formats, whole.

    Args:
        path: the file, whose format is detected and named in the report's notes; or data in memory,
            as in `read_labels`, with the columns of a Parquet file (see `readers.scores.parquet`).
        class_order, values, index, beyond_top, block_sizes: see `ScoreOptions`.
        ontology: where classes are looked up; the embedded one with its supplement by default.

    Raises:
        ScoresFileError: the file is missing or broken, has no known format, its shapes do not fit,
            a score is no number or no probability, or a clip's segments do not follow each other.
        VocabularyError: the class order is unknown, or has another number of classes.
        OptionError: an option is not offered, or h5py is needed and not installed.
    """
    held = in_memory(path)
    with expecting(path):
        file = as_path("scores", path) if held is None else held.path
    options = ScoreOptions(file, class_order, values, index, beyond_top, block_sizes)
    ontology = default_ontology(ontology)
    with open_scores(options, ontology, held) as scores:
        return Scores.concat(list(scores.stream()))


def _class_order(
    options: ScoreOptions, table: ScoreTable, ontology: Ontology
) -> tuple[Vocabulary, str]:
    """The teacher's classes in order, and where that order comes from."""
    if options.class_order is not None:
        vocabulary = load_vocabulary(options.class_order, ontology=ontology)
        note = f"classes in the order of {vocabulary.name}, as given"
    elif table.labels is not None:
        named = load_vocabulary(table.labels, ontology=ontology)
        vocabulary = replace(named, name=options.path.name)
        note = f"classes as in the file ({table.order})"
    else:
        vocabulary = load_vocabulary("audioset", ontology=ontology)
        note = "classes assumed to be in the order of audioset"
    if table.classes and len(vocabulary) != table.classes:
        raise VocabularyError(
            f"{options.path}: scores of {table.classes} classes, but {vocabulary.name} has "
            f"{len(vocabulary)}; name the teacher's class order with --class-order (class_order=)"
        )
    return vocabulary, note

"""Comparison of files: label files or targets files, read at once."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from audiolabels.comparison.comparison import Comparison, compare
from audiolabels.comparison.matching import Statements
from audiolabels.datasets.cache import find_file
from audiolabels.errors import LabelFileError, UnknownClipError, guarded, shortlist
from audiolabels.files import atomic_path, blame, sha256_of
from audiolabels.labels.report import Report
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.readers import read_labels
from audiolabels.targets.parts import identifying_file, is_folder
from audiolabels.targets.store import KEY, read_hard_targets
from audiolabels.targets.targets import Targets

if TYPE_CHECKING:
    import pandas


def compare_files(
    a: str | Path,
    b: str | Path,
    *,
    vocabulary: str | Path | Vocabulary | None = None,
    ontology: Ontology | None = None,
    **reading: Any,
) -> Comparison:
    """Compare two files on their common clips.

    Args:
        a, b: label files in any known format, or targets files of this library.
        vocabulary: restricts the tables to its classes; see `audiolabels.compare`.
        ontology: the embedded one with its supplement by default.
        **reading: how label files are read: see `audiolabels.readers.ReadOptions`.

    Raises:
        LabelFileError, TargetsFileError: a file cannot be read.
        UnknownLabelError: a label is unknown and `unknown` is `error`.
        ComparisonError, VocabularyError, UnknownClipError: see `compare`.

    >>> from audiolabels.ontology.embedded import sample_path
    >>> compare_files(sample_path(), sample_path())
    Comparison(200 clips, 59 classes; A holds 100.0% of B's 442 pairs, B holds 100.0% of A's 442)
    """
    ontology = default_ontology(ontology)
    report, sides = Report(), []
    paths = [find_file("a file to compare", each) for each in (a, b)]
    for path in paths:
        side: Statements
        if _holds_targets(path):
            side = read_hard_targets(path)
            report.merge(_report_of(side, path))
        else:
            side = read_labels(path, ontology=ontology, **reading)
            report.merge(side.report)
        sides.append(side)
    try:
        found = compare(*sides, vocabulary=vocabulary, ontology=ontology)
    except UnknownClipError as error:
        raise UnknownClipError(
            f"{' and '.join(map(str, paths))}: a clip of one could be several of the other: "
            f"{error}. {_remedy(sides)}"
        ) from error
    return replace(found, report=report)


def _remedy(sides: Sequence[Statements]) -> str:
    """What to do about clips that could be several; of a join, with the prefixes of its sources."""
    joined = [each for side in sides for each in getattr(side, "metadata", {}).get("joined", ())]
    known = {source["name"]: source["prefix"] for source in joined if source.get("prefix")}
    shown = shortlist(known.items(), show=lambda own: f"--prefix {own[1]} for {own[0]}")
    given = f"as it was joined, {shown}" if known else "so that its ids are those of the other"
    return f"Read label files with their data set's prefix (prefix=), {given}"


def _holds_targets(path: Path) -> bool:
    """Whether a path is Parquet with this library's metadata, or a folder of such."""
    try:
        with guarded(path, LabelFileError):
            schema = pq.read_schema(path) if path.is_file() else None
            return is_folder(path) or (schema is not None and KEY in (schema.metadata or {}))
    except LabelFileError:  # reading it raises the error
        return False


def _report_of(targets: Targets, path: Path) -> Report:
    facts, rows = targets.metadata, len(targets)
    options = "".join(f", {name} {value}" for name, value in facts.get("options", {}).items())
    note = (
        f"{path.name} holds targets: {facts.get('scheme', 'unknown scheme')}{options}, vocabulary "
        f"{targets.vocabulary.name} ({len(targets.vocabulary)} classes)"
    )
    digest = sha256_of(identifying_file(path))
    source = {"name": path.name, "format": "targets", "sha256": digest, "rows": rows}
    return Report(rows=rows, rows_used=rows, sources=[source], notes=[note])


def write_frame(frame: "pandas.DataFrame", path: str | Path) -> None:
    """Write a data frame to a CSV file, whole or not at all; nan becomes an empty cell.

    Raises:
        TargetsFileError: the file cannot be written.
    """
    numbers = frame.astype(dict.fromkeys(frame.select_dtypes(bool), int))
    with atomic_path(path) as partial, blame(path):
        numbers.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")

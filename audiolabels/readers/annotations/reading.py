"""Label files to annotations, in parts or whole."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from audiolabels.clips.duplicates import REPEATED, SeenClips
from audiolabels.errors import LabelFileError
from audiolabels.files import as_paths
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Finding, Report
from audiolabels.ontology.ontology import Ontology, load_ontology
from audiolabels.ontology.vocabulary import load_vocabulary
from audiolabels.readers.annotations.ast_json import read_ast_json
from audiolabels.readers.annotations.delimited import read_delimited
from audiolabels.readers.annotations.label_parsing import LabelResolver
from audiolabels.readers.annotations.parquet import read_parquet, unread_columns
from audiolabels.readers.dialect import detect_dialect
from audiolabels.readers.opening import ARROW, Source, open_source
from audiolabels.readers.options import FORMATS, ReadOptions, ignored_columns


def stream_source(
    source: Source, ontology: Ontology, options: ReadOptions
) -> Iterator[Annotations]:
    """Annotations of one opened file, part by part, each with its report.

    The last part may hold no clips; its report names the source and how it was taken.

    Raises:
        LabelFileError: see `read_labels`.
    """
    drop = options.unknown == "drop"
    rows = 0
    if source.head.startswith(ARROW):
        raise LabelFileError(
            f"{source.path}: an Arrow stream, which is read as events, not labels of clips: with "
            f"--scheme strong-framed or diffuse (audiolabels.read_events)"
        )
    if source.head.startswith(b"PAR1"):
        format_, note = "parquet", ignored_columns(unread_columns(source))
        parts = read_parquet(source, LabelResolver(ontology, drop=drop))
    elif source.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        format_, note = "ast-json", ""
        parts = read_ast_json(source, LabelResolver(ontology, drop=drop))
    else:
        dialect = detect_dialect(source, ontology)
        if dialect.present is not None:
            raise LabelFileError(
                f"{source.path}: framed labels (PRESENT / NOT_PRESENT), which say when and when "
                f"not; as labels of clips they would turn absences into labels. Read them as "
                f"events, with --scheme strong-framed or diffuse (audiolabels.read_events)"
            )
        format_, note = dialect.format, ignored_columns(dialect.unused)
        codes = _column_numbers() if format_ == "psl" else {}
        resolver = LabelResolver(ontology, codes=codes, one_label=dialect.one_label, drop=drop)
        parts = read_delimited(source, dialect, resolver, options.time_unit)
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(source.digest)
        for part in parts:
            rows += part.report.rows
            yield part
        sha256 = digest.result()
    facts = {"name": source.name, "format": format_, "sha256": sha256, "rows": rows}
    notes = [f"{source.name} was read as {format_} ({FORMATS[format_]}){note}"]
    empty = Annotations.from_dict({}, ontology=ontology)
    empty.report.merge(Report(sources=[facts], notes=notes))
    yield empty


def read_labels(
    paths: str | Path | Sequence[str | Path],
    *,
    ontology: Ontology | None = None,
    unknown: str = "error",
    time_unit: str = "auto",
) -> Annotations:
    """Read label files in any of the known formats.

    Args:
        paths: one file or several; plain, gzip or zip.
        ontology: where labels are looked up; the embedded one with its supplement by default.
        unknown, time_unit: see `ReadOptions`.

    Returns:
        The clips in the files' order, with a report of everything that was not used as it stood.
        A clip that occurs twice is kept twice, and reported.

    Raises:
        LabelFileError: a file is missing, is no label file, is cut off, has no usable row, or
            its times are not seconds; the message says what to do.
        UnknownLabelError: a label is unknown and `unknown` is `error`.

    >>> from audiolabels.ontology.embedded import sample_path
    >>> read_labels(sample_path()).report
    Report(200 rows, 200 used, 0 findings)
    """
    options = ReadOptions(unknown, time_unit)
    ontology = ontology or load_ontology().with_supplement()
    listed = as_paths("label files", paths)
    if not listed:
        raise LabelFileError("no file given: name at least one label file")
    parts: list[Annotations] = []
    seen = SeenClips()
    for path in listed:
        with open_source(path) as source:
            for part in stream_source(source, ontology, options):
                seen.add(part.clips, part.rows, source.name)
                parts.append(part)
    result = Annotations.concat(parts, ontology)
    if not len(result):
        raise LabelFileError(no_usable_row(result.report, result.report.counts()))
    again = seen.duplicates(seen.repeated(), [result.clips])
    result.report.findings += [Finding(*clip, "duplicate clip", REPEATED) for clip in again]
    return result


def no_usable_row(report: Report, counts: Counter[tuple[str, str]]) -> str:
    """What to say of files of which nothing could be used."""
    reasons = "; ".join(f"{n:,} × {reason}" for (_, reason), n in counts.most_common(3))
    names = ", ".join(source["name"] for source in report.sources)
    return f"{names}: none of the {report.rows:,} rows can be used: {reasons or 'no rows'}"


def _column_numbers() -> Mapping[str, str]:
    return {str(i): id_ for i, id_ in enumerate(load_vocabulary("audioset").ids)}

"""One event file: its layout, its rows looked up, and what is known of it."""

from collections.abc import Iterator

from audiolabels.errors import LabelFileError
from audiolabels.labels.report import Report
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.label_parsing import LabelResolver
from audiolabels.readers.dialect import CLIP_DURATION, Dialect, detect_dialect
from audiolabels.readers.events.delimited import read_event_rows
from audiolabels.readers.events.event_cleaning import Part, look_up
from audiolabels.readers.events.pretrained_sed import read_arrow_rows
from audiolabels.readers.lines import ahead
from audiolabels.readers.opening import ARROW, Source
from audiolabels.readers.options import FORMATS, ReadOptions, ignored_columns


def event_dialect(source: Source, ontology: Ontology) -> Dialect | None:
    """The layout of an event file; None for an Arrow stream.

    Raises:
        LabelFileError: it holds no events.
    """
    if source.head.startswith(ARROW):
        return None
    if source.head.startswith(b"PAR1") or source.head.lstrip()[:1] in (b"{", b"["):
        raise LabelFileError(
            f"{source.path}: not an event file; those are CSV or TSV with one row an event: clip, "
            f"onset, offset, label"
        )
    dialect = detect_dialect(source, ontology)
    if not dialect.events:
        raise LabelFileError(
            f"{source.path}: no events: labels of whole clips, read as {dialect.format}. Schemes "
            f"for such labels are weak, pel and pe-cml; event files have the columns clip, onset, "
            f"offset and label"
        )
    return dialect


def read_parts(
    source: Source,
    dialect: Dialect | None,
    ontology: Ontology,
    options: ReadOptions,
    *,
    whole: bool,
) -> Iterator[Part]:
    """The statements of a file, part by part; see `read_event_rows` and `read_arrow_rows`."""
    resolver = LabelResolver(ontology, one_label=True, drop=options.unknown == "drop")
    stretches = (
        read_event_rows(source, dialect, options.time_unit, whole=whole)
        if dialect
        else read_arrow_rows(source)
    )
    for rows in ahead(stretches):
        yield look_up(rows, resolver, source.name)


def describe_file(source: Source, dialect: Dialect | None, sha256: str, rows: int) -> Report:
    """What is known of a file once it has been read."""
    format_, unused = "pretrained-sed", tuple[str, ...]()
    if dialect:
        format_, unused = ("events" if dialect.present is None else "framed"), dialect.unused
    unread = [name for name in unused if name not in CLIP_DURATION]
    note = f"{source.name} was read as {format_} ({FORMATS[format_]}){ignored_columns(unread)}"
    facts = {"name": source.name, "format": format_, "sha256": sha256, "rows": rows}
    return Report(sources=[facts], notes=[note])

"""Label files to annotations, in parts or whole."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from audiolabels.clips.duplicates import REPEATED, SeenClips
from audiolabels.clips.rows import prefixed
from audiolabels.datasets.cache import find_file
from audiolabels.errors import LabelFileError, OptionError, shortlist
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import Finding
from audiolabels.ontology.mapping import LabelMapping
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.readers.annotations.absences import Absences, only_absent
from audiolabels.readers.annotations.clip_lists import annotate_lists, melted
from audiolabels.readers.annotations.formats import LabelFormat, detect_format
from audiolabels.readers.annotations.label_parsing import (
    LabelRows,
    TextTable,
    conclude_labels,
    coverage,
    make_resolver,
    require_one_coverage,
)
from audiolabels.readers.annotations.long import gather_rows
from audiolabels.readers.annotations.verdicts import Verdicts, read_verdicts
from audiolabels.readers.annotations.wide import annotate_wide
from audiolabels.readers.clip_ids import Names, folders_needed, note_videos
from audiolabels.readers.columns import GivenColumns
from audiolabels.readers.formats import Layout
from audiolabels.readers.lines import ahead
from audiolabels.readers.memory import InMemory
from audiolabels.readers.opening import Source, open_source
from audiolabels.readers.options import BLOCK_SIZES, BlockSizes, ReadOptions
from audiolabels.readers.reports import described, listed_inputs, no_usable_row


def read_labels(
    paths: str | Path | Sequence[str | Path] | Any,
    *,
    ontology: Ontology | None = None,
    unknown: str = "error",
    time_unit: str = "auto",
    missing_rows: str = "error",
    aliases: Mapping[str, str] | str | Path | None = None,
    mapping: str | Path | LabelMapping | None = None,
    annotated: str | Path | Iterable[str] | None = None,
    values: str | float | None = None,
    raters: str | None = None,
    prefix: str = "",
    explicit_negatives: str | Path | None = None,
    verdicts: str | Path | None = None,
    columns: GivenColumns = None,
    block_sizes: BlockSizes = BLOCK_SIZES,
) -> Annotations:
    """Read label files in any of the known formats.

    Args:
        paths: one file or several; plain, gzip or zip. Or data in memory: a data frame of pandas or
            polars, an Arrow table, a relation of DuckDB, a data set of Hugging Face, or a
            dictionary of columns, or of clips to labels; see `audiolabels.readers.memory`.
        ontology: where labels are looked up; the embedded one with its supplement by default.
        unknown, time_unit, missing_rows, aliases, mapping, annotated: see `ReadOptions`.
        values, raters, prefix, explicit_negatives, verdicts, columns, block_sizes: likewise.

    Returns:
        The clips in the files' order, at the end those that only `explicit_negatives` names, with a
        report of everything that was not used as it is.
        A clip that occurs twice is kept twice, and reported.

    Raises:
        LabelFileError: a file is missing, is no label file, is cut off, has no usable row, or
            its times are not seconds; the message names the remedy.
        UnknownLabelError: a label is unknown and `unknown` is `error`.
        UnknownClipError: a clip of the verdicts could be several.

    >>> from audiolabels.ontology.embedded import sample_path
    >>> read_labels(sample_path()).report
    Report(200 rows, 200 used, 0 findings)
    """
    options = ReadOptions(
        unknown=unknown,
        time_unit=time_unit,
        missing_rows=missing_rows,
        aliases=aliases,
        mapping=mapping,
        annotated=annotated,
        values=values,
        raters=raters,
        prefix=prefix,
        explicit_negatives=explicit_negatives,
        verdicts=verdicts,
        columns=columns,
        block_sizes=block_sizes,
    )
    ontology = default_ontology(ontology)
    return gather_labels(listed_inputs(paths, "label", columns), ontology, options)


def gather_labels(
    paths: Sequence[Path | InMemory], ontology: Ontology, options: ReadOptions
) -> Annotations:
    """All clips of label files, with a finding for each that occurs again.

    Raises:
        LabelFileError: see `read_labels`.
    """
    seen = SeenClips()
    result = Annotations.concat(list(stream_labels(paths, ontology, options, seen=seen)), ontology)
    if not len(result):
        raise LabelFileError(no_usable_row(result.report, result.report.counts()))
    again = seen.duplicates(seen.repeated(), [result.clips])
    result.report.findings += [Finding(*clip, "duplicate clip", REPEATED) for clip in again]
    return result


def keeps_folders(
    paths: Sequence[Path | InMemory], ontology: Ontology, options: ReadOptions
) -> bool:
    """Whether clip ids keep the folders of file names, see `folders_needed`."""
    if options.folders is not None:
        return options.folders

    known = make_resolver(ontology, options, one_label=True).knows

    def detect(source: Source) -> tuple[LabelFormat, Layout]:
        return detect_format(source, ontology, options.columns, known)

    return folders_needed(
        paths,
        detect,
        lambda source, found, layout: map(
            _names, found.read(source, replace(layout, folders=False), options)
        ),
    )


def _names(rows: LabelRows) -> Names:
    return rows.names, rows.clips["clip_id"]


def _require_raters(source: Source, layout: Layout, options: ReadOptions) -> None:
    """Refuse a file without raters if they are to be united.

    Raises:
        OptionError: no column has them.
    """
    if options.raters is not None and not layout.columns.roles.keys() & {"rater", "vote"}:
        shown = shortlist(layout.columns.names, 20) or "without names"
        raise OptionError(
            f"{source.path}: no column of raters, nor one per rater, for --raters "
            f"{options.raters} (raters=); columns are {shown}. Give them: --columns rater=NAME, or "
            f"vote=NAME,vote=NAME (columns=…); or leave out raters, which of several files or data "
            f"sets hold for all: join those without as sources of their own (audiolabels.join)"
        )


def _read_absences(ontology: Ontology, options: ReadOptions) -> Absences | None:
    """The confirmed absences, if a file of them is given.

    Raises:
        LabelFileError: see `read_labels`.
    """
    if options.explicit_negatives is None:
        return None
    path = find_file("explicit negatives", options.explicit_negatives)
    own = replace(options, explicit_negatives=None, verdicts=None, denied=True)
    own = replace(own, columns=None, raters=None)
    return Absences(path, gather_labels([path], ontology, own))


def _read_verdicts(
    paths: Sequence[Path | InMemory],
    ontology: Ontology,
    options: ReadOptions,
    absences: Absences | None,
) -> Verdicts | None:
    """The verdicts, if there are any; their clips are found in a first pass over the labels.

    Raises:
        LabelFileError, UnknownLabelError, UnknownClipError: see `read_verdicts`.
    """
    if options.verdicts is None:
        return None
    known = make_resolver(ontology, options, one_label=True).knows

    def clip_ids() -> Iterator[pa.StringArray]:
        for path in paths:
            with open_source(path) as source:
                found, layout = detect_format(source, ontology, options.columns, known)
                layout = replace(layout, folders=bool(options.folders) and layout.folders)
                for rows in found.read(source, layout, options):
                    yield prefixed(options.prefix, rows.clips["clip_id"])
        if absences is not None:
            yield absences.labels.clip_id

    path = find_file("verdicts", options.verdicts)
    found = read_verdicts(path, ontology, options, clip_ids())
    rows = found.report.sources[0]["rows"]
    return found if rows else None  # none of a join's are of this data set


def stream_labels(
    paths: Sequence[Path | InMemory],
    ontology: Ontology,
    options: ReadOptions,
    *,
    seen: SeenClips,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Annotations]:
    """Annotations part by part, each with its report; the last of each file describes the file.

    Args:
        paths: the files.
        ontology: where labels are looked up.
        options: how they are read.
        seen: takes in the clips, to find those that occur again.
        progress: called with the number of the file and the bytes of it that are read.

    Raises:
        LabelFileError: see `read_labels`.
    """
    known = make_resolver(ontology, options, one_label=True).knows
    folders = keeps_folders(paths, ontology, options)
    options = replace(options, folders=folders)
    shared = options.load_annotated(ontology), options.facts(ontology)
    annotated: list[tuple[int, ...] | None] = []
    absences = _read_absences(ontology, options)
    verdicts = _read_verdicts(paths, ontology, options, absences)
    for number, path in enumerate(paths):
        with open_source(path) as source:
            found, layout = detect_format(source, ontology, options.columns, known)
            _require_raters(source, layout, options)
            layout = replace(layout, folders=folders and layout.folders)
            last = Annotations.from_dict({}, ontology=ontology)
            wide, notes = layout.wide, list[str]()
            listened, stated = coverage(source, layout, ontology, options, shared)
            if wide:
                notes.append(f"a column for each of {len(wide)} labels")
            annotated.append(listened.classes)
            require_one_coverage(source.path, annotated)
            resolver = make_resolver(ontology, options, one_label=layout.one_label or bool(wide))
            stated_absent = options.denied and "presence" in layout.columns.roles
            denied = options.denied and not stated_absent
            table = TextTable(resolver, options.block_sizes.labels, listened.classes, denied=denied)
            rows = ahead(note_videos(found.read(source, layout, options), _names, notes))
            annotate: Callable[..., Iterator[Annotations]]
            annotate = partial(gather_rows if layout.gathered else annotate_lists, options=options)
            if layout.gathered:
                rows = (melted(part, source.name, options) for part in rows)
            if wide:
                annotate = partial(annotate_wide, names=wide, options=options)
            made = annotate(rows, table, source.name)
            if stated_absent:
                made = map(only_absent, made)
            parts = conclude_labels(made, source.name, resolver, listened, notes)
            whole = described(parts, path, found, last.report, layout, notes, stated)
            for part in chain((part.prefixed(options.prefix) for part in whole), [last]):
                if absences is not None:
                    part = absences.join(part, source.name)
                if verdicts is not None:
                    part = verdicts.join(part, source.name)
                seen.add(part.clips, part.rows, source.name)
                yield part
                if progress:
                    progress(number, source.raw.tell())
    if absences is not None:
        rest = absences.finish(annotated[-1])
        if verdicts is not None:
            rest = verdicts.join(rest, absences.path.name)
        seen.add(rest.clips, rest.rows, absences.path.name)
        yield rest
    if verdicts is not None:
        yield verdicts.finish(ontology, annotated[-1])

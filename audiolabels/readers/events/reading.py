"""Event files to events, in parts or whole, with confirmed absences from a file of their own."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from audiolabels.arrays.columns import to_numpy
from audiolabels.clips.duplicates import repeated_hashes
from audiolabels.clips.index import hash_strings
from audiolabels.errors import LabelFileError, OptionError
from audiolabels.labels.events import Events
from audiolabels.labels.report import Finding, Report
from audiolabels.ontology.mapping import LabelMapping
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.readers.annotations.label_parsing import require_one_coverage
from audiolabels.readers.clip_ids import folders_needed
from audiolabels.readers.columns import GivenColumns
from audiolabels.readers.events.delimited import refuse_raters
from audiolabels.readers.events.event_cleaning import clean_events
from audiolabels.readers.events.formats import EventFormat, detect_format
from audiolabels.readers.events.parts import Part, findings, gather, read_parts
from audiolabels.readers.events.side_files import read_side_files
from audiolabels.readers.formats import Layout
from audiolabels.readers.memory import InMemory
from audiolabels.readers.opening import Source, open_source
from audiolabels.readers.options import BLOCK_SIZES, BlockSizes, EventOptions, ReadOptions
from audiolabels.readers.reports import listed_inputs, no_usable_row


class ScatteredError(Exception):
    """The events of a clip are in several places, so the input must be read whole."""


def read_events(
    paths: str | Path | Sequence[str | Path] | Any,
    *,
    clip_duration: float | str | None = None,
    clip_durations: str | Path | None = None,
    explicit_negatives: str | Path | None = None,
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
    verdicts: str | Path | None = None,
    columns: GivenColumns = None,
    block_sizes: BlockSizes = BLOCK_SIZES,
) -> Events:
    """Read event files: AudioSet's strong labels, its framed release, DESED's TSV and the like.

    Args:
        paths: one file or several, CSV, TSV or JSON; plain, gzip or zip; or the Arrow streams of
            PretrainedSED's data set. Events of a clip belong together wherever they are.
        clip_duration, clip_durations: see `EventOptions`.
        ontology: where labels are looked up; the embedded one with its supplement by default.
        unknown, time_unit, missing_rows, aliases, mapping, annotated: see `ReadOptions`.
        explicit_negatives, values, raters, prefix, columns, block_sizes: likewise.
        verdicts: None; they are of labels of clips.

    Returns:
        The clips in the order in which they first occur; at the end those that only
        `explicit_negatives` names, in which all else is unknown. The report lists what was not
        used as it is.

    Raises:
        LabelFileError: a file is missing, holds no events, is cut off, has no usable row, its
            times are not seconds, or a side file has other clips only; the message names the
            remedy.
        UnknownLabelError: a label is unknown and `unknown` is `error`.
        OptionError: `clip_duration` is no positive number of whole milliseconds, or there are
            verdicts.
    """
    read = ReadOptions(
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
    options = EventOptions(read, clip_duration, clip_durations)
    ontology = default_ontology(ontology)
    parts = stream_events(listed_inputs(paths, "event", columns), ontology, options, whole=True)
    result = Events.concat(list(parts), ontology)
    if not len(result):
        raise LabelFileError(no_usable_row(result.report, result.report.counts()))
    return result


def stream_events(
    paths: Sequence[Path | InMemory],
    ontology: Ontology,
    options: EventOptions,
    *,
    whole: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Events]:
    """Events of whole clips, part by part, each with its report.

    Args:
        paths: the files.
        ontology: where labels are looked up.
        options: how they are read.
        whole: whether all is held in memory, so that a clip's events may be anywhere.
        progress: called with the number of the file and the bytes of it that are read.

    Raises:
        ScatteredError: at the end, if not `whole` and a clip's events do not follow each other.
        AudioLabelsError: see `read_events`.
    """
    if options.read.verdicts is not None:
        raise OptionError(
            "verdicts are on classes of whole clips, and events have times: give them with labels "
            "of clips, for weak, pel or pe-cml, and correct events in their file"
        )

    def detect(source: Source) -> tuple[EventFormat, Layout]:
        return detect_format(source, ontology, options.read.columns)

    folders = folders_needed(
        paths,
        detect,
        lambda source, found, layout: (
            (rows.names, rows.clip_id)
            for rows in found.read(source, replace(layout, folders=False), options.read)
        ),
    )
    options = replace(options, read=replace(options.read, folders=folders))
    side = read_side_files(options, ontology)
    hashes, held = bytearray(), list[Part]()
    framed, annotated = set[str](), list[tuple[int, ...] | None]()
    for number, path in enumerate(paths):
        with open_source(path) as source:
            if options.read.raters is not None and options.read.explicit_negatives is None:
                refuse_raters(source.path)
            (chosen, layout), report = detect(source), Report()
            found = chosen, replace(layout, folders=folders and layout.folders)
            if found[0].name == "framed":
                framed.add(source.name)
            for part in read_parts(source, found, ontology, options.read, report):
                annotated.append(part.events.annotated)
                require_one_coverage(source.path, annotated)
                if whole:
                    held.append(part)
                else:
                    hashes += hash_strings(part.events.clip_id).tobytes()
                    events = side.count(clean_events(part.events, side.durations, framed))
                    yield side.join(events)
                if progress:
                    progress(number, source.raw.tell())
            side.report.merge(report)
    if whole:
        everything = side.count(clean_events(gather(held, ontology), side.durations, framed))
        side.report.merge(everything.report)
        side.report.findings += _duplicates(everything)
        step = options.read.block_sizes.events
        for start in range(0, len(everything), step):
            yield side.join(everything.slice(start, start + step))
    elif len(repeated_hashes(hashes)):
        raise ScatteredError
    rest = side.finish()
    side.report.merge(rest.report)
    yield replace(rest, report=side.report)


def _duplicates(events: Events) -> list[Finding]:
    """A finding for each clip whose id another clip of another name has."""
    number = to_numpy(events.clip_id.dictionary_encode().indices)
    order = np.argsort(number, kind="stable")
    later = np.sort(order[1:][number[order][1:] == number[order][:-1]])
    first = np.searchsorted(events.clip, np.arange(len(events)))
    reason = "another clip, of another name, has the same id"
    return findings(events, first[later], "duplicate clip", reason)

"""Event files to events, in parts or whole, with confirmed absences from a file of their own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from audiolabels.arrays.columns import to_numpy
from audiolabels.clips.duplicates import repeated_hashes
from audiolabels.clips.index import hash_strings
from audiolabels.errors import LabelFileError
from audiolabels.files import as_paths
from audiolabels.labels.events import Events
from audiolabels.labels.report import Finding
from audiolabels.ontology.ontology import Ontology, load_ontology
from audiolabels.readers.annotations.reading import no_usable_row
from audiolabels.readers.events.detection import describe_file, event_dialect, read_parts
from audiolabels.readers.events.event_cleaning import Part, finding, gather, settle
from audiolabels.readers.events.side_files import read_beside
from audiolabels.readers.opening import open_source
from audiolabels.readers.options import EventOptions, ReadOptions

CLIPS = 1 << 14  # of a part, where the whole input is held


class ScatteredError(Exception):
    """The events of a clip stand in several places, so the input must be read whole."""


def read_events(
    paths: str | Path | Sequence[str | Path],
    *,
    clip_duration: float | str | None = None,
    clip_durations: str | Path | None = None,
    explicit_negatives: str | Path | None = None,
    ontology: Ontology | None = None,
    unknown: str = "error",
    time_unit: str = "auto",
) -> Events:
    """Read event files: AudioSet's strong labels, its framed release, DESED's TSV and the like.

    Args:
        paths: one file or several, CSV or TSV; plain, gzip or zip; or the Arrow streams of
            PretrainedSED's data set. Events of a clip belong together wherever they stand.
        clip_duration, clip_durations, explicit_negatives: see `EventOptions`.
        ontology: where labels are looked up; the embedded one with its supplement by default.
        unknown, time_unit: see `ReadOptions`.

    Returns:
        The clips in the order in which they first occur; at the end those that only
        `explicit_negatives` names, in which all else is unknown. The report says what was not
        used as it stood.

    Raises:
        LabelFileError: a file is missing, holds no events, is cut off, has no usable row, its
            times are not seconds, or a file beside it tells of other clips only; the message says
            what to do.
        UnknownLabelError: a label is unknown and `unknown` is `error`.
        OptionError: `clip_duration` is no positive number of whole milliseconds.
    """
    options = EventOptions(
        ReadOptions(unknown, time_unit), clip_duration, clip_durations, explicit_negatives
    )
    ontology = ontology or load_ontology().with_supplement()
    listed = as_paths("event files", paths)
    if not listed:
        raise LabelFileError("no file given: name at least one event file")
    parts = stream_events(listed, ontology, options, whole=True)
    result = Events.concat(list(parts), ontology)
    if not len(result):
        raise LabelFileError(no_usable_row(result.report, result.report.counts()))
    return result


def stream_events(
    paths: Sequence[Path],
    ontology: Ontology,
    options: EventOptions,
    *,
    whole: bool = False,
    tell: Callable[[int, int], None] | None = None,
) -> Iterator[Events]:
    """Events of whole clips, part by part, each with its report.

    Args:
        paths, ontology, options: see `read_events`.
        whole: whether all is held in memory, so that a clip's events may stand anywhere.
        tell: called with the number of the file and the bytes of it that are read.

    Raises:
        ScatteredError: at the end, if not `whole` and a clip's events did not stand together.
        AudioLabelsError: see `read_events`.
    """
    beside = read_beside(options, ontology)
    hashes, held = bytearray(), list[Part]()
    framed: set[str] = set()
    for number, path in enumerate(paths):
        with open_source(path) as source, ThreadPoolExecutor(1) as pool:
            digest, rows = pool.submit(source.digest), 0
            dialect = event_dialect(source, ontology)
            if dialect and dialect.present is not None:
                framed.add(source.name)
            for part in read_parts(source, dialect, ontology, options.read, whole=whole):
                rows += part.events.report.rows
                if whole:
                    held.append(part)
                else:
                    hashes += hash_strings(part.events.clip_id).tobytes()
                    events = beside.count(settle(part.events, beside.durations, framed))
                    yield beside.join(events)
                if tell:
                    tell(number, source.raw.tell())
            beside.report.merge(describe_file(source, dialect, digest.result(), rows))
    if whole:
        gathered = gather(held, ontology).events
        everything = beside.count(settle(gathered, beside.durations, framed))
        beside.report.merge(everything.report)
        beside.report.findings += _duplicates(everything)
        for start in range(0, len(everything), CLIPS):
            yield beside.join(everything.slice(start, start + CLIPS))
    elif len(repeated_hashes(hashes)):
        raise ScatteredError
    rest = beside.finish()
    beside.report.merge(rest.report)
    yield replace(rest, report=beside.report)


def _duplicates(events: Events) -> list[Finding]:
    """A finding for each clip whose id another clip of another name has."""
    number = to_numpy(events.clip_id.dictionary_encode().indices)
    order = np.argsort(number, kind="stable")
    later = np.sort(order[1:][number[order][1:] == number[order][:-1]])
    first = np.searchsorted(events.clip, np.arange(len(events)))
    reason = "another clip, of another name, has the same id"
    return [finding(events, i, "duplicate clip", reason) for i in first[later].tolist()]

"""Side files of event files: lengths of clips, confirmed absences; how far the events fit."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import places_in, texts_to_arrow
from audiolabels.clips.names import LONGEST_CLIP_S, parse_clip_name, to_ms
from audiolabels.datasets.cache import find_file
from audiolabels.errors import LabelFileError, shortlist
from audiolabels.files import sha256_of
from audiolabels.files.remote import to_path
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.events import ABSENT, PRESENT, UNKNOWN, UNSURE, Events
from audiolabels.labels.report import Finding, Report
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.reading import gather_labels
from audiolabels.readers.columns import find_column
from audiolabels.readers.dialect import detect_dialect, split_cells
from audiolabels.readers.events.delimited import refuse_raters
from audiolabels.readers.events.event_cleaning import (
    ENDLESS,
    OUTSIDE,
    Durations,
    absent_elsewhere_present,
    add_statements,
    clean_events,
    cut_to_clips,
    keep_statements,
    lengths,
)
from audiolabels.readers.events.formats import EVENT_FORMATS
from audiolabels.readers.events.parts import UNKNOWN_LENGTH, Part, findings, gather, read_parts
from audiolabels.readers.opening import open_source
from audiolabels.readers.options import EventOptions, ReadOptions
from audiolabels.readers.reports import file_report

FEW = 20  # so many events outside their clips are no reason for doubt yet


@dataclass
class SideFiles:
    """The side files, and how far the events have fitted them.

    Attributes:
        options: how files are read.
        durations: lengths of clips.
        absent: clips with confirmed absences.
        report: how these files were read.
        used: bool: which clips of `absent` had events.
        measured: bool: which clips of the table of lengths had events.
        clips, stated, outside: clips so far; statements about spans, and those outside the clip.
    """

    options: EventOptions
    durations: Durations
    absent: Events
    report: Report
    used: npt.NDArray[np.bool_] = field(init=False)
    measured: npt.NDArray[np.bool_] = field(init=False)
    clips: int = 0
    stated: int = 0
    outside: int = 0

    def __post_init__(self) -> None:
        self.used = np.zeros(len(self.absent), np.bool_)
        self.measured = np.zeros(len(self.durations.clip_id), np.bool_)

    def count(self, events: Events) -> Events:
        """Count the statements of cleaned events, and those outside their clips."""
        self.stated += int(np.isin(events.state, (PRESENT, ABSENT, UNKNOWN, UNSURE)).sum())
        self.outside += sum(f.reason == OUTSIDE for f in events.report.findings)
        return events

    def join(self, events: Events) -> Events:
        """Cleaned events with the absences of their clips."""
        self.clips += len(events)
        measured = places_in(events.clip_id, self.durations.clip_id)
        self.measured[measured[measured >= 0]] = True
        place = places_in(events.clip_id, self.absent.clip_id)
        self.used[place[place >= 0]] = True
        return add_statements(events, self.absent, place) if (place >= 0).any() else events

    def finish(self) -> Events:
        """The clips of which only absences are known.

        Raises:
            LabelFileError: a side file has none of the events' clips, or most events lie outside
                their clips.
        """
        auto = self.options.read.time_unit == "auto" and self.options.clip_duration is None
        if auto and self.outside > max(FEW, self.stated / 2):
            raise LabelFileError(
                f"{self.outside:,} of {self.stated:,} events lie outside their clips. If the times "
                f"are milliseconds, use --time-unit ms (time_unit='ms'); if clips are longer, "
                f"--clip-duration or --clip-durations; if the times are the clip's place in the "
                f"video, these are no events, and weak, pel or pe-cml is the scheme; if all is "
                f"right, --time-unit s"
            )
        if self.options.clip_durations is not None:
            if self.clips and not self.measured.any():
                raise _no_such_clips(self.options.clip_durations, self.durations.clip_id)
            if not self.measured.all():
                self.report.notes.append(
                    f"{(~self.measured).sum():,} clips of {Path(self.options.clip_durations).name} "
                    f"have no row among the events and are left out; one that is verified empty "
                    f"has a row without label and times"
                )
        if not self.clips:  # the caller's error is about that
            self.used[:] = True
        if len(self.absent) and not self.used.any():
            raise _no_such_clips(self.options.read.explicit_negatives, self.absent.clip_id)
        rest = keep_statements(self.absent, ~self.used[self.absent.clip])
        cut = cut_to_clips(
            replace(rest, duration_ms=lengths(rest, self.durations), report=Report())
        )
        rest = keep_statements(cut, np.ones(len(cut.clip), np.bool_))
        first = np.searchsorted(rest.clip, np.arange(len(rest)))
        reason = "explicit negatives, but no events"
        rest.report.findings += findings(rest, first, "clip added", reason)
        return rest


def read_side_files(options: EventOptions, ontology: Ontology) -> SideFiles:
    """Read the side files.

    Raises:
        LabelFileError: one of them is missing, broken, or has nothing that can be used.
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
    """
    report = Report()
    durations = Durations(options.default_ms, texts_to_arrow([]), np.zeros(0, np.int64))
    if options.clip_durations is not None:
        durations = _read_durations(to_path(options.clip_durations), options, report)
    absent = Events.concat([], ontology)
    if options.read.explicit_negatives is not None:
        path = find_file("explicit negatives", options.read.explicit_negatives)
        absent = _read_absences(path, ontology, options.read, durations)
        report.merge(absent.report)
        if not len(absent.clip):
            raise LabelFileError(
                f"{path}: no class is confirmed absent: no row has a known label or, of a framed "
                f"file, is NOT_PRESENT"
            )
    return SideFiles(options, durations, absent, report)


def _read_absences(
    path: Path, ontology: Ontology, options: ReadOptions, durations: Durations
) -> Events:
    """Confirmed absences of a label file, or of a framed file's NOT_PRESENT rows."""
    options = replace(options, columns=None, explicit_negatives=None)
    with open_source(path) as source:
        dialect = detect_dialect(source, ontology) if source.container == "text" else None
        if dialect and "presence" in dialect.columns.roles:
            if not dialect.events:
                raise LabelFileError(
                    f"{path}: framed labels without columns of onset and offset in seconds"
                )
            if options.raters is not None:
                refuse_raters(path)
            framed = EVENT_FORMATS["framed"], replace(dialect, folders=bool(options.folders))
            description = Report()
            parts = read_parts(source, framed, ontology, options, description)
            given = gather(list(parts), ontology)
            confirmed = (given.state == ABSENT) & ~absent_elsewhere_present(given)
            # A clip's length is known from the file of events, if not from the table.
            unmeasured = replace(durations, default_ms=ENDLESS)
            events = clean_events(keep_statements(given, confirmed), unmeasured)
            report = events.report
            report.merge(description)
            kept = keep_statements(events, events.state == ABSENT)
            known = np.where(kept.duration_ms == ENDLESS, UNKNOWN_LENGTH, kept.duration_ms)
            return replace(kept, duration_ms=known, report=report)
    labels = gather_labels([path], ontology, replace(options, denied=True))
    if dialect and dialect.events:
        labels.report.notes.append(
            f"{path.name} has times, which are not used: its classes are absent from whole clips"
        )
    return _absent_labels(labels, path.name)


def _absent_labels(labels: Annotations, source: str) -> Events:
    """Label sets of clips, each class confirmed absent from the beginning to the end."""
    each = labels.sets.take(labels.set_of_clip)
    count = len(each.classes)
    events = Events(
        labels.ontology,
        labels.clip_id,
        np.full(len(labels), UNKNOWN_LENGTH, np.int64),
        each.owners,
        each.classes,
        np.zeros(count, np.int64),
        np.full(count, ENDLESS, np.int64),
        np.full(count, ABSENT),
        labels.rows[each.owners],
        np.zeros(count, np.int32),
        (source,),
        labels.report,
        labels.annotated,
    )
    return gather([Part(events.clip_id, events)], events.ontology)


def _read_durations(path: Path, options: EventOptions, report: Report) -> Durations:
    """A table of clips and seconds, as PSDS evaluators have it: `filename`, `duration`."""
    known: dict[str, int] = {}
    with open_source(path) as source:
        lines = source.stream.read().decode("utf-8-sig", "replace").replace("\r", "").split("\n")
    delimiter = next((d for d in "\t;," if d in lines[0]), ",")
    names = [name.casefold() for name in split_cells(lines[0], delimiter)]
    clip, length = (
        find_column(names, "clip", "video"),
        find_column(names, "clip_length", "duration"),
    )
    if clip is None or length is None:
        raise LabelFileError(
            f"{path}: no table of clips and their lengths; the first line must name a column of "
            f"clips and one of seconds, for instance filename and duration; it is "
            f"{lines[0][:120]!r}"
        )
    rows, folders = 0, bool(options.read.folders)
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        rows += 1
        cells = split_cells(line, delimiter)
        try:
            id_ = parse_clip_name(cells[names.index(clip)], folders=folders).clip_id
            ms = to_ms(cells[names.index(length)], options.read.unit_ms)
            fault = "" if id_ and ms else "no clip, or no length above zero"
            id_ = options.read.prefix + id_
            if not fault and known.setdefault(id_, ms) != ms:
                fault = "another length of the clip than in an earlier row"
        except (ValueError, IndexError):
            fault = "no clip, or no length in seconds"
        if fault:
            report.findings.append(Finding(source.name, number, "", "row unused", fault))
    overlong = sum(ms >= LONGEST_CLIP_S * 1000 for ms in known.values())
    if options.read.time_unit == "auto" and overlong > len(known) / 2:
        raise LabelFileError(
            f"{path}: {overlong:,} of {len(known):,} clips last {LONGEST_CLIP_S:,} seconds or "
            f"more. If the lengths are milliseconds, use --time-unit ms (time_unit='ms'); if they "
            f"are right, --time-unit s"
        )
    report.merge(file_report(path, "clip-durations", sha256_of(path), rows, "lengths of clips"))
    return Durations(
        options.default_ms, texts_to_arrow(list(known)), np.array(list(known.values()), np.int64)
    )


def _no_such_clips(path: str | Path | None, clip_id: pa.StringArray) -> LabelFileError:
    shown = f"; its ids look like {shortlist(clip_id[:2].to_pylist())}" if len(clip_id) else ""
    return LabelFileError(
        f"{path}: none of its {len(clip_id):,} clips is among those with events{shown}"
    )

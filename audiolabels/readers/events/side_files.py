"""What is read beside event files: lengths of clips, confirmed absences; how far events fit."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import places_in, texts_to_arrow
from audiolabels.clips.names import parse_clip_name, to_ms
from audiolabels.errors import LabelFileError, shortlist
from audiolabels.labels.events import ABSENT, UNKNOWN, Events
from audiolabels.labels.report import Finding, Report
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.reading import read_labels
from audiolabels.readers.dialect import CLIP, CLIP_DURATION, detect_dialect, split_cells
from audiolabels.readers.events.delimited import NOT_TOLD
from audiolabels.readers.events.detection import describe_file, read_parts
from audiolabels.readers.events.event_cleaning import (
    ENDLESS,
    OUTSIDE,
    Durations,
    absences,
    absent_elsewhere_present,
    add_statements,
    cut_to_clips,
    finding,
    gather,
    keep_statements,
    lengths,
    settle,
)
from audiolabels.readers.opening import ARROW, open_source
from audiolabels.readers.options import EventOptions, ReadOptions

DURATION_NAMES = [*CLIP_DURATION, "duration", "duration_seconds", "length"]
FEW = 20  # events outside their clips that are no reason for doubt yet


@dataclass
class Beside:
    """The files beside the events, and how far the events fitted them.

    Attributes:
        options: how files are read.
        durations: lengths of clips.
        absent: clips with confirmed absences.
        report: how these files were read.
        used: bool: which clips of `absent` had events.
        clips, stated, outside: clips so far; statements about spans, and those outside the clip.
        measured: bool: which clips of the table of lengths had events.
    """

    options: EventOptions
    durations: Durations
    absent: Events
    report: Report
    used: npt.NDArray[np.bool_] = field(init=False)
    clips: int = 0
    stated: int = 0
    outside: int = 0
    measured: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.used = np.zeros(len(self.absent), np.bool_)
        self.measured = np.zeros(len(self.durations.clip_id), np.bool_)

    @property
    def unheard(self) -> int:
        """Number of clips of the table of lengths that had no row among the events."""
        return int((~self.measured).sum())

    def join(self, events: Events) -> Events:
        """Settled events with the absences of their clips."""
        self.clips += len(events)
        measured = places_in(events.clip_id, self.durations.clip_id)
        self.measured[measured[measured >= 0]] = True
        place = places_in(events.clip_id, self.absent.clip_id)
        self.used[place[place >= 0]] = True
        return add_statements(events, self.absent, place) if (place >= 0).any() else events

    def count(self, events: Events) -> Events:
        """Note how many statements of settled events lie outside their clips."""
        self.stated += int((events.says <= UNKNOWN).sum())
        self.outside += sum(f.reason == OUTSIDE for f in events.report.findings)
        return events

    def finish(self) -> Events:
        """The clips of which only absences are known.

        Raises:
            LabelFileError: a file beside the events has none of their clips, or most events lie
                outside their clips.
        """
        auto = self.options.read.time_unit == "auto" and self.options.clip_duration is None
        if auto and self.outside > max(FEW, self.stated / 2):
            raise LabelFileError(
                f"{self.outside:,} of {self.stated:,} events lie outside their clips. If the times "
                f"are milliseconds, say --time-unit ms (time_unit='ms'); if clips are longer, "
                f"--clip-duration or --clip-durations; if the times are the clip's place in the "
                f"video, these are no events, and weak, pel or pe-cml is the scheme; if all is "
                f"right, --time-unit s"
            )
        if self.options.clip_durations is not None and self.clips and not self.measured.any():
            raise _no_such_clips(self.options.clip_durations, self.durations.clip_id)
        if self.options.clip_durations is not None and self.unheard:
            self.report.notes.append(
                f"{self.unheard:,} clips of {Path(self.options.clip_durations).name} have no row "
                f"among the events and are left out; one that is verified empty has a row without "
                f"label and times"
            )
        if not self.clips:  # which is what the caller will say
            self.used[:] = True
        if len(self.absent) and not self.used.any():
            raise _no_such_clips(self.options.explicit_negatives, self.absent.clip_id)
        rest = keep_statements(self.absent, ~self.used[self.absent.clip])
        cut = cut_to_clips(
            replace(rest, duration_ms=lengths(rest, self.durations), report=Report())
        )
        rest = keep_statements(cut, np.ones(len(cut.clip), np.bool_))
        first = np.searchsorted(rest.clip, np.arange(len(rest)))
        reason = "explicit negatives, but no events"
        rest.report.findings += [finding(rest, i, "clip added", reason) for i in first.tolist()]
        return rest


def read_beside(options: EventOptions, ontology: Ontology) -> Beside:
    """Read the files beside the events.

    Raises:
        LabelFileError: one of them is missing, broken, or says nothing.
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
    """
    report = Report()
    durations = Durations(options.default_ms, texts_to_arrow([]), np.zeros(0, np.int64))
    if options.clip_durations is not None:
        durations = _read_durations(Path(options.clip_durations), options, report)
    absent = Events.concat([], ontology)
    if options.explicit_negatives is not None:
        absent = _read_absences(Path(options.explicit_negatives), ontology, options.read, durations)
        report.merge(absent.report)
        if not len(absent.clip):
            raise LabelFileError(
                f"{options.explicit_negatives}: no class is confirmed absent: no row has a known "
                f"label or, of a framed file, is NOT_PRESENT"
            )
    return Beside(options, durations, absent, report)


def _read_absences(
    path: Path, ontology: Ontology, options: ReadOptions, durations: Durations
) -> Events:
    """Confirmed absences of a label file, or of a framed file's NOT_PRESENT rows."""
    with open_source(path) as source:
        text = (
            not source.head.startswith((b"PAR1", ARROW)) and source.head.lstrip()[:1] not in b"{["
        )
        dialect = detect_dialect(source, ontology) if text else None
        if dialect and dialect.present is not None and not dialect.events:
            raise LabelFileError(
                f"{path}: framed labels without columns of onset and offset in seconds"
            )
        if dialect and dialect.present is not None:
            parts = list(read_parts(source, dialect, ontology, options, whole=True))
            told = gather(parts, ontology).events
            confirmed = (told.says == ABSENT) & ~absent_elsewhere_present(told)
            # The clips' lengths are known to the file of events, if not to the table.
            unmeasured = replace(durations, default_ms=ENDLESS)
            events = settle(keep_statements(told, confirmed), unmeasured)
            report = events.report
            report.merge(describe_file(source, dialect, source.digest(), report.rows))
            kept = keep_statements(events, events.says == ABSENT)
            told_ms = np.where(kept.duration_ms == ENDLESS, NOT_TOLD, kept.duration_ms)
            return replace(kept, duration_ms=told_ms, report=report)
    labels = read_labels(
        path, ontology=ontology, unknown=options.unknown, time_unit=options.time_unit
    )
    if dialect and dialect.events:
        labels.report.notes.append(
            f"{path.name} has times, which are not used: its classes are absent from whole clips"
        )
    return absences(labels, path.name)


def _read_durations(path: Path, options: EventOptions, report: Report) -> Durations:
    """A table of clips and seconds, as PSDS evaluators have it: `filename`, `duration`."""
    told: dict[str, int] = {}
    with open_source(path) as source:
        lines = source.stream.read().decode("utf-8-sig", "replace").replace("\r", "").split("\n")
        delimiter = next((d for d in "\t;," if d in lines[0]), ",")
        names = [name.casefold() for name in split_cells(lines[0], delimiter)]
        clip = next((names.index(name) for name in CLIP if name in names), None)
        length = next((names.index(name) for name in DURATION_NAMES if name in names), None)
        if clip is None or length is None:
            raise LabelFileError(
                f"{path}: no table of clips and their lengths; the first line must name a column "
                f"of clips and one of seconds, for instance filename and duration; it is "
                f"{lines[0][:120]!r}"
            )
        rows, unit = 0, 1 if options.read.time_unit == "ms" else 1000
        for number, line in enumerate(lines[1:], 2):
            if not line.strip():
                continue
            rows += 1
            cells = split_cells(line, delimiter)
            try:
                id_, ms = parse_clip_name(cells[clip]).clip_id, to_ms(cells[length], unit)
                fault = "" if id_ and ms else "no clip, or no length above zero"
                if not fault and told.setdefault(id_, ms) != ms:
                    fault = "another length of the clip than in a row before"
            except (ValueError, IndexError):
                fault = "no clip, or no length in seconds"
            if fault:
                report.findings.append(Finding(source.name, number, "", "row unused", fault))
        sha256 = source.digest()
    facts = {"name": path.name, "format": "clip-durations", "sha256": sha256, "rows": rows}
    report.merge(Report(sources=[facts], notes=[f"{path.name} was read as lengths of clips"]))
    return Durations(
        options.default_ms, texts_to_arrow(list(told)), np.array(list(told.values()), np.int64)
    )


def _no_such_clips(path: str | Path | None, clip_id: pa.StringArray) -> LabelFileError:
    shown = f"; its ids look like {shortlist(clip_id[:2].to_pylist())}" if len(clip_id) else ""
    return LabelFileError(
        f"{path}: none of its {len(clip_id):,} clips is among those with events{shown}"
    )

"""Event files to events, in parts or whole, with confirmed absences from a file of their own."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.annotations import Finding, Report
from audiolabels.columns import places_in, texts_to_arrow, to_numpy
from audiolabels.errors import LabelFileError, shortlist
from audiolabels.events import ABSENT, DURATION, Events
from audiolabels.grid import seconds_to_ms
from audiolabels.ontology import Ontology, load_ontology
from audiolabels.readers.clips import parse_clip_name, to_ms
from audiolabels.readers.dialect import CLIP, CLIP_DURATION, Dialect, detect_dialect, split_cells
from audiolabels.readers.duplicates import hash_strings, repeated_hashes
from audiolabels.readers.event_rows import NOT_TOLD, read_event_rows
from audiolabels.readers.formats import FORMATS, ReadOptions, ignored_columns
from audiolabels.readers.labels import no_usable_row, read_labels
from audiolabels.readers.lines import ahead
from audiolabels.readers.opening import Source, open_source
from audiolabels.readers.rows import LabelResolver
from audiolabels.readers.statements import (
    ENDLESS,
    Durations,
    Part,
    absences,
    absent_elsewhere_present,
    add_statements,
    cut_to_clips,
    finding,
    gather,
    keep_statements,
    lengths,
    look_up,
    settle,
)

DURATION_NAMES = [*CLIP_DURATION, "duration", "duration_seconds", "length"]
CLIPS = 1 << 14  # of a part, where the whole input is held


@dataclass(frozen=True)
class EventOptions:
    """How event files are read.

    Attributes:
        read: what holds for label files too.
        clip_duration: seconds of the clips whose length nothing else tells, 10 by default.
        clip_durations: a table of clips and their lengths in seconds, CSV or TSV; it is believed
            before a column of the event file, and that before the clip's name.
        explicit_negatives: a label file, in any known form, of classes confirmed absent; or a
            framed file, of which the NOT_PRESENT rows of classes without a PRESENT row in the same
            clip count.

    Raises:
        OptionError: a duration is no positive number of whole milliseconds.
    """

    read: ReadOptions = field(default_factory=ReadOptions)
    clip_duration: float | str | None = None
    clip_durations: str | Path | None = None
    explicit_negatives: str | Path | None = None

    def __post_init__(self) -> None:
        _ = self.default_ms

    @property
    def default_ms(self) -> int:
        """Milliseconds of the clips whose length nothing else tells."""
        default = DURATION if self.clip_duration is None else self.clip_duration
        return seconds_to_ms(default, "a clip")

    @property
    def side_files(self) -> list[Path]:
        """The files that are read beside the event files."""
        named = (self.clip_durations, self.explicit_negatives)
        return [Path(path) for path in named if path is not None]


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
        paths: one file or several, CSV or TSV; plain, gzip or zip. Events of a clip belong
            together wherever they stand.
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
    listed = [paths] if isinstance(paths, str | Path) else list(paths)
    if not listed:
        raise LabelFileError("no file given: name at least one event file")
    parts = stream_events(list(map(Path, listed)), ontology, options, whole=True)
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
    durations, absent, report = _read_side_files(options, ontology)
    hashes, held = bytearray(), list[Part]()
    used, measured, clips = np.zeros(len(absent), np.bool_), False, 0
    framed: set[str] = set()

    def finish(events: Events) -> Events:
        nonlocal measured, clips
        clips += len(events)
        measured |= bool((places_in(events.clip_id, durations.clip_id) >= 0).any())
        place = places_in(events.clip_id, absent.clip_id)
        used[place[place >= 0]] = True
        return add_statements(events, absent, place) if (place >= 0).any() else events

    for number, path in enumerate(paths):
        with open_source(path) as source, ThreadPoolExecutor(1) as pool:
            digest, rows = pool.submit(source.digest), 0
            dialect = _event_dialect(source, ontology)
            if dialect.present is not None:
                framed.add(source.name)
            for part in _parts(source, dialect, ontology, options.read, whole=whole):
                rows += part.events.report.rows
                if whole:
                    held.append(part)
                else:
                    hashes += hash_strings(part.events.clip_id).tobytes()
                    yield finish(settle(part.events, durations, framed))
                if tell:
                    tell(number, source.raw.tell())
            report.merge(_facts(source, dialect, digest.result(), rows, whole=whole))
    if whole:
        everything = settle(gather(held, ontology).events, durations, framed)
        report.merge(everything.report)
        report.findings += _duplicates(everything)
        for start in range(0, len(everything), CLIPS):
            yield finish(everything.slice(start, start + CLIPS))
    elif len(repeated_hashes(hashes)):
        raise ScatteredError
    if options.clip_durations is not None and clips and not measured:
        raise _no_such_clips(options.clip_durations, durations.clip_id)
    if not clips:  # which is what the caller will say
        used[:] = True
    rest = _left_over(absent, used, durations, options)
    report.merge(rest.report)
    yield replace(rest, report=report)


def _event_dialect(source: Source, ontology: Ontology) -> Dialect:
    """The layout of an event file.

    Raises:
        LabelFileError: it holds no events.
    """
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


def _parts(
    source: Source, dialect: Dialect, ontology: Ontology, options: ReadOptions, *, whole: bool
) -> Iterator[Part]:
    resolver = LabelResolver(ontology, one_label=True, drop=options.unknown == "drop")
    for rows in ahead(read_event_rows(source, dialect, options.time_unit, whole=whole)):
        yield look_up(rows, resolver, source.name)


def _facts(source: Source, dialect: Dialect, sha256: str, rows: int, *, whole: bool) -> Report:
    """What is known of a file once it has been read."""
    format_ = "events" if dialect.present is None else "framed"
    unread = [name for name in dialect.unused if name not in CLIP_DURATION]
    note = f"{source.name} was read as {format_} ({FORMATS[format_]}){ignored_columns(unread)}"
    facts = {"name": source.name, "format": format_, "sha256": sha256, "rows": rows}
    return Report(sources=[facts], notes=[note])


def _duplicates(events: Events) -> list[Finding]:
    """A finding for each clip whose id another clip of another name has."""
    number = to_numpy(events.clip_id.dictionary_encode().indices)
    order = np.argsort(number, kind="stable")
    later = np.sort(order[1:][number[order][1:] == number[order][:-1]])
    first = np.searchsorted(events.clip, np.arange(len(events)))
    reason = "another clip, of another name, has the same id"
    return [finding(events, i, "duplicate clip", reason) for i in first[later].tolist()]


def _read_side_files(options: EventOptions, ontology: Ontology) -> tuple[Durations, Events, Report]:
    report = Report()
    durations = Durations(options.default_ms, texts_to_arrow([]), np.zeros(0, np.int64))
    if options.clip_durations is not None:
        durations = _read_durations(Path(options.clip_durations), options.default_ms, report)
    absent = Events.concat([], ontology)
    if options.explicit_negatives is not None:
        absent = _read_absences(Path(options.explicit_negatives), ontology, options.read, durations)
        report.merge(absent.report)
        if not len(absent.clip):
            raise LabelFileError(
                f"{options.explicit_negatives}: no class is confirmed absent: no row has a known "
                f"label or, of a framed file, is NOT_PRESENT"
            )
    return durations, absent, report


def _read_absences(
    path: Path, ontology: Ontology, options: ReadOptions, durations: Durations
) -> Events:
    """Confirmed absences of a label file, or of a framed file's NOT_PRESENT rows."""
    with open_source(path) as source:
        text = not source.head.startswith(b"PAR1") and source.head.lstrip()[:1] not in b"{["
        dialect = detect_dialect(source, ontology) if text else None
        if dialect and dialect.present is not None:
            parts = list(_parts(source, dialect, ontology, options, whole=True))
            told = gather(parts, ontology).events
            confirmed = (told.says == ABSENT) & ~absent_elsewhere_present(told, told.says)
            # The clips' lengths are known to the file of events, if not to the table.
            unmeasured = replace(durations, default_ms=ENDLESS)
            events = settle(keep_statements(told, confirmed), unmeasured)
            report = events.report
            report.merge(_facts(source, dialect, source.digest(), report.rows, whole=True))
            kept = keep_statements(events, events.says == ABSENT)
            told_ms = np.where(kept.duration_ms == ENDLESS, NOT_TOLD, kept.duration_ms)
            return replace(kept, duration_ms=told_ms, report=report)
    labels = read_labels(
        path, ontology=ontology, unknown=options.unknown, time_unit=options.time_unit
    )
    return absences(labels, path.name)


def _read_durations(path: Path, default_ms: int, report: Report) -> Durations:
    """A table of clips and seconds, as PSDS evaluators have it: `filename`, `duration`."""
    lengths: dict[str, int] = {}
    with open_source(path) as source:
        lines = source.stream.read().decode("utf-8-sig", "replace").splitlines()
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
        rows = 0
        for number, line in enumerate(lines[1:], 2):
            if not line.strip():
                continue
            rows += 1
            cells = split_cells(line, delimiter)
            try:
                id_, ms = parse_clip_name(cells[clip]).clip_id, to_ms(cells[length])
                fault = "" if id_ and ms else "no clip, or no length above zero"
                if not fault and lengths.setdefault(id_, ms) != ms:
                    fault = "another length of the clip than in a row before"
            except (ValueError, IndexError):
                fault = "no clip, or no length in seconds"
            if fault:
                report.findings.append(Finding(source.name, number, "", "row unused", fault))
        sha256 = source.digest()
    facts = {"name": path.name, "format": "clip-durations", "sha256": sha256, "rows": rows}
    report.merge(Report(sources=[facts], notes=[f"{path.name} was read as lengths of clips"]))
    return Durations(
        default_ms, texts_to_arrow(list(lengths)), np.array(list(lengths.values()), np.int64)
    )


def _no_such_clips(path: str | Path | None, clip_id: pa.StringArray) -> LabelFileError:
    shown = f"; its ids look like {shortlist(clip_id[:2].to_pylist())}" if len(clip_id) else ""
    return LabelFileError(
        f"{path}: none of its {len(clip_id):,} clips is among those with events{shown}"
    )


def _left_over(
    absent: Events, used: npt.NDArray[np.bool_], durations: Durations, options: EventOptions
) -> Events:
    """The clips of which only absences are known.

    Raises:
        LabelFileError: that is all of them.
    """
    if len(absent) and not used.any():
        raise _no_such_clips(options.explicit_negatives, absent.clip_id)
    rest = keep_statements(absent, ~used[absent.clip])
    cut = cut_to_clips(replace(rest, duration_ms=lengths(rest, durations), report=Report()))
    rest = keep_statements(cut, np.ones(len(cut.clip), np.bool_))
    first = np.searchsorted(rest.clip, np.arange(len(rest)))
    reason = "explicit negatives, but no events"
    rest.report.findings += [finding(rest, i, "clip added", reason) for i in first.tolist()]
    return rest

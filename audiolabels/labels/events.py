"""Events: what sounds when in clips, columnar, in whole milliseconds.

A *statement* concerns one class in one span of one clip, and has a state: present (an event);
confirmed absent, with all descendants; silent there but present elsewhere in the clip, which
implies nothing about descendants; unknown (an event with impossible times); or unsure (an event of
a label that may be the class). Or it concerns a whole clip: verified empty, unannotated, or
annotated with a label of no class.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import one_chunk, texts_to_arrow, to_arrow
from audiolabels.arrays.grid import Ms, clip_ms, nearest_ms
from audiolabels.arrays.intervals import united
from audiolabels.arrays.tables import abridged, html_table
from audiolabels.clips.index import ClipFinder
from audiolabels.clips.rows import prefixed, row_number
from audiolabels.errors import (
    InputTypeError,
    LabelFileError,
    OptionError,
    expect,
    located,
    shortlist,
)
from audiolabels.labels.annotations import positions, with_coverage
from audiolabels.labels.report import Report
from audiolabels.ontology.ontology import Ontology, default_ontology

if TYPE_CHECKING:
    import pandas

STATES = ("present", "absent", "silent", "unknown", "empty", "nothing", "unsure", "other")
PRESENT, ABSENT, SILENT, UNKNOWN, EMPTY, NOTHING, UNSURE, OTHER = map(np.uint8, range(len(STATES)))
NO_CLASS = -1
Chosen = npt.NDArray[Any] | slice
DURATION = 10.0  # seconds, as AudioSet's clips, where no length is given
ORDER = "(label, onset, offset), with times in seconds"


@dataclass(frozen=True, eq=False)
class Events:
    """Clips with statements about spans of them.

    Attributes:
        ontology: the graph whose positions `classes` holds.
        clip_id: string (N,).
        duration_ms: int64 (N,): length of each clip.
        clip: int64 (E,): row of each statement's clip, ascending; every clip has a statement.
        classes: int32 (E,): position in the ontology; `NO_CLASS` for `EMPTY`, `NOTHING`
            and `OTHER`.
        onset_ms, offset_ms: int64 (E,): the span as given, which may extend beyond the clip; the
            onset is before the offset, except in `EMPTY`, `NOTHING` and `OTHER`.
        state: uint8 (E,): a position in `STATES`.
        rows: int64 (E,): row of each statement in its file, from 1.
        file: int32 (E,): that file, as a position in `files`.
        files: names of the files.
        report: how the files were read.
        annotated: as in `Annotations`.
        values: float32 (E,): how present the class is, in [0, 1].
        soft: whether the values are what counts, and not the states alone.

    >>> events = Events.from_dict({"a": [("Guitar", 0.5, 2.0)], "b": [], "c": None})
    >>> events
    Events(3 clips, 1 events, 0 absences, 0 findings)
    >>> events.events(0), events.events(1), events.events(2)
    ((('Guitar', 0.5, 2.0),), (), None)
    """

    COLUMNS: ClassVar = (
        "clip", "classes", "onset_ms", "offset_ms", "state", "rows", "file", "values",
    )  # fmt: skip
    ontology: Ontology
    clip_id: pa.StringArray
    duration_ms: Ms
    clip: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int32]
    onset_ms: Ms
    offset_ms: Ms
    state: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]
    file: npt.NDArray[np.int32]
    files: tuple[str, ...] = ()
    report: Report = field(default_factory=Report)
    annotated: tuple[int, ...] | None = None
    values: npt.NDArray[np.float32] = field(default_factory=lambda: np.ones(0, np.float32))
    soft: bool = False

    def __post_init__(self) -> None:
        if len(self.values) != len(self.state):  # all are certain
            object.__setattr__(self, "values", np.ones(len(self.state), np.float32))

    @classmethod
    def from_dict(
        cls,
        events: Mapping[str, Iterable[tuple[str, float, float]] | None],
        *,
        duration: float | Mapping[str, float] = DURATION,
        absent: Mapping[str, Iterable[str]] | None = None,
        ontology: Ontology | None = None,
    ) -> "Events":
        """Events of a few clips, for notebooks and tests.

        Args:
            events: clip id to (id or exact display name, onset, offset) in seconds; an empty list
                is a verified empty clip, None an unannotated one. An event outside its clip
                reaches no frame (in files its times count as impossible).
            duration: seconds of all clips, or of each.
            absent: clip id to classes confirmed absent.
            ontology: the embedded one with its supplement by default.

        Raises:
            UnknownLabelError: the ontology lacks a label.
            LabelFileError: an event has no length.
            OptionError: a duration is missing or not above zero.
            InputTypeError: not such a dictionary, list or event.
        """
        expect("events", events, Mapping, "a dictionary of clip ids to lists of events")
        ontology = default_ontology(ontology)
        absent = absent or {}
        clips = list(dict.fromkeys([*events, *absent]))
        given = duration if isinstance(duration, Mapping) else dict.fromkeys(clips, duration)
        if unmeasured := [clip for clip in clips if clip not in given]:
            raise OptionError(f"no duration for clip {shortlist(map(repr, unmeasured))}")
        durations = []
        statements: list[tuple[int, str | None, int, int, np.uint8]] = []
        for row, clip in enumerate(clips):
            with located(f"clip {clip!r}"):
                durations.append(clip_ms(given[clip]))
            own = events.get(clip)
            expect(f"clip {clip!r}", own, Iterable | None, f"a list of events {ORDER}, or None")
            spans = [_span(clip, event) for event in own or ()]
            if backwards := [span for span in spans if span[1] >= span[2]]:
                raise LabelFileError(f"clip {clip!r}: an event without length: {backwards[0]}")
            statements += [(row, *span, PRESENT) for span in spans]
            statements += [(row, c, 0, durations[row], ABSENT) for c in absent.get(clip, ())]
            if not spans:
                statements.append((row, None, 0, 0, NOTHING if own is None else EMPTY))
        position = positions(
            ((label, f"clip {clips[row]!r}") for row, label, *_ in statements if label is not None),
            ontology,
        )
        table = [(row, position[c] if c else NO_CLASS, *rest) for row, c, *rest in statements]
        owner, classes, onset, offset, state = np.array(table, np.int64).reshape(-1, 5).T.copy()
        return cls(
            ontology,
            texts_to_arrow(clips),
            np.array(durations, np.int64),
            owner,
            classes.astype(np.int32),
            onset,
            offset,
            state.astype(np.uint8),
            np.arange(1, len(table) + 1),
            np.zeros(len(table), np.int32),
            ("",),
            Report(rows=len(table), rows_used=len(table)),
        )

    def __len__(self) -> int:
        return len(self.clip_id)

    @cached_property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Bool (N,): whether each clip has events or is verified empty.

        In the other clips every class is unknown, except confirmed absences.
        """
        annotated = np.isin(self.state, (PRESENT, EMPTY, UNSURE, OTHER))
        return np.bincount(self.clip[annotated], minlength=len(self)) > 0

    def events(self, row: int) -> tuple[tuple[str, float, float], ...] | None:
        """Name, onset and offset (seconds) of the events of the clip in a row, or None where it is
        unannotated.
        """
        if not self.labelled[row]:
            return None
        own = self.slice(row, row + 1)
        own = own.take(own.state == PRESENT)
        names = [self.ontology.classes[c].name for c in own.classes]
        times = (own.onset_ms / 1000).tolist(), (own.offset_ms / 1000).tolist()
        return tuple(zip(names, *times, strict=True))

    def united_absences(self) -> tuple[Ms, Ms]:
        """Onset and offset of each statement, int64 (E,) each; absences, and silences, of a class
        that overlap or touch have the span of their union.
        """
        onset, offset = self.onset_ms.copy(), self.offset_ms.copy()
        chosen = (self.state == ABSENT) | (self.state == SILENT)
        keys = (self.clip[chosen], self.classes[chosen], self.state[chosen])
        onset[chosen], offset[chosen] = united(*keys, first=onset[chosen], stop=offset[chosen])
        return onset, offset

    def __getitem__(self, clip: int | str) -> tuple[tuple[str, float, float], ...] | None:
        """The events of a clip, by row or by id, as `events` gives them.

        Raises:
            UnknownClipError: no clip has the id, or several could be meant.
            IndexError: no such row.
            InputTypeError: neither an id nor a number, such as a slice.
        """
        if isinstance(clip, str):
            return self.events(ClipFinder(self.clip_id).row_of(clip))
        return self.events(row_number(clip, len(self)))

    def __contains__(self, clip: object) -> bool:
        return clip in ClipFinder(self.clip_id)

    def __iter__(self) -> Iterator[tuple[tuple[str, float, float], ...] | None]:
        return map(self.events, range(len(self)))

    def summary(self) -> "pandas.DataFrame":
        """A data frame of the classes that have an event: `id`, `name`, `clips`, `events` and
        `seconds`, those with the most clips first.
        """
        frame = self.to_pandas()
        frame = frame[frame["state"] == "present"].assign(seconds=frame["offset"] - frame["onset"])
        rows = frame.groupby(["id", "label"], sort=False).agg(
            clips=("clip_id", "nunique"), events=("clip_id", "size"), seconds=("seconds", "sum")
        )
        ordered = rows.sort_values("clips", ascending=False, kind="stable").reset_index()
        return ordered.rename(columns={"label": "name"})

    def to_arrow(self) -> pa.Table:
        """An Arrow table with a row per statement: `clip_id`, `label` (display name), `id`,
        `onset`, `offset` (seconds), `state` (an entry of `STATES`), `clip_length` (seconds); soft
        ones with `value`; `annotated_for`, if clips were not annotated for all classes.
        `read_events` reads it.
        """
        names = pa.array([*(c.name for c in self.ontology.classes), None], pa.string())
        ids = pa.array([*self.ontology.ids, None], pa.string())
        class_ = np.where(self.classes == NO_CLASS, len(self.ontology), self.classes)
        places = to_arrow(class_.astype(np.int64))
        columns = {
            "clip_id": self.clip_id.take(to_arrow(self.clip)),
            "label": names.take(places),
            "id": ids.take(places),
            "onset": to_arrow(self.onset_ms / 1000),
            "offset": to_arrow(self.offset_ms / 1000),
            "state": texts_to_arrow(STATES).take(to_arrow(self.state.astype(np.int64))),
            "clip_length": to_arrow(self.duration_ms[self.clip] / 1000),
        }
        if self.soft:  # what states nothing of a span has no value
            certain = np.where(self.state == PRESENT, self.values, 1).astype(np.float32)
            columns["value"] = to_arrow(certain)
        return with_coverage(pa.table(columns), self.annotated, self.ontology)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The table as an Arrow stream, for what takes such (PyCapsule interface)."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def prefixed(self, prefix: str) -> "Events":
        """The same clips, a text before the id of each."""
        return replace(self, clip_id=prefixed(prefix, self.clip_id))

    def slice(self, start: int, stop: int) -> "Events":
        """The clips from row `start` up to `stop`, without the report."""
        first, last = np.searchsorted(self.clip, [start, stop]).tolist()
        part = self.take(slice(first, last))
        return replace(
            part,
            clip_id=self.clip_id[start:stop],
            duration_ms=self.duration_ms[start:stop],
            clip=part.clip - start,
            report=Report(),
        )

    def take(self, statements: Chosen) -> "Events":
        """The same clips with the chosen statements, which must ascend by clip."""
        return replace(self, **{name: getattr(self, name)[statements] for name in self.COLUMNS})

    @staticmethod
    def concat(parts: "Sequence[Events]", ontology: Ontology) -> "Events":
        """All clips of all parts, which share the ontology and have no clip in common."""
        files = tuple(dict.fromkeys(name for p in parts for name in p.files))
        number = {name: position for position, name in enumerate(files)}
        moved, start = [], 0
        for part in parts:
            file = np.array([number[name] for name in part.files], np.int32)[part.file]
            moved.append(replace(part, clip=part.clip + start, file=file))
            start += len(part)
        none = Events.from_dict({}, ontology=ontology)
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(p, name) for p in (none, *moved)])
            for name in ("duration_ms", *Events.COLUMNS)
        }
        clip_id = one_chunk(pa.chunked_array([p.clip_id for p in parts], pa.string()))
        report = Report.merged(p.report for p in parts)
        shared: dict[str, Any] = {}
        if parts:
            shared = {name: getattr(parts[0], name) for name in ("annotated", "soft")}
        return replace(none, clip_id=clip_id, files=files, report=report, **shared, **arrays)

    def to_pandas(self) -> "pandas.DataFrame":
        """A data frame of all statements, with the columns of `to_arrow`."""
        frame: pandas.DataFrame = self.to_arrow().to_pandas()
        return frame

    def __repr__(self) -> str:
        present, absent = ((self.state == which).sum() for which in (PRESENT, ABSENT))
        return (
            f"Events({len(self):,} clips, {present:,} events, {absent:,} absences, "
            f"{len(self.report.findings):,} findings)"
        )

    def _repr_html_(self) -> str:
        rows = []
        for row, clip in enumerate(self.clip_id[:5].to_pylist()):
            shown = [f"{onset:g}–{end:g} {name}" for name, onset, end in self.events(row) or ()]
            empty = "verified empty" if self.labelled[row] else "unannotated"
            rows.append((clip, abridged(shown) or empty))
        return html_table(self, ("clip", "events, in seconds"), rows)


def _span(clip: str, event: Iterable[Any]) -> tuple[str, int, int]:
    """Label, onset and offset of an event, in milliseconds."""
    expect(f"clip {clip!r}", event, Iterable, f"an event {ORDER}")
    parts = tuple(event)
    try:
        label, onset, offset = parts
        expect("label", label, str, "a text")
        return label, nearest_ms(onset), nearest_ms(offset)
    except (ValueError, OptionError, InputTypeError) as error:
        raise InputTypeError(f"clip {clip!r}: expected an event {ORDER}; got {parts}") from error

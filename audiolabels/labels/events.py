"""Events: what people said about when, columnar, in whole milliseconds.

A *statement* is about one class in one span of one clip: it sounds (an event); it was confirmed
absent, and with it every class below; it is silent there but sounds elsewhere in the clip, which
says nothing of classes below; or nobody can tell (an event whose times make no sense). Or it is
about a clip: verified empty, or nothing at all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import one_chunk, texts_to_arrow
from audiolabels.arrays.grid import Ms, clip_ms, nearest_ms
from audiolabels.arrays.intervals import united
from audiolabels.arrays.tables import html_table
from audiolabels.errors import (
    InputTypeError,
    LabelFileError,
    OptionError,
    UnknownLabelError,
    expect,
    located,
    shortlist,
)
from audiolabels.labels.report import Report
from audiolabels.ontology.ontology import Ontology, load_ontology

if TYPE_CHECKING:
    import pandas

STATES = ("present", "absent", "silent", "unknown", "empty", "nothing")
PRESENT, ABSENT, SILENT, UNKNOWN, EMPTY, NOTHING = (np.uint8(i) for i in range(len(STATES)))
NO_CLASS = -1
DURATION = 10.0  # seconds; AudioSet's clips, where nothing says otherwise
ORDER = "(label, onset, offset), with times in seconds"


@dataclass(frozen=True, eq=False)
class Events:
    """Clips with statements about spans of them.

    Attributes:
        ontology: the graph whose positions `classes` holds.
        clip_id: string (N,).
        duration_ms: int64 (N,): length of each clip.
        clip: int64 (E,): row of each statement's clip, ascending; every clip has a statement.
        classes: int32 (E,): position in the ontology; `NO_CLASS` for `EMPTY` and `NOTHING`.
        onset_ms, offset_ms: int64 (E,): the span as it was given, which may reach beyond the clip;
            the first is before the second, but for `EMPTY` and `NOTHING`.
        state: uint8 (E,): `PRESENT`, `ABSENT`, `SILENT`, `UNKNOWN`, `EMPTY` or `NOTHING`.
        rows: int64 (E,): the row of its file that each statement stood in, from 1.
        file: int32 (E,): that file, as a position in `files`.
        files: names of the files.
        report: how the files were read.

    >>> events = Events.from_dict({"a": [("Guitar", 0.5, 2.0)], "b": [], "c": None})
    >>> events
    Events(3 clips, 1 events, 0 absences, 0 findings)
    >>> events.events(0), events.events(1), events.events(2)
    ((('Guitar', 0.5, 2.0),), (), None)
    """

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
                is a verified empty clip, None one of which nobody said what sounds. An event
                outside its clip reaches no frame (in files its times count as impossible).
            duration: seconds of all clips, or of each.
            absent: clip id to classes confirmed absent.
            ontology: the embedded one with its supplement by default.

        Raises:
            UnknownLabelError: the ontology lacks a label.
            LabelFileError: an event has no length.
            OptionError: a duration lacks or is not above zero.
            InputTypeError: something else than such a dictionary, list or event.
        """
        expect("events", events, Mapping, "a dictionary of clip ids to lists of events")
        ontology = ontology or load_ontology().with_supplement()
        absent = absent or {}
        clips = list(dict.fromkeys([*events, *absent]))
        untold = [c for c in clips if isinstance(duration, Mapping) and c not in duration]
        if untold:
            raise OptionError(f"no duration for clip {shortlist(map(repr, untold))}")
        lengths = [duration[c] if isinstance(duration, Mapping) else duration for c in clips]
        durations = []
        for clip, seconds in zip(clips, lengths, strict=True):
            with located(f"clip {clip!r}"):
                durations.append(clip_ms(seconds))
        statements: list[tuple[int, str | None, int, int, np.uint8]] = []
        for row, clip in enumerate(clips):
            given = events.get(clip)
            expect(f"clip {clip!r}", given, Iterable | None, f"a list of events {ORDER}, or None")
            spans = [_span(clip, event) for event in given or ()]
            backwards = [span for span in spans if span[1] >= span[2]]
            if backwards:
                raise LabelFileError(f"clip {clip!r}: an event without length: {backwards[0]}")
            statements += [(row, *span, PRESENT) for span in spans]
            statements += [(row, c, 0, durations[row], ABSENT) for c in absent.get(clip, ())]
            if not spans:
                statements.append((row, None, 0, 0, NOTHING if given is None else EMPTY))
        labels = {
            label: f"clip {clips[row]!r}" for row, label, *_ in statements if label is not None
        }
        position = {label: ontology.index.get(ontology.resolve(label) or "") for label in labels}
        lacking = [label for label in labels if position[label] is None]
        if lacking:
            shown = shortlist(lacking, show=lambda label: ontology.hint(label, labels[label]))
            raise UnknownLabelError(f"the ontology lacks {shown}")
        table = np.array(
            [(row, position[c] if c else NO_CLASS, *rest) for row, c, *rest in statements], np.int64
        ).reshape(-1, 5)
        return cls(
            ontology,
            texts_to_arrow(clips),
            np.array(durations, np.int64),
            table[:, 0].copy(),
            table[:, 1].astype(np.int32),
            table[:, 2].copy(),
            table[:, 3].copy(),
            table[:, 4].astype(np.uint8),
            np.arange(1, len(table) + 1),
            np.zeros(len(table), np.int32),
            ("",),
            Report(rows=len(table), rows_used=len(table)),
        )

    def __len__(self) -> int:
        return len(self.clip_id)

    @cached_property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Bool (N,): whether somebody said what sounds in each clip, be it nothing.

        In the other clips every class is unknown, but for confirmed absences.
        """
        heard = (self.state == PRESENT) | (self.state == EMPTY)
        return np.bincount(self.clip[heard], minlength=len(self)) > 0

    def events(self, row: int) -> tuple[tuple[str, float, float], ...] | None:
        """Name, onset and offset (seconds) of the events of the clip in a row, or None where
        nobody said what sounds.
        """
        if not self.labelled[row]:
            return None
        first, stop = np.searchsorted(self.clip, [row, row + 1])
        return tuple(
            (
                self.ontology.classes[self.classes[i]].name,
                int(self.onset_ms[i]) / 1000,
                int(self.offset_ms[i]) / 1000,
            )
            for i in range(int(first), int(stop))
            if self.state[i] == PRESENT
        )

    def united_absences(self) -> tuple[Ms, Ms]:
        """The span of each statement, int64 (E,) each; of absences and silences of a class that
        overlap or touch, the span of all of them.
        """
        onset, offset = self.onset_ms.copy(), self.offset_ms.copy()
        chosen = (self.state == ABSENT) | (self.state == SILENT)
        keys = (self.clip[chosen], self.classes[chosen], self.state[chosen])
        span = united(*keys, first=onset[chosen], stop=offset[chosen])
        onset[chosen], offset[chosen] = span
        return onset, offset

    def slice(self, start: int, stop: int) -> "Events":
        """The clips from row `start` up to `stop`, without the report."""
        stop = min(stop, len(self))
        first, last = np.searchsorted(self.clip, [start, stop])
        cut = slice(int(first), int(last))
        return replace(
            self,
            clip_id=self.clip_id.slice(start, max(0, stop - start)),
            duration_ms=self.duration_ms[start:stop],
            clip=self.clip[cut] - start,
            classes=self.classes[cut],
            onset_ms=self.onset_ms[cut],
            offset_ms=self.offset_ms[cut],
            state=self.state[cut],
            rows=self.rows[cut],
            file=self.file[cut],
            report=Report(),
        )

    def take(self, statements: npt.NDArray[np.generic]) -> "Events":
        """The same clips with the chosen statements, in that order, which must keep to the
        clips' order.
        """
        return replace(
            self,
            clip=self.clip[statements],
            classes=self.classes[statements],
            onset_ms=self.onset_ms[statements],
            offset_ms=self.offset_ms[statements],
            state=self.state[statements],
            rows=self.rows[statements],
            file=self.file[statements],
        )

    @staticmethod
    def concat(parts: "Sequence[Events]", ontology: Ontology) -> "Events":
        """All clips of all parts, which share the ontology and have no clip in common."""
        files = tuple(dict.fromkeys(name for p in parts for name in p.files))
        starts = np.cumsum([0, *map(len, parts)])

        def join(name: str, dtype: type) -> npt.NDArray[Any]:
            arrays = [getattr(p, name) for p in parts]
            return np.concatenate([*arrays, np.zeros(0, dtype)]).astype(dtype)

        renamed = [
            np.array([files.index(name) for name in p.files], np.int32)[p.file] for p in parts
        ]
        moved = [p.clip + start for p, start in zip(parts, starts, strict=False)]
        return Events(
            ontology,
            one_chunk(pa.chunked_array([p.clip_id for p in parts], pa.string())),
            join("duration_ms", np.int64),
            np.concatenate([*moved, np.zeros(0, np.int64)]),
            join("classes", np.int32),
            join("onset_ms", np.int64),
            join("offset_ms", np.int64),
            join("state", np.uint8),
            join("rows", np.int64),
            np.concatenate([*renamed, np.zeros(0, np.int32)]),
            files,
            Report.merged(p.report for p in parts),
        )

    def to_pandas(self) -> "pandas.DataFrame":
        """A data frame of all statements: `clip_id`, `label` (display name), `id`, `onset`,
        `offset` (seconds), `state` (an entry of `STATES`).
        """
        import pandas

        ids, classes = self.clip_id.to_pylist(), self.ontology.classes
        return pandas.DataFrame(
            {
                "clip_id": [ids[c] for c in self.clip],
                "label": [classes[c].name if c != NO_CLASS else None for c in self.classes],
                "id": [classes[c].id if c != NO_CLASS else None for c in self.classes],
                "onset": self.onset_ms / 1000,
                "offset": self.offset_ms / 1000,
                "state": [STATES[s] for s in self.state],
            }
        )

    def __repr__(self) -> str:
        present, absent = ((self.state == which).sum() for which in (PRESENT, ABSENT))
        return (
            f"Events({len(self):,} clips, {present:,} events, {absent:,} absences, "
            f"{len(self.report.findings):,} findings)"
        )

    def _repr_html_(self) -> str:
        rows = zip(self.clip_id[:5].to_pylist(), self._first_rows(5), strict=True)
        return html_table(self, ("clip", "events, in seconds"), rows)

    def _first_rows(self, count: int, most: int = 6) -> Iterator[str]:
        for row in range(min(count, len(self))):
            given = self.events(row)
            if given is None:
                yield "nobody said what sounds"
                continue
            shown = [f"{onset:g}–{offset:g} {name}" for name, onset, offset in given[:most]]
            more = [f"and {len(given) - most} more"] if len(given) > most else []
            yield " · ".join([*shown, *more]) or "verified empty"


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

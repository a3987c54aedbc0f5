"""Which formats are read, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from audiolabels.arrays.grid import clip_ms
from audiolabels.errors import choose
from audiolabels.labels.events import DURATION

UNKNOWN = ("error", "drop")
TIME_UNITS = ("auto", "s", "ms")

LABEL_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "audioset-segments": "AudioSet segments CSV: YTID, start_seconds, end_seconds, labels",
        "long": "one row a label: clip, label, with or without times; CSV or TSV",
        "clip-labels": "one row a clip: clip_id, labels; CSV or TSV",
        "psl": "PSL's TSV: filename, labels (joined column numbers), duration, hdf5path",
        "fsd50k": "FSD50K's CSV: fname, labels, mids",
        "ast-json": "the JSON of AST, PSLA, SSAST and AudioMAE: data, wav, labels",
        "parquet": "Hugging Face style Parquet: video_id, labels",
    }
)
EVENT_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "events": "one row an event: clip, onset, offset, label, as AudioSet strong and DESED",
        "framed": "AudioSet's framed release: clip, onset, offset, label, PRESENT or NOT_PRESENT",
        "pretrained-sed": "PretrainedSED's data set, its .arrow file: filename, events",
    }
)
FORMATS: Mapping[str, str] = MappingProxyType({**LABEL_FORMATS, **EVENT_FORMATS})


@dataclass(frozen=True)
class ReadOptions:
    """How label files are read.

    Attributes:
        unknown: what happens to labels that ontology, supplement and aliases all lack: `error`
            or `drop` (and count).
        time_unit: unit of the times in delimited files: `auto` takes seconds, and refuses them
            where clips would last a thousandfold; `s`; `ms`.
    """

    unknown: str = "error"
    time_unit: str = "auto"

    def __post_init__(self) -> None:
        choose("unknown", self.unknown, UNKNOWN)
        choose("time_unit", self.time_unit, TIME_UNITS)


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
        OptionError: a duration is no number above zero.
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
        return clip_ms(default)

    @property
    def side_files(self) -> list[Path]:
        """The files that are read beside the event files."""
        named = (self.clip_durations, self.explicit_negatives)
        return [Path(path) for path in named if path is not None]


def ignored_columns(names: Sequence[str]) -> str:
    """What to add to a note about columns that are not read."""
    return f"; columns not used: {', '.join(names)}" if names else ""

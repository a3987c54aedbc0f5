"""Which formats are read, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from audiolabels.arrays.grid import clip_ms
from audiolabels.labels.events import DURATION
from audiolabels.options import Options, option

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
class ReadOptions(Options):
    """How label files are read."""

    unknown: str = option(
        "error",
        "Labels that ontology, supplement and aliases all lack: stop, or drop and count them.",
        choices=UNKNOWN,
    )
    time_unit: str = option(
        "auto",
        "Unit of the times in CSV and TSV files. auto: seconds, and an error where clips would "
        "last a thousand times too long.",
        choices=TIME_UNITS,
    )


@dataclass(frozen=True)
class EventOptions(Options):
    """How event files are read.

    Attributes:
        read: what holds for label files too.

    Raises:
        OptionError: a duration is no number above zero.
    """

    read: ReadOptions = field(default_factory=ReadOptions)
    clip_duration: float | str | None = option(
        None,
        "Length of clips whose length no file gives.",
        metavar="SECONDS",
        shown=f"{DURATION:g}",
    )
    clip_durations: str | Path | None = option(
        None,
        "A table of clips and their lengths in seconds, CSV or TSV: filename, duration. It comes "
        "before a column of the event file, and that before the clip's name.",
        metavar="FILE",
    )
    explicit_negatives: str | Path | None = option(
        None,
        "Labels of classes confirmed absent: a label file in any format, or a framed file, of "
        "which classes that are only NOT_PRESENT in a clip count.",
        metavar="FILE",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
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

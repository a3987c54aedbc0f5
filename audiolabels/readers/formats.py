"""Which formats are read, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from audiolabels.errors import choose

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


def ignored_columns(names: Sequence[str]) -> str:
    """What to add to a note about columns that are not read."""
    return f"; columns not used: {', '.join(names)}" if names else ""

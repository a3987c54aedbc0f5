"""How files are read: options of the three readers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from audiolabels.arrays.grid import clip_ms
from audiolabels.errors import expect
from audiolabels.files import as_path
from audiolabels.files.remote import to_path
from audiolabels.labels.events import DURATION
from audiolabels.ontology.mapping import LabelMapping, load_annotated, load_mapping
from audiolabels.ontology.ontology import Ontology
from audiolabels.options import Options, option, portion
from audiolabels.readers.aliases import as_aliases
from audiolabels.readers.columns import GivenColumns, as_columns

UNKNOWN = ("error", "drop")
MISSING_ROWS = ("error", "accept")
TIME_UNITS = ("auto", "s", "ms")
SOFT = "soft"
RATERS = ("mean", "majority", "any", "all", "dawid-skene")
SOFT_RATERS = ("mean", "dawid-skene")
VALUES = ("auto", "logits", "probabilities")
STATED = ("mapping", "annotated", "values", "raters", "prefix")  # by metadata, of a file
BEYOND_TOP = ("unknown", "zero")


@dataclass(frozen=True)
class BlockSizes:
    """How much is read or made at a time. Speed and memory depend on it, results do not.

    Attributes:
        text: bytes of a delimited file.
        parquet: rows of a Parquet file of labels.
        labels: distinct label texts that are kept; AudioSet has 15,000 to 40,000.
        scores: segments of a file of scores, or one clip.
        events: clips per part, where all events are held in memory.
        frames: frames of targets, or one clip.
    """

    text: int = 4 << 20
    parquet: int = 1 << 16
    labels: int = 1 << 16
    scores: int = 8192
    events: int = 1 << 14
    frames: int = 1 << 15


BLOCK_SIZES = BlockSizes()


class Annotated(NamedTuple):
    """What clips were annotated for.

    Attributes:
        name: of the list of classes, in metadata.
        classes: their positions in the ontology, ascending; None: all of them.
    """

    name: str
    classes: tuple[int, ...] | None


class VerdictPrefixes(NamedTuple):
    """Prefixes of the data sets of a join: a clip is of that whose prefix its id begins with, the
    longest.

    Attributes:
        takers: of those that take the verdicts on the whole join.
        others: of those that do not, such as events.
    """

    takers: tuple[str, ...]
    others: tuple[str, ...]


EVERYTHING = Annotated("", None)
OWN_COLUMNS = Annotated("its columns", ())  # of a wide table: its cells state all


def _text(name: str, value: str) -> str:
    expect(name, value, str, "text")
    return value


@dataclass(frozen=True)
class ReadOptions(Options):
    """How label files are read.

    Attributes:
        block_sizes: how much is read at a time.
        folders: whether clip ids keep the folders of file names; None: where file names repeat.
        denied: whether the labels are those of classes confirmed absent.
        verdict_prefixes: of the data sets of a join that share the verdicts; None: these are on
            the clips of these labels alone.
    """

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
    missing_rows: str = option(
        "error",
        "Files with fewer rows than their comment num_segs announces: stop, or accept them.",
        choices=MISSING_ROWS,
    )
    aliases: Mapping[str, str] | str | Path | None = option(
        None,
        "Names of classes of one's own: a CSV or TSV file of label and class, an id or a name.",
        metavar="FILE",
        check=lambda _, aliases: as_aliases(aliases),
    )
    mapping: str | Path | LabelMapping | None = option(
        None,
        "What the labels of another data set mean: an embedded mapping by name, or a file in "
        "SSSOM's TSV form. It states what the data set was annotated for, too.",
        metavar="NAME|FILE",
    )
    annotated: str | Path | Iterable[str] | None = option(
        None,
        "The classes that the clips were annotated for; others are unknown where they are not "
        "labelled. A mapping or vocabulary by name, a file with a list of classes, or none: what "
        "is neither labelled nor confirmed absent is unknown.",
        metavar="NAME|FILE",
        shown="those of the mapping; else all",
    )
    values: str | float | None = option(
        None,
        "What a column of values from 0 to 1 is for, such as the share of raters. soft: they are "
        "the targets; a number: the label is present from it on.",
        check=lambda name, value: value if value == SOFT else portion(name, value, above=True),
        metavar="soft|THRESHOLD",
        shown="files with other values than 1 are refused",
    )
    raters: str | None = option(
        None,
        "How the labels of several raters are united. mean: the share of those who found it "
        "present, as a soft target; majority, ties are unknown; any; all; dawid-skene: its "
        "probability by the model of Dawid and Skene.",
        choices=RATERS,
        shown="files with several raters are refused",
    )
    prefix: str = option(
        "",
        "What clip ids begin with, before those of the file, such as the name of a data set.",
        check=_text,
        metavar="TEXT",
    )
    explicit_negatives: str | Path | None = option(
        None,
        "Labels of classes confirmed absent: a label file in any format; for events also a framed "
        "file, of which classes that are only NOT_PRESENT in a clip count.",
        metavar="FILE",
    )
    verdicts: str | Path | None = option(
        None,
        "Verdicts of a review: a CSV with the columns clip_id, id (of a class, or its name) and "
        "verdict: present, absent, unsure or skip. They outweigh the labels of clips.",
        metavar="FILE",
    )
    columns: GivenColumns = option(
        None,
        "What columns hold, where their names do not show it: clip, video, start, end, duration, "
        "clip_length, labels, label, numbered_label, class, label_values, absent_labels, "
        "unsure_labels, judged_labels, annotated_for, presence, value, rater, or ignored.",
        metavar="ROLE=NAME,…",
        check=lambda _, columns: as_columns(columns),
    )
    block_sizes: BlockSizes = BLOCK_SIZES
    folders: bool | None = None
    denied: bool = False
    verdict_prefixes: VerdictPrefixes | None = None

    def load_mapping(self, ontology: Ontology) -> LabelMapping | None:
        """The mapping, if there is one.

        Raises:
            MappingError: see `audiolabels.ontology.mapping.load_mapping`.
        """
        return None if self.mapping is None else load_mapping(self.mapping, ontology=ontology)

    def load_annotated(self, ontology: Ontology) -> Annotated:
        """What the clips were annotated for.

        Raises:
            VocabularyError: see `audiolabels.ontology.mapping.load_annotated`.
            MappingError: likewise.
        """
        if self.annotated is not None:
            name, ids = load_annotated(self.annotated, ontology)
        elif (mapping := self.load_mapping(ontology)) is not None:
            name, ids = mapping.name, mapping.covered
        else:
            return EVERYTHING
        return Annotated(name, tuple(sorted(ontology.index[id_] for id_ in ids)))

    def facts(self, ontology: Ontology) -> dict[str, Any]:
        """What metadata state of a file read so, as far as it is not the default.

        Raises:
            MappingError, VocabularyError: see `load_annotated`.
        """
        mapping, annotated = self.load_mapping(ontology), self.load_annotated(ontology)
        heard = annotated.classes
        stated = (
            mapping and mapping.name,
            heard is not None and {"name": annotated.name, "classes": len(heard)},
            self.values,
            self.raters,
            self.prefix,
        )
        return {name: value for name, value in zip(STATED, stated, strict=True) if value}

    @property
    def soft(self) -> bool:
        """Whether labels have values that become soft targets."""
        return self.values == SOFT or (self.raters in SOFT_RATERS and self.values is None)

    @property
    def unit_ms(self) -> int:
        """Milliseconds per unit of the times in delimited files."""
        return 1 if self.time_unit == "ms" else 1000


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

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.default_ms

    @property
    def default_ms(self) -> int:
        """Milliseconds of the clips whose length no file gives."""
        return clip_ms(DURATION if self.clip_duration is None else self.clip_duration)

    @property
    def side_files(self) -> list[Path]:
        """The files that are read with the label or event files."""
        named = (self.clip_durations, self.read.explicit_negatives, self.read.verdicts)
        return [to_path(path) for path in named if path is not None]


@dataclass(frozen=True)
class ScoreOptions(Options):
    """How a file of scores is read.

    Attributes:
        path: the file.
        block_sizes: how much is read at a time.
    """

    path: Path
    class_order: str | Path | None = option(
        None,
        "The teacher's classes in its order: the name of a vocabulary, or a file with a list of "
        "classes. It comes before the order in the file.",
        metavar="NAME|FILE",
        shown="as in the file; else audioset",
    )
    values: str = option(
        "auto",
        "What the scores are. logits become probabilities by the sigmoid; auto: logits if some of "
        "the first block lie outside 0 to 1.",
        choices=VALUES,
        name="score_values",
    )
    index: str | Path | None = option(
        None,
        "Which clip each row of a .npy file is: EfficientAT's fname_to_index.pkl, JSON, or a name "
        "per line.",
        check=as_path,
        metavar="FILE",
        shown="fname_to_index.pkl next to it",
        name="scores_index",
    )
    beyond_top: str = option(
        "unknown",
        "What classes are that a file of the highest scores, such as CED's, does not list.",
        choices=BEYOND_TOP,
    )
    block_sizes: BlockSizes = BLOCK_SIZES

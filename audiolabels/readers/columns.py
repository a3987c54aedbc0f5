"""The roles of columns: what each column of a table holds, known by its name or given.

Names count in lower case. Every column of a table gets a role, or is listed as unused. A column
that may change what a label means is never merely unused: its role is known, or the table is
refused until the reader's option `columns` gives it one.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from audiolabels.errors import OptionError, choose, expect, shortlist

# Role to the names of its columns, as the library takes it; text: `role=name,role=name`.
GivenColumns = str | Mapping[str, str | Sequence[str]] | None
Known = Callable[[str], bool]  # whether a label is known, of a class or of the mapping


class Role(NamedTuple):
    """What a column holds, and how it may be called, in order of preference."""

    summary: str
    names: tuple[str, ...]


def _role(summary: str, names: str = "", *with_spaces: str) -> Role:
    return Role(summary, (*names.split(), *with_spaces))


ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "clip": _role(
            "the clip, by id or file name",
            "segment_id clip_id filename file_name fname filepath file_path slice_file_name "
            "audio_file audio_filename audio_path audio_id audio_name audio sample_key clip "
            "file path wav",
            "begin path",
            "begin file",
        ),
        "video": _role(
            "the YouTube video, by id or address",
            "ytid yt_id youtube_id video_id youtube_url url",
        ),
        "start": _role(
            "start in seconds: of an event in its clip, or of the clip in its video",
            "start_seconds start_time_seconds start_time start_sec start_s start onset onset_s "
            "time_start t_start segment_start clip_start begin_time begin from",
            "begin time (s)",
        ),
        "end": _role(
            "end in seconds, likewise",
            "end_seconds end_time_seconds end_time end_sec end_s end offset offset_s "
            "time_end t_end segment_end clip_end stop to",
            "end time (s)",
        ),
        "duration": _role(
            "seconds from start to end, where there is no column of ends",
            "duration_seconds duration_sec duration_s duration event_duration length",
        ),
        "clip_length": _role(
            "length of the clip in seconds",
            "clip_duration clip_duration_seconds clip_length audio_duration file_duration "
            "recording_duration",
        ),
        "labels": _role(
            "the labels of a clip, in one row per clip",
            "positive_labels mids labels event_labels human_labels tags classes",
        ),
        "label": _role(
            "a label, in one row per label",
            "mid event_label label class tag category species instrument",
            *("annotation", "common name", "species code"),
        ),
        "label_values": _role(
            "a value for each of the labels, in one row per clip; see the option values",
            "label_values",
        ),
        "absent_labels": _role(
            "the labels confirmed absent from a clip, in one row per clip", "absent_labels"
        ),
        "unsure_labels": _role(
            "the labels that are unknown of a clip, in one row per clip",
            "unsure_labels masked",
        ),
        "judged_labels": _role(
            "those labels of all these lists on which there is a verdict", "judged_labels"
        ),
        "annotated_for": _role(
            "the classes that all clips were annotated for, joined by semicolons, or none; see the "
            "option annotated",
            "annotated_for",
        ),
        "numbered_label": _role("one label of several in a row, as label_1, label_2 and so on"),
        "class": _role(
            "a class, in a table of one column per class: 1 present, 0 absent, else unknown"
        ),
        "presence": _role(
            "whether the label is present or absent",
            "present presence is_present exists audible verified modality",
        ),
        "value": _role(
            "a confidence or share of raters; see the option values",
            "confidence score scores prob probability likelihood value weight certainty relevance",
        ),
        "rater": _role(
            "who gave the label; see the option raters",
            "rater rater_id rated_by annotator annotator_id annotated_by labeler labeled_by "
            "labelled_by coder reviewer worker worker_id user_id",
        ),
        "vote": _role("whether one rater found the label present, a column for each rater"),
        "selection": _role("the number of a selection, in Raven's tables", "", "selection"),
        "file_offset": _role(
            "the start in seconds in the file, where that of the selection is one in a sequence of "
            "files, as Raven has it",
            "",
            "file offset (s)",
        ),
        "split": _role("a part of the data set", "split fold subset partition set"),
        "ignored": _role("anything; not read, whatever its name"),
    }
)
HEADER = frozenset(
    name for role in ("start", "end", "labels", "label", "presence") for name in ROLES[role].names
)
STATES_COLUMN = "state"
CLASS_LIST = "index display_name label_id name".split()
UNSURE = ("tags", "classes")  # names that a column of single labels comes before
LAST = ("annotation", "common name", "species code")  # of labels, where no other column has any
SELECTION_TABLE = "begin time (s)"  # a column that Raven's tables have
PRESENCE: Mapping[str, bool] = MappingProxyType(
    dict.fromkeys("present true 1 1.0 yes y t a av audible".split(), True)
    | dict.fromkeys("not_present false 0 0.0 no n f v visible absent inaudible".split(), False)
)
# Cells of a column of `Events`' states; those of whole clips concern no label.
STATE_CELLS: Mapping[str, bool] = MappingProxyType(
    dict.fromkeys("present empty nothing other".split(), True)
    | dict.fromkeys("absent silent".split(), False)
)
UNSURE_CELLS = frozenset({"unsure", "unknown"})
# Columns whose names leave open what they make of a label; compiled when first needed.
ASKED = (
    r"(not|non|un|is_not|in)_?(present|audible|verified)|absent|absence|(is_)?negat(ed|ive)|"
    r"(is_)?(correct|true|truth|valid|confirmed|accepted|approved|relevant|positive)|polarity|"
    r"\w+_(verified|present|presence|absent|correct|confirmed)|"
    r"(rating|vote)s?"
)
REPEATABLE = frozenset("numbered_label class presence value rater vote ignored".split())
# Beside labels, in one row per clip.
LISTS = ("label_values", "absent_labels", "unsure_labels", "judged_labels")
LABELS = frozenset({"label", "labels", "numbered_label", "class"})
VOTES = r"(labell?er|rater|annotator|coder|worker)_?\d+|(rating|vote)_?\d+"
# As SONYC-UST has them, such as 1-X_engine_presence.
PRESENCE_COLUMN = re.compile(r"((?:\d+-(?:\d+|x)_|\d+_)?(.+))_presence", re.IGNORECASE)
NUMBERED = re.compile(r"(label|class|tag)_?\d{1,3}")
WORDS = frozenset("present not_present absent positive negative + -".split())
STARTS = r"(\w+_)?(start|begin|onset)(_\w+)?"
FRACTION = re.compile(r"0?\.\d*[1-9]\d*(e-?\d+)?|[1-9](\.\d+)?e-\d+", re.ASCII)
UNIT = re.compile(r"0|1|0?\.\d+(e-?\d+)?|[01]\.0*|\d(\.\d+)?e-\d+", re.ASCII)
STATE = re.compile(r"-1(\.0*)?|true|false|" + UNIT.pattern, re.ASCII)  # a cell of a class's column
MISSING = frozenset({"", "nan", "na", "n/a", "none", "null"})


@dataclass(frozen=True)
class Columns:
    """The columns of a table by role.

    Attributes:
        names: of all columns, in lower case.
        roles: role to the positions of its columns; of most roles there is one.
        unused: names of the columns that are not read.
        classes: labels of the columns of classes, in their order.
    """

    names: tuple[str, ...]
    roles: Mapping[str, tuple[int, ...]]
    unused: tuple[str, ...]
    classes: tuple[str, ...] = ()

    def __getitem__(self, role: str) -> int | None:
        """The position of the first column with a role, or None."""
        return next(iter(self.roles.get(role, ())), None)


NO_COLUMNS = Columns((), MappingProxyType({}), ())


def class_columns(names: Sequence[str], known: Known | None) -> list[int]:
    """Positions of the columns of classes: those called so, or of which two and more are known."""
    called = [i for i, name in enumerate(names) if PRESENCE_COLUMN.fullmatch(name)]
    if called or known is None:
        return called
    found = [i for i, name in enumerate(names) if name and known(name)]
    return found if len(found) > 1 else []


def class_hint(columns: Columns, rows: Sequence[Sequence[str]]) -> str:
    """How to give the columns of a table that may have one per class, if its cells look so."""
    taken = {i for own in columns.roles.values() for i in own}
    cells = [
        {row[i].strip().casefold() for row in rows if i < len(row)} - MISSING
        for i in range(len(columns.names))
    ]
    found = [
        name
        for i, name in enumerate(columns.names)
        if name and i not in taken and are_states(cells[i])
    ]
    given = ",".join(f"class={name}" for name in found[:3]) + ",…" * (len(found) > 3)
    return (
        f"; or, of a table with a column per class, 1 where it is present: --columns {given}"
        * bool(found)
    )


def class_labels(names: Sequence[str]) -> tuple[str, ...]:
    """The labels of columns of classes, as `small-engine` of `1-1_small-engine_presence`; where
    that is the label of several columns, they keep their numbers.

    >>> class_labels(["3-1_impact_presence", "3_impact_presence", "8_dog_presence"])
    ('3-1_impact', '3_impact', 'dog')
    """
    called = [PRESENCE_COLUMN.fullmatch(name) for name in names]
    labels = [own[2] if own else name for own, name in zip(called, names, strict=True)]
    return tuple(
        own[1] if own and labels.count(label) > 1 else label
        for own, label in zip(called, labels, strict=True)
    )


def as_columns(columns: GivenColumns) -> dict[str, tuple[str, ...]]:
    """Roles with the names of their columns, from a mapping or from `role=name,role=name`.

    Raises:
        OptionError: not in this form, or no role.
        InputTypeError: neither text nor a mapping.

    >>> as_columns("clip=filename,label=species,ignored=note,ignored=Begin Time (s)")
    {'clip': ('filename',), 'label': ('species',), 'ignored': ('note', 'Begin Time (s)')}
    """
    expected = "text such as 'clip=filename,label=species', or a mapping from roles to names"
    expect("columns", columns, str | Mapping | None, expected)
    roles: dict[str, tuple[str, ...]] = {}
    pairs: list[tuple[Any, Any]] = []
    if isinstance(columns, str):
        pairs = [(r, n) for r, _, n in (part.partition("=") for part in columns.split(","))]
    elif columns:
        for role, names in columns.items():
            expect(f"columns[{role!r}]", names, str | list | tuple, "a name or a list of names")
            pairs += [(role, name) for name in ([names] if isinstance(names, str) else names)]
    for role, name in pairs:
        if not isinstance(name, str) or not name.strip():
            raise OptionError(f"columns {columns!r}: give role=name, separated by commas")
        role = choose("role of a column", str(role).strip().replace("-", "_"), ROLES)
        roles[role] = (*roles.get(role, ()), name.strip())
    return roles


def find_column(names: Sequence[str], *roles: str) -> str | None:
    """The name of the column with one of the roles, in their order, or None."""
    return next((name for role in roles for name in ROLES[role].names if name in names), None)


def has_header(
    names: Sequence[str], given: GivenColumns = None, known: Known | None = None
) -> bool:
    """Whether the names are those of columns: all that were given.

    Otherwise a clip's and another's or those of classes, or those of a class list.
    """
    written, names = names, [name.casefold() for name in names]
    if given:
        return {name.casefold() for own in as_columns(given).values() for name in own} <= set(names)
    others = sum(
        name in HEADER or name in CLASS_LIST or bool(NUMBERED.fullmatch(name)) for name in names
    )
    if find_column(names, "clip", "video") is None:
        return others >= 2
    own = len(names) > 1 and all(map(str.isidentifier, names))
    return own or others >= 1 or bool(class_columns(written, known))


def changes_meaning(name: str) -> bool:
    """Whether a column of that name, in lower case, may change what a label means."""
    known = find_column([name], "presence", "value", "rater") is not None
    return known or re.fullmatch(f"{VOTES}|{ASKED}", name) is not None


def known_names(*roles: str) -> str:
    """The names of columns with one of the roles, as messages list them."""
    return shortlist([name for role in roles for name in ROLES[role].names], 8)


def are_states(cells: Collection[str]) -> bool:
    """Whether all cells of a column, of which there are some, state a class's presence."""
    return bool(cells) and all(map(STATE.fullmatch, cells))

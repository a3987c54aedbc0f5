"""The roles of columns: what each column of a table holds, known by its name or given.

Names count in lower case. Every column of a table gets a role, or is listed as unused. A column
that may change what a label means is never merely unused: its role is known, or the table is
refused until the reader's option `columns` gives it one.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from audiolabels.errors import LabelFileError, OptionError, choose, expect, nearest, shortlist
from audiolabels.labels.events import STATES

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


def assign_roles(
    where: str,
    names: Sequence[str],
    rows: Sequence[Sequence[str]] = (),
    given: GivenColumns = None,
    known: Known | None = None,
) -> Columns:
    """Which column of a table has which role.

    Args:
        where: the file, for messages.
        names: of the columns.
        rows: cells of some rows; they tell the clip's column from the video's, and show columns
            that may change what a label means.
        given: role to names of columns, which comes before what is known of their names.
        known: whether a label is known; without it columns of classes are not looked for.

    Raises:
        OptionError: a name that was given is no column's.
        LabelFileError: a column may change what a label means, and its role is not known.
    """
    written = [name.strip() for name in names]
    names = tuple(name.casefold() for name in written)
    roles = _given_roles(where, names, as_columns(given))
    taken = {i for positions in roles.values() for i in positions}

    def cells(position: int) -> list[str]:
        texts = (row[position].strip().casefold() for row in rows if position < len(row))
        return [text for text in texts if text not in MISSING]

    def find(role: str) -> int | None:
        known = ROLES[role].names
        free = [i for i, name in enumerate(names) if name in known and i not in taken]
        return min(free, key=lambda i: known.index(names[i]), default=None)

    def take(role: str, *positions: int | None) -> None:
        found = tuple(i for i in positions if i is not None)
        if found and role not in roles:
            roles[role] = found
            taken.update(found)

    for role in ("start", "end", "clip_length"):
        take(role, find(role))
    if "start" in roles and "end" not in roles:
        take("duration", find("duration"))
    if not roles.keys() & {"clip", "video"}:
        clip, video = find("clip"), find("video")
        if clip is not None and video is not None:
            start = roles.get("start", ())
            finer = _distinct(rows, (clip,)) > _distinct(rows, (video, *start))
            clip, video = (clip, None) if finer else (None, video)
        take("clip", clip)
        take("video", video)
    if not roles.keys() & LABELS:
        sure, label, last = find("labels"), find("label"), None
        if label is not None and names[label] in LAST:
            label, last = None, label
        numbered = [i for i, name in enumerate(names) if NUMBERED.fullmatch(name)]
        if sure is not None and (names[sure] not in UNSURE or label is None):
            take("labels", sure)
        elif label is None and len(numbered) > 1:
            take("numbered_label", *numbered)
        else:
            take("label", last if label is None else label)
    if not roles.keys() & LABELS:
        others = {n for role in ("split", "presence", "value", "rater") for n in ROLES[role].names}
        free = [i for i, name in enumerate(names) if i not in taken and name not in others]
        found = class_columns([written[i] for i in free], known)
        if found and not any(PRESENCE_COLUMN.fullmatch(written[free[i]]) for i in found):
            cell = [cells(i) for i in free]
            found = [i for i, own in enumerate(cell) if i in found or _are_states(own)]
        take("class", *(free[i] for i in found))
    if SELECTION_TABLE in names:
        for role in ("selection", "file_offset"):
            take(role, find(role))
    for role in ("presence", "value", "rater"):
        own = ROLES[role].names
        if role == "presence" and STATES_COLUMN in names:  # of `Events`, handed on
            states = {*cells(names.index(STATES_COLUMN))}
            own = (*own, *[STATES_COLUMN] * (bool(states) and states <= {*STATES}))
            odd, stated = states - {*STATES}, states & {"absent", "silent", "unsure"}
            if odd and stated and names.index(STATES_COLUMN) not in taken:
                raise LabelFileError(
                    f"{where}: column {STATES_COLUMN} holds {shortlist(sorted(odd))} beside "
                    f"{shortlist(sorted(stated))}; states are {', '.join(STATES)}. If it is about "
                    f"something else, use --columns ignored={STATES_COLUMN} (columns=…)"
                )
        take(role, *(i for i, name in enumerate(names) if name in own and i not in taken))
    for role in (*LISTS, "annotated_for"):
        take(role, find(role))
    take("vote", *(i for i, name in enumerate(names) if re.fullmatch(VOTES, name)))
    for i, name in enumerate(names):
        if i not in taken and name not in ROLES["split"].names:
            _refuse_meaning(where, name, cells(i), labelled=bool(roles.keys() & LABELS))
            if "start" not in roles and "clip" not in roles and re.fullmatch(STARTS, name):
                raise LabelFileError(
                    f"{where}: column {name} looks like the clip's start in its video. If it is, "
                    f"use --columns start={name} (and --time-unit ms, if it is in milliseconds); "
                    f"else --columns ignored={name} (columns=…)"
                )
    read = taken - set(roles.get("ignored", ()))
    unused = tuple(name for i, name in enumerate(names) if name and i not in read)
    classes = class_labels([written[i] for i in roles.get("class", ())])
    return Columns(names, MappingProxyType(roles), unused, classes)


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
        if name and i not in taken and _are_states(cells[i])
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


def _given_roles(
    where: str, names: tuple[str, ...], given: Mapping[str, Sequence[str]]
) -> dict[str, tuple[int, ...]]:
    roles = {}
    for role, wanted in given.items():
        lost = [name for name in wanted if name.casefold() not in names]
        if lost:
            near = nearest(lost[0].casefold(), names, 1)
            raise OptionError(
                f"{where}: no column {lost[0]!r} for {role}; columns are {shortlist(names, 20)}"
                f"{''.join(f'; did you mean {name!r}?' for name in near)}"
            )
        roles[role] = tuple(names.index(name.casefold()) for name in wanted)
        if len(wanted) > 1 and role not in REPEATABLE:
            raise OptionError(f"{where}: one column of {role}, not {shortlist(wanted)}")
    return roles


def _are_states(cells: Collection[str]) -> bool:
    return bool(cells) and all(map(STATE.fullmatch, cells))


def _distinct(rows: Iterable[Sequence[str]], positions: Collection[int]) -> int:
    return len({tuple(row[i] for i in positions) for row in rows if len(row) > max(positions)})


def _refuse_meaning(where: str, name: str, cells: Collection[str], *, labelled: bool) -> None:
    """Refuse a column that may change what a label means, or that is a class's if none is known.

    Raises:
        LabelFileError: its name or its cells look like that.
    """
    number = bool(cells) and all(map(UNIT.fullmatch, cells)) and any(map(FRACTION.fullmatch, cells))
    words = bool(cells) and WORDS.issuperset(cells)
    if re.fullmatch(ASKED, name) or number or words:
        role = "value" if number and labelled else "class" if number else "presence"
        what = "may change what a label means. If it does"
        if role == "class":
            what = "may be that of a class. If it is"
        raise LabelFileError(
            f"{where}: column {name} {what}, give its role, "
            f"for instance --columns {role}={name}; else --columns ignored={name} (columns=…)"
        )

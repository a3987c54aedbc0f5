"""Which column of a table has which role, step by step, and which columns are refused."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from audiolabels.errors import LabelFileError, OptionError, nearest, shortlist
from audiolabels.labels.events import STATES
from audiolabels.readers.columns import (
    ASKED,
    FRACTION,
    LABELS,
    LAST,
    LISTS,
    MISSING,
    NUMBERED,
    PRESENCE_COLUMN,
    REPEATABLE,
    ROLES,
    SELECTION_TABLE,
    STARTS,
    STATES_COLUMN,
    UNIT,
    UNSURE,
    VOTES,
    WORDS,
    Columns,
    GivenColumns,
    Known,
    are_states,
    as_columns,
    class_columns,
    class_labels,
)


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
    folded = tuple(name.casefold() for name in written)
    table = _Table(where, folded, rows, _given_roles(where, folded, as_columns(given)))
    for role in ("start", "end", "clip_length"):
        table.take(role, table.find(role))
    if "start" in table.roles and "end" not in table.roles:
        table.take("duration", table.find("duration"))
    if not table.has({"clip", "video"}):
        _take_clip(table)
    if not table.has(LABELS):
        _take_labels(table)
    if not table.has(LABELS):
        _take_classes(table, written, known)
    if SELECTION_TABLE in folded:
        for role in ("selection", "file_offset"):
            table.take(role, table.find(role))
    _take_states(table)
    for role in (*LISTS, "annotated_for"):
        table.take(role, table.find(role))
    table.take("vote", *(i for i, name in enumerate(folded) if re.fullmatch(VOTES, name)))
    _refuse_meanings(table)
    read = table.taken - set(table.roles.get("ignored", ()))
    unused = tuple(name for i, name in enumerate(folded) if name and i not in read)
    classes = class_labels([written[i] for i in table.roles.get("class", ())])
    return Columns(folded, MappingProxyType(table.roles), unused, classes)


@dataclass(frozen=True)
class _Table:
    """Columns whose roles are being assigned; names in lower case."""

    where: str
    names: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    roles: dict[str, tuple[int, ...]]

    @property
    def taken(self) -> set[int]:
        return {i for positions in self.roles.values() for i in positions}

    def has(self, roles: Collection[str]) -> bool:
        return bool(self.roles.keys() & roles)

    def cells(self, position: int) -> list[str]:
        """Cells of a column that are not empty, in lower case."""
        texts = (row[position].strip().casefold() for row in self.rows if position < len(row))
        return [text for text in texts if text not in MISSING]

    def free(self, names: Collection[str]) -> list[int]:
        taken = self.taken
        return [i for i, name in enumerate(self.names) if name in names and i not in taken]

    def find(self, role: str) -> int | None:
        known = ROLES[role].names
        return min(self.free(known), key=lambda i: known.index(self.names[i]), default=None)

    def take(self, role: str, *positions: int | None) -> None:
        found = tuple(i for i in positions if i is not None)
        if found and role not in self.roles:
            self.roles[role] = found


def _take_clip(table: _Table) -> None:
    """Of a clip's column and a video's, the one with more values; of equally many, the video's."""
    clip, video = table.find("clip"), table.find("video")
    if clip is not None and video is not None:
        start = table.roles.get("start", ())
        finer = _distinct(table.rows, (clip,)) > _distinct(table.rows, (video, *start))
        clip, video = (clip, None) if finer else (None, video)
    table.take("clip", clip)
    table.take("video", video)


def _take_labels(table: _Table) -> None:
    names = table.names
    sure, label, last = table.find("labels"), table.find("label"), None
    if label is not None and names[label] in LAST:
        label, last = None, label
    numbered = [i for i, name in enumerate(names) if NUMBERED.fullmatch(name)]
    if sure is not None and (names[sure] not in UNSURE or label is None):
        table.take("labels", sure)
    elif label is None and len(numbered) > 1:
        table.take("numbered_label", *numbered)
    else:
        table.take("label", last if label is None else label)


def _take_classes(table: _Table, written: Sequence[str], known: Known | None) -> None:
    """Columns that are each a class's, by their names and, unless those say it, their cells."""
    others = {n for role in ("split", "presence", "value", "rater") for n in ROLES[role].names}
    free = table.free({*table.names} - others)
    found = class_columns([written[i] for i in free], known)
    if found and not any(PRESENCE_COLUMN.fullmatch(written[free[i]]) for i in found):
        states = [are_states(table.cells(i)) for i in free]
        found = [i for i, of_class in enumerate(states) if i in found or of_class]
    table.take("class", *(free[i] for i in found))


def _take_states(table: _Table) -> None:
    """Columns of presence, values and raters.

    Raises:
        LabelFileError: a column has both the states of `Events` and other words.
    """
    for role in ("presence", "value", "rater"):
        own = ROLES[role].names
        if role == "presence" and STATES_COLUMN in table.names:  # of `Events`, handed on
            position = table.names.index(STATES_COLUMN)
            states = {*table.cells(position)}
            own = (*own, *[STATES_COLUMN] * (bool(states) and states <= {*STATES}))
            odd, stated = states - {*STATES}, states & {"absent", "silent", "unsure"}
            if odd and stated and position not in table.taken:
                raise LabelFileError(
                    f"{table.where}: column {STATES_COLUMN} holds {shortlist(sorted(odd))} beside "
                    f"{shortlist(sorted(stated))}; states are {', '.join(STATES)}. If it is about "
                    f"something else, use --columns ignored={STATES_COLUMN} (columns=…)"
                )
        table.take(role, *table.free(own))


def _refuse_meanings(table: _Table) -> None:
    """Refuse columns without a role that may change what a label, or a clip's id, means.

    Raises:
        LabelFileError: there is one.
    """
    taken, labelled = table.taken, table.has(LABELS)
    for i, name in enumerate(table.names):
        if i in taken or name in ROLES["split"].names:
            continue
        _refuse_meaning(table.where, name, table.cells(i), labelled=labelled)
        if not table.has({"start", "clip"}) and re.fullmatch(STARTS, name):
            raise LabelFileError(
                f"{table.where}: column {name} looks like the clip's start in its video. If it is, "
                f"use --columns start={name} (and --time-unit ms, if it is in milliseconds); "
                f"else --columns ignored={name} (columns=…)"
            )


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


def _distinct(rows: Iterable[Sequence[str]], positions: Collection[int]) -> int:
    return len({tuple(row[i] for i in positions) for row in rows if len(row) > max(positions)})

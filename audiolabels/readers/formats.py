"""Formats: what the tables of the three readers hold, and how one of them is chosen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from audiolabels.readers.columns import NO_COLUMNS, Columns

Read = TypeVar("Read", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a file is laid out, as far as its format leaves that open.

    Attributes:
        one_label: whether a clip has one row per label, instead of one row.
        folders: whether clip ids keep the folders of file names; where a layout is detected,
            whether the names have any.
        file_clip: the clip of all rows, as the file is called, where no column has it; else empty.
        unused: names of the columns that are not read.
        wide: labels of the columns of classes, of a table that has one per class.
        columns: the columns of a file with header, by role.
        annotated: the first cell of the column of classes that clips were annotated for.
    """

    one_label: bool = False
    folders: bool = False
    file_clip: str = ""
    unused: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()
    columns: Columns = NO_COLUMNS
    annotated: str = ""

    @property
    def gathered(self) -> bool:
        """Whether the rows of a clip are put together, each with some of its labels."""
        return self.one_label


@dataclass(frozen=True)
class Format(Generic[Read]):
    """One format of files.

    Attributes:
        name: its key in the table.
        summary: what it is, in a line.
        container: a key of `audiolabels.readers.opening.CONTAINERS`.
        read: what reads it; the signature is that of the table.
        matches: whether an opened file of this container has the format; the first that matches is
            taken.
    """

    name: str
    summary: str
    container: str
    read: Read
    matches: Callable[[Any], bool] = lambda _: True


def format_table(*formats: Format[Read]) -> Mapping[str, Format[Read]]:
    """The formats by name, in order."""
    return MappingProxyType({each.name: each for each in formats})


def find_format(
    formats: Mapping[str, Format[Read]], container: str, content: Any
) -> Format[Read] | None:
    """The first format of a container that matches what was found in a file; None if none does."""
    candidates = (each for each in formats.values() if each.container == container)
    return next((each for each in candidates if each.matches(content)), None)

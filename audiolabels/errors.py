"""The errors of the library; `except AudioLabelsError` catches all of them."""

import difflib
import reprlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import UnionType
from typing import Any, get_args

LONGEST = 300  # characters of a library's message


class AudioLabelsError(Exception):
    """Base of all errors that bad input or a bad option raises."""


class OntologyError(AudioLabelsError):
    """A file is not an ontology, or its graph is broken."""


class UnknownClassError(AudioLabelsError):
    """A name or id matches no class, or several."""


class VocabularyError(AudioLabelsError):
    """A vocabulary is unknown, malformed, or does not fit the ontology."""


class MappingError(AudioLabelsError):
    """A mapping of labels is unknown or malformed, or does not fit the ontology."""


class LabelFileError(AudioLabelsError):
    """A file cannot be read as labels."""


class UnknownLabelError(LabelFileError):
    """Labels are neither in the ontology, nor in its supplement, nor aliases."""


class ScoresFileError(AudioLabelsError):
    """A file cannot be read as teacher scores."""


class FeaturesFileError(AudioLabelsError):
    """A file or folder cannot be read as features."""


class UnknownClipError(AudioLabelsError):
    """A clip that was looked up is not found, or its name could mean several clips."""


class OptionError(AudioLabelsError):
    """An option has a value that is not offered, or that does not fit the others."""


class FetchError(AudioLabelsError):
    """A file cannot be downloaded, or is not in the cache."""


class InputTypeError(AudioLabelsError, TypeError):
    """A value has the wrong Python type; the message names what is expected."""


class ComparisonError(AudioLabelsError):
    """Two sides have nothing in common to compare."""


class MetricError(AudioLabelsError):
    """Scores and targets do not fit each other, or hold values that metrics do not take."""


class RunError(AudioLabelsError):
    """A folder does not hold a usable training run."""


class TargetsFileError(AudioLabelsError):
    """A targets file cannot be written, or was not written by this library."""


class RemoteError(AudioLabelsError, OSError):
    """A server was not reached, or refused; as `OSError(errno, reason, address)`."""

    def __str__(self) -> str:
        return (
            f"{self.filename}: no access: {self.strerror}" if self.filename else str(self.args[0])
        )


@contextmanager
def located(place: str) -> Iterator[None]:
    """Prefix the messages of errors raised inside with the place, such as a clip.

    >>> with located("clip 'a'"):
    ...     raise OptionError("an event without length")
    Traceback (most recent call last):
    audiolabels.errors.OptionError: clip 'a': an event without length
    """
    try:
        yield
    except AudioLabelsError as error:
        raise type(error)(f"{place}: {error}") from error


@contextmanager
def guarded(
    path: object, error: type[AudioLabelsError], what: str = "broken, or not what it seems"
) -> Iterator[None]:
    """The rim of a reader: whatever a library raises on a file's bytes becomes one error.

    Args:
        path: the file, which the message names; or what else is read.
        error: the class to raise.
        what: what is wrong with the file; the cause follows.

    Raises:
        AudioLabelsError: of the class `error`; the library's own errors keep theirs, and name the
            file too.

    >>> with guarded("a.json", OntologyError, "not valid JSON"):
    ...     float("x")
    Traceback (most recent call last):
    audiolabels.errors.OntologyError: a.json: not valid JSON: could not convert string to float: 'x'
    """
    try:
        yield
    except AudioLabelsError as own:
        if not isinstance(path, Path) or path.name in str(own):
            raise
        raise type(own)(f"{path}: {own}") from own
    except Exception as cause:  # of any kind: a broken file may fail anywhere in a library
        known = isinstance(cause, OSError) and str(cause.filename) == str(path)
        text = " ".join(str(getattr(cause, "strerror", "") if known else cause).split())
        if isinstance(cause, KeyError):  # whose text is in quotes; in Arrow's it is a sentence
            text = text.strip("'\"") if " " in text else f"no {text}"
        reason = text or type(cause).__name__
        raise error(f"{path}: {what}: {reason[:LONGEST]}") from cause


@contextmanager
def extra(name: str, otherwise: str = "") -> Iterator[None]:
    """Imports of packages that an extra installs.

    Raises:
        OptionError: one is not installed; the message names the extra, and what works without it.
    """
    try:
        yield
    except ImportError as error:
        raise OptionError(
            f"{error.name} is not installed; install it with: pip install 'audiolabels[{name}]'"
            f"{otherwise}"
        ) from error


def shortlist(items: Iterable[object], limit: int = 5, show: Callable[[Any], str] = str) -> str:
    """Join the first `limit` items, each formatted by `show`, with commas, and count the rest."""
    listed = list(items)
    more = f" and {len(listed) - limit:,} more" if len(listed) > limit else ""
    return ", ".join(map(show, listed[:limit])) + more


def nearest(name: str, offered: Iterable[str], limit: int = 4) -> list[str]:
    """The offered names whose spelling is closest to `name`, regardless of case.

    >>> nearest("Gitar", ["Guitar", "Rain", "Sitar"])
    ['Guitar', 'Sitar']
    """
    spelled = {text.casefold(): text for text in offered}
    return [spelled[near] for near in difflib.get_close_matches(name.casefold(), spelled, limit)]


def choose(option: str, value: str, offered: Iterable[str]) -> str:
    """Return `value` if it is offered.

    Raises:
        OptionError: it is not; the message lists what is, and the nearest.
    """
    offered = list(offered)
    if value not in offered:
        near = nearest(str(value), offered, limit=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise OptionError(
            f"{option} {value!r} is not offered; choose one of {', '.join(offered)}{hint}"
        )
    return value


def expect(what: str, value: object, types: type | UnionType, expected: str) -> None:
    """Check the Python type of a value; a string is not a collection of its characters.

    Raises:
        InputTypeError: it has another type than `types`, which `expected` describes.

    >>> expect("vocabulary", 527, str | list, "a name or a list")
    Traceback (most recent call last):
    audiolabels.errors.InputTypeError: vocabulary: expected a name or a list; got 527 (int)
    """
    taken = get_args(types) or (types,)
    if not isinstance(value, taken) or (isinstance(value, str) and str not in taken):
        given = "None" if value is None else f"{reprlib.repr(value)} ({type(value).__name__})"
        raise InputTypeError(f"{what}: expected {expected}; got {given}")

"""The errors of the library. `except AudioLabelsError` catches every one of them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class AudioLabelsError(Exception):
    """Base of all errors that bad input or a bad option raises."""


class OntologyError(AudioLabelsError):
    """An ontology file is not one, or its graph is broken."""


class UnknownClassError(AudioLabelsError):
    """A name or id that was looked up belongs to no class, or to several."""


class VocabularyError(AudioLabelsError):
    """A vocabulary is unknown, malformed, or does not fit the ontology."""


class LabelFileError(AudioLabelsError):
    """A label file cannot be read as one."""


class UnknownLabelError(LabelFileError):
    """A label file holds labels that ontology, supplement and aliases all lack."""


class ScoresFileError(AudioLabelsError):
    """A file of teacher scores cannot be read as one."""


class FeaturesFileError(AudioLabelsError):
    """A file or folder of features cannot be read as one."""


class UnknownClipError(AudioLabelsError):
    """A clip that was looked up is not found, or its name could mean several clips."""


class OptionError(AudioLabelsError):
    """An option has a value that is not offered, or that does not fit the others."""


class ComparisonError(AudioLabelsError):
    """Two sides have nothing in common that could be compared."""


class MetricError(AudioLabelsError):
    """Scores and targets do not fit each other, or hold values that no metric takes."""


class RunError(AudioLabelsError):
    """A folder does not hold a run of training that can be used."""


class TargetsFileError(AudioLabelsError):
    """A targets file cannot be written, or was not written by this library."""


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


def shortlist(items: Iterable[object], limit: int = 5) -> str:
    """Join the first `limit` items with commas and count the rest."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - limit:,} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


def choose(option: str, value: str, offered: Iterable[str]) -> str:
    """Return `value` if it is offered.

    Raises:
        OptionError: it is not; the message names what is.
    """
    offered = list(offered)
    if value not in offered:
        raise OptionError(f"{option} {value!r} is not offered; choose one of {', '.join(offered)}")
    return value

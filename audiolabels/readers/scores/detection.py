"""Which format a file of scores has, by its first bytes and the names in it."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from audiolabels.errors import ScoresFileError, shortlist
from audiolabels.readers.formats import find_format
from audiolabels.readers.opening import container_of
from audiolabels.readers.scores.formats import OPENERS, SCORE_FORMATS, ScoreFormat


def open_format(path: Path, stack: ExitStack) -> tuple[ScoreFormat, Any]:
    """The format of a file, and the file, which `stack` closes.

    Raises:
        ScoresFileError: it has none of the formats.
    """
    with path.open("rb") as file:
        container = container_of(file.read(8))
    if container not in OPENERS:
        known = ", ".join(OPENERS)
        raise ScoresFileError(f"{path}: no file of scores; those are one of {known}")
    opened = stack.enter_context(OPENERS[container](path))
    found = find_format(SCORE_FORMATS, container, opened)
    if found is None:
        offered = [f.summary for f in SCORE_FORMATS.values() if f.container == container]
        raise ScoresFileError(
            f"{path}: {container} with {shortlist(opened) or 'nothing'}; expected "
            f"{' or '.join(offered)}"
        )
    return found, opened

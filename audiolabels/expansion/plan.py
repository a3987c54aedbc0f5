"""What an expansion is asked to do, and the row groups that its results become."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.clips.rows import join_rows, regroup
from audiolabels.expansion.summary import Recorder
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.readers import EventOptions
from audiolabels.readers.scores.reading import ScoreFile
from audiolabels.schemes.scheme import Expanded, Scheme
from audiolabels.targets.layouts import Cells, Layout

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What is asked for.

    Attributes:
        scheme: the scheme with its options.
        read: how files are read.
        paths: the inputs.
        layout: how the targets are stored.
        scores: the files of scores, open, for schemes that read them; the inputs are then the given
            labels.
        progress: called with (bytes read, bytes in all).
    """

    scheme: Scheme
    vocabulary: Vocabulary
    ontology: Ontology
    read: EventOptions
    paths: Sequence[Path]
    layout: Layout
    progress: Progress | None
    scores: Sequence[ScoreFile] = ()

    @cached_property
    def sizes(self) -> list[int]:
        """Bytes of each input, then of each file of scores; 0 if there is no such file, an error
        when it is opened.
        """
        files = [*self.paths, *(scores.options.path for scores in self.scores)]
        sizes = [0] * len(files)
        for number, path in enumerate(files):
            with suppress(OSError, ValueError):
                sizes[number] = path.stat().st_size if path.is_file() else 0
        return sizes

    def report_progress(self, number: int, position: int) -> None:
        """Report that so many bytes of an input are read."""
        if self.progress:
            self.progress(sum(self.sizes[:number]) + position, sum(self.sizes))


def shifted(progress: Progress | None, before: int, total: int) -> Progress | None:
    """What reports a piece of a whole: so many bytes come before it, and so many are all."""
    return progress and (lambda done, _: progress(before + done, total))


class Group(NamedTuple):
    """A row group, as writers take it."""

    clips: pa.RecordBatch
    cells: Cells
    which: npt.NDArray[np.int32] | None


class Writer(Protocol):
    """What writes row groups: to a file, or to the parts of a folder."""

    layout: Layout

    def encode(self, targets: Any) -> Cells:
        """The distinct targets as cells."""

    def write(self, clips: Any, cells: Cells, which: Any) -> None:
        """Append one row group, see `TargetsWriter.write`."""


def row_groups(
    results: Iterable[Expanded[Any]], recorder: Recorder, writer: Writer
) -> Iterator[Group]:
    """Row groups of the targets of all results, whose counts and findings are recorded."""

    def targets() -> Iterator[Any]:
        for result in results:
            recorder.summary.counts.add(result.counts)
            recorder.take_findings(result.findings)
            yield result.targets

    for held in regroup(targets(), writer.layout.group):
        # Joined parts have a cell for each row. What is stored plain is written as it comes.
        parts = held if writer.layout.plain else [held[0].concat(held)]
        columns = zip(*map(writer.encode, parts), strict=True)
        cells = [c[0] if len(c) == 1 else pa.chunked_array(c) for c in columns]
        yield Group(join_rows([part.clips for part in parts]), cells, None)

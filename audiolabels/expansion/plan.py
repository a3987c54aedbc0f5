"""What an expansion is asked to do, and what it has come to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.clips.duplicates import SeenClips
from audiolabels.expansion.summary import Findings, Summary
from audiolabels.labels.report import Report
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.readers import EventOptions
from audiolabels.readers.scores import ScoreOptions
from audiolabels.schemes.scheme import Scheme
from audiolabels.targets.layouts import Cells

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """What is asked for.

    Attributes:
        scheme: the scheme with its options.
        read: how files are read.
        paths: the inputs.
        layout: a key of `LAYOUTS`.
        scores: the file of scores and how it is read, for schemes that read one; the inputs are
            then the given labels.
        progress: called with (bytes read, bytes in all).
    """

    scheme: Scheme
    vocabulary: Vocabulary
    ontology: Ontology
    read: EventOptions
    paths: Sequence[Path]
    layout: str
    progress: Progress | None
    scores: ScoreOptions | None = None

    @cached_property
    def sizes(self) -> list[int]:
        """Bytes of each input; what is wrong with one is said when it is opened."""
        return [path.stat().st_size if path.is_file() else 0 for path in self.paths]

    def tell(self, number: int, position: int) -> None:
        """Tell the progress: so many bytes of an input."""
        if self.progress:
            self.progress(sum(self.sizes[:number]) + position, sum(self.sizes))


@dataclass
class Run:
    """What has been found so far."""

    summary: Summary
    findings: Findings
    clips: SeenClips = field(default_factory=SeenClips)

    def take(self, report: Report) -> None:
        """Take in the report of a part."""
        self.findings.take(report.findings)
        self.summary.report.merge(replace(report, findings=[]))


class Group(NamedTuple):
    """A row group, as `TargetsWriter.write` takes it."""

    clips: pa.RecordBatch
    cells: Cells
    which: npt.NDArray[np.int32]

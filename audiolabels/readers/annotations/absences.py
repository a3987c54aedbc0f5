"""Confirmed absences from a file of their own, joined with the labels of the same clips."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.columns import places_in, to_numpy
from audiolabels.errors import LabelFileError, shortlist
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.long import CONTRADICTION, contradicted

ADDED = ("clip added", "explicit negatives, but no labels")


@dataclass
class Absences:
    """Clips with confirmed absences, and which of them had labels so far.

    Attributes:
        path: the file.
        labels: N clips of different ids, with the absent classes as their labels.
        used: bool (N,).
    """

    path: Path
    labels: Annotations
    used: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        ids = self.labels.clip_id.dictionary_encode()
        numbers, count = to_numpy(ids.indices), len(ids.dictionary)
        sets = self.labels.sets.take(self.labels.set_of_clip).united(numbers, count)
        first = np.unique(numbers, return_index=True)[1]
        report, each = self.labels.report, np.arange(count, dtype=np.int32)
        self.labels = replace(self.labels.take(first), sets=sets, set_of_clip=each, report=report)
        self.used = np.zeros(count, np.bool_)
        if not len(sets.classes):
            raise LabelFileError(f"{self.path}: no class is confirmed absent")

    def join(self, part: Annotations, source: str) -> Annotations:
        """The same clips with their absences, and a finding for each label that contradicts one."""
        place = places_in(part.clip_id, self.labels.clip_id)
        if not (place >= 0).any():
            return part
        self.used[place[place >= 0]] = True
        pairs = np.stack([part.set_of_clip, np.where(place < 0, len(self.used), place)])
        (own, other), number = np.unique(pairs, axis=1, return_inverse=True)
        sets, each = part.sets.take(own), np.arange(len(own))
        given = LabelSets.append([self.labels.sets, part.sets.none.take(np.zeros(1, np.int64))])
        before = sets.none if sets.absent is None else sets.absent
        both = LabelSets.append([before, given.take(other)])
        sets = replace(sets, absent=both.united(np.tile(each, 2), len(each)))
        made = replace(part, sets=sets, set_of_clip=number.ravel().astype(np.int32))
        report = replace(
            part.report, findings=[*part.report.findings, *_contradictions(made, source)]
        )
        return replace(made, report=report)

    def finish(self, annotated: tuple[int, ...] | None) -> Annotations:
        """The clips of which only absences are known, and the report on the file.

        Raises:
            LabelFileError: no clip of the labels is among those with absences.
        """
        if not self.used.any():
            shown = shortlist(map(repr, self.labels.clip_id[:2].to_pylist()))
            raise LabelFileError(
                f"{self.path}: none of its {len(self.used):,} clips is among those with labels; "
                f"its ids look like {shown}"
            )
        rest = self.labels.take(np.flatnonzero(~self.used))
        ids = zip(rest.rows.tolist(), rest.clip_id.to_pylist(), strict=True)
        report = self.labels.report
        report.findings += [Finding(self.path.name, row, clip, *ADDED) for row, clip in ids]
        sets = replace(rest.sets.none, labelled=np.zeros(len(rest.sets), np.bool_))
        return replace(
            rest, sets=replace(sets, absent=rest.sets), annotated=annotated, report=report
        )


def only_absent(part: Annotations) -> Annotations:
    """The same clips with the classes that are stated to be absent as their labels."""
    absent = part.sets.absent or part.sets.none
    return replace(part, sets=replace(absent, labelled=absent.sizes > 0))


def _contradictions(part: Annotations, source: str) -> Iterator[Finding]:
    """A finding for each label of a clip that is confirmed absent."""
    ontology, ids = part.ontology, part.clip_id
    for number, class_ in contradicted(part.sets, ontology):
        for row in np.flatnonzero(part.set_of_clip == number).tolist():
            name = ontology.name(ontology.ids[class_])
            yield Finding(source, int(part.rows[row]), ids[row].as_py(), *CONTRADICTION, label=name)

"""Files with one row a label: rows gathered by clip, which takes the whole file."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.columns import doubles_to_arrow, texts_to_arrow, to_arrow
from audiolabels.clips.rows import clip_rows
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.report import Finding, Report
from audiolabels.readers.annotations.label_parsing import Rows, TextTable, look_up_labels


@dataclass
class LongRows:
    """Collects files with one row a label; `annotations` groups them by clip.

    Attributes:
        clips: id and name of each clip to its number, in order of first appearance.
        durations_ms: length of each clip, or None.
        first_rows: row in which each clip first stood.
    """

    table: TextTable
    source: str
    clips: dict[tuple[str, str], int] = field(default_factory=dict)
    durations_ms: list[int | None] = field(default_factory=list)
    first_rows: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rows: int = 0
    _owners: list[npt.NDArray[np.int64]] = field(default_factory=list)
    _classes: list[npt.NDArray[np.int32]] = field(default_factory=list)

    def add(self, rows: Rows) -> None:
        """Take in further rows.

        Raises:
            UnknownLabelError: a label is unknown and the resolver does not drop.
        """
        indices, label_findings = look_up_labels(rows, self.table, self.source)
        told = {f.row for f in rows.findings}
        self.findings += rows.findings
        self.findings += [
            replace(f, kind="label dropped") if f.reason == "no label" else f
            for f in label_findings
            if f.kind != "clip unlabelled" or (f.reason == "no label" and f.row not in told)
        ]
        self.rows += len(indices)
        owners = np.empty(len(indices), np.int64)
        durations = rows.offset_s.to_pylist()
        for i, clip in enumerate(zip(rows.clip_id.to_pylist(), rows.names, strict=True)):
            owners[i] = self.clips.setdefault(clip, len(self.clips))
            if owners[i] == len(self.first_rows):
                self.first_rows.append(int(rows.numbers[i]))
                self.durations_ms.append(None)
            if durations[i] is not None:
                self.durations_ms[owners[i]] = round(durations[i] * 1000)
        each = self.table.sets.take(indices)
        self._owners.append(np.repeat(owners, each.sizes))
        self._classes.append(each.classes)

    def annotations(self) -> Annotations:
        """The clips in order of their first row."""
        n = len(self.clips)
        owners = np.concatenate([*self._owners, np.zeros(0, np.int64)])
        classes = np.concatenate([*self._classes, np.zeros(0, np.int32)])
        labelled = np.bincount(owners, minlength=n) > 0
        ids = [clip_id for clip_id, _ in self.clips]
        unlabelled = [
            Finding(self.source, self.first_rows[i], ids[i], "clip unlabelled", "no label is left")
            for i in np.flatnonzero(~labelled).tolist()
        ]
        seconds = [None if ms is None else ms / 1000 for ms in self.durations_ms]
        unused = sum(f.kind == "row unused" for f in self.findings)
        return Annotations(
            clip_rows(texts_to_arrow(ids), to_arrow(np.zeros(n)), doubles_to_arrow(seconds)),
            self.table.resolver.ontology,
            np.arange(n, dtype=np.int32),
            np.array(self.first_rows, np.int64),
            LabelSets.build(owners, classes, labelled),
            Report(
                rows=self.rows + unused, rows_used=self.rows, findings=self.findings + unlabelled
            ),
        )

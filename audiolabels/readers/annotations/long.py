"""Files with one row per label: rows gathered by clip, which takes the whole file."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import one_chunk, texts_to_arrow, to_arrow, to_numpy
from audiolabels.clips.rows import clip_rows
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.label_parsing import LabelRows, TextTable, look_up_labels
from audiolabels.readers.reports import rows_report

SEPARATOR = texts_to_arrow(["\0"])[0]


@dataclass
class LongRows:
    """Collects the rows of a file with one row per label; `annotations` groups them by clip."""

    table: TextTable
    source: str
    _rows: list[LabelRows] = field(default_factory=list)
    _sets: list[LabelSets] = field(default_factory=list)
    _findings: list[Finding] = field(default_factory=list)

    def add(self, rows: LabelRows) -> None:
        """Take in further rows.

        Raises:
            UnknownLabelError: a label is unknown, and unknown ones are not dropped.
        """
        indices, label_findings = look_up_labels(rows, self.table, self.source)
        reported = {f.row for f in rows.findings}
        self._findings += rows.findings
        self._findings += [
            replace(f, kind="label dropped") if f.reason == "no label" else f
            for f in label_findings
            if f.kind != "clip unlabelled" or (f.reason == "no label" and f.row not in reported)
        ]
        self._rows.append(rows)
        self._sets.append(self.table.sets.take(indices))

    def annotations(self) -> Annotations:
        """The clips in order of their first row; two names of one id are two clips."""

        def column(name: str, type_: pa.DataType) -> pa.Array:
            return one_chunk(pa.chunked_array([getattr(rows, name) for rows in self._rows], type_))

        ids, offset = column("clip_id", pa.string()), column("offset_s", pa.float64())
        keys = pc.binary_join_element_wise(ids, column("names", pa.string()), SEPARATOR)
        clip = to_numpy(keys.dictionary_encode().indices)
        _, first = np.unique(clip, return_index=True)
        n, labels = len(first), LabelSets.append(self._sets)
        owners = clip[labels.owners]
        labelled = np.bincount(owners, minlength=n) > 0
        clip_id = ids.take(to_arrow(first))
        numbers = np.concatenate([np.zeros(0, np.int64), *(rows.numbers for rows in self._rows)])
        # The last length that a name of the clip gives; all of one name are the same.
        known = np.flatnonzero(to_numpy(offset.is_valid().cast(pa.uint8())))
        ends: npt.NDArray[np.int64] = first.copy()
        ends[clip[known]] = known
        unlabelled = [
            Finding(
                self.source,
                int(numbers[first[i]]),
                clip_id[i].as_py(),
                "clip unlabelled",
                "no label is left",
            )
            for i in np.flatnonzero(~labelled).tolist()
        ]
        return Annotations(
            clip_rows(clip_id, to_arrow(np.zeros(n)), offset.take(to_arrow(ends))),
            self.table.resolver.ontology,
            np.arange(n, dtype=np.int32),
            numbers[first],
            LabelSets.build(owners, labels.classes, labelled),
            rows_report(len(clip), self._findings + unlabelled),
        )

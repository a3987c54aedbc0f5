"""Files with one row per label: rows gathered by clip, which takes the whole file."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import one_chunk, texts_to_arrow, to_arrow, to_numpy
from audiolabels.clips.rows import clip_rows, join_rows
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.label_parsing import LabelRows, TextTable, look_up_labels
from audiolabels.readers.reports import rows_report

SEPARATOR = texts_to_arrow(["\0"])[0]
NOTHING = "no label is left"


def gather_rows(parts: Iterable[LabelRows], table: TextTable, source: str) -> Iterator[Annotations]:
    """The clips of all rows at once, in order of their first; two names of one id are two clips.

    Raises:
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
    """
    held: list[LabelRows] = []
    sets: list[LabelSets] = []
    findings: list[Finding] = []
    for rows in parts:
        indices, label_findings = look_up_labels(rows, table, source)
        reported = {f.row for f in rows.findings}
        findings += rows.findings
        findings += [
            replace(f, kind="label dropped") if f.reason == "no label" else f
            for f in label_findings
            if f.kind != "clip unlabelled" or (f.reason == "no label" and f.row not in reported)
        ]
        held.append(rows)
        sets.append(_sets_of_rows(rows, table, indices))
    clips, labels = join_rows([rows.clips for rows in held]), LabelSets.append(sets)
    names = one_chunk(pa.chunked_array([rows.names for rows in held], pa.string()))
    keys = pc.binary_join_element_wise(clips["clip_id"], names, SEPARATOR)
    clip = to_numpy(keys.dictionary_encode().indices)
    _, first = np.unique(clip, return_index=True)
    made = labels.united(clip, len(first))
    numbers = np.concatenate([np.zeros(0, np.int64), *(rows.numbers for rows in held)])[first]
    known = np.flatnonzero(to_numpy(clips["offset"].is_valid().cast(pa.uint8())))
    last = first.copy()
    last[clip[known]] = known  # of several lengths the last counts
    onset, offset = clips["onset"].take(to_arrow(first)), clips["offset"].take(to_arrow(last))
    clips = clip_rows(clips["clip_id"].take(to_arrow(first)), onset, offset)
    findings += [
        Finding(source, int(numbers[i]), clips["clip_id"][i].as_py(), "clip unlabelled", NOTHING)
        for i in np.flatnonzero(~_stated(made)).tolist()
    ]
    each = np.arange(len(first), dtype=np.int32)
    report = rows_report(len(clip), findings)
    ontology = table.resolver.ontology
    yield Annotations(clips, ontology, each, numbers, made, report, table.annotated)


def _sets_of_rows(rows: LabelRows, table: TextTable, indices: npt.NDArray[np.int32]) -> LabelSets:
    """The label set of each row, whose labels are present or absent."""
    given = table.sets.take(indices)
    if rows.absent is None or not rows.absent.any():
        return given
    denied = table.denials.take(indices)
    absent = denied.keep(rows.absent[denied.owners])
    unsure = given.unsure and given.unsure.keep(~rows.absent[given.unsure.owners])
    present = given.keep(~rows.absent[given.owners])
    return replace(present, labelled=given.labelled & ~rows.absent, unsure=unsure, absent=absent)


def _stated(sets: LabelSets) -> npt.NDArray[np.bool_]:
    """Whether sets are labelled, or a class was confirmed absent."""
    return sets.labelled if sets.absent is None else sets.labelled | (sets.absent.sizes > 0)

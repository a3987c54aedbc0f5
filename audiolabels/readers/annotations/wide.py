"""Tables of one column per class, whose cells state of each class whether a clip has it.

A cell is 1 (present), 0 (confirmed absent, which holds for the descendants too), a value in
between, or empty, NaN or -1 (unknown), as in SONYC-UST, whose -1 is a class that the annotator was
not asked about. A class without a column is unknown.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import texts_to_arrow, to_arrow
from audiolabels.errors import LabelFileError, UnknownLabelError, shortlist
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.events import ABSENT, PRESENT, UNSURE
from audiolabels.labels.report import Finding
from audiolabels.readers.annotations.label_parsing import LabelRows, TextTable
from audiolabels.readers.annotations.long import NOTHING, gather_rows, sets_of_votes
from audiolabels.readers.columns import MISSING, PRESENCE
from audiolabels.readers.delimited import NO_STATE, DelimitedRows, millionths, per_text
from audiolabels.readers.dialect import Dialect
from audiolabels.readers.opening import Source
from audiolabels.readers.options import ReadOptions
from audiolabels.readers.raters import Votes
from audiolabels.readers.reports import rows_report

ONE = 1_000_000
UNKNOWN, ODD = -1, -2
Cells = npt.NDArray[np.int32]


def class_cells(
    rows: DelimitedRows, dialect: Dialect, source: Source, options: ReadOptions
) -> tuple[Cells, list[Finding]]:
    """The cells of R rows for C classes, int32 (R, C), and a finding for each that is none.

    They are values from 0 to 1 in millionths, or `UNKNOWN`.

    Raises:
        LabelFileError: values between 0 and 1 that the options do not ask for.
    """
    positions = dialect.columns.roles["class"]
    cells = np.stack([per_text(rows.extra[i], _cell) for i in positions], axis=1).astype(np.int32)
    between = (cells > 0) & (cells < ONE)
    if options.values is None and options.raters is None and between.any():
        row, column = np.argwhere(between)[0].tolist()
        raise LabelFileError(
            f"{source.path}: column {dialect.wide[column]} holds "
            f"{rows.extra[positions[column]][row].as_py()!r} (row {rows.numbers[row]}). Use "
            f"--values soft or a threshold (values=…)"
        )
    findings = []
    for row, column in np.argwhere(cells == ODD).tolist():
        reason = f"no value from 0 to 1, nor -1: {rows.extra[positions[column]][row]}"
        clip, number = rows.clip_id[int(rows.clip[row])].as_py(), int(rows.numbers[row])
        reason = f"{reason} ({dialect.wide[column]})"
        findings.append(Finding(source.name, number, clip, "label dropped", reason))
    return np.maximum(cells, UNKNOWN), findings


def _cell(text: str) -> int:
    text = text.strip().casefold()
    if text in MISSING:
        return UNKNOWN
    if text in PRESENCE:
        return ONE * PRESENCE[text]
    found = millionths(text)
    if found == NO_STATE:
        return UNKNOWN if text.rstrip("0").rstrip(".") == "-1" else ODD
    return found


def annotate_wide(
    parts: Iterable[LabelRows],
    table: TextTable,
    source: str,
    *,
    names: tuple[str, ...],
    options: ReadOptions,
) -> Iterator[Annotations]:
    """Annotations of a table with a column for each of the labels `names`, part by part.

    Several rows of a clip are united if there are raters, which takes the whole table.

    Raises:
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
    """
    texts = texts_to_arrow(names)
    numbers = table.look_up(texts)
    lost = [name for name, n in zip(names, numbers.tolist(), strict=True) if n in table.unknown]
    if lost and not table.resolver.drop:
        raise UnknownLabelError(
            f"{source}: columns that may be classes, but are labels that ontology, supplement and "
            f"aliases all lack: {shortlist(lost, show=table.resolver.ontology.hint)}. Name their "
            f"classes with --aliases FILE (aliases=…), leave columns out with --columns "
            f"ignored={lost[0]} (columns=…), or drop and count them with --unknown drop "
            f"(unknown='drop')"
        )
    if options.raters is not None:
        melted = (_melted(rows, texts) for rows in parts)
        for part in gather_rows(melted, table, source, options):
            yield replace(part, sets=_annotated(part.sets))
        return
    given, denied = table.sets.take(numbers), table.denials.take(numbers)
    findings = [Finding(source, 1, "", "label dropped", f"unknown label: {name}") for name in lost]
    for rows in parts:
        assert rows.cells is not None
        cells = rows.cells if options.soft else _decided(rows.cells, options)
        distinct, inverse = np.unique(cells, axis=0, return_inverse=True)
        owner, column = np.indices(distinct.shape).reshape(2, -1)
        votes = _votes(distinct.ravel(), owner, column)
        labels = sets_of_votes(given.take(column), denied.take(column), votes)
        if options.soft:
            labels = replace(labels, values=votes.value[labels.owners])
        sets = _annotated(labels.united(owner, len(distinct)))
        if options.denied and sets.absent is not None:
            sets = replace(sets.absent, labelled=sets.absent.sizes > 0)
        set_of_clip = inverse.ravel().astype(np.int32)
        for i in np.flatnonzero(~sets.labelled[set_of_clip]).tolist():
            clip = rows.clips["clip_id"][i].as_py()
            findings.append(Finding(source, int(rows.numbers[i]), clip, "clip unlabelled", NOTHING))
        report = rows_report(len(rows.numbers), [*rows.findings, *findings])
        ontology = table.resolver.ontology
        yield Annotations(
            rows.clips, ontology, set_of_clip, rows.numbers, sets, report, table.annotated
        )
        findings = []


def _annotated(sets: LabelSets) -> LabelSets:
    """Sets that are annotated too if all that is known of them is absent."""
    absent = sets.none if sets.absent is None else sets.absent
    return replace(sets, labelled=sets.labelled | (absent.sizes > 0))


def _decided(cells: Cells, options: ReadOptions) -> Cells:
    """Cells that are 0 or 1 by the threshold, or unknown."""
    least = 1 if options.values is None else round(float(options.values) * ONE)
    return np.where(cells < 0, UNKNOWN, np.where(cells >= least, ONE, 0)).astype(np.int32)


def _votes(cells: Cells, owner: npt.NDArray[np.int64], column: npt.NDArray[np.int64]) -> Votes:
    state = np.select([cells < 0, cells > 0], [UNSURE, PRESENT], ABSENT).astype(np.uint8)
    value = (np.maximum(cells, 0) / ONE).astype(np.float32)
    return Votes(column, owner, column, state, value, np.zeros_like(owner), listing=False)


def _melted(rows: LabelRows, texts: pa.StringArray) -> LabelRows:
    """Rows of one label each, as many as cells."""
    assert rows.cells is not None
    assert rows.stated is not None
    row, column = np.indices(rows.cells.shape).reshape(2, -1)
    votes = _votes(rows.cells.ravel(), row, column)
    own = replace(rows.stated, state=votes.state, value=votes.value, rater=rows.stated.rater[row])
    labels = pa.DictionaryArray.from_arrays(to_arrow(column.astype(np.int32)), texts)
    place = to_arrow(row)
    return LabelRows(
        rows.numbers[row],
        rows.clips.take(place),
        labels,
        rows.names.take(place),
        rows.findings,
        own,
    )

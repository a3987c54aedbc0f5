"""Findings: rows that were not used unchanged, and their treatment."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from audiolabels.arrays.tables import html_table

# How a row with a finding of each kind is treated.
FATES: Mapping[str, str] = {
    "row unused": "not in the result",
    "label dropped": "row kept without that label",
    "clip unlabelled": "clip kept, all classes unknown",
    "duplicate label": "label counted once",
    "duplicate clip": "every row kept",
    "event dropped": "class unknown in that clip, unless it has another event",
    "event as it is": "event used unchanged",
    "class without frame": "class not positive in that clip",
    "clash": "positive where there is an event",
    "contradiction": "the label is kept",
    "clip added": "all but the named classes unknown",
    "clip united": "one clip, with the labels of all its rows",
    "clip without scores": "not in the result",
    "clip not repaired": "labels unchanged",
    "clip without labels": "not in the result; kept at teacher weight 1",
    "file unused": "not among the features",
    "several channels": "averaged",
    "other rate": "resampled",
    "silent": "used unchanged",
    "short": "padded with zeros; its true length is kept",
    "broken": "used up to the damage",
    "samples that are no number": "set to 0",
    "clip without frames": "kept, with length 0",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a label file that was not used unchanged.

    Attributes:
        source: name of the file.
        row: line of the file, from 1; for JSON and Parquet the entry, from 1.
        clip: the clip's id, if the row has it.
        kind: a key of `FATES`.
        reason: what is wrong.
        label: the class concerned, where the row does not show it.
    """

    source: str
    row: int
    clip: str
    kind: str
    reason: str
    label: str = field(default="", repr=False)


@dataclass
class Report:
    """Rows and files that were read, and everything that was not used unchanged.

    Attributes:
        rows: data rows in the files; headers, comments and blank lines do not count.
        rows_used: those whose content is in the annotations.
        sources: one dict per file: name, format, sha256 (of the file's bytes), rows; and mapping,
            annotated, values, raters, prefix, where such options were given.
        notes: sentences about how the files were interpreted.
        findings: one per exception, in the order of rows.
    """

    rows: int = 0
    rows_used: int = 0
    sources: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def merge(self, other: "Report") -> None:
        """Add another report's content to this one."""
        self.rows += other.rows
        self.rows_used += other.rows_used
        self.sources += other.sources
        self.notes += [note for note in other.notes if note not in self.notes]
        self.findings += other.findings

    @classmethod
    def merged(cls, reports: "Iterable[Report]") -> "Report":
        """One report with the content of all."""
        whole = cls()
        for report in reports:
            whole.merge(report)
        return whole

    def counts(self) -> Counter[tuple[str, str]]:
        """Number of findings by (kind, reason)."""
        return Counter((f.kind, f.reason) for f in self.findings)

    def __repr__(self) -> str:
        return (
            f"Report({self.rows:,} rows, {self.rows_used:,} used, {len(self.findings):,} findings)"
        )

    def _repr_html_(self) -> str:
        rows = [(kind, reason, f"{n:,}") for (kind, reason), n in self.counts().most_common()]
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return html_table(self, ("finding", "reason", "rows"), rows) + notes

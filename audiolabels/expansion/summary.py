"""The summary of an expansion, and its findings, counted and written."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from audiolabels.clips.duplicates import REPEATED, SeenClips
from audiolabels.errors import LabelFileError
from audiolabels.files import atomic_path, blame
from audiolabels.labels.report import FATES, Finding, Report
from audiolabels.metrics.label_agreement import Agreement
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.readers.reports import no_usable_row
from audiolabels.schemes.scheme import Scheme, SchemeCounts

EXAMPLES = 3  # findings of a kind and reason that a summary keeps
Write = Callable[[Finding], object]


@dataclass
class Summary:
    """What an expansion did.

    Attributes:
        output: the file written.
        metadata: scheme, options, vocabulary, ontology, sources.
        vocabulary: the classes of the columns.
        counts: what the scheme did, in numbers, as `Scheme.counts`.
        report: rows and sources; `report.findings` keeps the first few of each kind and reason.
        finding_counts: number of findings by (kind, reason).
        agreement: how scores agree with given labels, if there were both.
    """

    output: Path
    metadata: dict[str, Any]
    vocabulary: Vocabulary
    counts: SchemeCounts
    report: Report = field(default_factory=Report)
    finding_counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    agreement: Agreement | None = None

    def __repr__(self) -> str:
        return (
            f"Summary({self.metadata['scheme']}, {self.counts.clips:,} clips to {self.output}, "
            f"{sum(self.finding_counts.values()):,} findings)"
        )


class Recorder:
    """Records in a summary what happens: counts findings, keeps a few, and writes all to a file.

    Args:
        summary: of the expansion.
        write: writes a finding to the report file, if there is one.
    """

    def __init__(self, summary: Summary, write: Write | None) -> None:
        self.summary = summary
        self.clips = SeenClips()
        self._write = write

    def part(self, scheme: Scheme) -> "Recorder":
        """Records one of several inputs, with counts and a report of its own."""
        mine = self.summary
        summary = Summary(mine.output, {}, mine.vocabulary, scheme.counts())
        part = Recorder(summary, self._write)
        part.clips = self.clips
        return part

    def take_part(self, part: "Recorder") -> None:
        """Take in what a part recorded, but for its counts."""
        self.summary.report.merge(part.summary.report)
        self.summary.finding_counts.update(part.summary.finding_counts)

    def conclude(self) -> dict[str, Any]:
        """The metadata of the summary, with sources and counts, once all is recorded.

        Raises:
            LabelFileError: no row could be used, or all targets are unknown.
        """
        summary = self.summary
        if not summary.counts.clips:
            raise LabelFileError(no_usable_row(summary.report, summary.finding_counts))
        if summary.counts.nothing_known():
            files = ", ".join(str(file["name"]) for file in summary.report.sources)
            raise LabelFileError(
                f"{files}: all {len(summary.vocabulary)} targets of all {summary.counts.clips:,} "
                f"clips are unknown: their labels mean none of these classes, or there are none. "
                f"See what a mapping leaves open with audiolabels map --check"
            )
        summary.metadata["sources"] = summary.report.sources
        if stated := summary.counts.stated():
            summary.metadata["counts"] = stated
        return summary.metadata

    def take_duplicates(self, parts: Iterable[pa.RecordBatch]) -> None:
        """Take in a finding for each clip that occurs again; `parts` as in `SeenClips`."""
        again = self.clips.duplicates(self.clips.repeated(), parts)
        self.take_findings(Finding(*clip, "duplicate clip", REPEATED) for clip in again)

    def take_findings(self, findings: Iterable[Finding]) -> None:
        """Take in further findings."""
        for f in findings:
            key = (f.kind, f.reason)
            self.summary.finding_counts[key] += 1
            if self.summary.finding_counts[key] <= EXAMPLES:
                self.summary.report.findings.append(f)
            if self._write:
                self._write(f)

    def take_report(self, report: Report) -> None:
        """Take in the report of a part."""
        self.take_findings(report.findings)
        self.summary.report.merge(replace(report, findings=[]))


def write_report(findings: Iterable[Finding], path: str | Path) -> None:
    """Write findings to a CSV file, one per line, whole or not at all.

    Raises:
        TargetsFileError: the file cannot be written.
    """
    with report_file(path) as write:
        for finding in findings:
            write(finding)


@contextmanager
def report_file(path: str | Path) -> Iterator[Write]:
    """A function that writes one finding to a CSV file, which takes its place at the end."""
    with atomic_path(path) as partial, ExitStack() as stack:
        with blame(path):
            file = stack.enter_context(partial.open("w", encoding="utf-8", newline=""))
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(["source", "row", "clip_id", "kind", "reason", "fate", "label"])

        def write(f: Finding) -> None:
            with blame(path):
                rows.writerow([f.source, f.row, f.clip, f.kind, f.reason, FATES[f.kind], f.label])

        yield write
        with blame(path):
            file.flush()

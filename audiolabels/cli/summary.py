"""What a command says at its end."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audiolabels.annotations import FATES, Finding, Report
from audiolabels.engines.local import Summary

GAINERS = 8
REASONS = 10


def describe_expansion(summary: Summary, report_path: Path | None) -> str:
    """The summary of an expansion: clips, labels before and after, what could not be used."""
    counts, meta = summary.counts, summary.metadata
    stated = max(1, counts.clips - counts.unlabelled)
    options = "".join(f", {name} {value}" for name, value in meta["options"].items())
    lines = [
        *summary.report.notes,
        "",
        f"{meta['scheme']}{options}, vocabulary {meta['vocabulary']['name']} "
        f"({len(summary.vocabulary)} classes)",
        "",
        f"  {'clips':<28}{counts.clips:>14,}",
    ]
    if counts.unlabelled:
        lines.append(f"  {'of these without any label':<28}{counts.unlabelled:>14,}")
    lines += [
        f"  {'labels a clip, before':<28}{counts.given / stated:>14.2f}",
        f"  {'labels a clip, after':<28}{counts.positive / stated:>14.2f}",
        f"  {'masked a clip':<28}{counts.masked / stated:>14.2f}",
    ]
    if counts.given_cut or counts.positive_cut:
        lines.append(
            f"  outside the vocabulary: {counts.given_cut:,} given labels, "
            f"{counts.positive_cut - counts.given_cut:,} added ones"
        )
    lines += describe_gains(summary)
    lines += describe_findings(
        summary.report, summary.finding_counts, summary.report.findings, report_path
    )
    lines += ["", f"wrote {summary.output} ({_size(summary.output.stat().st_size)})"]
    return "\n".join(lines)


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"


def describe_gains(summary: Summary) -> list[str]:
    """A table of the classes that gained most clips."""
    counts = summary.counts
    gain = counts.positive_by_class - counts.given_by_class
    best = [c for c in np.argsort(-gain, kind="stable")[:GAINERS].tolist() if gain[c] > 0]
    if not best:
        return []
    rows = [
        f"  {summary.vocabulary.names[c][:32]:<34}{counts.given_by_class[c]:>10,}"
        f"{counts.positive_by_class[c]:>10,}{gain[c]:>+10,}"
        for c in best
    ]
    head = f"  {'classes that gained most':<34}{'before':>10}{'after':>10}{'gain':>10}"
    return ["", head, *rows]


def _place(finding: Finding, several: bool) -> str:
    return f"{finding.source} row {finding.row:,}" if several else f"row {finding.row:,}"


def describe_findings(
    report: Report,
    counts: Counter[tuple[str, str]],
    examples: Sequence[Finding],
    report_path: Path | None,
) -> list[str]:
    """What was not used as it stood: kind, fate, reason, count, first places."""
    lines = ["", f"{report.rows:,} rows read, {report.rows_used:,} used"]
    if not counts:
        return [*lines, "nothing was left out"]
    kinds: Counter[str] = Counter()
    for (kind, _), number in counts.items():
        kinds[kind] += number
    lines += [f"  {number:,} × {kind} ({FATES[kind]})" for kind, number in kinds.most_common()]
    for (kind, reason), number in counts.most_common(REASONS):
        places = [f for f in examples if (f.kind, f.reason) == (kind, reason)]
        shown = ", ".join(_place(f, len(report.sources) > 1) for f in places[:3])
        lines.append(f"    {number:>8,} × {reason} ({shown}{', …' if number > 3 else ''})")
    if len(counts) > REASONS:
        lines.append(f"    and {len(counts) - REASONS} more reasons")
    where = f"every row: {report_path}" if report_path else "--report FILE lists every row"
    return [*lines, f"  {where}"]

"""What a command says at its end."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audiolabels.annotations import FATES, Finding, Report
from audiolabels.engines.report import Summary
from audiolabels.schemes.framed import FrameCounts
from audiolabels.statistics import LabelCounts
from audiolabels.vocabulary import Vocabulary

GAINERS = 8
REASONS = 10


def describe_expansion(summary: Summary, report_path: Path | None) -> str:
    """The summary of an expansion: labels before and after, what could not be used."""
    counts, meta = summary.counts, summary.metadata
    options = "".join(
        f", {name.replace('_', ' ')} {value}" for name, value in meta["options"].items()
    )
    lines = [
        *summary.report.notes,
        "",
        f"{meta['scheme']}{options}, vocabulary {meta['vocabulary']['name']} "
        f"({len(summary.vocabulary)} classes)",
        "",
    ]
    if isinstance(counts, FrameCounts):
        lines += describe_frames(counts, summary.vocabulary, framed="frame_hop" in meta["options"])
        if meta["options"]["negatives"] in ("explicit", "both") and not counts.absences:
            lines += [
                "",
                "  no class is confirmed absent: name a file of such labels with "
                "--explicit-negatives",
            ]
    else:
        lines += describe_clips(counts, summary.vocabulary)
    lines += describe_findings(
        summary.report, summary.finding_counts, summary.report.findings, report_path
    )
    lines += ["", f"wrote {summary.output} ({_size(summary.output.stat().st_size)})"]
    return "\n".join(lines)


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"


def _line(what: str, number: str) -> str:
    return f"  {what:<32}{number:>10}"


def describe_clips(counts: LabelCounts, vocabulary: Vocabulary) -> list[str]:
    """Labels of clips before and after."""
    stated = max(1, counts.clips - counts.unlabelled)
    lines = [_line("clips", f"{counts.clips:,}")]
    if counts.unlabelled:
        lines.append(_line("of these without any label", f"{counts.unlabelled:,}"))
    lines += [
        _line("labels a clip, before", f"{counts.given / stated:.2f}"),
        _line("labels a clip, after", f"{counts.positive / stated:.2f}"),
        _line("masked a clip", f"{counts.masked / stated:.2f}"),
    ]
    if counts.given_cut or counts.positive_cut:
        lines.append(
            f"  outside the vocabulary: {counts.given_cut:,} given labels, "
            f"{counts.positive_cut - counts.given_cut:,} added ones"
        )
    return [*lines, *describe_gains(counts, vocabulary)]


def describe_frames(counts: FrameCounts, vocabulary: Vocabulary, *, framed: bool) -> list[str]:
    """Events, and what they are in frames, or in whole clips."""
    rows = "frames" if framed else "clips"
    numbers = [
        ("clips", counts.clips, True),
        ("of these verified empty", counts.empty, False),
        ("of these not said what sounds", counts.unlabelled, False),
        ("events", counts.events, True),
        ("outside the vocabulary", counts.events_cut, False),
        ("(clip, class) pairs", counts.pairs, True),
        ("of these in no frame", counts.pairs_without_frame, False),
        ("statements of absence", counts.absences, False),
        ("confirmed absent, yet there", counts.clashes, False),
        ("frames", counts.frames, framed),
        (f"positive {rows}, over all classes", counts.positive, True),
        ("negative", counts.negative, True),
        ("unknown", counts.unknown, True),
    ]
    lines = [_line(what, f"{number:,}") for what, number, always in numbers if number or always]
    most = np.argsort(-counts.frames_by_class, kind="stable")[:GAINERS].tolist()
    table = [
        f"  {vocabulary.names[c][:32]:<34}{counts.clips_by_class[c]:>10,}"
        + (f"{counts.frames_by_class[c]:>10,}" if framed else "")
        for c in most
        if counts.frames_by_class[c]
    ]
    head = f"  {'most frequent classes':<34}{'clips':>10}" + (f"{'frames':>10}" if framed else "")
    return [*lines, "", head, *table] if table else lines


def describe_gains(counts: LabelCounts, vocabulary: Vocabulary) -> list[str]:
    """A table of the classes that gained most clips."""
    gain = counts.positive_by_class - counts.given_by_class
    best = [c for c in np.argsort(-gain, kind="stable")[:GAINERS].tolist() if gain[c] > 0]
    if not best:
        return []
    rows = [
        f"  {vocabulary.names[c][:32]:<34}{counts.given_by_class[c]:>10,}"
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

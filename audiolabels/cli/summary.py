"""The summaries that commands print."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.errors import shortlist
from audiolabels.expansion.joined import JoinCounts
from audiolabels.expansion.summary import Summary
from audiolabels.labels.report import FATES, Finding, Report
from audiolabels.metrics.label_agreement import Agreement
from audiolabels.schemes.framed import FrameCounts
from audiolabels.schemes.label_targets import LabelCounts
from audiolabels.schemes.repair import RepairCounts
from audiolabels.schemes.score_counts import ScoreCounts
from audiolabels.schemes.teacher_enhanced import EnhancedCounts
from audiolabels.schemes.teacher_masked import MaskedCounts
from audiolabels.targets.parts import is_folder, read_index

GAINERS = 8
REASONS = 10
Integers = npt.NDArray[np.int64]
NUMBERS = 7  # of classes in a clip that have a column of their own in a histogram


def describe_expansion(summary: Summary, report_path: Path | None) -> str:
    """The summary of an expansion: labels before and after, what could not be used."""
    meta = summary.metadata
    options = "".join(
        f", {name.replace('_', ' ')} {value}" for name, value in meta["options"].items()
    )
    lines = [
        *summary.report.notes,
        "",
        f"{meta['scheme']}{options}, vocabulary {meta['vocabulary']['name']} "
        f"({len(summary.vocabulary)} classes)",
        "",
        *DESCRIBE[type(summary.counts)](summary.counts, summary),
        *describe_findings(summary.report, summary.finding_counts, report_path),
        "",
        _written(summary.output),
    ]
    return "\n".join(lines)


def _written(output: Path) -> str:
    if not is_folder(output):
        return f"wrote {output} ({_size(output.stat().st_size)})"
    parts = [output / part.name for part in read_index(output)[1]]
    size = sum(path.stat().st_size for path in parts)
    return f"wrote {output} ({len(parts)} parts, {_size(size)})"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.1f} kB"


def _line(what: str, number: str) -> str:
    return f"  {what:<32}{number:>10}"


def describe_clips(counts: LabelCounts, summary: Summary) -> list[str]:
    """Labels of clips before and after."""
    stated = max(1, counts.clips - counts.unlabelled)
    lines = [_line("clips", f"{counts.clips:,}")]
    if counts.unlabelled:
        lines.append(_line("of these unannotated", f"{counts.unlabelled:,}"))
    lines += [
        _line("labels per clip, before", f"{counts.given / stated:.2f}"),
        _line("labels per clip, after", f"{counts.positive / stated:.2f}"),
        _line("masked per clip", f"{counts.masked / stated:.2f}"),
    ]
    if counts.absences:
        lines += [
            _line("confirmed absences", f"{counts.absences:,}"),
            _line("targets that contradict these", f"{counts.clashes:,}"),
        ]
    if quality := _quality(summary):
        lines += [*quality, _line("their positives, now unknown", f"{counts.doubtful:,}")]
    if counts.given_cut or counts.positive_cut:
        lines.append(
            f"  outside the vocabulary: {counts.given_cut:,} given labels, "
            f"{counts.positive_cut - counts.given_cut:,} added ones"
        )
    before, after = counts.given_by_class, counts.positive_by_class
    columns = {"before": before, "after": after, "gain": after - before}
    return [*lines, *_classes("classes that gained most", summary, columns, list(columns))]


def _quality(summary: Summary) -> list[str]:
    if not summary.metadata["options"].get("quality_floor"):
        return []
    return [_line("classes below the quality floor", f"{summary.metadata['quality']['below']:,}")]


def describe_frames(counts: FrameCounts, summary: Summary) -> list[str]:
    """Events, and what they are in frames, or in whole clips."""
    options = summary.metadata["options"]
    framed = "frame_hop" in options
    rows = "frames" if framed else "clips"
    numbers = [
        ("clips", counts.clips, True),
        ("of these verified empty", counts.empty, False),
        ("of these unannotated", counts.unlabelled, False),
        ("events", counts.events, True),
        ("outside the vocabulary", counts.events_cut, False),
        ("(clip, class) pairs", counts.pairs, True),
        ("of these in no frame", counts.pairs_without_frame, False),
        ("confirmed absences", counts.absences, False),
        ("contradictions", counts.clashes, False),
        ("frames", counts.frames, framed),
        (f"positive {rows}, over all classes", counts.positive, True),
        ("negative", counts.negative, True),
        ("unknown", counts.unknown, True),
    ]
    lines = [_line(what, f"{number:,}") for what, number, always in numbers if number or always]
    frequent = {"clips": counts.clips_by_class, "frames": counts.frames_by_class}
    lines += _classes("most frequent classes", summary, frequent, list(frequent)[: 1 + framed])
    if options["negatives"] in ("explicit", "both") and not counts.absences:
        lines += [
            "",
            "  no class is confirmed absent: name a file of such labels with --explicit-negatives",
        ]
    return lines


def describe_scores(counts: ScoreCounts, summary: Summary) -> list[str]:
    """What the teacher finds, and how it agrees with given labels."""
    clips, pairs = max(1, counts.clips), max(1, counts.segments * len(summary.vocabulary))
    numbers = np.arange(len(counts.clips_by_number)) @ counts.clips_by_number
    most = int(np.flatnonzero(counts.clips_by_number).max(initial=0))
    labels = bool(counts.labelled or counts.unlabelled)
    lines = [_line("clips", f"{counts.clips:,}"), _line("segments", f"{counts.segments:,}")]
    if counts.without_labels:
        lines.append(_line("with scores, without labels", f"{counts.without_labels:,}"))
    if counts.without_scores:
        lines.append(_line("with labels, without scores", f"{counts.without_scores:,}"))
    if counts.unscored:
        lines.append(_line("not scored", f"{counts.unscored / pairs:.1%}"))
    lines += [
        _line("classes at 0.5 per clip", f"{numbers / clips:.2f}"),
        _line("most in a clip", f"{most:,}"),
        _line("clips with none", f"{counts.clips_empty / clips:.1%}"),
        _line("segments with none", f"{counts.segments_empty / max(1, counts.segments):.1%}"),
    ]
    if labels:
        labelled = max(1, counts.labelled)
        lines += [
            _line("labels per clip, as given", f"{counts.given / labelled:.2f}"),
            _line("label coverage", f"{counts.coverage / labelled:.1%}"),
            _line("clips with all labels found", f"{counts.covered / labelled:.1%}"),
            _line("clips with no label found", f"{counts.uncovered / labelled:.1%}"),
        ]
    lines += [*_quality(summary), *_agreement(summary.agreement)]
    lines += _numbers_of_classes(counts, given=labels)
    columns = {"given": counts.given_by_class, "found": counts.found_by_class}
    shown = list(columns)[not labels :]
    return [*lines, *_classes("most often at 0.5, in clips", summary, columns, shown)]


def describe_repair(counts: RepairCounts, summary: Summary) -> list[str]:
    """What a teacher found in the clips of given labels, and labels before and after."""
    found = counts.stated()
    numbers = [
        ("with scores, without labels", counts.without_labels, False),
        ("with labels, without scores", counts.without_scores, False),
        ("implicit negatives", found.get("implicit_negatives", 0), False),
        ("masked by the teacher", found.get("masked_by_teacher", 0), "masked_by_teacher" in found),
        ("added by the teacher", found.get("added_by_teacher", 0), "added_by_teacher" in found),
        ("of these children", found.get("added_children", 0), False),
        ("of these ancestors", found.get("added_ancestors", 0), False),
        ("classes without threshold", found.get("classes_without_threshold", 0), False),
    ]
    lines = [_line(what, f"{number:,}") for what, number, always in numbers if number or always]
    return [*lines, *_agreement(summary.agreement), "", *describe_clips(counts, summary)]


def describe_join(counts: JoinCounts, summary: Summary) -> list[str]:
    """What the targets of each data set are, and the classes that only one of them covers."""
    heads = ("clips", "rows", "positive", "negative", "unknown", "classes", "alone")
    widths = [10, 10, 11, 12, 12, 9, 7]
    alone = counts.alone()
    lines = [
        f"  {'data set':<22}" + "".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True))
    ]
    for name, own in counts.sources.items():
        numbers = [*own.stated().values(), len(alone[name])]
        cells = "".join(f"{n:>{w},}" for n, w in zip(numbers, widths, strict=True))
        lines.append(f"  {name[:22]:<22}{cells}")
    names = summary.vocabulary.names
    for name, columns in alone.items():
        if len(columns):
            shown = shortlist([names[c] for c in columns], 6)
            lines += ["", f"  only {name} covers: {shown}"]
    return lines


DESCRIBE: Mapping[type, Callable[[Any, Summary], list[str]]] = {
    LabelCounts: describe_clips,
    FrameCounts: describe_frames,
    ScoreCounts: describe_scores,
    MaskedCounts: describe_repair,
    EnhancedCounts: describe_repair,
    JoinCounts: describe_join,
}


def _agreement(agreement: Agreement | None) -> list[str]:
    if agreement is None:
        return []
    return [
        _line("mean average precision", f"{agreement.mean:.3f}"),
        _line("with shuffled classes", f"{agreement.shuffled:.3f}"),
        f"  over {agreement.clips:,} clips and {agreement.classes:,} classes",
    ]


def _numbers_of_classes(counts: ScoreCounts, *, given: bool) -> list[str]:
    """A histogram of the classes in a clip."""
    rows = [("found at 0.5, share of clips", counts.clips_by_number)]
    rows += [("given", counts.clips_by_given)] if given else []
    heads = "".join(f"{n:>6}" for n in range(NUMBERS)) + f"{NUMBERS:>5}+"
    lines = ["", f"  {'classes in a clip':<32}{heads}"]
    for what, clips in rows:
        parts = [*clips[:NUMBERS], *[0] * (NUMBERS - len(clips)), clips[NUMBERS:].sum()]
        shares = "".join(f"{part / max(1, clips.sum()):>6.0%}" for part in parts)
        lines.append(f"  {what:<32}{shares}")
    return lines


def _classes(
    title: str, summary: Summary, columns: Mapping[str, Integers], shown: Sequence[str]
) -> list[str]:
    """A table of the classes with the greatest numbers in the last column."""
    *_, last = columns.values()
    best = [c for c in np.argsort(-last, kind="stable")[:GAINERS].tolist() if last[c] > 0]
    signs = {"gain": "+"}
    rows = [
        f"  {summary.vocabulary.names[c][:32]:<34}"
        + "".join(f"{columns[name][c]:>{signs.get(name, '')}10,}" for name in shown)
        for c in best
    ]
    head = f"  {title:<34}" + "".join(f"{name:>10}" for name in shown)
    return ["", head, *rows] if rows else []


def _place(finding: Finding, several: bool) -> str:
    return f"{finding.source} row {finding.row:,}" if several else f"row {finding.row:,}"


def describe_findings(
    report: Report,
    counts: Counter[tuple[str, str]],
    report_path: Path | None,
) -> list[str]:
    """What was not used unchanged: kind, fate, reason, count, first places."""
    lines = ["", f"{report.rows:,} rows read, {report.rows_used:,} used"]
    if not counts:
        return [*lines, "nothing was left out"]
    kinds: Counter[str] = Counter()
    for (kind, _), number in counts.items():
        kinds[kind] += number
    lines += [f"  {number:,} × {kind} ({FATES[kind]})" for kind, number in kinds.most_common()]
    for (kind, reason), number in counts.most_common(REASONS):
        places = [f for f in report.findings if (f.kind, f.reason) == (kind, reason)]
        shown = ", ".join(_place(f, len(report.sources) > 1) for f in places[:3])
        lines.append(f"    {number:>8,} × {reason} ({shown}{', …' if number > 3 else ''})")
    if len(counts) > REASONS:
        lines.append(f"    and {len(counts) - REASONS} more reasons")
    where = f"every row: {report_path}" if report_path else "--report FILE lists every row"
    return [*lines, f"  {where}"]

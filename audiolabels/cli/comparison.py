"""The output of `compare`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audiolabels.cli.summary import describe_findings
from audiolabels.comparison.comparison import Comparison, percent, shifted_classes
from audiolabels.comparison.matching import ClipCounts
from audiolabels.comparison.odds_ratios import Ints, odds_ratio

if TYPE_CHECKING:
    import pandas

NAMED = 4  # classes of one side alone that are named
WIDTH = 32  # of a class's name


def describe_comparison(
    comparison: Comparison,
    names: tuple[str, str],
    labels: Sequence[str],
    *,
    minimum: int,
    level: float,
    rows: int,
    report_path: Path | None,
) -> str:
    """Clips, pairs, and either the odds ratios of some labels or what changed most.

    Args:
        comparison: K classes.
        names: names of the two files.
        labels: classes whose odds ratios are shown.
        minimum: clips with a class on each side, or with both classes, for it to be shown.
        level: of the intervals.
        rows: of each table at most.
        report_path: the file with every finding.
    """
    lines = [*comparison.report.notes, "", f"A is {names[0]}, B is {names[1]}", ""]
    lines += describe_clips(comparison) + describe_pairs(comparison)
    for label in labels:
        lines += describe_label(comparison, label, minimum, level, rows)
    if not labels:
        lines += describe_priors(comparison, minimum, rows)
        lines += describe_shifts(comparison, minimum, level, rows)
    report = comparison.report
    lines += describe_findings(report, report.counts(), report_path)
    return "\n".join(line.rstrip() for line in lines)


def describe_clips(comparison: Comparison) -> list[str]:
    """Clips of each side, and how many could be compared."""
    a, b = comparison.clips_a, comparison.clips_b

    def line(name: str, field: str) -> str:
        return f"  {name:<{WIDTH}}{getattr(a, field):>12,}{getattr(b, field):>12,}"

    lines = [f"  {'':<{WIDTH}}{'A':>12}{'B':>12}"]
    if (a.rows, b.rows) != (a.clips, b.clips):
        lines += [line("rows", "rows")]
    lines += [line("clips", "clips")]
    if a.repeated or b.repeated:
        lines += [line("of these with several rows", "repeated")]
    lines += [line("of these only here", "lone")]
    if a.unstated or b.unstated:
        lines += [line("in both, unannotated here", "unstated")]
    lines += [f"  {'compared':<{WIDTH}}{comparison.clips:>12,}{comparison.clips:>12,}"]
    per_clip = [
        positive.sum() / comparison.clips
        for positive in (comparison.positive_a, comparison.positive_b)
    ]
    lines += [f"  {'positive classes per clip':<{WIDTH}}{per_clip[0]:>12.2f}{per_clip[1]:>12.2f}"]
    return [*lines, *_lone("A", a), *_lone("B", b)]


def _lone(side: str, counts: ClipCounts) -> list[str]:
    if not counts.lone:
        return []
    more = ", …" if counts.lone > len(counts.examples) else ""
    return [f"  only in {side}: {', '.join(counts.examples)}{more}"]


def describe_pairs(comparison: Comparison) -> list[str]:
    """Pairs (clip, class) on each side and on both, and the classes that one side lacks."""
    head = f"  {'pairs (clip, class)':<{WIDTH}}{'classes':>8}{'in A':>12}{'in B':>12}"
    lines = ["", f"{head}{'in both':>12}{'of A':>8}{'of B':>8}"]
    lines += [
        f"  {o.scope[:WIDTH]:<{WIDTH}}{o.classes:>8,}{o.in_a:>12,}{o.in_b:>12,}{o.in_both:>12,}"
        f"{percent(o.share_of_a):>8}{percent(o.share_of_b):>8}"
        for o in comparison.overlaps()
    ]
    lines += [
        "  of A: the share of A's pairs that are in B; of B: the share of B's that are in A",
        "  a label file has the classes that occur in it, a targets file those of its vocabulary",
    ]
    a_alone = comparison.in_a & ~comparison.in_b
    b_alone = comparison.in_b & ~comparison.in_a
    lines += _alone(comparison, "A", comparison.positive_a * a_alone, a_alone)
    lines += _alone(comparison, "B", comparison.positive_b * b_alone, b_alone)
    both, a_only, b_only, _ = comparison.tables.diagonal(axis1=1, axis2=2).sum(1).tolist()
    unknown_in_b = int(comparison.positive_a.sum()) - both - a_only
    unknown_in_a = int(comparison.positive_b.sum()) - both - b_only
    if unknown_in_a or unknown_in_b:
        lines += [
            f"  not counted, unknown on the other side: {unknown_in_b:,} pairs in A, "
            f"{unknown_in_a:,} in B"
        ]
    return lines


def _alone(
    comparison: Comparison, side: str, positive: Ints, alone: npt.NDArray[np.bool_]
) -> list[str]:
    count = int(alone.sum())
    if not count:
        return []
    line = f"  classes of {side} alone: {count:,} (pairs: {positive.sum():,})"
    frequent = [c for c in np.argsort(-positive, kind="stable").tolist() if positive[c]]
    named = ", ".join(f"{comparison.names[c]} ({positive[c]:,})" for c in frequent[:NAMED])
    return [f"{line}{': ' if named else ''}{named}{', …' if len(frequent) > NAMED else ''}"]


def describe_priors(comparison: Comparison, minimum: int, rows: int) -> list[str]:
    """The classes of both sides whose priors changed most, increases first."""
    order = comparison.changed_priors(minimum)
    half = -(-rows // 2)
    shown = order if len(order) <= rows else [*order[:half], *order[len(order) - rows + half :]]
    title = f"priors that changed most (clips in each: at least {minimum:,})"
    lines = [f"  {title:<56}{'clips in A':>12}{'in B':>12}{'B / A':>12}"]
    for c in shown:
        ratio = comparison.prior_b[c] / comparison.prior_a[c]
        lines.append(
            f"  {comparison.names[c][:WIDTH]:<56}{comparison.positive_a[c]:>12,}"
            f"{comparison.positive_b[c]:>12,}{f'{ratio:,.2f}':>12}"
        )
    return ["", *lines] if shown else []


def describe_shifts(comparison: Comparison, minimum: int, level: float, rows: int) -> list[str]:
    """The classes of A with a higher odds ratio to another class of B than to themselves."""
    shifted = shifted_classes(comparison, minimum=minimum, level=level)
    if not shifted:
        return []
    lines = [
        "",
        f"  {'classes of A that go with':<{WIDTH}}{'another of B':<{WIDTH}}{'odds ratio':>12}"
        f"{'with itself':>14}",
    ]
    for own, other in shifted[:rows]:
        ratio, _, _, corrected = odds_ratio(comparison.tables[:, own, [other, own]], level)
        marks = ["*" if mark else " " for mark in corrected]
        lines.append(
            f"  {comparison.names[own][: WIDTH - 2]:<{WIDTH}}"
            f"{comparison.names[other][: WIDTH - 2]:<{WIDTH}}"
            f"{f'{ratio[0]:,.2f}{marks[0]}':>12}{f'{ratio[1]:,.2f}{marks[1]}':>14}"
        )
    if len(shifted) > rows:
        lines.append(f"  and {len(shifted) - rows:,} more")
    return [*lines, f"  where the {100 * level:.6g}% intervals of the two do not overlap"]


def describe_label(
    comparison: Comparison, label: str, minimum: int, level: float, rows: int
) -> list[str]:
    """The strongest odds ratios of one class in A with the classes of B, and the other way."""
    position = comparison.position(label)
    own, name = comparison.ids[position], comparison.names[position]
    in_a = comparison.odds_ratios(a=own, minimum=minimum, level=level)
    in_b = comparison.odds_ratios(b=own, minimum=minimum, level=level)
    lines = [
        *_describe_odds(in_a, "b", f"{name} in A, class in B", own, rows, level),
        *_describe_odds(in_b, "a", f"{name} in B, class in A", own, rows, level),
        "",
        f"  clips: those with both classes, at least {minimum:,}",
    ]
    if in_a["corrected"].any() or in_b["corrected"].any():
        lines.append("  * one of the four counts is zero; a half was added to all four")
    return lines


def _describe_odds(
    table: "pandas.DataFrame", side: str, title: str, own: str, rows: int, level: float
) -> list[str]:
    """The first rows of a table of odds ratios, and the row of the class with itself."""
    names, ids = table[f"name_{side}"], table[f"id_{side}"]
    interval = f"{100 * level:.6g}% interval"
    lines = ["", f"  {title[:46]:<46}{'odds ratio':>12}{interval:>22}{'clips':>10}"]
    shown = [i for i, id_ in enumerate(ids) if i < rows or id_ == own]
    for i in shown:
        ratio = f"{table['odds_ratio'][i]:,.2f}{'*' if table['corrected'][i] else ''}"
        ends = f"{table['low'][i]:,.2f} to {table['high'][i]:,.2f}"
        itself = " (itself)" if ids[i] == own else ""
        lines.append(f"  {names[i][:36] + itself:<46}{ratio:>12}{ends:>22}{table['both'][i]:>10,}")
    rest = len(ids) - len(shown)
    return lines + ([f"  and {rest:,} more"] if rest else []) + ([] if len(ids) else ["  none"])

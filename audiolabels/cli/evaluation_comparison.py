"""The output of `compare` of two evaluations."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

import numpy as np

from audiolabels.metrics.evaluation_comparison import EvaluationComparison, GroupGain

WIDTH = 40  # of a name
TITLES = {
    "AP in A": "mean gain by range of AP in A",
    "root": "mean gain by root (a class may have several)",
    "frequency": "mean gain by positive rows",
}


def describe_evaluations(found: EvaluationComparison, names: tuple[str, str], rows: int) -> str:
    """What got better and worse from A to B, overall, by group, and of which classes most."""
    whole, *groups = found.groups
    interval = f"{100 * found.level:.6g}% interval" * bool(found.draws)
    lines = ["", f"A is {names[0]}", f"B is {names[1]}", *found.notes, ""]
    if found.rows is not None:
        lines.append(f"  {'rows compared':<{WIDTH}}{found.rows:>10,}  of {found.clips:,} clips")
    some = ~np.isnan(found.gain)
    means = [float(each[some].mean()) for each in (found.precision_a, found.precision_b)]
    lines += [
        f"  {'':<{WIDTH}}{'A':>10}{'B':>10}{'B - A':>10}{interval:>22}",
        f"  {f'mAP over {whole.classes:,} classes':<{WIDTH}}{means[0]:>10.4f}{means[1]:>10.4f}"
        f"{whole.gain:>+10.4f}{_ends(whole)}",
        "",
        f"  {'classes better in B':<{WIDTH}}{whole.higher:>10,}{_share(whole.higher, whole):>10}",
        f"  {'classes worse in B':<{WIDTH}}{whole.lower:>10,}{_share(whole.lower, whole):>10}",
    ]
    if found.beyond_chance:
        better, worse = found.beyond_chance
        lines += [
            f"  {'with an interval that excludes 0: better':<{WIDTH}}{better:>10,}",
            f"  {'worse':>{WIDTH}}{worse:>10,}",
        ]
        if (by_chance := whole.classes * (1 - found.level) / 2) >= 1:
            lines.append(f"  by chance alone, about {by_chance:.0f} classes on either side would")
    if found.draws:
        lines.append("  intervals are of the choice of clips; another training run is not in them")
    for kind, own in groupby(groups, lambda group: group.kind):
        lines += [
            "",
            f"  {TITLES[kind]:<{WIDTH + 6}}{'classes':>8}{'better':>8}{'worse':>8}{'gain':>10}"
            f"{interval:>22}",
        ]
        lines += [
            f"  {g.name[: WIDTH + 4]:<{WIDTH + 6}}{g.classes:>8,}{g.higher:>8,}{g.lower:>8,}"
            f"{g.gain:>+10.4f}{_ends(g)}"
            for g in own
        ]
    order = np.flatnonzero(some)[np.argsort(-found.gain[some], kind="stable")]
    half = -(-rows // 2)
    for title, chosen, wanted in (
        ("classes that gained most", order[:half], lambda gain: gain > 0),
        ("classes that lost most", order[::-1][: rows - half], lambda gain: gain < 0),
    ):
        lines += _classes(found, title, chosen, wanted, interval)
    return "\n".join(line.rstrip() for line in lines)


def _classes(
    found: EvaluationComparison,
    title: str,
    chosen: Any,
    wanted: Callable[[float], bool],
    interval: str,
) -> list[str]:
    shown = [c for c in chosen.tolist() if wanted(found.gain[c])]
    head = f"  {title:<{WIDTH}}{'positives':>10}{'A':>10}{'B':>10}{'gain':>10}{interval:>22}"
    lines = []
    for c in shown:
        ends = "" if found.low is None or found.high is None else _span(found.low[c], found.high[c])
        lines.append(
            f"  {found.vocabulary.names[c][: WIDTH - 2]:<{WIDTH}}{found.positives[c]:>10,}"
            f"{found.precision_a[c]:>10.4f}{found.precision_b[c]:>10.4f}{found.gain[c]:>+10.4f}"
            f"{ends}"
        )
    return ["", head, *lines] if lines else []


def _ends(group: GroupGain) -> str:
    return "" if group.low is None or group.high is None else _span(group.low, group.high)


def _span(low: float, high: float) -> str:
    return f"{f'{low:+.4f} to {high:+.4f}':>22}"


def _share(count: int, whole: GroupGain) -> str:
    return f"{count / whole.classes:.1%}" if whole.classes else ""

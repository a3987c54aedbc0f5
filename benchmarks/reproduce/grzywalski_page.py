"""The tables of docs/reproduce/grzywalski.md, of what `grzywalski.py` measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results_page import HERE, load_results, markdown, spread
from scipy import stats

ROOTS = ("Human sounds", "Sounds of things", "Source-ambiguous sounds", "Natural sounds")
BASES = ("OL", "PEL", "PE-CML")
SCRATCH, MEANS, TUNED = "scratch", "means", "tuned "  # the last before a base's name
OURS, PAPERS = "", ", squared error"
UNTESTABLE = "not testable here"
HALVES = {"features": "", "fine-tuning": TUNED}
# Table IV by model: a column a root and target labels.
PAPER = {
    "OL": (790, 805, 812, 195, 304, 323, 461, 461, 465, 468, 656, 653),
    "PEL": (795, 809, 817, 207, 314, 333, 487, 492, 494, 487, 669, 670),
    "PE-CML": (793, 808, 820, 199, 303, 319, 492, 497, 493, 529, 690, 691),
    SCRATCH: (782, 800, 811, 139, 310, 343, 385, 396, 440, 411, 596, 579),
    "tuned OL": (770, 796, 808, 186, 311, 338, 464, 471, 462, 476, 674, 678),
    "tuned PEL": (774, 793, 810, 187, 333, 358, 477, 468, 477, 472, 665, 674),
    "tuned PE-CML": (783, 806, 810, 191, 334, 357, 483, 476, 486, 514, 693, 698),
}

Results = dict[str, Any]
Numbers = list[float]
Runs = dict[str, Any]  # by seed


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean over seeds, by Student's t; of one seed it has no end."""
    error = stats.sem(values) if len(values) > 1 else np.inf
    half = float(stats.t.ppf(0.975, max(len(values) - 1, 1)) * error)
    return float(np.mean(values)) - half, float(np.mean(values)) + half


def verdict(transfer: Sequence[float], gain: Sequence[float]) -> str:
    """Of a base over one with original labels, where that base beats none; both by seed.

    >>> verdict([0.01, 0.02, 0.015], [0.003, 0.004, 0.0035])
    'better'
    >>> verdict([0.01, 0.02, 0.015], [0.003, -0.004, 0.0035])
    'no difference shown'
    >>> verdict([0.01, -0.02, 0.015], [0.003, 0.004, 0.0035])
    'not testable here'
    """
    low, high = interval(gain)
    if not interval(transfer)[0] > 0:
        return UNTESTABLE
    return "better" if low > 0 else "worse" if high < 0 else "no difference shown"


def runs(results: Results, loss: str = OURS) -> dict[str, Runs]:
    """What each seed measured, by root, where there is any."""
    found = {root: {seed: own[root + loss] for seed, own in results.items() if root + loss in own}
             for root in ROOTS}  # fmt: skip
    return {root: own for root, own in found.items() if own}


def maps(found: Runs, name: str, kind: str, share: str = "1") -> Numbers:
    """The mAP of a model with target labels of a kind, by seed."""
    return [own["target"][f"{kind}, {share}"][name] for own in found.values()]


def difference(found: Runs, name: str, other: str, share: str = "1") -> Numbers:
    """Between two models of the same seed, by seed; the mean over kinds of target labels."""
    one, two = (np.mean([maps(found, each, kind, share) for kind in BASES], axis=0)
                for each in (name, other))  # fmt: skip
    gained: Numbers = (one - two).tolist()
    return gained


def compared(measured: dict[str, Runs], half: str, share: str = "1") -> dict[str, list[Numbers]]:
    """By root, and as mean over roots of the seeds that have all: what a base with original labels
    gains over none, and what each other base gains over that; each by seed.
    """
    ol, *others = (HALVES[half] + base for base in BASES)
    pairs = [(ol, SCRATCH), *((other, ol) for other in others)]
    found = {root: [difference(own, *pair, share) for pair in pairs]
             for root, own in measured.items()}  # fmt: skip
    seeds = set.intersection(*(set(own) for own in measured.values()))
    if len(measured) > 1 and seeds:
        whole = [{seed: own[seed] for seed in sorted(seeds, key=int)} for own in measured.values()]
        found[f"mean of {len(measured)} roots"] = [
            np.mean([difference(own, *pair, share) for own in whole], axis=0).tolist()
            for pair in pairs
        ]
    return found


def shown(values: Numbers) -> str:
    """Mean, and its interval.

    >>> shown([0.001, 0.003])
    '+0.0020 (−0.0107 to +0.0147)'
    """
    ends = [np.mean(values), *interval(values)]
    mean, low, high = (f"{value:+.4f}".replace("-", "−") for value in ends)
    return f"{mean} ({low} to {high})" if len(values) > 1 else mean


def tables(results: Results) -> str:
    measured = runs(results)
    minutes = [
        own["processor_seconds"] / 60 for found in measured.values() for own in found.values()
    ]
    parts = [
        f"Mean ± standard deviation over seeds. A root took {min(minutes):.1f} to "
        f"{max(minutes):.1f} minutes of processor time for each seed.\n",
        "The sets, as divided, and labels per clip on the base (unknown ones in brackets):\n",
        sets(measured),
        "Base models on the base's test clips, each with labels of its own kind (not to be "
        "compared between kinds):\n",
        markdown(
            ["base for", *BASES],
            [[root, *(spread(own["base"][name] for own in found.values()) for name in BASES)]
             for root, found in measured.items()],
        ),
        "Target models, mAP on test clips; in brackets the paper's:\n",
        table_iv(measured),
        "Differences between models of the same seed and folds, the mean over three kinds of "
        "target labels, and the 95 % interval of the mean over seeds:\n",
        differences(measured),
    ]  # fmt: skip
    fewer = {
        root: found
        for root, found in measured.items()
        if all("OL, 0.1" in own["target"] for own in found.values())
    }
    if fewer:
        parts += [
            "With a tenth of the target's training clips:\n",
            differences(fewer, "0.1"),
        ]
    if squared := runs(results, PAPERS):
        parts += [
            "With the paper's loss, the squared error, for bases and targets:\n",
            table_iv(squared),
            differences(squared),
        ]
    return "\n".join(parts)


def sets(measured: dict[str, Runs]) -> str:
    head = ["root", "seeds", "base clips", "target clips", "target classes", "folds tested", *BASES]
    rows = []
    for root, found in measured.items():
        first = next(iter(found.values()))
        labels = (first["labels"][name] for name in BASES)
        rows.append([
            root, len(found), *(f"{number:,}" for number in first["clips"]), first["classes"][1],
            f"{first['folds']} of 5",
            *(f"{positive:.2f}" + (f" ({unknown:.1f})" if unknown else "")
              for positive, unknown in labels),
        ])  # fmt: skip
    return markdown(head, rows)


def table_iv(measured: dict[str, Runs]) -> str:
    columns = [(root, kind) for root in ROOTS for kind in BASES]
    names = [MEANS, *PAPER]
    titles = {MEANS: "mean of the frames", SCRATCH: "from scratch"}
    titles |= {name: f"features, {name}" for name in BASES}
    titles |= {TUNED + name: f"fine-tuned, {name}" for name in BASES}

    def cell(name: str, root: str, kind: str) -> str:
        paper = PAPER.get(name)
        known = f" ({paper[columns.index((root, kind))] / 1000:.3f})" if paper else ""
        return spread(maps(measured[root], name, kind)) + known

    return markdown(
        ["root", "target labels", *(titles[name] for name in names)],
        [[*column, *(cell(name, *column) for name in names)]
         for column in columns if column[0] in measured],
    )  # fmt: skip


def differences(measured: dict[str, Runs], share: str = "1") -> str:
    rows = []
    for half in HALVES:
        for root, (transfer, *gains) in compared(measured, half, share).items():
            rows.append([
                half, root, len(transfer), shown(transfer),
                *(f"{shown(gain)}: {verdict(transfer, gain)}" for gain in gains),
            ])  # fmt: skip
    head = ["half", "root", "seeds", "OL − from scratch", "PEL − OL", "PE-CML − OL"]
    return markdown(head, rows)


def draw(path: Path = HERE / "results" / "grzywalski.json") -> Any:
    """What bases with other labels gain over one with original labels; open where none helps."""
    from matplotlib import pyplot

    from audiolabels.plots.style import INK, SERIES, axes_or_new

    measured = runs(load_results(path))
    figure, panels = pyplot.subplots(
        1, len(HALVES), figsize=(8, 3.2), layout="constrained", sharex=True, sharey=True
    )
    for axes, half in zip(panels, HALVES, strict=True):
        axes_or_new(axes)
        axes.axvline(0, color=INK, lw=0.8)
        rows = compared(measured, half)
        for row, (transfer, *gains) in enumerate(rows.values()):
            for number, gain in enumerate(gains):
                mean, (low, high) = float(np.mean(gain)), interval(gain)
                helps = verdict(transfer, gain) != UNTESTABLE
                axes.errorbar(
                    mean, row - 0.15 + 0.3 * number, xerr=[[mean - low], [high - mean]], fmt="o",
                    ms=5, color=SERIES[number], mfc=SERIES[number] if helps else "none",
                    label=f"{BASES[number + 1]} \N{MINUS SIGN} OL" if row == 0 else None,
                )  # fmt: skip
        axes.set(xlabel="difference in mAP", title=half)
        axes.set_yticks(range(len(rows)), rows)
        axes.locator_params(axis="x", nbins=5)
    panels[0].invert_yaxis()
    panels[0].legend(frameon=False, fontsize=8, loc="lower right")
    return figure

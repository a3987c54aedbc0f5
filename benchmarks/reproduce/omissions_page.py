"""The tables and the picture of docs/reproduce/omissions.md, of what `omissions.py` measured.

A figure is of the seeds that have all models it compares, so each table names its number of seeds.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results_page import HERE, markdown, spread

COMPLETE, CONTROL, WEAK = "complete labels", "weak, another seed", "weak"
LONGER = ", longer"
HALF = "certain, 0.5"
SHARES = (0.0, 0.25, 0.5, 0.75)
# What the evaluation labels are closed under, and how the page calls it.
JUDGES = {
    "certain": "`certain`",
    "unambiguous": "`unambiguous`",
    "all": "`all`",
    "given": "as released",
    "untouched": "untouched classes",
}
DRAWN = ("pel, certain", "pe-cml, all", "pe-cml, certain", "teacher-enhanced + pe-cml, certain")

Results = dict[str, Any]
Numbers = list[float]


def cells(results: Results, setting: str, *names: str) -> list[list[Any]]:
    """What was measured of the models in a setting, for each seed that has all of them."""
    found = [seed.get(setting, {}) for _, seed in sorted(results.items(), key=lambda s: int(s[0]))]
    return [[own[name] for name in names] for own in found if all(name in own for name in names)]


def gains(results: Results, setting: str, name: str, judge: str) -> Numbers:
    """The difference of a model's mAP from weak labels, for each seed."""
    return [a[judge] - b[judge] for a, b in cells(results, setting, name, WEAK)]


def won_back(results: Results, setting: str, name: str, judge: str) -> Numbers:
    """The share of the loss by omissions that a model wins back, for each seed.

    The complete labels of a world are trained once for each seed, whatever is left out.
    """
    world = setting.partition(",")[0]
    loss = f"{world}, 0.5{LONGER if setting.endswith(LONGER) else ''}"
    found = []
    for seed in sorted(results, key=int):
        own = {s: results[seed].get(s, {}) for s in (setting, loss)}
        if name in own[setting] and WEAK in own[setting] and COMPLETE in own[loss]:
            model, weak = own[setting][name][judge], own[setting][WEAK][judge]
            found.append((model - weak) / (own[loss][COMPLETE][judge] - weak))
    return found


def tables(results: Results, untouched: int) -> str:
    def percent(values: Numbers) -> str:
        return spread((100 * value for value in values), 0) + " %" if values else ""

    def signed(values: Numbers) -> str:
        return spread(values, 4, sign=True) if values else ""

    def by_judge(setting: str, cell: Callable[..., str], of: Callable[..., Numbers]) -> str:
        names = [n for n in models(results, setting) if n != WEAK]
        return markdown(
            ["trained on", "seeds", *JUDGES.values()],
            [
                [name, len(gains(results, setting, name, "given")),
                 *(cell(of(results, setting, name, judge)) for judge in JUDGES)]
                for name in names
            ],
        )  # fmt: skip

    def others(setting: str) -> str:
        rows = []
        for name in models(results, setting):
            found = cells(results, setting, name, WEAK)
            rows.append(
                [name, *(spread(own[m] for own, _ in found) for m in ("certain", "lwlrap")),
                 spread((own["d_prime"] for own, _ in found), 2)]
            )  # fmt: skip
        return markdown(["trained on", "mAP", "lωlrap", "d′ of the mean AUC"], rows)

    def fates(setting: str) -> str:
        rows = []
        for name in models(results, setting):
            if name in (WEAK, CONTROL, COMPLETE):
                continue
            found = [own for (own,) in cells(results, setting, name)]
            mean = {key: np.mean([own[key] for own in found]) for key in found[0]}
            rows.append(
                [name,
                 *(f"{100 * mean[k] / mean['missing']:.0f} %" for k in ("restored", "unknown")),
                 f"{mean['false']:,.0f}", f"{mean['absent_unknown']:,.0f}"]
            )  # fmt: skip
        return markdown(
            ["labels", "missing: positive", "missing: unknown", "absent: positive",
             "absent: unknown"],
            rows,
        )  # fmt: skip

    def removed() -> str:
        rows = []
        for setting in ("certain, 0.25", HALF, "certain, 0.75", "all, 0.5"):
            found = [own for (own,) in cells(results, setting, "labels")]
            mean = {key: np.mean([own[key] for own in found]) for key in found[0]} if found else {}
            if mean:
                rows.append(
                    [*setting.split(", "), *(f"{mean[key]:,.0f}" for key in
                     ("complete", "unspecified", "left_out")),
                     f"{100 * (mean['unspecified'] + mean['left_out']) / mean['complete']:.0f} %"]
                )  # fmt: skip
        return markdown(
            ["closed under", "left out", "labels", "removed as unspecified", "as parents",
             "of all labels"],
            rows,
        )  # fmt: skip

    def by_share(cell: Callable[..., str], of: Callable[..., Numbers], *names: str) -> str:
        settings = {f"{100 * s:g} %": f"certain, {s:g}" for s in SHARES if s}
        counts = [len(cells(results, s, *names)) for s in settings.values()]
        head = (f"{what}, seeds: {n}" for what, n in zip(settings, counts, strict=True))
        rows = [
            [name, *(cell(of(results, s, name, "certain")) for s in settings.values())]
            for name in names
        ]
        return markdown(["trained on", *head], rows)

    def level(results: Results, setting: str, name: str, judge: str) -> Numbers:
        return [own[judge] for (own,) in cells(results, setting, name)]

    repairs = [name for name in models(results, HALF) if name not in (WEAK, COMPLETE)]
    nothing = "certain, 0"
    complete = [seed[HALF][COMPLETE] for seed in results.values() if COMPLETE in seed.get(HALF, {})]
    harm = [
        [name, len(no_omissions(results, name, "given")),
         *(signed(no_omissions(results, name, judge)) for judge in JUDGES)]
        for name in models(results, nothing)
    ]  # fmt: skip
    seconds = [
        sum(c["processor_seconds"] for s in own.values() for n, c in s.items() if n != "labels")
        for own in results.values()
    ]
    parts = [
        f"Mean ± standard deviation over seeds. {len(complete)} seeds have all models of the first "
        f"tables; {untouched} classes are touched by no closure. What each seed measured took "
        f"{min(seconds) / 60:.1f} to {max(seconds) / 60:.1f} minutes of processor time.\n",
        "What is removed:\n",
        removed(),
        "Half left out, closed under `certain`: difference in mAP from weak labels, by what the "
        "evaluation labels are closed under:\n",
        by_judge(HALF, signed, gains),
        "The share of the loss that is won back:\n",
        by_judge(HALF, percent, won_back),
        "Judged under `certain`:\n",
        others(HALF),
        "What becomes of the missing labels, and of the cells that are truly absent:\n",
        fates(HALF),
        "By the share that is left out, judged under `certain`, mAP:\n",
        by_share(lambda values: spread(values, 4) if values else "", level, WEAK, *repairs),
        "Difference from weak labels:\n",
        by_share(signed, gains, *repairs),
        "Won back:\n",
        by_share(percent, won_back, *repairs),
    ]
    if harm:
        parts += [
            "Nothing left out, difference from the complete labels:\n",
            markdown(["trained on", "seeds", *JUDGES.values()], harm),
        ]
    if models(results, "all, 0.5"):
        parts += [
            "The complete labels closed under `all` instead, half left out; won back:\n",
            by_judge("all, 0.5", percent, won_back),
        ]
    if models(results, HALF + LONGER):
        parts += [
            "Trained longer, with dropout; half left out; difference from weak labels:\n",
            by_judge(HALF + LONGER, signed, gains),
            "Won back:\n",
            by_judge(HALF + LONGER, percent, won_back),
        ]
    return "\n".join(parts)


def no_omissions(results: Results, name: str, judge: str) -> Numbers:
    """The difference of a scheme from the complete labels where nothing is left out."""
    found = [(own.get("certain, 0", {}), own.get(HALF, {})) for own in results.values()]
    return [
        zero[name][judge] - half[COMPLETE][judge]
        for zero, half in found
        if name in zero and COMPLETE in half
    ]


def models(results: Results, setting: str) -> list[str]:
    """The models that some seed has, in the order in which they are trained."""
    found: Iterable[str] = (name for seed in results.values() for name in seed.get(setting, ()))
    return [name for name in dict.fromkeys(found) if name != "labels"]


def draw(path: Path = HERE / "results" / "omissions.json") -> Any:
    """MAP by the share that is left out, and what each scheme wins back at a half."""
    from matplotlib import pyplot

    from audiolabels.plots.style import GREY, INK, SERIES, axes_or_new

    results = json.loads(path.read_text("utf-8"))
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9.6, 3.6), layout="constrained")
    for axes in (left, right):
        axes_or_new(axes)
    complete = mean_of(c["certain"] for (c,) in cells(results, HALF, COMPLETE))
    left.axhline(complete, color=INK, lw=0.8, ls="--", label=COMPLETE)
    for name, colour in zip((WEAK, *DRAWN), (GREY, *SERIES), strict=False):
        points = {
            share: mean_of(c["certain"] for (c,) in cells(results, f"certain, {share:g}", name))
            for share in SHARES
        }
        if name == WEAK:
            points[0.0] = complete
        shown = {share: value for share, value in points.items() if value is not None}
        left.plot([100 * s for s in shown], [*shown.values()], "o-", ms=4, color=colour, label=name)
    left.set_xlabel("labels left out, % of those that can be")
    left.set_ylabel("mAP")
    left.legend(frameon=False, fontsize=8)
    names = [n for n in models(results, HALF) if n not in (WEAK, COMPLETE)][::-1]
    judges = ("certain", "all", "untouched")
    for number, (judge, colour) in enumerate(zip(judges, SERIES, strict=False)):
        values = [100 * (mean_of(won_back(results, HALF, n, judge)) or 0) for n in names]
        place = np.arange(len(names)) + 0.27 * (1 - number)
        label = JUDGES[judge] if judge == "untouched" else f"judged under {judge}"
        right.barh(place, values, 0.25, color=colour, label=label)
    right.axvline(0, color=INK, lw=0.8)
    right.set_yticks(range(len(names)), names, fontsize=8)
    right.set_xlabel("share of the loss won back at 50 %, %")
    right.legend(frameon=False, fontsize=8, loc="lower center", ncols=3, bbox_to_anchor=(0.3, 1))
    return figure


def mean_of(values: Iterable[float]) -> float | None:
    found: Sequence[float] = [*values]
    return float(np.mean(found)) if found else None

"""The tables of docs/reproduce/secost.md, of what `secost.py` and `secost_long.py` measured.

Of the longer training not every seed has all models, so each row names its number of seeds.
"""

from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
from results_page import Result, effort, markdown, spread

Floats = npt.NDArray[np.float64]

AP_BINS = (0, 0.1, 0.2, 0.3, 0.4, 0.6, 1)  # of the base model's average precision
QUALITY_BINS = (0, 0.5, 0.8, 1)
DROPOUT, WRONG = 0.5, 0.3  # of the hidden neurons; of the labels, replaced at random
BASE, CONTROL, TWICE_AS_LONG = "base", "control", "control, 60 epochs"
METRICS = ("mAP", "d_prime", "lwlrap")
SHOWN = ("0.7, stage 1", "0.7, stage 4", "rising, stage 5")  # by the base's average precision


def tables(results: Result) -> str:
    """Both parts, of the results by seed."""
    seeds = [results[seed] for seed in sorted(results, key=int)]
    long = [own["longer"] for own in seeds if BASE in own.get("longer", {})]
    short = [own for own in seeds if "base" in own]
    parts = [long_tables(long)] if long else []
    if short:
        parts += ["## Ten epochs, no dropout\n", short_tables(short)]
    return "\n".join(parts)


def long_tables(results: list[Result]) -> str:
    """The cascades with dropout, trained for longer, and their control."""
    names = list(dict.fromkeys(name for own in results for name in own))
    models = [name for name in names if name != BASE]
    seconds = [model["processor_seconds"] for own in results for model in own.values()]
    classes = int((~np.isnan(precision(results[0][BASE]))).sum())
    better = f"classes better, of {classes}"

    def compared(name: str, other: str) -> list[object]:
        pairs = paired(results, name, other)
        gains = [[one[key] - two[key] for one, two in pairs] for key in METRICS]
        return [
            name,
            len(pairs),
            *(spread(values, 4, sign=True) for values in gains),
            sum(value > 0 for value in gains[0]),
            spread((wins(one, two)[0] for one, two in pairs), 0),
        ]

    head = ["seeds", "in mAP", "in d′", "in lωlrap", "seeds with higher mAP", better]
    shown = [name for name in (CONTROL, *SHOWN) if name in names]
    return "\n".join(
        [
            f"## 30 epochs, dropout {DROPOUT:g}\n",
            f"Mean ± standard deviation over seeds. A model took {min(seconds):.0f} to "
            f"{max(seconds):.0f} seconds of processor time.\n",
            markdown(
                ["model", "seeds", "mAP", "d′ of the mean AUC", "lωlrap"],
                [
                    [
                        name,
                        len(paired(results, name, name)),
                        spread((m["mAP"] for m, _ in paired(results, name, name)), 4),
                        *(
                            spread(m[key] for m, _ in paired(results, name, name))
                            for key in METRICS[1:]
                        ),
                    ]
                    for name in names
                ],
            ),
            "Differences from the base model of the same seed; the control is the base model "
            "trained once more with another seed:\n",
            markdown(["model", *head], [compared(name, BASE) for name in models]),
            "Differences from the control; stage 1 has its seed:\n",
            markdown(
                ["model", *head], [compared(name, CONTROL) for name in models if name != CONTROL]
            ),
            by_seeds(results, classes),
            "Mean gain over the base model in average precision, by the base model's average "
            "precision of a class:\n",
            markdown(
                [BASE, *(f"{name} (seeds: {len(paired(results, name, BASE))})" for name in shown)],
                [
                    [
                        f"{low:g} to {high:g}",
                        *(
                            spread(
                                (
                                    gain_within(model, base, low, high)
                                    for model, base in paired(results, n, BASE)
                                ),
                                4,
                                sign=True,
                            )
                            for n in shown
                        ),
                    ]
                    for low, high in pairwise(AP_BINS)
                ],
            ),
        ]
    )


def short_tables(results: list[Result]) -> str:
    """Ten epochs, with the conditions that were tried on them."""
    bases = [result["base"] for result in results]
    classes = bases[0]["classes"]

    def values(name: str, key: str, stage: int = -1) -> list[float]:
        return [result["cascades"][name][stage][key] for result in results]

    def gain(name: str, key: str, stage: int = -1) -> str:
        pairs = zip(values(name, key, stage), bases, strict=True)
        return spread((value - base[key] for value, base in pairs), 4, sign=True)

    def by(kind: str, bins: tuple[float, ...], what: str) -> str:
        return markdown(
            [what, "classes", *many],
            [
                [
                    f"{low:g} to {high:g}",
                    spread((r["gains"][many[0]][kind][n]["classes"] for r in results), 0),
                    *(
                        spread((r["gains"][name][kind][n]["gain"] for r in results), 4, sign=True)
                        for name in many
                    ),
                ]
                for n, (low, high) in enumerate(pairwise(bins))
            ],
        )

    lengths = {name: len(stages) for name, stages in results[0]["cascades"].items()}
    one = [name for name in lengths if name.startswith("one")]
    many = [name for name in lengths if not name.startswith("one")]
    stages = max(lengths[name] for name in many)
    gained = ["gain in mAP", "in d′", "in lωlrap", f"classes better, of {classes}"]

    def gains_of(name: str) -> list[str]:
        return [
            *(gain(name, key) for key in ("mAP", "d_prime", "lwlrap")),
            spread(values(name, "higher"), 0),
        ]

    return "\n".join(
        [
            effort(results),
            f"The base model on the evaluation set: mAP {spread(b['mAP'] for b in bases)}, d′ of "
            f"the mean AUC {spread(b['d_prime'] for b in bases)}, lωlrap "
            f"{spread(b['lwlrap'] for b in bases)}.\n",
            "One stage, by teacher weight; weight 0 is the base model once more with another "
            "seed:\n",
            markdown(
                ["teacher weight", "mAP", *gained],
                [
                    [name.rpartition(" ")[2], spread(values(name, "mAP")), *gains_of(name)]
                    for name in one
                ],
            ),
            "Cascades, mAP after each stage:\n",
            markdown(
                ["cascade", "base", *(f"stage {n + 1}" for n in range(stages))],
                [
                    [
                        name,
                        spread(b["mAP"] for b in bases),
                        *(
                            spread(values(name, "mAP", n)) if n < lengths[name] else ""
                            for n in range(stages)
                        ),
                    ]
                    for name in many
                ],
            ),
            "Their last stages against the base model:\n",
            markdown(["cascade", *gained], [[name, *gains_of(name)] for name in many]),
            "One stage at 0.7 under other conditions, base and student with the same seed:\n",
            markdown(
                ["", "base model, mAP", "one stage, 0.7", *gained],
                [
                    [
                        what,
                        *(spread(pair[n]["mAP"] for pair in pairs) for n in (0, 1)),
                        *(
                            spread((two[key] - one[key] for one, two in pairs), 4, sign=True)
                            for key in ("mAP", "d_prime", "lwlrap")
                        ),
                        spread((two["higher"] for _, two in pairs), 0),
                    ]
                    for what, pairs in (
                        (f"dropout {DROPOUT:g}", [result["dropout"] for result in results]),
                        (f"{WRONG:.0%} wrong labels", [result["wrong"] for result in results]),
                    )
                ],
            ),
            "Mean gain of the last stage in average precision, by the base model's average "
            "precision of a class:\n",
            by("precision", AP_BINS, "base model"),
            "And by the label quality of a class, the share of rated clips in which raters heard "
            "it:\n",
            by("quality", QUALITY_BINS, "label quality"),
        ]
    )


def paired(results: list[Result], *names: str) -> list[tuple[Result, ...]]:
    """What was measured of the models, for each seed that has all of them."""
    return [
        tuple(own[name] for name in names) for own in results if all(name in own for name in names)
    ]


def precision(model: Result) -> Floats:
    """Average precision of each class, (C,); nan without a positive."""
    return np.array([float(value) for value in model["average_precision"].split()])


def wins(one: Result, two: Result) -> tuple[int, int]:
    """Classes of which the first has the higher average precision, and the second."""
    difference = precision(one) - precision(two)
    return int((difference > 0).sum()), int((difference < 0).sum())


def gain_within(one: Result, base: Result, low: float, high: float) -> float:
    """Mean gain in average precision of the classes of which the base model's lies in a range."""
    before = precision(base)
    chosen = (before >= low) & ((before < high) | (high == AP_BINS[-1]))
    return float((precision(one) - before)[chosen].mean()) if chosen.any() else 0.0


def by_seeds(results: list[Result], classes: int) -> str:
    """How far models are apart that differ in the seed alone."""
    alike = [own[name] for own in results for name in (BASE, CONTROL) if name in own]
    pairs = list(combinations(alike, 2))
    apart = sorted(abs(one["mAP"] - two["mAP"]) for one, two in pairs)
    most = [max(wins(*pair)) for pair in pairs]
    if not apart:
        return ""
    return (
        f"The {len(alike)} base models and controls, which differ in the seed alone, are "
        f"{apart[0]:.4f} to {apart[-1]:.4f} mAP apart; of two, the one that is better in more of "
        f"the {classes} classes is better in {min(most)} to {max(most)}.\n"
    )

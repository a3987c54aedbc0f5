"""Pictures of comparisons, of what a teacher finds, and of evaluations."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from audiolabels.comparison.comparison import Comparison
from audiolabels.errors import MetricError, OptionError, expect
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.scores import Scores
from audiolabels.metrics.evaluation import Evaluation
from audiolabels.metrics.psd_roc import MAX_EFPR
from audiolabels.metrics.psds import Detection
from audiolabels.metrics.score_analysis import ScoreAnalysis
from audiolabels.plots.style import (
    GREY,
    ROW,
    SERIES,
    SMALL,
    WIDTH,
    axes_or_new,
    name_points,
    short,
)
from audiolabels.schemes.given_labels import GivenLabels, GivenOptions, MatchedScores

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = 4  # classes that are named at each end


def priors(comparison: Comparison, *, minimum: int = 1, ax: "Axes | None" = None) -> "Axes":
    """The prior of each class in two label sets; the classes that changed most are named.

    As figure 2 of Hershey et al. 2021.

    Args:
        comparison: from `audiolabels.compare`.
        minimum: clips with the class in each side, for classes that are named.
        ax: where to draw; a new figure by default.
    """
    expect("comparison", comparison, Comparison, "a comparison")
    a, b = comparison.prior_a, comparison.prior_b
    shown = np.flatnonzero(comparison.chosen & (a > 0) & (b > 0))
    axes = axes_or_new(ax, WIDTH, WIDTH)
    axes.scatter(a[shown], b[shown], s=12, color=SERIES[0], lw=0, alpha=0.7)
    ends = [min(a[shown].min(), b[shown].min()) / 1.5, max(a[shown].max(), b[shown].max()) * 1.5]
    axes.plot(ends, ends, color=GREY, lw=1, zorder=0)
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    axes.set(xlabel="share of clips in A", ylabel="share of clips in B")
    order = comparison.changed_priors(minimum)
    named = order if len(order) <= 2 * NAMED else [*order[:NAMED], *order[-NAMED:]]
    axes.scatter(a[named], b[named], s=16, color=SERIES[1], lw=0)
    name_points(axes, a[named].tolist(), b[named].tolist(), [comparison.names[c] for c in named])
    return axes


def odds_ratios(
    comparison: Comparison,
    a: str | None = None,
    b: str | None = None,
    *,
    most: int = 15,
    minimum: int = 5,
    ax: "Axes | None" = None,
) -> "Axes":
    """The highest odds ratios of classes of two sides, with their intervals.

    Args:
        comparison: from `audiolabels.compare`.
        a, b: only pairs with this class in A, or in B.
        most: pairs shown.
        minimum: clips with both classes.
        ax: where to draw; a new figure by default.

    Raises:
        UnknownClassError: no such class, or it is not compared.
        OptionError: no pair of classes is left.
    """
    expect("comparison", comparison, Comparison, "a comparison")
    table = comparison.odds_ratios(a, b, minimum=minimum).head(most)[::-1]
    if table.empty:
        raise OptionError(f"no pair of classes in {minimum} clips or more")
    axes = axes_or_new(ax, 1.0 + ROW * len(table))
    ratio = table["odds_ratio"].to_numpy()
    reach = np.abs(table[["low", "high"]].to_numpy().T - ratio)
    axes.errorbar(ratio, range(len(table)), xerr=reach, fmt="o", ms=4, lw=1.2, color=SERIES[0])
    axes.axvline(1, color=GREY, lw=1, ls="--")
    both = zip(table["name_a"], table["name_b"], strict=True)
    names = [short(y if a else x if b else f"{short(x, 20)} → {short(y, 20)}", 44) for x, y in both]
    axes.set_yticks(range(len(table)), names, fontsize=SMALL)
    of = a or b
    axes.set(xscale="log", xlabel=f"odds ratio{f' with {of}' if of else ', A → B'}")
    return axes


def score_histogram(
    scores: Scores,
    given: Annotations,
    *,
    threshold: float = 0.5,
    labels_scheme: str = "weak",
    ax: "Axes | None" = None,
) -> "Axes":
    """A teacher's highest score in a clip, of the classes that are given there and of the others.

    Args:
        scores: of segments or clips.
        given: the labels of these clips.
        threshold: where a line is drawn.
        labels_scheme: expands the labels first.
        ax: where to draw; a new figure by default.

    Raises:
        MetricError: no clip has both.
    """
    expect("scores", scores, Scores, "scores")
    expect("given", given, Annotations, "annotations")
    labels = GivenLabels.make(given, scores.vocabulary, GivenOptions(labels_scheme=labels_scheme))
    clips = MatchedScores.match(scores, labels).highest()
    rows = np.flatnonzero(clips.given >= 0)
    if not len(rows):
        raise MetricError("no clip has scores and labels")
    target, mask = labels.targets.to_numpy(clips.given[rows])
    values = clips.scores[rows]
    axes = axes_or_new(ax)
    bins = np.linspace(0, 1, 41).tolist()
    for name, chosen, colour in (
        ("given", target > 0, 0),
        ("not given", (target == 0) & (mask > 0), 1),
    ):
        own = values[chosen]
        weights = np.full(len(own), 100 / max(1, len(own)))
        style: dict[str, Any] = {"histtype": "stepfilled", "alpha": 0.45, "color": SERIES[colour]}
        axes.hist(own, bins, weights=weights, label=f"{name} ({len(own):,})", **style)
    axes.axvline(threshold, color=GREY, lw=1, ls="--")
    axes.set(yscale="log", xlabel="highest score in the clip", ylabel="% of pairs", xlim=(0, 1))
    axes.legend(frameon=False, fontsize=SMALL)
    return axes


def found_per_clip(analysis: ScoreAnalysis, *, ax: "Axes | None" = None) -> "Axes":
    """Clips by the number of classes found and given, as figure 2 of Dinkel et al. 2022.

    Args:
        analysis: from `audiolabels.metrics.analyse_scores`.
        ax: where to draw; a new figure by default.
    """
    expect("analysis", analysis, ScoreAnalysis, "an analysis of scores")
    table = analysis.labels_per_clip()
    axes = axes_or_new(ax)
    width = 0.8 / len(table.columns)
    for number, name in enumerate(table.columns):
        share = 100 * table[name].to_numpy() / max(1, table[name].sum())
        place = np.arange(len(table)) + (number - (len(table.columns) - 1) / 2) * width
        axes.bar(place, share, width, label=name, color=SERIES[number])
    axes.set(xlabel=f"classes in a clip (found: from {analysis.level:g})", ylabel="% of clips")
    axes.legend(frameon=False, fontsize=SMALL)
    return axes


def label_coverage(analysis: ScoreAnalysis, *, ax: "Axes | None" = None) -> "Axes":
    """Clips by the share of their given labels that are found, as figure 3 of Dinkel et al. 2022.

    Args:
        analysis: from `audiolabels.metrics.analyse_scores`, with given labels.
        ax: where to draw; a new figure by default.
    """
    expect("analysis", analysis, ScoreAnalysis, "an analysis of scores")
    table = analysis.label_coverage()
    axes = axes_or_new(ax)
    axes.bar(range(len(table)), 100 * table["share"], color=SERIES[0])
    ticks = [f"{start:.1f}" for start in table.index]
    axes.set_xticks(range(len(table)), ticks, fontsize=SMALL)
    axes.set(xlabel="share of a clip's labels that are found", ylabel="% of clips")
    return axes


def average_precision(evaluation: Evaluation, *, ax: "Axes | None" = None) -> "Axes":
    """Average precision of each class against its positive rows; the worst are named.

    Args:
        evaluation: from `audiolabels.evaluate`.
        ax: where to draw; a new figure by default.
    """
    expect("evaluation", evaluation, Evaluation, "an evaluation")
    precision, positives = evaluation.average_precision, evaluation.positives
    shown = np.flatnonzero(positives > 0)
    axes = axes_or_new(ax)
    from matplotlib import ticker

    axes.scatter(positives[shown], precision[shown], s=12, color=SERIES[0], lw=0, alpha=0.7)
    mean = evaluation.mean_average_precision
    axes.axhline(mean, color=SERIES[1], lw=1.2, label=f"mAP {mean:.3f}")
    axes.set(xscale="log", ylim=(0, 1), xlabel="rows in which the class is positive")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(ticker.LogFormatter())  # labels where decades are few
    axes.set_ylabel("average precision")
    if evaluation.vocabulary:
        frequent = shown[positives[shown] >= np.median(positives[shown])]
        worst = frequent[np.argsort(precision[frequent], kind="stable")[:NAMED]]
        names = [evaluation.vocabulary.names[c] for c in worst]
        name_points(axes, positives[worst].tolist(), precision[worst].tolist(), names)
    axes.legend(frameon=False, fontsize=SMALL)
    return axes


def compare_evaluations(a: Evaluation, b: Evaluation, *, ax: "Axes | None" = None) -> "Axes":
    """Average precision of each class in two evaluations; those that changed most are named.

    Args:
        a, b: over the same classes.
        ax: where to draw; a new figure by default.

    Raises:
        MetricError: they are over other classes.
    """
    for each in (a, b):
        expect("evaluation", each, Evaluation, "an evaluation")
    better = b.share_improved(a)
    change = b.average_precision - a.average_precision
    shown = np.flatnonzero(~np.isnan(change))
    axes = axes_or_new(ax, WIDTH, WIDTH)
    axes.scatter(a.average_precision[shown], b.average_precision[shown], s=12, color=SERIES[0],
                 lw=0, alpha=0.7)  # fmt: skip
    axes.plot([0, 1], [0, 1], color=GREY, lw=1, zorder=0)
    means = f"{a.mean_average_precision:.3f}", f"{b.mean_average_precision:.3f}"
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel=f"AP in A (mAP {means[0]})")
    axes.set_ylabel(f"AP in B (mAP {means[1]})")
    axes.set_title(f"better in B: {better.higher}, in A: {better.lower}", fontsize=SMALL + 1)
    if b.vocabulary:
        order = shown[np.argsort(change[shown], kind="stable")]
        named = order if len(order) <= 2 * NAMED else [*order[:NAMED], *order[-NAMED:]]
        names = [b.vocabulary.names[c] for c in named]
        x, y = a.average_precision[named], b.average_precision[named]
        name_points(axes, x.tolist(), y.tolist(), names)
    return axes


def psd_roc(detection: Detection, *, ax: "Axes | None" = None) -> "Axes":
    """The PSD-ROC curves of both scenarios: means over classes, and what their spread takes off.

    Args:
        detection: from `audiolabels.metrics.psds`.
        ax: where to draw; a new figure by default.
    """
    expect("detection", detection, Detection, "what psds gives")
    axes = axes_or_new(ax)
    for number, (name, (rate, mean, spread)) in enumerate(detection.roc.items()):
        colour = SERIES[number]
        value = getattr(detection, name)
        low = np.maximum(mean - spread, 0)
        rate, mean, low = (np.append(x, x[-1]) for x in (rate, mean, low))
        rate[-1] = MAX_EFPR
        axes.step(rate, mean, where="post", color=colour, label=f"{name.upper()} {value:.3f}")
        axes.fill_between(rate, low, mean, step="post", color=colour, alpha=0.2, lw=0)
    axes.set(xlim=(0, MAX_EFPR), ylim=(0, 1.02), xlabel="effective false positives an hour")
    axes.set_ylabel("true positive rate")
    axes.legend(frameon=False, fontsize=SMALL, loc="lower right")
    return axes


def training_curves(run: str | Path, *, ax: "Axes | None" = None) -> "Axes":
    """Training loss and validation mAP of each epoch, from the log of a run.

    Args:
        run: the folder that `audiolabels train` wrote.
        ax: where to draw; a new figure by default.

    Raises:
        OptionError: the folder has no log.
    """
    logs = sorted(Path(run).glob("log/**/metrics.csv"))
    if not logs:
        raise OptionError(f"{run}: no log of a training (log/*/metrics.csv)")
    columns: Mapping[str, list[tuple[float, float]]] = {"loss": [], "validation_mAP": []}
    for log in logs:
        with log.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                for name, points in columns.items():
                    if row.get(name):
                        points.append((float(row["epoch"]), float(row[name])))
    axes = axes_or_new(ax)
    axes.set(xlabel="epoch", ylabel="training loss")
    right = axes.twinx()
    right.set_ylabel("validation mAP")
    right.spines["top"].set_visible(False)
    for own, points, colour in zip((axes, right), columns.values(), SERIES, strict=False):
        epochs, values = _last_of_each(points)
        own.plot(epochs, values, color=colour, marker="o", ms=3, lw=1.5)
        own.yaxis.label.set_color(colour)
    axes.set_ylim(0, None)
    return axes


def _last_of_each(points: "list[tuple[float, float]]") -> "tuple[Any, npt.NDArray[np.float64]]":
    """Epochs, each once, with the value that was logged last."""
    last = dict(points)
    return sorted(last), np.array([last[epoch] for epoch in sorted(last)])

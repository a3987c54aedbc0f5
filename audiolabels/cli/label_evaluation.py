"""What `evaluate --labels` computes and prints."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from audiolabels.cli.progress import progress_bar
from audiolabels.errors import OptionError, shortlist
from audiolabels.metrics.bootstrap import interval_with_lost
from audiolabels.metrics.evaluated_rows import EvaluatedRows
from audiolabels.metrics.hierarchical import evaluate_hierarchy
from audiolabels.metrics.thresholds import BEST, POOLED, UNREACHED, Thresholds, choose_thresholds
from audiolabels.options import portion
from audiolabels.schemes.class_thresholds import ClassThresholds

if TYPE_CHECKING:
    from audiolabels.features import Features
    from audiolabels.ontology.ontology import Ontology
    from audiolabels.training.run_folder import Run

LEVEL = 0.95  # of the interval of the lost clips
NAMED = 6  # classes that are named


class Asked(NamedTuple):
    """What is computed besides the metrics.

    Attributes:
        clips: those to evaluate; None for all.
        draws: of clips, for the lost ones.
        threshold: for the metrics of the ontology; None without these.
        ontology: of the classes.
        chosen_by: how thresholds are chosen, as `--thresholds` takes it.
    """

    clips: list[str] | None
    draws: int
    threshold: float | ClassThresholds | None
    ontology: "Ontology"
    chosen_by: str | None


class LabelEvaluation(NamedTuple):
    """Results, lines to print, further numbers, and what files are written of."""

    results: list[Any]
    lines: list[str]
    facts: dict[str, Any]
    rows: EvaluatedRows
    thresholds: Thresholds | None


def precision_of(chosen_by: str | None) -> float | None:
    """The precision to reach that `--thresholds` names; None for the best F1."""
    return None if chosen_by in (None, BEST) else portion("thresholds", chosen_by or "", above=True)


def evaluate_labels(
    run: "Run", labels: Path, features: "Features", asked: Asked, **options: Any
) -> LabelEvaluation:
    """Evaluate a run on targets; `options` are those of `evaluate_run`."""
    from audiolabels.training.run_evaluation import count_lost, evaluate_run, evaluated_rows

    names = asked.clips
    measured, examples, scores = evaluate_run(
        run, labels, features, clips=names, ontology=asked.ontology, **options
    )
    rows, thresholds = evaluated_rows(examples, scores), None
    cells, results = (rows.scores, rows.positive, rows.known), list[Any]([measured])
    facts: dict[str, Any] = {"fingerprint": rows.fingerprint}
    lines = str(measured).splitlines()
    lines += [f"{what:<34}{n:>14,}" for what, n in examples.left_out.items() if n]
    lines.append(f"{'fingerprint of clips and labels':<34}{facts['fingerprint'][:12]:>14}")
    if names:
        without = int((features.find(names) < 0).sum())
        if without:
            lines.append(f"{'listed clips without features':<34}{without:>14,}")
        lost = count_lost(examples)
        value = measured.mean_average_precision
        facts |= _bound(rows, value, lost, asked.draws)
        lines += _describe_lost(facts, value, asked.draws)
    if asked.threshold is not None:
        level: Any = asked.threshold
        if isinstance(level, ClassThresholds):
            level = level.of(rows.vocabulary, asked.ontology)
        results.append(
            evaluate_hierarchy(
                *cells, evaluation=measured, ontology=asked.ontology, threshold=level
            )
        )
        lines += ["", *str(results[-1]).splitlines()]
    if asked.chosen_by:
        thresholds = choose_thresholds(
            *cells, vocabulary=rows.vocabulary, precision=precision_of(asked.chosen_by)
        )
        lines += ["", *_describe_thresholds(thresholds)]
    return LabelEvaluation(results, lines, facts, rows, thresholds)


def _bound(rows: EvaluatedRows, value: float, lost: int, draws: int) -> dict[str, Any]:
    """Where mAP would be with the lost clips, as facts."""
    found: dict[str, Any] = {"clips": int(rows.clips.max()) + 1, "clips_lost": lost}
    if lost and np.isfinite(value):
        with progress_bar("lost clips", "classes") as bar:
            low, high = interval_with_lost(
                rows.scores, rows.positive, rows.known, clips=rows.clips, lost=lost, draws=draws,
                level=LEVEL, progress=bar,
            )  # fmt: skip
        found |= {"mAP_low": low, "mAP_high": high, "draws": draws}
    return found


def _describe_lost(facts: dict[str, Any], value: float, draws: int) -> list[str]:
    lines = [
        f"{'clips evaluated':<34}{facts['clips']:>14,}",
        f"{'clips lost, with labels':<34}{facts['clips_lost']:>14,}",
    ]
    if "mAP_low" in facts:
        low, high = facts["mAP_low"], facts["mAP_high"]
        lines += [
            f"{'mAP with the lost clips':<34}{f'{low:.4f} to {high:.4f}':>20}"
            f"  ({low - value:+.4f} to {high - value:+.4f})",
            f"  {LEVEL:.0%} of {draws:,} draws that lose as large a share of these clips again, at "
            f"random; if clips",
            "  are lost by class or by quality, it can be further off",
        ]
    return lines


def _describe_thresholds(thresholds: Thresholds) -> list[str]:
    """Their spread, and the classes that have none of their own."""
    wanted = thresholds.precision_wanted
    title = "best F1" if wanted is None else f"precision {wanted:g}"
    quartiles = np.quantile(thresholds.threshold, [0, 0.25, 0.5, 0.75, 1])
    lines = [
        f"thresholds for the {title}, on the {len(thresholds.positives):,} classes evaluated here",
        "  least, quarters, greatest        " + "  ".join(f"{q:.3f}" for q in quartiles),
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = 2 / (1 / thresholds.precision + 1 / thresholds.recall)
    for what, values in (
        ("precision", thresholds.precision),
        ("recall", thresholds.recall),
        ("F1", f1),
    ):
        known = values[np.isfinite(values) & (thresholds.positives > 0)]
        mean = f"{known.mean():.3f}" if len(known) else "none"
        lines.append(f"  mean {what:<28}{mean}  ({len(known):,} classes)")
    for how, what in (
        (UNREACHED, "classes that do not reach it, with that of their highest precision"),
        (POOLED, "classes without a positive, with that of all classes together"),
    ):
        if names := thresholds.classes(how):
            lines.append(f"  {len(names):,} {what}: {shortlist(names, NAMED)}")
    lines.append("  chosen on these clips: judge them on others")
    return lines


def check_asked(chosen_by: str | None) -> None:
    """Raise an OptionError for a value that `--thresholds` does not take."""
    try:
        precision_of(chosen_by)
    except OptionError:
        raise OptionError(f"thresholds {chosen_by!r}: give {BEST} for the best F1, or a precision "
                          f"above 0 to 1, such as 0.9") from None  # fmt: skip

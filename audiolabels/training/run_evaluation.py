"""Evaluation of a run on known targets of clips or frames."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from audiolabels.arrays.bits import CHUNK
from audiolabels.arrays.columns import to_arrow
from audiolabels.errors import OptionError, located, shortlist
from audiolabels.features import Features
from audiolabels.features.inputs import Floats
from audiolabels.labels.events import Events
from audiolabels.labels.scores import Scores
from audiolabels.metrics.evaluated_rows import EvaluatedRows
from audiolabels.metrics.evaluation import Evaluation
from audiolabels.metrics.psds import Detection, psds
from audiolabels.ontology.ontology import Ontology
from audiolabels.targets.store import map_targets
from audiolabels.targets.targets import BINARISATION_THRESHOLD
from audiolabels.training.coherent import as_coherent
from audiolabels.training.examples import Examples, Segments, known_rows
from audiolabels.training.predict import find_device, predict_all, predict_windows
from audiolabels.training.run_folder import CLASSES, Run, check_features, require_classes

FRAME = 0.96  # seconds; Hershey et al. 2021, §3.2


def evaluate_run(
    run: Run,
    labels: str | Path,
    features: Features,
    *,
    window: float | None = None,
    coherent: bool | None = None,
    ontology: Ontology | None = None,
    clips: Sequence[str] | None = None,
    **options: Any,
) -> tuple[Evaluation, Examples, Floats]:
    """Score the rows of a targets file and compute the metrics.

    Args:
        run: from `load_run`.
        labels: a targets file with all classes of the run, in any order, for clips, frames or
            segments. Soft targets count as positive from 0.5.
        features: of its clips.
        window: seconds; the score of a row is then the mean over its segments of that length.
        coherent, ontology: as for `annotate`.
        clips: evaluate these alone, as the features name them; all by default.
        options: `batch_size`, `workers` and `device` of `predict`.

    Returns:
        The metrics, the examples, and their scores, float32 (N, C).

    Raises:
        RunError: unsuitable features.
        VocabularyError: the targets lack a class of the run.
        OptionError: targets and features share no clip, or none of `clips`; no such device; or
            coherent scores of classes of which none is above another.
    """
    find_device(options.get("device", "auto"))
    run = as_coherent(run, coherent, ontology)
    check_features(run.model, features, run.config)
    require_classes(labels, run.vocabulary.ids, str(run.folder / CLASSES))
    targets = map_targets(labels).select(run.vocabulary)
    with located(str(labels)):
        examples = Examples.match(targets, features)
    if clips is not None:
        chosen = np.isin(examples.clips, features.find(clips))
        if not chosen.any():
            raise OptionError(
                f"none of the {len(clips):,} clips to evaluate has labels and features; the clips "
                f"look like {shortlist(map(repr, clips[:2]))}, features like "
                f"{shortlist(map(repr, features.clip_ids[:2]))}"
            )
        left_out = {**examples.left_out, "rows of other clips": int((~chosen).sum())}
        examples = replace(examples.take(chosen), left_out=left_out)
    scores = predict_windows(run.model, examples, window, **options)
    return evaluated_rows(examples, scores).evaluate(), examples, scores


def count_lost(examples: Examples) -> int:
    """Clips with a known target in the labels, of which no row is among the examples."""
    targets = examples.targets[0]
    known = np.flatnonzero(known_rows(targets))
    clips = len(targets.clip_id.take(to_arrow(known)).unique())
    return clips - len(targets.clip_id.take(to_arrow(examples.rows)).unique())


def evaluated_rows(examples: Examples, scores: Floats) -> EvaluatedRows:
    """Examples of one targets file and their scores, float32 (N, C), as `evaluate_run` gives them.

    Soft targets count as positive from 0.5.
    """
    target, mask = np.empty((2, *scores.shape), np.bool_)
    for start in range(0, len(scores), CHUNK):
        rows = slice(start, start + CHUNK)
        values, known = examples.labels(rows)
        target[rows], mask[rows] = values >= BINARISATION_THRESHOLD, known > 0
    clip_id = examples.targets[0].clip_id.take(to_arrow(examples.rows))
    return EvaluatedRows(
        examples.vocabulary, clip_id, examples.onset, examples.offset, scores, target, mask
    )


def detect(
    run: Run,
    events: Events,
    features: Features,
    *,
    window: float = FRAME,
    median_filter: float | None = None,
    parents: str = "none",
    coherent: bool | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Detection:
    """PSDS1 and PSDS2 of a run's scores on segments of clips with events.

    Args:
        run, events: from `load_run` and `read_events`.
        features: of the clips; clips without features, or without a frame, are named in the result.
        window: length of the segments in seconds.
        median_filter: its length in seconds.
        parents, jobs, progress: see `psds`.
        coherent: as for `annotate`, by the ontology of the events.
        options: as for `evaluate_run`.

    Raises:
        RunError: unsuitable features.
        OptionError, MetricError: see `psds`; no such device.
    """
    find_device(options.get("device", "auto"))
    run = as_coherent(run, coherent, events.ontology)
    check_features(run.model, features, run.config)
    names = events.clip_id.to_pylist()
    rows = features.find(names)
    found = np.flatnonzero(rows >= 0)
    segments, owner = Segments.whole(features, rows[found]).cut(window)
    scores = Scores.from_arrays(
        [names[row] for row in found[owner].tolist()],
        predict_all(run.model, segments, len(run.vocabulary), **options),
        classes=run.vocabulary,
        onset=segments.onset.tolist(),
        offset=segments.offset.tolist(),
        ontology=events.ontology,
    )
    return psds(scores, events, parents=parents, median_filter=median_filter, jobs=jobs,
                progress=progress)  # fmt: skip

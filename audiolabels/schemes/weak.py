"""Weak labels as they are (OL): the given classes are positive, all others negative.

Source: Gemmeke et al., ICASSP 2017; Dinkel et al. 2022, table 2, for weak labels that are repeated
on segments. Deviation: an unannotated clip is unknown in every class, not negative.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from audiolabels.arrays.columns import to_arrow, to_numpy
from audiolabels.arrays.grid import seconds_to_ms, windows
from audiolabels.clips.rows import clip_rows
from audiolabels.errors import OptionError
from audiolabels.labels.annotations import Annotations
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import option
from audiolabels.schemes.closure import closure, union
from audiolabels.schemes.label_targets import LabelCounts, make_targets
from audiolabels.schemes.scheme import Expanded, Scheme
from audiolabels.schemes.weights import WeightOptions
from audiolabels.targets.targets import TargetRows


@dataclass(frozen=True)
class WeakOptions(WeightOptions):
    """Options of weak."""

    frame_length: float | None = option(
        None,
        "Length of a frame. weak: the labels of a clip are repeated on its frames, the last of "
        "which may be shorter.",
        check=lambda _, value: seconds_to_ms(value, "a frame") / 1000,
        metavar="SECONDS",
        shown="whole clips",
    )


def weak(annotations: Annotations, vocabulary: Vocabulary, options: WeakOptions) -> Expanded[Any]:
    """Positive: the given classes. Everything else is negative.

    Args:
        annotations: N clips.
        vocabulary: C classes.
        options: classes whose positives are unknown, and weights; with a frame length there is a
            row for each segment of a clip, with the clip's labels, as a teacher's scores of
            segments have.

    Returns:
        Targets of shape (N, C), or (segments of all clips, C), and counts of labels of clips; of
        labels with values soft ones, whose value for a class is the highest of the labels that make
        it positive.

    Raises:
        VocabularyError: the annotations' ontology lacks a class of the vocabulary.
        OptionError: clips without a length cannot be cut into segments.
    """
    tables = closure(annotations.ontology, vocabulary, "all")
    positive = union(tables.given, annotations.sets)
    none = np.zeros_like(positive)
    made = make_targets(annotations, vocabulary, tables, positive, none, options, tables.given)
    if options.frame_length is None:
        return made
    return replace(made, targets=_on_segments(made.targets, options.frame_length))


def _on_segments(targets: TargetRows, length: float) -> TargetRows:
    """The targets of each clip on each of its segments."""
    if targets.offset.null_count:
        lacking = targets.clip_id.filter(targets.offset.is_null())
        raise OptionError(
            f"frame_length: {len(lacking):,} clips have no length, such as {lacking[0].as_py()!r}; "
            f"give label files with the start and end of each clip"
        )
    begin, end = to_numpy(targets.onset), to_numpy(targets.offset)
    owner, onset, offset = windows(end - begin, length)
    rows = targets.take(owner)
    times = (to_arrow(begin[owner] + each) for each in (onset, offset))
    return replace(rows, clips=clip_rows(rows.clip_id, *times))


WEAK = Scheme(
    "weak",
    weak,
    Annotations,
    LabelCounts,
    "given classes positive, all others negative",
    "Gemmeke et al., ICASSP 2017",
    WeakOptions(),
)

"""Enhanced labels: classes missing near a given one are added where a teacher scores them high.

Source: Gong et al. 2021, "PSLA: improving audio tagging with pretraining, sampling, labeling, and
aggregation". Type I: a direct child of a given class is missing; type II: an ancestor of one. A
missing class is added where its score is above (not at) that class's threshold: the mean, or a
percentile, of the teacher's scores in the clips in which the class is given.

What is fixed where the paper leaves room: percentiles are interpolated linearly; a clip's score is
the highest of its segments; classes are added near given classes, not near added ones. An added
class implies its ancestors as a given one does, as repair comes before expansion. It neither masks
its descendants nor keeps a given class from masking, unless it counts as given (`added_as_given`).
What is added of a class of low label quality is unknown, as are its given labels.

Deviation: ancestors are those over every path of the whole ontology; the authors' program does not
go beyond abstract classes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.scores import Floats, Scores, columns_in
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import option
from audiolabels.schemes.closure import Closure, Words, closure, union
from audiolabels.schemes.given_labels import Flags, GivenLabels, GivenOptions, Ints
from audiolabels.schemes.repair import (
    Passes,
    Repair,
    RepairCounts,
    repair_with,
    scored_clips,
    unpack,
)
from audiolabels.schemes.scheme import Scheme
from audiolabels.targets.targets import Targets

Doubles = npt.NDArray[np.float64]

ENHANCE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"both": ("children", "above"), "children": ("children",), "ancestors": ("above",)}
)
THRESHOLDS: Mapping[str, Callable[[Doubles], float]] = MappingProxyType(
    {
        "mean": lambda values: float(values.sum() / len(values)),
        "median": lambda values: float(np.median(values)),
        "p25": lambda values: float(np.percentile(values, 25)),
        "p10": lambda values: float(np.percentile(values, 10)),
        "p5": lambda values: float(np.percentile(values, 5)),
    }
)


@dataclass(frozen=True)
class TeacherEnhancedOptions(GivenOptions):
    """Options of teacher-enhanced."""

    enhance: str = option(
        "both",
        "What may be added to a given class: direct children (type I), ancestors (type II), or "
        "both.",
        choices=ENHANCE,
    )
    score_threshold: str = option(
        "mean",
        "Above which score a class is added: the mean or a percentile of its scores where it is "
        "given.",
        choices=THRESHOLDS,
    )
    added_as_given: bool = option(
        False, "Added classes count as given when pe-cml masks descendants."
    )


@dataclass
class EnhancedCounts(RepairCounts):
    """What a scheme and a teacher did to the labels of N clips; parts add up.

    Attributes:
        added_children, added_ancestors: (clip, class) pairs added for each of the two reasons.
        added_by_teacher: those added for either.
        classes_without_threshold: scored classes that no scored clip has.
    """

    STATED = (
        "added_children", "added_ancestors", "added_by_teacher", "classes_without_threshold"
    )  # fmt: skip
    added_children: int = 0
    added_ancestors: int = 0
    added_by_teacher: int = 0
    classes_without_threshold: int = 0


def teacher_enhanced(
    passes: Passes, given: GivenLabels, vocabulary: Vocabulary, options: TeacherEnhancedOptions
) -> Repair:
    """Given labels and those that a teacher adds.

    All classes that the teacher scores take part, in the vocabulary or not. A clip without scores
    keeps its labels as they are. A class without a scored positive has no threshold and is never
    added; such classes are counted.

    Args:
        passes: scores, read twice. Between the passes memory holds 8 bytes for each given label.
        given: N clips.
        vocabulary: C classes.
        options: what may be added, and where.

    Raises:
        ScoresFileError: two clips of the scores are one given clip.
    """
    relations, labels = ENHANCE[options.enhance], given.labels
    tables = closure(labels.ontology, vocabulary, "all")
    thresholds = _thresholds(passes, given, options.score_threshold)
    own = union(tables.given, labels.sets)
    if labels.sets.judged is not None:  # verdicts, whatever the teacher finds
        own |= union(tables.given, labels.sets.judged)
    missing = {name: union(getattr(tables, name), labels.sets) & ~own for name in relations}
    rows, classes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    seen = np.zeros(len(labels), np.bool_)
    counts, scored = EnhancedCounts(), np.zeros(len(thresholds), np.bool_)
    for clips in scored_clips(passes, given, seen):
        values, known = _over_ontology(clips)
        sure = known & (values > thresholds)
        scored |= known.any(axis=0)
        added = np.zeros_like(sure)
        for name, words in missing.items():
            some = sure & _near(tables, words, labels.set_of_clip[clips.given])
            if name == "children":
                counts.added_children += int(some.sum())
            else:
                counts.added_ancestors += int(some.sum())
            added |= some
        row, class_ = np.nonzero(added)
        rows.append(clips.given[row])
        classes.append(class_)
    pairs = np.concatenate(rows), np.concatenate(classes)
    found = LabelSets.build(*pairs, np.ones(len(labels), np.bool_))
    counts.without_scores = int((~seen).sum())
    counts.added_by_teacher = len(found.classes)
    counts.classes_without_threshold = int((scored & np.isnan(thresholds)).sum())
    # `pel` adds ancestors without masking descendants; `weak` does neither.
    masking = options.labels_scheme == "pe-cml" and not options.added_as_given
    expansion = options.scheme("pel" if masking else options.labels_scheme)

    def add(base: Targets, sets: LabelSets, more: LabelSets) -> tuple[Targets, Ints]:
        owners = np.concatenate([sets.owners, more.owners])
        together = np.concatenate([sets.classes, more.classes])
        repaired = LabelSets.build(owners, together, sets.labelled)
        if sets.judged is not None:
            repaired = replace(repaired, unsure=sets.unsure, absent=sets.absent, judged=sets.judged)
        united = Annotations.of_sets(repaired, labels.ontology)
        expanded = expansion.expand(united, vocabulary)
        made, doubtful = expanded.targets, expanded.doubtful
        assert doubtful is not None
        masked = made.masked
        if not options.added_as_given:
            masked = (masked | base.masked[base.row_of_clip]) & ~made.positive
        which = np.arange(len(base), dtype=np.int32)
        own = {"positive": made.positive, "masked": masked, "cut": made.cut}
        return replace(base, row_of_clip=which, **own), doubtful

    return Repair(given, found, counts, add)


def class_thresholds(
    classes: Ints, scores: Floats, count: int, score_threshold: str
) -> npt.NDArray[np.float64]:
    """Each class's threshold, from its scores where it is given.

    Args:
        classes: int (P,): the class of each given label.
        scores: float32 (P,): the teacher's score of it.
        count: K, the number of classes.
        score_threshold: a key of `THRESHOLDS`.

    Returns:
        float64 (K,); nan for classes without a score.

    >>> class_thresholds(np.array([0, 0, 2]), np.array([0.25, 0.5, 1], np.float32), 3, "mean")
    array([0.375,   nan, 1.   ])
    """
    order = np.argsort(classes, kind="stable")
    ends = np.cumsum(np.bincount(classes, minlength=count))
    parts = np.split(scores[order].astype(np.float64), ends[:-1])
    make = THRESHOLDS[score_threshold]
    return np.array([make(part) if len(part) else np.nan for part in parts], np.float64)


def _thresholds(passes: Passes, given: GivenLabels, score_threshold: str) -> Doubles:
    """The first pass: thresholds of all classes of the ontology."""
    labels = given.labels
    classes, values = [np.zeros(0, np.int32)], [np.zeros(0, np.float32)]
    for clips in scored_clips(passes, given, np.zeros(len(labels), np.bool_)):
        scores, known = _over_ontology(clips)
        sets = labels.sets.take(labels.set_of_clip[clips.given])
        scored = known[sets.owners, sets.classes]
        classes.append(sets.classes[scored])
        values.append(scores[sets.owners, sets.classes][scored])
    joined = np.concatenate(classes).astype(np.int64)
    count = len(labels.ontology)
    return class_thresholds(joined, np.concatenate(values), count, score_threshold)


def _over_ontology(clips: Scores) -> tuple[Floats, Flags]:
    """Scores of all classes in the ontology's order, and whether the teacher scores them."""
    ids = tuple(clips.ontology)
    every = Vocabulary("ontology", ids, ids)
    column = columns_in(clips.vocabulary, every, clips.ontology)
    known = ~unpack(clips.unknown, len(clips.vocabulary))[:, column] & (column >= 0)
    return clips.scores[:, column], known


def _near(tables: Closure, words: Words, sets: npt.NDArray[np.int32]) -> Flags:
    """Bits of label sets, bool (M, K) in the order of the ontology."""
    bits = words.view(np.uint8)[sets]
    return np.unpackbits(bits, axis=1)[:, tables.column].astype(np.bool_)


TEACHER_ENHANCED = Scheme(
    "teacher-enhanced",
    repair_with(teacher_enhanced),
    Scores,
    EnhancedCounts,
    "given labels, with children and ancestors added that a teacher scores high",
    "Gong et al. 2021, PSLA",
    TeacherEnhancedOptions(),
    needs_labels=True,
    repair=teacher_enhanced,
)

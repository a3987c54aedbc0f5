"""What a teacher finds in clips, in numbers, and how much of what is given.

For labels per clip and label coverage see Dinkel et al. 2022, §4.3; a clip has the classes that
reach 0.5 in any of its segments.
"""

from dataclasses import dataclass, field

import numpy as np

from audiolabels.labels.scores import reach
from audiolabels.schemes.given_labels import Ints, MatchedScores
from audiolabels.schemes.scheme import SchemeCounts, no_counts

FOUND_FROM = 0.5  # from here on a class counts as found


@dataclass
class MatchCounts(SchemeCounts):
    """Clips with scores alone or labels alone; parts add up.

    Attributes:
        without_labels: clips with scores that are not among the given labels.
        without_scores: given clips without scores.
    """

    without_labels: int = 0
    without_scores: int = 0


@dataclass
class ScoreCounts(MatchCounts):
    """What a teacher finds in N clips, and how it agrees with given labels; parts add up.

    Attributes:
        segments: rows of the targets.
        unlabelled: clips in the targets that the given labels leave unannotated.
        segments_empty, clips_empty: those in which no class reaches 0.5.
        unscored: (segment, class) pairs that the teacher does not score.
        unknown: (segment, class) pairs that are unknown in the targets.
        given: labels given, of clips with scores, over the vocabulary.
        found: those of them that reach 0.5 in some segment.
        covered: clips with given labels, all of which are found.
        uncovered: clips with given labels, none of which is found.
        labelled: clips with given labels in the vocabulary.
        coverage: sum over these clips of the share of labels that are found.
        clips_by_coverage: int64 (11,): these clips by that share, in tenths rounded down.
        clips_by_number: int64 (C + 1,): clips in which so many classes are found.
        clips_by_given: int64 (C + 1,): annotated clips to which so many classes are given.
        given_by_class, found_by_class: int64 (C,): clips with the class given, and found.
    """

    segments: int = 0
    unlabelled: int = 0
    segments_empty: int = 0
    clips_empty: int = 0
    unscored: int = 0
    unknown: int = 0
    given: int = 0
    found: int = 0
    covered: int = 0
    uncovered: int = 0
    labelled: int = 0
    coverage: float = 0.0
    clips_by_coverage: Ints = field(default_factory=no_counts)
    clips_by_number: Ints = field(default_factory=no_counts)
    clips_by_given: Ints = field(default_factory=no_counts)
    given_by_class: Ints = field(default_factory=no_counts)
    found_by_class: Ints = field(default_factory=no_counts)

    def nothing_known(self) -> bool:
        """See `SchemeCounts`."""
        return self.unknown == self.segments * len(self.found_by_class)


def count_scores(
    segments: MatchedScores, clips: MatchedScores, *, level: float = FOUND_FROM
) -> ScoreCounts:
    """What a teacher finds.

    Args:
        segments: those of some clips, over the vocabulary of the given labels' targets.
        clips: these clips, as `Scores.highest` has them.
        level: from here on a class counts as found.
    """
    found = reach(clips.scores, level)
    numbers, columns = found.sum(1, dtype=np.uint32), found.shape[1]
    unscored = segments.unknown.any()
    counts = ScoreCounts(
        clips=len(found),
        segments=len(segments),
        segments_empty=int((~reach(segments.scores, level).any(1)).sum()),
        unscored=int(np.bitwise_count(segments.unknown).sum(dtype=np.int64) if unscored else 0),
        clips_empty=int((numbers == 0).sum()),
        clips_by_coverage=np.zeros(11, np.int64),
        clips_by_number=np.bincount(numbers, minlength=columns + 1),
        clips_by_given=np.zeros(columns + 1, np.int64),
        found_by_class=found.sum(0, dtype=np.uint32).astype(np.int64),
        given_by_class=np.zeros(columns, np.int64),
    )
    if clips.labels is not None:
        (positive, _), known = clips.bits, clips.annotated
        given, again = positive.sum(1), (positive & found).sum(1)
        some = given > 0
        counts.unlabelled = int((~known).sum())
        counts.given, counts.found = int(given.sum()), int(again.sum())
        counts.labelled = int(some.sum())
        counts.covered = int((some & (again == given)).sum())
        counts.uncovered = int((some & (again == 0)).sum())
        counts.coverage = float((again[some] / given[some]).sum())
        tenths = 10 * again[some] // given[some]
        counts.clips_by_coverage = np.bincount(tenths, minlength=11)
        counts.clips_by_given = np.bincount(given[known], minlength=columns + 1)
        counts.given_by_class = positive.sum(0, dtype=np.int64)
    return counts

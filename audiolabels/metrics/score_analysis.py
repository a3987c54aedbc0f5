"""Classes that a teacher finds in clips, as analysed in the paper on pseudo strong labels.

Source: Dinkel et al. 2022, §4.3: labels per clip at 0.5 (figure 2), clips without any, and label
coverage, the share of a clip's given labels that are found (figure 3). A clip has the classes that
reach the level in any of its segments.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiolabels.arrays.plotting import Pictures
from audiolabels.errors import OptionError, expect
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.scores import Scores
from audiolabels.metrics.label_agreement import Agreement, AgreementSample
from audiolabels.ontology.ontology import load_ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import portion
from audiolabels.schemes.given_labels import GivenLabels, GivenOptions, MatchedScores
from audiolabels.schemes.score_counts import FOUND_FROM, ScoreCounts, count_scores
from audiolabels.targets.targets import SoftTargets

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class ScoreAnalysis:
    """Classes that a teacher finds in N clips, and those given.

    Attributes:
        vocabulary: the C classes.
        level: score from which a class counts as found.
        counts: all numbers.
        agreement: mean average precision against the given labels, if any.

    >>> scores = Scores.from_arrays(
    ...     ["a", "a", "b"], [[0.9, 0.1], [0.2, 0.6], [0.3, 0.0]], classes=["Guitar", "Rain"]
    ... )
    >>> given = Annotations.from_dict({"a": ["Rain"], "b": ["Guitar", "Rain"]})
    >>> analysis = analyse_scores(scores, given)
    >>> analysis
    ScoreAnalysis(2 clips, 1.00 classes at 0.5 per clip, 50.0% of clips empty, label coverage 50.0%)
    >>> analysis.labels_per_clip()["found"].tolist()
    [1, 0, 1]
    """

    plot = Pictures("found_per_clip label_coverage")
    vocabulary: Vocabulary
    level: float
    counts: ScoreCounts
    agreement: Agreement | None

    @property
    def empty(self) -> float:
        """Share of the clips in which no class is found."""
        return self.counts.clips_empty / max(1, self.counts.clips)

    @property
    def mean_coverage(self) -> float:
        """Mean label coverage of the clips with a given label; nan without any."""
        return self.counts.coverage / self.counts.labelled if self.counts.labelled else np.nan

    def labels_per_clip(self) -> "pandas.DataFrame":
        """Figure 2: clips by number of labels, `found` and, if there are any, `given` (annotated
        clips).
        """
        import pandas

        found, given = self.counts.clips_by_number, self.counts.clips_by_given
        most = int(np.flatnonzero(found + given).max(initial=0)) + 1
        columns = {"found": found[:most]} | ({"given": given[:most]} if given.any() else {})
        return pandas.DataFrame(columns, index=pandas.RangeIndex(most, name="labels"))

    def label_coverage(self) -> "pandas.DataFrame":
        """Figure 3: clips with a given label by the share of these that are found, in tenths.

        The row 0.3 has shares from 0.3 up to 0.4, the row 1.0 the clips with all labels found.
        """
        import pandas

        clips = self.counts.clips_by_coverage
        index = pandas.Index([tenth / 10 for tenth in range(11)], name="coverage")
        share = clips / max(1, self.counts.labelled)
        return pandas.DataFrame({"clips": clips, "share": share}, index=index)

    def classes(self) -> "pandas.DataFrame":
        """One row per class: `name`, and the clips in which it is `given` and `found`."""
        import pandas

        given, found = self.counts.given_by_class, self.counts.found_by_class
        columns = {"name": self.vocabulary.names, "given": given, "found": found}
        return pandas.DataFrame(columns, index=pandas.Index(self.vocabulary.ids, name="id"))

    def __repr__(self) -> str:
        clips, numbers = self.counts.clips, self.counts.clips_by_number
        mean = np.arange(len(numbers)) @ numbers / max(1, clips)
        covered = f", label coverage {self.mean_coverage:.1%}" if self.counts.labelled else ""
        return (
            f"ScoreAnalysis({clips:,} clips, {mean:.2f} classes at {self.level:g} per clip, "
            f"{self.empty:.1%} of clips empty{covered})"
        )

    def _repr_html_(self) -> str:
        tables: list[str] = [self.labels_per_clip().T.to_html()]
        if self.counts.labelled:
            tables.append(self.label_coverage()["clips"].to_frame().T.to_html())
        return f"<p>{self!r}</p>{''.join(tables)}"


def analyse_scores(
    scores: Scores | SoftTargets,
    given: Annotations | None = None,
    *,
    level: float = FOUND_FROM,
    labels_scheme: str = "weak",
    parents: str | None = None,
) -> ScoreAnalysis:
    """Count the classes that a teacher finds in clips, and the given labels among them.

    Args:
        scores: of segments or clips, or soft targets.
        given: labels of these clips; other clips do not count.
        level: score from which a class counts as found.
        labels_scheme, parents: expansion of the labels; see `schemes.pseudo_strong`.

    Raises:
        OptionError: no scores, a level outside 0 to 1, or see `GivenLabels.make`.
        VocabularyError: the labels' ontology lacks a class of the scores.
    """
    expect("scores", scores, Scores | SoftTargets, "scores, or soft targets")
    if isinstance(scores, SoftTargets):
        scores = _as_scores(scores, given)
    if not len(scores):
        raise OptionError("there are no scores to look at")
    level = portion("level", level, above=True)
    options, labels = GivenOptions(labels_scheme=labels_scheme, parents=parents), None
    if given is not None:
        labels = GivenLabels.make(given, scores.vocabulary, options)
    segments, sample = MatchedScores.match(scores, labels), AgreementSample()
    clips = segments.highest()
    if labels is not None:
        sample.add(clips)
    counts = count_scores(segments, clips, level=level)
    return ScoreAnalysis(scores.vocabulary, level, counts, sample.agreement())


def _as_scores(targets: SoftTargets, given: Annotations | None) -> Scores:
    return Scores(
        targets.clips,
        given.ontology if given else load_ontology().with_supplement(),
        targets.vocabulary,
        targets.scores.astype(np.float32),
        targets.masked,
        np.arange(1, len(targets) + 1),
    )

"""How raters label: how often the parent of a class is given with it, and what occurs together.

Source: Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet, §II. Their 52 % is over
all pairs of a label and a parent of its class, in all of AudioSet; parents outside the vocabulary
(abstract or restricted classes) do not count.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audiolabels.comparison.odds_ratios import count_classes, count_together
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import Vocabulary

if TYPE_CHECKING:
    import pandas

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LabelStatistics:
    """How labels occur together, over C classes.

    Attributes:
        ontology: with the parents of the classes.
        vocabulary: the C classes.
        clips: annotated ones.
        given: int64 (C,): clips in which each class is given.
        together: int64 (C, C): clips in which two classes are given.

    >>> from audiolabels import load_vocabulary
    >>> labels = Annotations.from_dict({"a": ["Guitar", "Electric guitar"], "b": ["Rain"]})
    >>> classes = load_vocabulary(["Guitar", "Electric guitar", "Water", "Rain"])
    >>> found = label_statistics(labels, classes)
    >>> found
    LabelStatistics(2 clips; 50.0% of 2 parents are given with their child)
    >>> found.pairs()[["child", "parent", "clips", "both"]].values.tolist()
    [['Electric guitar', 'Guitar', 1, 1], ['Rain', 'Water', 1, 0]]
    """

    ontology: Ontology
    vocabulary: Vocabulary
    clips: int
    given: Ints
    together: Ints

    def pairs(self) -> "pandas.DataFrame":
        """Each given class with each of its parents in the vocabulary, the most frequent first.

        Returns:
            A data frame: `child_id`, `child`, `parent_id`, `parent`; `clips` with the child,
            `both`: clips with both; `share` of the first.
        """
        import pandas

        ids, names = self.vocabulary.ids, self.vocabulary.names
        found = [
            (ids[c], names[c], ids[p], names[p], int(self.given[c]), int(self.together[c, p]))
            for c, p in self.child_and_parent()
            if self.given[c]
        ]
        columns = ["child_id", "child", "parent_id", "parent", "clips", "both"]
        table = pandas.DataFrame(found, columns=columns)
        table["share"] = table["both"] / table["clips"]
        return table.sort_values("clips", ascending=False, kind="stable", ignore_index=True)

    @property
    def share_of_parents(self) -> float:
        """Share of the parents of given classes that are given too; nan without any."""
        pairs = self.child_and_parent()
        clips = sum(int(self.given[c]) for c, _ in pairs)
        return sum(int(self.together[c, p]) for c, p in pairs) / clips if clips else float("nan")

    def child_and_parent(self) -> list[tuple[int, int]]:
        """Columns of the classes and their parents, as far as the vocabulary has both."""
        index = self.vocabulary.index
        return [
            (c, index[parent])
            for c, id_ in enumerate(self.vocabulary.ids)
            if id_ in self.ontology
            for parent in self.ontology.parents(id_)
            if parent in index
        ]

    def __repr__(self) -> str:
        return f"LabelStatistics({self})"

    def __str__(self) -> str:
        pairs = sum(int(self.given[c]) for c, _ in self.child_and_parent())
        share = "–" if np.isnan(self.share_of_parents) else f"{self.share_of_parents:.1%}"
        return f"{self.clips:,} clips; {share} of {pairs:,} parents are given with their child"


def label_statistics(labels: Annotations, vocabulary: Vocabulary) -> LabelStatistics:
    """Count the labels of annotated clips, alone and together.

    Args:
        labels: N clips.
        vocabulary: the C classes that count.
    """
    ontology = labels.ontology
    places = np.full(len(ontology), -1)
    for column, id_ in enumerate(vocabulary.ids):
        if id_ in ontology.index:
            places[ontology.index[id_]] = column
    columns = places[labels.sets.classes]
    inside = columns >= 0
    owners = labels.sets.owners[inside]
    sets = LabelSets.build(owners, columns[inside], labels.sets.labelled)
    of_clip = labels.set_of_clip[labels.sets.labelled[labels.set_of_clip]]
    return LabelStatistics(
        ontology,
        vocabulary,
        len(of_clip),
        count_classes(sets, of_clip, len(vocabulary)),
        count_together((sets, of_clip), (sets, of_clip), len(vocabulary)),
    )

"""Given labels for a teacher's scores: expanded by a scheme of their own, found by clip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import to_arrow, to_numpy
from audiolabels.clips.index import ClipFinder
from audiolabels.errors import OptionError, choose
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.schemes.pe_cml import pe_cml
from audiolabels.schemes.pel import pel
from audiolabels.schemes.weak import weak
from audiolabels.targets.targets import Targets

Ints = npt.NDArray[np.int64]

LABELS_SCHEMES: Mapping[str, Callable[..., Targets]] = MappingProxyType(
    {"weak": weak, "pel": pel, "pe-cml": pe_cml}
)


def labels_options(labels_scheme: str, parents: str | None) -> dict[str, Any]:
    """The options of the scheme of the given labels, complete.

    Raises:
        OptionError: no such scheme, or `weak` with a parent policy.
    """
    choose("labels_scheme", labels_scheme, LABELS_SCHEMES)
    if labels_scheme == "weak":
        if parents is not None:
            raise OptionError("parents: given labels taken as 'weak' do not climb; choose 'pel' "
                              "or 'pe-cml' as labels_scheme (--labels-scheme)")  # fmt: skip
        return {}
    return {"parents": parents or "all"}


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """Targets made of given labels, found by clip id.

    Attributes:
        labels: N clips, each once, with the labels of all its rows.
        targets: what the scheme makes of them, N clips × C classes.
        first: int64 (N,): the first row of each clip in the labels.
        finder: of the N clips.
    """

    labels: Annotations
    targets: Targets
    first: Ints
    finder: ClipFinder

    @classmethod
    def make(
        cls,
        labels: Annotations,
        vocabulary: Vocabulary,
        *,
        labels_scheme: str = "weak",
        parents: str | None = None,
    ) -> "GivenLabels":
        """Expand the labels by a scheme and index them by clip.

        Raises:
            OptionError: no such scheme, or `weak` with a parent policy.
            VocabularyError: the labels' ontology lacks a class of the vocabulary.
        """
        options = labels_options(labels_scheme, parents)
        united, first = _unite(labels)
        targets = LABELS_SCHEMES[labels_scheme](united, vocabulary, **options)
        return cls(united, targets, first, ClipFinder(united.clip_id))

    def find(self, clip_id: pa.StringArray) -> Ints:
        """The row of each clip by the rule of `audiolabels.clips.index`, int64 (M,), or -1.

        Raises:
            UnknownClipError: an id could mean several of the labelled clips.
        """
        return self.finder.find(clip_id)

    def bits(self, rows: Ints) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Positive and unknown, bool (M, C) each; all unknown where the row is -1."""
        chosen = self.targets.row_of_clip[rows]
        columns = len(self.targets.vocabulary)
        positive, masked = (
            np.unpackbits(bits[chosen], axis=1, count=columns).astype(np.bool_)
            for bits in (self.targets.positive, self.targets.masked)
        )
        positive[rows < 0], masked[rows < 0] = False, True
        return positive, masked


def _unite(labels: Annotations) -> tuple[Annotations, Ints]:
    """The same clips, each once, in order of first appearance; and the rows of these."""
    encoded = labels.clip_id.dictionary_encode()
    numbers = to_numpy(encoded.indices)
    if len(encoded.dictionary) == len(labels):
        return labels, np.arange(len(labels))
    each = labels.sets.take(labels.set_of_clip)
    count = len(encoded.dictionary)
    labelled = np.bincount(numbers, each.labelled, count) > 0
    _, first = np.unique(numbers, return_index=True)
    united = replace(
        labels,
        clips=labels.clips.take(to_arrow(first)),
        set_of_clip=np.arange(count, dtype=np.int32),
        rows=labels.rows[first],
        sets=LabelSets.build(numbers[each.owners], each.classes, labelled),
    )
    return united, first

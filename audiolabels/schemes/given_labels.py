"""Given labels beside a teacher's scores: made targets by a scheme of their own, found by clip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import to_arrow, to_numpy
from audiolabels.clips.index import hash_strings
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
STARTED = r"^[\w-]{11}_\d+$"  # a clip id that tells the start in the video


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
        labels: N clips, each once; it bears the labels of all its rows.
        targets: what the scheme makes of them, N clips × C classes.
        first: int64 (N,): the row of the labels in which each clip first stood.
        places: tables from hashes of ids to rows, ascending: of whole ids, and of videos.
    """

    labels: Annotations
    targets: Targets
    first: Ints
    places: tuple[tuple[npt.NDArray[np.uint64], Ints], ...]

    @classmethod
    def make(
        cls,
        labels: Annotations,
        vocabulary: Vocabulary,
        *,
        labels_scheme: str = "weak",
        parents: str | None = None,
    ) -> "GivenLabels":
        """Expand the labels by a scheme and make them findable.

        Raises:
            OptionError: no such scheme, or `weak` with a parent policy.
            VocabularyError: the labels' ontology lacks a class of the vocabulary.
        """
        options = labels_options(labels_scheme, parents)
        united, first = _unite(labels)
        targets = LABELS_SCHEMES[labels_scheme](united, vocabulary, **options)
        ids = hash_strings(targets.clip_id)
        videos = _videos(targets.clip_id)
        return cls(united, targets, first, (_table(ids), _table(hash_strings(videos), alone=True)))

    def find(self, clip_id: pa.StringArray) -> Ints:
        """The row of each clip, int64 (M,), -1 for those without labels.

        An id without a start, the 11 characters alone, finds the one given clip of that video; of
        two it finds none.
        """
        rows = np.full(len(clip_id), -1, np.int64)
        own = hash_strings(clip_id)
        bare = to_numpy(pc.utf8_length(clip_id)) == 11
        for (hashes, row), wanted in zip(
            self.places, (np.ones(len(own), np.bool_), bare), strict=True
        ):
            if not len(hashes):
                continue
            place = np.searchsorted(hashes, own).clip(max=len(hashes) - 1)
            found = (hashes[place] == own) & wanted & (rows < 0)
            rows[found] = row[place[found]]
        return rows

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
    """The same clips, each once, in the order in which they first come, and where that is."""
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


def _videos(clip_id: pa.StringArray) -> pa.StringArray:
    """The 11 characters of ids that tell a start, the others as they are."""
    started = pc.match_substring_regex(clip_id, STARTED)
    return pc.if_else(started, pc.utf8_slice_codeunits(clip_id, 0, 11), clip_id)


def _table(
    hashes: npt.NDArray[np.uint64], *, alone: bool = False
) -> tuple[npt.NDArray[np.uint64], Ints]:
    """Hashes ascending and their rows; if `alone`, only hashes that occur once."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    if alone and len(ordered):
        other = ordered[1:] != ordered[:-1]
        once = np.append(True, other) & np.append(other, True)
        return ordered[once], order[once]
    return ordered, order

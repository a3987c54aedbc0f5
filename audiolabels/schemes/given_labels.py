"""Given labels for a teacher's scores: expanded by a scheme of their own, found by clip."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.bits import Bits
from audiolabels.arrays.columns import to_arrow, to_numpy
from audiolabels.clips.index import MISSING, ClipFinder
from audiolabels.errors import OptionError
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.scores import Scores, run_starts
from audiolabels.ontology.parents import PARENTS
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import option
from audiolabels.schemes.class_quality import QualityOptions
from audiolabels.schemes.pe_cml import PE_CML
from audiolabels.schemes.pel import PEL
from audiolabels.schemes.scheme import POLICIES, Scheme
from audiolabels.schemes.weak import WEAK
from audiolabels.targets.targets import Targets

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

LABELS_SCHEMES: Mapping[str, Scheme] = MappingProxyType({s.name: s for s in (WEAK, PEL, PE_CML)})


@dataclass(frozen=True)
class GivenOptions(QualityOptions):
    """Options of schemes of scores: how the given labels are expanded first, and which are
    doubted.
    """

    labels_scheme: str = option(
        "weak", "The scheme that expands the given labels first.", choices=LABELS_SCHEMES
    )
    parents: str | None = option(
        None, f"For given labels with --labels-scheme pel or pe-cml. {POLICIES}.",
        choices=PARENTS, shown="all",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.labels_scheme == "weak" and self.parents is not None:
            raise OptionError("parents: labels_scheme 'weak' adds no ancestors; choose 'pel' "
                              "or 'pe-cml' (--labels-scheme)")  # fmt: skip

    def scheme(self, name: str) -> Scheme:
        """One of `LABELS_SCHEMES` with the class quality, and with parents if it takes any."""
        chosen = LABELS_SCHEMES[name]
        own = {option: getattr(self, option) for option in QualityOptions.declared()}
        if self.parents is not None and "parents" in chosen.options.declared():
            own["parents"] = self.parents
        return chosen.bind(own)

    def require_labels(self, *, given: bool) -> None:
        """See `SchemeOptions`."""
        if self.class_quality is not None and not given:
            raise OptionError("class quality is that of given labels: give these (label files; "
                              "given=)")  # fmt: skip

    def stated(self, *, labels: bool) -> dict[str, Any]:
        """See `SchemeOptions`; the scheme of the given labels only if there are any."""
        own = {name: value for name, value in super().stated(labels=labels).items()
               if name not in GivenOptions.declared()}  # fmt: skip
        if not labels:
            return own
        given = self.scheme(self.labels_scheme).options.stated(labels=True)
        return {**own, "labels_scheme": self.labels_scheme, **given}


@dataclass(frozen=True, eq=False)
class GivenLabels:
    """Targets made of given labels, found by clip id.

    Attributes:
        labels: N clips, each once, with the labels of all its rows.
        targets: what the scheme makes of them, N clips × C classes.
        doubtful: see `Expanded`.
        first: int64 (N,): the first row of each clip in the labels.
        finder: of the N clips.
    """

    labels: Annotations
    targets: Targets
    doubtful: Ints
    first: Ints
    finder: ClipFinder

    @classmethod
    def make(
        cls, labels: Annotations, vocabulary: Vocabulary, options: GivenOptions
    ) -> "GivenLabels":
        """Expand the labels by a scheme and index them by clip.

        Raises:
            VocabularyError: the labels' ontology lacks a class of the vocabulary.
        """
        united, first = _unite(labels)
        scheme = options.scheme(options.labels_scheme)
        made = scheme.expand(united, vocabulary)
        assert made.doubtful is not None
        return cls(united, made.targets, made.doubtful, first, ClipFinder(united.clip_id))

    def find(self, clip_id: pa.StringArray) -> Ints:
        """The row of each clip by the rule of `audiolabels.clips.index`, int64 (M,), or -1.

        Raises:
            UnknownClipError: an id could mean several of the labelled clips.
        """
        return self.finder.find(clip_id)


@dataclass(frozen=True, eq=False)
class MatchedScores(Scores):
    """Scores of segments, each with the given labels of its clip.

    Attributes:
        labels: the given labels, if there are any.
        given: int64 (N,): the row of `labels` of each segment's clip, or -1.
    """

    PER_ROW = (*Scores.PER_ROW, "given")
    labels: GivenLabels | None = None
    given: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    @classmethod
    def match(
        cls, scores: Scores, labels: GivenLabels | None, given: Ints | None = None
    ) -> "MatchedScores":
        """Look clips up among the given labels.

        Clips keep the id of the scores; only a video without a start takes the given id, which has
        one.

        Args:
            scores: N segments; those of a clip follow one another.
            labels: where clips are looked up.
            given: the rows, int64 (N,), if they are known.

        Raises:
            UnknownClipError: an id could mean several given clips.
        """
        own = {each.name: getattr(scores, each.name) for each in fields(Scores)}
        if labels is None:
            return cls(**own, given=np.full(len(scores), MISSING))
        starts = run_starts(scores.clip_id)
        ids = scores.clip_id.take(to_arrow(starts))
        rows = labels.find(ids) if given is None else given[starts]
        which = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(scores))))
        places, none = to_arrow(rows), pa.nulls(1, pa.int64())[0]
        places = pc.if_else(pc.equal(places, to_arrow(np.array([MISSING]))[0]), none, places)
        found = labels.labels.clip_id.take(places)
        bare = pc.equal(pc.utf8_slice_codeunits(found, 0, 11), ids)
        named = pc.coalesce(pc.if_else(bare, found, ids), ids).take(to_arrow(which))
        return cls(**own, labels=labels, given=rows[which]).renamed(named)

    @cached_property
    def bits(self) -> tuple[Flags, Flags]:
        """Given classes that are positive, and that are unknown: bool (N, C) each.

        C are the classes of the labels' targets. All are unknown where no labels are given.
        """
        assert self.labels is not None
        targets = self.labels.targets
        found = self.given != MISSING
        rows = targets.row_of_clip[self.given[found]]

        def flags(bits: Bits, missing: int) -> Flags:
            own = np.full((len(self), bits.shape[1]), missing, np.uint8)
            own[found] = bits[rows]
            return np.unpackbits(own, axis=1, count=len(targets.vocabulary)).view(np.bool_)

        return flags(targets.positive, 0), flags(targets.masked, 0xFF)

    @property
    def annotated(self) -> Flags:
        """Whether any class is known from given labels: bool (N,)."""
        return np.logical_not(self.bits[1].all(axis=1))


def _unite(labels: Annotations) -> tuple[Annotations, Ints]:
    """The same clips, each once, in order of first appearance; and the rows of these."""
    encoded = labels.clip_id.dictionary_encode()
    numbers = to_numpy(encoded.indices)
    if len(encoded.dictionary) == len(labels):
        return labels, np.arange(len(labels))
    count = len(encoded.dictionary)
    _, first = np.unique(numbers, return_index=True)
    united = replace(
        labels,
        clips=labels.clips.take(to_arrow(first)),
        set_of_clip=np.arange(count, dtype=np.int32),
        rows=labels.rows[first],
        sets=labels.sets.take(labels.set_of_clip).united(numbers, count),
    )
    return united, first

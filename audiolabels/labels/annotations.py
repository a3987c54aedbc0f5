"""Annotations: the classes that annotators gave to clips, columnar, with a report on reading.

A clip's labels are a set of classes. AudioSet's two million clips have only some tens of thousands
of distinct sets, so each set is stored once, and each clip refers to its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import doubles_to_arrow, texts_to_arrow, to_arrow, to_numpy
from audiolabels.arrays.lists import Lists
from audiolabels.arrays.plotting import Pictures
from audiolabels.arrays.tables import html_table
from audiolabels.clips.index import ClipFinder
from audiolabels.clips.rows import ClipRows, clip_rows, prefixed, row_number
from audiolabels.errors import UnknownLabelError, expect, shortlist
from audiolabels.labels.report import Report
from audiolabels.ontology.ontology import Ontology, default_ontology

if TYPE_CHECKING:
    import pandas


OTHERS = ("unsure", "absent", "judged", "rated")  # sets that go with sets of given classes


@dataclass(frozen=True, eq=False)
class LabelSets:
    """Sets of classes, concatenated.

    Attributes:
        offsets: int64 (S + 1,): set i is `classes[offsets[i] : offsets[i + 1]]`.
        classes: int32 (L,): positions in the ontology, ascending and unique within a set.
        labelled: bool (S,): False for unannotated, where every class is unknown; an empty set that
            is labelled is verified empty.
        lineage: of two values with the same lineage, not None, the shorter is the beginning of the
            longer, so results for its sets can be reused.
        unsure: as many sets, of classes that are unknown in these; None where there are none.
        absent: as many sets, of classes that were confirmed absent, likewise.
        values: float32 (L,): of soft labels, how present each class is, above 0; None: all are 1.
        judged: as many sets, of classes on which there is a verdict: those in `absent` or `unsure`
            are so whatever given classes imply, the others were heard.
        rated: as many sets, of classes that raters stated something of, with their number as value.
    """

    offsets: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int32]
    labelled: npt.NDArray[np.bool_]
    lineage: object | None = None
    unsure: "LabelSets | None" = None
    absent: "LabelSets | None" = None
    values: npt.NDArray[np.float32] | None = None
    judged: "LabelSets | None" = None
    rated: "LabelSets | None" = None

    @classmethod
    def build(
        cls,
        owners: npt.NDArray[Any],
        classes: npt.NDArray[Any],
        labelled: npt.NDArray[np.bool_],
        values: npt.NDArray[np.float32] | None = None,
    ) -> "LabelSets":
        """Sets from (set, class) pairs in any order; of a pair that occurs twice, the highest value
        counts.
        """
        width = int(classes.max(initial=0)) + 1
        pairs = owners.astype(np.int64)  # of which there can be millions: all is done in place
        pairs *= width
        pairs += classes
        if values is None:
            pairs.sort()
        else:
            order = np.lexsort((-values, pairs))
            pairs, values = pairs[order], values[order]
        first = np.ones(len(pairs), np.bool_)  # a hundredfold faster than np.unique
        np.not_equal(pairs[1:], pairs[:-1], out=first[1:])
        if not first.all():
            pairs, values = pairs[first], None if values is None else values[first]
        held = np.empty(len(pairs), np.int32)
        np.remainder(pairs, width, out=held, casting="unsafe")
        pairs //= width
        sizes = np.bincount(pairs, minlength=len(labelled))
        return cls(np.append(0, np.cumsum(sizes)), held, labelled, values=values)

    def __len__(self) -> int:
        return len(self.labelled)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """int64 (S,): number of classes in each set."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> npt.NDArray[np.int64]:
        """int64 (L,): the set that each entry of `classes` belongs to."""
        return np.repeat(np.arange(len(self)), self.sizes)

    @property
    def none(self) -> "LabelSets":
        """As many sets without a class."""
        empty = np.zeros(0, np.int32)
        return LabelSets(np.zeros(len(self) + 1, np.int64), empty, np.ones(len(self), np.bool_))

    def _with(self, other: Callable[[str], "LabelSets | None"]) -> "LabelSets":
        """The same sets with other `unsure`, `absent`, `judged` and `rated`."""
        others: dict[str, Any] = {name: other(name) for name in OTHERS}
        return replace(self, **others)

    def take(self, sets: npt.NDArray[Any]) -> "LabelSets":
        """The sets with these numbers, in that order."""
        own = pa.LargeListArray.from_arrays(to_arrow(self.offsets), to_arrow(self.classes))
        taken = own.take(to_arrow(sets))
        values = None
        if self.values is not None:
            _, entries = Lists(self.offsets, np.arange(len(self.classes))).of(sets)
            values = self.values[entries]
        made = LabelSets(
            to_numpy(taken.offsets), to_numpy(taken.values), self.labelled[sets], values=values
        )
        return made._with(lambda name: (own := getattr(self, name)) and own.take(sets))

    def slice(self, start: int, stop: int) -> "LabelSets":
        """The sets from number `start` up to `stop`."""
        first, last = self.offsets[start], self.offsets[stop]
        made = LabelSets(
            self.offsets[start : stop + 1] - first,
            self.classes[first:last],
            self.labelled[start:stop],
            values=None if self.values is None else self.values[first:last],
        )
        return made._with(lambda name: (own := getattr(self, name)) and own.slice(start, stop))

    def keep(self, entries: npt.NDArray[np.bool_]) -> "LabelSets":
        """The same sets with only the chosen entries of `classes`."""
        offsets = np.append(0, np.cumsum(entries))[self.offsets]
        values = None if self.values is None else self.values[entries]
        classes = self.classes[entries]
        return replace(self, offsets=offsets, classes=classes, lineage=None, values=values)

    def within(self, *others: "LabelSets") -> npt.NDArray[np.bool_]:
        """Whether the same set of one of the others has each entry of `classes`: bool (L,)."""
        own, *keys = (each.owners << 32 | each.classes for each in (self, *others))
        return np.isin(own, np.concatenate(keys))

    def united(self, numbers: npt.NDArray[Any], count: int) -> "LabelSets":
        """The unions of sets: `numbers`, int (S,), is the union that each set goes into.

        A union is labelled if one of its sets is.
        """
        labelled = np.bincount(numbers, self.labelled, count) > 0
        made = LabelSets.build(numbers[self.owners], self.classes, labelled, self.values)
        return made._with(lambda name: (own := getattr(self, name)) and own.united(numbers, count))

    @staticmethod
    def concat(parts: "list[LabelSets]") -> "tuple[LabelSets, list[int]]":
        """All sets of all parts, and where each part's begin; parts of one lineage share them."""
        keys = [id(p) if p.lineage is None else id(p.lineage) for p in parts]
        longest: dict[int, LabelSets] = {}
        for key, part in zip(keys, parts, strict=True):
            longest[key] = max(longest.get(key, part), part, key=len)
        whole = [*longest.values()]
        ends = dict(zip(longest, accumulate(map(len, whole)), strict=True))
        starts = [ends[key] - len(longest[key]) for key in keys]
        return whole[0] if len(whole) == 1 else LabelSets.append(whole), starts

    @staticmethod
    def append(parts: "list[LabelSets]", lineage: object | None = None) -> "LabelSets":
        """The sets of all parts, one after the other."""
        none = LabelSets(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.bool_))
        sizes, classes, labelled = (
            np.concatenate([getattr(part, name) for part in (none, *parts)])
            for name in ("sizes", "classes", "labelled")
        )
        values = None
        if any(part.values is not None for part in parts):
            each = (np.ones(len(p.classes)) if p.values is None else p.values for p in parts)
            values = np.concatenate([*each]).astype(np.float32)
        offsets = np.append(0, np.cumsum(sizes))
        made = LabelSets(offsets, classes, labelled, lineage, values=values)

        def other(name: str) -> LabelSets | None:
            if all(getattr(part, name) is None for part in parts):
                return None
            return LabelSets.append([getattr(part, name) or part.none for part in parts])

        return made._with(other)


@dataclass(frozen=True, eq=False)
class Annotations(ClipRows):
    """Clips with the classes that annotators gave them.

    Attributes:
        clips: N rows; `clip_id` is `<11 characters>_<start ms>`, or the data set's own id, and
            `offset` is null where the file has no length.
        ontology: the graph whose positions `sets.classes` holds.
        set_of_clip: int32 (N,): the label set of each clip.
        rows: int64 (N,): row in which each clip first occurs in its file, as in `Finding`.
        sets: label sets, few of them equal.
        report: how the files were read.
        annotated: ascending positions of the classes that the clips were annotated for; None: all.

    >>> labels = Annotations.from_dict({"a": ["Electric guitar"], "b": [], "c": None})
    >>> labels.labels(0), labels.labels(1), labels.labels(2)
    (('Electric guitar',), (), None)
    """

    PER_ROW = ("set_of_clip", "rows")
    plot = Pictures("frequencies labels_per_clip")
    ontology: Ontology
    set_of_clip: npt.NDArray[np.int32]
    rows: npt.NDArray[np.int64]
    sets: LabelSets
    report: Report = field(default_factory=Report)
    annotated: tuple[int, ...] | None = None

    @classmethod
    def from_dict(
        cls, labels: Mapping[str, Iterable[str] | None], *, ontology: Ontology | None = None
    ) -> Self:
        """Annotations of a few clips, for notebooks and tests.

        Args:
            labels: clip id to ids or exact display names; an empty list is a verified empty clip,
                None an unannotated one.
            ontology: the embedded one with its supplement by default.

        Raises:
            UnknownLabelError: the ontology lacks a label.
            InputTypeError: not a dictionary, or not of lists of labels.
        """
        expect("labels", labels, Mapping, "a dictionary of clip ids to lists of labels")
        ontology = default_ontology(ontology)
        for clip, names in labels.items():
            expect(f"clip {clip!r}", names, Iterable | None, "a list of labels, or None")
        given = [list(names) if names is not None else [] for names in labels.values()]
        position = positions(
            ((n, f"clip {clip!r}") for clip, own in zip(labels, given, strict=True) for n in own),
            ontology,
        )
        pairs = [(row, position[name]) for row, names in enumerate(given) for name in names]
        owners, classes = np.array(pairs, np.int64).reshape(-1, 2).T
        labelled = np.array([names is not None for names in labels.values()], np.bool_)
        n = len(given)
        lengths = doubles_to_arrow([None] * n)
        return cls(
            clip_rows(texts_to_arrow(list(labels)), to_arrow(np.zeros(n)), lengths),
            ontology,
            np.arange(n, dtype=np.int32),
            np.arange(1, n + 1),
            LabelSets.build(owners, classes, labelled),
            Report(rows=n, rows_used=n),
        )

    @classmethod
    def of_sets(
        cls, sets: LabelSets, ontology: Ontology, annotated: tuple[int, ...] | None = None
    ) -> "Annotations":
        """Label sets without any clip."""
        return replace(cls.from_dict({}, ontology=ontology), sets=sets, annotated=annotated)

    def labels(self, row: int) -> tuple[str, ...] | None:
        """Display names of the labels of the clip in a row, or None where it is unannotated."""
        chosen = int(self.set_of_clip[row])
        if not self.sets.labelled[chosen]:
            return None
        start, end = self.sets.offsets[chosen : chosen + 2]
        return tuple(self.ontology.classes[c].name for c in self.sets.classes[start:end])

    def __getitem__(self, clip: int | str) -> tuple[str, ...] | None:
        """The labels of a clip, by row or by id, as `labels` gives them.

        Raises:
            UnknownClipError: no clip has the id, or several could be meant.
            IndexError: no such row.
            InputTypeError: neither an id nor a number, such as a slice.
        """
        if isinstance(clip, str):
            return self.labels(ClipFinder(self.clip_id).row_of(clip))
        return self.labels(row_number(clip, len(self)))

    def __contains__(self, clip: object) -> bool:
        return clip in ClipFinder(self.clip_id)

    def __iter__(self) -> Iterator[tuple[str, ...] | None]:
        return map(self.labels, range(len(self)))

    def summary(self) -> "pandas.DataFrame":
        """A data frame of the classes that some clip has: `id`, `name`, and `clips`, the number of
        clips in which it is given, the most frequent first.
        """
        import pandas

        weights = np.bincount(self.set_of_clip, minlength=len(self.sets))
        given = np.bincount(self.sets.classes, np.repeat(weights, self.sets.sizes))
        order = np.argsort(-given, kind="stable")[: np.count_nonzero(given)].tolist()
        classes = [self.ontology.classes[c] for c in order]
        ids, names = [c.id for c in classes], [c.name for c in classes]
        return pandas.DataFrame({"id": ids, "name": names, "clips": given[order].astype(int)})

    def to_arrow(self) -> pa.Table:
        """An Arrow table with `clip_id`, `labels` (lists of names, null for unannotated clips), and
        `onset` and `offset` if all clips have them.

        Where there are such, also `label_values`, in the order of the labels, the lists
        `absent_labels`, `unsure_labels` and `judged_labels`, and `annotated_for`. `read_labels`
        reads all of it.
        """
        sets, of_clip = self.sets, to_arrow(self.set_of_clip)
        names = texts_to_arrow([c.name for c in self.ontology.classes])
        unlabelled = pa.array(~sets.labelled)
        columns = {"labels": _lists(sets, names.take(to_arrow(sets.classes)), unlabelled)}
        if sets.values is not None:
            columns["label_values"] = _lists(sets, to_arrow(sets.values), unlabelled)
        for name in ("absent", "unsure", "judged"):
            other = getattr(sets, name)
            if other is not None and len(other.classes):
                columns[f"{name}_labels"] = _lists(other, names.take(to_arrow(other.classes)))
        table = super().to_arrow()
        if self.offset.null_count:
            # A start of 0 without an end would be that in a video, and change ids that look so.
            whole = not to_numpy(self.onset).any()
            table = table.drop_columns(["onset", "offset"][not whole :])
        for name, lists in columns.items():
            table = table.append_column(name, lists.take(of_clip))
        return with_coverage(table, self.annotated, self.ontology)

    def prefixed(self, prefix: str) -> Self:
        """The same clips, a text before the id of each."""
        return self.renamed(prefixed(prefix, self.clip_id))

    def slice(self, start: int, stop: int) -> Self:
        """The clips from row `start` up to `stop`, without the report."""
        return replace(super().slice(start, stop), report=Report()).with_used_sets()

    def with_used_sets(self) -> Self:
        """The same clips without the sets of others, unless these are of a lineage."""
        if self.sets.lineage is not None:
            return self
        used = np.bincount(self.set_of_clip, minlength=len(self.sets)) > 0
        number = np.cumsum(used, dtype=np.int32) - np.int32(1)
        sets = self.sets.take(np.flatnonzero(used))
        return replace(self, set_of_clip=number[self.set_of_clip], sets=sets)

    def take(self, rows: npt.NDArray[np.integer]) -> Self:
        """The clips in the named rows, int (M,), without the report."""
        return replace(super().take(rows), report=Report(rows=len(rows), rows_used=len(rows)))

    @classmethod
    def concat(cls, parts: Sequence[Self], ontology: Ontology | None = None) -> Self:
        """All clips of all parts, which share `ontology`; it is used where there is no part."""
        if not parts:
            return cls.from_dict({}, ontology=ontology)
        sets, starts = LabelSets.concat([p.sets for p in parts])
        moved = [
            replace(p, set_of_clip=(p.set_of_clip + start).astype(np.int32))
            for p, start in zip(parts, starts, strict=True)
        ]
        report = Report.merged(p.report for p in parts)
        return replace(super().concat(moved), sets=sets, report=report)

    def to_pandas(self) -> "pandas.DataFrame":
        """A data frame with the columns of `to_arrow`; `labels` are tuples of names, or None."""
        frame: pandas.DataFrame = self.to_arrow().to_pandas()
        own: list[Any] = [self.labels(row) for row in range(len(self))]
        return frame.assign(labels=own)

    @property
    def labels_per_clip(self) -> float:
        """Mean number of labels over the annotated clips, verified empty ones included."""
        weights = np.bincount(self.set_of_clip, minlength=len(self.sets)) * self.sets.labelled
        return float(weights @ self.sets.sizes / max(1, weights.sum()))

    def __repr__(self) -> str:
        return (
            f"Annotations({len(self):,} clips, {self.labels_per_clip:.2f} labels per clip, "
            f"{len(self.report.findings):,} findings)"
        )

    def _repr_html_(self) -> str:
        shown = [self.labels(row) for row in range(min(5, len(self)))]
        texts = ["unannotated" if own is None else " · ".join(own) or "none" for own in shown]
        rows = zip(self.clip_id[:5].to_pylist(), texts, strict=True)
        return html_table(self, ("clip", "given labels"), rows)


def _lists(sets: LabelSets, entries: pa.Array, mask: pa.Array | None = None) -> pa.ListArray:
    return pa.ListArray.from_arrays(to_arrow(sets.offsets.astype(np.int32)), entries, mask=mask)


def with_coverage(
    table: pa.Table, annotated: tuple[int, ...] | None, ontology: Ontology
) -> pa.Table:
    """A table with a column `annotated_for`, if the clips were not annotated for all classes.

    It is `none`, or ids joined by semicolons, in each row; but it is held once.
    """
    if annotated is None:
        return table
    text = ";".join(ontology.ids[c] for c in annotated) or "none"
    rows = to_arrow(np.zeros(len(table), np.int32))
    column = pa.DictionaryArray.from_arrays(rows, texts_to_arrow([text]))
    return table.append_column("annotated_for", column)


def positions(labels: Iterable[tuple[str, str]], ontology: Ontology) -> dict[str, int]:
    """The position in the ontology of each label, given with the place where it occurs.

    The UnknownLabelError for labels that the ontology lacks names the last place of each.
    """
    places = dict(labels)
    ids = {label: ontology.resolve(label) for label in places}
    lacking = [label for label, id_ in ids.items() if id_ not in ontology.index]
    if lacking:
        shown = shortlist(lacking, show=lambda label: ontology.hint(label, places[label]))
        raise UnknownLabelError(f"the ontology lacks {shown}")
    return {label: ontology.index[id_] for label, id_ in ids.items() if id_ is not None}

"""From rows of text to annotations: the part that all formats share.

A format's reader makes `LabelRows`; each distinct label text is parsed once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import (
    doubles_to_arrow,
    text_buffers,
    texts_to_arrow,
    to_arrow,
    to_bools,
    to_numpy,
)
from audiolabels.arrays.lists import Lists
from audiolabels.clips.names import mostly_videos, parse_clip_name
from audiolabels.clips.rows import clip_rows
from audiolabels.errors import LabelFileError, UnknownLabelError, shortlist
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.report import Finding
from audiolabels.ontology.mapping import LabelMapping
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.aliases import as_aliases
from audiolabels.readers.columns import MISSING
from audiolabels.readers.delimited import Statements
from audiolabels.readers.formats import Layout
from audiolabels.readers.opening import Source
from audiolabels.readers.options import OWN_COLUMNS, Annotated, ReadOptions
from audiolabels.readers.reports import rows_report

UNRESOLVED = -1
VERIFIED_EMPTY = "\0[]"  # the text of an empty list of labels; an empty text is no list
EMPTY_LIST = texts_to_arrow([VERIFIED_EMPTY])[0]
QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")


@dataclass
class LabelRows:
    """Rows of a label file, N of them, before their labels are looked up.

    Attributes:
        numbers: int64 (N,): line or entry of each row, from 1.
        clips: record batch (N,) of `clip_id`, `onset` and `offset`; see `ClipRows`.
        labels: dictionary<int32, string> (N,): the label texts as the file writes them.
        names: string (N,): the clips as the file writes them.
        findings: rows that are not among the N, and what was left out of those that are.
        stated: what the rows state of their labels; None: all are present.
        cells: int32 (N, C): of tables with a column per class, see `wide.class_cells`.
        lists: role to dictionary<int32, string> (N,): other lists of labels, see `clip_lists`.
    """

    numbers: npt.NDArray[np.int64]
    clips: pa.RecordBatch
    labels: pa.DictionaryArray
    names: pa.StringArray
    findings: list[Finding] = field(default_factory=list)
    stated: Statements | None = None
    cells: npt.NDArray[np.int32] | None = None
    lists: Mapping[str, pa.DictionaryArray] = field(default_factory=dict)

    @classmethod
    def of_entries(
        cls, entries: Sequence[tuple[str | None, str, str]], first: int, source: str, fault: str
    ) -> "LabelRows":
        """Rows of clips without times, and a finding for each that has no clip.

        Args:
            entries: name, label text, and text of unknown labels of each clip.
            first: number of the first.
            source: name of the file.
            fault: why a row without a clip is not used.
        """
        rows: list[tuple[int, str, int | None, str, str]] = []
        findings: list[Finding] = []
        of_video = mostly_videos([name for name, *_ in entries if name])
        for number, (name, text, open_) in enumerate(entries, first):
            clip = parse_clip_name(name or "", of_video=of_video)
            if clip.clip_id:
                rows.append((number, *clip, text, open_))
            else:
                findings.append(Finding(source, number, "", "row unused", fault))
        numbers, ids, lengths, texts, unsure = zip(*rows, strict=True) if rows else ((),) * 5
        names = texts_to_arrow(ids)
        ends = doubles_to_arrow([None if ms is None else ms / 1000 for ms in lengths])
        clips = clip_rows(names, to_arrow(np.zeros(len(rows))), ends)
        labels = texts_to_arrow(texts).dictionary_encode()
        made = cls(np.array(numbers, np.int64), clips, labels, names, findings)
        if any(unsure):
            made.lists = {"unsure_labels": texts_to_arrow(unsure).dictionary_encode()}
        return made


class LabelResolver:
    """Looks labels up: text to a term, which is the position of its class in the ontology or, from
    the ontology's length on, a label of the mapping.

    Args:
        ontology: the graph, with its aliases and names.
        one_label: whether each text is one label, commas included.
        drop: whether unknown labels are dropped (and counted) or raise an error.
        aliases: further names of classes: label to id or name.
        mapping: what labels mean; others than its own and aliases are unknown then.

    Attributes:
        classes: state to the classes of each term in that state: those that are `present` and
            `unsure` where its label is given, and `absent` where it is confirmed absent.
        respelled: labels to those of the mapping that differ in case or underscores.
        known: whether a label was found so far.
        verified: whether a list of labels was empty so far.
        lost: labels that were not found.

    Raises:
        UnknownClassError: an alias is of no class.
    """

    def __init__(
        self,
        ontology: Ontology,
        *,
        one_label: bool = False,
        drop: bool = False,
        aliases: Mapping[str, str] = MappingProxyType({}),
        mapping: LabelMapping | None = None,
    ) -> None:
        self.ontology = ontology
        self.drop = drop
        self.mapping = mapping
        self.respelled: dict[str, str] = {}
        self.known, self.verified, self.lost = False, False, dict[str, None]()
        self._aliases = {label: ontology.find(name) for label, name in aliases.items()}
        self.one_label = one_label
        self.position = lru_cache(maxsize=1 << 16)(self._position)
        self.split = lru_cache(maxsize=1 << 16)(self._split)

    def _position(self, label: str) -> int:
        id_ = self._aliases.get(label)
        if id_ is None and self.mapping is not None:
            own = self.mapping.find(label)
            if own is None:
                return UNRESOLVED
            if own != label:
                self.respelled[label] = own
            return len(self.ontology) + self.mapping.labels.index(own)
        id_ = id_ or self.ontology.resolve(label)
        return UNRESOLVED if id_ is None else self.ontology.index[id_]

    @cached_property
    def classes(self) -> Mapping[str, Lists]:
        """See the class."""
        own = [[term] for term in range(len(self.ontology))]
        mapped = [] if self.mapping is None else map(self.mapping.classes, self.mapping.labels)
        states = [
            {state: [self.ontology.index[id_] for id_ in ids] for state, ids in each.items()}
            for each in mapped
        ]
        return {
            state: Lists.of_sequences(
                [
                    *([[]] * len(own) if state == "unsure" else own),
                    *(each[state] for each in states),
                ]
            )
            for state in ("present", "unsure", "absent")
        }

    def sets(
        self,
        owners: npt.NDArray[np.int64],
        terms: npt.NDArray[np.int64],
        labelled: npt.NDArray[np.bool_],
    ) -> tuple[LabelSets, LabelSets]:
        """The sets of labels that are given, and of the classes absent where they are not.

        Args:
            owners, terms: int64 (L,): the set of each term, and the term.
            labelled: bool (S,): see `LabelSets`.
        """

        def of(state: str) -> LabelSets:
            which, classes = self.classes[state].of(terms)
            return LabelSets.build(owners[which], classes, labelled)

        if self.mapping is None:  # each term is its class
            present = LabelSets.build(owners, terms, labelled)
            return present, present
        present = of("present")
        return replace(present, unsure=of("unsure")), of("absent")

    def _split(self, text: str) -> tuple[str, ...]:
        """The labels in a text: a list as Python prints it, or joined by `;`, `|` or `,`.

        Display names hold commas, so neighbours that only together make a name stay together.
        """
        text = text.strip()
        if text == VERIFIED_EMPTY:
            return ()
        if self.one_label and text:
            parts = _clean(text.split(","))
            pieces = self._join_names(parts)
            return tuple(pieces) if all(map(self._known, pieces)) else (", ".join(parts),)
        if text.startswith("[") and text.endswith("]"):
            text = text[1:-1]
            if not QUOTED.sub("", text).strip(", "):
                return tuple(_clean([a or b for a, b in QUOTED.findall(text)]))
        separator = next((s for s in ";|" if s in text), None)
        if separator is None:
            return tuple(self._join_names(_clean(text.split(","))))
        return tuple(p for part in _clean(text.split(separator)) for p in self._part(part))

    def _part(self, part: str) -> list[str]:
        """A piece between two separators: one label, or several joined by commas."""
        pieces = self._join_names(_clean(part.split(",")))
        return pieces if any(map(self._known, pieces)) else [part]

    def knows(self, text: str) -> bool:
        """Whether a text has labels, and all are known."""
        pieces = self.split(text)
        return bool(pieces) and all(map(self._known, pieces))

    def _known(self, label: str) -> bool:
        return self.position(label) != UNRESOLVED

    def _join_names(self, parts: list[str]) -> list[str]:
        """Neighbouring parts joined where that makes a name, the longest first."""
        labels, start = [], 0
        while start < len(parts):
            ends = range(min(len(parts), start + 5), start, -1)
            whole = (end for end in ends if self._known(", ".join(parts[start:end])))
            end = next(whole, start + 1)
            labels.append(", ".join(parts[start:end]))
            start = end
        return labels


def make_resolver(ontology: Ontology, options: ReadOptions, *, one_label: bool) -> LabelResolver:
    """Looks up the labels of a file that is read with these options."""
    return LabelResolver(
        ontology,
        one_label=one_label,
        drop=options.unknown == "drop",
        aliases=as_aliases(options.aliases),
        mapping=options.load_mapping(ontology),
    )


def coverage(
    source: Source,
    layout: Layout,
    ontology: Ontology,
    options: ReadOptions,
    shared: tuple[Annotated, Mapping[str, Any]],
) -> tuple[Annotated, Mapping[str, Any]]:
    """What the clips of a file were annotated for, and what metadata state of the reading.

    The option comes before a column of the file, and that before a mapping; `shared` is what
    options alone state.

    Raises:
        LabelFileError: the column holds something else than classes.
    """
    facts, column = shared[1], layout.columns["annotated_for"]
    if options.annotated is not None or options.denied or (column is None and not layout.wide):
        return shared
    if column is None:
        return OWN_COLUMNS, {**facts, "annotated": {"name": OWN_COLUMNS.name}}
    names = [] if layout.annotated == "none" else layout.annotated.split(";")
    ids = {name: ontology.resolve(name.strip()) for name in names}
    if lost := [name for name, id_ in ids.items() if id_ is None]:
        name = layout.columns.names[column]
        raise LabelFileError(
            f"{source.path}: column {name} holds {shortlist(map(repr, lost))}; expected the "
            f"classes that the clips were annotated for, joined by semicolons, or none. If it is "
            f"about something else, use --columns ignored={name} (columns=…)"
        )
    found = Annotated(
        "its column", tuple(sorted({ontology.index[id_] for id_ in ids.values() if id_}))
    )
    return found, {**facts, "annotated": {"name": found.name, "classes": len(names)}}


def require_one_coverage(path: object, annotated: Sequence[tuple[int, ...] | None]) -> None:
    """Refuse files whose clips were annotated for different classes.

    Raises:
        LabelFileError: the last file, `path`, was for others than the first.
    """
    if annotated[-1] != annotated[0]:
        raise LabelFileError(
            f"{path}: its clips were annotated for other classes than those of the files before "
            f"it; a table of one column per class states those of its columns. State them for all "
            f"files with --annotated (annotated=…), or join the files as sources of their own "
            f"(audiolabels.join)"
        )


Each = TypeVar("Each")


def conclude_labels(
    parts: Iterable[Each],
    source: str,
    resolver: LabelResolver,
    annotated: Annotated,
    notes: list[str],
) -> Iterator[Each]:
    """The same parts; at the end, notes of what a mapping did and the clips were annotated for, and
    of empty lists.

    Raises:
        UnknownLabelError: at the end, if there were labels and none is known.
    """
    yield from parts
    mapping = resolver.mapping
    if resolver.lost and not resolver.known:
        among = f"in mapping {mapping.name}" if mapping else "in the ontology; is there a mapping?"
        raise UnknownLabelError(
            f"{source}: no label of the file is known {among}: "
            f"{shortlist(resolver.lost, show=repr if mapping else resolver.ontology.hint)}"
        )
    if mapping is not None:
        notes.append(f"mapping {mapping.name} ({len(mapping.labels)} labels)")
    if resolver.verified:
        notes.append("clips with an empty list of labels are verified empty")
    if respelled := resolver.respelled:
        one, own = next(iter(respelled.items()))
        notes.append(
            f"{len(respelled)} labels are found regardless of case, spaces and underscores, such "
            f"as {one!r} for {own!r}"
        )
    if annotated.classes is not None and annotated != OWN_COLUMNS:
        notes.append(f"annotated for {len(annotated.classes)} classes ({annotated.name})")


def _clean(parts: list[str]) -> list[str]:
    stripped = (part.strip().strip("\"'").strip() for part in parts)
    return [part for part in stripped if part.casefold() not in MISSING]


class TextTable:
    """The distinct label texts of a file so far, their sets, and what is wrong with them.

    Texts of an earlier part are not parsed again. A full table is emptied and begins a new lineage
    of sets, so that memory stays bounded where nearly all texts differ.

    Args:
        resolver: looks labels up.
        size: number of texts that are kept.
        annotated: what the clips were annotated for, as in `Annotations`.
        denied: whether the sets are the denials, since all labels are of absent classes.

    Attributes:
        sets: one set a text, where its labels are present.
        denials: one set a text: the classes that are absent where its labels are.
        unknown: text number to the labels in it that no class has.
        repeated: numbers of the texts that name a class twice.
    """

    def __init__(
        self,
        resolver: LabelResolver,
        size: int,
        annotated: tuple[int, ...] | None = None,
        *,
        denied: bool = False,
    ) -> None:
        self.resolver = resolver
        self.annotated = annotated
        self._denied = denied
        self._size = size
        self._empty()

    def _empty(self) -> None:
        self._texts = texts_to_arrow([])
        self.sets, self.denials = LabelSets.append([], lineage=object()), LabelSets.append([])
        self.unknown: dict[int, tuple[str, ...]] = {}
        self.repeated: list[int] = []

    def look_up(self, texts: pa.StringArray) -> npt.NDArray[np.int32]:
        """Numbers of texts in the table, to which new ones are added."""
        found = pc.index_in(texts, value_set=self._texts)
        if not found.null_count:
            return to_numpy(found)
        if len(self._texts) + found.null_count > self._size:
            self._empty()
            found = pa.nulls(len(texts), pa.int32())
        is_new, start = pc.is_null(found), len(self._texts)
        self._add(texts.filter(is_new))
        new = to_bools(is_new)
        return np.where(new, start - 1 + np.cumsum(new, dtype=np.int32), to_numpy(found))

    def _add(self, new: pa.StringArray) -> None:
        owners, terms, unknown = parse_texts(new, self.resolver)
        given = np.bincount(owners, minlength=len(new))
        verified = to_bools(pc.equal(new, EMPTY_LIST))
        self.resolver.verified |= bool(verified.any()) and not self._denied
        labelled = (given > 0) | verified
        sets, denials = self.resolver.sets(owners, terms, labelled)
        start = len(self._texts)
        self.unknown |= {start + number: labels for number, labels in unknown.items()}
        different = sets.sizes
        if self.resolver.mapping is not None:
            different = LabelSets.build(owners, terms, given > 0).sizes
        self.repeated += (start + np.flatnonzero(given > different)).tolist()
        sets = denials if self._denied else sets
        self.sets = LabelSets.append([self.sets, sets], self.sets.lineage)
        self.denials = LabelSets.append([self.denials, denials])
        self._texts = pa.concat_arrays([self._texts, new])


Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], dict[int, tuple[str, ...]]]


def parse_texts(texts: pa.StringArray, resolver: LabelResolver) -> Pairs:
    """Parse label texts: all at once where known labels are joined by commas or semicolons, else
    one by one.

    Returns:
        Text numbers and terms, int64 (L,) each, of every label; text number to unknown labels.
    """
    offsets, raw = text_buffers(texts)
    if resolver.one_label or ord(";") not in raw[offsets[0] : offsets[-1]]:
        pieces = pc.split_pattern(texts, ",")
    else:
        alike = pc.replace_substring(texts, ",", ";")
        alike = pc.if_else(pc.match_substring(texts, ";"), texts, alike)
        pieces = pc.split_pattern(alike, ";")
    counts = np.diff(to_numpy(pieces.offsets))
    tokens = pieces.flatten().dictionary_encode()
    positions = np.array([resolver.position(t) for t in tokens.dictionary.to_pylist()], np.int64)
    classes = positions[to_numpy(tokens.indices)]
    owners = np.repeat(np.arange(len(texts)), counts)

    if not (positions == UNRESOLVED).any():
        resolver.known |= bool(len(texts))
        return owners, classes, {}
    hard = np.unique(owners[classes == UNRESOLVED])
    simple = ~np.isin(owners, hard)
    resolver.known |= bool(simple.any())
    more_owners: list[int] = []
    more_classes: list[int] = []
    unknown: dict[int, tuple[str, ...]] = {}
    for number in hard.tolist():
        labels = resolver.split(texts[number].as_py())
        found = [resolver.position(label) for label in labels]
        resolver.known |= any(p != UNRESOLVED for p in found)
        lost = [a for a, p in zip(labels, found, strict=True) if p == UNRESOLVED]
        if lost:
            unknown[number] = tuple(dict.fromkeys(lost))
            resolver.lost |= dict.fromkeys(lost)
        kept = [p for p in found if p != UNRESOLVED]
        more_owners += [number] * len(kept)
        more_classes += kept
    return (
        np.concatenate([owners[simple], np.array(more_owners, np.int64)]),
        np.concatenate([classes[simple], np.array(more_classes, np.int64)]),
        unknown,
    )


def label_rows(parts: Iterable[LabelRows], table: TextTable, source: str) -> Iterator[Annotations]:
    """Annotations of rows that hold one clip each, part by part.

    Raises:
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
    """
    for rows in parts:
        set_of_clip, label_findings = look_up_labels(rows, table, source)
        yield Annotations(
            rows.clips,
            table.resolver.ontology,
            set_of_clip,
            rows.numbers,
            table.sets,
            rows_report(len(set_of_clip), [*rows.findings, *label_findings]),
            table.annotated,
        )


def look_up_labels(
    rows: LabelRows, table: TextTable, source: str
) -> tuple[npt.NDArray[np.int32], list[Finding]]:
    """The label set of each row, int32 (N,), and the findings about the rows' labels.

    Raises:
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
    """
    numbers, clip_id = table.look_up(rows.labels.dictionary), rows.clips["clip_id"]
    indices = numbers[to_numpy(rows.labels.indices)]
    refuse_unknown(table.unknown, table.resolver, indices, rows.numbers, source)

    def about(
        texts: Sequence[int], kind: str, reasons: Callable[[int], Sequence[str]]
    ) -> list[Finding]:
        hit = np.flatnonzero(np.isin(indices, texts)).tolist() if len(texts) else []
        return [
            Finding(source, int(rows.numbers[row]), clip_id[row].as_py(), kind, reason)
            for row in hit
            for reason in reasons(int(indices[row]))
        ]

    return indices, [
        *about(
            list(table.unknown),
            "label dropped",
            lambda text: [f"unknown label: {label}" for label in table.unknown[text]],
        ),
        *about(table.repeated, "duplicate label", lambda _: ["a label occurs twice"]),
        *about(
            np.flatnonzero(~table.sets.labelled).tolist(),
            "clip unlabelled",
            lambda text: ["no known label is left" if text in table.unknown else "no label"],
        ),
    ]


LACKING = (  # by which an unknown label is not known, and what to do
    "ontology, supplement and aliases all lack",
    "name their classes with --aliases FILE (aliases=…)",
)


def refuse_unknown(
    unknown: Mapping[int, Sequence[str]],
    resolver: LabelResolver,
    indices: npt.NDArray[np.int32],
    numbers: npt.NDArray[np.int64],
    source: str,
) -> None:
    """Refuse rows whose texts, `indices`, have unknown labels, unless these are dropped.

    Raises:
        UnknownLabelError: there are such rows; the message has the labels with their first rows.
    """
    bad = np.flatnonzero(np.isin(indices, list(unknown)) if unknown else [])
    if resolver.drop or not len(bad):  # a text may belong to rows that are not used
        return
    first: dict[str, int] = {}
    for row in bad.tolist():
        for label in unknown[int(indices[row])]:
            first.setdefault(label, int(numbers[row]))
    ontology, mapping = resolver.ontology, resolver.mapping
    lacking, remedy = LACKING
    remedy += ", or those of another data set with --mapping (mapping=…)"
    shown = shortlist(first, show=lambda label: ontology.hint(label, f"row {first[label]:,}"))
    if mapping is not None:  # then a name of the ontology is none
        lacking, remedy = (
            f"mapping {mapping.name} lacks",
            "give each a row in a mapping of your own",
        )
        shown = shortlist(first, show=lambda label: f"{label!r} (row {first[label]:,})")
    remedy = f"Correct them, {remedy}, or drop and count them with --unknown drop (unknown='drop')"
    if all(label.isdecimal() for label in first):
        remedy = "They are numbers of an unknown class list; write ids or names in their place"
    raise UnknownLabelError(
        f"{source}: labels that {lacking}, in {len(bad):,} "
        f"row{'s' * (len(bad) > 1)} so far: {shown}. {remedy}"
    )

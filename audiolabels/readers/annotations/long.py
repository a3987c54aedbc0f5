"""Files with one row per label: rows gathered by clip, which takes the whole file."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.arrays.columns import one_chunk, texts_to_arrow, to_arrow, to_numpy
from audiolabels.arrays.lists import Lists
from audiolabels.clips.rows import clip_rows, join_rows
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.events import ABSENT, PRESENT, UNSURE
from audiolabels.labels.report import Finding
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.label_parsing import (
    UNRESOLVED,
    LabelResolver,
    LabelRows,
    TextTable,
    look_up_labels,
)
from audiolabels.readers.options import ReadOptions
from audiolabels.readers.raters import Votes, unite_raters
from audiolabels.readers.reports import rows_report

SEPARATOR = texts_to_arrow(["\0"])[0]
NOTHING = "no label is left"
CONTRADICTION = ("contradiction", "given, but it or a class above it is confirmed absent")


def gather_rows(
    parts: Iterable[LabelRows], table: TextTable, source: str, options: ReadOptions
) -> Iterator[Annotations]:
    """The clips of all rows at once, in order of their first; two names of one id are two clips.

    Raises:
        UnknownLabelError: a label is unknown, and unknown ones are not dropped.
    """
    held: list[LabelRows] = []
    sets: list[LabelSets] = []
    denials: list[LabelSets] = []
    findings: list[Finding] = []
    spellings: dict[int, str] = {}
    for rows in parts:
        indices, label_findings = look_up_labels(rows, table, source)
        reported = {f.row for f in rows.findings}
        findings += rows.findings
        findings += [
            replace(f, kind="label dropped") if f.reason == "no label" else f
            for f in label_findings
            if f.kind != "clip unlabelled" or (f.reason == "no label" and f.row not in reported)
        ]
        if options.raters is not None and rows.stated is not None:
            rows = _one_label_each(rows, table.resolver, spellings)
            indices = table.look_up(rows.labels.dictionary)[to_numpy(rows.labels.indices)]
        held.append(rows)
        sets.append(table.sets.take(indices))
        denials.append(table.denials.take(indices))
    clips, labels = join_rows([rows.clips for rows in held]), LabelSets.append(sets)
    names = one_chunk(pa.chunked_array([rows.names for rows in held], pa.string()))
    keys = pc.binary_join_element_wise(clips["clip_id"], names, SEPARATOR)
    clip = to_numpy(keys.dictionary_encode().indices)
    _, first = np.unique(clip, return_index=True)
    votes = _votes(held, clip)
    if options.raters is not None and votes is not None:
        votes = unite_raters(votes, options.raters, options.values)
    if votes is not None:
        labels = sets_of_votes(
            labels.take(votes.row), LabelSets.append(denials).take(votes.row), votes
        )
        if options.soft:
            labels = replace(labels, values=votes.value[labels.owners])
    made = labels.united(clip if votes is None else votes.clip, len(first))
    numbers = np.concatenate([np.zeros(0, np.int64), *(rows.numbers for rows in held)])[first]
    known = np.flatnonzero(to_numpy(clips["offset"].is_valid().cast(pa.uint8())))
    last = first.copy()
    last[clip[known]] = known  # of several lengths the last counts
    onset, offset = clips["onset"].take(to_arrow(first)), clips["offset"].take(to_arrow(last))
    clips = clip_rows(clips["clip_id"].take(to_arrow(first)), onset, offset)
    findings += [
        Finding(source, int(numbers[i]), clips["clip_id"][i].as_py(), "clip unlabelled", NOTHING)
        for i in np.flatnonzero(~_stated(made)).tolist()
    ]
    ontology = table.resolver.ontology
    findings += [
        Finding(
            source,
            int(numbers[i]),
            clips["clip_id"][i].as_py(),
            *CONTRADICTION,
            label=ontology.name(ontology.ids[c]),
        )
        for i, c in contradicted(made, ontology)
    ]
    each = np.arange(len(first), dtype=np.int32)
    used = sum(
        len(np.unique(r.numbers)) if r.lists or (r.stated and r.stated.raters) else len(r.numbers)
        for r in held
    )
    report = rows_report(used, findings)
    yield Annotations(clips, ontology, each, numbers, made, report, table.annotated)


def _one_label_each(
    rows: LabelRows, resolver: LabelResolver, spellings: dict[int, str]
) -> LabelRows:
    """Rows of one label each, for which raters vote; the same label has the same spelling.

    Args:
        rows: a text of several labels is as many rows.
        resolver: looks labels up.
        spellings: term to its spelling so far.
    """
    assert rows.stated is not None

    def spelled(label: str) -> str:
        term = resolver.position(label)
        return label if term == UNRESOLVED else spellings.setdefault(term, label)

    pieces = [resolver.split(text) or (text,) for text in rows.labels.dictionary.to_pylist()]
    numbers = iter(range(sum(map(len, pieces))))
    places = Lists.of_sequences([next(numbers) for _ in own] for own in pieces)
    row, place = places.of(to_numpy(rows.labels.indices))
    texts = texts_to_arrow([spelled(label) for own in pieces for label in own])
    own = {name: getattr(rows.stated, name)[row] for name in ("state", "value", "rater")}
    nothing = np.array([not text.strip() for text in texts.to_pylist()], np.bool_)
    own["state"] = np.where(nothing[place], UNSURE, own["state"])  # who gave none saw nothing
    return replace(
        rows,
        numbers=rows.numbers[row],
        clips=rows.clips.take(to_arrow(row)),
        labels=texts.take(to_arrow(place)).dictionary_encode(),
        names=rows.names.take(to_arrow(row)),
        stated=replace(rows.stated, **own),
    )


def _votes(held: list[LabelRows], clip: npt.NDArray[np.integer]) -> Votes | None:
    """What all rows state, if not all their labels are present and certain."""
    if all(rows.stated is None for rows in held):
        return None
    names = tuple(dict.fromkeys(n for rows in held if rows.stated for n in rows.stated.raters))
    number = {name: i for i, name in enumerate(names)}
    state, value, rater = [], [], []
    for rows in held:
        own, count = rows.stated, len(rows.numbers)
        state.append(np.full(count, PRESENT) if own is None else own.state)
        value.append(np.ones(count, np.float32) if own is None else own.value)
        table = np.array([number[n] for n in own.raters] if own else [], np.int64)
        rater.append(table[own.rater] if own and len(table) else np.zeros(count, np.int64))
    texts = pa.chunked_array([rows.labels.cast(pa.string()) for rows in held]).dictionary_encode()
    return Votes(
        row=np.arange(len(clip)),
        clip=clip,
        label=np.concatenate([np.zeros(0, int), *(to_numpy(c.indices) for c in texts.chunks)]),
        state=np.concatenate(state),
        value=np.concatenate(value),
        rater=np.concatenate(rater),
        listing=all(rows.stated is None or rows.stated.listing for rows in held),
    )


def sets_of_votes(given: LabelSets, denied: LabelSets, votes: Votes) -> LabelSets:
    """The label set of each row, whose labels are present, absent or unsure."""
    present, unsure = votes.state == PRESENT, votes.state == UNSURE
    absent = denied.keep((votes.state == ABSENT)[denied.owners])
    open_ = [given.keep(unsure[given.owners])]
    if given.unsure is not None:
        open_.append(given.unsure.keep((present | unsure)[given.unsure.owners]))
    owners, classes = (
        np.concatenate([getattr(s, n) for s in open_]) for n in ("owners", "classes")
    )
    given = given.keep(present[given.owners])
    return replace(
        given,
        labelled=given.labelled & present,
        unsure=LabelSets.build(owners, classes, given.labelled),
        absent=absent,
        rated=None if votes.raters is None else _rated([given, absent], votes.raters),
    )


def _rated(stated: Iterable[LabelSets], raters: npt.NDArray[np.int64]) -> LabelSets:
    """The classes of each row, with the number of raters who saw its label."""
    pairs = [(sets.owners, sets.classes) for sets in stated]
    owners, classes = (np.concatenate(each) for each in zip(*pairs, strict=True))
    some = np.ones(len(raters), np.bool_)
    return LabelSets.build(owners, classes, some, raters[owners].astype(np.float32))


def _stated(sets: LabelSets) -> npt.NDArray[np.bool_]:
    """Whether sets are labelled, or a class was confirmed absent or left unsure."""
    others = [other.sizes > 0 for other in (sets.absent, sets.unsure) if other is not None]
    stated: npt.NDArray[np.bool_] = np.logical_or.reduce([sets.labelled, *others])
    return stated


def contradicted(sets: LabelSets, ontology: Ontology) -> Iterator[tuple[int, int]]:
    """Sets and those of their classes which, or a class above which, are confirmed absent."""
    if sets.absent is None:
        return iter(())
    position, n = ontology.index, len(ontology)
    below = Lists.of_sequences(
        [i, *(position[d] for d in ontology.descendants(id_))] for id_, i in position.items()
    )
    entry, values = below.of(sets.absent.classes)
    denied = sets.absent.owners[entry] * n + values
    hit = np.isin(sets.owners * n + sets.classes, denied)
    return zip(sets.owners[hit].tolist(), sets.classes[hit].tolist(), strict=True)

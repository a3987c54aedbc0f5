"""Verdicts: what a person who listened again found of classes of clips, applied to their labels.

Form: a CSV with the columns `clip_id`, `id` and `verdict`, as the review list of a report page
writes it; clips and classes may have other names. Verdicts decide for their class alone: `present`
gives it to the clip, `absent` confirms its absence, `unsure` makes it unknown, whatever was given
before or is implied by what is given, and `skip` states nothing. Below an absent class what is
neither given nor implied is absent too.

Source: this project.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from audiolabels.arrays.columns import places_in, texts_to_arrow
from audiolabels.clips.index import MISSING, ClipFinder, deciding_ids
from audiolabels.errors import LabelFileError, UnknownLabelError, guarded, shortlist
from audiolabels.files import sha256_of
from audiolabels.labels.annotations import Annotations, LabelSets
from audiolabels.labels.report import Finding, Report
from audiolabels.ontology.ontology import Ontology
from audiolabels.readers.annotations.label_parsing import LACKING, make_resolver
from audiolabels.readers.annotations.long import CONTRADICTION, contradicted
from audiolabels.readers.columns import find_column
from audiolabels.readers.opening import open_source
from audiolabels.readers.options import ReadOptions
from audiolabels.readers.reports import file_report

STATES = ("present", "absent", "unsure")
SKIP = "skip"
# What else is counted, and how the summary calls it.
OTHERS = {
    SKIP: "skipped",
    "elsewhere": "of clips that are not in the labels",
    "conflicts": "that conflict",
    "removed": "given labels removed",
}


class Verdict(NamedTuple):
    """One row: its line, the clip as the file names it, the class's position, and the verdict."""

    row: int
    clip: str
    class_: int
    word: str


@dataclass
class Verdicts:
    """Verdicts on clips of the labels.

    Attributes:
        path: the file.
        clip_id: string (K,): the clips, under the ids that they have in the labels.
        stated: state to K + 1 sets, the classes of each clip in that state; the last is empty.
        report: on the file.
        facts: numbers of verdicts, to which labels that were removed are added.
    """

    path: Path
    clip_id: pa.StringArray
    stated: dict[str, LabelSets]
    report: Report
    facts: Counter[str] = field(default_factory=Counter)

    def join(self, part: Annotations, source: str) -> Annotations:
        """The same clips, with what the verdicts state of them.

        A finding is added for each label that stays although a class above it is absent.
        """
        place, none = places_in(part.clip_id, self.clip_id), len(self.clip_id)
        if not (place >= 0).any():
            return part
        keys = part.set_of_clip * (none + 1) + np.where(place < 0, none, place)
        pairs, number = np.unique(keys, return_inverse=True)
        own, place = np.divmod(pairs, none + 1)
        sets = part.sets.take(own)
        given = {state: each.take(place) for state, each in self.stated.items()}
        made = replace(
            part, sets=_applied(sets, given, part.ontology), set_of_clip=number.astype(np.int32)
        )
        weights = np.bincount(number, minlength=len(own))
        removed = sets.within(given["absent"], given["unsure"])
        self.facts["removed"] += int(weights[sets.owners[removed]].sum())
        ontology, found = part.ontology, list[Finding]()
        for j, c in contradicted(replace(made.sets, absent=given["absent"]), ontology):
            for row in np.flatnonzero(number == j).tolist():
                clip, name = part.clip_id[row].as_py(), ontology.name(ontology.ids[c])
                found.append(Finding(source, int(part.rows[row]), clip, *CONTRADICTION, label=name))
        return replace(made, report=replace(part.report, findings=[*part.report.findings, *found]))

    def finish(self, ontology: Ontology, annotated: tuple[int, ...] | None) -> Annotations:
        """No clip, and the report on the file."""
        texts = [", ".join(f"{self.facts[state]:,} {state}" for state in STATES)]
        texts += [f"{self.facts[n]:,} {text}" for n, text in OTHERS.items() if self.facts[n]]
        self.report.sources[0]["verdicts"] = {n: self.facts[n] for n in (*STATES, *OTHERS)}
        self.report.notes.insert(0, f"{self.path.name} was read as verdicts: {'; '.join(texts)}")
        empty = Annotations.from_dict({}, ontology=ontology)
        return replace(empty, annotated=annotated, report=self.report)


def read_verdicts(
    path: Path, ontology: Ontology, options: ReadOptions, clip_ids: Iterable[pa.StringArray]
) -> Verdicts:
    """Read verdicts, and find their clips.

    Args:
        path: the file.
        ontology: where classes are looked up, by id or name, with the aliases of the options.
        options: how the labels are read.
        clip_ids: the ids of all clips of the labels, part by part.

    Raises:
        LabelFileError: no table of verdicts, or none of them is of use.
        UnknownLabelError: a class is unknown, and unknown labels are not dropped.
        UnknownClipError: a clip could be several of those of the labels.
    """
    report = Report()
    rows, verdicts = _read_rows(path, ontology, options, report)
    if options.verdict_prefixes is not None:
        rows, verdicts = _own_verdicts(path, verdicts, options, report, rows)
    facts = Counter({SKIP: sum(each.word == SKIP for each in verdicts)})
    stated = [each for each in verdicts if each.word != SKIP]
    names = list(dict.fromkeys(each.clip for each in stated))
    with guarded(path, LabelFileError):
        prefix = options.prefix if options.verdict_prefixes is None else ""  # which names have
        clips = _find(names, prefix, clip_ids)
    if names and not any(clips.values()):
        raise LabelFileError(
            f"{path}: none of its {len(names):,} clips is among those with labels; its ids look "
            f"like {shortlist(map(repr, names[:2]))}"
        )
    used: dict[tuple[str, int], dict[str, list[Verdict]]] = defaultdict(lambda: defaultdict(list))
    for each in stated:
        if clip := clips[each.clip]:
            used[clip, each.class_][each.word].append(each)
        else:
            reason = "a verdict on a clip that is not among those with labels"
            report.findings.append(Finding(path.name, each.row, each.clip, "row unused", reason))
    place = {clip: i for i, clip in enumerate(dict.fromkeys(clip for clip, _ in used))}
    pairs: dict[str, list[tuple[int, int]]] = {state: [] for state in STATES}
    for (clip, class_), words in used.items():
        if len(words) == 1:
            (word,) = words
            pairs[word].append((place[clip], class_))
            continue
        facts["conflicts"] += 1
        for each in (each for own in words.values() for each in own):
            reason = f"verdicts that conflict: {', '.join(sorted(words))}"
            name = ontology.name(ontology.ids[class_])
            finding = Finding(path.name, each.row, each.clip, "row unused", reason, name)
            report.findings.append(finding)
    report.findings.sort(key=lambda finding: finding.row)
    facts.update({state: len(own) for state, own in pairs.items()})
    facts["elsewhere"] = len({(v.clip, v.class_) for v in stated if not clips[v.clip]})
    report.merge(file_report(path, "verdicts", sha256_of(path), rows, ""))
    report.notes.pop()
    whole, sets = np.ones(len(place) + 1, np.bool_), dict[str, LabelSets]()
    for state, own in pairs.items():
        owners, classes = np.array(own, np.int64).reshape(-1, 2).T
        sets[state] = LabelSets.build(owners, classes, whole)
    return Verdicts(path, texts_to_arrow(list(place)), sets, report, facts)


def _own_verdicts(
    path: Path, verdicts: list[Verdict], options: ReadOptions, report: Report, rows: int
) -> tuple[int, list[Verdict]]:
    """Of the verdicts on a join, those on clips of this data set, and how many rows are its own.

    What can be of no data set is reported with the first of them.

    Raises:
        LabelFileError: no clip is of a data set of the join.
    """
    assert options.verdict_prefixes is not None
    takers, others = options.verdict_prefixes
    prefixes = sorted({*takers, *others}, key=len)
    own, lost = list[Verdict](), list[Finding]()
    for each in verdicts:
        prefix = next((p for p in reversed(prefixes) if each.clip.startswith(p)), None)
        if prefix == options.prefix:
            own.append(each)
        if prefix not in takers:
            none = "a verdict on a clip that begins with no prefix of the join's data sets"
            reason = none if prefix is None else "a verdict on a data set that takes none of them"
            lost.append(Finding(path.name, each.row, each.clip, "row unused", reason))
    if len(lost) == len(verdicts):
        raise LabelFileError(
            f"{path}: no clip is of a data set of the join that takes verdicts, with the prefix "
            f"{shortlist(map(repr, takers))}; its ids look like "
            f"{shortlist(repr(each.clip) for each in verdicts[:2])}"
        )
    if options.prefix != takers[0]:
        report.findings, report.notes = [], []
        return len(own), own
    report.findings += lost
    return rows - len(verdicts) + len(own) + len(lost), own


def _find(
    names: list[str], prefix: str, clip_ids: Iterable[pa.StringArray]
) -> dict[str, str | None]:
    """The id of the clip that each name means, with the prefix or without; None if there is none.

    Raises:
        UnknownClipError: it could be several.
    """
    asked = [prefix + name for name in names]
    ids = deciding_ids(texts_to_arrow([*names, *asked]), clip_ids)
    finder = ClipFinder(ids)
    rows = finder.find(asked)
    if prefix and len(lost := np.flatnonzero(rows == MISSING)):
        rows[lost] = finder.find([names[i] for i in lost.tolist()])
    found = [None if row == MISSING else ids[row].as_py() for row in rows.tolist()]
    return dict(zip(names, found, strict=True))


def _read_rows(
    path: Path, ontology: Ontology, options: ReadOptions, report: Report
) -> tuple[int, list[Verdict]]:
    """The number of rows, and those that can be used."""
    with open_source(path) as source, guarded(path, LabelFileError, "cannot be read"):
        lines = source.stream.read().decode("utf-8-sig").splitlines()
        delimiter = next((d for d in "\t;" if d in lines[0]), ",")
        table = csv.reader(lines, delimiter=delimiter, strict=True)
        head = [cell.strip().casefold() for cell in next(table)]
        rows = [(table.line_num, [cell.strip() for cell in row]) for row in table]
    clip = find_column(head, "clip", "video")
    class_ = "id" if "id" in head else find_column(head, "label")
    if clip is None or class_ is None or "verdict" not in head or len(set(head)) < len(head):
        raise LabelFileError(
            f"{path}: no table of verdicts; the first line must name the columns clip_id, id and "
            f"verdict, each once; it is {','.join(head)[:120]!r}"
        )
    columns = [head.index(name) for name in (clip, class_, "verdict")]
    if unused := [name for i, name in enumerate(head) if i not in columns]:
        report.notes.append(f"{path.name}: columns not used: {', '.join(unused)}")
    position = make_resolver(ontology, replace(options, mapping=None), one_label=True).position
    verdicts, lost = list[Verdict](), dict[str, int]()
    rows = [(number, row) for number, row in rows if any(row)]
    for number, row in rows:
        fits = len(row) == len(head)
        name, label, word = (row[column] for column in columns) if fits else ("", "", "")
        found = position(label)
        if not fits or not name or not label:
            reason = "no clip, class or verdict" if fits else f"{len(row)} cells, not {len(head)}"
        elif word.casefold() not in (*STATES, SKIP):
            reason = f"{word!r} is none of {', '.join(STATES)} and {SKIP}"
        elif found < 0:
            lost.setdefault(label, number)
            reason = f"unknown label: {label}"
        else:
            verdicts.append(Verdict(number, name, found, word.casefold()))
            continue
        report.findings.append(Finding(path.name, number, name, "row unused", reason))
    if lost and options.unknown == "error":
        shown = shortlist(lost, show=lambda label: ontology.hint(label, f"row {lost[label]:,}"))
        raise UnknownLabelError(
            f"{path}: classes that {LACKING[0]}: {shown}. Correct them, {LACKING[1]}, or drop and "
            f"count them with --unknown drop (unknown='drop')"
        )
    if not verdicts:
        reasons = shortlist(dict.fromkeys(f.reason for f in report.findings)) or "there are none"
        raise LabelFileError(f"{path}: none of its {len(rows):,} rows can be used: {reasons}")
    return len(rows), verdicts


def _applied(sets: LabelSets, given: dict[str, LabelSets], ontology: Ontology) -> LabelSets:
    """Label sets with verdicts: as many sets of each state."""
    present, absent, unsure = (given[state] for state in STATES)
    labelled = sets.labelled | (present.sizes > 0)
    denied = _united(_without(sets.absent or sets.none, present, unsure), absent)
    open_ = _united(_without(sets.unsure or sets.none, present, absent), unsure)
    # Of a clip that nobody annotated, all else stays unknown.
    for j in np.flatnonzero(labelled & ~sets.labelled).tolist():
        ids = {ontology.ids[c] for c in _of(denied, j)}
        known = ids.union(
            *map(ontology.descendants, ids), (ontology.ids[c] for c in _of(present, j))
        )
        rest = np.array([i for id_, i in ontology.index.items() if id_ not in known], np.int32)
        open_ = _united(open_, LabelSets.build(np.full(len(rest), j), rest, open_.labelled))
    made = _united(_without(sets, absent, unsure), present)
    judged = _united(_united(absent, unsure), present)
    return replace(
        made, labelled=labelled, absent=denied, unsure=open_, judged=judged, rated=sets.rated
    )


def _without(sets: LabelSets, *others: LabelSets) -> LabelSets:
    return sets.keep(~sets.within(*others))


def _united(sets: LabelSets, more: LabelSets) -> LabelSets:
    """The unions of sets and as many others, whose classes have the value 1."""
    owners, classes = (
        np.concatenate([getattr(each, name) for each in (sets, more)])
        for name in ("owners", "classes")
    )
    values = sets.values
    if values is not None:
        values = np.append(values, np.ones(len(more.classes), np.float32))
    return LabelSets.build(owners, classes, sets.labelled, values)


def _of(sets: LabelSets, number: int) -> npt.NDArray[Any]:
    return sets.classes[sets.offsets[number] : sets.offsets[number + 1]]

"""From rows of text to annotations: the part that all formats share.

A format's reader makes `Rows`; label texts are parsed once for each distinct text.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from audiolabels.annotations import Annotations, Finding, LabelSets, Report
from audiolabels.columns import to_arrow, to_numpy
from audiolabels.errors import UnknownLabelError, shortlist
from audiolabels.ontology import Ontology

UNRESOLVED = -1
QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")


@dataclass
class Rows:
    """Rows of a label file, before their labels are looked up.

    Attributes:
        numbers: int64 (N,): line or entry of each row, from 1.
        clip_id: string (N,).
        duration_s: double (N,), null where the file does not say.
        labels: dictionary<int32, string> (N,): the label texts as they stand in the file.
        findings: rows that are not among the N.
    """

    numbers: npt.NDArray[np.int64]
    clip_id: pa.StringArray
    duration_s: pa.DoubleArray
    labels: pa.DictionaryArray
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def from_lists(
        cls,
        numbers: Sequence[int],
        clips: Sequence[str],
        durations_ms: Sequence[int | None],
        labels: Sequence[str],
        findings: list[Finding],
    ) -> "Rows":
        """Rows from equally long lists."""
        seconds = [None if ms is None else ms / 1000 for ms in durations_ms]
        return cls(
            np.array(numbers, np.int64),
            pa.array(clips, pa.string()),
            pa.array(seconds, pa.float64()),
            pa.array(labels, pa.string()).dictionary_encode(),
            findings,
        )


class LabelResolver:
    """Looks labels up: text to the position of its class in the ontology.

    Args:
        ontology: the graph, with its aliases and names.
        codes: texts that mean a class in this format only, such as PSL's column numbers.
        one_label: whether each text is one label, whose commas are its own.
        drop: whether unknown labels are dropped (and counted) or raise an error.
    """

    def __init__(
        self,
        ontology: Ontology,
        *,
        codes: Mapping[str, str] | None = None,
        one_label: bool = False,
        drop: bool = False,
    ) -> None:
        self.ontology = ontology
        self.drop = drop
        self._codes = codes
        self._one_label = one_label
        self.position = lru_cache(maxsize=1 << 16)(self._position)
        self.split = lru_cache(maxsize=1 << 16)(self._split)

    def _position(self, label: str) -> int:
        id_ = self._codes.get(label) if self._codes else self.ontology.resolve(label)
        return UNRESOLVED if id_ is None else self.ontology.index[id_]

    def _split(self, text: str) -> tuple[str, ...]:
        """The labels in a text: a list as Python prints it, or joined by `;`, `|` or `,`.

        Display names hold commas, so neighbours that only together make a name stay together.
        """
        text = text.strip()
        if self._one_label and text:
            return (", ".join(_clean(text.split(","))),)
        if text.startswith("[") and text.endswith("]"):
            pairs = QUOTED.findall(text)
            return tuple((a or b).strip() for a, b in pairs if (a or b).strip())
        for separator in ";|":
            if separator in text:
                return tuple(_clean(text.split(separator)))
        parts = _clean(text.split(","))
        return tuple(parts) if all(map(self._known, parts)) else tuple(self._join_names(parts))

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


def _clean(parts: list[str]) -> list[str]:
    stripped = (part.strip().strip("\"'").strip() for part in parts)
    return [part for part in stripped if part]


@dataclass
class ParsedTexts:
    """Distinct label texts as sets.

    Attributes:
        sets: one set a text.
        unknown: text number to the labels in it that no class has.
        repeated: numbers of the texts that name a class twice.
    """

    sets: LabelSets
    unknown: dict[int, tuple[str, ...]]
    repeated: list[int]


def parse_texts(texts: pa.StringArray, resolver: LabelResolver) -> ParsedTexts:
    """Parse label texts: all at once where commas and ids suffice, else one by one."""
    pieces = pc.split_pattern(texts, ",")
    counts = np.diff(to_numpy(pieces.offsets))
    tokens = pieces.flatten().dictionary_encode()
    positions = np.array([resolver.position(t) for t in tokens.dictionary.to_pylist()], np.int64)
    classes = positions[to_numpy(tokens.indices)]
    owners = np.repeat(np.arange(len(texts)), counts)

    hard = np.unique(owners[classes == UNRESOLVED])
    simple = ~np.isin(owners, hard)
    more_owners, more_classes, unknown = [], [], {}
    for text_number in hard.tolist():
        labels = resolver.split(texts[text_number].as_py())
        found = [resolver.position(label) for label in labels]
        lost = tuple(a for a, p in zip(labels, found, strict=True) if p == UNRESOLVED)
        if lost:
            unknown[text_number] = lost
        kept = [p for p in found if p != UNRESOLVED]
        more_owners += [text_number] * len(kept)
        more_classes += kept
    owners = np.concatenate([owners[simple], np.array(more_owners, np.int64)])
    classes = np.concatenate([classes[simple], np.array(more_classes, np.int64)])

    given = np.bincount(owners, minlength=len(texts))
    sets = LabelSets.build(owners, classes, given > 0)
    return ParsedTexts(sets, unknown, np.flatnonzero(given > sets.sizes).tolist())


def annotate(rows: Rows, resolver: LabelResolver, source: str) -> Annotations:
    """Annotations of rows that hold one clip each.

    Raises:
        UnknownLabelError: a label is unknown and the resolver does not drop.
    """
    parsed = parse_texts(rows.labels.dictionary, resolver)
    indices = to_numpy(rows.labels.indices)
    refuse_unknown(parsed, indices, rows.numbers, resolver, source)
    findings = [*rows.findings, *text_findings(parsed, indices, rows, source)]
    return Annotations(
        resolver.ontology,
        rows.clip_id,
        to_arrow(np.zeros(len(indices))),
        rows.duration_s,
        indices,
        rows.numbers,
        parsed.sets,
        Report(
            rows=len(indices) + sum(f.kind == "row unused" for f in rows.findings),
            rows_used=len(indices),
            findings=findings,
        ),
    )


def refuse_unknown(
    parsed: ParsedTexts,
    indices: npt.NDArray[Any],
    numbers: npt.NDArray[np.int64],
    resolver: LabelResolver,
    source: str,
) -> None:
    """Raise for the first unknown labels, unless they are to be dropped."""
    if not parsed.unknown or resolver.drop:
        return
    first: dict[str, int] = {}
    bad = np.flatnonzero(np.isin(indices, list(parsed.unknown)))
    for row in bad.tolist():
        for label in parsed.unknown[int(indices[row])]:
            first.setdefault(label, int(numbers[row]))
    shown = shortlist(f"{label!r} (row {row:,})" for label, row in first.items())
    raise UnknownLabelError(
        f"{source}: labels that ontology, supplement and aliases all lack, in {len(bad):,} rows "
        f"so far: {shown}. Mend them, or drop and count them with --unknown drop "
        f"(unknown='drop')"
    )


def text_findings(
    parsed: ParsedTexts, indices: npt.NDArray[Any], rows: Rows, source: str
) -> list[Finding]:
    """Findings about the labels of each row."""

    def about(texts: Sequence[int], kind: str, reason: Callable[[int], str]) -> list[Finding]:
        if not len(texts):
            return []
        hit = np.flatnonzero(np.isin(indices, texts)).tolist()
        return [
            Finding(
                source, int(rows.numbers[r]), rows.clip_id[r].as_py(), kind, reason(int(indices[r]))
            )
            for r in hit
        ]

    unlabelled = np.flatnonzero(~parsed.sets.labelled).tolist()
    return [
        *about(
            sorted(parsed.unknown),
            "label dropped",
            lambda t: f"unknown label: {'; '.join(parsed.unknown[t])}",
        ),
        *about(parsed.repeated, "duplicate label", lambda _: "a label stands there twice"),
        *about(
            unlabelled,
            "clip unlabelled",
            lambda t: "no known label is left" if t in parsed.unknown else "no label",
        ),
    ]


@dataclass
class LongRows:
    """Collects files with one row a label; `annotations` groups them by clip.

    Attributes:
        clips: clip id to its number, in order of first appearance.
        durations_ms: length of each clip, or None.
        first_rows: row in which each clip first stood.
    """

    resolver: LabelResolver
    source: str
    clips: dict[str, int] = field(default_factory=dict)
    durations_ms: list[int | None] = field(default_factory=list)
    first_rows: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rows: int = 0
    _owners: list[npt.NDArray[np.int64]] = field(default_factory=list)
    _classes: list[npt.NDArray[np.int32]] = field(default_factory=list)

    def add(self, rows: Rows) -> None:
        """Take in further rows.

        Raises:
            UnknownLabelError: a label is unknown and the resolver does not drop.
        """
        parsed = parse_texts(rows.labels.dictionary, self.resolver)
        indices = to_numpy(rows.labels.indices)
        refuse_unknown(parsed, indices, rows.numbers, self.resolver, self.source)
        self.findings += [
            f
            for f in [*rows.findings, *text_findings(parsed, indices, rows, self.source)]
            if f.kind != "clip unlabelled"
        ]
        self.rows += len(indices)
        owners = np.empty(len(indices), np.int64)
        durations = rows.duration_s.to_pylist()
        for i, clip in enumerate(rows.clip_id.to_pylist()):
            owners[i] = self.clips.setdefault(clip, len(self.clips))
            if owners[i] == len(self.first_rows):
                self.first_rows.append(int(rows.numbers[i]))
                self.durations_ms.append(None)
            if durations[i] is not None:
                self.durations_ms[owners[i]] = round(durations[i] * 1000)
        each = parsed.sets.take(indices)
        self._owners.append(np.repeat(owners, each.sizes))
        self._classes.append(each.classes)

    def annotations(self) -> Annotations:
        """The clips in order of their first row."""
        n = len(self.clips)
        owners = np.concatenate([*self._owners, np.zeros(0, np.int64)])
        classes = np.concatenate([*self._classes, np.zeros(0, np.int32)])
        labelled = np.bincount(owners, minlength=n) > 0
        ids = list(self.clips)
        unlabelled = [
            Finding(self.source, self.first_rows[i], ids[i], "clip unlabelled", "no label is left")
            for i in np.flatnonzero(~labelled).tolist()
        ]
        seconds = [None if ms is None else ms / 1000 for ms in self.durations_ms]
        unused = sum(f.kind == "row unused" for f in self.findings)
        return Annotations(
            self.resolver.ontology,
            pa.array(ids, pa.string()),
            to_arrow(np.zeros(n)),
            pa.array(seconds, pa.float64()),
            np.arange(n, dtype=np.int32),
            np.array(self.first_rows, np.int64),
            LabelSets.build(owners, classes, labelled),
            Report(
                rows=self.rows + unused, rows_used=self.rows, findings=self.findings + unlabelled
            ),
        )

"""What the report page shows, as plain values that JSON can hold."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from math import isnan, nan
from os.path import relpath
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from audiolabels.arrays.columns import to_numpy
from audiolabels.clips.index import ClipFinder
from audiolabels.clips.names import video_and_start
from audiolabels.comparison.file_comparison import compare_files, read_side
from audiolabels.errors import LabelFileError, OptionError, guarded
from audiolabels.features import open_features
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.report import FATES, Report
from audiolabels.metrics.score_analysis import analyse_scores
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.readers import read_scores
from audiolabels.schemes import expand
from audiolabels.schemes.class_quality import ratings_by_id, read_class_quality
from audiolabels.targets.targets import TargetRows

Bits = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

EXAMPLES = 5  # clips of each class and state, and of each kind of finding
NAMED = 8  # classes that changed most, up and down
SUSPICIONS = 500  # of each kind of an audit, that can be judged
HALF = 0.5  # from where on a soft target counts as positive


def page_content(
    inputs: Sequence[str | Path],
    *,
    scheme: str = "pe-cml",
    vocabulary: str | Path | Vocabulary | None = None,
    ontology: Ontology | None = None,
    scores: str | Path | None = None,
    against: str | Path | None = None,
    audio: str | Path | None = None,
    evaluation: str | Path | None = None,
    class_quality: str | Path | None = None,
    audit: str | Path | None = None,
    page: str | Path = ".",
    **reading: Any,
) -> dict[str, Any]:
    """Read files and gather what the page shows.

    Args:
        inputs: label files, or one targets file or folder.
        scheme: what is made of labels.
        vocabulary: of labels; see `audiolabels.expand`.
        ontology: the embedded one with its supplement by default.
        scores: a teacher's, of the same clips.
        against: another file of labels or targets to compare with.
        audio: a folder of recordings to play, found by clip id.
        evaluation: a folder that `audiolabels evaluate` wrote.
        class_quality: a CSV file of `label_id`, `num_rated`, `num_true`, as AudioSet's.
        audit: a list that `audiolabels audit` wrote.
        page: the page's folder, which addresses of recordings are relative to.
        **reading: how label files are read: see `audiolabels.readers.ReadOptions`.

    Raises:
        AudioLabelsError: a file cannot be read.
        OptionError: several inputs, of which one holds targets.
    """
    ontology = default_ontology(ontology)
    side = read_side(inputs, ontology, **reading)
    given, after, report = _two_states(*side, scheme, vocabulary)
    classes = after.vocabulary
    columns = _columns(given, after)
    if scores is not None:
        found = analyse_scores(read_scores(scores, ontology=ontology).over(classes))
        columns["found"] = found.counts.found_by_class.tolist()
    if evaluation is not None:
        table = Path(evaluation) / "classes.csv"
        columns["average precision"] = _average_precision(table, classes)
    if class_quality is not None:
        ratings = ratings_by_id(read_class_quality(class_quality), ontology)
        columns["label quality"] = [
            _number(true / rated if rated else nan)
            for rated, true in (
                ratings.get(ontology.resolve(id_) or id_, (0, 0)) for id_ in classes.ids
            )
        ]
    players = _players(Path(audio), Path(page)) if audio is not None else {}
    clips = _Clips(after, given, players)
    _take_examples(clips, given, after)
    _take_contradictions(clips, report, classes, ontology)
    content = {
        "title": ", ".join(Path(path).name for path in inputs),
        "facts": _facts(after, report),
        "nodes": _tree(classes, ontology),
        "ids": list(classes.ids),
        "names": list(classes.names),
        "columns": {name: values for name, values in columns.items() if values is not None},
        "findings": _findings(report),
        "rows": len(after),
        "row": "frames" if "frame_length" in after.metadata.get("options", {}) else "clips",
    }
    if against is not None:
        content["comparison"] = _comparison(inputs[0], against, ontology, reading)
    if audit is not None:
        content["audit"] = _audit(Path(audit), clips)
    return {**content, "examples": clips.examples, "clips": clips.shown}


def _two_states(
    side: Annotations | TargetRows, report: Report, scheme: str, vocabulary: Any
) -> tuple[TargetRows | None, TargetRows, Report]:
    """Targets as given, if these are labels, and as the scheme makes them."""
    if isinstance(side, TargetRows):
        return None, side, report
    given, after = (expand(side, name, vocabulary=vocabulary) for name in ("weak", scheme))
    return given, after, report


def _columns(given: TargetRows | None, after: TargetRows) -> dict[str, Any]:
    table = after.summary()
    columns: dict[str, Any] = {}
    if given is not None:
        columns["given"] = given.summary()["positive"].tolist()
    columns["positive"] = table["positive"].tolist()
    known = np.maximum(1, len(after) - table["unknown"].to_numpy())
    columns["prior"] = np.round(table["positive"].to_numpy() / known, 6).tolist()
    share = table["unknown"].to_numpy() / max(1, len(after))
    columns["unknown"] = np.round(share, 6).tolist()
    return columns


class _Clips:
    """The clips that the page shows, each once, and which are examples of what.

    Attributes:
        shown: of each clip its id, start of the segment, classes by state, and where to listen.
        examples: state to a list for each class of numbers of clips.
    """

    def __init__(
        self, after: TargetRows, given: TargetRows | None, players: Mapping[str, str]
    ) -> None:
        self._after, self._given, self._players = after, given, players
        self._number: dict[int, int] = {}  # row to number
        self.shown: list[dict[str, Any]] = []
        self.examples: dict[str, list[list[int]]] = {}

    def __call__(self, row: int) -> int:
        """The number of the clip in a row."""
        if row not in self._number:
            self._number[row] = len(self.shown)
            self.shown.append(self._show(row))
        return self._number[row]

    def row_of(self, clip: str) -> int:
        """The first row of a clip."""
        finder, first = self._finder
        return int(first[finder.row_of(clip)])

    @cached_property
    def _finder(self) -> tuple[ClipFinder, Ints]:
        """A finder of clips, and the first row of each."""
        encoded = self._after.clip_id.dictionary_encode()
        return ClipFinder(encoded.dictionary), np.unique(
            to_numpy(encoded.indices), return_index=True
        )[1]

    def _show(self, row: int) -> dict[str, Any]:
        target, mask = self._after.to_numpy([row])
        clip = self._after.clip_id[row].as_py()
        positive = np.flatnonzero(target[0] >= HALF)
        states = {"positive": positive.tolist(), "unknown": np.flatnonzero(mask[0] == 0).tolist()}
        if self._given is not None:
            own = np.flatnonzero(self._given.to_numpy([row])[0][0])
            states |= {"given": own.tolist(), "implied": np.setdiff1d(positive, own).tolist()}
            del states["positive"]
        onset = self._after.onset[row].as_py()
        shown: dict[str, Any] = {"id": clip, **{k: v for k, v in states.items() if v}}
        if "frame_length" in self._after.metadata.get("options", {}) and onset is not None:
            shown["onset"] = round(onset, 3)
        video, start = video_and_start(clip)
        if clip in self._players:
            shown["player"] = self._players[clip]
        elif start is not None:
            shown["link"] = f"https://www.youtube.com/watch?v={video}&t={start // 1000}"
        return shown


def _take_examples(clips: _Clips, given: TargetRows | None, after: TargetRows) -> None:
    """Choose some clips of each class and state, of different label sets."""
    positive, of_row = after.positive_bits()
    masked, masked_of_row = after.masked_bits()
    sides = [(positive, of_row), (masked, masked_of_row)]
    if given is not None:
        sides.append(given.positive_bits())
    key = np.zeros(len(after), np.int64)
    for bits, which in sides:
        key = np.unique(key * len(bits) + which, return_inverse=True)[1]
    first = np.unique(key, return_index=True)[1]  # a row of each combination
    positive, masked, *others = (bits[which[first]] for bits, which in sides)
    states = {"positive": positive, "unknown": masked}
    if others:
        states = {"given": others[0], "implied": positive & ~others[0], "unknown": masked}
    for state, bits in states.items():
        clips.examples[state] = [
            [clips(int(row)) for row in first[_some(bits, column)]]
            for column in range(len(after.vocabulary))
        ]


def _some(bits: Bits, column: int) -> Ints:
    """Up to `EXAMPLES` rows that have a column, evenly over all of them."""
    rows = np.flatnonzero(bits[:, column >> 3] & (128 >> (column & 7)))
    return rows[np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows)), dtype=np.int64)]


def _take_contradictions(
    clips: _Clips, report: Report, classes: Vocabulary, ontology: Ontology
) -> None:
    """Clips with labels that contradict each other, by class, from the findings."""
    found: list[list[int]] = [[] for _ in classes.ids]
    for finding in report.findings:
        column = classes.index.get(ontology.resolve(finding.label) or "")
        if finding.kind != "contradiction" or column is None or len(found[column]) == EXAMPLES:
            continue
        found[column].append(clips(clips.row_of(finding.clip)))
    if any(found):
        clips.examples["contradictory"] = found


def _players(folder: Path, page: Path) -> dict[str, str]:
    """Clip id to the address of its recording, relative to the page."""
    features = open_features(folder)
    paths = getattr(features, "paths", None)
    if paths is None:
        raise OptionError(f"{folder}: no folder of recordings")
    return {
        clip: quote(relpath(path, page))
        for clip, path in zip(features.clip_ids, paths, strict=True)
    }


def _average_precision(path: Path, classes: Vocabulary) -> list[float | None]:
    """That of each class, from what `evaluate` wrote; None where there is none.

    Raises:
        LabelFileError: the file lacks a column, or a cell is no number.
    """
    with guarded(path, LabelFileError), path.open(encoding="utf-8-sig", newline="") as file:
        try:
            rows = [*csv.DictReader(file)]
            found = {row["id"]: float(row["average_precision"] or nan) for row in rows}
        except (KeyError, TypeError, ValueError) as error:
            raise LabelFileError(f"{path}: a row lacks a column or a number: {error}") from error
    return [_number(found.get(id_, nan)) for id_ in classes.ids]


def _tree(classes: Vocabulary, ontology: Ontology) -> list[tuple[str, int, int]]:
    """The classes and their ancestors: name, number of the first parent (-1), column (-1)."""
    wanted = set(classes.ids)
    wanted |= {above for id_ in classes.ids if id_ in ontology for above in ontology.ancestors(id_)}
    order = [id_ for id_ in ontology if id_ in wanted]
    order += [id_ for id_ in classes.ids if id_ not in ontology]
    number = {id_: place for place, id_ in enumerate(order)}
    names = dict(zip(classes.ids, classes.names, strict=True))
    nodes = []
    for id_ in order:
        parents = ontology.parents(id_) if id_ in ontology else ()
        name = names.get(id_) or ontology.name(id_)
        nodes.append((name, number[parents[0]] if parents else -1, classes.index.get(id_, -1)))
    return nodes


def _facts(after: TargetRows, report: Report) -> list[tuple[str, str]]:
    """What the input is and how it was made."""
    metadata = after.metadata
    options = ", ".join(f"{name} {value}" for name, value in metadata.get("options", {}).items())
    facts = [
        ("scheme", ", ".join(filter(None, [str(metadata.get("scheme", "")), options]))),
        ("vocabulary", f"{after.vocabulary.name} ({len(after.vocabulary)} classes)"),
        ("rows read", f"{report.rows:,}, {report.rows_used:,} used"),
    ]
    facts += [
        (source["name"], f"{source['format']}, {source['rows']:,} rows, SHA-256 {source['sha256']}")
        for source in report.sources
    ]
    return facts + [("", note) for note in report.notes]


def _findings(report: Report) -> list[dict[str, Any]]:
    examples: dict[tuple[str, str], list[str]] = {}
    for finding in report.findings:
        own = examples.setdefault((finding.kind, finding.reason), [])
        if len(own) < EXAMPLES:
            where = f"{finding.source}, row {finding.row}: {finding.clip}"
            own.append(f"{where} · {finding.label}" if finding.label else where)
    return [
        {"kind": kind, "reason": reason, "fate": FATES[kind], "count": count,
         "examples": examples[kind, reason]}
        for (kind, reason), count in report.counts().most_common()
    ]  # fmt: skip


def _comparison(
    a: str | Path, b: str | Path, ontology: Ontology, reading: Mapping[str, Any]
) -> dict[str, Any]:
    found = compare_files(a, b, ontology=ontology, **reading)
    order = found.changed_priors(5)
    shown = order if len(order) <= 2 * NAMED else [*order[:NAMED], *order[-NAMED:]]
    return {
        "a": Path(a).name,
        "b": Path(b).name,
        "clips": found.clips,
        "overlaps": [
            [
                o.scope,
                o.classes,
                o.in_a,
                o.in_b,
                o.in_both,
                _number(o.share_of_a),
                _number(o.share_of_b),
            ]
            for o in found.overlaps()
        ],
        "priors": [
            [found.names[c], _number(found.prior_a[c]), _number(found.prior_b[c])] for c in shown
        ],
    }


def _number(value: float) -> float | None:
    return None if isnan(value) else round(float(value), 6)


def _audit(path: Path, clips: _Clips) -> list[dict[str, Any]]:
    """The first suspicions of each kind of an audit, each with the number of its clip."""
    with guarded(path, LabelFileError), path.open(encoding="utf-8-sig", newline="") as file:
        rows = [*csv.DictReader(file)]
    wanted = ("clip_id", "id", "name", "kind", "evidence", "suspicion")
    if rows and (lacking := [name for name in wanted if rows[0].get(name) is None]):
        raise LabelFileError(
            f"{path}: no column {', '.join(lacking)}; 'audiolabels audit' writes it"
        )
    taken: Counter[str] = Counter()
    found = []
    for row in rows:
        taken[row["kind"]] += 1
        if taken[row["kind"]] <= SUSPICIONS:
            clip = clips(clips.row_of(row["clip_id"]))
            found.append({**{name: row[name] for name in wanted}, "clip": clip})
    return found

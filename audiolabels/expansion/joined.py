"""Joins: several data sets, each with its labels, mapping and coverage, in one file of targets.

A join is a TOML file with a table for each data set; what stands before the tables holds for all:

    scheme = "pe-cml"
    vocabulary = "audioset"

    [audioset]
    labels = "balanced_train_segments.csv"

    [desed]
    events = "desed.tsv"
    scheme = "diffuse"
    mapping = "desed"
    prefix = "desed/"

`labels` or `events` name one file or several, relative to the TOML file. The other keys are the
options of reading and of the scheme. Clips of two data sets stay two rows, whatever their ids.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiolabels.datasets.cache import find_files
from audiolabels.errors import OptionError, choose, expect, guarded, located, nearest
from audiolabels.expansion.plan import Plan, Progress, shifted
from audiolabels.expansion.summary import Recorder
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.events import Events
from audiolabels.labels.report import Report
from audiolabels.ontology.ontology import Ontology, default_ontology
from audiolabels.ontology.vocabulary import Vocabulary, describe_vocabulary, load_vocabulary
from audiolabels.readers import BlockSizes, EventOptions, ReadOptions, read_events
from audiolabels.readers.annotations.reading import gather_labels
from audiolabels.readers.options import STATED, VerdictPrefixes
from audiolabels.readers.reports import listed_inputs
from audiolabels.schemes import SCHEMES, bind_scheme, describe, expand
from audiolabels.schemes.scheme import Scheme, SchemeCounts
from audiolabels.targets.layouts import Layout, choose_layout
from audiolabels.targets.targets import Targets

KINDS: Mapping[str, type] = {"labels": Annotations, "events": Events}
OWN = ("vocabulary", "layout")  # keys of the whole join, not of a source
PATHS = ("clip_durations", "explicit_negatives", "verdicts", "class_quality", "aliases", "mapping",
         "annotated")  # fmt: skip

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """One data set of a join.

    Attributes:
        name: of its table.
        paths: its files.
        scheme: the scheme with its options.
        read: how the files are read.
    """

    name: str
    paths: tuple[Path, ...]
    scheme: Scheme
    read: EventOptions


@dataclass
class SourceCounts:
    """What the targets of one data set are.

    Attributes:
        clips, rows: clips, and rows of the targets.
        positive, negative, unknown: targets in each state.
        covers: bool (C,): the classes that are known in some row.
    """

    clips: int
    rows: int
    positive: int
    negative: int
    unknown: int
    covers: npt.NDArray[np.bool_]

    def stated(self) -> dict[str, int]:
        """The numbers that metadata hold."""
        names = ("clips", "rows", "positive", "negative", "unknown")
        return {**{name: getattr(self, name) for name in names}, "covered": int(self.covers.sum())}


@dataclass
class JoinCounts(SchemeCounts):
    """Counts of a join.

    Attributes:
        sources: name of a data set to what its targets are.
    """

    sources: dict[str, SourceCounts] = field(default_factory=dict)

    def nothing_known(self) -> bool:
        """See `SchemeCounts`."""
        return not any(own.positive + own.negative for own in self.sources.values())

    def alone(self) -> dict[str, npt.NDArray[np.intp]]:
        """Name of a data set to the columns of the classes that it alone covers."""
        number = np.sum([counts.covers for counts in self.sources.values()], axis=0)
        return {n: np.flatnonzero(c.covers & (number == 1)) for n, c in self.sources.items()}


@dataclass(frozen=True)
class Join:
    """Several data sets to be joined.

    Attributes:
        sources: the data sets, in order.
        vocabulary: the classes of the columns.
        ontology: that of all of them.
        layout: how the targets are stored.
    """

    sources: tuple[Source, ...]
    vocabulary: Vocabulary
    ontology: Ontology
    layout: Layout

    @property
    def listed(self) -> str:
        """The second state that files list: unknown, if the data sets differ."""
        listed = {source.scheme.options.listed for source in self.sources}
        return listed.pop() if len(listed) == 1 else "masked"

    def facts(self) -> dict[str, Any]:
        """The metadata of the targets."""
        joined = []
        for source in self.sources:
            made = describe(source.scheme, self.vocabulary, self.ontology, labels=False)
            facts = {"name": source.name, "scheme": made["scheme"], "options": made["options"]}
            facts |= source.scheme.options.facts()
            facts |= source.read.read.facts(self.ontology)
            facts.pop("annotated", None)  # known once the files are read
            joined.append(facts)
        return join_facts(joined, self.vocabulary, self.ontology)

    def plan(self, source: Source, progress: Progress | None, done: int) -> Plan:
        """What is asked for of one data set; `done` are the bytes of those before it."""
        paths = [path for each in self.sources for path in each.paths]
        total = sum(path.stat().st_size for path in paths if path.is_file())
        return Plan(
            source.scheme,
            self.vocabulary,
            self.ontology,
            source.read,
            source.paths,
            self.layout,
            shifted(progress, done, total),
        )

    def record(self, source: Source, part: Recorder, whole: Recorder) -> None:
        """Add what one data set became to the counts and the report of all."""
        whole.take_part(part)
        counts = whole.summary.counts
        assert isinstance(counts, JoinCounts)
        own = count_source(part.summary.counts, len(self.vocabulary))
        counts.sources[source.name] = own
        counts.clips += own.clips
        place = [each.name for each in self.sources].index(source.name)
        facts = whole.summary.metadata["joined"][place]
        facts |= {**reading_facts(part.summary.report), "counts": own.stated()}


def join_facts(
    joined: list[dict[str, Any]], vocabulary: Vocabulary, ontology: Ontology
) -> dict[str, Any]:
    """The metadata of a join, whose options are those that all data sets have in common."""
    first, *others = (each["options"].items() for each in joined)
    return {
        "scheme": "join",
        "options": {n: value for n, value in first if all((n, value) in own for own in others)},
        "joined": joined,
        "vocabulary": describe_vocabulary(vocabulary),
        "ontology": {"digest": ontology.digest, "classes": len(ontology)},
    }


def reading_facts(report: Report) -> dict[str, Any]:
    """What metadata state of how the files of a data set were read, if it is not the default."""
    return {n: value for file in report.sources for n, value in file.items() if n in STATED}


def count_source(counts: Any, columns: int) -> SourceCounts:
    """What the targets of one data set are, from the counts of its scheme."""
    rows = getattr(counts, "frames", counts.clips)
    unknown = int(getattr(counts, "unknown", counts.unknown_by_class.sum()))
    return SourceCounts(
        clips=counts.clips,
        rows=rows,
        positive=counts.positive,
        negative=rows * columns - counts.positive - unknown,
        unknown=unknown,
        covers=counts.unknown_by_class < rows,
    )


def read_join(path: Path, defaults: Table, ontology: Ontology, block_sizes: BlockSizes) -> Join:
    """Read a TOML file that joins data sets.

    Args:
        path: the file.
        defaults: `scheme`, `vocabulary`, `layout` and options, where the file has no others.
        ontology: that of all data sets.
        block_sizes: see `ReadOptions`.

    Raises:
        OptionError: not such a file, an option that is not known, or a value that it does not take.
    """
    with guarded(path, OptionError, "not a TOML file"):
        content = tomllib.loads(path.read_text("utf-8-sig"))
    tables = {name: value for name, value in content.items() if isinstance(value, dict)}
    shared = {name: value for name, value in content.items() if name not in tables}
    if not tables:
        raise OptionError(f"{path}: no data set; each has a table, such as [audioset]")
    with guarded(path, OptionError):
        given = {**{n: v for n, v in defaults.items() if v is not None}, **_beside(shared, path)}
        own = {name: given.pop(name) for name in OWN if name in given}
        sources, prefixes = [], verdict_prefixes(tables, given)
        for name, table in tables.items():
            with located(f"source {name!r}"):
                kind, files, options = take_inputs(_beside(table, path), given)
                for file in files:
                    expect(f"an entry of {kind}", file, str, "the name of a file")
                inside = [file if ":" in file else path.parent / file for file in files]
                if not (found := tuple(find_files(kind, inside))):
                    raise OptionError(f"no file of {kind} is named")
                scheme, read = bind_inputs(options.pop("scheme"), options, block_sizes)
                if read.read.soft:
                    raise OptionError("a join has hard targets: give a threshold for the values")
                if prefixes is not None and "verdicts" not in table:
                    read = replace(read, read=replace(read.read, verdict_prefixes=prefixes))
                read.read.facts(ontology)  # raises the error of a mapping or coverage here
                sources.append(Source(name, found, scheme, read))
        default = sources[0].scheme.vocabulary
        vocabulary = load_vocabulary(own.get("vocabulary"), ontology=ontology, default=default)
        layout = choose_layout(own.get("layout"), soft=False)
        if any(source.scheme.options.weighted for source in sources):
            layout = layout.with_weights()
        return Join(tuple(sources), vocabulary, ontology, layout)


def _beside(table: Table, path: Path) -> dict[str, Any]:
    """A table whose paths are relative to the file that it is in."""
    found = dict(table)
    for name in (*PATHS, "vocabulary"):
        value = table.get(name)
        if isinstance(value, str) and (path.parent / value).is_file():
            found[name] = str(path.parent / value)
    return found


def take_inputs(table: Table, shared: Table) -> tuple[str, list[Any], dict[str, Any]]:
    """Kind and inputs of a data set, and its options with those that it shares.

    Raises:
        OptionError: not one of `labels` and `events`, a scheme of another kind, or an option that
            neither the scheme nor the reader has.
    """
    kinds = [kind for kind in KINDS if kind in table]
    if len(kinds) != 1:
        raise OptionError(f"give either {' or '.join(KINDS)}, its files; {len(kinds)} are given")
    (kind,) = kinds
    inputs = table[kind]
    listed = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    options = {name: value for name, value in table.items() if name != kind}
    scheme = choose("scheme", str({"scheme": "pe-cml", **shared, **options}["scheme"]), SCHEMES)
    reads = SCHEMES[scheme].reads
    if reads is not KINDS[kind]:
        other = next((k for k, type_ in KINDS.items() if type_ is reads), "")
        remedy = "give scheme = 'diffuse' or 'strong-framed', or name the files as labels"
        if kind == "labels":
            remedy = "name the files as events" if other else "joins take labels and events alone"
        raise OptionError(f"scheme {scheme!r} does not read {kind}: {remedy}")
    names = {"scheme", *ReadOptions.declared(), *SCHEMES[scheme].options.declared()}
    names |= set(EventOptions.declared()) if reads is Events else set()
    for name in options:
        if name not in names:
            near = "".join(f"; did you mean {n!r}?" for n in nearest(name, names, 1))
            raise OptionError(f"there is no option {name!r}{near}")
    known = {name for each in SCHEMES.values() for name in each.options.declared()}
    known |= {"scheme", *ReadOptions.declared(), *EventOptions.declared()}
    for name in shared:
        if name not in known:
            raise OptionError(f"there is no option {name!r} for all data sets")
    inherited = {name: value for name, value in shared.items() if name in names}
    if kind == "events":  # which have times, and verdicts do not
        inherited.pop("verdicts", None)
    return kind, listed, {**inherited, **options, "scheme": scheme}


def verdict_prefixes(tables: Mapping[str, Table], shared: Table) -> VerdictPrefixes | None:
    """The prefixes by which data sets of labels find their own among verdicts on the whole join;
    None without such verdicts. A data set with a file of its own takes none of them.

    Raises:
        OptionError: two have the same prefix, or there is none.
    """
    if shared.get("verdicts") is None:
        return None
    found, others = dict[str, str](), list[str]()
    for name, table in tables.items():
        prefix = str(table.get("prefix", shared.get("prefix", "")))
        if "labels" not in table or "verdicts" in table:
            others.append(prefix)
        else:
            if prefix in found:
                raise OptionError(
                    f"verdicts on a whole join find their data set by the prefix of clip ids, and "
                    f"{found[prefix]!r} and {name!r} both have {prefix!r}: give each a prefix, or "
                    f"name a file of verdicts in the table of the data set that it is of"
                )
            found[prefix] = str(name)
    if not found:
        raise OptionError("verdicts are on labels of clips, and no data set of the join has these")
    return VerdictPrefixes(tuple(found), tuple(p for p in others if p not in found))


def bind_inputs(
    scheme: str, given: dict[str, Any], block_sizes: BlockSizes
) -> tuple[Scheme, EventOptions]:
    """A scheme with its options, and how its files are read.

    Raises:
        OptionError: an option that neither has, a value that it does not take, or weights by what
            is not read.
    """
    reads = SCHEMES[choose("scheme", scheme, SCHEMES)].reads
    read = ReadOptions.take(given, block_sizes=block_sizes)
    events = EventOptions.take(given, read=read) if reads is Events else EventOptions(read)
    bound = bind_scheme(scheme, given)
    judged, rated = (value is not None for value in (read.verdicts, read.raters))
    bound.options.require_evidence(verdicts=judged, raters=rated)
    return bound, events


def join(
    sources: Mapping[str, Table] | Sequence[Table],
    scheme: str = "pe-cml",
    *,
    vocabulary: Any = None,
    ontology: Ontology | None = None,
    **options: Any,
) -> Targets:
    """Join several data sets in memory.

    Args:
        sources: the tables of a join (see `audiolabels.expansion.joined`), by name or in order.
            Their `labels` or `events` are files, or labels that were read already.
        scheme, vocabulary: those of all data sets that have no others.
        **options: likewise.
        ontology: the embedded one with its supplement by default.

    Returns:
        The rows of all data sets, one after the other. Metadata `joined` has scheme, options and
        numbers of targets of each.

    Raises:
        OptionError: see `read_join`.
        VocabularyError: no such vocabulary, or the ontology lacks one of its classes.

    >>> bird = {"labels": Annotations.from_dict({"a": ["Bird"]}), "prefix": "birds/"}
    >>> rain = {"labels": Annotations.from_dict({"a": ["Rain"]}), "prefix": "rain/"}
    >>> joined = join([bird, rain], vocabulary=["Bird", "Rain"])
    >>> joined.clip_id.to_pylist(), joined.to_numpy()[0].tolist()
    (['birds/a', 'rain/a'], [[1.0, 0.0], [0.0, 1.0]])
    """
    expect("sources", sources, Mapping | Sequence, "a list of tables, or a mapping of them")
    named = sources if isinstance(sources, Mapping) else dict(enumerate(sources, 1))
    ontology = default_ontology(ontology)
    prefixes = verdict_prefixes({str(n): table for n, table in named.items()}, options)
    parts: list[Targets] = []
    joined: list[dict[str, Any]] = []
    for name, table in named.items():
        with located(f"source {name!r}"):
            expect("a source", table, Mapping, "a table with labels or events")
            kind, inputs, own = take_inputs(table, {"scheme": scheme, **options})
            shared = prefixes if "verdicts" not in table else None
            labels = _read(kind, inputs, own, ontology, shared)
            chosen = own.pop("scheme")
            default = SCHEMES[chosen].vocabulary
            vocabulary = load_vocabulary(vocabulary, ontology=ontology, default=default)
            part = expand(labels, chosen, vocabulary=vocabulary, **own)
            if not isinstance(part, Targets):
                raise OptionError("a join has hard targets: give a threshold for the values")
            parts.append(part)
            facts = {"name": str(name), "scheme": chosen, "options": part.metadata["options"]}
            facts |= {n: part.metadata[n] for n in ("quality",) if n in part.metadata}
            joined.append(facts | reading_facts(labels.report))
    if not parts:
        raise OptionError("no data set to join")
    return replace(Targets.concat(parts), metadata=join_facts(joined, vocabulary, ontology))


def _read(
    kind: str,
    inputs: list[Any],
    options: dict[str, Any],
    ontology: Ontology,
    prefixes: VerdictPrefixes | None,
) -> Annotations | Events:
    """The labels of a data set; the options of reading are taken out."""
    names = {**ReadOptions.declared(), **(EventOptions.declared() if kind == "events" else {})}
    reading = {name: options.pop(name) for name in names if name in options}
    first = inputs[0] if len(inputs) == 1 else None
    if isinstance(first, Annotations | Events):
        prefix = reading.pop("prefix", "")
        if not isinstance(first, KINDS[kind]) or reading:
            wrong = ", ".join(reading) or type(first).__name__
            raise OptionError(f"{kind}: {wrong} does not fit labels that are read already")
        return first.prefixed(prefix)
    paths = inputs[0] if len(inputs) == 1 else inputs
    if kind == "labels":
        declared = ReadOptions(**reading, verdict_prefixes=prefixes)
        listed = listed_inputs(paths, "label", declared.columns)
        return gather_labels(listed, ontology, declared)
    return read_events(paths, ontology=ontology, **reading)

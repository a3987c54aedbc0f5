"""Schemes: annotations, events or scores to targets.

`SCHEMES` is the table that library, CLI and docs read.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, overload

from audiolabels.arrays.tables import Metadata
from audiolabels.errors import OptionError, choose
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.events import Events
from audiolabels.labels.scores import Scores
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.vocabulary import (
    Vocabulary,
    describe_vocabulary,
    load_vocabulary,
    named_like,
)
from audiolabels.options import Options
from audiolabels.readers import (
    EventOptions,
    ReadOptions,
    ScoreOptions,
    read_events,
    read_labels,
    read_scores,
)
from audiolabels.readers.memory import in_memory, in_memory_forms
from audiolabels.schemes.diffuse import DIFFUSE
from audiolabels.schemes.given_labels import GivenLabels, GivenOptions, MatchedScores
from audiolabels.schemes.pe_cml import PE_CML
from audiolabels.schemes.pel import PEL
from audiolabels.schemes.pseudo_strong import CO_SUPERVISED, PSEUDO_STRONG
from audiolabels.schemes.scheme import Scheme
from audiolabels.schemes.strong_framed import STRONG_FRAMED
from audiolabels.schemes.teacher_enhanced import TEACHER_ENHANCED
from audiolabels.schemes.teacher_masked import TEACHER_MASKED
from audiolabels.schemes.weak import WEAK
from audiolabels.targets.targets import SoftTargets, Targets

SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        scheme.name: scheme
        for scheme in (
            WEAK,
            PEL,
            PE_CML,
            STRONG_FRAMED,
            DIFFUSE,
            PSEUDO_STRONG,
            CO_SUPERVISED,
            TEACHER_MASKED,
            TEACHER_ENHANCED,
        )
    }
)
READERS: Mapping[type, tuple[Callable[..., Any], tuple[type[Options], ...]]] = MappingProxyType(
    {
        Annotations: (read_labels, (ReadOptions,)),
        Events: (read_events, (ReadOptions, EventOptions)),
        Scores: (read_scores, (ScoreOptions,)),
    }
)


@overload
def expand(
    labels: Annotations | Events,
    scheme: str = "pe-cml",
    *,
    vocabulary: str | Path | Iterable[str] | Vocabulary | None = None,
    **options: Any,
) -> Targets: ...
@overload
def expand(
    labels: Scores,
    scheme: str,
    *,
    vocabulary: str | Path | Iterable[str] | Vocabulary | None = None,
    given: Annotations | None = None,
    **options: Any,
) -> Targets | SoftTargets: ...


def expand(
    labels: Annotations | Events | Scores,
    scheme: str = "pe-cml",
    *,
    vocabulary: str | Path | Iterable[str] | Vocabulary | None = None,
    given: Annotations | None = None,
    **options: Any,
) -> Targets | SoftTargets:
    """Turn labels into training targets.

    Args:
        labels: N clips; annotations, events or scores, as the scheme needs (see `SCHEMES`), or data
            in memory from which `read_labels`, `read_events` or `read_scores` makes these.
        scheme: `weak`, `pel` or `pe-cml` of annotations, `strong-framed` or `diffuse` of events,
            `pseudo-strong`, `co-supervised`, `teacher-masked` or `teacher-enhanced` of scores; see
            `SCHEMES`.
        vocabulary: a vocabulary, or what `load_vocabulary` takes; the scheme's own by default,
            `audioset` or `audioset-strong`; for scores that of the teacher's classes, in the
            order of the named vocabulary that has just these, if there is one.
        given: labels to mix with scores, or to repair with them.
        **options: the scheme's own options, for instance `parents="certain"`; with data in memory
            those of reading too.

    Returns:
        Targets with C columns and one row per clip, in `strong-framed` per frame. `pseudo-strong`
        and `co-supervised` make soft targets with one row per segment, hard ones with a threshold;
        `teacher-masked` and `teacher-enhanced` one row per given clip. Their metadata name scheme,
        options, vocabulary and ontology.

    Raises:
        OptionError: no such scheme or option, or not the labels that it needs.
        VocabularyError: no such vocabulary, or the ontology lacks one of its classes.

    >>> labels = Annotations.from_dict({"a": ["Church bell"]})
    >>> names = ["Music", "Bell", "Church bell"]
    >>> expand(labels, "pel", vocabulary=names).to_pandas()["positive"][0]
    ['Music', 'Bell', 'Church bell']
    >>> sure = expand(labels, "pel", vocabulary=names, parents="certain").to_pandas()
    >>> sure["positive"][0], sure["masked"][0]
    (['Bell', 'Church bell'], ['Music'])
    >>> events = Events.from_dict({"a": [("Church bell", 1.0, 3.5)]}, duration=4)
    >>> framed = expand(events, "strong-framed", vocabulary=names)
    >>> framed.to_pandas()[["onset", "positive"]].values.tolist()
    [[0.0, []], [0.96, ['Church bell']], [1.92, ['Church bell']], [2.88, ['Church bell']]]
    """
    reads = SCHEMES[choose("scheme", scheme, SCHEMES)].reads
    if not isinstance(labels, Annotations | Events | Scores) and in_memory(labels):
        reader, declared = READERS[reads]
        names = [name for each in declared for name in each.declared()]
        labels = reader(labels, **{name: options.pop(name) for name in names if name in options})
    if not isinstance(labels, reads):
        held = isinstance(labels, str | Path | Annotations | Events | Scores)
        raise OptionError(
            f"scheme {scheme!r} needs {reads.__name__}, not {type(labels).__name__}: read "
            f"the files with {READERS[reads][0].__name__}"
            f"{'' if held else f'. {in_memory_forms(labels)}'}"
        )
    chosen = bind_scheme(scheme, options)
    if vocabulary is None and isinstance(labels, Scores):
        vocabulary = named_like(labels.vocabulary, labels.ontology)
    vocabulary = load_vocabulary(vocabulary, ontology=labels.ontology, default=chosen.vocabulary)
    sources = labels.report.sources
    source: Any = labels
    if isinstance(labels, Scores):
        chosen.require_labels(given is not None)
        assert isinstance(chosen.options, GivenOptions)
        matched = None if given is None else GivenLabels.make(given, vocabulary, chosen.options)
        source = MatchedScores.match(labels.highest() if chosen.repair else labels, matched)
        sources = [*(given.report.sources if given is not None else []), *sources]
    elif given is not None:
        raise OptionError(f"scheme {scheme!r} reads no scores, so it mixes them with no labels")
    if isinstance(labels, Annotations):
        sets = labels.sets
        chosen.options.require_evidence(
            verdicts=sets.judged is not None, raters=sets.rated is not None
        )
    made = chosen.expand(source, vocabulary)
    facts = describe(chosen, vocabulary, labels.ontology, labels=given is not None)
    facts["sources"] = sources
    if stated := made.counts.stated():
        facts["counts"] = stated
    targets: Targets | SoftTargets = replace(made.targets, metadata=Metadata(facts))
    return targets


def expand_hard(labels: Annotations | Events, scheme: str, **options: Any) -> Targets:
    """`expand` for what needs hard targets.

    Raises:
        OptionError: the labels have values; see `expand`.
    """
    made = expand(labels, scheme, **options)
    if not isinstance(made, Targets):
        raise OptionError(
            "the labels have values, and hard ones are needed: give a threshold for the values "
            "(--values, values=), or unite raters to hard labels (--raters majority, raters=)"
        )
    return made


def bind_scheme(scheme: str, options: Mapping[str, Any]) -> Scheme:
    """A scheme with its options.

    Raises:
        OptionError: no such scheme, option, or value.
    """
    return SCHEMES[choose("scheme", scheme, SCHEMES)].bind(options)


def describe(
    scheme: Scheme, vocabulary: Vocabulary, ontology: Ontology, *, labels: bool
) -> dict[str, Any]:
    """The metadata on how targets were made; `labels` as in `SchemeOptions.stated`."""
    return {
        "scheme": scheme.name,
        "options": scheme.options.stated(labels=labels),
        **scheme.options.facts(),
        "vocabulary": describe_vocabulary(vocabulary),
        "ontology": {"digest": ontology.digest, "classes": len(ontology)},
    }

"""Schemes: annotations, events or scores to targets.

`SCHEMES` is the table that library, CLI and docs read.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, overload

from audiolabels.arrays.grid import Grid
from audiolabels.errors import OptionError, choose
from audiolabels.labels.annotations import Annotations
from audiolabels.labels.events import Events
from audiolabels.labels.scores import Scores
from audiolabels.ontology.ontology import Ontology
from audiolabels.ontology.parents import PARENTS, PARENTS_OR_NONE
from audiolabels.ontology.vocabulary import (
    Vocabulary,
    describe_vocabulary,
    load_vocabulary,
    named_like,
)
from audiolabels.schemes.diffuse import diffuse
from audiolabels.schemes.framed import NEGATIVES, Framed, state_beside_positive
from audiolabels.schemes.given_labels import LABELS_SCHEMES
from audiolabels.schemes.pe_cml import pe_cml
from audiolabels.schemes.pel import pel
from audiolabels.schemes.pseudo_strong import (
    BEST_FIXED_WEIGHT,
    co_supervised,
    pseudo_strong,
    stated_options,
)
from audiolabels.schemes.repair import Repair
from audiolabels.schemes.strong_framed import strong_framed
from audiolabels.schemes.teacher_enhanced import ENHANCE, THRESHOLDS, teacher_enhanced
from audiolabels.schemes.teacher_masked import DEFAULT_SHARE, teacher_masked
from audiolabels.schemes.weak import weak
from audiolabels.targets.soft import SoftTargets
from audiolabels.targets.targets import Targets


@dataclass(frozen=True)
class Scheme:
    """One way to make targets.

    Attributes:
        make: a pure function `(labels, vocabulary, **options)`, to targets from annotations, to
            targets with counts and findings from events, to soft or hard targets, or a repair of
            the given labels, from scores.
        reads: what it is made from, `Annotations`, `Events` or `Scores`.
        vocabulary: the vocabulary if none is named.
        summary: what it does, in a line.
        source: the paper and section that defines it.
        options: names and defaults of its keyword arguments.
        choices: the values of those options that have few.
        needs_labels: whether scores are of no use without given labels.
        soft: whether targets are soft, unless there is a threshold.
    """

    make: Callable[..., Any]
    reads: type
    vocabulary: str
    summary: str
    source: str
    options: Mapping[str, Any]
    choices: Mapping[str, Iterable[str]]
    needs_labels: bool = False
    soft: bool = False

    @property
    def repairs(self) -> bool:
        """Whether it repairs given labels: a row is a given clip, not a scored segment."""
        return self.needs_labels and not self.soft


RELABELING = "Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet"
STRONG = "Hershey et al. 2021, The benefit of temporally-strong labels"
CLIMBING = MappingProxyType({"parents": tuple(PARENTS)})
PSEUDO_STRONG = "Dinkel et al. 2022, Pseudo strong labels"
EVENT_OPTIONS = MappingProxyType({"negatives": "all", "parents": "none"})
EVENT_CHOICES = MappingProxyType({"negatives": tuple(NEGATIVES), "parents": tuple(PARENTS_OR_NONE)})
LABELS_OPTIONS = MappingProxyType({"labels_scheme": "weak", "parents": None})
LABELS_CHOICES = MappingProxyType(
    {"labels_scheme": tuple(LABELS_SCHEMES), "parents": tuple(PARENTS)}
)

SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "weak": Scheme(
            weak,
            Annotations,
            "audioset",
            "given classes positive, all others negative",
            "Gemmeke et al., ICASSP 2017",
            MappingProxyType({}),
            MappingProxyType({}),
        ),
        "pel": Scheme(
            pel,
            Annotations,
            "audioset",
            "given classes and their ancestors positive, all others negative",
            f"{RELABELING}, §III.A",
            MappingProxyType({"parents": "all"}),
            CLIMBING,
        ),
        "pe-cml": Scheme(
            pe_cml,
            Annotations,
            "audioset",
            "as pel; descendants of a given class that nobody specified are unknown",
            f"{RELABELING}, §III.B",
            MappingProxyType({"parents": "all"}),
            CLIMBING,
        ),
        "strong-framed": Scheme(
            strong_framed,
            Events,
            "audioset-strong",
            "events over frames of 960 ms, positive where half a frame or half the event lies",
            f"{STRONG}, §3.2",
            MappingProxyType({"frame_length": 0.96, "frame_hop": 0.96, **EVENT_OPTIONS}),
            EVENT_CHOICES,
        ),
        "diffuse": Scheme(
            diffuse,
            Events,
            "audioset-strong",
            "classes of events positive in the whole clip",
            f"{STRONG}, §4",
            EVENT_OPTIONS,
            EVENT_CHOICES,
        ),
        "pseudo-strong": Scheme(
            pseudo_strong,
            Scores,
            "audioset",
            "a teacher's scores of segments, soft or hard, alone or mixed with given labels",
            f"{PSEUDO_STRONG}, §2",
            MappingProxyType(
                {
                    "teacher_weight": 1.0,
                    "threshold": None,
                    **LABELS_OPTIONS,
                    "propagate_scores": False,
                }
            ),
            LABELS_CHOICES,
            soft=True,
        ),
        "co-supervised": Scheme(
            co_supervised,
            Scores,
            "audioset",
            "given labels mixed with a teacher's scores, soft",
            "Kumar & Ithapu, ICASSP 2020, SeCoST",
            MappingProxyType(
                {"teacher_weight": BEST_FIXED_WEIGHT, **LABELS_OPTIONS, "propagate_scores": False}
            ),
            LABELS_CHOICES,
            needs_labels=True,
            soft=True,
        ),
        "teacher-masked": Scheme(
            teacher_masked,
            Scores,
            "audioset",
            "given labels; of each class's other clips those that a teacher scores highest are "
            "unknown",
            "Fonseca et al. 2020, Addressing missing labels",
            MappingProxyType({"mask_share": DEFAULT_SHARE, **LABELS_OPTIONS}),
            LABELS_CHOICES,
            needs_labels=True,
        ),
        "teacher-enhanced": Scheme(
            teacher_enhanced,
            Scores,
            "audioset",
            "given labels, and children and ancestors of these that a teacher is sure of",
            "Gong et al. 2021, PSLA",
            MappingProxyType(
                {
                    "enhance": "both",
                    "score_threshold": "mean",
                    "added_as_given": False,
                    **LABELS_OPTIONS,
                }
            ),
            MappingProxyType(
                {
                    "enhance": tuple(ENHANCE),
                    "score_threshold": tuple(THRESHOLDS),
                    **LABELS_CHOICES,
                }
            ),
            needs_labels=True,
        ),
    }
)
READERS: Mapping[type, str] = MappingProxyType(
    {Annotations: "read_labels", Events: "read_events", Scores: "read_scores"}
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
    """Turn what people said into what a model shall learn.

    Args:
        labels: N clips; annotations, events or scores, as the scheme needs (see `SCHEMES`).
        scheme: `weak`, `pel` or `pe-cml` of annotations, `strong-framed` or `diffuse` of events,
            `pseudo-strong`, `co-supervised`, `teacher-masked` or `teacher-enhanced` of scores; see
            `SCHEMES`.
        vocabulary: a vocabulary, or what `load_vocabulary` takes; the scheme's own by default,
            `audioset` or `audioset-strong`; for scores that of the teacher's classes, in the
            order of the named vocabulary that has just these, if there is one.
        given: labels to mix with scores, or to repair by them.
        **options: the scheme's own options, for instance `parents="certain"`.

    Returns:
        Targets of one row a clip, or a frame in `strong-framed`, with C columns; soft targets of
        one row a segment, or hard ones if there is a threshold, in `pseudo-strong` and
        `co-supervised`; one row a given clip in `teacher-masked` and `teacher-enhanced`. Their
        metadata name scheme, options, vocabulary and ontology.

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
    make, options = bind_scheme(scheme, options)
    chosen = SCHEMES[scheme]
    if not isinstance(labels, chosen.reads):
        raise OptionError(
            f"scheme {scheme!r} needs {chosen.reads.__name__}, not {type(labels).__name__}: read "
            f"the files with {READERS[chosen.reads]}"
        )
    if not isinstance(vocabulary, Vocabulary):
        if vocabulary is None and isinstance(labels, Scores):
            vocabulary = named_like(labels.vocabulary, labels.ontology)
        else:
            named = chosen.vocabulary if vocabulary is None else vocabulary
            vocabulary = load_vocabulary(named, ontology=labels.ontology)
    sources = labels.report.sources
    if isinstance(labels, Scores):
        require_labels(scheme, given is not None)
        made = make(labels, vocabulary, given=given)
        options = stated_options(options, labels=given is not None)
        sources = [*(given.report.sources if given is not None else []), *sources]
    elif given is not None:
        raise OptionError(f"scheme {scheme!r} reads no scores, so it mixes them with no labels")
    else:
        made = make(labels, vocabulary)
    facts = describe(scheme, options, vocabulary, labels.ontology)
    facts["sources"] = sources
    if isinstance(made, Framed):
        return replace(made.targets, metadata=facts | {"counts": made.counts.totals()})
    if isinstance(made, Repair):
        return replace(made.targets(), metadata=facts | {"counts": dict(made.counts)})
    targets: Targets | SoftTargets = replace(made, metadata=facts)
    return targets


def bind_scheme(
    scheme: str, options: Mapping[str, Any]
) -> tuple[Callable[..., Any], dict[str, Any]]:
    """A scheme as a function of labels and vocabulary, and all its options.

    Raises:
        OptionError: no such scheme, option, or value.
    """
    chosen = SCHEMES[choose("scheme", scheme, SCHEMES)]
    for name, value in options.items():
        if name not in chosen.options:
            offered = ", ".join(chosen.options) or "none"
            raise OptionError(f"scheme {scheme!r} has no option {name!r}; it has: {offered}")
        if name in chosen.choices:
            choose(name, value, chosen.choices[name])
        if isinstance(chosen.options[name], bool) and not isinstance(value, bool):
            raise OptionError(f"{name} {value!r}: give True or False")
    complete = {**chosen.options, **options}
    if "frame_length" in complete:  # frames follow one another unless a hop is given
        length = complete["frame_length"]
        hop = options.get("frame_hop", length)
        grid = Grid.from_seconds(length, hop)
        complete |= {"frame_length": grid.length_ms / 1000, "frame_hop": grid.hop_ms / 1000}
    return partial(chosen.make, **complete), complete


def require_labels(scheme: str, given: bool) -> None:
    """Raise OptionError if a scheme needs given labels and there are none."""
    if SCHEMES[scheme].needs_labels and not given:
        raise OptionError(
            f"scheme {scheme!r} needs given labels beside the scores (label files; given=)"
        )


def makes_soft(scheme: str, options: Mapping[str, Any]) -> bool:
    """Whether a scheme with these options makes soft targets."""
    return SCHEMES[scheme].soft and options.get("threshold") is None


def listed_state(options: Mapping[str, Any]) -> str:
    """The state that files of a scheme with these options list beside positive."""
    negatives = options.get("negatives")
    return "masked" if negatives is None else state_beside_positive(negatives)


def describe(
    scheme: str, options: Mapping[str, Any], vocabulary: Vocabulary, ontology: Ontology
) -> dict[str, Any]:
    """The metadata that say how targets were made."""
    return {
        "scheme": scheme,
        "options": dict(options),
        "vocabulary": describe_vocabulary(vocabulary),
        "ontology": {"digest": ontology.digest, "classes": len(ontology)},
    }

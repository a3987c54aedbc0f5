"""Schemes: annotations to targets. `SCHEMES` is the table that library, CLI and docs read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from audiolabels.annotations import Annotations
from audiolabels.errors import OptionError, choose
from audiolabels.ontology import Ontology
from audiolabels.schemes.parents import PARENTS
from audiolabels.schemes.pe_cml import pe_cml
from audiolabels.schemes.pel import pel
from audiolabels.schemes.weak import weak
from audiolabels.targets import Targets
from audiolabels.vocabulary import Vocabulary, describe_vocabulary, load_vocabulary


@dataclass(frozen=True)
class Scheme:
    """One way to make targets.

    Attributes:
        make: a pure function `(annotations, vocabulary, **options) -> targets`.
        summary: what it does, in a line.
        source: the paper and section that defines it.
        options: names and defaults of its keyword arguments.
    """

    make: Callable[..., Targets]
    summary: str
    source: str
    options: Mapping[str, Any]


CHOICES: Mapping[str, Iterable[str]] = MappingProxyType({"parents": tuple(PARENTS)})
PAPER = "Grzywalski & Botteldooren, Automatic re-labeling of Google AudioSet"

SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "weak": Scheme(
            weak,
            "given classes positive, all others negative",
            "Gemmeke et al., ICASSP 2017",
            MappingProxyType({}),
        ),
        "pel": Scheme(
            pel,
            "given classes and their ancestors positive, all others negative",
            f"{PAPER}, §III.A",
            MappingProxyType({"parents": "all"}),
        ),
        "pe-cml": Scheme(
            pe_cml,
            "as pel; descendants of a given class that nobody specified are unknown",
            f"{PAPER}, §III.B",
            MappingProxyType({"parents": "all"}),
        ),
    }
)


def expand(
    annotations: Annotations,
    scheme: str = "pe-cml",
    *,
    vocabulary: str | Path | Iterable[str] | Vocabulary = "audioset",
    **options: Any,
) -> Targets:
    """Turn what people said into what a model shall learn.

    Args:
        annotations: N clips.
        scheme: `weak`, `pel` or `pe-cml`; see `SCHEMES`.
        vocabulary: a vocabulary, or what `load_vocabulary` takes.
        **options: the scheme's own options, for instance `parents="certain"`.

    Returns:
        Targets of shape (N, C), whose metadata name scheme, options, vocabulary and ontology.

    Raises:
        OptionError: no such scheme or option.
        VocabularyError: no such vocabulary, or the ontology lacks one of its classes.

    >>> labels = Annotations.from_dict({"a": ["Church bell"]})
    >>> names = ["Music", "Bell", "Church bell"]
    >>> expand(labels, "pel", vocabulary=names).to_pandas()["positive"][0]
    ['Music', 'Bell', 'Church bell']
    >>> sure = expand(labels, "pel", vocabulary=names, parents="certain").to_pandas()
    >>> sure["positive"][0], sure["masked"][0]
    (['Bell', 'Church bell'], ['Music'])
    """
    make, options = bind_scheme(scheme, options)
    if not isinstance(vocabulary, Vocabulary):
        vocabulary = load_vocabulary(vocabulary, ontology=annotations.ontology)
    targets = make(annotations, vocabulary)
    facts = describe(scheme, options, vocabulary, annotations.ontology)
    return replace(targets, metadata=facts | {"sources": annotations.report.sources})


def bind_scheme(
    scheme: str, options: Mapping[str, Any]
) -> tuple[Callable[[Annotations, Vocabulary], Targets], dict[str, Any]]:
    """A scheme as a function of annotations and vocabulary, and all its options.

    Raises:
        OptionError: no such scheme, option, or value.
    """
    chosen = SCHEMES[choose("scheme", scheme, SCHEMES)]
    for name, value in options.items():
        if name not in chosen.options:
            offered = ", ".join(chosen.options) or "none"
            raise OptionError(f"scheme {scheme!r} has no option {name!r}; it has: {offered}")
        choose(name, value, CHOICES[name])
    complete = {**chosen.options, **options}
    return partial(chosen.make, **complete), complete


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

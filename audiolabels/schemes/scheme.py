"""What a scheme is: a pure function from labels to targets, its options, and its source."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audiolabels.errors import OptionError
from audiolabels.ontology.parents import PARENTS
from audiolabels.options import Options, option, refuse_unknown


@dataclass(frozen=True)
class SchemeOptions(Options):
    """Options of a scheme, and what follows from them alone."""

    @property
    def soft(self) -> bool:
        """Whether targets are soft."""
        return False

    @property
    def listed(self) -> str:
        """The state that files list beside positive: the rarer one."""
        return "masked"

    def stated(self, *, labels: bool) -> dict[str, Any]:
        """The options as metadata hold them: those that had a part in the result.

        Args:
            labels: whether labels were given beside scores.
        """
        values = {name: getattr(self, o.field) for name, o in self.declared().items()}
        return {n: value for n, value in values.items() if value is not None and value is not False}


POLICIES = (
    "Which ancestors a class implies. all: those over every path; unambiguous: as long as there is "
    "one parent in the vocabulary; certain: those on every path to a root, the others become "
    "unknown"
)


@dataclass(frozen=True)
class ParentOptions(SchemeOptions):
    """Options of schemes that expand labels of clips by parents."""

    parents: str = option("all", f"{POLICIES}.", choices=PARENTS)


@dataclass(frozen=True)
class Scheme:
    """One way to make targets, with its options.

    Attributes:
        name: what it is called.
        make: a pure function `(labels, vocabulary, options)`, to targets from annotations, to
            targets with counts and findings from events, to soft or hard targets, or a repair of
            the given labels, from scores.
        reads: what it is made from, `Annotations`, `Events` or `Scores`.
        summary: what it does, in a line.
        source: the paper and section that defines it.
        options: their values; the defaults unless the scheme was bound to others.
        vocabulary: the vocabulary if none is named.
        needs_labels: whether scores are of no use without given labels.
        repairs: whether it repairs given labels: a row is a given clip, not a scored segment.
    """

    name: str
    make: Callable[..., Any] = field(repr=False)
    reads: type
    summary: str
    source: str
    options: SchemeOptions = field(default_factory=SchemeOptions)
    vocabulary: str = "audioset"
    needs_labels: bool = False
    repairs: bool = False

    def bind(self, options: Mapping[str, Any]) -> "Scheme":
        """The scheme with other options; those that are not given have their defaults.

        Raises:
            OptionError: no such option, or a value that it does not take.
        """
        own = type(self.options)
        refuse_unknown(f"scheme {self.name!r}", options, own.declared())
        return replace(self, options=own.take(dict(options)))

    def require_labels(self, given: bool) -> None:
        """Raise OptionError if the scheme needs given labels and there are none."""
        if self.needs_labels and not given:
            raise OptionError(
                f"scheme {self.name!r} needs given labels beside the scores (label files; given=)"
            )

"""What a scheme is: a pure function from labels to targets, its options, and its source."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from audiolabels.errors import OptionError
from audiolabels.labels.report import Finding
from audiolabels.ontology.vocabulary import Vocabulary
from audiolabels.options import Options, refuse_unknown
from audiolabels.targets.targets import SoftTargets, Targets

if TYPE_CHECKING:
    from audiolabels.schemes.given_labels import MatchedScores
    from audiolabels.schemes.repair import Repair

T = TypeVar("T", Targets, SoftTargets)


@dataclass(frozen=True)
class SchemeOptions(Options):
    """Options of a scheme, and what follows from them alone."""

    @property
    def soft(self) -> bool:
        """Whether targets are soft."""
        return False

    @property
    def weighted(self) -> bool:
        """Whether targets have weights."""
        return False

    def require_evidence(self, *, verdicts: bool, raters: bool) -> None:
        """Raise OptionError if an option needs verdicts or raters that the labels have not."""

    def require_labels(self, *, given: bool) -> None:
        """Raise OptionError if an option needs labels that are given with scores."""

    @property
    def listed(self) -> str:
        """The second state that files list, besides positive: the rarer one."""
        return "masked"

    def stated(self, *, labels: bool) -> dict[str, Any]:
        """The options as metadata state them: those that affect the result.

        Args:
            labels: whether labels were given with scores.
        """
        values = {name: getattr(self, o.field) for name, o in self.declared().items()}
        return {n: value for n, value in values.items() if value is not None and value is not False}

    @property
    def side_files(self) -> list[Path]:
        """The files that options name."""
        return []

    def facts(self) -> dict[str, Any]:
        """Further metadata, such as on files that options name."""
        return {}


POLICIES = (
    "Which ancestors a class implies. all: those over every path; unambiguous: as long as there is "
    "one parent in the vocabulary; certain: those on every path to a root, the others become "
    "unknown"
)


def no_counts() -> npt.NDArray[np.int64]:
    """An array of counts before the first part."""
    return np.zeros(0, np.int64)


@dataclass
class SchemeCounts:
    """What a scheme did to the labels of N clips, in numbers; parts add up.

    Attributes:
        STATED: names of the numbers that metadata hold.
        clips: number of clips.
    """

    STATED: ClassVar[tuple[str, ...]] = ()
    clips: int = 0

    def add(self, other: "SchemeCounts") -> None:
        """Add the counts of another part, or some of them."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if np.size(value):  # else of no clips
                setattr(self, name, mine + value if np.size(mine) else value)

    def stated(self) -> dict[str, int]:
        """The numbers that metadata hold."""
        return {name: getattr(self, name) for name in self.STATED}

    def nothing_known(self) -> bool:
        """Whether all targets are unknown, as far as the counts show it."""
        return False


@dataclass(frozen=True, eq=False)
class Expanded(Generic[T]):
    """What a scheme makes of labels.

    Attributes:
        targets: hard or soft ones.
        counts: what the scheme did, in numbers.
        findings: oddities that a user should look at.
        doubtful: int64 (S,), of schemes of labels: positives of each label set that became unknown,
            since raters seldom confirmed their class.
        clips: of schemes that make targets of scores: the teacher's highest scores of each clip
            over the vocabulary, and its given labels.
    """

    targets: T
    counts: SchemeCounts
    findings: Sequence[Finding] = ()
    doubtful: npt.NDArray[np.int64] | None = None
    clips: "MatchedScores | None" = None


@dataclass(frozen=True)
class Scheme:
    """One way to make targets, with its options.

    Attributes:
        name: what it is called.
        make: a pure function `(labels, vocabulary, options)` from annotations, events, or scores
            that are matched with given labels.
        reads: what it is made from, `Annotations`, `Events` or `Scores`.
        counts: the counts that it makes.
        summary: what it does, in a line.
        source: the paper and section that defines it.
        options: their values; the defaults unless the scheme was bound to others.
        vocabulary: the vocabulary if none is named.
        needs_labels: whether scores are of no use without given labels.
        repair: for schemes that repair given labels, whose rows are given clips and not scored
            segments: a function `(passes, given, vocabulary, options)`, see `schemes.repair`.
    """

    name: str
    make: Callable[..., Expanded[Any]] = field(repr=False)
    reads: type
    counts: type[SchemeCounts]
    summary: str
    source: str
    options: SchemeOptions = field(default_factory=SchemeOptions)
    vocabulary: str = "audioset"
    needs_labels: bool = False
    repair: "Callable[..., Repair] | None" = field(default=None, repr=False)

    def expand(self, labels: Any, vocabulary: Vocabulary) -> Expanded[Any]:
        """Targets of labels, of the kind that `make` takes."""
        return self.make(labels, vocabulary, self.options)

    def bind(self, options: Mapping[str, Any]) -> "Scheme":
        """The scheme with other options; those that are not given have their defaults.

        Raises:
            OptionError: no such option, or a value that it does not take.
        """
        own = type(self.options)
        refuse_unknown(f"scheme {self.name!r}", options, own.declared())
        return replace(self, options=own.take(dict(options)))

    def require_labels(self, given: bool) -> None:
        """Raise OptionError if the scheme or its options need given labels and there are none."""
        if self.needs_labels and not given:
            raise OptionError(
                f"scheme {self.name!r} needs given labels with the scores (label files; given=)"
            )
        self.options.require_labels(given=given)

"""Options, each declared once as a field of a frozen dataclass.

Type and default are the field's own; `option` adds help, choices, range and unit. From these come
validation, the options of the command line with their help, metadata, and the documentation's
tables.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import Field, dataclass, field, replace
from functools import cache
from inspect import get_annotations, getdoc
from types import MappingProxyType
from typing import Any, Self

from audiolabels.errors import OptionError, choose, nearest

Check = Callable[[str, Any], Any]


@dataclass(frozen=True)
class Option:
    """The declaration of an option.

    Attributes:
        default: its default value.
        help: what it does, in a sentence or two.
        choices: the allowed values, if they are few.
        check: from its name and a value, which may be text, to the value; raises OptionError.
        metavar: what a value is, such as `SECONDS` or `FILE`.
        shown: the default in words, if not its value.
        name: its keyword argument, in the command line `--some-name`; that of its field if empty.
        field: its field in the dataclass.
    """

    default: Any
    help: str
    choices: Collection[str] = ()
    check: Check | None = None
    metavar: str = ""
    shown: str = ""
    name: str = ""
    field: str = ""

    @property
    def is_flag(self) -> bool:
        """Whether it is on or off."""
        return isinstance(self.default, bool)

    @property
    def default_text(self) -> str:
        """The default in words; empty if there is none."""
        if self.shown or self.default is None or self.is_flag:
            return self.shown
        return f"{self.default:g}" if isinstance(self.default, float) else str(self.default)

    def checked(self, value: Any) -> Any:
        """The value in its own type.

        Raises:
            OptionError: the option does not take it.
        """
        if value is None and self.default is None:
            return None
        if self.is_flag and not isinstance(value, bool):
            raise OptionError(f"{self.field} {value!r}: give True or False")
        if self.choices:
            return choose(self.field, value, self.choices)
        return self.check(self.field, value) if self.check else value


def option(default: Any, help_text: str, **facts: Any) -> Any:
    """A field of a dataclass of options; for the facts see `Option`."""
    return field(default=default, metadata={"option": Option(default, help_text, **facts)})


@dataclass(frozen=True)
class Options:
    """Base of the dataclasses of options. Values are checked and converted when one is made.

    Raises:
        OptionError: a value that an option does not take.
    """

    def __init_subclass__(cls) -> None:
        """Documents the options of the class."""
        lines = [
            f"    {name}: {value.metadata['option'].help}"
            for name, value in vars(cls).items()
            if isinstance(value, Field) and "option" in value.metadata
        ]
        if lines:
            cls.__doc__ = "\n".join([getdoc(cls) or "", "", "Attributes:", *lines])

    def __post_init__(self) -> None:
        for declared in self.declared().values():
            value = declared.checked(getattr(self, declared.field))
            object.__setattr__(self, declared.field, value)

    @classmethod
    @cache
    def declared(cls) -> Mapping[str, Option]:
        """Keyword argument to option; those of the class itself come before inherited ones."""
        found: dict[str, Option] = {}
        for owner in cls.__mro__:
            for name in get_annotations(owner):
                facts = cls.__dataclass_fields__[name].metadata.get("option")
                if facts:
                    named = replace(facts, name=facts.name or name, field=name)
                    found.setdefault(named.name, named)
        return MappingProxyType(found)

    @classmethod
    def take(cls, given: dict[str, Any], **fields: Any) -> Self:
        """Make one from its own options, which are removed from `given`, and further fields."""
        own = {o.field: given.pop(name) for name, o in cls.declared().items() if name in given}
        return cls(**own, **fields)


def refuse_unknown(owner: str, given: Iterable[str], offered: Collection[str]) -> None:
    """Check that all names of options are among those that the owner has.

    Raises:
        OptionError: one is not; the message lists these, and the nearest.
    """
    for name in given:
        if name not in offered:
            near = "".join(f"; did you mean {n!r}?" for n in nearest(name, offered, 1))
            listed = ", ".join(offered) or "none"
            raise OptionError(f"{owner} has no option {name!r}; it has: {listed}{near}")


def portion(option: str, value: float | str, *, above: bool = False) -> float:
    """A number from 0 to 1, or above 0; OptionError names the option."""
    number = _number(value)
    if not (number > 0 if above else number >= 0) or not number <= 1:
        least = "above 0" if above else "0"
        raise OptionError(f"{option} {value!r}: give a number from {least} to 1")
    return number


def above_zero(option: str, value: float | str, *, or_zero: bool = False) -> float:
    """A number above zero, or zero too; OptionError names the option."""
    number = _number(value)
    if not (0 < number < float("inf") or (or_zero and number == 0)):
        raise OptionError(f"{option} {value!r}: give a number above zero{', or 0' * or_zero}")
    return number


def whole_number(option: str, value: float | str, *, least: int = 1) -> int:
    """A whole number from `least` on; OptionError names the option."""
    number = _number(value)
    if not (number >= least and number.is_integer()):
        raise OptionError(f"{option} {value!r}: give a whole number from {least} on")
    return int(number)


def _number(value: float | str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")

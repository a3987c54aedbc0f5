"""`values.plot`: the pictures of a value, as methods of it.

`audiolabels.plots` draws values of most packages, so it lies above them. It is loaded by name when
a picture is asked for, as pandas loads what draws for it.
"""

from functools import partial
from importlib import import_module
from typing import Any


class Pictures:
    """A class attribute that offers functions of `audiolabels.plots` as methods.

    `value.plot.NAME(...)` is `plots.NAME(value, ...)`, and `value.plot(...)` the first of them.
    """

    def __init__(self, names: str, value: Any = None) -> None:
        self._names, self._value = names.split(), value
        self.__doc__ = f"Pictures: {', '.join(self._names)}; see `audiolabels.plots`."

    def __get__(self, value: Any, owner: type) -> "Pictures":
        return self if value is None else Pictures(" ".join(self._names), value)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return getattr(self, self._names[0])(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        if name not in self._names:
            raise AttributeError(f"no picture {name!r}; there are {', '.join(self._names)}")
        return partial(getattr(import_module("audiolabels.plots"), name), self._value)

    def __dir__(self) -> list[str]:
        return self._names

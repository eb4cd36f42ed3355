"""The methods of the inspector's API, by name.

Each takes a JSON object and returns one. Whoever has something for the page to ask or
to do adds methods; those that are not there are not known to `state` either, so that
the page can leave out what needs them.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Json = dict[str, Any]
Method = Callable[[Json], Json | Awaitable[Json]]


class MethodError(Exception):
    """A method cannot do what it is asked for.

    Attributes:
        status: HTTP status of the answer.
    """

    def __init__(self, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class Methods:
    """Methods by name."""

    def __init__(self) -> None:
        self._methods: dict[str, Method] = {}

    @property
    def names(self) -> list[str]:
        """Names of the methods."""
        return sorted(self._methods)

    def add(self, methods: Mapping[str, Method]) -> None:
        """Add methods."""
        self._methods.update(methods)

    async def call(self, name: str, arguments: Json) -> Json:
        """Call a method.

        Raises:
            MethodError: It is not known, or cannot do what it is asked for.
        """
        method = self._methods.get(name)
        if method is None:
            raise MethodError(f"there is no method {name!r}", status=404)
        result = method(arguments)
        return await result if inspect.isawaitable(result) else result


def read_number(
    arguments: Json, name: str, *, default: float, least: float, most: float
) -> float:
    """Return a number among the arguments.

    Raises:
        MethodError: It is not a number, or out of range.
    """
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MethodError(f"{name!r} must be a number")
    if not least <= value <= most:
        raise MethodError(f"{name!r} must be from {least:g} to {most:g}")
    return value


def read_text(arguments: Json, name: str) -> str:
    """Return a text among the arguments.

    Raises:
        MethodError: It is not one.
    """
    value = arguments.get(name)
    if not isinstance(value, str):
        raise MethodError(f"{name!r} must be a text")
    return value

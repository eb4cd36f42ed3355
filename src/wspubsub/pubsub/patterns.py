"""Topic patterns: which topics a rule is for, and what their variables are.

A pattern is text with variables in braces, such as `room:{room_id}`. A variable stands
for one or more characters other than a colon, and reaches from where it stands to the
next colon or to the end. So a topic fits a pattern in one way at most, and whether two
patterns have a topic in common can be told from the patterns alone.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from wspubsub.errors import UsageError

SEPARATOR = ":"


class _Part(NamedTuple):
    """The part between two colons: text, perhaps followed by a variable."""

    text: str
    variable: str | None

    def fits(self, part: str) -> bool:
        """Return whether a topic may have this part here."""
        if self.variable is None:
            return part == self.text
        return len(part) > len(self.text) and part.startswith(self.text)

    def overlaps(self, other: "_Part") -> bool:
        """Return whether a topic's part may fit both."""
        if self.variable is None:
            return other.fits(self.text)
        if other.variable is None:
            return self.fits(other.text)
        return self.text.startswith(other.text) or other.text.startswith(self.text)


class Pattern:
    """A topic pattern.

    Args:
        text: The pattern, such as `room:{room_id}`.

    Attributes:
        text: As given.
        parts: What stands between its colons.
        variables: Names of its variables, in order.

    Raises:
        UsageError: It cannot be read; the text says why.
    """

    __slots__ = ("parts", "text", "variables")

    def __init__(self, text: str) -> None:
        given: object = text
        if not isinstance(given, str) or not given:
            raise UsageError(
                "a topic pattern must be text such as 'room:{room_id}', not "
                f"{text!r:.80}"
            )
        self.text = text
        self.parts = [_read_part(text, part) for part in text.split(SEPARATOR)]
        names = [part.variable for part in self.parts if part.variable is not None]
        if len(set(names)) < len(names):
            raise UsageError(
                f"topic pattern {text!r} has the same variable twice; rename one"
            )
        self.variables = tuple(names)

    def match(self, topic: str) -> dict[str, str] | None:
        """Return the variables of a topic, or None if it does not match."""
        found = topic.split(SEPARATOR)
        if len(found) != len(self.parts):
            return None
        if not all(map(_Part.fits, self.parts, found)):
            return None
        return {
            part.variable: given[len(part.text) :]
            for part, given in zip(self.parts, found, strict=True)
            if part.variable is not None
        }

    def overlaps(self, other: "Pattern") -> bool:
        """Return whether there is a topic that matches both."""
        return len(self.parts) == len(other.parts) and all(
            map(_Part.overlaps, self.parts, other.parts)
        )


def check_overlap(pattern: Pattern, others: Iterable[Pattern]) -> None:
    """Check that no topic would have two patterns.

    Raises:
        UsageError: One would; the text names both patterns.
    """
    for other in others:
        if pattern.overlaps(other):
            raise UsageError(
                f"topic patterns {other.text!r} and {pattern.text!r} overlap: a "
                "topic can match both, but only one may decide about it; change "
                "one of them"
            )


def check_parameters(
    function: Callable[..., object], kind: str, variables: Iterable[str]
) -> None:
    """Check that a rule accepts the variables of its pattern.

    Args:
        function: The rule.
        kind: What it is, for the error.
        variables: Names that it is called with, besides the request.

    Raises:
        UsageError: It lacks one.
    """
    code = getattr(function, "__code__", None)
    # inspect.CO_VARKEYWORDS, without importing inspect; a callable object without code
    # of its own finds out when it is called.
    if code is None or code.co_flags & 0x08:
        return
    named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for variable in variables:
        if variable not in named[code.co_posonlyargcount :]:
            raise UsageError(
                f'{kind} "{function.__name__}" needs a parameter {variable!r}: it is '
                "called with the variables of its topic pattern"
            )


def _read_part(pattern: str, part: str) -> _Part:
    text, brace, rest = part.partition("{")
    variable = rest[:-1]
    if not brace and "}" not in text:
        return _Part(text, None)
    if not rest.endswith("}") or "}" in text or not variable.isidentifier():
        raise UsageError(
            f"topic pattern {pattern!r} cannot be read at {part!r}: a variable is a "
            "Python name in braces, at the end of the pattern or before a colon"
        )
    if variable == "request":
        raise UsageError(
            f"topic pattern {pattern!r} must not have a variable 'request', "
            "because rules receive the request under this name; rename it"
        )
    return _Part(text, variable)

"""A value that nobody can know yet, as opposed to one that is missing."""

from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar

T = TypeVar("T")


class Unknown(Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
"""What only AWS can know: an import, a condition, a parameter without default."""

Maybe: TypeAlias = T | Literal[Unknown.UNKNOWN]


def is_zero(value: Maybe[int] | None) -> bool:
    """Return whether a number is certainly 0."""
    return value is not UNKNOWN and value == 0

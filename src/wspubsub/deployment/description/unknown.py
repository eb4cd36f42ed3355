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

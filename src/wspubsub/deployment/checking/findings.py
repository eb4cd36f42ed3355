"""The result of a check."""

from typing import NamedTuple


class Finding(NamedTuple):
    """Something that is wrong, and what to do about it.

    Attributes:
        resource: Logical ID of the resource that it is in.
        text: What is wrong, and what to do.
    """

    resource: str
    text: str

    def __str__(self) -> str:
        return f"{self.resource}: {self.text}"

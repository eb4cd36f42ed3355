"""What a client does with the publications of a topic, step by step."""

from typing import Generic, NamedTuple, TypeVar

from wspubsub.log.rules import Position

P = TypeVar("P")


class Hand(NamedTuple, Generic[P]):
    """Hand a publication over.

    Attributes:
        publication: As it went in.
        position: Where it stands; None if its topic has no history.
    """

    publication: P
    position: Position | None


class Lost(NamedTuple):
    """Tell that publications are lost.

    Attributes:
        after: Position of the last one before those that are lost.
        before: Position of the first one after them, which may not exist yet; None
            if nobody knows.
        dropped: How many, if they were dropped because there was no room for them, and
            their topic has no history; None if only the offsets say how many.
    """

    after: Position | None
    before: Position | None
    dropped: int | None = None


class Ask(NamedTuple):
    """Ask for a page of the history, instead of whatever was asked for before.

    Attributes:
        since: Position of the publication before the first one; None for the oldest.
        limit: How many publications.
    """

    since: Position | None
    limit: int


class Retry(NamedTuple):
    """Wait, then call `retry`."""


class CheckSoon(NamedTuple):
    """Ask for the position soon: a duplicate may be the beginning of a new epoch."""


Step = Hand[P] | Lost | Ask | Retry | CheckSoon

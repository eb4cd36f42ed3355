"""What a queue message asks for: to split a topic, or to deliver to a part of it.

The body is JSON of ASCII characters, so any character of a topic is allowed in a queue
message (SQS takes only what XML 1.0 has). The data stands in it as text where that is
shorter, else as base64.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from typing import Any

from wspubsub.errors import WspubsubError
from wspubsub.log.rules import Position
from wspubsub.outgoing import Outgoing
from wspubsub.records import Record
from wspubsub.subscriptions.port import Segment

VERSION = 1


class WorkError(WspubsubError):
    """A queue message is not from this library, or of an unknown version."""


class Work(Record):
    """A part of the fan-out of one message.

    One of `split`, `segment` and `connections` says who is to get it.

    Attributes:
        message: What to deliver.
        split: Segments that are to be split and delivered elsewhere.
        segment: A segment to deliver to.
        connections: Connections to deliver to.
        attempt: How often all of the connections have been tried in vain.
        hops: Which queue message it is in the chain that one publish has begun.
    """

    message: Outgoing
    split: tuple[Segment, ...] = ()
    segment: Segment | None = None
    connections: tuple[str, ...] = ()
    attempt: int = 0
    hops: int = 1

    def continue_with(self, **target: Any) -> "Work":
        """Return work for the same message, one queue message further in the chain."""
        return Work(message=self.message, hops=self.hops + 1, **target)

    def target(self) -> dict[str, Any]:
        """Return the fields that say who is to get it."""
        names = ("split", "segment", "connections", "attempt")
        return {name: getattr(self, name) for name in names}

    def body(self) -> str:
        """Return the body of the queue message."""
        fields: dict[str, Any] = {
            "wspubsub": VERSION,
            "topic": self.message.topic,
            "hops": self.hops,
            **_write_data(self.message.data),
        }
        if self.message.position is not None:
            fields["position"] = self.message.position
        if self.message.exclude:
            fields["exclude"] = sorted(self.message.exclude)
        if self.split:
            fields["split"] = self.split
        if self.segment is not None:
            fields["segment"] = self.segment
        if self.connections:
            fields["connections"] = self.connections
            fields["attempt"] = self.attempt
        return json.dumps(fields, separators=(",", ":"))


def read_work(body: object) -> Work:
    """Return what a queue message asks for.

    Raises:
        WorkError: It cannot be read.
    """
    try:
        fields: Any = json.loads(body) if isinstance(body, str) else None
        version = fields["wspubsub"]
        if version != VERSION:
            raise WorkError(
                f"the queue message has the unknown version {version!r}; deploy "
                "the version of wspubsub that sent it"
            )
        return _read(fields)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WorkError(
            f"the queue message is not from wspubsub ({type(error).__name__}: "
            f"{error}); let no other producer send to this queue"
        ) from None


def chunks(connection_ids: Iterable[str], most: int) -> Iterator[tuple[str, ...]]:
    """Yield connection IDs in tuples of a limited length."""
    ids = sorted(connection_ids)
    for start in range(0, len(ids), most):
        yield tuple(ids[start : start + most])


def _read(fields: dict[str, Any]) -> Work:
    segment = fields.get("segment")
    return Work(
        message=Outgoing(
            topic=str(fields["topic"]),
            data=_read_data(fields),
            exclude=frozenset(map(str, fields.get("exclude", ()))),
            position=_position(fields.get("position")),
        ),
        split=tuple(_segment(each) for each in fields.get("split", ())),
        segment=None if segment is None else _segment(segment),
        connections=tuple(map(str, fields.get("connections", ()))),
        attempt=int(fields.get("attempt", 0)),
        hops=int(fields.get("hops", 1)),
    )


def _position(fields: list[Any] | None) -> Position | None:
    if fields is None:
        return None
    epoch, offset = fields
    return Position(str(epoch), int(offset))


def _segment(fields: list[Any]) -> Segment:
    shard, after, until = fields
    return Segment(
        int(shard),
        None if after is None else str(after),
        None if until is None else str(until),
    )


def _write_data(data: bytes) -> dict[str, str]:
    if data.isascii():
        text = data.decode("ascii")
        if len(json.dumps(text)) <= len(data) * 4 // 3 + 4:
            return {"text": text}
    return {"base64": b64encode(data).decode("ascii")}


def _read_data(fields: dict[str, Any]) -> bytes:
    if "text" in fields:
        return str(fields["text"]).encode()
    return b64decode(fields["base64"], validate=True)

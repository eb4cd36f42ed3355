"""What a client gets: replies and pushes of Centrifugo's client protocol, as frames.

`definitions/client.proto` of the repository centrifugal/protocol has the fields; in its
JSON form a field with its default is left out, and a publication's data stands in the
frame as JSON. Data that is encoded already (`EncodedJson`) goes in as it is, so that a
message is encoded once, however many subscribers and replays it has.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from wspubsub.messages import MAX_MESSAGE_BYTES, Json
from wspubsub.pubsub.codes import Code

if TYPE_CHECKING:
    from wspubsub.log.rules import Position


class EncodedJson(str):
    """JSON that is written into a frame as it is."""

    __slots__ = ()


class ClientInfo(NamedTuple):
    """Who a client is, as others see it.

    Attributes:
        user: The user's ID; empty for an anonymous one.
        client: The connection's ID.
        info: What the application says about the connection, if anything.
        topic_info: What it says about the connection in a topic, if anything.
    """

    user: str
    client: str
    info: object = None
    topic_info: object = None

    def fields(self) -> dict[str, Any]:
        """Return its fields as the protocol names them."""
        fields: dict[str, Any] = {"user": self.user, "client": self.client}
        if self.info is not None:
            fields["conn_info"] = self.info
        if self.topic_info is not None:
            fields["chan_info"] = self.topic_info
        return fields


class Publication(NamedTuple):
    """A message in a channel.

    Attributes:
        data: The message, encoded.
        offset: Where it stands in the channel's history; 0 without history.
        info: Who published it, if a client did; encoded already if the log had it.
    """

    data: EncodedJson
    offset: int = 0
    info: "ClientInfo | EncodedJson | None" = None

    def json(self) -> Json:
        """Return the message as the JSON value that was published."""
        return json.loads(self.data)

    def fields(self) -> dict[str, Any]:
        """Return its fields as the protocol names them."""
        fields: dict[str, Any] = {"data": self.data}
        if self.offset:
            fields["offset"] = self.offset
        if isinstance(self.info, ClientInfo):
            fields["info"] = self.info.fields()
        elif self.info is not None:
            fields["info"] = self.info
        return fields


class Page(NamedTuple):
    """A part of a topic's history.

    Attributes:
        publications: The messages, in the order that was asked for.
        position: Where the topic stands.
    """

    publications: tuple[Publication, ...]
    position: "Position"

    @property
    def end(self) -> "Position":
        """Position of the last message, behind which the next page begins."""
        if not self.publications:
            return self.position
        return self.position._replace(offset=self.publications[-1].offset)

    def fields(self) -> dict[str, Any]:
        """Return it as a history reply has it."""
        fields: dict[str, Any] = {"epoch": self.position.epoch}
        if self.position.offset:
            fields["offset"] = self.position.offset
        if self.publications:
            fields["publications"] = [each.fields() for each in self.publications]
        return fields


SKIP_PUSH = '{"push":{"channel":""}}'
"""What SDKs pass over, for when a two-way route must answer and nothing is to be said.

An empty message breaks the JavaScript SDK, and the Python SDK counts anything without
a push or an ID as a ping of the server.
"""


def make_reply(command_id: int, kind: str, result: Mapping[str, Any]) -> str:
    """Return the reply to a command that succeeded.

    Args:
        command_id: The command's ID.
        kind: Name of the command, such as `subscribe`.
        result: Its result's fields; those that are absent have their defaults.
    """
    return encode_json({"id": command_id, kind: result})


def make_error(command_id: int, code: Code) -> str:
    """Return the reply to a command that failed."""
    error: dict[str, Any] = {"code": code.number, "message": code.text}
    if code.is_temporary:
        error["temporary"] = True
    return encode_json({"id": command_id, "error": error})


def make_push(kind: str, content: Mapping[str, Any], channel: str = "") -> str:
    """Return a push.

    Args:
        kind: `pub`, `join`, `leave`, `subscribe`, `unsubscribe`, `message` or
            `disconnect`.
        content: Its fields.
        channel: Where it belongs; empty for what concerns the connection.
    """
    named = {"channel": channel} if channel else {}
    return encode_json({"push": {**named, kind: content}})


def make_publication(channel: str, publication: Publication) -> str:
    """Return the push of a message in a channel."""
    return make_push("pub", publication.fields(), channel)


def make_unsubscribe(channel: str, code: Code) -> str:
    """Return the push that ends a subscription, or restarts it from 2500 on."""
    return make_push("unsubscribe", {"code": code.number, "reason": code.text}, channel)


def make_disconnect(code: Code) -> str:
    """Return the push that ends a connection; below 3500 the SDK reconnects."""
    return make_push("disconnect", {"code": code.number, "reason": code.text})


def split_frames(
    parts: Iterable[str], max_bytes: int = MAX_MESSAGE_BYTES
) -> Iterator[str]:
    """Join replies and pushes into as few frames as their order and size allow.

    Args:
        parts: Replies and pushes; one that is larger than a frame is one by itself.
        max_bytes: How much a frame carries.
    """
    pending: list[str] = []
    size = 0
    for part in parts:
        added = len(part.encode()) + bool(pending)
        if pending and size + added > max_bytes:
            yield "\n".join(pending)
            pending, size, added = [], 0, added - 1
        pending.append(part)
        size += added
    if pending:
        yield "\n".join(pending)


def encode_json(value: object) -> EncodedJson:
    """Return a value as JSON without spaces or line breaks, in valid UTF-8.

    Raises:
        TypeError: Something in it has no JSON form.
        ValueError: It holds NaN or an infinity, or itself.
    """
    return EncodedJson(_encode(value))


def _encode(value: object) -> str:
    if isinstance(value, EncodedJson):
        return str(value)
    if isinstance(value, Mapping):
        members = (f"{_dump(str(key))}:{_encode(each)}" for key, each in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_encode, value))}]"
    return _dump(value)


# Once: `json.dumps` makes one for every call that has options.
_encode_leaf = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _dump(value: object) -> str:
    text = _encode_leaf(value)
    # Half a surrogate pair, which a client may have sent as an escape, has no UTF-8.
    return text if _has_utf8(text) else json.dumps(value, allow_nan=False)


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

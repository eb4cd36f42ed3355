"""The requests that rules receive: one record for each kind of command.

All of it but the user and the connection is what a client says, and may be a lie.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wspubsub.events import MessageEvent
from wspubsub.records import Record

if TYPE_CHECKING:
    from wspubsub.messagefields import FieldType


class _Request(Record, hidden=("event", "data", "token")):
    connection_id: str
    event: MessageEvent
    data: object = None

    def fields(self, /, **types: "FieldType") -> tuple[Any, ...]:
        """Return fields of `data`, which must be a JSON object, in this order.

        They are given as for `MessageEvent.fields`.

        Raises:
            MessageError: `data` is not an object; or a field is missing or of another
                type. Left alone it answers the command with 107 "bad request".
        """
        from wspubsub.messagefields import read_fields

        return read_fields(self.data, types)


class ConnectRequest(_Request):
    """A client connects, or sends a new token for its connection.

    Attributes:
        connection_id: ID of the connection.
        event: The event with which the command came.
        data: What the client sent along.
        token: The client's token; empty if it has none.
        name: What the client calls itself, such as `js`.
        version: Version of the application, as the client says.
        headers: Headers of the handshake that `PubSub(keep=[…])` names, looked up in
            any casing.
        query: Query string parameters of the handshake that `keep` names.
        refreshes: ID of the user that the connection has; None where it begins.
    """

    token: str = ""
    name: str = ""
    version: str = ""
    headers: Mapping[str, str] = MappingProxyType({})
    query: Mapping[str, str] = MappingProxyType({})
    refreshes: str | None = None


class _UserRequest(_Request):
    user: str
    info: object = None


class SubscribeRequest(_UserRequest):
    """A client wants to subscribe, or sends a new token for a subscription.

    Attributes:
        topic: The topic.
        user: ID of the user; empty for an anonymous one.
        info: What the connect rule said about the user.
        connection_id: ID of the connection.
        event: The event with which the command came.
        data: What the client sent along.
        token: The client's subscription token; empty if it has none.
    """

    topic: str
    token: str = ""


class PublishRequest(_UserRequest):
    """A client wants to publish.

    Attributes:
        topic: The topic.
        user: ID of the user; empty for an anonymous one.
        info: What the connect rule said about the user.
        connection_id: ID of the connection.
        event: The event with which the command came.
        data: The message.
        is_subscribed: Whether the connection is subscribed to the topic.
    """

    topic: str
    is_subscribed: bool = False


class RpcRequest(_UserRequest):
    """A client calls a method.

    Attributes:
        method: Name of the method.
        user: ID of the user; empty for an anonymous one.
        info: What the connect rule said about the user.
        connection_id: ID of the connection.
        event: The event with which the command came.
        data: The arguments.
    """

    method: str


class SendRequest(_UserRequest):
    """A client sent something that needs no reply.

    Attributes:
        user: ID of the user; empty for an anonymous one.
        info: What the connect rule said about the user.
        connection_id: ID of the connection.
        event: The event with which the command came.
        data: What it sent.
    """


class Departure(Record):
    """A connection has ended; `on_gone` is called with it.

    Attributes:
        connection_id: ID of the connection.
        user: ID of the user; empty for an anonymous one.
        info: What the connect rule said about the user.
        topics: Topics that the connection has left by that.
    """

    connection_id: str
    user: str
    info: object = None
    topics: frozenset[str] = frozenset()

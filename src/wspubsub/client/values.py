"""What a client receives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wspubsub.log.rules import Position
from wspubsub.messages import Json

StateName = Literal["connecting", "connected", "disconnected"]
"""The states of a connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientInfo:
    """Another client: the publisher of a message, or somebody who is there.

    Attributes:
        client: ID of its connection.
        user: ID of its user; empty if it is anonymous.
        conn_info: What the connect rule says about it (`User.info`).
        chan_info: What the server says about it in the topic (`Subscribed.info`).
    """

    client: str
    user: str
    conn_info: Json = None
    chan_info: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of a topic.

    Attributes:
        topic: The topic.
        data: What was published, as JSON has it.
        position: Where it stands in the topic's history, for `since` of a later
            `subscribe`; None if the topic has no history.
        info: Who published it; None if the server did.
    """

    topic: str
    data: Json
    position: Position | None = None
    info: ClientInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """A part of a topic's history.

    Attributes:
        messages: The messages, in the order that was asked for.
        position: Where the topic stood.
    """

    messages: tuple[Message, ...]
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceStats:
    """How many are in a topic.

    Attributes:
        clients: How many connections.
        users: How many users.
    """

    clients: int
    users: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionState:
    """Whether there is a connection.

    Attributes:
        name: `connecting` while it is being made, the first time or again; `connected`;
            `disconnected` when it is over for good.
        code: Why: Centrifugo's code, where there is one.
        reason: The same in words.
    """

    name: StateName
    code: int = 0
    reason: str = ""


Presence = Mapping[str, ClientInfo]
"""Who is in a topic, by the ID of the connection."""

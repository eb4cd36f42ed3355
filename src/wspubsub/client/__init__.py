"""A client of a `PubSub`, for programs with asyncio: each message once and in order.

It wraps `centrifuge-python` (extra `client`), which connects, reconnects and
subscribes; what that SDK gives twice, out of order or not at all is put right here, or
told.
"""

from wspubsub.client.client import Client, connect
from wspubsub.client.errors import (
    ClientError,
    DisconnectedError,
    MessagesLostError,
    RefusedError,
    UnsubscribedError,
)
from wspubsub.client.subscription import Subscription
from wspubsub.client.values import (
    ClientInfo,
    ConnectionState,
    HistoryPage,
    Message,
    PresenceStats,
)

__all__ = [
    "Client",
    "ClientError",
    "ClientInfo",
    "ConnectionState",
    "DisconnectedError",
    "HistoryPage",
    "Message",
    "MessagesLostError",
    "PresenceStats",
    "RefusedError",
    "Subscription",
    "UnsubscribedError",
    "connect",
]

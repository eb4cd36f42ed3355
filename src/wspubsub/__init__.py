"""Real-time WebSocket pub/sub on AWS API Gateway, Lambda and DynamoDB.

What stands here loads no AWS SDK, no event loop and no HTTP library, so that a cold
Lambda starts fast. Import what talks to AWS from `wspubsub.aws` and
`wspubsub.dynamodb`, and test tools from `wspubsub.testing`.
"""

import typing

from wspubsub.connections import ConnectionInfo, Connections, Outcome, PostOutcome
from wspubsub.errors import (
    AccessDeniedError,
    ConnectionGoneError,
    ConnectionNotReadyError,
    CredentialsError,
    EventError,
    Forbidden,
    KeyConflictError,
    ManagementError,
    MessageError,
    MessageTooLargeError,
    NoRouteError,
    Reject,
    StoreError,
    StoreTimeoutError,
    ThrottledError,
    TooManyTopicsError,
    TopicError,
    Unauthorized,
    UsageError,
    WspubsubError,
)
from wspubsub.events import (
    ConnectEvent,
    Connection,
    DisconnectEvent,
    Event,
    MessageEvent,
    PendingConnectionId,
    parse_event,
)
from wspubsub.headers import Headers
from wspubsub.publisher import Publisher
from wspubsub.reports import PublishError, PublishReport
from wspubsub.responses import Response
from wspubsub.router import Router
from wspubsub.selection import RouteSelectionExpression
from wspubsub.subscriptions.port import (
    Pruned,
    Segment,
    SegmentedStore,
    SubscriptionStore,
)

if typing.TYPE_CHECKING:
    from wspubsub.log.memory import MemoryTopicLog
    from wspubsub.log.port import TopicLog
    from wspubsub.log.replays import Replay
    from wspubsub.log.rules import Appended, History, LoggedMessage, Position
    from wspubsub.subscriptions.memory import MemorySubscriptionStore
    from wspubsub.subscriptions.memory_members import MemoryMemberStore

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "Appended",
    "ConnectEvent",
    "Connection",
    "ConnectionGoneError",
    "ConnectionInfo",
    "ConnectionNotReadyError",
    "Connections",
    "CredentialsError",
    "DisconnectEvent",
    "Event",
    "EventError",
    "Forbidden",
    "Headers",
    "History",
    "KeyConflictError",
    "LoggedMessage",
    "ManagementError",
    "MemoryMemberStore",
    "MemorySubscriptionStore",
    "MemoryTopicLog",
    "MessageError",
    "MessageEvent",
    "MessageTooLargeError",
    "NoRouteError",
    "Outcome",
    "PendingConnectionId",
    "Position",
    "PostOutcome",
    "Pruned",
    "PublishError",
    "PublishReport",
    "Publisher",
    "Reject",
    "Replay",
    "Response",
    "RouteSelectionExpression",
    "Router",
    "Segment",
    "SegmentedStore",
    "StoreError",
    "StoreTimeoutError",
    "SubscriptionStore",
    "ThrottledError",
    "TooManyTopicsError",
    "TopicError",
    "TopicLog",
    "Unauthorized",
    "UsageError",
    "WspubsubError",
    "parse_event",
]

# Loaded when they are first asked for: most functions keep no log, and none its
# subscriptions in memory.
_LATE = {
    **dict.fromkeys(
        ("Appended", "History", "LoggedMessage", "Position"), "wspubsub.log.rules"
    ),
    "Replay": "wspubsub.log.replays",
    "MemoryTopicLog": "wspubsub.log.memory",
    "TopicLog": "wspubsub.log.port",
    "MemoryMemberStore": "wspubsub.subscriptions.memory_members",
    "MemorySubscriptionStore": "wspubsub.subscriptions.memory",
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module 'wspubsub' has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(_LATE[name]), name)
    return found

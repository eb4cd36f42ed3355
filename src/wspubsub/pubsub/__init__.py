"""The ready-made application: topics with rules, for clients that others maintain.

On the wire it speaks Centrifugo's client protocol in JSON. In come clients' frames
(`commands`), which `execution` executes with the rules that the user has put on topics
(`rules`); out go replies and pushes (`frames`, `replies`, `broadcaster`). `pubsub` has
the object that holds it all, `server` what the application's own code calls on it.
Begin with `execution`.
"""

from wspubsub.errors import Forbidden, Unauthorized
from wspubsub.pubsub.frames import ClientInfo, EncodedJson, Page, Publication
from wspubsub.pubsub.limits import Limits
from wspubsub.pubsub.pubsub import PubSub
from wspubsub.pubsub.refusals import CommandError, TokenExpired
from wspubsub.pubsub.registration import DelayQueue
from wspubsub.pubsub.requests import (
    ConnectRequest,
    Departure,
    PublishRequest,
    RpcRequest,
    SendRequest,
    SubscribeRequest,
)
from wspubsub.pubsub.rules import ANYONE, SERVER, SUBSCRIBERS, Access, Topic
from wspubsub.pubsub.server import Explanation, PresenceStats
from wspubsub.pubsub.users import Subscribed, User

__all__ = [
    "ANYONE",
    "SERVER",
    "SUBSCRIBERS",
    "Access",
    "ClientInfo",
    "CommandError",
    "ConnectRequest",
    "DelayQueue",
    "Departure",
    "EncodedJson",
    "Explanation",
    "Forbidden",
    "Limits",
    "Page",
    "PresenceStats",
    "PubSub",
    "Publication",
    "PublishRequest",
    "RpcRequest",
    "SendRequest",
    "SubscribeRequest",
    "Subscribed",
    "TokenExpired",
    "Topic",
    "Unauthorized",
    "User",
]

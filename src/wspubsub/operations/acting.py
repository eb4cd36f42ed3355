"""Publishing, posting and disconnecting from outside of an application.

Nobody is pruned here: the application does, and informs the others.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from typing_extensions import override

from wspubsub.connections import Connections
from wspubsub.dynamodb import (
    DynamoDBMemberStore,
    DynamoDBSubscriptionStore,
    DynamoDBTopicLog,
)
from wspubsub.dynamodb.items import connection_key, is_live
from wspubsub.dynamodb.log_items import Tail
from wspubsub.dynamodb.log_requests import LogRequests
from wspubsub.dynamodb.shards import MAX_SHARDS
from wspubsub.errors import (
    ConnectionGoneError,
    MessageError,
    UsageError,
    WspubsubError,
)
from wspubsub.fanout import StreamFanout
from wspubsub.log.rules import DEFAULT_HISTORY, DELETION_MARGIN_SECONDS, History
from wspubsub.messages import read_json
from wspubsub.operations.decoding import Fields
from wspubsub.operations.deployments import Deployment
from wspubsub.operations.scans import has_stream
from wspubsub.operations.topics import read_subscribers
from wspubsub.publisher import Publisher
from wspubsub.pubsub.broadcaster import Broadcaster
from wspubsub.pubsub.codes import FORCED_DISCONNECT
from wspubsub.pubsub.frames import EncodedJson, encode_json, make_push
from wspubsub.reports import PublishReport
from wspubsub.subscriptions.port import Pruned
from wspubsub.subscriptions.sessions import Ended
from wspubsub.topics import shard_of

SECONDS = 60.0
"""How long a publish may take: there is no Lambda function that ends meanwhile."""


class Disconnected(NamedTuple):
    """What became of connections that were to be closed.

    Attributes:
        closed: Those that were closed.
        gone: Those that were gone before.
        failed: Those that could not be closed, and why.
    """

    closed: list[str]
    gone: list[str]
    failed: dict[str, str]


class _Subscribers(DynamoDBSubscriptionStore):
    @override
    def prune(self, *_: Any, **_options: Any) -> Pruned:
        return Pruned()


class _Members(DynamoDBMemberStore):
    @override
    def end_sessions(self, *_: Any, **_options: Any) -> Ended:
        return Ended()


def publish(
    deployment: Deployment,
    topic: str,
    text: str,
    *,
    now: Callable[[], float] = time.time,
    shards: int | None = None,
    posts: bool = False,
) -> PublishReport:
    """Send a message to the subscribers of a topic, as its application does.

    The message is appended to the topic's log if there is one. If the table has a
    stream, that is all: the function on the stream delivers it. Members of a `PubSub`
    get it in its protocol.

    Args:
        deployment: Where.
        topic: The topic.
        text: The message; JSON for a `PubSub`.
        now: Clock, in seconds since the epoch.
        shards: How many shards the topic has; None looks for them.
        posts: Whether to post a logged message even though there is a stream.

    Raises:
        UsageError: The table or the endpoint is not known, or the message is not JSON.
        WspubsubError: As `Publisher.publish`.
    """
    table = deployment.require_table()
    found = [*read_subscribers(deployment.access, topic, now=now(), shards=shards)]
    shards = shards or _guess_shards(found)
    log = _find_log(deployment, topic, now)
    by_stream = log is not None and not posts and _is_by_stream(deployment)
    if any("is_member" in each for each in found):
        members = _Members(table, client=deployment.client, shards=shards, now=now)
        return _broadcast(deployment, topic, text, log, members, by_stream=by_stream)
    publisher = Publisher(
        _Subscribers(table, client=deployment.client, shards=shards, now=now),
        deployment.require_management(),
        log=log,
        fanout=StreamFanout() if by_stream else None,
        timeout_seconds=SECONDS,
    )
    return publisher.publish(topic, text, timeout_seconds=SECONDS)


def post(
    deployment: Deployment, connection: str, text: str, *, now: float, is_raw: bool
) -> None:
    """Send a message to one connection; a session of a `PubSub` gets a message push.

    Args:
        deployment: Where.
        connection: ID of the connection.
        text: The message; JSON for a `PubSub`.
        now: The time, in seconds since the epoch.
        is_raw: Whether to send the text as it is in any case.

    Raises:
        UsageError: The endpoint is not known, or the message is not JSON.
        ConnectionGoneError: The connection is closed or never existed.
        ManagementError: The Management API failed.
    """
    management = deployment.require_management()
    if not is_raw and _has_session(deployment, connection, now):
        text = make_push("message", {"data": _read_json(text)})
    management.post(connection, text.encode())


def disconnect(
    deployment: Deployment, connections: Iterable[str], *, now: float
) -> Disconnected:
    """Close connections; clients of a `PubSub` are told not to come back.

    Raises:
        UsageError: The endpoint is not known.
    """
    management = deployment.require_management()
    done = Disconnected([], [], {})
    for connection in connections:
        try:
            is_closed = _close(deployment, management, connection, now)
        except WspubsubError as error:
            done.failed[connection] = str(error)
        else:
            (done.closed if is_closed else done.gone).append(connection)
    return done


def _close(
    deployment: Deployment, management: Connections, connection: str, now: float
) -> bool:
    """Close a connection; return False if it was gone before."""
    if _has_session(deployment, connection, now):
        members = _Members(deployment.require_table(), client=deployment.client)
        broadcaster = Broadcaster(members, management)
        return broadcaster.disconnect(connection, FORCED_DISCONNECT)
    try:
        management.close(connection)
    except ConnectionGoneError:
        return False
    return True


def _broadcast(
    deployment: Deployment,
    topic: str,
    text: str,
    log: DynamoDBTopicLog | None,
    members: _Members,
    *,
    by_stream: bool,
) -> PublishReport:
    broadcaster = Broadcaster(
        members,
        deployment.require_management(),
        topic_log=log,
        by_stream=by_stream,
        timeout_seconds=SECONDS,
    )
    return broadcaster.publish(topic, _read_json(text), logged=log is not None)


def _read_json(text: str) -> EncodedJson:
    try:
        value = read_json(text)
    except MessageError as error:
        raise UsageError(
            f'DATA must be JSON for a PubSub, such as \'{{"text": "hi"}}\' or '
            f"'\"hi\"': {error}"
        ) from None
    # Line breaks separate messages in a frame.
    return encode_json(value) if "\n" in text else EncodedJson(text)


def _guess_shards(found: Iterable[Fields]) -> int:
    """Return a number of shards with which each subscriber is where it was found."""
    places = {each["connection"]: each["shard"] for each in found}
    least = max(places.values(), default=0) + 1
    fitting = (
        shards
        for shards in range(least, MAX_SHARDS + 1)
        if all(shard_of(name, shards) == shard for name, shard in places.items())
    )
    # While the number is being changed, some are in shards of either number.
    return next(fitting, least)


def _is_by_stream(deployment: Deployment) -> bool:
    if deployment.by_stream is not None:
        return deployment.by_stream
    return has_stream(deployment.client, deployment.require_table())


def _has_session(deployment: Deployment, connection: str, now: float) -> bool:
    if deployment.table is None:
        return False
    item = deployment.access.get(connection_key(connection))
    return item is not None and is_live(item, now) and "user_id" in item


def _find_log(
    deployment: Deployment, topic: str, now: Callable[[], float]
) -> DynamoDBTopicLog | None:
    """Return the topic's log, which keeps messages as long as before; None without."""
    table = deployment.require_table()
    newest = LogRequests(deployment.client, table).newest(topic)
    if newest is None or newest.expires_at <= now():
        return None
    return DynamoDBTopicLog(
        table, client=deployment.client, history=_guess_history(newest), now=now
    )


def _guess_history(newest: Tail) -> History:
    # How long the application keeps what is not in the table; how long an entry stays
    # there is.
    lasts = newest.expires_at - newest.published_at - DELETION_MARGIN_SECONDS - 1
    lasts = max(1.0, lasts)
    return History(
        ttl_seconds=min(DEFAULT_HISTORY.ttl_seconds, lasts), position_ttl_seconds=lasts
    )

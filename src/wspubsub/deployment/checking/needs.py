"""What the functions of an application need to be allowed.

A rule asks a role's statements for it; a live account can be asked to simulate it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from wspubsub.deployment.checking.endpoints import is_own_endpoint
from wspubsub.deployment.checking.tables import find_queue
from wspubsub.deployment.description.deployment import Deployment
from wspubsub.deployment.description.parts import (
    EventSource,
    Function,
    Key,
    Queue,
    Table,
)
from wspubsub.deployment.description.texts import ANYTHING
from wspubsub.deployment.permissions import (
    CONSUMER_ACTIONS,
    LIST_STREAMS,
    MANAGE_CONNECTIONS,
    PUBLISHER_ACTIONS,
    SEND_MESSAGE,
    STREAM_ACTIONS,
    table_actions,
)
from wspubsub.handlers.application import HISTORY, MEMBERS

CONNECTION = "connection-id"
"""Stands for any connection in an ARN."""

_DECRYPT, _GENERATE = "kms:Decrypt", "kms:GenerateDataKey"


class Need(NamedTuple):
    """An action that must be allowed on one of some resources.

    Attributes:
        action: The action.
        resources: The ARNs, of which one is enough.
        what: What it is for.
        verb: Of a connection: POST, GET or DELETE.
        key: The KMS key that it is about, whose own policy may allow it as well.
    """

    action: str
    resources: tuple[str, ...]
    what: str
    verb: str | None = None
    key: Key | None = None


def list_application_needs(deployment: Deployment, function: Function) -> list[Need]:
    """Return what a function needs that runs the application."""
    found = list(_list_posts(deployment, function, _list_verbs(deployment)))
    table = deployment.find_table(function)
    if table is not None:
        found += _list_of_table(function, table, _list_table_actions(deployment, table))
    return [*found, *_list_of_queue(deployment, function)]


def list_publisher_needs(deployment: Deployment, function: Function) -> list[Need]:
    """Return what a function needs that only publishes."""
    found = list(_list_posts(deployment, function, ["POST"]))
    table = deployment.find_table(function)
    if table is not None:
        found += _list_of_table(function, table, list(PUBLISHER_ACTIONS))
    return [*found, *_list_of_queue(deployment, function)]


def list_source_needs(
    deployment: Deployment, source: EventSource, function: Function
) -> Iterator[Need]:
    """Yield what a function needs to be invoked with the records of an event source."""
    what = f"what {source.name} reads for {function.name}"
    queue = find_queue(deployment, source.queue)
    if queue is not None:
        for action in CONSUMER_ACTIONS:
            yield Need(action, (queue.arn,), what)
        if queue.key is not None:
            yield _need_key(_DECRYPT, queue.key, what)
    for table in deployment.tables:
        if table.name == source.table:
            streams = (table.stream_arn, f"{table.arn}/stream/x")
            for action in (*STREAM_ACTIONS, LIST_STREAMS):
                yield Need(action, streams, what)


def _list_verbs(deployment: Deployment) -> list[str]:
    verbs = ["POST"]
    if any(isinstance(each.table, str) for each in deployment.event_sources):
        verbs.append("GET")  # whether a client whose handshake was slow is there by now
    if MEMBERS in deployment.application.table_uses:
        verbs.append("DELETE")
    return verbs


def _list_posts(
    deployment: Deployment, function: Function, verbs: list[str]
) -> Iterator[Need]:
    if not is_own_endpoint(deployment, function):
        return
    api = deployment.api
    names = [each.stage_name for each in api.stages]
    if api.has_other_stages or not names:
        names.append(ANYTHING)
    for verb in verbs:
        yield Need(
            MANAGE_CONNECTIONS,
            tuple(
                f"{api.arn}/{name}/{verb}/@connections/{CONNECTION}" for name in names
            ),
            function.name,
            verb=verb,
        )


def _list_table_actions(deployment: Deployment, table: Table) -> list[str]:
    uses = deployment.application.table_uses
    carries_log = any(
        each.carries_log and each.table == table.name
        for each in deployment.event_sources
    )
    return table_actions(
        history=HISTORY in uses or carries_log, members=MEMBERS in uses
    )


def _list_of_table(
    function: Function, table: Table, actions: list[str]
) -> Iterator[Need]:
    what = f"{table.name} for {function.name}"
    for action in actions:
        yield Need(action, (table.arn,), what)
    if table.key is not None:
        # "DynamoDB encryption at rest": who uses the table uses its key.
        yield _need_key(_DECRYPT, table.key, what)


def _list_of_queue(deployment: Deployment, function: Function) -> Iterator[Need]:
    queue: Queue | None = deployment.find_queue(function)
    if queue is None:
        return
    what = f"{queue.name} for {function.name}"
    yield Need(SEND_MESSAGE, (queue.arn,), what)
    if queue.key is not None:
        yield _need_key(_GENERATE, queue.key, what)


def _need_key(action: str, key: Key, what: str) -> Need:
    return Need(action, (key.arn,), f"{key.name}, the key of {what}", key=key)

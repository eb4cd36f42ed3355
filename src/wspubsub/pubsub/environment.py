"""The parts of an application on AWS, from the function's environment variables."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from wspubsub import dynamodb
from wspubsub.aws import ManagementApi
from wspubsub.aws.endpoints import default_domain, management_endpoint
from wspubsub.dynamodb import DynamoDBMemberStore
from wspubsub.errors import UsageError

if TYPE_CHECKING:
    from wspubsub.connections import Connections
    from wspubsub.log.histories import Histories
    from wspubsub.log.port import TopicLog
    from wspubsub.pubsub.registration import DelayQueue, MakeLog, MakeQueue
    from wspubsub.subscriptions.members import MemberStore


class Parts(NamedTuple):
    """What a `PubSub` on AWS is made of.

    Attributes:
        members: Who is connected and subscribed: in the table.
        connections: The Management API of the endpoint.
        log: Makes the log, in the same table.
        by_stream: Whether the table's stream invokes the function.
        queue: Makes the queue, once it is needed.
    """

    members: "MemberStore"
    connections: "Connections"
    log: "MakeLog"
    by_stream: bool
    queue: "MakeQueue"


def read_environment(environ: Mapping[str, str]) -> Parts:
    """Return the parts that environment variables name; nothing is requested yet.

    Args:
        environ: `WSPUBSUB_TABLE`, `WSPUBSUB_ENDPOINT`, and `WSPUBSUB_STREAM` where the
            table's stream invokes the function. `WSPUBSUB_QUEUE` is read when the queue
            is needed.

    Raises:
        UsageError: A variable is missing, or the endpoint is not one.
    """
    table = _require(environ, "WSPUBSUB_TABLE")
    endpoint = management_endpoint(_require(environ, "WSPUBSUB_ENDPOINT"))
    domain = default_domain(endpoint)
    # A table may be shared by several APIs; a domain of one's own does not say which.
    api = f"{domain.api_id}/{domain.stage}" if domain else None
    return Parts(
        DynamoDBMemberStore(table, api=api),
        ManagementApi(endpoint),
        partial(_make_log, table),
        bool(environ.get("WSPUBSUB_STREAM")),
        partial(_make_queue, environ),
    )


def _make_log(table: str, *, history: "Histories") -> "TopicLog":
    # Its module is loaded by this, where a topic has a history.
    return dynamodb.DynamoDBTopicLog(table, history=history)


def _make_queue(environ: Mapping[str, str]) -> "DelayQueue":
    # Its modules are loaded by this, where a topic has a period of grace.
    from wspubsub.pubsub.queues import make_queue

    return make_queue(_require(environ, "WSPUBSUB_QUEUE"))


def _require(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name)
    if not value:
        raise UsageError(
            f"the environment variable {name} is missing; the template and `wspubsub "
            "dev` set it, or construct PubSub with parts of your own"
        )
    return value

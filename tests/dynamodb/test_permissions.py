"""What the code asks of DynamoDB is what a template allows it, and nothing more."""

from collections.abc import Iterator

from tests.contracts.members import begin, open_session
from tests.support.faulty_dynamodb import FaultyDynamoDB
from tests.support.virtual_time import Clock
from wspubsub import Connection, History, Publisher
from wspubsub.deployment.permissions import (
    HISTORY_ACTIONS,
    MEMBERS_ACTIONS,
    PUBLISHER_ACTIONS,
    STORE_ACTIONS,
)
from wspubsub.dynamodb import (
    DynamoDBMemberStore,
    DynamoDBSubscriptionStore,
    DynamoDBTopicLog,
)
from wspubsub.testing import RecordingConnections

TABLE = "t"
DAY = 24 * 60 * 60.0


def find_used(client: FaultyDynamoDB) -> set[str]:
    """Return the IAM actions that were needed."""
    return {f"dynamodb:{each}" for each in _actions(client)}


def _actions(client: FaultyDynamoDB) -> Iterator[str]:
    # A transaction needs the actions of its items.
    for operation, request in zip(client.calls, client.requests, strict=True):
        if operation != "transact_write_items":
            yield operation.title().replace("_", "")
        for item in request.get("TransactItems", ()):
            (kind,) = item
            yield f"{kind}Item"


def test_a_store_needs_the_actions_that_a_template_allows_it(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    store = DynamoDBSubscriptionStore(TABLE, client=client, now=lambda: clock.time)

    store.connect(Connection(id="a=", connected_at=0))
    store.subscribe("a=", "news")
    store.connection("a=")
    list(store.subscribers("news"))
    store.unsubscribe("a=", "news")
    store.prune({"a="}, topic="news")
    store.disconnect("a=")

    assert find_used(client) == set(STORE_ACTIONS)


def test_only_a_log_checks_conditions(client: FaultyDynamoDB, clock: Clock) -> None:
    log = DynamoDBTopicLog(
        TABLE,
        client=client,
        history=History(ttl_seconds=60, position_ttl_seconds=60),
        now=lambda: clock.time,
        sleep=lambda _seconds: None,
    )

    log.append("news", b"one", key="k")
    log.read("news")
    clock.time += DAY
    log.append("news", b"two")

    assert find_used(client) - set(STORE_ACTIONS) == set(HISTORY_ACTIONS)


def test_only_a_pubsub_updates_items(client: FaultyDynamoDB, clock: Clock) -> None:
    members = DynamoDBMemberStore(TABLE, client=client, now=lambda: clock.time)

    ann = open_session(members)
    begin(members, ann, 1)
    members.end_subscription("a=", "news", command=2)

    assert find_used(client) - set(STORE_ACTIONS) == set(MEMBERS_ACTIONS)


def test_a_publisher_reads_subscribers_and_forgets_the_gone(
    client: FaultyDynamoDB, clock: Clock
) -> None:
    store = DynamoDBSubscriptionStore(TABLE, client=client, now=lambda: clock.time)
    store.subscribe("a=", "news")
    clock.time += 120
    client.calls.clear()
    client.requests.clear()

    report = Publisher(store, RecordingConnections()).publish("news", "hello")

    assert report.gone == {"a="}
    assert find_used(client) <= set(PUBLISHER_ACTIONS)

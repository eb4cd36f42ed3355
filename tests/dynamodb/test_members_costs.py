"""What the store behind `PubSub` asks of DynamoDB, request by request."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.contracts.members import begin, open_session, session
from tests.support.faulty_dynamodb import FaultyDynamoDB
from tests.support.virtual_time import Clock
from wspubsub.dynamodb import DynamoDBMemberStore, DynamoDBSubscriptionStore
from wspubsub.subscriptions.sessions import Session

Act = Callable[[DynamoDBMemberStore, Session], object]

SUBSCRIBED = Counter(update_item=1, put_item=1, get_item=1)


def costs(client: FaultyDynamoDB, act: Callable[[], object]) -> Counter[str]:
    client.calls.clear()
    client.requests.clear()
    act()
    counts = Counter(client.calls)
    batches = counts.pop("batch_write_item", 0)
    if batches:
        counts["in batches"] = sum(
            len(writes)
            for request in client.requests
            for writes in request.get("RequestItems", {}).values()
        )
    return counts


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda store, _ann: store.begin_session(session("b=")), Counter(put_item=2)),
        (
            lambda store, _ann: store.begin_session(session("b=", user="")),
            Counter(put_item=1),
        ),
        (lambda store, _ann: store.read_session("a="), Counter(query=1)),
        (lambda store, _ann: store.is_gone("a="), Counter(get_item=1)),
        (lambda store, ann: begin(store, ann, 5, topic="new"), SUBSCRIBED),
        (lambda store, ann: begin(store, ann, None, topic="new"), SUBSCRIBED),
        (lambda store, ann: begin(store, ann, 5), SUBSCRIBED),
        (
            lambda store, ann: begin(store, ann, 5, topic="new", has_presence=True),
            SUBSCRIBED + Counter(update_item=1),
        ),
        (
            lambda store, ann: begin(store, ann, 5, is_held=True),
            Counter(update_item=2, get_item=1),
        ),
        (lambda store, _ann: store.trace("news", "a="), Counter(update_item=1)),
        # Somebody was later.
        (lambda store, ann: begin(store, ann, 2), Counter(update_item=1)),
        (
            lambda store, _ann: store.end_subscription("a=", "plain", command=5),
            Counter(update_item=1, delete_item=1),
        ),
        (
            lambda store, _ann: store.end_subscription("a=", "news", command=5),
            Counter(update_item=1, delete_item=2),
        ),
        (
            lambda store, _ann: store.end_subscription("a=", "news", command=2),
            Counter(update_item=1),
        ),
        (
            lambda store, _ann: store.undo_subscription("a=", "news", 3_000_000),
            Counter(update_item=1, delete_item=2),
        ),
        (
            lambda store, _ann: store.renew_session(session(expires_at=5.0)),
            Counter(update_item=3, query=1),
        ),
        (
            lambda store, ann: store.renew_subscription(ann, "news", 5.0),
            Counter(update_item=2),
        ),
        (lambda store, _ann: store.mark_lost("news", "a=", 4), Counter(update_item=1)),
        (lambda store, _ann: list(store.members("news")), Counter(query=1)),
        (lambda store, _ann: store.presence("news"), Counter(query=1)),
        (lambda store, _ann: store.connections_of("ann"), Counter(query=1)),
        (lambda store, _ann: store.connections_of(""), Counter()),
        # The record, the user, two topics and a presence; the subscribers in batches.
        (
            lambda store, _ann: store.end_session("a="),
            Counter({"update_item": 1, "delete_item": 4, "query": 1, "in batches": 2}),
        ),
        (
            lambda store, _ann: store.end_sessions(["a="], topic="news"),
            Counter({"update_item": 1, "delete_item": 4, "query": 2, "in batches": 2}),
        ),
    ],
)
def test_what_is_asked_of_dynamodb(
    client: FaultyDynamoDB, act: Act, expected: Counter[str]
) -> None:
    clock = Clock()
    store = DynamoDBMemberStore("t", client=client, now=clock)
    ann = open_session(store)
    begin(store, ann, 3, has_presence=True)
    begin(store, ann, 3, topic="plain")
    clock.advance(60)

    assert costs(client, lambda: act(store, ann)) == expected


def test_who_uses_a_plain_store_pays_for_none_of_it(client: FaultyDynamoDB) -> None:
    clock = Clock()
    store = DynamoDBSubscriptionStore("t", client=client, now=clock)
    store.subscribe("a=", "news")
    clock.advance(60)

    assert costs(client, lambda: store.prune(["a="], topic="news")) == Counter(
        {"query": 1, "delete_item": 1, "in batches": 1}
    )


EPOCH, OFFSET = "8d7f3a12c0b94e65", 54_321


@pytest.mark.parametrize(
    ("expires_at", "is_held", "most"),
    [(None, False, 13.5), (1_800_003_600.0, False, 15), (1_800_003_600.0, True, 20.5)],
)
def test_a_thousand_subscribers_take_few_read_units(
    client: FaultyDynamoDB, expires_at: float | None, *, is_held: bool, most: float
) -> None:
    store = DynamoDBMemberStore("t", client=client, now=Clock())
    ann = open_session(store, "L0SM9cOFvHcCIhw=", expires_at=expires_at)
    topic = "0123456789"
    number = begin(
        store, ann, 120, topic=topic, has_presence=True, is_held=is_held
    ).number
    store.release(
        ann.connection_id, topic, number=number, traces=0, told=(EPOCH, OFFSET)
    )

    (item,) = client.query(
        TableName="t",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "T#0#0123456789"}},
    )["Items"]

    assert 1000 * size_of(item) / 4096 < most


def size_of(item: dict[str, Any]) -> int:
    """Return an item's size ("Item sizes and formats" of DynamoDB)."""
    size = 0
    for name, value in item.items():
        ((kind, text),) = value.items()
        digits = text.replace(".0", "").replace(".", "").rstrip("0")
        size += (
            len(name) + (len(digits) + 1) // 2 + 1
            if kind == "N"
            else (len(name) + len(text))
        )
    return size

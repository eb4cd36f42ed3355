"""What a prune deletes from the table, in which order, and within which time."""

from typing import Any

import pytest

from tests.support.faulty_dynamodb import FaultyDynamoDB, refusal
from tests.support.virtual_time import Clock
from wspubsub import Connection, Pruned, StoreError, TooManyTopicsError
from wspubsub.dynamodb import DynamoDBSubscriptionStore

TABLE = "subscriptions"


@pytest.fixture
def now() -> Clock:
    return Clock()


def make_store(client: Any, **options: Any) -> DynamoDBSubscriptionStore:
    return DynamoDBSubscriptionStore(TABLE, client=client, **options)


def all_items(client: FaultyDynamoDB) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.client.scan(TableName=TABLE)["Items"]
    return items


def test_two_apis_on_one_table_do_not_prune_each_other(
    client: FaultyDynamoDB, now: Clock
) -> None:
    here = make_store(client, api="abcdef1234/prod", now=now)
    there = make_store(client, api="zyxwvu9876/prod", now=now)
    for store, connection_id in ((here, "a="), (there, "b=")):
        store.subscribe(connection_id, "news")
    now.advance(3600)

    assert here.prune(["b="], topic="news") == Pruned()
    assert there.prune(["a=", "b="], topic="news").left == {"b=": {"news"}}

    assert list(here.subscribers("news")) == ["a="]


def test_a_publish_prunes_the_half_of_a_subscription(
    client: FaultyDynamoDB, now: Clock
) -> None:
    store = make_store(client, shards=5, previous_shards=3, now=now)
    for old in (5, 3):
        make_store(client, shards=old).subscribe("a=", "news")
        client.client.delete_item(
            TableName=TABLE, Key={"pk": {"S": "C#a="}, "sk": {"S": "T#news"}}
        )

    assert store.prune(["a="], topic="news") == Pruned()

    assert all_items(client) == []


def test_pruning_ends_in_its_time_and_the_next_one_goes_on(
    client: FaultyDynamoDB, now: Clock
) -> None:
    seconds = Clock()
    store = make_store(client, now=now, clock=seconds)
    topics = [f"topic {number:02}" for number in range(60)]
    store.connect(Connection(id="a=", connected_at=0.0))
    store.subscribe("a=", *topics)
    now.advance(3600)
    for _ in topics:
        client.before("delete_item", lambda: seconds.advance(0.1))

    first = store.prune(["a="], topic="topic 30", timeout_seconds=1.0)
    left = first.left["a="]
    assert 10 <= len(left) < 60
    assert "topic 30" not in left
    assert list(store.subscribers("topic 30")) == ["a="]

    second = store.prune(["a="], topic="topic 30", timeout_seconds=100)
    assert second.left["a="] == set(topics) - left
    assert all_items(client) == []


def test_pruning_deletes_nothing_when_reading_took_all_the_time(
    client: FaultyDynamoDB, now: Clock
) -> None:
    seconds = Clock()
    store = make_store(client, now=now, clock=seconds)
    store.subscribe("a=", "news")
    now.advance(3600)
    client.before("query", lambda: seconds.advance(60))

    assert store.prune(["a="], topic="news", timeout_seconds=60) == Pruned()

    assert list(store.subscribers("news")) == ["a="]


@pytest.mark.parametrize(
    ("fails", "number"), [("batch_write_item", 30), ("delete_item", 1)]
)
def test_what_a_disconnect_leaves_half_done_can_be_done_again(
    client: FaultyDynamoDB, now: Clock, fails: str, number: int
) -> None:
    store = make_store(client, now=now)
    topics = {f"topic {each:02}" for each in range(number)}
    store.connect(Connection(id="a=", connected_at=0.0))
    store.subscribe("a=", *topics)
    client.fail(fails, refusal("InternalServerError"))
    with pytest.raises(StoreError):
        store.disconnect("a=")

    half = {topic for topic in topics if list(store.subscribers(topic))}
    assert half <= store.topics("a=")
    store.disconnect("a=")

    assert all_items(client) == []


@pytest.mark.parametrize(
    ("fails", "topics"), [("batch_write_item", 2), ("delete_item", 1)]
)
def test_what_a_prune_leaves_half_done_is_found_again(
    client: FaultyDynamoDB, now: Clock, fails: str, topics: int
) -> None:
    store = make_store(client, now=now)
    store.connect(Connection(id="a=", connected_at=0.0))
    store.subscribe("a=", *("news", "sport")[:topics])
    now.advance(60)
    client.fail(fails, refusal("InternalServerError"))
    with pytest.raises(StoreError):
        store.prune(["a="], topic="news")

    assert list(store.subscribers("news")) == ["a="]
    store.prune(["a="], topic="news")

    assert all_items(client) == []


def test_many_gone_connections_share_their_batches(
    client: FaultyDynamoDB, now: Clock
) -> None:
    store = make_store(client, now=now)
    ids = [f"c{number:02}=" for number in range(50)]
    for connection_id in ids:
        store.subscribe(connection_id, "news")
    now.advance(60)
    client.calls.clear()

    store.prune(ids, topic="news")

    assert client.calls.count("query") == 50
    assert client.calls.count("batch_write_item") == 2
    assert client.calls.count("delete_item") == 50
    assert all_items(client) == []


def test_what_an_older_version_wrote_counts_as_old(
    client: FaultyDynamoDB, now: Clock
) -> None:
    store = make_store(client, now=now)
    store.connect(Connection(id="a=", connected_at=0.0))
    (item,) = all_items(client)
    del item["written_at"]
    client.put_item(TableName=TABLE, Item=item)

    store.prune(["a="])

    assert all_items(client) == []


@pytest.mark.parametrize("end", ["unsubscribe", "disconnect", "prune"])
def test_a_subscription_is_found_wherever_it_was_put(
    client: FaultyDynamoDB, now: Clock, end: str
) -> None:
    ids = [f"c{number}=" for number in range(8)]
    for connection_id in ids:
        make_store(client, shards=5, now=now).subscribe(connection_id, "news")
    now.advance(60)
    store = make_store(client, shards=2, previous_shards=3, now=now)

    for connection_id in ids:
        if end == "unsubscribe":
            store.unsubscribe(connection_id, "news")
        elif end == "disconnect":
            store.disconnect(connection_id)
        else:
            store.prune([connection_id], topic="news")

    assert all_items(client) == []


def test_a_limit_that_was_lowered_refuses_only_what_is_new(
    client: FaultyDynamoDB,
) -> None:
    make_store(client, max_topics=3).subscribe("a=", "1", "2", "3")
    store = make_store(client, max_topics=2)

    store.subscribe("a=", "1", "3")
    with pytest.raises(TooManyTopicsError):
        store.subscribe("a=", "1", "4")

    assert store.topics("a=") == {"1", "2", "3"}


def test_who_has_left_is_said_although_the_rest_failed(
    client: FaultyDynamoDB, now: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store = make_store(client, now=now)
    topics = {f"topic {number:02}" for number in range(30)}
    store.subscribe("a=", *topics)
    client.before("batch_write_item", lambda: None)
    client.fail("batch_write_item", refusal("InternalServerError"))

    first = store.disconnect("a=")

    assert len(first) == 25
    assert "could not forget all" in caplog.text
    assert store.disconnect("a=") == topics - first
    assert all_items(client) == []


def test_who_was_pruned_is_said_although_the_last_write_failed(
    client: FaultyDynamoDB, now: Clock
) -> None:
    store = make_store(client, now=now)
    store.subscribe("a=", "news")
    now.advance(60)
    client.fail("batch_write_item", refusal("InternalServerError"))

    assert store.prune(["a="], topic="news").left == {"a=": {"news"}}

    assert list(store.subscribers("news")) == ["a="]
    assert store.prune(["a="], topic="news") == Pruned()
    assert all_items(client) == []

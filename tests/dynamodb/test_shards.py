"""Over how many shards a topic is spread."""

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from tests.support.faulty_dynamodb import FaultyDynamoDB
from wspubsub import UsageError
from wspubsub.dynamodb import DynamoDBSubscriptionStore

TABLE = "subscriptions"


def make_store(client: Any, **options: Any) -> DynamoDBSubscriptionStore:
    return DynamoDBSubscriptionStore(TABLE, client=client, **options)


def all_items(client: FaultyDynamoDB) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.client.scan(TableName=TABLE)["Items"]
    return items


def test_shards_can_be_given_by_pattern_of_topics(client: FaultyDynamoDB) -> None:
    store = make_store(client, shards={"big-*": 5, "*": 2})
    for number in range(30):
        store.subscribe(f"c{number}", "big-topic")
        store.subscribe(f"c{number}", "small")

    partitions = {item["pk"]["S"] for item in all_items(client)}

    assert {f"T#{shard}#big-topic" for shard in range(5)} <= partitions
    assert {"T#0#small", "T#1#small"} <= partitions
    assert "T#2#small" not in partitions
    assert len(list(store.subscribers("big-topic"))) == 30
    only_first_shard = make_store(client, shards={"x": 3}).subscribers("small")
    assert 0 < len(list(only_first_shard)) < 30


@pytest.mark.parametrize("shards", [0, -1, 1001, {"*": 0}, 2.5, True, "8", {"*": "8"}])
def test_an_impossible_number_of_shards_is_refused(
    client: FaultyDynamoDB, shards: Any
) -> None:
    with pytest.raises(UsageError, match="shards"):
        make_store(client, shards=shards)
    with pytest.raises(UsageError, match="shards"):
        make_store(client, previous_shards=shards)


@pytest.mark.parametrize("shards", [1, 1000, {"*": 1000}])
def test_a_possible_number_of_shards_is_taken(
    client: FaultyDynamoDB, shards: Any
) -> None:
    assert len(make_store(client, shards=shards).whole("news")) in {1, 1000}


@pytest.mark.parametrize(("before", "after"), [(8, 16), (16, 8), (1, 3)])
def test_the_documented_order_of_a_change_misses_nobody(
    client: FaultyDynamoDB, before: int, after: int
) -> None:
    plans = [
        {"shards": before},
        {"shards": before, "previous_shards": after},
        {"shards": after, "previous_shards": before},
    ]
    stores = [make_store(client, **plan) for plan in plans]

    # A deployment under way: programs of two neighboring steps are there.
    for number, (earlier, later) in enumerate(pairwise(stores)):
        ids = {f"{number} {each}=" for each in range(12)}
        for position, connection_id in enumerate(sorted(ids)):
            (earlier, later)[position % 2].subscribe(connection_id, f"t{number}")
        for store in (earlier, later):
            assert Counter(store.subscribers(f"t{number}")) == Counter(ids)

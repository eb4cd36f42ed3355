"""Reading the pages of a topic ahead, and how many of them are held."""

import threading
from collections import Counter
from typing import Any

import pytest

from wspubsub.dynamodb import DynamoDBSubscriptionStore

PAGES = 3


class CountingClient:
    """Answers each page of each shard, and counts those that nobody has used yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.read: Counter[str] = Counter()

    def query(self, **request: Any) -> dict[str, Any]:
        partition = request["ExpressionAttributeValues"][":pk"]["S"]
        number = request.get("ExclusiveStartKey", {}).get("n", 0)
        with self.lock:
            self.read[partition] += 1
        items = [{"sk": {"S": f"{partition} {number} {each}"}} for each in range(10)]
        more = {"LastEvaluatedKey": {"n": number + 1}} if number < PAGES - 1 else {}
        return {"Items": items, **more}


@pytest.mark.parametrize("shards", [1, 8, 9, 100])
def test_memory_does_not_grow_with_the_number_of_shards(shards: int) -> None:
    client: Any = CountingClient()
    store = DynamoDBSubscriptionStore("t", client=client, shards=shards)
    used = 0

    for number, _ in enumerate(store.subscribers("news"), 1):
        used += number % 10 == 1
        assert sum(client.read.values()) - used <= min(shards, 8)

    assert used == shards * PAGES
    assert set(client.read.values()) == {PAGES}


def test_a_reader_that_stops_early_leaves_nothing_running() -> None:
    client: Any = CountingClient()
    subscribers = DynamoDBSubscriptionStore("t", client=client, shards=100).subscribers(
        "news"
    )
    next(subscribers)

    subscribers.close()  # type: ignore[attr-defined] # it is a generator

    assert sum(client.read.values()) <= 9


class LimitedClient:
    """Has 3,000 subscribers, and answers with as many as it is asked for."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def query(self, **request: Any) -> dict[str, Any]:
        start = request.get("ExclusiveStartKey", {}).get("n", 0)
        end = min(3_000, start + request.get("Limit", 10_000))
        self.sizes.append(end - start)
        items = [{"sk": {"S": f"c{number}"}} for number in range(start, end)]
        return {
            "Items": items,
            **({"LastEvaluatedKey": {"n": end}} if end < 3_000 else {}),
        }


def test_the_first_page_is_small_so_that_posts_begin_while_the_next_is_read() -> None:
    client: Any = LimitedClient()
    store = DynamoDBSubscriptionStore("t", client=client)

    found = list(store.subscribers("news"))

    assert found == [f"c{number}" for number in range(3_000)]
    assert client.sizes == [1_024, 1_976]

"""Limits of a connection, and what it may publish."""

from typing import Any

import pytest

from tests.support.pubsub_clients import Client, World, let_in_by_name
from wspubsub import UsageError
from wspubsub.log.rules import History
from wspubsub.pubsub import ANYONE, SUBSCRIBERS
from wspubsub.pubsub.limits import MAX_REMEMBERED, Limits, Throttle


@pytest.fixture
def client() -> Client:
    world = World(limits=Limits(topics=3))
    let_in_by_name(world.pubsub)
    room = world.pubsub.topic("room:{room_id}", history=History(), presence=True)
    room.subscribe(ANYONE)
    room.publish(SUBSCRIBERS)
    return world.subscribe("room:1")


READS: list[dict[str, Any]] = [
    {"history": {"channel": "room:1", "limit": -1}},
    {"presence": {"channel": "room:1"}},
    {"presence_stats": {"channel": "room:1"}},
]


@pytest.mark.parametrize(
    "command",
    [
        *READS,
        {"unsubscribe": {"channel": "room:2"}},
        {"sub_refresh": {"channel": "room:1"}},
    ],
)
def test_a_frame_asks_for_no_more_than_its_topics(
    client: Client, command: dict[str, Any]
) -> None:
    client.send(*[command] * 4)

    *allowed, last = client.receive()
    assert not any("error" in each for each in allowed)
    assert last["error"]["code"] == 111
    assert last["error"]["temporary"]
    assert "error" not in client.ask(**command), "it is another frame"


def test_a_topic_that_is_subscribed_to_again_and_again_counts(client: Client) -> None:
    client.send(*[{"subscribe": {"channel": "room:2"}}] * 5)

    codes = [each.get("error", {}).get("code") for each in client.receive()]
    assert codes == [None] * 4 + [111]


def test_a_frame_that_has_read_much_reads_no_more(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wspubsub.pubsub.limits.MAX_READ_BYTES", 1000)
    client.ask(publish={"channel": "room:1", "data": "x" * 1000})

    client.send(*READS)

    history, *others = client.receive()
    assert "history" in history
    assert [each["error"]["code"] for each in others] == [111, 111]


@pytest.mark.parametrize("name", ["topics", "publications_per_second", "info_bytes"])
def test_a_limit_is_above_zero(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} must be greater than 0"):
        Limits(**{name: 0})


def test_a_connection_publishes_so_many_in_a_second() -> None:
    now = [0.0]
    throttle = Throttle(2.0, lambda: now[0])

    assert [throttle.take("a") for _ in range(3)] == [True, True, False]
    assert throttle.take("b")
    now[0] = 0.5
    assert [throttle.take("a") for _ in range(2)] == [True, False]
    now[0] = 60.0
    assert [throttle.take("a") for _ in range(3)] == [True, True, False]


def test_less_than_one_in_a_second_is_one_in_several() -> None:
    now = [0.0]
    throttle = Throttle(0.5, lambda: now[0])

    assert [throttle.take("a") for _ in range(2)] == [True, False]
    now[0] = 2.0
    assert throttle.take("a")


def test_without_a_limit_everything_is_let_through() -> None:
    throttle = Throttle(None, lambda: 0.0)

    assert all(throttle.take("a") for _ in range(1000))


def test_the_memory_of_connections_is_bounded() -> None:
    throttle = Throttle(1.0, lambda: 0.0)
    assert throttle.take("first")
    for number in range(MAX_REMEMBERED):
        throttle.take(str(number))

    assert throttle.take("first"), "it was forgotten, being the oldest"
    assert not throttle.take(str(MAX_REMEMBERED - 1))

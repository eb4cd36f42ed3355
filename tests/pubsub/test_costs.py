"""What each command of a `PubSub` asks of DynamoDB, and how many messages it is.

A write of up to 1 KB is one unit, and an item of a transaction two. A strongly
consistent read is one for each 4 KB, and any other half of that ("DynamoDB read and
write operations"). Everything that is read or written here is smaller than that.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import pytest

from tests.support.faulty_dynamodb import FaultyDynamoDB, faulty_moto
from tests.support.pubsub_clients import Client, World
from wspubsub.dynamodb import DynamoDBMemberStore, DynamoDBTopicLog
from wspubsub.log.rules import History
from wspubsub.pubsub import ANYONE, SUBSCRIBERS, ConnectRequest, User

WRITES = {"put_item", "update_item", "delete_item"}


class Cost(NamedTuple):
    """Write units, read units, and messages to clients."""

    writes: int
    reads: float
    messages: int = 1


class Meter:
    """An application on DynamoDB, with a count of what it asks for."""

    def __init__(self, client: FaultyDynamoDB) -> None:
        self.client = client
        self.world = World(
            members=DynamoDBMemberStore("t", client=client, now=self._now),
            log=partial(DynamoDBTopicLog, "t", client=client, now=self._now),
        )
        pubsub = self.world.pubsub

        @pubsub.connect
        def connect(request: ConnectRequest) -> User:
            user, _, seconds = request.token.partition(" ")
            expires_at = self.world.gateway.now() + float(seconds or 600)
            return User(user, expires_at=expires_at)

        for name, options in TOPICS.items():
            topic = pubsub.topic(name, **options)
            topic.subscribe(ANYONE)
            topic.publish(SUBSCRIBERS)
        self.clients: list[Client] = []

    def _now(self) -> float:
        return self.world.gateway.now()

    def connect(self, user: str, *channels: str) -> Client:
        """Let somebody connect and subscribe."""
        client = self.world.connect(user)
        for channel in channels:
            client.subscribe(channel)
        self.clients.append(client)
        return client

    def count(self, act: Callable[[], object]) -> Cost:
        """Return what a step costs."""
        for client in self.clients:
            client.wire.receive_all()
        self.client.calls.clear()
        self.client.requests.clear()
        act()
        asked = list(zip(self.client.calls, self.client.requests, strict=True))
        return Cost(
            sum(_write_units(name, request) for name, request in asked),
            sum(_read_units(name, request) for name, request in asked),
            sum(len(client.wire.receive_all()) for client in self.clients),
        )


TOPICS: dict[str, dict[str, Any]] = {
    "plain": {},
    "seen": {"presence": True},
    "told": {"join_leave": True},
    "room": {"history": History(limit=100, ttl_seconds=300)},
    "full": {"history": History(), "presence": True, "join_leave": True},
    "newest": {"history": History(limit=1), "mode": "cache"},
}


def _write_units(name: str, request: dict[str, Any]) -> int:
    if name == "transact_write_items":
        return 2 * len(request["TransactItems"])
    if name == "batch_write_item":
        return sum(map(len, request["RequestItems"].values()))
    return int(name in WRITES)


def _read_units(name: str, request: dict[str, Any]) -> float:
    if name not in {"query", "get_item"}:
        return 0
    return 1 if request.get("ConsistentRead") else 0.5


@pytest.fixture
def meter() -> Iterator[Meter]:
    with faulty_moto("t") as client:
        yield Meter(client)


def test_connecting_costs_two_writes_and_one_read(meter: Meter) -> None:
    client = meter.world.open()
    meter.clients.append(client)

    assert meter.count(lambda: client.send({"connect": {"token": "ada"}})) == Cost(2, 1)


# The frame is read once and looked at once more after its writes.
FRAME = 2
GENESIS = 1
# Publishers wait for a subscriber with history until it has its reply.
RELEASE = 1


@pytest.mark.parametrize(
    ("channel", "first", "later"),
    [
        ("plain", Cost(2, 1 + FRAME), Cost(2, 1 + FRAME)),
        ("seen", Cost(3, 1 + FRAME), Cost(3, 1 + FRAME)),
        # Its reply is posted, and the route answers something that is passed over.
        (
            "room",
            Cost(2 + GENESIS + RELEASE, 2 + FRAME, 2),
            Cost(2 + RELEASE, 2 + FRAME, 2),
        ),
        (
            "newest",
            Cost(2 + GENESIS + RELEASE, 3 + FRAME, 2),
            Cost(2 + RELEASE, 3 + FRAME, 2),
        ),
    ],
)
def test_what_a_subscribe_costs(
    meter: Meter, channel: str, first: Cost, later: Cost
) -> None:
    ada, bob = meter.connect("ada"), meter.connect("bob")
    subscribe = {"subscribe": {"channel": channel}}

    assert meter.count(lambda: ada.send(subscribe)) == first
    meter.world.pubsub.publish(channel, 1)
    assert meter.count(lambda: bob.send(subscribe)) == later


@pytest.mark.parametrize(
    ("flag", "reads"),
    [
        # Its topic is read back; position, and what follows.
        (0, 1 + 2),
        # Whoever wants no gap is told so before anything is written.
        (2, 2 + 1 + 2),
    ],
)
def test_what_recovering_costs(meter: Meter, flag: int, reads: int) -> None:
    ada, bob = meter.connect("ada", "room"), meter.connect("bob")
    epoch = ada.subscribe("room")["subscribe"]["epoch"]
    meter.world.pubsub.publish("room", 1)
    since = {"recover": True, "epoch": epoch, "offset": 0, "flag": flag}

    cost = meter.count(lambda: bob.send({"subscribe": {"channel": "room", **since}}))

    assert cost == Cost(2 + RELEASE, reads + FRAME, 2)


def test_who_joins_costs_a_read_of_the_topic_and_a_message_for_each(
    meter: Meter,
) -> None:
    ada, *_ = meter.connect("ada"), meter.connect("bob", "told")

    cost = meter.count(lambda: ada.send({"subscribe": {"channel": "told"}}))

    assert cost == Cost(3, 1 + FRAME + 0.5, 1 + 1)


def test_a_reconnect_with_its_topics_costs_one_frame(meter: Meter) -> None:
    meter.connect("bob", "plain", "room", "seen")
    client = meter.world.open()
    meter.clients.append(client)
    topics = ("plain", "room", "seen")

    cost = meter.count(
        lambda: client.send(
            {"connect": {"token": "ada"}},
            *({"subscribe": {"channel": each}} for each in topics),
        )
    )

    assert cost == Cost(2 + 2 + (2 + RELEASE) + 3, 1 + 1 + 2 + 1, 2)


@pytest.mark.parametrize(
    ("channel", "cost"),
    [
        # The members are read with strong consistency only if they could recover.
        ("plain", Cost(0, 1 + 0.5, 1 + 3)),
        ("seen", Cost(0, 1 + 0.5, 1 + 3)),
        ("room", Cost(1, 1 + 1, 1 + 3)),
        ("newest", Cost(1, 1 + 1, 1 + 3)),
    ],
)
def test_what_a_publish_to_three_subscribers_costs(
    meter: Meter, channel: str, cost: Cost
) -> None:
    ada, *_ = [meter.connect(user, channel) for user in ("ada", "bob", "eve")]
    ada.ask(publish={"channel": channel, "data": 1})

    publish = {"publish": {"channel": channel, "data": 2}}

    assert meter.count(lambda: ada.send(publish)) == cost


@pytest.mark.parametrize(
    ("command", "cost"),
    [
        ({"ping": {}}, Cost(0, 1)),
        ({"unknown": {}}, Cost(0, 1)),
        ({"rpc": {"method": "none"}}, Cost(0, 1)),
        ({"subscribe": {"channel": "none"}}, Cost(0, 1)),
        ({"publish": {"channel": "plain", "data": 1}}, Cost(0, 1)),
        ({"history": {"channel": "full", "limit": 1}}, Cost(0, 3)),
        ({"history": {"channel": "full"}}, Cost(0, 2)),
        ({"presence": {"channel": "full"}}, Cost(0, 2)),
        ({"presence_stats": {"channel": "full"}}, Cost(0, 2)),
        ({"unsubscribe": {"channel": "full"}}, Cost(3, 1.5, 2)),
        ({"refresh": {"token": "ada 900"}}, Cost(2, 2)),
    ],
)
def test_what_other_commands_cost(
    meter: Meter, command: dict[str, Any], cost: Cost
) -> None:
    ada = meter.connect("ada", "full")
    meter.connect("bob", "full")
    meter.world.pubsub.publish("full", 1)

    assert meter.count(lambda: ada.send(command)) == cost


def test_a_malformed_frame_costs_its_disconnect(meter: Meter) -> None:
    client = meter.world.open()
    meter.clients.append(client)

    # All of it in `$disconnect`: nobody knows there that it has no session.
    assert meter.count(lambda: client.wire.send("nonsense")) == Cost(1, 1, 1)


def test_what_an_end_costs(meter: Meter) -> None:
    ada = meter.connect("ada", "plain", "seen")

    # The record and the user; two for each topic, and one for the presence.
    assert meter.count(ada.wire.close) == Cost(2 + 2 + 2 + 1, 1, 0)

"""Nobody who subscribes and then reads the log misses a message, in any order.

Publishers and subscribers run side by side on the real store and the real log, whose
requests to DynamoDB are let through one by one. A replica that answers reads which need
not be consistent has seen no write, and a page holds two items.

What a client knows at the end is what was posted to it and what its own reads of the
log returned. The same run with one fault in a request or in the order of calls loses a
message, so the test would notice.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest

from tests.support.interleaving import Caller, every_order, some_orders
from tests.support.request_faults import (
    ONE_PAGE,
    Endpoint,
    Fault,
    Request,
    no_fault,
)
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import Clock
from wspubsub import History, LoggedMessage, Position, Publisher
from wspubsub.dynamodb import DynamoDBSubscriptionStore, DynamoDBTopicLog
from wspubsub.messages import encode
from wspubsub.testing import RecordingConnections

TABLE = "chat"
TOPIC = "news"
SKEW = 15 * 60
LONG_AGO = 60 + SKEW
HISTORY = History(limit=50, ttl_seconds=60, position_ttl_seconds=60)
CROWD = ("a=", "b=", "x=", "y=")
"""Who is subscribed all the time: two before the clients by their IDs, two after."""


class Client:
    """What a client has been told, and from which position on it must know all."""

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.start: Position | None = None
        self.replayed: tuple[LoggedMessage, ...] = ()

    def subscribe(
        self,
        store: DynamoDBSubscriptionStore,
        log: DynamoDBTopicLog,
        since: Position | None,
    ) -> None:
        store.subscribe(self.id, TOPIC)
        self.catch_up(log, since)

    def catch_up(self, log: DynamoDBTopicLog, since: Position | None) -> None:
        if since is None:
            self.start = log.ensure_position(TOPIC)
            return
        replay = log.recover(TOPIC, since)
        self.start = since if replay.recovered else replay.position
        self.replayed = replay.messages


class World:
    """One run: a table, and who acts on it."""

    def __init__(self, fault: Fault = no_fault) -> None:
        self.clock = Clock()
        self.table = SmallTable()
        self.endpoint = Endpoint(self.table, fault)
        self.connections = RecordingConnections(CROWD)
        self.clients: list[Client] = []
        self.published: list[Position] = []
        for connection_id in CROWD:
            self.store(self.table).subscribe(connection_id, TOPIC)

    def store(self, client: Any) -> DynamoDBSubscriptionStore:
        return DynamoDBSubscriptionStore(TABLE, client=client, now=self.clock)

    def log(self, client: Any) -> DynamoDBTopicLog:
        return DynamoDBTopicLog(
            TABLE,
            client=client,
            history=HISTORY,
            now=self.clock,
            sleep=lambda _seconds: None,
        )

    def fill(self, count: int) -> list[Position]:
        """Publish before it all begins."""
        log = self.log(self.table)
        return [log.append(TOPIC, b"old").message.position for _ in range(count)]

    def publisher(self, name: str = "p", key: str | None = None) -> Caller:
        def publish(client: Any) -> None:
            publisher = Publisher(
                self.store(client),
                self.connections,
                log=self.log(client),
                envelope=lambda message: message.position,
            )
            report = publisher.publish(TOPIC, name, key=key)
            assert report.position is not None
            self.published.append(report.position)

        return publish

    def client(self, id_: str = "c=") -> Client:
        self.connections.connect(id_)
        self.clients.append(Client(id_))
        return self.clients[-1]

    def subscriber(self, id_: str = "c=", since: Position | None = None) -> Caller:
        client = self.client(id_)
        return lambda endpoint: client.subscribe(
            self.store(endpoint), self.log(endpoint), since
        )

    def losses(self) -> list[str]:
        """Return what clients miss and do not know of, and what publishers lost."""
        kept = [
            each.position for each in self.log(self.table).read_history(TOPIC).messages
        ]
        lost = [f"{each} is not kept" for each in self.published if each not in kept]
        for client in self.clients:
            lost += self._missed(client)
        if len(set(self.published)) < len(self.published):
            lost.append("two messages have one position")
        return lost

    def _missed(self, client: Client) -> list[str]:
        start = client.start
        assert start is not None
        replay = self.log(self.table).read(TOPIC, start)
        if not replay.recovered:
            return [f"the position that {client.id} was told has no future"]
        known = {each.position for each in client.replayed}
        known |= {_position(each) for each in self.connections.messages(client.id)}
        return [
            f"{client.id} misses {each.position}"
            for each in replay.messages
            if each.position not in known
        ]


def _position(data: bytes) -> Position:
    position = Position.parse(data.decode())
    assert position is not None
    return position


Scene = Callable[[World], Sequence[Caller]]


def new_topic(world: World) -> Sequence[Caller]:
    return [world.publisher(), world.subscriber()]


def live_topic(world: World) -> Sequence[Caller]:
    world.fill(1)
    return [world.publisher(), world.subscriber()]


def who_comes_back(world: World) -> Sequence[Caller]:
    since = world.fill(6)[0]
    return [world.publisher(), world.subscriber(since=since)]


def expired_topic(world: World) -> Sequence[Caller]:
    since = world.fill(2)[0]
    world.clock.advance(LONG_AGO)
    return [world.publisher(), world.subscriber(since=since)]


def two_publishers(world: World) -> Sequence[Caller]:
    return [world.publisher("p"), world.publisher("q", key="k"), world.subscriber()]


def two_subscribers(world: World) -> Sequence[Caller]:
    return [world.publisher(), world.subscriber("c="), world.subscriber("d=")]


def all_of_them(world: World) -> Sequence[Caller]:
    since = world.fill(3)[0]
    return [
        world.publisher("p"),
        world.publisher("q"),
        world.subscriber("c=", since),
        world.subscriber("d="),
    ]


def all_after_expiry(world: World) -> Sequence[Caller]:
    world.fill(2)
    world.clock.advance(LONG_AGO)
    return [
        world.publisher("p"),
        world.publisher("q"),
        world.subscriber("c="),
        world.subscriber("d="),
    ]


def runs(
    scene: Scene, fault: Fault = no_fault, number: int | None = None
) -> Iterator[World]:
    """Yield the world after each run, in every order of requests or in some."""
    made: list[World] = []

    def prepare() -> tuple[Any, Sequence[Caller]]:
        made.append(World(fault))
        return made[-1].endpoint, scene(made[-1])

    orders: Iterable[list[int]] = (
        every_order(prepare) if number is None else some_orders(prepare, number)
    )
    for _order in orders:
        yield made.pop()


@pytest.mark.parametrize(
    ("scene", "least"),
    [
        (new_topic, 200),
        (live_topic, 100),
        pytest.param(who_comes_back, 700, marks=pytest.mark.slow),
        (expired_topic, 200),
    ],
)
def test_in_every_order_nobody_misses_a_message(scene: Scene, least: int) -> None:
    count = 0
    for world in runs(scene):
        assert world.losses() == []
        count += 1

    assert count > least


CROWDED = [two_publishers, two_subscribers, all_of_them, all_after_expiry]


@pytest.mark.parametrize("scene", CROWDED)
def test_of_many_nobody_misses_a_message(scene: Scene) -> None:
    for world in runs(scene, number=50):
        assert world.losses() == []


@pytest.mark.slow
@pytest.mark.parametrize("scene", CROWDED)
def test_of_many_nobody_misses_a_message_in_many_orders(scene: Scene) -> None:
    for world in runs(scene, number=1000):
        assert world.losses() == []


def begin_unconditionally(operation: str, request: Request) -> Request:
    if operation == "put_item" and "genesis" in request["Item"]:
        return {key: request[key] for key in ("TableName", "Item")}
    if operation == "transact_write_items":
        puts = [each for each in request["TransactItems"] if "Put" in each]
        if "genesis" in puts[0]["Put"]["Item"]:
            put = {key: puts[0]["Put"][key] for key in ("TableName", "Item")}
            return {**request, "TransactItems": [{"Put": put}]}
    return request


def of_subscribers(operation: str, request: Request) -> bool:
    values = request.get("ExpressionAttributeValues", {})
    return operation == "query" and values[":pk"]["S"].startswith("T#")


def read_late(operation: str, request: Request) -> Request:
    if of_subscribers(operation, request):
        return {key: request[key] for key in request if key != "ConsistentRead"}
    return request


def read_one_page(operation: str, request: Request) -> Request:
    if of_subscribers(operation, request):
        return {**request, ONE_PAGE: True}
    return request


@pytest.mark.parametrize(
    ("scene", "fault", "loss"),
    [
        (new_topic, begin_unconditionally, "has no future"),
        (expired_topic, begin_unconditionally, "has no future"),
        (new_topic, read_late, "misses"),
        (who_comes_back, read_late, "misses"),
        (live_topic, read_one_page, "misses"),
    ],
)
def test_a_fault_in_one_request_would_lose_a_message(
    scene: Scene, fault: Fault, loss: str
) -> None:
    assert any(loss in each for world in runs(scene, fault) for each in world.losses())


def subscriber_that_reads_first(world: World) -> Sequence[Caller]:
    client = world.client()

    def act(endpoint: Any) -> None:
        client.catch_up(world.log(endpoint), None)
        world.store(endpoint).subscribe(client.id, TOPIC)

    return [world.publisher(), act]


def publisher_that_reads_first(world: World) -> Sequence[Caller]:
    def act(endpoint: Any) -> None:
        ids = list(world.store(endpoint).subscribers(TOPIC, consistent=True))
        message = world.log(endpoint).append(TOPIC, b"p").message
        data = encode(message.position)
        list(world.connections.post_many(ids, data, deadline=math.inf))

    return [act, world.subscriber()]


@pytest.mark.parametrize(
    "scene", [subscriber_that_reads_first, publisher_that_reads_first]
)
def test_a_swapped_order_would_lose_a_message(scene: Scene) -> None:
    assert any("misses" in each for world in runs(scene) for each in world.losses())


def test_a_replay_that_stops_at_a_page_says_that_it_is_not_whole() -> None:
    def stop(_operation: str, request: Request) -> Request:
        is_replay = "BETWEEN" in request.get("KeyConditionExpression", "")
        return {**request, ONE_PAGE: True} if is_replay else request

    world = World(stop)
    since = world.fill(6)[0]

    replay = world.log(world.endpoint).recover(TOPIC, since)

    assert not replay.recovered
    assert replay.messages == ()
    assert world.log(world.table).recover(TOPIC, since).recovered

"""Commands of one client that are handled at the same time, and stores that fail."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.pubsub_clients import WatchedLog, World, find_log, let_in_by_name
from wspubsub import StoreError
from wspubsub.log.rules import History
from wspubsub.pubsub import ANYONE, SubscribeRequest
from wspubsub.subscriptions.memory_members import MemoryMemberStore
from wspubsub.subscriptions.sessions import Began, Presence


def make_world(
    meanwhile: Callable[[World, SubscribeRequest], object], **options: Any
) -> World:
    """Return a world where something happens while the rule of `room` is called."""
    world = World(**options)
    let_in_by_name(world.pubsub)
    room = world.pubsub.topic("room", history=History(), presence=True, join_leave=True)

    @room.subscribe
    def enter(request: SubscribeRequest) -> None:
        meanwhile(world, request)

    return world


def test_a_subscribe_that_a_later_unsubscribe_has_overtaken_is_undone() -> None:
    world = make_world(
        lambda world, request: world.members.end_subscription(
            request.connection_id, "room", command=99
        )
    )
    client = world.connect()

    assert "subscribe" in client.subscribe("room")
    assert not list(world.members.members("room"))
    assert world.members.presence("room") == ()


def test_a_subscribe_while_the_server_unsubscribes_is_to_be_repeated() -> None:
    world = make_world(
        lambda world, _: world.pubsub.unsubscribe("ada", "room"),
    )
    client = world.connect("ada")

    error = client.subscribe("room")["error"]

    assert error["code"] == 100
    assert error["temporary"]
    assert not list(world.members.members("room"))


class VanishingMembers(MemoryMemberStore):
    """Members whose connections are gone as soon as they have written something."""

    is_vanishing = False

    def is_gone(self, connection_id: str) -> bool:
        return self.is_vanishing or super().is_gone(connection_id)


def test_a_client_that_has_lost_and_gone_leaves_nothing() -> None:
    members = VanishingMembers()
    world = make_world(
        lambda world, request: world.members.end_subscription(
            request.connection_id, "room", command=99
        ),
        members=members,
    )
    client = world.connect()
    members.is_vanishing = True

    client.send({"subscribe": {"channel": "room"}})

    assert client.receive() == []
    assert not list(members.members("room"))


def test_the_others_are_told_of_who_was_there_and_has_gone() -> None:
    members = VanishingMembers()
    world = make_world(lambda _world, _request: None, members=members)
    other, client = world.subscribe("room", "bob"), world.subscribe("room", "ada")
    other.receive()
    members.is_vanishing = True

    client.send({"subscribe": {"channel": "room"}})

    assert client.receive() == []
    (push,) = other.receive()
    assert push["push"]["leave"]["info"]["user"] == "ada"


def test_a_client_that_goes_while_it_connects_leaves_nothing() -> None:
    world = World()

    @world.pubsub.on_gone
    def ignore(_departure: Any) -> None: ...

    let_in_by_name(world.pubsub)
    client = world.open()
    begin = world.members.begin_session

    def begin_and_go(session: Any) -> bool:
        has_begun = begin(session)
        world.members.end_session(session.connection_id)
        return has_begun

    world.members.begin_session = begin_and_go  # type: ignore[method-assign] # by chance in real life

    client.send({"connect": {"token": "ada"}})

    assert client.receive() == []
    assert world.members.connections_of("ada") == ()


class FaultyMembers(MemoryMemberStore):
    """Members of which single requests fail."""

    failing: frozenset[str] = frozenset()
    left: Presence | None = None

    def _check(self, name: str) -> None:
        if name in self.failing:
            raise StoreError("secret", operation=name, code="X")

    def read_session(self, *args: Any, **options: Any) -> Any:
        self._check("read_session")
        return super().read_session(*args, **options)

    def is_gone(self, *args: Any, **options: Any) -> Any:
        self._check("is_gone")
        return super().is_gone(*args, **options)

    def undo_subscription(self, *args: Any, **options: Any) -> Any:
        self._check("undo_subscription")
        return super().undo_subscription(*args, **options)

    def mark_lost(self, *args: Any, **options: Any) -> Any:
        self._check("mark_lost")
        return super().mark_lost(*args, **options)

    def release(self, *args: Any, **options: Any) -> Any:
        self._check("release")
        return super().release(*args, **options)

    def begin_subscription(self, *args: Any, **options: Any) -> Any:
        self._check("begin_subscription")
        began = super().begin_subscription(*args, **options)
        if self.left is None:
            return began
        return Began(number=began.number, is_current=False, left=self.left)


@pytest.fixture
def faulty() -> World:
    members = FaultyMembers()
    world = World(members=members, log=WatchedLog)
    let_in_by_name(world.pubsub)
    room = world.pubsub.topic("room", history=History(), join_leave=True)
    room.subscribe(ANYONE)
    room.publish(ANYONE)
    return world


def fail(world: World, *names: str) -> None:
    assert isinstance(world.members, FaultyMembers)
    world.members.failing = frozenset(names)


@pytest.mark.parametrize("name", ["read_session", "is_gone", "begin_subscription"])
def test_a_store_that_fails_is_temporary(faulty: World, name: str) -> None:
    client = faulty.connect("ada")
    fail(faulty, name)

    error = client.subscribe("room")["error"]

    assert error == {
        "code": 100,
        "message": "internal server error",
        "temporary": True,
    }
    fail(faulty)
    assert "subscribe" in client.subscribe("room")


def test_who_was_not_subscribed_after_all_may_not_publish_as_a_subscriber(
    faulty: World,
) -> None:
    client = faulty.connect("ada")
    fail(faulty, "begin_subscription")
    again = {"subscribe": {"channel": "room"}}

    client.send(again, again, {"presence": {"channel": "room"}})

    codes = [each["error"]["code"] for each in client.receive()]
    assert codes == [100, 100, 103]
    fail(faulty)
    client.subscribe("room")
    fail(faulty, "begin_subscription")
    client.send(again, {"history": {"channel": "room"}})
    failed, history = client.receive()
    assert failed["error"]["code"] == 100
    assert history["history"]["epoch"]


def test_a_client_is_asked_to_recover_though_it_cannot_be_marked(
    faulty: World,
) -> None:
    client = faulty.connect("ada")
    for number in range(2):
        faulty.pubsub.publish("room", number)
    log = find_log(faulty)

    def fail_both() -> None:
        fail(faulty, "mark_lost")
        raise StoreError("secret", operation="Query", code="X")

    def publish() -> None:
        faulty.pubsub.publish("room", 2)
        log.after_read = fail_both

    log.after_read = publish

    client.send({"subscribe": {"channel": "room"}})

    assert client.receive()[-1]["push"]["unsubscribe"]["code"] == 2500


def test_who_cannot_be_released_is_asked_to_recover(faulty: World) -> None:
    client = faulty.connect("ada")
    faulty.pubsub.publish("room", 1)
    fail(faulty, "release")

    client.send({"subscribe": {"channel": "room"}})

    assert client.receive()[-1]["push"]["unsubscribe"]["code"] == 2500
    (member,) = faulty.members.members("room")
    assert member.lost == 2


def test_a_mark_is_put_back_where_the_reply_has_not_arrived(faulty: World) -> None:
    client = faulty.connect("ada")
    epoch = client.subscribe("room")["subscribe"]["epoch"]
    for number in range(3):
        faulty.pubsub.publish("room", number)
    client.receive()
    faulty.members.mark_lost("room", client.id, 2)
    faulty.gateway.connections.fail(client.id, status=500, times=None)

    client.send(
        {"subscribe": {"channel": "room", "recover": True, "epoch": epoch, "offset": 3}}
    )

    (member,) = faulty.members.members("room")
    assert member.lost == 2


def test_who_has_left_meanwhile_is_told_to_the_others(faulty: World) -> None:
    other = faulty.subscribe("room", "bob")
    client = faulty.connect("ada")
    assert isinstance(faulty.members, FaultyMembers)
    faulty.members.left = Presence(connection_id=client.id, user="ada")

    assert "subscribe" in client.subscribe("room")

    assert other.receive()[-1]["push"]["leave"]["info"]["user"] == "ada"


def test_who_comes_and_leaves_in_one_frame_is_not_announced(faulty: World) -> None:
    other = faulty.subscribe("room", "bob")
    client = faulty.connect("ada")

    client.send(
        {"subscribe": {"channel": "room"}}, {"unsubscribe": {"channel": "room"}}
    )

    assert other.receive() == []


def test_what_was_executed_is_said_although_the_subscribe_failed(
    faulty: World,
) -> None:
    client = faulty.connect("ada")
    fail(faulty, "is_gone")

    client.send(
        {"publish": {"channel": "room", "data": 1}},
        {"subscribe": {"channel": "room"}},
        {"ping": {}},
    )

    published, subscribed, answered = client.receive()
    assert "publish" in published
    assert subscribed["error"]["code"] == 100
    assert "ping" in answered


def test_a_mark_that_a_failed_subscribe_took_is_put_back(faulty: World) -> None:
    client = faulty.connect("ada")
    epoch = client.subscribe("room")["subscribe"]["epoch"]
    for number in range(3):
        faulty.pubsub.publish("room", number)
    client.receive()
    faulty.members.mark_lost("room", client.id, 2)
    fail(faulty, "is_gone")
    since = {"recover": True, "epoch": epoch, "offset": 3}
    assert client.subscribe("room", **since)["error"]["code"] == 100
    fail(faulty)

    reply = client.subscribe("room", **since)["subscribe"]

    assert [each["offset"] for each in reply["publications"]] == [2, 3]


def test_who_is_sent_away_leaves_no_subscription_and_is_not_announced(
    faulty: World,
) -> None:
    listener, client = faulty.subscribe("room", "bob"), faulty.open()

    client.send(
        {"connect": {"token": "ada"}},
        {"subscribe": {"channel": "room"}},
        {"send": {"data": 1}},
    )

    assert client.disconnect_code() == 3508
    assert listener.receive() == []
    assert [each.connection_id for each in faulty.members.members("room")] == [
        listener.id
    ]


def test_who_is_sent_away_is_so_even_if_the_store_fails(
    faulty: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = faulty.connect("ada")
    fail(faulty, "undo_subscription")

    client.send({"subscribe": {"channel": "room"}}, {"send": {"data": 1}})

    assert client.disconnect_code() == 3508
    assert "could not end the subscription" in caplog.text

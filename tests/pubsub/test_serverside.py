"""Subscriptions that the server chooses when a client connects, and the second read."""

import pytest

from tests.support.pubsub_clients import (
    Client,
    WatchedLog,
    World,
    find_log,
    publications,
)
from wspubsub import StoreError, TooManyTopicsError
from wspubsub.log.rules import History
from wspubsub.pubsub import ANYONE, ConnectRequest, Limits, User


@pytest.fixture
def world() -> World:
    world = World(log=WatchedLog, limits=Limits(topics=3))
    pubsub = world.pubsub

    @pubsub.connect
    def connect(request: ConnectRequest) -> User:
        topics = str(request.data).split() if request.data else []
        return User(request.token, subscribe=topics, data="x" * 10)

    room = pubsub.topic("room:{room_id}", history=History(limit=10), join_leave=True)
    room.subscribe(ANYONE)
    pubsub.topic("plain").subscribe(ANYONE)
    return world


def frames(client: Client) -> list[str]:
    return client.wire.receive_all()


def test_the_connect_reply_names_what_the_server_has_chosen(world: World) -> None:
    client = world.open()

    reply = client.connect("ada", data="room:1 plain")["connect"]

    assert reply["subs"]["plain"] == {}
    assert reply["subs"]["room:1"]["recoverable"]
    (member,) = world.members.members("room:1")
    assert member.is_server_side
    assert world.pubsub.publish("plain", 1).delivered == 1


def test_a_client_that_comes_back_recovers_what_the_server_had_chosen(
    world: World,
) -> None:
    position = world.open().connect("ada", data="room:1")["connect"]["subs"]["room:1"]
    world.pubsub.publish("room:1", 1)

    reply = world.open().connect(
        "ada",
        data="room:1",
        subs={
            "room:1": {"recover": True, "epoch": position["epoch"]},
            "room:2": {"recover": True},
        },
    )["connect"]

    assert reply["subs"].keys() == {"room:1"}
    assert reply["subs"]["room:1"]["recovered"]
    assert reply["subs"]["room:1"]["publications"] == [{"data": 1, "offset": 1}]


def test_more_than_the_reply_has_room_for_is_not_recovered(world: World) -> None:
    topics = ["room:1", "room:2"]
    first = world.open().connect("ada", data=" ".join(topics))["connect"]["subs"]
    for topic in topics:
        world.pubsub.publish(topic, "x" * 100_000)

    reply = world.open().connect(
        "ada",
        data=" ".join(topics),
        subs={
            topic: {"recover": True, "epoch": first[topic]["epoch"]} for topic in topics
        },
    )["connect"]

    assert reply["subs"]["room:1"]["recovered"]
    assert "recovered" not in reply["subs"]["room:2"]


def test_more_topics_than_allowed_keep_a_user_out(world: World) -> None:
    reply = world.open().connect("ada", data="room:1 room:2 room:3 room:4")

    assert reply["error"]["code"] == 106


def test_a_topic_that_fits_no_pattern_is_an_error_of_ours(world: World) -> None:
    client = world.open()

    assert client.connect("ada", data="elsewhere")["error"]["code"] == 100
    assert world.members.read_session(client.id).session is None


@pytest.mark.parametrize("is_server_side", [True, False])
def test_what_is_published_before_the_reply_comes_behind_it(
    world: World, *, is_server_side: bool
) -> None:
    client = world.open() if is_server_side else world.connect("ada")
    world.pubsub.publish("room:1", 0)
    find_log(world).after_read = lambda: world.pubsub.publish("room:1", 1)

    if is_server_side:
        client.send({"connect": {"token": "ada", "data": "room:1"}})
    else:
        client.send({"subscribe": {"channel": "room:1"}})

    reply, late, skip = frames(client)
    assert '"offset":1' in reply
    assert '"offset":2' in late
    assert skip == '{"push":{"channel":""}}'


@pytest.mark.parametrize("is_server_side", [True, False])
def test_who_may_have_missed_something_is_made_to_recover(
    world: World, *, is_server_side: bool
) -> None:
    client = world.open() if is_server_side else world.connect("ada")
    world.pubsub.publish("room:1", 0)

    def trim() -> None:
        for number in range(20):
            world.pubsub.publish("room:1", number)

    find_log(world).after_read = trim
    if is_server_side:
        client.send({"connect": {"token": "ada", "data": "room:1"}})
        assert client.disconnect_code() == 3010
        return
    client.send({"subscribe": {"channel": "room:1"}})

    parts = client.receive()
    assert parts[-1]["push"] == {
        "channel": "room:1",
        "unsubscribe": {"code": 2500, "reason": "insufficient state"},
    }
    (member,) = world.members.members("room:1")
    assert member.lost == 2


def fail_to_read() -> None:
    raise StoreError("out of order", operation="Query", code="X")


def test_a_second_read_that_fails_marks_the_client(world: World) -> None:
    client = world.connect("ada")
    log = find_log(world)

    def publish() -> None:
        world.pubsub.publish("room:1", 1)
        log.after_read = fail_to_read

    log.after_read = publish
    client.send({"subscribe": {"channel": "room:1"}})

    assert client.receive()[-1]["push"]["unsubscribe"]["code"] == 2500
    (member,) = world.members.members("room:1")
    assert member.lost == 1


def test_what_is_newer_and_cannot_be_posted_is_recovered(world: World) -> None:
    client = world.connect("ada")
    log = find_log(world)

    def publish() -> None:
        world.pubsub.publish("room:1", 1)
        log.after_read = lambda: world.gateway.connections.fail(
            client.id, status=403, times=1
        )

    log.after_read = publish
    client.send({"subscribe": {"channel": "room:1"}})

    assert client.receive()[-1]["push"]["unsubscribe"]["code"] == 2500
    (member,) = world.members.members("room:1")
    assert member.lost == 1


def test_a_topic_that_never_rests_is_recovered_in_the_end(world: World) -> None:
    client = world.connect("ada")
    log = find_log(world)

    def publish() -> None:
        world.pubsub.publish("room:1", 1)
        log.after_read = publish

    log.after_read = publish
    client.send({"subscribe": {"channel": "room:1"}})
    log.after_read = None

    parts = client.receive()
    assert len(publications(parts)) >= 10
    assert parts[-1]["push"]["unsubscribe"]["code"] == 2500


def test_who_has_vanished_gets_no_second_read(world: World) -> None:
    client = world.connect("ada")
    world.gateway.connections.fail(client.id, times=None)

    client.send({"subscribe": {"channel": "room:1"}})

    assert client.receive() == []


def test_a_client_that_goes_while_it_is_subscribed_leaves_nothing(
    world: World,
) -> None:
    other = world.open()
    other.connect("bob", data="room:1")
    client = world.connect("ada")
    find_log(world).after_read = lambda: world.members.end_session(client.id)

    world.pubsub.subscribe("ada", "room:1")

    assert [each.connection_id for each in world.members.members("room:1")] == [
        other.id
    ]
    assert publications(other.receive()) == []


def test_a_failure_while_the_server_subscribes_is_raised(world: World) -> None:
    world.connect("ada")
    find_log(world).after_read = fail_to_read
    with pytest.raises(StoreError):
        world.pubsub.subscribe("ada", "room:1")


def test_a_failure_while_a_client_connects_is_temporary(world: World) -> None:
    client = world.open()
    find_log(world).after_read = fail_to_read
    assert client.connect("ada", data="room:1")["error"] == {
        "code": 100,
        "message": "internal server error",
        "temporary": True,
    }


def test_many_topics_are_entered_side_by_side(world: World) -> None:
    client = world.open()

    client.send(
        {"connect": {"token": "ada"}},
        *({"subscribe": {"channel": f"room:{number}"}} for number in range(3)),
        {"unsubscribe": {"channel": "room:1"}},
    )

    replies = client.receive()
    assert [each["id"] for each in replies] == [1, 2, 3, 4, 5]
    assert not any("error" in each for each in replies)
    assert not list(world.members.members("room:1"))
    assert list(world.members.members("room:2"))


@pytest.mark.parametrize("is_server_side", [True, False])
def test_who_cannot_be_made_to_recover_now_is_made_to_later(
    world: World, *, is_server_side: bool
) -> None:
    client = world.open() if is_server_side else world.connect("ada")
    world.pubsub.publish("room:1", 0)
    log = find_log(world)

    def lose_access() -> None:
        world.gateway.connections.fail(client.id, status=403, times=None)

    def trim() -> None:
        for number in range(20):
            world.pubsub.publish("room:1", number)
        log.after_read = lose_access

    log.after_read = trim
    if is_server_side:
        client.send({"connect": {"token": "ada", "data": "room:1"}})
    else:
        client.send({"subscribe": {"channel": "room:1"}})

    (member,) = world.members.members("room:1")
    assert member.lost == 2
    assert world.errors == []


def test_a_reply_that_may_not_be_posted_is_logged_and_ends_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = world.connect("ada")
    epoch = client.subscribe("room:1")["subscribe"]["epoch"]
    for number in range(3):
        world.pubsub.publish("room:1", number)
    world.members.mark_lost("room:1", client.id, 2)
    world.gateway.connections.fail(client.id, status=403, times=None)
    since = {"recover": True, "epoch": epoch, "offset": 3}

    client.send({"subscribe": {"channel": "room:1", **since}})

    (member,) = world.members.members("room:1")
    assert member.lost == 2
    assert world.errors == []
    assert "could not post to connection" in caplog.text
    assert "403" in caplog.text


def test_who_may_not_be_sent_away_is_logged_and_ends_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    client = world.connect("ada")
    world.gateway.connections.fail(client.id, status=403, times=None)

    client.send({"connect": {"token": "ada"}})

    assert world.errors == []
    assert "could not close connection" in caplog.text


def test_the_server_subscribes_no_connection_to_more_than_it_may_have(
    world: World,
) -> None:
    full, other = world.connect("ada"), world.connect("ada")
    for topic in ("room:1", "room:2", "plain"):
        assert "subscribe" in full.subscribe(topic)

    with pytest.raises(TooManyTopicsError):
        world.pubsub.subscribe("ada", "room:3")

    (member,) = world.members.members("room:3")
    assert member.connection_id == other.id
    world.pubsub.subscribe("ada", "room:1")
    assert "push" in other.receive()[-1]
    full.ask(unsubscribe={"channel": "plain"})
    world.pubsub.subscribe("ada", "room:3")
    assert len(list(world.members.members("room:3"))) == 2

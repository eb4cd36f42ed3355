"""What the application's own code does on `PubSub`."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.pubsub_clients import Client, World, let_in_by_name, publications
from wspubsub import MemoryTopicLog, MessageTooLargeError, UsageError
from wspubsub.log.rules import History, Position
from wspubsub.pubsub import (
    ANYONE,
    ClientInfo,
    PresenceStats,
    PublishRequest,
    SubscribeRequest,
)


@pytest.fixture
def world() -> World:
    world = World()
    pubsub = world.pubsub
    let_in_by_name(pubsub)
    room = pubsub.topic("room:{room_id}", history=History(), presence=True)
    room.subscribe(ANYONE)
    announced = pubsub.topic("announced", join_leave=True)
    announced.subscribe(ANYONE)
    plain = pubsub.topic("plain")
    plain.subscribe(ANYONE)
    pubsub.topic("cache", history=History(limit=1), mode="cache")
    return world


def pushes(client: Client) -> list[dict[str, Any]]:
    return [part["push"] for part in client.receive()]


def test_a_publish_reports_where_the_message_stands(world: World) -> None:
    world.subscribe("room:1")

    report = world.pubsub.publish("room:1", {"a": 1}, key="one")

    assert report.delivered == 1
    assert report.position is not None
    assert report.position.offset == 1
    assert world.pubsub.publish("room:1", {"a": 1}, key="one").repeated


def test_a_topic_that_fits_no_pattern_is_a_mistake(world: World) -> None:
    pubsub = world.pubsub
    for call in (
        lambda: pubsub.publish("elsewhere", 1),
        lambda: pubsub.broadcast(["plain", "elsewhere"], 1),
        lambda: pubsub.subscribe("ada", "elsewhere"),
        lambda: pubsub.unsubscribe("ada", "elsewhere"),
        lambda: pubsub.presence("elsewhere"),
        lambda: pubsub.presence_stats("elsewhere"),
        lambda: pubsub.history("elsewhere"),
    ):
        with pytest.raises(UsageError, match=r"matches none of the patterns \('room:"):
            call()
    with pytest.raises(UsageError, match=r"patterns \(none\)"):
        World().pubsub.publish("elsewhere", 1)


def test_what_has_not_been_declared_is_a_mistake(world: World) -> None:
    with pytest.raises(UsageError, match="presence=True"):
        world.pubsub.presence("plain")
    with pytest.raises(UsageError, match="history=History"):
        world.pubsub.history("plain")
    with pytest.raises(UsageError, match="key"):
        world.pubsub.publish("plain", 1, key="one")
    with pytest.raises(UsageError, match="cannot be encoded as JSON"):
        world.pubsub.publish("plain", object())
    with pytest.raises(MessageTooLargeError):
        world.pubsub.publish("plain", "x" * 131_072)


def test_a_broadcast_is_a_publish_to_each_topic(world: World) -> None:
    client = world.subscribe("plain")
    client.subscribe("room:1")

    reports = world.pubsub.broadcast(["plain", "room:1", "room:2"], "hi")

    assert {topic: report.delivered for topic, report in reports.items()} == {
        "plain": 1,
        "room:1": 1,
        "room:2": 0,
    }
    assert publications(client.receive()) == ["hi", "hi"]


def test_a_user_is_subscribed_with_all_connections(world: World) -> None:
    first, second, other = (world.connect(user) for user in ("ada", "ada", "bob"))

    world.pubsub.subscribe("ada", "room:1")

    for client in (first, second):
        (push,) = pushes(client)
        assert push["channel"] == "room:1"
        assert push["subscribe"].keys() == {"recoverable", "positioned", "epoch"}
    assert pushes(other) == []
    assert world.pubsub.publish("room:1", 1).delivered == 2
    assert publications(first.receive()) == [1]


def test_one_connection_is_subscribed(world: World) -> None:
    first, second = world.connect("ada"), world.connect("ada")

    world.pubsub.subscribe(None, "plain", connection=first.id)
    world.pubsub.subscribe(None, "plain", connection=first.id)

    assert pushes(first) == [{"channel": "plain", "subscribe": {}}]
    assert pushes(second) == []


def test_a_client_that_is_subscribed_to_a_cache_gets_the_newest(world: World) -> None:
    client = world.connect("ada")
    for number in range(3):
        world.pubsub.publish("cache", number)

    world.pubsub.subscribe("ada", "cache")

    subscribed, published = pushes(client)
    assert subscribed["subscribe"]["offset"] == 3
    assert published["pub"] == {"data": 2, "offset": 3}


def test_a_connection_that_is_not_there_is_not_subscribed(world: World) -> None:
    silent = world.open()
    world.pubsub.subscribe(None, "plain", connection=silent.id)
    world.pubsub.subscribe("nobody", "plain")

    assert not list(world.members.members("plain"))


def test_the_others_see_who_is_subscribed_and_unsubscribed(world: World) -> None:
    ada = world.subscribe("announced", "ada")
    bob = world.connect("bob")
    info = {"user": "bob", "client": bob.id, "conn_info": {"name": "Bob"}}

    world.pubsub.subscribe("bob", "announced")
    world.pubsub.unsubscribe("bob", "announced")

    assert pushes(ada) == [
        {"channel": "announced", "join": {"info": info}},
        {"channel": "announced", "leave": {"info": info}},
    ]
    assert pushes(bob)[-1] == {
        "channel": "announced",
        "unsubscribe": {"code": 2000, "reason": "server unsubscribe"},
    }
    assert world.pubsub.publish("announced", 1).delivered == 1


def test_a_user_is_sent_away_for_good(world: World) -> None:
    first, second, other = (world.connect(user) for user in ("ada", "ada", "bob"))

    world.pubsub.disconnect("ada")

    assert [each.disconnect_code() for each in (first, second)] == [3503, 3503]
    assert other.wire.is_open


def test_one_connection_is_sent_away_with_a_reason(world: World) -> None:
    first, second = world.connect("ada"), world.connect("ada")

    world.pubsub.disconnect(connection=first.id, code=3011, reason="moved")

    assert pushes(first) == [{"disconnect": {"code": 3011, "reason": "moved"}}]
    assert not first.wire.is_open
    assert second.wire.is_open
    world.pubsub.disconnect(connection=first.id)


def test_whom_to_act_on_must_be_clear(world: World) -> None:
    pubsub = world.pubsub
    calls: list[Callable[[], object]] = [
        pubsub.disconnect,
        lambda: pubsub.disconnect("ada", connection="x"),
        lambda: pubsub.subscribe(None, "plain"),
    ]
    for call in calls:
        with pytest.raises(UsageError, match="either a user or connection="):
            call()
    with pytest.raises(UsageError, match="anonymous"):
        pubsub.disconnect("")
    with pytest.raises(UsageError, match="from 3000 to 3999"):
        pubsub.disconnect("ada", code=4000)


def test_a_message_for_one_connection(world: World) -> None:
    client = world.connect("ada")

    assert world.pubsub.send(client.id, {"hello": 1}).delivered == 1

    assert pushes(client) == [{"message": {"data": {"hello": 1}}}]


def test_the_server_sees_who_is_there(world: World) -> None:
    ada, again = world.subscribe("room:1", "ada"), world.subscribe("room:1", "ada")
    bob = world.subscribe("room:1", "bob")
    nobody = world.subscribe("room:1", "")

    present = world.pubsub.presence("room:1")

    assert present.keys() == {ada.id, again.id, bob.id, nobody.id}
    assert present[bob.id] == ClientInfo("bob", bob.id, '{"name":"Bob"}')
    assert world.pubsub.presence_stats("room:1") == PresenceStats(clients=4, users=3)


def test_a_history_is_read_page_by_page(world: World) -> None:
    for number in range(5):
        world.pubsub.publish("room:1", {"n": number})

    read = []
    page = world.pubsub.history("room:1", limit=2)
    while page.publications:
        read.append([each.json() for each in page.publications])
        page = world.pubsub.history("room:1", page.end, limit=2)

    assert read == [[{"n": 0}, {"n": 1}], [{"n": 2}, {"n": 3}], [{"n": 4}]]
    assert page.end == page.position


def test_the_server_reads_the_history(world: World) -> None:
    for number in range(5):
        world.pubsub.publish("room:1", number)

    everything = world.pubsub.history("room:1")
    assert [each.data for each in everything.publications] == list("01234")
    assert everything.position.offset == 5
    part = world.pubsub.history(
        "room:1", Position(everything.position.epoch, 2), limit=2
    )
    assert [each.offset for each in part.publications] == [3, 4]
    newest = world.pubsub.history("room:1", limit=2, reverse=True)
    assert [each.offset for each in newest.publications] == [5, 4]
    assert world.pubsub.history("room:1", limit=0).publications == ()
    assert world.pubsub.history("room:2").position.offset == 0
    with pytest.raises(UsageError, match="not in the history"):
        world.pubsub.history("room:1", Position("_", 2))


def test_an_explanation_names_the_pattern_and_the_rule(world: World) -> None:
    hall = world.pubsub.topic("hall:{hall_id}")

    @hall.subscribe
    def enter(request: SubscribeRequest, hall_id: str) -> None: ...

    @hall.publish
    def say(request: PublishRequest, hall_id: str) -> None: ...

    explain = world.pubsub.explain

    found = explain("hall:7", "subscribe")
    assert found.pattern == "hall:{hall_id}"
    assert found.variables == {"hall_id": "7"}
    assert found.rule.endswith("enter")
    assert str(found).endswith("enter(request, hall_id='7') decides who may subscribe")
    assert str(explain("plain", "subscribe")) == (
        "'plain' matches 'plain'; ANYONE decides who may subscribe"
    )
    assert explain("plain", "publish").rule == "SERVER"
    assert str(explain("elsewhere", "publish")) == (
        "'elsewhere' matches no topic pattern, so nobody may publish"
    )
    with pytest.raises(UsageError, match="subscribe or publish"):
        explain("plain", "read")


def test_a_history_needs_a_log(world: World) -> None:
    world = World(log=None)

    with pytest.raises(UsageError, match="pass log= to PubSub"):
        world.pubsub.topic("room", history=History())


def test_a_log_of_ones_own_keeps_what_the_topics_say() -> None:
    world = World(log=MemoryTopicLog)
    world.pubsub.topic("room", history=History(limit=2))
    for number in range(5):
        world.pubsub.publish("room", number)

    page = world.pubsub.history("room")

    assert [each.data for each in page.publications] == ["3", "4"]

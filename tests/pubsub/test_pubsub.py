"""An application end to end: connect, subscribe, publish, unsubscribe, leave."""

import pytest

from tests.support.pubsub_clients import World, let_in_by_name, publications
from wspubsub import Forbidden
from wspubsub.log.rules import History
from wspubsub.pubsub import (
    ANYONE,
    SUBSCRIBERS,
    PublishRequest,
    SubscribeRequest,
)


@pytest.fixture
def world() -> World:
    world = World()
    pubsub = world.pubsub
    let_in_by_name(pubsub)
    room = pubsub.topic(
        "room:{room_id}",
        history=History(limit=100, ttl_seconds=300),
        presence=True,
        join_leave=True,
    )

    @room.subscribe
    def enter(request: SubscribeRequest, room_id: str) -> object:
        if room_id == "secret":
            raise Forbidden
        return {"welcome": request.user, "to": room_id}

    @room.publish
    def say(request: PublishRequest, room_id: str) -> object:
        (text,) = request.fields(text=str)
        return {"text": text, "by": request.user, "in": room_id}

    news = pubsub.topic("news")
    news.subscribe(ANYONE)
    lobby = pubsub.topic("lobby")
    lobby.subscribe(ANYONE)
    lobby.publish(SUBSCRIBERS)
    return world


def test_a_client_connects_and_is_told_who_it_is(world: World) -> None:
    client = world.open()

    assert client.connect("ada") == {"id": 1, "connect": {"client": client.id}}


def test_all_commands_of_a_frame_are_answered_in_one_message(world: World) -> None:
    client = world.open()

    client.send(
        {"connect": {"token": "ada"}},
        {"subscribe": {"channel": "news"}},
        {"subscribe": {"channel": "lobby"}},
    )

    (message,) = client.wire.receive_all()
    assert message.split("\n") == [
        f'{{"id":1,"connect":{{"client":"{client.id}"}}}}',
        '{"id":2,"subscribe":{}}',
        '{"id":3,"subscribe":{}}',
    ]


def test_the_rule_gives_the_state_of_the_topic(world: World) -> None:
    client = world.connect("ada")

    reply = client.subscribe("room:1")["subscribe"]

    assert reply["data"] == {"welcome": "ada", "to": "1"}
    assert reply["recoverable"]
    assert reply["positioned"]
    assert reply["epoch"]


def test_what_the_rule_makes_of_a_message_is_published(world: World) -> None:
    ada, bob = world.subscribe("room:1", "ada"), world.subscribe("room:1", "bob")
    elsewhere = world.subscribe("room:2", "eve")
    ada.receive()

    assert ada.ask(publish={"channel": "room:1", "data": {"text": "hi"}}) == {
        "id": 3,
        "publish": {},
    }

    (push,) = bob.receive()
    assert push["push"] == {
        "channel": "room:1",
        "pub": {
            "data": {"text": "hi", "by": "ada", "in": "1"},
            "offset": 1,
            "info": {"user": "ada", "client": ada.id, "conn_info": {"name": "Ada"}},
        },
    }
    assert [each["channel"] for each in ada.pushes] == ["room:1"]
    assert elsewhere.receive() == []


def test_the_server_publishes_to_any_topic(world: World) -> None:
    client = world.subscribe("news")

    report = world.pubsub.publish("news", {"headline": "Rain"})

    assert report.delivered == 1
    assert publications(client.receive()) == [{"headline": "Rain"}]


def test_who_has_unsubscribed_gets_nothing(world: World) -> None:
    client = world.subscribe("news")

    assert client.ask(unsubscribe={"channel": "news"}) == {"id": 3, "unsubscribe": {}}
    world.pubsub.publish("news", 1)

    assert client.receive() == []


def test_the_others_are_told_who_comes_and_goes(world: World) -> None:
    ada = world.subscribe("room:1", "ada")
    info = {"user": "bob", "conn_info": {"name": "Bob"}}

    bob = world.subscribe("room:1", "bob")
    assert [part["push"] for part in ada.receive()] == [
        {"channel": "room:1", "join": {"info": {**info, "client": bob.id}}}
    ]
    bob.ask(unsubscribe={"channel": "room:1"})
    assert [part["push"] for part in ada.receive()] == [
        {"channel": "room:1", "leave": {"info": {**info, "client": bob.id}}}
    ]
    bob.subscribe("room:1")
    ada.receive()
    bob.wire.close()
    assert [part["push"] for part in ada.receive()] == [
        {"channel": "room:1", "leave": {"info": {**info, "client": bob.id}}}
    ]


def test_whatever_no_rule_allows_is_refused(world: World) -> None:
    client = world.connect()

    assert client.code(subscribe={"channel": "room:secret"}) == 103
    assert client.code(subscribe={"channel": "elsewhere"}) == 102
    assert client.code(publish={"channel": "news", "data": 1}) == 103
    assert client.code(publish={"channel": "lobby", "data": 1}) == 103
    assert client.code(publish={"channel": "elsewhere", "data": 1}) == 102
    client.subscribe("lobby")
    assert "publish" in client.ask(publish={"channel": "lobby", "data": 1})

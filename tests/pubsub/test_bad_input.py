"""Whatever a client sends gets a clear code or a disconnect, and writes nothing."""

import json
from typing import Any

import pytest

from tests.support.pubsub_clients import World, let_in_by_name
from wspubsub import MessageError
from wspubsub.log.rules import History
from wspubsub.pubsub import ANYONE, SUBSCRIBERS, Limits, RpcRequest, SubscribeRequest


@pytest.fixture
def world() -> World:
    world = World()
    pubsub = world.pubsub
    let_in_by_name(pubsub)
    room = pubsub.topic("room:{room_id}", history=History(limit=10), presence=True)
    room.subscribe(ANYONE)
    room.publish(SUBSCRIBERS)
    plain = pubsub.topic("plain")
    plain.subscribe(ANYONE)
    user = pubsub.topic("user:{user}")

    @user.subscribe
    def only_oneself(request: SubscribeRequest, user: str) -> None:
        if user != request.user:
            raise MessageError(f"secret of {user}")

    @pubsub.rpc("break")
    def break_down(_request: RpcRequest) -> object:
        raise RuntimeError("secret")

    @pubsub.rpc("unwritable")
    def unwritable(_request: RpcRequest) -> object:
        return object()

    @pubsub.rpc("large")
    def large(_request: RpcRequest) -> object:
        return "x" * 140_000

    return world


def snapshot(world: World) -> list[Any]:
    """Return all that is stored."""
    topics = ("plain", "room:1", "user:eve")
    return [
        *(tuple(world.members.members(topic)) for topic in topics),
        *(world.members.presence(topic) for topic in topics),
        world.log.position("room:1") if hasattr(world, "log") else None,
    ]


@pytest.mark.parametrize(
    "frame",
    [
        "hello",
        "",
        "\n",
        "{",
        '{"id":1,"connect":{"token":"ada"}',
        '{"id":1,"connect":{}} {"id":2}',
        "[]",
        "null",
        '{"id":-1,"connect":{}}',
        '{"id":4294967296,"connect":{}}',
        '{"id":"1","connect":{}}',
        '{"connect":{}}',
        '{"id":1,"connect":{"token":1}}',
        '{"id":1,"connect":[]}',
        '{"id":1,"connect":{"subs":{"a":1}}}',
        '{"id":1,"rpc":{"method":"\\ud800"}}',
        '{"id":1,"subscribe":{"channel":"plain"}}',
        '{"id":1,"connect":{"token":"ada"}}\n{"id":2,"connect":{"token":"ada"}}',
        '{"id":1,"rpc":{"data":' + "[" * 10_000 + "]" * 10_000 + "}}",
        "\n".join('{"id":1,"ping":{}}' for _ in range(10_000))[:32_000],
        '{"send":{"data":1' + "0" * 400 + "}}",
        '{"message": "Internal server error", "connectionId":"x", "requestId":"y"}',
    ],
)
def test_a_frame_that_cannot_be_is_final(world: World, frame: str) -> None:
    client = world.open()
    before = snapshot(world)

    client.wire.send(frame)

    if frame.strip():
        assert client.disconnect_code() == 3501
    assert snapshot(world) == before
    assert world.errors == []


def test_a_second_connect_is_final(world: World) -> None:
    client = world.connect("ada")

    client.send({"connect": {"token": "ada"}})

    assert client.disconnect_code() == 3501


def test_the_others_go_on_while_one_is_sent_away(world: World) -> None:
    bob = world.subscribe("room:1", "bob")
    eve = world.subscribe("room:1", "eve")

    eve.wire.send("nonsense")

    assert eve.disconnect_code() == 3501
    assert bob.receive() == []
    assert "publish" in bob.ask(publish={"channel": "room:1", "data": 1})


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"future": {}}, 107),
        ({}, 107),
        ({"subscribe": {}}, 107),
        ({"subscribe": {"channel": "room:\n"}}, 107),
        ({"subscribe": {"channel": "room:" + "x" * 252}}, 107),
        ({"subscribe": {"channel": "room:"}}, 102),
        ({"subscribe": {"channel": "room:1:2"}}, 102),
        ({"subscribe": {"channel": "user:bob"}}, 107),
        ({"unsubscribe": {"channel": ""}}, 107),
        ({"unsubscribe": {"channel": "elsewhere"}}, 102),
        ({"publish": {"channel": "room:1", "data": 1}}, 103),
        ({"publish": {"channel": "plain", "data": 1}}, 103),
        ({"publish": {"channel": "room:1"}}, 107),
        ({"presence": {"channel": "room:1"}}, 103),
        ({"presence_stats": {"channel": "room:1"}}, 103),
        ({"history": {"channel": "room:1", "limit": -1}}, 103),
        ({"history": {"channel": "", "limit": -1}}, 107),
        ({"rpc": {"method": "unknown"}}, 104),
        ({"rpc": {}}, 104),
        ({"rpc": {"method": "break"}}, 100),
        ({"rpc": {"method": "unwritable"}}, 100),
        ({"rpc": {"method": "large"}}, 106),
        ({"sub_refresh": {"channel": "room:1"}}, 103),
        ({"sub_refresh": {}}, 107),
        ({"sub_refresh": {"token": "a.b.c"}}, 107),
        ({"sub_refresh": {"token": "a.W10.c"}}, 107),
        ({"sub_refresh": {"token": "a.eyJjaGFubmVsIjoxfQ.c"}}, 107),
    ],
)
def test_a_command_that_cannot_be_is_an_error(
    world: World, command: dict[str, Any], code: int
) -> None:
    client = world.connect("ada")
    before = snapshot(world)

    reply = client.ask(**command)

    assert reply["error"]["code"] == code
    assert "secret" not in json.dumps(reply)
    assert snapshot(world) == before
    assert client.wire.is_open
    assert world.errors == []


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"presence": {"channel": "plain"}}, 108),
        ({"presence_stats": {"channel": "plain"}}, 108),
        ({"history": {"channel": "plain"}}, 108),
        ({"history": {"channel": "room:1", "limit": -2}}, 107),
        ({"history": {"channel": "room:1", "limit": 1, "since": {"epoch": "_"}}}, 112),
        (
            {
                "history": {
                    "channel": "room:1",
                    "limit": 1,
                    "since": {"epoch": "_", "offset": 2**64 - 1},
                }
            },
            112,
        ),
        ({"publish": {"channel": "room:1", "data": "x" * 131_000}}, 106),
    ],
)
def test_what_a_subscriber_may_not_is_an_error(
    world: World, command: dict[str, Any], code: int
) -> None:
    client = world.connect("ada")
    for channel in ("room:1", "plain"):
        client.subscribe(channel)
    before = snapshot(world)

    client.wire.send_frames(_fragments(json.dumps({"id": 9, **command})))

    (reply,) = client.receive()
    assert reply["error"]["code"] == code
    assert snapshot(world) == before


def _fragments(text: str) -> list[str]:
    # API Gateway takes frames of 32 KB at most.
    return [text[at : at + 32_000] for at in range(0, len(text), 32_000)]


def test_an_offset_of_the_future_is_not_recovered(world: World) -> None:
    client = world.connect("ada")
    epoch = client.subscribe("room:1")["subscribe"]["epoch"]

    for since in (
        {"epoch": epoch, "offset": 5},
        {"epoch": epoch, "offset": 2**64 - 1},
        {"epoch": "_", "offset": 0},
        {"epoch": "x" * 10_000, "offset": 0},
        {},
    ):
        reply = client.subscribe("room:1", recover=True, **since)["subscribe"]
        assert reply["was_recovering"]
        assert "recovered" not in reply
        assert reply["epoch"] == epoch
    code = client.code(
        history={
            "channel": "room:1",
            "limit": 1,
            "since": {"epoch": epoch, "offset": 7},
        }
    )
    assert code == 112


def test_what_is_sent_without_a_handler_is_not_available(world: World) -> None:
    client = world.connect("ada")

    client.send({"send": {"data": 1}})

    assert client.disconnect_code() == 3508


def test_a_forged_token_is_an_error_and_nothing_else_is_executed(world: World) -> None:
    client = world.open()

    client.send({"connect": {"token": "forged"}}, {"subscribe": {"channel": "plain"}})

    assert client.receive() == [
        {"id": 1, "error": {"code": 101, "message": "unauthorized"}}
    ]
    assert not list(world.members.members("plain"))
    client.send({"subscribe": {"channel": "plain"}})
    assert client.disconnect_code() == 3501


def test_more_topics_than_allowed_are_an_error() -> None:
    world = World(limits=Limits(topics=2))
    let_in_by_name(world.pubsub)
    world.pubsub.topic("room:{room_id}").subscribe(ANYONE)
    client = world.connect()

    client.send(*({"subscribe": {"channel": f"room:{n}"}} for n in range(3)))

    assert [each.get("error", {}).get("code") for each in client.receive()] == [
        None,
        None,
        106,
    ]
    assert "subscribe" in client.subscribe("room:0")
    client.ask(unsubscribe={"channel": "room:0"})
    assert "subscribe" in client.subscribe("room:2")


def test_who_publishes_too_much_is_told_to_wait() -> None:
    now = [0.0]
    world = World(limits=Limits(publications_per_second=2), clock=lambda: now[0])
    let_in_by_name(world.pubsub)
    world.pubsub.topic("room").publish(ANYONE)
    client = world.connect()
    say = {"publish": {"channel": "room", "data": 1}}

    client.send(say, say, say)

    replies = client.receive()
    assert [each.get("error", {}).get("code") for each in replies] == [None, None, 111]
    assert replies[2]["error"]["temporary"]
    now[0] = 1.0
    assert "publish" in client.ask(**say)


def test_a_client_that_has_gone_leaves_nothing_behind(world: World) -> None:
    client = world.open()

    @world.pubsub.rpc("leave")
    def leave(request: RpcRequest) -> None:
        # As if API Gateway had handled $disconnect while this frame is executed.
        world.members.end_session(request.connection_id)

    client.send(
        {"connect": {"token": "ada"}},
        {"subscribe": {"channel": "room:1"}},
        {"rpc": {"method": "leave"}},
        {"subscribe": {"channel": "plain"}},
    )

    assert not list(world.members.members("room:1"))
    assert not list(world.members.members("plain"))
    assert world.members.presence("room:1") == ()
    assert world.members.connections_of("ada") == ()

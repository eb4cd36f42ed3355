"""What subscribers read of a topic: who is there, and its history."""

from typing import Any

import pytest

from tests.support.pubsub_clients import Client, World, let_in_by_name
from wspubsub.log.rules import History
from wspubsub.pubsub import ANYONE, Limits, RpcRequest, SendRequest, User


@pytest.fixture
def world() -> World:
    world = World()
    let_in_by_name(world.pubsub)
    room = world.pubsub.topic("room", history=History(limit=400), presence=True)
    room.subscribe(ANYONE)
    return world


def read(client: Client, **fields: Any) -> dict[str, Any]:
    return dict(client.ask(history={"channel": "room", **fields})["history"])


def offsets(page: dict[str, Any]) -> list[int]:
    return [each["offset"] for each in page.get("publications", [])]


def test_subscribers_see_who_is_there(world: World) -> None:
    ada, bob = world.subscribe("room", "ada"), world.subscribe("room", "bob")

    presence = ada.ask(presence={"channel": "room"})["presence"]["presence"]

    assert presence == {
        each.id: {"user": name, "client": each.id, "conn_info": {"name": name.title()}}
        for each, name in ((ada, "ada"), (bob, "bob"))
    }
    stats = ada.ask(presence_stats={"channel": "room"})["presence_stats"]
    assert stats == {"num_clients": 2, "num_users": 2}
    bob.wire.close()
    stats = ada.ask(presence_stats={"channel": "room"})["presence_stats"]
    assert stats == {"num_clients": 1, "num_users": 1}


def test_more_presence_than_a_frame_carries_is_too_much() -> None:
    world = World(limits=Limits(info_bytes=100_000))
    world.pubsub.connect(lambda request: User(request.token, info="x" * 70_000))
    world.pubsub.topic("room", presence=True).subscribe(ANYONE)
    world.subscribe("room", "ada")
    bob = world.subscribe("room", "bob")

    assert bob.code(presence={"channel": "room"}) == 106


def test_more_info_than_allowed_keeps_a_user_out() -> None:
    world = World(limits=Limits(info_bytes=10))
    world.pubsub.connect(lambda request: User("ada", info=request.token))

    assert "connect" in world.open().connect("x" * 8)
    assert world.open().connect("x" * 9)["error"]["code"] == 106


def test_a_history_is_read_from_either_end(world: World) -> None:
    client = world.subscribe("room")
    for number in range(5):
        world.pubsub.publish("room", number)
    client.receive()

    position = read(client)
    assert position == {"epoch": position["epoch"], "offset": 5}
    everything = read(client, limit=-1)
    assert everything["publications"][0] == {"data": 0, "offset": 1}
    assert offsets(everything) == [1, 2, 3, 4, 5]
    assert offsets(read(client, limit=2)) == [1, 2]
    assert offsets(read(client, limit=2, reverse=True)) == [5, 4]
    since = {"epoch": position["epoch"], "offset": 2}
    assert offsets(read(client, limit=2, since=since)) == [3, 4]
    assert offsets(read(client, limit=9, since=since, reverse=True)) == [1]


def test_a_page_has_300_messages_at_most(world: World) -> None:
    client = world.subscribe("room")
    for number in range(310):
        world.pubsub.publish("room", number)
    client.receive()

    for limit in (-1, 400):
        page = read(client, limit=limit)
        assert offsets(page) == list(range(1, 301))
        assert page["offset"] == 310


def test_a_page_ends_before_a_frame_is_full(world: World) -> None:
    client = world.subscribe("room")
    for _ in range(3):
        world.pubsub.publish("room", "x" * 60_000)
    client.receive()

    first = read(client, limit=-1)
    assert offsets(first) == [1, 2]
    rest = read(client, limit=-1, since={"epoch": first["epoch"], "offset": 2})
    assert offsets(rest) == [3]


def test_a_method_is_called_with_who_calls_it(world: World) -> None:
    @world.pubsub.rpc("whoami")
    def whoami(request: RpcRequest) -> object:
        return [request.user, request.info, request.data, request.method]

    @world.pubsub.rpc("nothing")
    async def nothing(request: RpcRequest) -> None:
        assert request.connection_id

    client = world.connect("ada")

    assert client.ask(rpc={"method": "whoami", "data": 7})["rpc"] == {
        "data": ["ada", {"name": "Ada"}, 7, "whoami"]
    }
    assert client.ask(rpc={"method": "nothing"})["rpc"] == {}


def test_half_an_emoji_is_carried(world: World) -> None:
    @world.pubsub.rpc("echo")
    def echo(request: RpcRequest) -> object:
        return request.data

    client = world.connect("ada")
    client.wire.send('{"id":7,"rpc":{"method":"echo","data":"\\ud83d"}}')

    assert client.wire.receive() == '{"id":7,"rpc":{"data":"\\ud83d"}}'


@pytest.mark.parametrize("data", ["[" * 200 + "]" * 200, "1" + "0" * 400])
def test_data_that_nobody_else_could_read_is_one_bad_request(
    world: World, data: str
) -> None:
    client = world.connect("ada")
    client.wire.send(f'{{"id":7,"rpc":{{"method":"echo","data":{data}}}}}')

    (reply,) = client.receive()
    assert reply["error"]["code"] == 107
    assert client.wire.is_open


def test_what_clients_send_is_taken(world: World) -> None:
    taken: list[object] = []

    @world.pubsub.on_message
    def take(request: SendRequest) -> None:
        taken.append((request.user, request.data))
        if request.data == 2:
            raise RuntimeError("nobody is told")

    client = world.connect("ada")
    client.send({"send": {"data": 1}}, {"send": {"data": 2}})

    assert taken == [("ada", 1), ("ada", 2)]
    assert client.receive() == []
    assert client.wire.is_open


def test_a_ping_is_answered(world: World) -> None:
    client = world.connect("ada")

    assert client.ask(ping={}) == {"id": 2, "ping": {}}
    client.wire.send("{}")
    assert client.wire.receive() == '{"push":{"channel":""}}'


def test_a_message_that_no_frame_carries_does_not_end_the_history(
    world: World,
) -> None:
    client = world.subscribe("room")
    for data in (b"1", b"\n" * 131_072, b"3"):
        # As a `Publisher` of another program does.
        world.log.append("room", data)

    assert offsets(read(client, limit=-1)) == [1, 3]
    assert offsets(read(client, limit=-1, reverse=True)) == [3, 1]

"""What is kept of a handshake, and who may connect from where."""

from typing import Any

import pytest

from tests.support.pubsub_clients import World, let_in_by_name
from wspubsub import ConnectEvent, Router, UsageError
from wspubsub.gateway.config import GatewayConfig
from wspubsub.pubsub import ANYONE, ConnectRequest, Departure, SubscribeRequest, User
from wspubsub.testing import HandshakeRefused


def make_world(**options: Any) -> World:
    world = World(**options)

    @world.pubsub.connect
    def connect(request: ConnectRequest) -> User:
        world.requests.append(request)
        return User(request.token or "ada")

    return world


def test_headers_and_parameters_are_kept_as_named() -> None:
    world = make_world(keep=["Cookie", "X-Forwarded-For", "?room", "?missing"])
    client = world.open(
        headers={"cookie": "a=1", "X-Other": "x"}, query={"room": "b", "other": "c"}
    )

    client.connect()
    client.ask(refresh={"token": "ada"})

    for request in world.requests:
        assert request.headers["Cookie"] == "a=1"
        assert "X-Other" not in request.headers
        assert request.query == {"room": "b"}
    assert "$connect" in world.pubsub.router.route_keys
    assert world.pubsub.needs_connect


def test_nothing_is_kept_if_nothing_is_named() -> None:
    world = make_world()
    client = world.open(headers={"Cookie": "a=1"})

    client.connect()

    (request,) = world.requests
    assert not request.headers
    assert "$connect" not in world.pubsub.router.route_keys
    assert not world.pubsub.needs_connect
    assert request.data is None
    assert request.event.connection_id == client.id


def test_pages_of_other_origins_are_refused() -> None:
    world = make_world(origins=["https://Example.com/", "http://localhost:8000"])

    for origin in ("https://example.com", "http://localhost:8000"):
        assert "connect" in world.open(headers={"Origin": origin}).connect()
    assert "connect" in world.open().connect()
    for origin in ("https://example.org", "null", "https://example.com:444"):
        with pytest.raises(HandshakeRefused) as refused:
            world.open(headers={"Origin": origin})
        assert refused.value.status == 403


@pytest.mark.parametrize("name", ["keep", "origins"])
def test_names_are_a_list_of_texts(name: str) -> None:
    for value in ("Cookie", 3, [3], [""], ["?"]):
        with pytest.raises(UsageError, match=f"{name} must be a list of text values"):
            World(**{name: value})


def test_how_replies_travel_is_one_of_two() -> None:
    with pytest.raises(UsageError, match="'route' or 'post'"):
        World(replies="fax")


def test_replies_are_posted_where_routes_are_one_way() -> None:
    world = make_world(replies="post", two_way=())
    world.pubsub.topic("news").subscribe(ANYONE)
    client = world.open()

    client.send({"connect": {}}, {"subscribe": {"channel": "news"}})

    assert [each["id"] for each in client.receive()] == [1, 2]
    assert world.pubsub.router.two_way_keys == frozenset()
    assert make_world().pubsub.router.two_way_keys == {"$default"}


def test_what_does_not_fit_into_one_message_is_posted_in_order() -> None:
    world = make_world()
    room = world.pubsub.topic("room:{room_id}")

    @room.subscribe
    def enter(_request: SubscribeRequest, room_id: str) -> object:
        return room_id + "x" * 50_000

    client = world.open()

    client.send(
        {"connect": {}}, *({"subscribe": {"channel": f"room:{n}"}} for n in range(5))
    )

    messages = client.wire.receive_all()
    assert messages[-1] == '{"push":{"channel":""}}'
    assert len(messages) == 4
    assert [
        line[: line.index(",")] for each in messages[:-1] for line in each.split("\n")
    ] == [f'{{"id":{number}' for number in range(1, 7)]


def test_a_router_of_ones_own_keeps_its_routes() -> None:
    router = Router()
    seen: list[str] = []

    @router.route("say")
    def say(event: Any) -> str | None:
        return "said" if "loud" in event.body else None

    @router.disconnect
    def leave(_event: Any) -> None:
        seen.append("left")

    @router.connect
    def enter(event: ConnectEvent) -> None:
        seen.append(str(event.headers.get("Cookie")))

    world = make_world(router=router, keep=["Cookie"])
    assert world.pubsub.router is router
    client = world.open(headers={"Cookie": "a=1"})
    assert "connect" in client.connect()
    assert world.requests[0].headers["cookie"] == "a=1"

    client.wire.send('{"action":"say"}')
    assert client.wire.receive() == '{"push":{"channel":""}}'
    client.wire.send('{"action":"say","loud":1}')
    assert client.wire.receive() == "said"
    client.wire.close()
    assert seen == ["a=1", "left"]
    assert world.members.read_session(client.id).session is None


def test_a_route_of_its_own_answers_as_it_likes() -> None:
    router = Router()

    @router.route("say")
    def say(_event: Any) -> None: ...

    world = make_world(router=router)
    world.gateway = type(world.gateway)(
        world.pubsub,
        config=GatewayConfig(
            routes=frozenset({"$connect", "$disconnect", "$default", "say"}),
            two_way=frozenset({"$default", "say"}),
        ),
    )
    client = world.gateway.connect()

    client.send({"action": "say"})

    assert '{"push":{"channel":""}}' not in client.receive_all()


def test_a_router_with_a_default_handler_is_refused() -> None:
    router = Router()
    router.default(lambda _: None)

    with pytest.raises(UsageError, match=r"\$default"):
        World(router=router)


def test_who_leaves_is_reported() -> None:
    world = make_world()
    world.pubsub.topic("news").subscribe(ANYONE)
    seen: list[Departure] = []
    world.pubsub.on_gone(seen.append)
    silent = world.open()
    client = world.open()
    client.connect("ada")
    client.subscribe("news")

    silent.wire.close()
    client.wire.close()

    assert seen == [
        Departure(connection_id=client.id, user="ada", topics=frozenset({"news"}))
    ]


def test_who_is_found_gone_is_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(two_way={"$default"}, log=None)
    let_in_by_name(world.pubsub)
    news = world.pubsub.topic("news", join_leave=True)
    news.subscribe(ANYONE)
    seen: list[Departure] = []

    @world.pubsub.on_gone
    def report(departure: Departure) -> None:
        seen.append(departure)
        raise ValueError("a mistake of the user's")

    listener, client = world.subscribe("news", "bob"), world.subscribe("news", "ada")
    world.gateway.advance(minutes=1)
    listener.receive()

    client.wire.kill()
    world.pubsub.publish("news", 1)
    world.pubsub.publish("news", 2)
    world.members.end_session(client.id)

    info = {"name": "Ada"}
    assert seen == [
        Departure(
            connection_id=client.id, user="ada", info=info, topics=frozenset({"news"})
        )
    ]
    assert "on_gone failed" in caplog.text
    # The others are told nevertheless.
    assert any("leave" in part["push"] for part in listener.receive())


def test_a_handshake_that_is_refused_stores_nothing() -> None:
    router = Router()

    @router.connect
    def refuse(_event: Any) -> Any:
        return {"statusCode": 401}

    world = make_world(router=router, keep=["Cookie"])

    with pytest.raises(HandshakeRefused):
        world.open(headers={"Cookie": "a=1"})

    (record,) = world.gateway.invocations
    connection_id = record.event["requestContext"]["connectionId"]
    assert world.members.connection(connection_id) is None

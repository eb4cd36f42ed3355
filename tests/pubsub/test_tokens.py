"""Tokens that expire, and the new ones that clients bring."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.pubsub_clients import Client, World, publications
from wspubsub import History, Unauthorized
from wspubsub.pubsub import (
    ANYONE,
    CommandError,
    ConnectRequest,
    Limits,
    Subscribed,
    SubscribeRequest,
    TokenExpired,
    User,
)

REFUSALS: dict[str, Callable[[], Exception]] = {
    "expired": TokenExpired,
    "forged": Unauthorized,
    "broken": lambda: RuntimeError("secret"),
    "busy": lambda: CommandError(499, "come back later", is_temporary=True),
}


@pytest.fixture
def world() -> World:
    world = World()
    pubsub = world.pubsub

    @pubsub.connect
    def connect(request: ConnectRequest) -> User:
        """Take tokens such as `ada 60`, which last so many seconds."""
        world.requests.append(request)
        if request.token in REFUSALS:
            raise REFUSALS[request.token]()  # noqa: RSE102 - a function
        user, _, seconds = request.token.partition(" ")
        expires_at = world.gateway.now() + float(seconds) if seconds else None
        return User(user, expires_at=expires_at)

    news = pubsub.topic("news")
    news.subscribe(ANYONE)
    news.publish(ANYONE)
    room = pubsub.topic("room:{room_id}")

    @room.subscribe
    def enter(request: SubscribeRequest, room_id: str) -> object:
        if request.token in REFUSALS:
            raise REFUSALS[request.token]()  # noqa: RSE102 - a function
        if request.token == "wrong":
            return False
        seconds = request.token.rpartition(" ")[2]
        return Subscribed(
            {"in": room_id}, expires_at=world.gateway.now() + float(seconds)
        )

    return world


def test_a_token_that_expires_says_when(world: World) -> None:
    assert (
        world.open().connect("ada 59.5")["connect"].items()
        >= {
            "expires": True,
            "ttl": 60,
        }.items()
    )
    assert "expires" not in world.open().connect("ada")["connect"]


def test_a_token_that_has_expired_is_an_error(world: World) -> None:
    for token in ("expired", "ada -1"):
        assert world.open().connect(token)["error"]["code"] == 109


def test_a_refresh_extends_the_session(world: World) -> None:
    client = world.connect("ada 60")
    client.subscribe("news")
    world.gateway.advance(seconds=70)

    reply = client.ask(refresh={"token": "ada 600"})
    world.gateway.advance(seconds=500)

    assert reply["refresh"] == {"client": client.id, "expires": True, "ttl": 600}
    assert world.requests[-1].refreshes == "ada"
    assert world.pubsub.publish("news", 1).delivered == 1
    assert "publish" in client.ask(publish={"channel": "news", "data": 2})


def test_a_refresh_may_come_late(world: World) -> None:
    client = world.connect("ada 60")
    world.gateway.advance(seconds=500)

    assert "refresh" in client.ask(refresh={"token": "ada"})
    assert "subscribe" in client.subscribe("news")


@pytest.mark.parametrize(
    ("token", "code"), [("bob 60", 3500), ("forged", 3500), ("expired", 3005)]
)
def test_a_refresh_that_is_not_valid_is_a_disconnect(
    world: World, token: str, code: int
) -> None:
    client = world.connect("ada 60")

    client.send({"refresh": {"token": token}})

    assert client.disconnect_code() == code


@pytest.mark.parametrize(("token", "code"), [("broken", 100), ("busy", 499)])
def test_a_refresh_that_fails_here_may_be_tried_again(
    world: World, token: str, code: int
) -> None:
    client = world.connect("ada 60")

    error = client.ask(refresh={"token": token})["error"]

    assert error["code"] == code
    assert error["temporary"]
    assert "secret" not in str(error)


def test_who_has_expired_is_sent_away(world: World) -> None:
    client = world.connect("ada 60")
    other = world.connect("bob")
    other.subscribe("news")
    client.subscribe("news")
    world.gateway.advance(seconds=80)
    assert "publish" in client.ask(publish={"channel": "news", "data": 1})
    world.gateway.advance(seconds=6)

    client.send({"publish": {"channel": "news", "data": 2}})

    assert client.disconnect_code() == 3005
    assert publications(other.receive()) == [1]


def test_a_publisher_sends_away_who_has_expired(world: World) -> None:
    client = world.connect("ada 60")
    client.subscribe("news")
    world.gateway.advance(seconds=90)

    world.pubsub.publish("news", 1)

    assert client.disconnect_code() == 3005


def test_a_subscription_token_has_an_end_of_its_own(world: World) -> None:
    client = world.connect("ada")

    reply = client.subscribe("room:1", token="for 60")["subscribe"]
    assert reply == {"data": {"in": "1"}, "expires": True, "ttl": 60}
    refreshed = client.ask(sub_refresh={"channel": "room:1", "token": "for 600"})
    assert refreshed["sub_refresh"] == {"expires": True, "ttl": 600}
    world.gateway.advance(seconds=500)
    assert world.pubsub.publish("room:1", 1).delivered == 1
    assert client.subscribe("room:2", token="for -1")["error"]["code"] == 109


def test_a_subscription_token_may_name_its_topic(world: World) -> None:
    client = world.connect("ada")
    client.subscribe("room:1", token="for 60")

    # {"channel":"room:1"} in base64url: the Python SDK sends no channel.
    reply = client.ask(sub_refresh={"token": "x.eyJjaGFubmVsIjoicm9vbToxIn0.for 600"})

    assert reply["sub_refresh"]["ttl"] == 600


def test_a_subscription_token_that_has_expired_may_be_replaced(world: World) -> None:
    client = world.connect("ada")
    client.subscribe("room:1", token="for 60")

    error = client.ask(sub_refresh={"channel": "room:1", "token": "expired"})["error"]

    assert error == {"code": 109, "message": "token expired", "temporary": True}
    forged = client.code(sub_refresh={"channel": "room:1", "token": "forged"})
    assert forged == 101


def test_a_subscription_that_has_expired_is_none(world: World) -> None:
    client = world.connect("ada")
    client.subscribe("room:1", token="for 60")
    world.gateway.advance(seconds=100)

    code = client.code(sub_refresh={"channel": "room:1", "token": "for 60"})

    assert code == 103


def test_false_is_not_taken_for_yes(world: World) -> None:
    client = world.connect("ada")

    assert client.code(subscribe={"channel": "room:1", "token": "wrong"}) == 100
    assert not list(world.members.members("room:1"))


def test_who_gets_in_is_said_by_a_user_and_by_nothing_else() -> None:
    world = World()
    answers: list[Any] = [None, True, "ada", {"id": "ada"}]
    world.pubsub.connect(lambda _: answers.pop())

    for _ in range(4):
        assert world.open().connect("x")["error"]["code"] == 100


def test_without_a_rule_nobody_gets_in() -> None:
    assert World().open().connect("x")["error"]["code"] == 101


def test_anyone_gets_in_as_nobody() -> None:
    world = World()
    world.pubsub.connect(ANYONE)

    client = world.open()

    assert client.connect()["connect"] == {"client": client.id}


def test_an_async_rule_is_waited_for() -> None:
    world = World()

    @world.pubsub.connect
    async def connect(request: ConnectRequest) -> User:
        return User(request.token)

    assert "connect" in world.open().connect("ada")


@pytest.mark.parametrize("token", ["forged", "busy", "ada 60"])
def test_who_has_expired_may_do_nothing_before_the_new_token(
    world: World, token: str
) -> None:
    listener = world.connect("bob")
    listener.subscribe("news")
    client = world.connect("ada 60")
    world.gateway.advance(seconds=60 + 25)

    client.send(
        {"publish": {"channel": "news", "data": "too late"}},
        {"refresh": {"token": token}},
    )

    assert client.disconnect_code() == 3005
    assert publications(listener.receive()) == []


def test_what_comes_after_the_new_token_is_allowed_again(world: World) -> None:
    client = world.connect("ada 60")
    world.gateway.advance(seconds=60 + 25)

    client.send({"refresh": {"token": "ada 60"}}, {"subscribe": {"channel": "news"}})

    refreshed, subscribed = client.receive()
    assert "refresh" in refreshed
    assert "subscribe" in subscribed


def test_a_frame_brings_one_new_token(world: World) -> None:
    client = world.connect("ada 60")

    client.send(*({"refresh": {"token": "ada 90"}} for _ in range(3)))

    codes = [each.get("error", {}).get("code") for each in client.receive()]
    assert codes == [None, 111, 111]
    assert len(world.requests) == 2


@pytest.fixture
def talk() -> World:
    """A world whose tokens say things: `ada NAME`, and for a topic `ROLE`."""
    world = World(limits=Limits(info_bytes=40))

    @world.pubsub.connect
    def connect(request: ConnectRequest) -> User:
        user, name = request.token.split()
        expires_at = world.gateway.now() + 60
        return User(user, info={"name": name}, expires_at=expires_at)

    talk = world.pubsub.topic("talk", history=History(), presence=True, join_leave=True)
    talk.publish(ANYONE)

    @talk.subscribe
    def enter(request: SubscribeRequest) -> Subscribed:
        info = {"role": request.token} if request.token else None
        return Subscribed(info=info, expires_at=world.gateway.now() + 60)

    return world


def describe(client: Client, name: str, role: str | None) -> dict[str, Any]:
    info = {"user": "ada", "client": client.id, "conn_info": {"name": name}}
    return info if role is None else {**info, "chan_info": {"role": role}}


def enter(world: World, token: str, role: str) -> Client:
    client = world.connect(token)
    assert "subscribe" in client.subscribe("talk", token=role)
    return client


def test_others_see_what_the_newest_token_says(talk: World) -> None:
    listener, ada = enter(talk, "bob Bob", ""), enter(talk, "ada Ada", "host")
    (joined,) = listener.receive()
    assert joined["push"]["join"]["info"] == describe(ada, "Ada", "host")

    assert "refresh" in ada.ask(refresh={"token": "ada Countess"})
    assert "sub_refresh" in ada.ask(sub_refresh={"channel": "talk", "token": "guest"})
    expected = describe(ada, "Countess", "guest")

    found = listener.ask(presence={"channel": "talk"})["presence"]["presence"]
    assert found[ada.id] == expected
    ada.ask(publish={"channel": "talk", "data": 1})
    assert listener.receive()[0]["push"]["pub"]["info"] == expected
    history = listener.ask(history={"channel": "talk", "limit": 1})["history"]
    assert history["publications"][0]["info"] == expected
    ada.wire.close()
    assert listener.receive()[0]["push"]["leave"]["info"] == expected
    assert [each.topic_info for each in talk.pubsub.presence("talk").values()] == [None]


def test_a_token_may_take_back_what_was_said(talk: World) -> None:
    listener, ada = enter(talk, "bob Bob", ""), enter(talk, "ada Ada", "host")
    listener.receive()

    ada.send(
        {"sub_refresh": {"channel": "talk", "token": ""}},
        {"publish": {"channel": "talk", "data": 1}},
        {"refresh": {"token": "ada Eve"}},
        {"publish": {"channel": "talk", "data": 2}},
    )
    infos = [part["push"]["pub"]["info"] for part in listener.receive()]
    ada.ask(publish={"channel": "talk", "data": 3})

    # What was said in this frame counts from there on.
    assert infos == [describe(ada, "Ada", None), describe(ada, "Eve", None)]
    (push,) = listener.receive()
    assert push["push"]["pub"]["info"] == describe(ada, "Eve", None)


@pytest.mark.parametrize(
    "command",
    [
        {"subscribe": {"channel": "talk", "token": "x" * 40}},
        {"sub_refresh": {"channel": "talk", "token": "x" * 40}},
        {"refresh": {"token": f"ada {'x' * 40}"}},
    ],
)
def test_a_token_may_not_say_too_much(talk: World, command: dict[str, Any]) -> None:
    ada = enter(talk, "ada Ada", "host")

    assert ada.code(**command) == 106

    found = ada.ask(presence={"channel": "talk"})["presence"]["presence"]
    assert found == {ada.id: describe(ada, "Ada", "host")}

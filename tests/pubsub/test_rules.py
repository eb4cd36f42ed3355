"""Registering rules: what is refused at once, and what becomes of what they do."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.pubsub_clients import World, let_in_by_name, publications
from wspubsub import Forbidden, PublishError, Reject, UsageError
from wspubsub.log.rules import History
from wspubsub.pubsub import (
    ANYONE,
    SERVER,
    SUBSCRIBERS,
    CommandError,
    PublishRequest,
    Subscribed,
    SubscribeRequest,
    User,
)


def nothing(_request: object) -> None: ...


MISTAKES: list[tuple[Callable[[Any], object], str]] = [
    (lambda p: p.topic("a:{x}") and p.topic("a:{y}"), r"'a:\{x\}' and 'a:\{y\}'"),
    (lambda p: p.topic("a", mode="all"), "mode must be 'stream', 'cache' or None"),
    (lambda p: p.topic("a").subscribe(SUBSCRIBERS), "use ANYONE"),
    (lambda p: p.topic("a").subscribe("anyone"), "must be a function or one of"),
    (lambda p: p.topic("a:{x}").subscribe(nothing), "needs a parameter 'x'"),
    (lambda p: p.connect(SUBSCRIBERS), "use ANYONE"),
    (lambda p: p.connect(nothing) and p.connect(nothing), "already a connect rule"),
    (lambda p: p.connect(3), "must be a function or one of"),
    (lambda p: p.on_message(ANYONE), "registers a function"),
    (lambda p: p.on_gone(3), "registers a function"),
    (lambda p: p.on_gone(nothing) and p.on_gone(nothing), "already"),
    (lambda p: p.rpc(nothing), "method name is missing"),
    (lambda p: p.rpc(""), "method name is missing"),
    (lambda p: p.rpc("a")(3), "must be a function, not 3"),
    (lambda p: p.rpc("a")(nothing) and p.rpc("a")(nothing), "already"),
    (User, "user's name must be Unicode text"),
    (lambda _: User("x" * 257), "user's name must be Unicode text"),
    (lambda _: User("\ud800"), "user's name must be Unicode text"),
    (lambda _: User("ada", subscribe="news"), "must be a collection of topics"),
    (lambda p: User("ada", expires_at=p), "number of seconds"),
    (lambda _: Subscribed(expires_at=True), "number of seconds"),
    (lambda _: Subscribed(expires_at=float("inf")), "number of seconds"),
    (lambda _: CommandError(399, "x"), "from 400 to 1999"),
    (lambda _: CommandError(2000, "x"), "from 400 to 1999"),
]


@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_what_cannot_work_is_refused_at_once(number: int) -> None:
    register, complaint = MISTAKES[number]
    pubsub = World().pubsub

    with pytest.raises(UsageError, match=complaint):
        register(pubsub)


def test_a_topic_has_one_rule_for_each_verb() -> None:
    topic = World().pubsub.topic("a")
    topic.publish(SERVER)

    with pytest.raises(UsageError, match="already a publish rule of topic pattern 'a'"):
        topic.publish(ANYONE)


def test_a_decorator_returns_the_function() -> None:
    pubsub = World().pubsub

    assert pubsub.connect(nothing) is nothing
    assert pubsub.topic("a").subscribe(nothing) is nothing
    assert pubsub.rpc("a")(nothing) is nothing
    assert pubsub.on_gone(nothing) is nothing


def test_a_topic_that_only_the_server_subscribes_to() -> None:
    world = World()
    let_in_by_name(world.pubsub)
    world.pubsub.topic("user:{user}")
    client = world.connect("ada")

    assert client.code(subscribe={"channel": "user:ada"}) == 103
    world.pubsub.unsubscribe("ada", "user:ada")
    assert client.receive()[0]["push"]["unsubscribe"]["code"] == 2000


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (Forbidden(), {"code": 103, "message": "permission denied"}),
        (Reject(404, "secret"), {"code": 103, "message": "permission denied"}),
        (CommandError(400, "full"), {"code": 400, "message": "full"}),
        (
            CommandError(1999, "wait", is_temporary=True),
            {"code": 1999, "message": "wait", "temporary": True},
        ),
    ],
)
def test_a_rule_refuses_in_its_own_words(
    raised: Exception, expected: dict[str, object]
) -> None:
    world = World()
    let_in_by_name(world.pubsub)
    topic = world.pubsub.topic("a")

    @topic.subscribe
    def refuse(_request: SubscribeRequest) -> None:
        raise raised

    assert world.connect().subscribe("a")["error"] == expected


def test_what_a_publish_rule_returns_is_published() -> None:
    world = World()
    let_in_by_name(world.pubsub)
    topic = world.pubsub.topic("a")
    topic.subscribe(ANYONE)
    answers = {"as sent": None, "other": {"x": 1}, "no": False}

    @topic.publish
    async def say(request: PublishRequest) -> object:
        assert request.is_subscribed
        return request.data if request.data is True else answers[str(request.data)]

    client = world.subscribe("a")

    for data in ("as sent", "other", True):
        client.ask(publish={"channel": "a", "data": data})
        client.pushes += client.receive()
    assert client.code(publish={"channel": "a", "data": "no"}) == 100
    reply = client.ask(publish={"channel": "a", "data": "as sent"})
    assert reply["publish"] == {}
    assert publications([{"push": each} for each in client.pushes]) == ["as sent"]


def test_a_publish_that_was_logged_has_succeeded() -> None:
    world = World()
    let_in_by_name(world.pubsub)
    for name, history in (("logged", History()), ("plain", None)):
        topic = world.pubsub.topic(name, history=history)
        topic.subscribe(ANYONE)
        topic.publish(ANYONE)
    listener, sender = world.subscribe("logged", "ada"), world.connect("bob")
    listener.subscribe("plain")

    for name, kind in (("logged", "publish"), ("plain", "error")):
        world.gateway.connections.fail(listener.id, status=403, times=2)
        assert kind in sender.ask(publish={"channel": name, "data": 1})
        world.gateway.connections.fail(listener.id, status=403, times=2)
        with pytest.raises(PublishError):
            world.pubsub.publish(name, 1)

"""A client of a PubSub in a test."""

import pytest

from wspubsub import History, MemoryMemberStore, MemoryTopicLog
from wspubsub.pubsub import (
    ANYONE,
    SUBSCRIBERS,
    CommandError,
    ConnectRequest,
    PubSub,
    RpcRequest,
    User,
)
from wspubsub.testing import (
    CommandRefusedError,
    InProcessGateway,
    NoMessageError,
    PubSubTestClient,
    ScriptedStore,
)


@pytest.fixture
def gateway() -> InProcessGateway:
    gateway = InProcessGateway()
    members: MemoryMemberStore = ScriptedStore(now=gateway.now)
    pubsub = PubSub(members, gateway.connections, log=MemoryTopicLog)

    @pubsub.connect
    def connect(request: ConnectRequest) -> User:
        return User(request.token, info=request.data)

    room = pubsub.topic(
        "room:{room_id}", history=History(limit=10), presence=True, join_leave=True
    )
    room.subscribe(ANYONE)
    room.publish(SUBSCRIBERS)

    @pubsub.rpc("half")
    def half(request: RpcRequest) -> float:
        (number,) = request.fields(number=int)
        if number % 2:
            raise CommandError(400, "odd", is_temporary=True)
        return float(number) / 2

    @pubsub.rpc("leave")
    def leave(request: RpcRequest) -> None:
        pubsub.disconnect(request.user, reason="as asked")

    gateway.handler = pubsub
    return gateway


def enter(gateway: InProcessGateway, name: str) -> PubSubTestClient:
    client = PubSubTestClient(gateway.connect())
    client.connect(name, data={"name": name.title()})
    client.subscribe("room:1")
    return client


def test_messages_are_sorted_by_topic_and_returned_once(
    gateway: InProcessGateway,
) -> None:
    ann, bob = enter(gateway, "ann"), enter(gateway, "bob")
    bob.subscribe("room:2")

    for text in ("one", "two"):
        ann.publish("room:1", text)
    bob.publish("room:2", {"n": 3})

    assert bob.messages("room:1") == ["one", "two"]
    assert bob.messages("room:1") == []
    assert bob.messages("room:2") == [{"n": 3}]
    bob.unsubscribe("room:1")
    ann.publish("room:1", "three")
    assert bob.messages("room:1") == []


def test_what_was_missed_comes_with_the_subscription(gateway: InProcessGateway) -> None:
    ann = enter(gateway, "ann")
    ann.publish("room:1", "one")
    late = PubSubTestClient(gateway.connect())
    late.connect("late")
    position = ann.ask("history", channel="room:1", limit=0)
    ann.publish("room:1", "two")

    reply = late.subscribe(
        "room:1", recover=True, epoch=position["epoch"], offset=position["offset"]
    )

    assert reply["recovered"]
    assert late.messages("room:1") == ["two"]


def test_other_pushes_are_as_they_came(gateway: InProcessGateway) -> None:
    ann = enter(gateway, "ann")
    ann.pushes()
    bob = enter(gateway, "bob")
    bob.client.close()

    came, went = ann.pushes()

    assert came["join"]["info"]["conn_info"] == {"name": "Bob"}
    assert went["leave"]["info"]["user"] == "bob"
    assert ann.ask("presence", channel="room:1")["presence"].keys() == {
        ann.client.connection_id
    }


def test_a_refusal_is_raised_with_its_code(gateway: InProcessGateway) -> None:
    ann = enter(gateway, "ann")

    assert ann.rpc("half", {"number": 4}) == 2
    with pytest.raises(
        CommandRefusedError, match="rpc was refused: 400 odd"
    ) as refused:
        ann.rpc("half", {"number": 3})
    assert (refused.value.command, refused.value.code) == ("rpc", 400)
    assert (refused.value.message, refused.value.is_temporary) == ("odd", True)
    with pytest.raises(CommandRefusedError) as refused:
        ann.subscribe("elsewhere")
    assert (refused.value.code, refused.value.is_temporary) == (102, False)


def test_a_client_that_is_sent_away_gets_no_reply(gateway: InProcessGateway) -> None:
    ann = enter(gateway, "ann")

    with pytest.raises(NoMessageError, match=r"rpc was not answered; .* closed"):
        ann.rpc("leave")

    assert "closed with" in repr(ann)
    (push,) = [each for each in ann.pushes() if "disconnect" in each]
    assert push["disconnect"]["reason"] == "as asked"

"""What subscribers are told of a topic's history when they come, and come back."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.pubsub_clients import World, let_in_by_name, publications
from wspubsub import MemoryTopicLog, MessageTooLargeError, StoreError
from wspubsub.log.rules import History
from wspubsub.pubsub import ANYONE, SUBSCRIBERS, PubSub, Subscribed, SubscribeRequest


def declare(pubsub: PubSub) -> None:
    let_in_by_name(pubsub)
    room = pubsub.topic("room", history=History(limit=400, ttl_seconds=300))
    room.subscribe(ANYONE)
    room.publish(SUBSCRIBERS)
    pubsub.topic("cache", history=History(limit=1), mode="cache").subscribe(ANYONE)
    pubsub.topic("kept", history=History(), mode=None).subscribe(ANYONE)
    state = pubsub.topic("state", history=History())

    @state.subscribe
    def give_state(request: SubscribeRequest) -> object:
        return Subscribed("x" * int(str(request.data)))


@pytest.fixture
def world() -> World:
    world = World()
    declare(world.pubsub)
    return world


def since(reply: dict[str, Any]) -> dict[str, Any]:
    """Return with what an SDK recovers from where it was."""
    return {
        "recover": True,
        "epoch": reply["epoch"],
        "offset": reply.get("offset", 0),
        "flag": 1,
    }


def test_a_client_that_comes_back_gets_all_that_it_has_missed(world: World) -> None:
    position = world.subscribe("room", "ada").subscribe("room")["subscribe"]
    for number in range(3):
        world.pubsub.publish("room", number)

    reply = world.connect("ada").subscribe("room", **since(position))["subscribe"]

    assert reply == {
        "recoverable": True,
        "positioned": True,
        "epoch": position["epoch"],
        "was_recovering": True,
        "recovered": True,
        "publications": [{"data": number, "offset": number + 1} for number in range(3)],
    }


def test_who_has_missed_nothing_is_told_so(world: World) -> None:
    client = world.connect()
    world.pubsub.publish("room", 1)
    position = client.subscribe("room")["subscribe"]

    reply = world.connect().subscribe("room", **since(position))["subscribe"]

    assert reply["recovered"]
    assert reply["offset"] == 1
    assert "publications" not in reply


def test_a_replay_has_who_published(world: World) -> None:
    ada = world.connect("ada")
    position = ada.subscribe("room")["subscribe"]
    ada.ask(publish={"channel": "room", "data": "hi"})

    reply = world.connect("bob").subscribe("room", **since(position))["subscribe"]

    (publication,) = reply["publications"]
    assert publication["info"] == {
        "user": "ada",
        "client": ada.id,
        "conn_info": {"name": "Ada"},
    }


def test_more_than_a_reply_has_room_for_is_not_recovered(world: World) -> None:
    position = world.connect().subscribe("room")["subscribe"]
    for number in range(301):
        world.pubsub.publish("room", number)

    reply = world.connect().subscribe("room", **since(position))["subscribe"]

    assert reply["was_recovering"]
    assert "recovered" not in reply
    assert "publications" not in reply
    assert reply["offset"] == 301


def test_more_than_a_frame_carries_is_not_recovered(world: World) -> None:
    position = world.connect().subscribe("room")["subscribe"]
    for _ in range(3):
        world.pubsub.publish("room", "x" * 50_000)

    reply = world.connect().subscribe("room", **since(position))["subscribe"]

    assert "recovered" not in reply
    assert reply["offset"] == 3


def test_what_can_be_published_can_be_recovered_and_read(world: World) -> None:
    client = world.connect()
    position = client.subscribe("room")["subscribe"]
    other = World()
    declare(other.pubsub)

    def is_refused(size: int) -> bool:
        try:
            other.pubsub.publish("room", "x" * size)
        except MessageTooLargeError:
            return True
        return False

    size = bisect_left(range(131_072), x=True, key=is_refused) - 1
    world.pubsub.publish("room", "x" * size)

    reply = world.connect().subscribe("room", **since(position))["subscribe"]
    page = client.ask(history={"channel": "room", "limit": -1})["history"]

    assert size > 126_000
    assert is_refused(size + 1)
    assert reply["recovered"]
    assert [len(each["data"]) for each in reply["publications"]] == [size]
    assert [len(each["data"]) for each in page["publications"]] == [size]


def test_expired_messages_are_not_recovered(world: World) -> None:
    position = world.connect().subscribe("room")["subscribe"]
    world.pubsub.publish("room", 1)
    world.gateway.advance(minutes=6)

    reply = world.connect().subscribe("room", **since(position))["subscribe"]

    assert "recovered" not in reply
    assert reply["epoch"] == position["epoch"]


def test_whoever_wants_no_gap_is_refused_before_anything_is_written(
    world: World,
) -> None:
    client = world.connect()
    before = list(world.members.members("room"))

    reply = client.subscribe("room", recover=True, epoch="_", offset=1, flag=3)

    assert reply["error"] == {"code": 112, "message": "unrecoverable position"}
    assert list(world.members.members("room")) == before
    position = client.subscribe("room", flag=3)["subscribe"]
    world.pubsub.publish("room", 1)
    recovered = client.subscribe("room", **{**since(position), "flag": 3})
    assert recovered["subscribe"]["recovered"]


def test_a_cache_gives_the_newest_message_and_no_other(world: World) -> None:
    empty = world.connect().subscribe("cache")["subscribe"]
    assert empty["was_recovering"]
    assert "recovered" not in empty

    for number in range(3):
        world.pubsub.publish("cache", number)
    first = world.connect().subscribe("cache")["subscribe"]
    again = world.connect().subscribe("cache", **since(first))["subscribe"]

    for reply in (first, again):
        assert reply["recovered"]
        assert reply["was_recovering"]
        assert reply["publications"] == [{"data": 2, "offset": 3}]


def test_history_without_recovery_is_told_to_nobody(world: World) -> None:
    client = world.connect()

    assert client.subscribe("kept", recover=True, epoch="_")["subscribe"] == {}
    assert client.ask(history={"channel": "kept"})["history"]["epoch"]


def test_state_and_publications_share_a_frame(world: World) -> None:
    client = world.connect()
    position = client.subscribe("state", data=1)["subscribe"]
    world.pubsub.publish("state", "y" * 60_000)

    fits = client.subscribe("state", data=60_000, **since(position))["subscribe"]
    assert fits["recovered"]
    full = client.subscribe("state", data=100_000, **since(position))["subscribe"]
    assert "recovered" not in full
    assert client.code(subscribe={"channel": "state", "data": 140_000}) == 106


class FailingLog(MemoryTopicLog):
    """A log whose reads can be made to fail, or to be preceded by something."""

    before_read: Callable[[], None] = staticmethod(lambda: None)

    def recover(self, *args: Any, **options: Any) -> Any:
        self.before_read()
        return super().recover(*args, **options)

    def ensure_position(self, *args: Any, **options: Any) -> Any:
        self.before_read()
        return super().ensure_position(*args, **options)


def fail() -> None:
    raise StoreError("out of order", operation="Query", code="X")


@pytest.fixture
def failing() -> World:
    world = World(log=FailingLog)
    declare(world.pubsub)
    return world


def read_log(world: World) -> FailingLog:
    log = world.pubsub._app.log  # noqa: SLF001 - the one that the application has made
    assert isinstance(log, FailingLog)
    return log


def publish_at_the_next_read(world: World, topic: str) -> None:
    """Have somebody publish where an empty log was read and its position was not."""
    log = read_log(world)

    def publish() -> None:
        log.before_read = lambda: None
        world.pubsub.publish(topic, 1)

    log.before_read = publish


@pytest.mark.parametrize("is_reverse", [False, True])
def test_what_comes_behind_an_empty_page_is_behind_its_position(
    failing: World, *, is_reverse: bool
) -> None:
    publish_at_the_next_read(failing, "room")

    page = failing.pubsub.history("room", reverse=is_reverse)

    assert page.publications == ()
    (later,) = failing.pubsub.history("room", page.end).publications
    assert later.data == "1"


def test_the_first_message_of_a_cache_is_not_behind_where_its_reader_begins(
    failing: World,
) -> None:
    client = failing.connect()
    publish_at_the_next_read(failing, "cache")

    reply = client.subscribe("cache")["subscribe"]

    assert "publications" not in reply
    assert "offset" not in reply


def test_a_read_that_fails_is_repeated_from_where_the_client_was(
    failing: World,
) -> None:
    client = failing.connect()
    position = client.subscribe("room")["subscribe"]
    failing.pubsub.publish("room", 1)
    client.receive()
    log = read_log(failing)

    log.before_read = fail
    reply = client.subscribe("room", **since(position))
    assert reply["error"]["code"] == 100
    assert reply["error"]["temporary"]
    (member,) = failing.members.members("room")
    assert member.lost == 1
    # Meanwhile its SDK has moved on, which the mark takes back.
    log.before_read = lambda: None
    later = {**since(position), "offset": 1}
    again = client.subscribe("room", **later)["subscribe"]

    assert [each["data"] for each in again["publications"]] == [1]
    (member,) = failing.members.members("room")
    assert member.lost is None


def test_a_mark_that_was_taken_is_put_back_when_the_read_fails(failing: World) -> None:
    client = failing.connect()
    client.subscribe("room")
    for number in range(3):
        failing.pubsub.publish("room", number)
    failing.members.mark_lost("room", client.id, 2)

    read_log(failing).before_read = fail
    client.subscribe("room")

    (member,) = failing.members.members("room")
    assert member.lost == 2


def test_who_is_new_has_nothing_to_be_marked_from(failing: World) -> None:
    client = failing.connect()
    failing.pubsub.publish("room", 1)

    read_log(failing).before_read = fail
    assert client.subscribe("room")["error"]["code"] == 100

    (member,) = failing.members.members("room")
    assert member.lost is None


def test_who_cannot_recover_after_all_is_not_left_subscribed(failing: World) -> None:
    client = failing.connect()
    position = client.subscribe("room")["subscribe"]
    client.ask(unsubscribe={"channel": "room"})
    calls: list[int] = []

    def trim_at_the_second_read() -> None:
        calls.append(1)
        # Each read asks for the position as well.
        if len(calls) == 3:
            for number in range(401):
                failing.pubsub.publish("room", number)

    read_log(failing).before_read = trim_at_the_second_read
    reply = client.subscribe("room", **{**since(position), "flag": 2})

    assert reply["error"]["code"] == 112
    assert list(failing.members.members("room")) == []


def test_a_mark_of_an_unknown_offset_is_not_recovered(world: World) -> None:
    client = world.connect()
    position = client.subscribe("room")["subscribe"]
    world.pubsub.publish("room", 1)
    world.members.mark_lost("room", client.id, 0)

    reply = client.subscribe("room", **{**since(position), "offset": 1})["subscribe"]

    assert "recovered" not in reply


def test_a_marked_client_is_asked_to_subscribe_again_and_recovers(
    world: World,
) -> None:
    client = world.connect()
    position = client.subscribe("room")["subscribe"]
    world.members.mark_lost("room", client.id, 1)
    world.pubsub.publish("room", 1)
    world.pubsub.publish("room", 2)

    parts = client.receive()
    assert publications(parts) == []
    assert parts[-1]["push"]["unsubscribe"]["code"] == 2500
    reply = client.subscribe("room", **since(position))["subscribe"]

    assert [each["data"] for each in reply["publications"]] == [1, 2]
    world.pubsub.publish("room", 3)
    assert publications(client.receive()) == [3]

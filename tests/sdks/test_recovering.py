"""What was missed comes with the next connection, or is said to be lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sdks.conftest import Join
from tests.support.sdks.driver import Sdk, settle
from tests.support.sdks.rooms import Rooms, make_token

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KEPT = 100  # of what was said in a room


def test_what_was_missed_comes_when_a_client_is_back(
    join: Join, rooms: Rooms, room: str
) -> None:
    alice = join("alice", room)
    rooms.call("publish", room, 1)
    alice.expect("publication", channel=room, data=1)

    rooms.wire.cut()
    alice.expect("connecting")
    for number in (2, 3, 4):
        rooms.call("publish", room, number)
    rooms.wire.mend()

    subscribed = alice.expect("subscribed", channel=room)
    got = [alice.expect("publication", channel=room)["data"] for _ in range(3)]
    assert subscribed["recovered"]
    assert subscribed["was_recovering"]
    assert got == [2, 3, 4]
    rooms.call("publish", room, 5)
    alice.expect("publication", channel=room, data=5)
    settle(alice)
    # Though the stream is behind, it does not bring again what the reply has had.
    came = [each["data"] for each in alice.come("publication", channel=room)]
    assert sorted(came) == [1, 2, 3, 4, 5]


def test_a_room_where_nothing_was_said_yet_recovers_too(
    join: Join, rooms: Rooms, room: str
) -> None:
    alice = join("alice", room)

    rooms.wire.cut()
    alice.expect("connecting")
    rooms.call("publish", room, "the first")
    rooms.wire.mend()

    assert alice.expect("subscribed", channel=room)["recovered"]
    assert alice.expect("publication", channel=room)["data"] == "the first"


def test_what_is_lost_is_said_to_be_lost(join: Join, rooms: Rooms, room: str) -> None:
    alice = join("alice", room)
    rooms.call("publish", room, 0)
    alice.expect("publication", channel=room)

    rooms.wire.cut()
    alice.expect("connecting")
    for number in range(1, KEPT + 3):
        rooms.call("publish", room, number)
    rooms.wire.mend()

    subscribed = alice.expect("subscribed", channel=room)
    assert subscribed["was_recovering"]
    assert not subscribed["recovered"]
    assert alice.pending("publication") == []
    assert subscribed["position"]["offset"] == KEPT + 3


def test_a_state_whose_position_is_gone_is_asked_for_again(
    sdk: Sdk, rooms: Rooms, room: str, join: Join
) -> None:
    reader = join("bob", room)
    rooms.call("publish", room, 1)
    rooms.call("publish", room, 2)
    epoch = reader.history(room, limit=0)["epoch"]
    alice = sdk.open(rooms.url, token=make_token("alice"))
    alice.connect()

    states = [{"epoch": "gone", "offset": 7}, {"epoch": epoch, "offset": 1}]
    subscribed = alice.subscribe(room, states=states)

    for _ in range(2):
        alice.expect("state_asked", channel=room)
    assert alice.expect("publication", channel=room)["data"] == 2
    assert subscribed["recovered"]
    assert alice.pending("publication") == []
    assert alice.pending("error") == []


def test_nothing_is_lost_while_a_client_comes_and_goes(
    join: Join, rooms: Rooms, room: str
) -> None:
    alice = join("alice", room)
    numbers = range(90)  # fewer than the room keeps

    def publish() -> None:
        for number in numbers:
            rooms.call("publish", room, number)

    with ThreadPoolExecutor() as pool:
        publishing = pool.submit(publish)
        for _ in range(5):
            alice.expect("publication", channel=room)
            rooms.wire.cut()
            alice.expect("connecting")
            rooms.wire.mend()
            assert alice.expect("subscribed", channel=room)["recovered"]
        publishing.result()
    rooms.call("publish", room, "end")

    alice.expect("publication", channel=room, data="end")
    settle(alice)
    came = [each["data"] for each in alice.come("publication", channel=room)]
    got = [each for each in came if each != "end"]
    assert list(dict.fromkeys(got)) == [*numbers]  # what comes twice is no loss


TOPICS = 50


def test_a_reconnect_with_many_topics_is_counted(
    sdk: Sdk, rooms: Rooms, room: str
) -> None:
    topics = [f"{room}-{number}" for number in range(TOPICS)]
    # The embedded DynamoDB takes its time for what is here hundreds of requests.
    alice = sdk.open(rooms.url, token=make_token("alice"), timeout=60)
    alice.call("subscribe", channels=topics)
    first = alice.connect()["id"]
    for topic in topics:
        alice.expect("subscribed", channel=topic)

    rooms.wire.cut()
    alice.expect("connecting", code=1)
    rooms.wait_for_invocations("$disconnect", first, count=1)
    rooms.wire.mend()
    id_ = alice.expect("connected")["id"]
    for topic in topics:
        assert alice.expect("subscribed", channel=topic)["recovered"]
    alice.call("disconnect")
    rooms.wait_for_invocations("$disconnect", id_, count=1)

    # npm's has all its commands in one message, PyPI's sends one for each topic. Each
    # message with a subscription that has history is answered by one post.
    messages, posts = (1, 1) if sdk.name == "centrifuge" else (1 + TOPICS, TOPICS)
    rooms.wait_for_invocations("$default", id_, count=messages)
    assert len(rooms.invocations("$default", id_)) == messages
    assert rooms.invocations("$connect", id_) == []
    assert len(rooms.posts(id_)) == posts

"""The JavaScript module over `centrifuge`, against examples/rooms."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from tests.support.javascript import MODULE, SCRIPTS
from tests.support.sdks.driver import (
    Sdk,
    SdkClient,
    SdkError,
    drive,
    find_modules,
    find_node,
    settle,
)
from tests.support.sdks.rooms import MODES, Rooms, make_token, run_rooms
from tests.support.servers.gateways import APPS

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KEPT = 100  # of what was said in a room
TOPICS = 30
FIVE_MINUTES = 5 * 60
_rooms = count(1)


@pytest.fixture(scope="module", params=MODES)
def rooms(request: pytest.FixtureRequest) -> Iterator[Rooms]:
    with run_rooms(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def process() -> Iterator[Sdk]:
    script, module = str(SCRIPTS / "driver.mjs"), str(MODULE / "index.js")
    with drive([find_node(), script, find_modules(), module]) as driver:
        yield Sdk("PubSubClient", driver)


@pytest.fixture
def sdk(process: Sdk, rooms: Rooms) -> Iterator[Sdk]:
    yield process
    process.close_all()
    rooms.wire.mend()


@pytest.fixture
def room() -> str:
    """A room that no other test is in."""
    return f"room:{next(_rooms)}"


def enter(sdk: Sdk, rooms: Rooms, *topics: str, **options: Any) -> SdkClient:
    """Return a connected client, subscribed to topics."""
    client = sdk.open(rooms.url, token=make_token("alice"), **options)
    client.connect()
    client.expect("connecting")
    if topics:
        client.subscribe(*topics)
    return client


def handed(client: SdkClient, topic: str, field: str = "data") -> list[Any]:
    """Return what the handler of a topic has got so far, in this order."""
    came = client.come("handed", channel=topic)
    return [each[field] for each in sorted(came, key=lambda each: each["number"])]


def wait_for(client: SdkClient, topic: str, data: object) -> None:
    client.expect("handed", channel=topic, data=data)
    settle(client)


def test_what_was_missed_is_handed_over_once(sdk: Sdk, rooms: Rooms, room: str) -> None:
    alice = enter(sdk, rooms, room)
    rooms.call("publish", room, 1)
    wait_for(alice, room, 1)

    rooms.wire.cut()
    alice.expect("connecting")
    for number in (2, 3, 4):
        rooms.call("publish", room, number)
    rooms.wire.mend()
    alice.expect("subscribed", channel=room)
    rooms.call("publish", room, 5)

    wait_for(alice, room, 5)
    assert handed(alice, room) == [1, 2, 3, 4, 5]
    assert alice.pending("lost") == []


def test_what_is_lost_is_told_and_the_rest_comes(
    sdk: Sdk, rooms: Rooms, room: str
) -> None:
    alice = enter(sdk, rooms, room)
    rooms.call("publish", room, 1)
    wait_for(alice, room, 1)

    rooms.wire.cut()
    alice.expect("connecting")
    last = KEPT + 11
    for number in range(2, last + 1):
        rooms.call("publish", room, number)
    rooms.wire.mend()

    lost = alice.expect("lost", channel=room)
    wait_for(alice, room, last)
    first = last - KEPT + 1
    assert (lost["after"]["offset"], lost["before"]["offset"]) == (1, first)
    assert lost["after"]["epoch"] == lost["before"]["epoch"]
    assert handed(alice, room) == [1, *range(first, last + 1)]
    assert alice.pending("lost") == []


def test_more_than_a_reply_can_carry_comes_in_pages(process: Sdk, room: str) -> None:
    with run_rooms("inline", app=APPS / "long_rooms.py") as long_rooms:
        alice = enter(process, long_rooms, room)
        long_rooms.wire.cut()
        alice.expect("connecting")
        numbers = range(1, 351)  # an SDK alone recovers 300
        for number in numbers:
            long_rooms.call("publish", room, number)
        long_rooms.wire.mend()

        alice.expect("handed", channel=room, data=numbers[-1])
        process.close_all()

    assert handed(alice, room) == [*numbers]
    assert alice.pending("lost") == []


def test_several_publishers_and_a_bad_network_change_nothing(
    sdk: Sdk, rooms: Rooms, room: str
) -> None:
    alice = enter(sdk, rooms, room)
    bobs = [sdk.open(rooms.gateway.url, token=make_token("bob")) for _ in range(3)]
    for bob in bobs:
        bob.connect()
        bob.subscribe(room)
    each = 25  # so that all together are fewer than the room keeps

    def publish(number: int) -> None:
        for index in range(each):
            bobs[number].call("publish", channel=room, data=number * each + index)

    with ThreadPoolExecutor() as pool:
        publishing = [pool.submit(publish, number) for number in range(len(bobs))]
        for _ in range(3):
            alice.expect("handed")
            rooms.wire.cut()
            alice.expect("connecting")
            rooms.wire.mend()
            alice.expect("subscribed", channel=room)
        for one in publishing:
            one.result()
    rooms.call("publish", room, "end")

    for client in (alice, *bobs):
        client.expect("handed", data="end")
        assert handed(client, room, "offset") == [*range(1, len(bobs) * each + 2)]
        assert {*handed(client, room)} == {*range(len(bobs) * each), "end"}
        assert client.pending("lost") == []


def test_many_topics_come_back_in_one_message(
    sdk: Sdk, rooms: Rooms, room: str
) -> None:
    topics = [f"{room}-{number}" for number in range(TOPICS)]
    # The embedded DynamoDB takes its time for what is here hundreds of requests.
    alice = enter(sdk, rooms, *topics, timeout=60)

    rooms.wire.cut()
    alice.expect("connecting")
    for topic in topics:
        rooms.call("publish", topic, f"for {topic}")
    rooms.wire.mend()
    alice.expect("connected")

    for topic in topics:
        alice.expect("handed", channel=topic, data=f"for {topic}")
    alice.expect("sent", commands=["connect", *["subscribe"] * TOPICS])
    assert alice.pending("lost") == []


def test_after_a_sleep_all_positions_are_asked_for_in_one_message(
    sdk: Sdk, rooms: Rooms, room: str
) -> None:
    topics = [f"{room}-{number}" for number in range(3)]
    alice = enter(sdk, rooms, *topics)

    alice.call("sleep", seconds=FIVE_MINUTES)

    alice.expect("sent", commands=["history"] * len(topics))
    settle(alice)
    assert alice.pending("connecting") == []


def test_without_topics_something_else_is_asked(sdk: Sdk, rooms: Rooms) -> None:
    alice = enter(sdk, rooms)

    alice.call("sleep", seconds=FIVE_MINUTES)

    alice.expect("sent", commands=["rpc"])
    settle(alice)
    assert alice.pending("disconnected") == []


def test_a_network_that_has_gone_without_a_word_is_noticed(
    sdk: Sdk, rooms: Rooms, room: str
) -> None:
    alice = enter(sdk, rooms, room, timeout=1)
    rooms.wire.silence()
    rooms.call("publish", room, "unheard")

    alice.call("sleep", seconds=FIVE_MINUTES)

    for _ in range(2):
        alice.expect("sent", commands=["history"])
    alice.expect("disconnected", code=0)
    alice.expect("handed", channel=room, data="unheard")
    assert alice.pending("lost") == []


def test_unsubscribe_and_subscribe_at_once(sdk: Sdk, rooms: Rooms, room: str) -> None:
    alice = enter(sdk, rooms, room)
    rooms.call("publish", room, 1)

    alice.call("toggle", channel=room)
    alice.expect("subscribed", channel=room)
    rooms.call("publish", room, 2)

    wait_for(alice, room, 2)
    assert handed(alice, room) == [1, 2]
    assert alice.pending("lost") == []


@pytest.mark.parametrize("option", ["since", "state"])
def test_a_subscription_begins_where_the_application_says(
    sdk: Sdk, rooms: Rooms, room: str, option: str
) -> None:
    bob = enter(sdk, rooms, room)
    for number in (1, 2, 3):
        rooms.call("publish", room, number)
    epoch = bob.come("subscribed", channel=room)[-1]["position"]["epoch"]
    alice = enter(sdk, rooms)

    alice.subscribe(room, **{option: {"epoch": epoch, "offset": 1}})

    wait_for(alice, room, 3)
    assert handed(alice, room) == [2, 3]


def test_topics_of_the_server_are_followed(sdk: Sdk, rooms: Rooms) -> None:
    alice = sdk.open(rooms.url, token=make_token("alice"))
    alice.call("listen", channel="user:alice")
    alice.connect()

    rooms.call("publish", "user:alice", "behave")

    assert alice.expect("handed", channel="user:alice")["data"] == "behave"


def test_the_newest_message_is_all_that_matters_in_mode_cache(
    sdk: Sdk, rooms: Rooms
) -> None:
    rooms.call("publish", "news", "old")
    alice = enter(sdk, rooms, "news")
    alice.expect("handed", channel="news", data="old")

    rooms.wire.cut()
    alice.expect("connecting")
    for news in ("newer", "newest"):
        rooms.call("publish", "news", news)
    rooms.wire.mend()

    wait_for(alice, "news", "newest")
    assert alice.pending("lost") == []


@pytest.mark.parametrize(
    ("do", "arguments"),
    [
        ("publish", {"channel": "room:full"}),
        ("rpc", {"method": "echo"}),
    ],
)
def test_what_would_end_the_connection_is_not_sent(
    sdk: Sdk, rooms: Rooms, do: str, arguments: dict[str, str]
) -> None:
    alice = enter(sdk, rooms, "room:full")

    with pytest.raises(SdkError, match="over the 32768 of a frame"):
        alice.call(do, **arguments, data="x" * 32_768)

    alice.call(do, **arguments, data="x" * 32_000)
    settle(alice)
    assert alice.pending("connecting") == []

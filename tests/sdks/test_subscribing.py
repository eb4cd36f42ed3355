"""Subscribing, publishing, and who is there."""

import uuid

import pytest

from tests.sdks.conftest import Join
from tests.support.sdks.driver import SdkError, settle
from tests.support.sdks.rooms import Rooms

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def test_what_one_says_the_others_get(join: Join, room: str) -> None:
    alice, bob = join("alice", room), join("bob", room)

    alice.call("publish", channel=room, data={"text": "hello"})

    for client in (alice, bob):
        got = client.expect("publication", channel=room)
        assert (got["data"], got["offset"]) == ({"text": "hello"}, 1)
        assert got["info"] == {
            "user": "alice",
            "client": alice.id,
            "conn_info": {"name": "Alice"},
        }


def test_messages_come_once_and_in_order(join: Join, room: str) -> None:
    alice, bob = join("alice", room), join("bob", room)

    for number in range(20):
        alice.call("publish", channel=room, data=number)

    got = [bob.expect("publication")["data"] for _ in range(20)]
    settle(bob)
    assert got == list(range(20))
    assert bob.pending("publication") == []


@pytest.mark.parametrize(
    ("topic", "code"),
    [("user:bob", 103), ("user:alice", 103), ("lobby", 102), ("room:a:b", 102)],
)
def test_who_may_not_subscribe_is_told(join: Join, topic: str, code: int) -> None:
    alice = join("alice")

    alice.call("subscribe", channels=[topic])

    assert alice.expect("unsubscribed", channel=topic)["code"] == code


def test_only_those_in_a_room_can_speak_there(join: Join, room: str) -> None:
    alice, bob = join("alice"), join("bob", room)

    with pytest.raises(SdkError) as refused:
        alice.call("publish", channel=room, data="let me in")

    settle(bob)
    assert refused.value.code == 103
    assert bob.pending("publication") == []


@pytest.mark.parametrize("topic", ["news", "user:alice"])
def test_only_the_server_publishes_the_rest(join: Join, topic: str) -> None:
    alice = join("alice", "news")

    with pytest.raises(SdkError) as refused:
        alice.call("publish", channel=topic, data="fake news")

    assert refused.value.code == 103


def test_the_newest_news_are_there_for_who_comes_later(
    join: Join, rooms: Rooms
) -> None:
    news = {"text": str(uuid.uuid4())}
    join("bob").call("rpc", method="announce", data=news)
    alice = join("alice")

    subscribed = alice.subscribe("news")

    assert alice.expect("publication", channel="news")["data"] == news
    assert subscribed["was_recovering"]
    rooms.call("publish", "news", {"text": "more"})
    alice.expect("publication", channel="news", data={"text": "more"})


def test_methods_can_be_called(join: Join) -> None:
    alice = join("alice")

    with pytest.raises(SdkError) as refused:
        alice.call("rpc", method="nothing of the kind", data=None)

    values: list[object] = [{"a": [1, None, "ü"]}, "text", 3, [], {}]
    for data in values:
        assert alice.call("rpc", method="echo", data=data) == data
    assert refused.value.code == 104


def test_presence_shows_who_is_there(join: Join, room: str) -> None:
    alice, phone, bob = join("alice", room), join("alice", room), join("bob", room)

    shown = alice.call("presence", channel=room)
    stats = alice.call("presence_stats", channel=room)

    ids = {alice.id: "alice", phone.id: "alice", bob.id: "bob"}
    assert {id_: info["user"] for id_, info in shown.items()} == ids
    assert stats == {"num_clients": 3, "num_users": 2}


@pytest.mark.parametrize("what", ["presence", "presence_stats", "history"])
def test_who_is_there_and_what_was_said_is_for_those_who_are_in(
    join: Join, room: str, what: str
) -> None:
    outside = join("alice")
    arguments = {"limit": 1, "since": None, "reverse": False}

    with pytest.raises(SdkError) as refused:
        outside.call(what, channel=room, **(arguments if what == "history" else {}))

    assert refused.value.code == 103


def test_who_comes_and_who_goes_is_told(join: Join, room: str) -> None:
    alice = join("alice", room)

    bob = join("bob", room)
    joined = alice.expect("join", channel=room, info=_info("bob", bob.id))
    bob.call("unsubscribe", channel=room)
    left = alice.expect("leave", channel=room)
    carol = join("carol", room)
    alice.expect("join", channel=room, info=_info("carol", carol.id))
    carol.call("disconnect")
    gone = alice.expect("leave", channel=room)

    assert joined["info"] == left["info"]
    assert gone["info"] == _info("carol", carol.id)
    assert list(alice.call("presence", channel=room)) == [alice.id]


def _info(user: str, client: str) -> dict[str, object]:
    return {"user": user, "client": client, "conn_info": {"name": user.title()}}


def test_history_is_read_in_pages(join: Join, room: str) -> None:
    alice = join("alice", room)
    for number in range(1, 6):
        alice.call("publish", channel=room, data=number)

    whole = alice.history(room, limit=-1)
    top = alice.history(room, limit=0)
    newest = alice.history(room, limit=2, reverse=True)
    third = {"epoch": whole["epoch"], "offset": 3}
    after = alice.history(room, limit=-1, since=third)
    before = alice.history(room, limit=1, since=third, reverse=True)

    def numbers(page: object) -> list[object]:
        assert isinstance(page, dict)
        assert (page["offset"], page["epoch"]) == (5, whole["epoch"])
        assert all(each["offset"] == each["data"] for each in page["publications"])
        return [each["data"] for each in page["publications"]]

    assert numbers(whole) == [1, 2, 3, 4, 5]
    assert numbers(top) == []
    assert numbers(newest) == [5, 4]
    assert numbers(after) == [4, 5]
    assert numbers(before) == [2]


def test_a_position_of_another_history_is_an_error(join: Join, room: str) -> None:
    alice = join("alice", room)

    with pytest.raises(SdkError) as refused:
        alice.history(room, limit=-1, since={"epoch": "_", "offset": 1})

    assert refused.value.code == 112


def test_history_of_a_topic_without_one_is_not_available(
    join: Join,
) -> None:
    user = f"user-{uuid.uuid4().hex[:8]}"
    alice = join(user)
    alice.expect("subscribed", channel=f"user:{user}")

    with pytest.raises(SdkError) as refused:
        alice.history(f"user:{user}", limit=-1)

    assert refused.value.code == 108


def test_each_user_is_subscribed_to_the_own_topic(join: Join, rooms: Rooms) -> None:
    user, other = (f"user-{uuid.uuid4().hex[:8]}" for _ in range(2))
    phone, laptop, somebody_else = join(user), join(user), join(other)
    for client in (phone, laptop):
        client.expect("subscribed", channel=f"user:{user}")

    rooms.call("publish", f"user:{user}", {"text": "for you"})

    for client in (phone, laptop):
        got = client.expect("publication", channel=f"user:{user}")
        assert got["data"] == {"text": "for you"}
    settle(somebody_else)
    assert somebody_else.pending("publication") == []


def test_the_server_subscribes_a_user_who_is_connected(
    join: Join, rooms: Rooms, room: str
) -> None:
    user = f"user-{uuid.uuid4().hex[:8]}"
    alice = join(user)

    rooms.call("subscribe", user, room)
    alice.expect("subscribed", channel=room)
    rooms.call("publish", room, "welcome")

    assert alice.expect("publication", channel=room)["data"] == "welcome"


def test_the_server_ends_a_subscription(join: Join, rooms: Rooms, room: str) -> None:
    user = f"user-{uuid.uuid4().hex[:8]}"
    alice, bob = join(user, room), join("bob", room)

    rooms.call("unsubscribe", user, room)
    ended = alice.expect("unsubscribed", channel=room)
    rooms.call("publish", room, "without you")

    assert ended["code"] == 2000
    assert bob.expect("publication", channel=room)["data"] == "without you"
    settle(alice)
    assert alice.pending("publication") == []
    alice.subscribe(room)  # nobody has forbidden it


def test_leaving_and_coming_back_at_once_is_being_there_once(
    join: Join, rooms: Rooms, room: str
) -> None:
    alice = join("alice", room)

    for _ in range(5):
        alice.call("toggle", channel=room)
    for _ in range(5):
        alice.expect("unsubscribed", channel=room)
    alice.expect("subscribed", channel=room)
    settle(alice)
    rooms.call("publish", room, "once")

    assert alice.expect("publication", channel=room)["data"] == "once"
    settle(alice)
    assert alice.pending("publication") == []
    assert list(alice.call("presence", channel=room)) == [alice.id]

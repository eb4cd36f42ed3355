"""Joins and leaves by user, with a period in which a user may come back."""

from typing import Any

import pytest

from tests.support.pubsub_clients import Client, World, let_in_by_name
from tests.support.virtual_time import VirtualTime
from wspubsub import UsageError
from wspubsub.errors import StoreError
from wspubsub.fanout import Queue, QueueError
from wspubsub.pubsub import ANYONE, PubSub
from wspubsub.subscriptions.memory_members import MemoryMemberStore
from wspubsub.subscriptions.memory_stays import MemoryStays
from wspubsub.subscriptions.sessions import Presence
from wspubsub.testing import MemoryQueue, RecordingConnections, queue_event

GRACE = 10


class FailingStays(MemoryStays):
    """Stays that can fail: all calls of a method, or those for a user."""

    failing = ""

    def _check(self, name: str, who: Presence | None = None) -> None:
        if self.failing in {name, f"{name} {who.user}" if who else name}:
            raise StoreError("secret", operation=name, code="X")

    def begin(self, *arguments: Any, **options: Any) -> Any:
        self._check("begin")
        return super().begin(*arguments, **options)

    def pause(self, topic: str, who: Presence, **options: Any) -> Any:
        self._check("pause", who)
        return super().pause(topic, who, **options)

    def find_absent(self, *arguments: Any) -> Any:
        self._check("find_absent")
        return super().find_absent(*arguments)


class Members(MemoryMemberStore):
    """Members that cannot always be read, and whose stays can fail."""

    is_unreadable = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.stays = FailingStays(
            self._presence, self._lock, self._ttl_seconds, self._now
        )

    def members(self, topic: str, **options: Any) -> Any:
        if self.is_unreadable:
            raise StoreError("secret", operation="Query", code="X")
        return super().members(topic, **options)


class CountingQueue(MemoryQueue):
    """A queue that counts the messages of each request."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sizes: list[int] = []

    def send_message_batch(self, **request: Any) -> dict[str, Any]:
        self.sizes.append(len(request["Entries"]))
        return super().send_message_batch(**request)


class Rooms(World):
    """An application whose room has a period of grace, with its queue."""

    def __init__(self) -> None:
        super().__init__(queue=self._make_queue)
        self.members = Members(now=self.gateway.now)
        self.pubsub._members = self.members  # noqa: SLF001 - it has the gateway's clock
        self.queue = CountingQueue(now=self.gateway.now)
        self.gateway.add_event_source(self.queue.source)
        self.fails = False
        let_in_by_name(self.pubsub)
        room = self.pubsub.topic(
            "room", presence=True, join_leave=True, grace_seconds=GRACE - 0.5
        )
        room.subscribe(ANYONE)
        at_once = self.pubsub.topic("other", presence=True, join_leave=True)
        at_once.subscribe(ANYONE)
        self.listener = self.subscribe("room", "eve")

    @property
    def stays(self) -> FailingStays:
        stays = self.members.stays
        assert isinstance(stays, FailingStays)
        return stays

    def _make_queue(self) -> Any:
        if self.fails:
            raise QueueError("url", "no")
        return Queue(self.queue.url, client=self.queue)

    def kill(self, *clients: Client) -> None:
        """Have clients found gone by a publish, since no $disconnect came."""
        self.wait(60)
        self.hear()
        self.gateway.handler = lambda _event, _context: {"statusCode": 200}
        for each in clients:
            each.wire.kill()
        self.gateway.handler = self.pubsub
        self.pubsub.publish("room", 1)

    def wait(self, seconds: float = GRACE) -> None:
        self.gateway.advance(seconds=seconds)

    def hear(self, client: Client | None = None) -> list[tuple[str, str]]:
        """Return what has been pushed to somebody: what happened, and to whom."""
        pushes = [part["push"] for part in (client or self.listener).receive()]
        return [
            (kind, push[kind]["info"]["user"])
            for push in pushes
            for kind in ("join", "leave")
            if kind in push
        ]


@pytest.fixture
def rooms() -> Rooms:
    return Rooms()


def test_who_comes_back_in_time_has_neither_left_nor_joined(rooms: Rooms) -> None:
    first = rooms.subscribe("room", "ada")
    assert rooms.hear() == [("join", "ada")]

    first.wire.close()
    rooms.wait(GRACE - 1)
    rooms.subscribe("room", "ada")
    rooms.wait(60)

    assert rooms.hear() == []
    assert len(rooms.queue) == 0


def test_who_does_not_has_left_when_the_time_is_over(rooms: Rooms) -> None:
    ada = rooms.subscribe("room", "ada")
    rooms.hear()

    ada.wire.close()
    rooms.wait(GRACE - 1)
    assert rooms.hear() == []
    # Meanwhile whoever asks is told the same as the others.
    assert [each.user for each in rooms.pubsub.presence("room").values()] == [
        "eve",
        "ada",
    ]
    rooms.wait(1)

    assert rooms.hear() == [("leave", "ada")]
    assert [each.user for each in rooms.pubsub.presence("room").values()] == ["eve"]
    rooms.subscribe("room", "ada")
    assert rooms.hear() == [("join", "ada")]


def test_a_user_with_two_connections_joins_and_leaves_once(rooms: Rooms) -> None:
    one, two = rooms.subscribe("room", "ada"), rooms.subscribe("room", "ada")
    assert rooms.hear() == [("join", "ada")]

    one.wire.close()
    rooms.wait(60)
    assert rooms.hear() == []
    two.ask(unsubscribe={"channel": "room"})
    rooms.wait()

    assert rooms.hear() == [("leave", "ada")]


def test_the_time_begins_with_the_last_connection(rooms: Rooms) -> None:
    one, two = rooms.subscribe("room", "ada"), rooms.subscribe("room", "ada")
    rooms.hear()

    one.wire.close()
    rooms.wait(GRACE / 2)
    two.wire.close()
    rooms.wait(GRACE / 2)
    assert rooms.hear() == []
    rooms.wait(GRACE / 2)

    assert rooms.hear() == [("leave", "ada")]


def test_who_was_found_gone_has_the_time_as_well(rooms: Rooms) -> None:
    ada = rooms.subscribe("room", "ada")

    rooms.kill(ada)
    assert rooms.hear() == []
    rooms.wait()

    assert rooms.hear() == [("leave", "ada")]


def test_those_found_gone_together_are_one_request_to_the_queue(rooms: Rooms) -> None:
    rooms.kill(*(rooms.subscribe("room", name) for name in ("ada", "bob", "cleo")))
    assert rooms.hear() == []
    assert rooms.queue.sizes == [3]
    rooms.wait()

    leaves = [("leave", name) for name in ("ada", "bob", "cleo")]
    assert sorted(rooms.hear()) == leaves


def test_of_those_found_gone_together_only_who_was_noted_may_come_back(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    clients = [rooms.subscribe("room", name) for name in ("ada", "bob", "cleo")]
    rooms.stays.failing = "pause bob"

    rooms.kill(*clients)

    assert rooms.hear() == [("leave", "bob")]
    assert "could not note" in caplog.text
    rooms.wait()
    assert sorted(rooms.hear()) == [("leave", "ada"), ("leave", "cleo")]


def test_without_the_queue_all_found_gone_together_leave_at_once(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    clients = [rooms.subscribe("room", name) for name in ("ada", "bob")]
    rooms.fails = True

    rooms.kill(*clients)

    assert sorted(rooms.hear()) == [("leave", "ada"), ("leave", "bob")]
    for name in ("ada", "bob"):
        assert f"user '{name}' leaves topic 'room' without grace" in caplog.text
    rooms.wait()
    assert rooms.hear() == []


def test_anonymous_clients_and_other_topics_have_none(rooms: Rooms) -> None:
    nobody = rooms.subscribe("room", "")
    assert rooms.hear() == [("join", "")]
    nobody.wire.close()
    assert rooms.hear() == [("leave", "")]

    listener, ada = rooms.subscribe("other", "bob"), rooms.subscribe("other", "ada")
    ada.wire.close()
    assert rooms.hear(listener) == [("join", "ada"), ("leave", "ada")]
    assert len(rooms.queue) == 0


def test_without_its_queue_a_leave_is_said_at_once(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = rooms.subscribe("room", "ada"), rooms.subscribe("room", "ada")
    rooms.hear()
    rooms.fails = True

    one.wire.close()
    assert rooms.hear() == []
    two.wire.close()

    assert rooms.hear() == [("leave", "ada")]
    assert "did not accept" in caplog.text
    rooms.subscribe("room", "ada")
    assert rooms.hear() == [("join", "ada")]


@pytest.mark.parametrize(
    ("failing", "heard"),
    [("begin", [("join", "ada")]), ("pause", [("leave", "ada")]), ("", [])],
)
def test_what_cannot_be_noted_is_said_at_once(
    rooms: Rooms, failing: str, heard: list[tuple[str, str]]
) -> None:
    ada = rooms.subscribe("room", "ada")
    rooms.hear()
    rooms.stays.failing = failing

    rooms.subscribe("room", "ada") if failing == "begin" else ada.wire.close()

    assert rooms.hear() == heard


@pytest.mark.parametrize("has_failed", [True, False])
def test_after_a_leave_that_was_not_noted_a_join_is_said(
    rooms: Rooms, has_failed: bool
) -> None:
    ada = rooms.subscribe("room", "ada")
    rooms.hear()
    rooms.stays.failing = "pause"
    if has_failed:
        ada.wire.close()
    else:
        # The function is stopped before it says anything.
        rooms.members.end_session(ada.wire.connection_id)
    rooms.stays.failing = ""
    rooms.wait(GRACE + 60)
    assert [each.user for each in rooms.pubsub.presence("room").values()] == ["eve"]
    rooms.hear()

    rooms.subscribe("room", "ada")

    assert rooms.hear() == [("join", "ada")]


def test_a_store_that_fails_when_the_time_is_over_is_asked_again(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    ada = rooms.subscribe("room", "ada")
    rooms.hear()
    ada.wire.close()
    rooms.stays.failing = "find_absent"
    rooms.wait()
    assert rooms.hear() == []

    rooms.stays.failing = ""
    rooms.wait(300)

    assert rooms.hear() == [("leave", "ada")]
    assert "failed" in caplog.text


def test_neither_queue_nor_store_working_is_logged(
    rooms: Rooms, caplog: pytest.LogCaptureFixture
) -> None:
    ada = rooms.subscribe("room", "ada")
    rooms.hear()
    rooms.fails, rooms.stays.failing = True, "find_absent"

    ada.wire.close()

    assert rooms.hear() == []
    assert "could not look" in caplog.text


@pytest.mark.parametrize("is_late", [True, False])
def test_a_leave_that_nobody_could_be_told_is_told_when_the_queue_brings_it_again(
    rooms: Rooms, is_late: bool
) -> None:
    ada = rooms.subscribe("room", "ada")
    rooms.hear()
    ada.wire.close()
    members = rooms.members
    assert isinstance(members, Members)
    members.is_unreadable = not is_late
    event = queue_event({"wspubsub": 1, "absent": ["room", "ada", 2]})

    answer: Any = rooms.pubsub(event, VirtualTime().context(0 if is_late else 10))

    assert len(answer["batchItemFailures"]) == 1
    assert rooms.hear() == []
    members.is_unreadable = False
    rooms.wait()
    assert rooms.hear() == [("leave", "ada")]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("nonsense", "is not from a PubSub"),
        ("[]", "is not from a PubSub"),
        ({"wspubsub": 1}, "is not from a PubSub"),
        ({"wspubsub": 1, "absent": ["room", "ada"]}, "is not from a PubSub"),
        ({"wspubsub": 2}, "unknown version 2"),
    ],
)
def test_a_message_of_anybody_else_fails_alone(
    rooms: Rooms, caplog: pytest.LogCaptureFixture, body: Any, reason: str
) -> None:
    good = {"wspubsub": 1, "absent": ["room", "ada", 1]}
    event = queue_event(body, good, {"wspubsub": 1, "absent": ["gone", "ada", 1]})

    answer: Any = rooms.pubsub(event)

    first = event["Records"][0]["messageId"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert reason in caplog.text


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"grace_seconds": 0.5}, "from 1 to 900"),
        ({"grace_seconds": 901}, "from 1 to 900"),
        ({"grace_seconds": True}, "from 1 to 900"),
        ({"grace_seconds": "10"}, "from 1 to 900"),
        ({"grace_seconds": float("nan")}, "from 1 to 900"),
        ({"grace_seconds": 900, "join_leave": False}, "join_leave=True"),
    ],
)
def test_a_period_that_cannot_be_is_refused(
    options: dict[str, Any], reason: str
) -> None:
    pubsub = PubSub(
        MemoryMemberStore(), RecordingConnections(), queue=lambda: Queue("url")
    )
    with pytest.raises(UsageError, match=reason):
        pubsub.topic("room", **{"join_leave": True, **options})
    assert pubsub.event_sources == frozenset()


def test_a_period_needs_a_queue() -> None:
    pubsub = PubSub(MemoryMemberStore(), RecordingConnections())
    with pytest.raises(UsageError, match="queue="):
        pubsub.topic("room", join_leave=True, grace_seconds=10)


def test_a_queue_is_declared_where_a_topic_has_a_period(rooms: Rooms) -> None:
    assert rooms.pubsub.event_sources == {"queue"}

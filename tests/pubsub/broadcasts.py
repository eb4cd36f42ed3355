"""A broadcaster with members of all kinds, and connections that can be deaf."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from tests.support.virtual_time import VirtualTime
from wspubsub import Connection, MemoryTopicLog, StoreError
from wspubsub.connections import Outcome, PostOutcome
from wspubsub.log.port import TopicLog
from wspubsub.pubsub.broadcaster import Broadcaster
from wspubsub.pubsub.frames import EncodedJson
from wspubsub.subscriptions.memory_members import MemoryMemberStore
from wspubsub.subscriptions.sessions import Ended, Member, Session
from wspubsub.testing import RecordingConnections

TOPIC = "room:1"
HELLO = EncodedJson('{"text":"hello"}')


class Members(MemoryMemberStore):
    """A member store that can fail.

    Attributes:
        failing_marks: Connections that cannot be marked.
        failing_traces: Connections on which no trace can be left.
        released: Connections whose hold is over before a trace is left, and what they
            were told by then.
        fails_after: After so many members, reading fails; None for never.
        seconds: How long it takes to read members.
        reads: Whether each reading of members was to be consistent.
        ended: What each prune has ended.
    """

    def __init__(self, time: VirtualTime) -> None:
        super().__init__(now=time.now)
        self._time = time
        self.seconds = 0.0
        self.failing_marks: set[str] = set()
        self.failing_traces: set[str] = set()
        self.released: dict[str, tuple[str, int]] = {}
        self.fails_after: int | None = None
        self.error: Exception = StoreError("throttled", operation="Query", code="T")
        self.reads: list[bool] = []
        self.ended: list[Ended] = []

    def members(
        self, topic: str, *, consistent: bool = True, **options: Any
    ) -> Iterator[Member]:
        self.reads.append(consistent)
        found = super().members(topic, consistent=consistent, **options)
        for number, member in enumerate(sorted(found)):
            if number == self.fails_after:
                raise self.error
            yield member
        if self.fails_after == 0:
            raise self.error
        self._time.passed += self.seconds

    def mark_lost(
        self, topic: str, connection_id: str, offset: int, **options: Any
    ) -> bool:
        if connection_id in self.failing_marks:
            raise StoreError("throttled", operation="UpdateItem", code="T")
        return super().mark_lost(topic, connection_id, offset, **options)

    def trace(self, topic: str, connection_id: str, **options: Any) -> Member | None:
        if connection_id in self.failing_traces:
            raise StoreError("throttled", operation="UpdateItem", code="T")
        if told := self.released.get(connection_id):
            number = self._commands.next_number(connection_id, topic) - 1
            self.release(connection_id, topic, number=number, traces=0, told=told)
        return super().trace(topic, connection_id, **options)

    def end_sessions(self, connection_ids: Iterable[str], **options: Any) -> Ended:
        ended = super().end_sessions(connection_ids, **options)
        self.ended.append(ended)
        return ended


class DeafConnections(RecordingConnections):
    """Connections of which some take no publications, but everything else.

    Attributes:
        deaf: What becomes of a publication to them.
        runs: The connections of each call that posts to many.
    """

    def __init__(self, time: VirtualTime) -> None:
        super().__init__(clock=time.clock, sleep=time.sleep)
        self.deaf: dict[str, Outcome] = {}
        self.runs: list[list[str]] = []

    def post_many(
        self, connection_ids: Iterable[str], data: bytes, **options: Any
    ) -> Iterator[PostOutcome]:
        deaf: list[str] = []
        self.runs.append([])

        def hearing() -> Iterator[str]:
            for connection_id in connection_ids:
                self.runs[-1].append(connection_id)
                if connection_id in self.deaf and b'"pub":' in data:
                    deaf.append(connection_id)
                else:
                    yield connection_id

        yield from super().post_many(hearing(), data, **options)
        for connection_id in deaf:
            yield PostOutcome(connection_id, self.deaf[connection_id], "deaf")


class Service:
    """A broadcaster on stores in memory, in virtual time."""

    def __init__(
        self,
        *,
        time: VirtualTime | None = None,
        announces: bool = False,
        topic_log: TopicLog | None = None,
        by_stream: bool = False,
        **options: Any,
    ) -> None:
        self.time = time or VirtualTime()
        self.members = Members(self.time)
        self.connections = DeafConnections(self.time)
        self.numbers: dict[str, int] = {}
        self.log = topic_log or MemoryTopicLog(now=self.time.now)
        self.broadcaster = Broadcaster(
            self.members,
            self.connections,
            topic_log=self.log,
            by_stream=by_stream,
            announces=lambda _: announces,
            now=self.time.now,
            clock=self.time.clock,
            **options,
        )

    def join(self, *connection_ids: str, topic: str = TOPIC, **options: Any) -> None:
        """Let clients connect and subscribe."""
        for connection_id in connection_ids:
            self.connections.connect(connection_id)
            session = Session(
                connection=Connection(id=connection_id, connected_at=self.time.now()),
                user=f"user-{connection_id}",
                info=f'{{"name":"{connection_id}"}}',
            )
            if not self.members.begin_session(session):
                found = self.members.read_session(connection_id).session
                assert found is not None
                session = found
            began = self.members.begin_subscription(
                session, topic, command=None, called_at=self.time.now() + 1, **options
            )
            self.numbers[connection_id] = began.number

    def grow_old(self) -> None:
        """Let so much time pass that nobody is in a handshake any more."""
        self.time.passed += 61

    def lost(self, topic: str = TOPIC) -> dict[str, int]:
        """Return who is marked, and from which offset on."""
        return {
            each.connection_id: each.lost
            for each in MemoryMemberStore.members(self.members, topic)
            if each.lost is not None
        }

    def traces(self, connection_id: str, topic: str = TOPIC) -> int:
        """Return how many publications a member that is held is to be handed."""
        # Nobody has left so many, so the hold goes on.
        number, told = self.numbers[connection_id], ("epoch", 0)
        traces = self.members.release(
            connection_id, topic, number=number, traces=1_000_000, told=told
        )
        assert traces is not None
        return traces

    def publish(self, data: EncodedJson = HELLO, **options: Any) -> Any:
        return self.broadcaster.publish(TOPIC, data, **{"logged": True, **options})

    def pushes(self, connection_id: str) -> list[dict[str, Any]]:
        """Return the pushes that a connection got, one after another."""
        return [
            json.loads(line)["push"]
            for message in self.connections.messages(connection_id)
            for line in message.decode().split("\n")
        ]

    def offsets(self, connection_id: str) -> list[int]:
        """Return the offsets of the publications that a connection got."""
        return [
            push["pub"]["offset"]
            for push in self.pushes(connection_id)
            if "pub" in push
        ]


def unsubscribed(topic: str = TOPIC) -> dict[str, Any]:
    """Return the push that has an SDK subscribe again."""
    return {
        "channel": topic,
        "unsubscribe": {"code": 2500, "reason": "insufficient state"},
    }


def disconnected(code: int, reason: str) -> dict[str, Any]:
    """Return the push that has an SDK disconnect."""
    return {"disconnect": {"code": code, "reason": reason}}

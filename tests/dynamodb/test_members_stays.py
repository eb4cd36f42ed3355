"""Joins and leaves by user are right at the end, in any order.

The steps are the requests of the real store to DynamoDB, and each push: connections of
one user come and go, and what the queue brings is looked into. What the others in the
topic were told last is what is true, and nobody is said to leave who is there again.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from tests.contracts.members import session
from tests.support.interleaving import Caller, find_wrongs
from tests.support.request_faults import Endpoint, Fault, Request, no_fault
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import NOW, Clock
from wspubsub.dynamodb import DynamoDBMemberStore
from wspubsub.pubsub.announcer import Push
from wspubsub.pubsub.sources import read_absence
from wspubsub.pubsub.stays import Absence, Stays
from wspubsub.subscriptions.sessions import Presence, Session

TOPIC = "news"


class Queue:
    """A queue that is looked into by whoever wants to."""

    def __init__(self) -> None:
        self.bodies: deque[str] = deque()

    def send(self, bodies: Iterable[str], *, delay_seconds: int = 0) -> None:
        assert delay_seconds == 10
        self.bodies += bodies


class World:
    """One run.

    Args:
        acts: What happens at the same time: `come a=`, `go a=` or `look`.
        present: Connections of the user that are in the topic.
        absent: Whether the user was left without a connection before.
        late: Whether what is looked into should have been long ago.
        died: Whether the function was stopped that should have noted that the user's
            connection was gone.
        swapped: Whether who goes says so before it is true.
        fault: What is wrong with each request.
    """

    def __init__(
        self,
        *acts: str,
        present: Sequence[str] = (),
        absent: bool = False,
        late: bool = False,
        died: bool = False,
        swapped: bool = False,
        fault: Fault = no_fault,
    ) -> None:
        self.acts = acts
        self.present = present
        self.absent = absent
        self.late = late
        self.died = died
        self.swapped = swapped
        self.fault = fault

    def __call__(self) -> tuple[Endpoint, Sequence[Caller]]:
        self.clock = Clock()
        self.table = SmallTable(self.clock)
        self.queue = Queue()
        self.seen: set[str] = set()
        self.told: list[str] = []
        endpoint = Endpoint(self.table, no_fault)
        for connection_id in self.present:
            self.come(connection_id, endpoint)
        if self.absent:
            self.come("old=", endpoint)
            self.go("old=", endpoint)
        if self.died:
            self.come("old=", endpoint)
            self.store(endpoint).end_subscription("old=", TOPIC, command=9)
        assert self.told == ["join"] * bool(self.present or self.absent or self.died)
        self.clock.advance(600 if self.died or self.late else 60)
        callers = [partial(self._act, *act.split()) for act in self.acts]
        return Endpoint(self.table, self.fault), callers

    def store(self, client: Any) -> DynamoDBMemberStore:
        return DynamoDBMemberStore("t", client=client, now=self.clock)

    def stays(self, client: Any) -> Stays:
        return Stays(self.store(client), lambda: self.queue, lambda _: 10)

    def _act(self, act: str, *values: Any) -> None:
        acts: dict[str, Callable[..., None]] = {
            "come": self.come,
            "go": self.go,
            "look": self.look,
        }
        acts[act](*values)

    def come(self, connection_id: str, client: Any) -> None:
        store, who = self.store(client), session(connection_id)
        store.begin_session(who)
        began = store.begin_subscription(
            who, TOPIC, command=3, called_at=NOW + 90, has_presence=True
        )
        assert began.has_joined
        self.push(client, self.stays(client).join(TOPIC, _present(who), 10))

    def go(self, connection_id: str, client: Any) -> None:
        who = _present(session(connection_id))
        if self.swapped:
            self.push(client, self.stays(client).leave(TOPIC, [who], 10))
        left = self.store(client).end_subscription(connection_id, TOPIC, command=9)
        assert left == who
        if not self.swapped:
            self.push(client, self.stays(client).leave(TOPIC, [who], 10))

    def look(self, client: Any) -> None:
        # The queue may bring a message to two at the same time.
        bodies: set[str] = set()
        client.post(send=lambda: bodies.update(set(self.queue.bodies) - self.seen))
        for body in bodies:
            self.push(client, self.stays(client).end(read_absence(body)))
            self.seen.add(body)

    def push(self, client: Any, pushes: Iterator[Push]) -> None:
        for push in pushes:
            client.post(send=partial(self.told.append, push.kind))

    def wrongs(self) -> list[str]:
        """Return what the others were told wrongly once the queue is empty."""
        endpoint = Endpoint(self.table, no_fault)
        before = list(self.told)
        self.look(endpoint)
        store = self.store(endpoint)
        there = [each.connection_id for each in store.members(TOPIC)]
        must_be = "join" if there else "leave"
        wrong = []
        if self.told[-1:] != [must_be]:
            wrong.append(f"told {before}, {self.told}, and {there} are there")
        if len(store.presence(TOPIC)) != len(there):
            wrong.append(f"{store.presence(TOPIC)} are shown, and {there} are there")
        if self.told.count("leave") > 1 + self.acts.count("look"):
            wrong.append(f"left too often: {self.told}")
        if self.died and self.told.count("join") < 2:
            wrong.append(f"whoever came last does not know it: {self.told}")
        return wrong


def _present(who: Session) -> Presence:
    return Presence(connection_id=who.connection_id, user=who.user, info=who.info)


PAIRS: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("go a=", "go b="), {"present": ("a=", "b=")}),
    (("look", "look"), {"absent": True}),
    (("go a=", "look"), {"present": ("a=",)}),
    (("go a=", "look"), {"present": ("a=", "b=")}),
]
WITH_A_JOIN: list[tuple[tuple[str, ...], dict[str, Any]]] = [
    (("come a=", "look"), {"absent": True}),
    (("come a=", "go b="), {"present": ("b=",)}),
    (("come a=", "come b="), {}),
    (("come a=", "come b="), {"died": True}),
    (("come a=", "look"), {"absent": True, "late": True}),
    (("come a=", "come b=", "look"), {"absent": True, "late": True}),
    (("come a=", "come b=", "look"), {"absent": True}),
    (("come a=", "look", "look"), {"absent": True}),
    (("go a=", "go b=", "look"), {"present": ("a=", "b=")}),
    (("come c=", "go a=", "go b="), {"present": ("a=", "b=")}),
    (("come c=", "go a=", "look"), {"present": ("a=",)}),
]


@pytest.mark.parametrize(("acts", "options"), PAIRS, ids=repr)
def test_in_every_order_the_others_know_who_is_there(
    acts: tuple[str, ...], options: dict[str, Any]
) -> None:
    assert list(find_wrongs(World(*acts, **options))) == []


@pytest.mark.parametrize(("acts", "options"), WITH_A_JOIN, ids=repr)
def test_in_many_orders_the_others_know_who_is_there(
    acts: tuple[str, ...], options: dict[str, Any]
) -> None:
    assert list(find_wrongs(World(*acts, **options), 50)) == []


@pytest.mark.slow
@pytest.mark.parametrize(("acts", "options"), WITH_A_JOIN[:2], ids=repr)
def test_in_every_order_of_a_join_too(
    acts: tuple[str, ...], options: dict[str, Any]
) -> None:
    assert list(find_wrongs(World(*acts, **options))) == []


@pytest.mark.slow
@pytest.mark.parametrize(("acts", "options"), WITH_A_JOIN, ids=repr)
def test_in_more_orders_the_others_know_who_is_there(
    acts: tuple[str, ...], options: dict[str, Any]
) -> None:
    assert list(find_wrongs(World(*acts, **options), 400)) == []


def end_anyway(operation: str, request: Request) -> Request:
    if operation == "delete_item" and request["Key"]["sk"]["S"].startswith("U#"):
        for name in ("ConditionExpression", "ExpressionAttributeValues"):
            request.pop(name, None)
    return request


def see_nobody(operation: str, request: Request) -> Request:
    if operation == "query":
        # Only stays are seen, and nobody who is present.
        request["KeyConditionExpression"] += " AND sk BETWEEN :from AND :until"
        between = {":from": {"S": "U#"}, ":until": {"S": "U$"}}
        request["ExpressionAttributeValues"] |= between
    return request


@pytest.mark.parametrize(
    "change", [{"fault": end_anyway}, {"fault": see_nobody}, {"swapped": True}]
)
def test_the_same_runs_find_a_fault(change: dict[str, Any]) -> None:
    scenes = [*PAIRS, *WITH_A_JOIN]
    worlds = (World(*acts, **options, **change) for acts, options in scenes)

    assert any(list(find_wrongs(world, 40)) for world in worlds)


def test_a_user_who_is_back_in_time_neither_leaves_nor_joins() -> None:
    world = World(present=("a=",))
    endpoint, _ = world()

    world.go("a=", endpoint)
    world.come("b=", endpoint)
    world.look(endpoint)

    assert world.told == ["join"]
    assert read_absence(world.queue.bodies[0]) == Absence(TOPIC, "ann", 2)

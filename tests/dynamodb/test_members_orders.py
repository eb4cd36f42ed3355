"""Commands of one client that are handled at the same time, in every order.

The steps are the requests of the real store to DynamoDB. What is left at the end is
either a subscription on every side or nothing, the last command has won, and others
were told of joins and leaves that fit. With one fault in a request the same runs find
something wrong, so they would notice.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest

from tests.contracts.members import session
from tests.support.interleaving import Caller, every_order, find_wrongs
from tests.support.request_faults import Fault, Request, no_fault
from tests.support.servers.small_table import SmallTable
from tests.support.virtual_time import NOW, Clock
from wspubsub.dynamodb import DynamoDBMemberStore
from wspubsub.topics import shard_of

ID = next(f"c{n}=" for n in range(99) if shard_of(f"c{n}=", 2) != shard_of(f"c{n}=", 3))
ANN = session(ID)
TOPIC = "news"

ANSWER = "ANSWER"
"""In a request: it does not reach the table, and this is what comes back."""
NEW_PLAN = {"shards": 3, "previous_shards": 2}


class Faulty:
    """A client that changes what is asked, or answers that there is nothing."""

    def __init__(self, client: Any, fault: Fault) -> None:
        self._client = client
        self._fault = fault

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            changed = self._fault(operation, dict(request))
            if ANSWER in changed:
                return changed[ANSWER]
            return getattr(self._client, operation)(**changed)

        return call


class World:
    """One run: a connection, and what is done about it at the same time.

    Attributes:
        last: The last command, of those that end or begin a subscription.
        told: What the others in the topic were told.
    """

    def __init__(
        self,
        *acts: str,
        plan: dict[str, int] | None = None,
        subscribed: bool = False,
        fault: Fault = no_fault,
    ) -> None:
        self.acts = acts
        self.plan = plan or {}
        self.subscribed = subscribed
        self.fault = fault
        self.clock = Clock()
        self.table = SmallTable(self.clock)
        self.told: list[str] = []
        self.answers: dict[str, str] = {}

    def __call__(self) -> tuple[Any, Sequence[Caller]]:
        self.clock = Clock()
        self.table = SmallTable(self.clock)
        self.told, self.answers = [], {}
        store = self.store(self.table, {"shards": self.plan.get("previous_shards", 1)})
        store.begin_session(ANN)
        if self.subscribed:
            self.subscribe(store, 1)
        self.clock.advance(60)
        callers = [partial(self._act, act) for act in self.acts]
        return Faulty(self.table, self.fault), callers

    def store(self, client: Any, plan: dict[str, int]) -> DynamoDBMemberStore:
        return DynamoDBMemberStore(
            "t",
            client=client,
            now=self.clock,
            shards=plan.get("shards", 1),
            previous_shards=plan.get("previous_shards"),
        )

    def _act(self, act: str, client: Any) -> None:
        name, _, number = act.partition(" ")
        store = self.store(client, self.plan)
        if name == "subscribe":
            self.answers[act] = self.subscribe(store, int(number))
        elif name == "unsubscribe":
            command = None if number == "server" else int(number)
            left = store.end_subscription(ID, TOPIC, command=command)
            self.told += ["leave"] * (left is not None)
        else:
            ended = (
                store.end_session(ID)
                if name == "disconnect"
                else store.end_sessions([ID], topic=TOPIC)
            )
            self.told += ["leave"] * len(ended.presences.get(ID, {}))

    def subscribe(self, store: DynamoDBMemberStore, command: int) -> str:
        """Do what handling a frame with a subscribe does, and return the answer."""
        began = store.begin_subscription(
            ANN, TOPIC, command=command, called_at=NOW + 30, has_presence=True
        )
        if began.left is not None:
            self.told.append("leave")
        if store.is_gone(ID):
            left = store.undo_subscription(ID, TOPIC, began.number)
            self.told += ["leave"] * (left is not None)
            return "gone"
        if began.has_joined:
            self.told.append("join")
        return "again" if began.is_refused else "ok"

    def wrongs(self) -> list[str]:
        """Return everything that is not as it must be."""
        sides = self.sides()
        wrong = []
        if len(set(sides.values())) > 1:
            wrong.append(f"half a subscription: {sides}")
        if sides["connection"] != self.must_be_subscribed():
            wrong.append(f"the last command has not won: {self.acts}, {sides}")
        joined, left = self.told.count("join"), self.told.count("leave")
        if sides["presence"] and not 1 <= joined <= left + 1:
            wrong.append(f"somebody is present, and the others heard {self.told}")
        if not sides["presence"] and joined > left:
            wrong.append(f"nobody is present, and the others heard {self.told}")
        # One that nobody was told of may be told to have left.
        begun = self.subscribed + sum(act.startswith("subscribe") for act in self.acts)
        if max(joined, left) > begun:
            wrong.append(f"told more than once: {self.told}")
        return wrong

    def sides(self) -> dict[str, bool]:
        store = self.store(self.table, self.plan)
        found = {
            "connection": TOPIC in store.read_session(ID).subscriptions,
            "topic": len(list(store.members(TOPIC))) == 1,
            "presence": len(store.presence(TOPIC)) == 1,
        }
        keys = self.table.keys()
        raw = [pk for pk, sk in keys if sk == ID and pk.startswith("T#")]
        assert len(raw) == found["topic"], raw
        return found

    def must_be_subscribed(self) -> bool:
        if any(act in self.acts for act in ("disconnect", "prune")):
            return False
        if "unsubscribe server" in self.acts:
            # Whose rule was called before that must ask again.
            return False
        numbered = [act.split() for act in self.acts]
        last, _ = max(numbered, key=lambda act: int(act[1]))
        return last == "subscribe"


PAIRS = [
    ("subscribe 5", "unsubscribe 6"),
    ("subscribe 5", "unsubscribe 4"),
    ("subscribe 5", "subscribe 6"),
    ("subscribe 5", "unsubscribe server"),
    ("unsubscribe 5", "unsubscribe 6"),
    ("unsubscribe 5", "unsubscribe server"),
    ("unsubscribe 5", "disconnect"),
    ("unsubscribe 5", "prune"),
]
ENDS = [("subscribe 5", "disconnect"), ("subscribe 5", "prune")]
"""Thousands of orders."""


@pytest.mark.parametrize("subscribed", [False, True])
@pytest.mark.parametrize("acts", PAIRS)
def test_two_at_the_same_time(acts: tuple[str, str], *, subscribed: bool) -> None:
    assert list(find_wrongs(World(*acts, subscribed=subscribed))) == []


@pytest.mark.slow
@pytest.mark.parametrize("subscribed", [False, True])
@pytest.mark.parametrize("acts", ENDS)
def test_a_subscribe_while_the_connection_ends(
    acts: tuple[str, str], *, subscribed: bool
) -> None:
    assert list(find_wrongs(World(*acts, subscribed=subscribed))) == []


@pytest.mark.parametrize("acts", [*PAIRS, *ENDS])
def test_two_while_the_number_of_shards_changes(acts: tuple[str, str]) -> None:
    world = World(*acts, plan=NEW_PLAN, subscribed=True)

    assert list(find_wrongs(world, 100)) == []


@pytest.mark.parametrize("subscribed", [False, True])
@pytest.mark.parametrize(
    "acts",
    [
        ("subscribe 5", "unsubscribe 6", "subscribe 7"),
        ("unsubscribe 5", "subscribe 6", "unsubscribe 7"),
        ("subscribe 5", "unsubscribe 6", "unsubscribe server"),
        ("subscribe 5", "unsubscribe 6", "disconnect"),
        ("subscribe 5", "subscribe 6", "prune"),
        ("subscribe 5", "disconnect"),
        ("subscribe 5", "prune"),
        ("subscribe 5", "disconnect", "prune"),
        ("subscribe 5", "unsubscribe 6", "subscribe 7", "unsubscribe 8"),
    ],
)
def test_several_at_the_same_time(acts: Sequence[str], *, subscribed: bool) -> None:
    assert list(find_wrongs(World(*acts, subscribed=subscribed), 200)) == []


def without_condition(operation: str, partition: str) -> Fault:
    """Return a fault that makes a write to some partitions unconditional."""

    def fault(name: str, request: Request) -> Request:
        key = request.get("Item") or request.get("Key")
        if name == operation and key and key["pk"]["S"].startswith(partition):
            request.pop("ConditionExpression", None)
        return request

    return fault


def never_looking_back(name: str, request: Request) -> Request:
    if name == "get_item" and request["Key"]["sk"]["S"].startswith("T#"):
        found = {"n": {"N": "0"}, "expires_at": {"N": "9999999999"}}
        return {ANSWER: {"Item": found}}
    return request


def never_gone(name: str, request: Request) -> Request:
    if name == "update_item" and request["Key"]["sk"]["S"] == "#":
        return {ANSWER: {}}
    return request


def stale_items(name: str, request: Request) -> Request:
    if name == "query":
        request.pop("ConsistentRead", None)
    return request


@pytest.mark.slow
@pytest.mark.parametrize(
    ("acts", "fault"),
    [
        (("subscribe 5", "unsubscribe 6"), without_condition("update_item", "C#")),
        (("unsubscribe 5", "subscribe 6"), without_condition("delete_item", "T#")),
        (("unsubscribe 5", "subscribe 6"), without_condition("delete_item", "P#")),
        (
            ("subscribe 5", "unsubscribe 6", "subscribe 7"),
            without_condition("put_item", "T#"),
        ),
        (("subscribe 5", "unsubscribe 6"), never_looking_back),
        (("subscribe 5", "disconnect"), never_gone),
        (("subscribe 5", "prune"), stale_items),
    ],
)
def test_the_same_runs_find_a_fault(acts: Sequence[str], fault: Fault) -> None:
    wrongs = [
        list(find_wrongs(World(*acts, subscribed=subscribed, fault=fault), 300))
        for subscribed in (False, True)
    ]
    assert any(wrongs)


class Sessions:
    """Sessions that are begun, and one that is ended, at the same time."""

    def __init__(self, *acts: str) -> None:
        self.acts = acts
        self.clock = Clock()
        self.table = SmallTable(self.clock)
        self.begun: list[str] = []
        self.ended: list[str] = []

    def __call__(self) -> tuple[SmallTable, Sequence[Caller]]:
        self.table = SmallTable(self.clock)
        self.begun, self.ended = [], []
        return self.table, [partial(self._act, act) for act in self.acts]

    def store(self, client: Any) -> DynamoDBMemberStore:
        return DynamoDBMemberStore("t", client=client, now=self.clock)

    def _act(self, act: str, client: Any) -> None:
        if act == "end":
            ended = self.store(client).end_session(ID)
            self.ended += [each.user for each in ended.sessions.values()]
        elif self.store(client).begin_session(session(ID, act)):
            self.begun.append(act)


@pytest.mark.parametrize("users", [("ann", "bob"), ("ann", "ann"), ("ann", "")])
def test_one_of_two_connects_wins_and_the_other_leaves_nothing(
    users: tuple[str, str],
) -> None:
    sessions = Sessions(*users)

    for order in every_order(sessions):
        store = sessions.store(sessions.table)
        found = store.read_session(ID).session
        assert found is not None
        assert sessions.begun == [found.user], order
        for user in ("ann", "bob"):
            expected = (ID,) if found.user == user else ()
            assert store.connections_of(user) == expected, order


def test_a_connect_while_the_connection_ends_leaves_no_user() -> None:
    sessions = Sessions("ann", "end")

    for order in every_order(sessions):
        store = sessions.store(sessions.table)
        assert store.is_gone(ID), order
        assert store.connections_of("ann") == (), order
        assert store.read_session(ID).session is None, order
        # Whoever ends it says so, once.
        assert sessions.ended == sessions.begun, order


def test_of_two_that_end_a_session_one_says_so() -> None:
    sessions = Sessions("end", "end", "ann")

    for order in every_order(sessions):
        assert sessions.ended == sessions.begun, order

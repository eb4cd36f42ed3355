"""What the tests of the contract of `MemberStore` have in common."""

from collections.abc import Callable
from typing import Any

from wspubsub import Connection
from wspubsub.subscriptions.members import MemberStore
from wspubsub.subscriptions.sessions import Began, Session

MakeMembers = Callable[..., MemberStore]


def session(connection_id: str = "a=", user: str = "ann", **values: Any) -> Session:
    connection = Connection(id=connection_id, connected_at=1_800_000_000.25)
    return Session(connection=connection, user=user, **values)


def open_session(
    members: MemberStore, connection_id: str = "a=", user: str = "ann", **values: Any
) -> Session:
    opened = session(connection_id, user, **values)
    assert members.begin_session(opened)
    return opened


def begin(
    members: MemberStore,
    session: Session,
    command: Any,
    *,
    topic: str = "news",
    called_at: float = 2_000_000_000.0,
    **options: Any,
) -> Began:
    return members.begin_subscription(
        session, topic, command=command, called_at=called_at, **options
    )

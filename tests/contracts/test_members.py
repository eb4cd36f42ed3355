"""The contract of `MemberStore`: sessions, and what a subscription holds."""

from typing import Any, cast

import pytest

from tests.contracts.members import MakeMembers, begin, open_session, session
from tests.support.virtual_time import Clock
from wspubsub import Connection, MessageError, TopicError, UsageError
from wspubsub.subscriptions.members import MemberStore
from wspubsub.subscriptions.port import ReadyStore
from wspubsub.subscriptions.sessions import (
    Member,
    Presence,
    Session,
    SessionState,
    Subscription,
)

TTL = 2 * 3600 + 600


def test_a_session_is_read_as_it_was_begun(members: MemberStore) -> None:
    begun = Session(
        connection=Connection(
            id="a=",
            connected_at=1_731_324_924.553,
            principal="p",
            attributes={"cookie": "x=1"},
            api="abcdef1234/prod",
        ),
        user="ann ü",
        info='{"name":"Ann"}',
        expires_at=1_800_000_100.5,
    )

    assert members.begin_session(begun)

    assert members.read_session("a=") == SessionState(
        connection=begun.connection, session=begun
    )
    assert members.connection("a=") == begun.connection
    assert not members.is_gone("a=")

    assert cast("ReadyStore", members).mark_ready("a=")
    assert members.read_session("a=").session == begun


def test_an_anonymous_session_is_of_no_user(members: MemberStore) -> None:
    assert members.begin_session(session(user=""))

    assert members.read_session("a=").session == session(user="")
    assert members.connections_of("") == ()


def test_nothing_is_known_of_a_connection_without_a_session(
    members: MemberStore,
) -> None:
    assert members.read_session("a=") == SessionState()
    assert members.is_gone("a=")
    assert not members.renew_session(session(expires_at=5.0))
    assert members.read_session("a=") == SessionState()


def test_what_was_kept_of_the_handshake_is_there_before_the_session(
    members: MemberStore,
) -> None:
    connection = Connection(id="a=", connected_at=1.0, attributes={"cookie": "x"})

    members.connect(connection)

    assert members.read_session("a=") == SessionState(connection=connection)
    assert members.is_gone("a=")
    assert members.begin_session(Session(connection=connection, user="ann"))
    assert not members.is_gone("a=")


@pytest.mark.parametrize("user", ["ann", "bob"])
def test_a_connection_has_one_session(members: MemberStore, user: str) -> None:
    assert members.begin_session(session())

    assert not members.begin_session(session(user=user))

    assert members.read_session("a=").session == session()
    assert members.connections_of("ann") == ("a=",)
    assert members.connections_of("bob") == ()


def test_a_user_has_connections(members: MemberStore, clock: Clock) -> None:
    for connection_id, user in [("a=", "ann"), ("b=", "ann"), ("c=", "bob")]:
        assert members.begin_session(session(connection_id, user))

    assert set(members.connections_of("ann")) == {"a=", "b="}
    members.end_session("a=")
    assert members.connections_of("ann") == ("b=",)
    clock.advance(TTL)
    assert members.connections_of("ann") == ()


def test_a_connection_that_ended_is_gone_for_two_minutes(
    members: MemberStore, clock: Clock
) -> None:
    members.begin_session(session())

    members.end_session("a=")

    assert members.is_gone("a=")
    assert members.read_session("a=") == SessionState(is_gone=True)
    assert members.connection("a=") is None
    clock.advance(119)
    assert not members.begin_session(session())
    assert members.connections_of("ann") == ()
    clock.advance(1)
    assert members.read_session("a=") == SessionState()
    assert members.begin_session(session())


def test_a_session_that_never_began_is_gone_too(members: MemberStore) -> None:
    members.end_session("a=")

    assert not members.begin_session(session())
    assert members.connections_of("ann") == ()


def test_an_expired_session_counts_as_absent(
    members: MemberStore, clock: Clock
) -> None:
    members.begin_session(session())
    clock.advance(TTL)

    assert members.read_session("a=") == SessionState()
    assert members.is_gone("a=")
    assert not members.renew_session(session())
    assert members.begin_session(session(user="bob"))


@pytest.mark.parametrize(
    "change",
    [
        {"user": 5},
        {"user": "\ud800"},
        {"user": "x" * 257},
        {"info": {"name": "Ann"}},
        {"expires_at": "soon"},
        {"expires_at": float("nan")},
    ],
)
def test_a_session_that_cannot_be_kept_is_refused(
    members: MemberStore, change: dict[str, Any]
) -> None:
    with pytest.raises(UsageError):
        members.begin_session(session().__replace__(**change))

    assert members.read_session("a=") == SessionState()


def test_a_subscription_is_seen_from_every_side(members: MemberStore) -> None:
    ann = open_session(members)

    began = begin(members, ann, 3, until=1_800_000_050.0, has_presence=True)

    assert (began.is_current, began.is_refused) == (True, False)
    assert began.lost is None
    assert members.read_session("a=").subscriptions == {
        "news": Subscription(command=3, until=1_800_000_050.0, has_presence=True)
    }
    assert members.topics("a=") == {"news"}
    assert list(members.subscribers("news")) == ["a="]
    assert list(members.members("news")) == [Member("a=", 1_800_000_050.0)]
    assert list(members.members("news", consistent=False, timeout_seconds=60)) == (
        list(members.members("news"))
    )


def test_a_server_side_subscription_says_so(members: MemberStore) -> None:
    ann = open_session(members)

    began = begin(members, ann, None, is_server_side=True)

    assert began.is_current
    assert members.read_session("a=").subscriptions == {
        "news": Subscription(command=0, is_server_side=True)
    }
    assert list(members.members("news")) == [Member("a=", is_server_side=True)]


def test_a_client_can_take_over_what_the_server_began(members: MemberStore) -> None:
    ann = open_session(members)
    begin(members, ann, None, is_server_side=True, until=5.0)

    assert begin(members, ann, 2).is_current

    assert list(members.members("news")) == [Member("a=")]
    assert members.read_session("a=").subscriptions == {"news": Subscription(command=2)}


@pytest.mark.parametrize(
    ("expires_at", "until", "first"),
    [(None, None, None), (9.5, None, 9.5), (None, 7.0, 7.0), (9.5, 7.0, 7.0)],
)
def test_publishers_see_which_token_expires_first(
    members: MemberStore,
    expires_at: float | None,
    until: float | None,
    first: float | None,
) -> None:
    ann = open_session(members, expires_at=expires_at)

    begin(members, ann, 2, until=until)

    assert list(members.members("news")) == [Member("a=", first)]


def test_a_refresh_is_seen_by_publishers(members: MemberStore) -> None:
    ann = open_session(members, expires_at=10.0)
    begin(members, ann, 2)
    begin(members, ann, 3, topic="sport", until=20.0)

    assert members.renew_session(ann.__replace__(expires_at=30.0))

    state = members.read_session("a=")
    assert state.session == ann.__replace__(expires_at=30.0)
    assert state.subscriptions["sport"].until == 20.0
    assert list(members.members("news")) == [Member("a=", 30.0)]
    assert list(members.members("sport")) == [Member("a=", 20.0)]

    assert members.renew_session(ann.__replace__(expires_at=None))

    assert members.read_session("a=").session == ann.__replace__(expires_at=None)
    assert list(members.members("news")) == [Member("a=")]
    assert list(members.members("sport")) == [Member("a=", 20.0)]


def test_what_is_said_of_a_connection_is_read_back(members: MemberStore) -> None:
    ann = open_session(members, info='{"n":1}', expires_at=9_000_000_000.0)
    bob = open_session(members, "b=", "bob")

    assert members.read_session("a=").session == ann
    assert members.read_session("b=").session == bob
    assert (ann.info, bob.info) == ('{"n":1}', None)


def test_what_is_said_of_a_connection_changes_with_its_token(
    members: MemberStore,
) -> None:
    ann = open_session(members, info='{"n":1}')
    begin(members, ann, 2, has_presence=True, info='{"t":1}')
    begin(members, ann, 3, topic="sport", info='{"t":2}')
    begin(members, open_session(members, "b=", "bob"), 2, has_presence=True)

    assert members.renew_session(ann.__replace__(user="eve", info='{"n":2}'))

    state = members.read_session("a=")
    assert state.session == ann.__replace__(info='{"n":2}')
    assert [each.info for each in state.subscriptions.values()] == [
        '{"t":1}',
        '{"t":2}',
    ]
    shown = Presence(
        connection_id="a=", user="ann", info='{"n":2}', topic_info='{"t":1}'
    )
    assert shown in members.presence("news")
    assert members.presence("sport") == ()

    assert members.renew_session(ann.__replace__(info=None))

    assert members.read_session("a=").session == ann.__replace__(info=None)
    assert shown.__replace__(info=None) in members.presence("news")
    left = members.end_subscription("a=", "news", command=9)
    assert left == shown.__replace__(info=None)
    bob = Presence(connection_id="b=", user="bob")
    assert members.presence("news") == (bob,)


def test_what_is_said_of_a_connection_in_a_topic_changes_with_its_token(
    members: MemberStore,
) -> None:
    ann = open_session(members, info='{"n":1}')
    begin(members, ann, 2, has_presence=True)
    begin(members, ann, 3, topic="sport")
    shown = Presence(connection_id="a=", user="ann", info='{"n":1}')
    assert members.presence("news") == (shown,)

    for info in ('{"t":1}', '{"t":2}', None):
        for topic in ("news", "sport"):
            assert members.renew_subscription(ann, topic, None, info=info)
        assert members.presence("news") == (shown.__replace__(topic_info=info),)
        state = members.read_session("a=").subscriptions
        assert [state[topic].info for topic in ("news", "sport")] == [info] * 2
    assert members.presence("sport") == ()

    begin(members, ann, 5, has_presence=True, info='{"t":3}')
    assert members.presence("news") == (shown.__replace__(topic_info='{"t":3}'),)
    begin(members, ann, 6, has_presence=True)
    assert members.presence("news") == (shown,)
    assert members.read_session("a=").subscriptions["news"].info is None


def test_what_was_said_does_not_outlast_a_subscription(members: MemberStore) -> None:
    ann = open_session(members)
    begin(members, ann, 2, has_presence=True, info='{"t":1}')
    members.end_subscription("a=", "news", command=3)

    assert not members.renew_subscription(ann, "news", None, info='{"t":2}')
    assert members.renew_session(ann.__replace__(info='{"n":2}'))

    assert members.presence("news") == ()
    begin(members, ann, 4)
    assert members.read_session("a=").subscriptions["news"].info is None


def test_a_refresh_brings_no_subscription_back(members: MemberStore) -> None:
    ann = open_session(members)
    begin(members, ann, 2)
    members.end_subscription("a=", "news", command=3)

    members.renew_session(ann.__replace__(expires_at=30.0))
    assert not members.renew_subscription(ann, "news", 20.0)

    assert members.topics("a=") == frozenset()
    assert list(members.members("news")) == []


def test_a_subscription_can_be_refreshed(members: MemberStore) -> None:
    ann = open_session(members, expires_at=40.0)
    begin(members, ann, 2, until=10.0)

    assert members.renew_subscription(ann, "news", 20.0)
    assert list(members.members("news")) == [Member("a=", 20.0)]
    assert members.read_session("a=").subscriptions["news"].until == 20.0

    assert members.renew_subscription(ann, "news", None)
    assert list(members.members("news")) == [Member("a=", 40.0)]
    assert members.read_session("a=").subscriptions["news"].until is None


def test_everyone_in_a_topic_is_seen_once(make_members: MakeMembers) -> None:
    members = make_members(shards=3)
    for number in range(40):
        ann = open_session(members, f"c{number}")
        begin(members, ann, 1, has_presence=True)

    ids = sorted(f"c{number}" for number in range(40))
    assert sorted(each.connection_id for each in members.members("news")) == ids
    assert sorted(each.connection_id for each in members.presence("news")) == ids


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, 8), (8, 1), pytest.param(3, 5, marks=pytest.mark.slow)],
)
def test_a_changed_number_of_shards_doubles_nobody(
    make_members: MakeMembers, before: int, after: int
) -> None:
    old = make_members(shards=before)
    sessions = {f"c{number}": open_session(old, f"c{number}") for number in range(12)}
    for each in sessions.values():
        begin(old, each, 1, has_presence=True)
        old.mark_lost("news", each.connection_id, 4)
    new = make_members(shards=after, previous_shards=before)

    again = [begin(new, sessions[f"c{n}"], 2, has_presence=True) for n in range(6)]
    assert [each.lost for each in again] == [4] * 6
    assert [each.has_joined for each in again] == [False] * 6
    assert new.mark_lost("news", "c0", 9)
    assert new.mark_lost("news", "c7", 3)
    left = new.end_subscription("c6", "news", command=2)
    assert left == Presence(connection_id="c6", user="ann")
    ended = new.end_session("c8")

    assert ended.left == {"c8": {"news"}}
    ids = sorted(sessions.keys() - {"c6", "c8"})
    assert sorted(each.connection_id for each in new.members("news")) == ids
    assert sorted(each.connection_id for each in new.presence("news")) == ids
    lost = {each.connection_id: each.lost for each in new.members("news")}
    assert lost == dict.fromkeys(ids, 4) | dict.fromkeys(
        ["c1", "c2", "c3", "c4", "c5"]
    ) | {"c0": 9, "c7": 3}


def test_an_illegal_argument_is_refused_before_anything_is_written(
    members: MemberStore,
) -> None:
    ann = open_session(members)
    for topic in ("", "a\nb", "x" * 257):
        with pytest.raises(TopicError):
            begin(members, ann, 1, topic=topic)
        with pytest.raises(TopicError):
            members.end_subscription("a=", topic, command=1)
        with pytest.raises(TopicError):
            members.members(topic)
        with pytest.raises(TopicError):
            members.presence(topic)
        with pytest.raises(TopicError):
            members.end_sessions(["a="], topic=topic)
    for command in (-1, 2**32, True, 1.5):
        with pytest.raises(UsageError, match="command"):
            begin(members, ann, command)
        with pytest.raises(UsageError, match="command"):
            members.end_subscription("a=", "news", command=command)  # type: ignore[arg-type] # that is the test
    for offset in (-1, 2**64, 1.5):
        with pytest.raises(UsageError, match="offset"):
            members.mark_lost("news", "a=", offset)  # type: ignore[arg-type] # as above
    with pytest.raises(UsageError, match="until"):
        begin(members, ann, 1, until="soon")
    with pytest.raises(MessageError):
        members.read_session("..")

    assert members.read_session("a=") == SessionState(
        connection=ann.connection, session=ann
    )


def test_only_members_show_whose_token_has_expired(
    members: MemberStore, clock: Clock
) -> None:
    ann = open_session(members, expires_at=clock() + 60)
    begin(members, ann, 2)
    clock.advance(60 + 24.5)
    assert list(members.subscribers("news")) == ["a="]
    clock.advance(1)

    assert list(members.subscribers("news")) == []
    (whole,) = members.whole("news")
    assert list(members.segment("news", whole)) == []
    assert list(members.segments("news", 5, [whole])) == []
    assert [each.connection_id for each in members.members("news")] == ["a="]
    assert members.topics("a=") == {"news"}


def test_what_expired_is_not_kept_for_ever(members: MemberStore, clock: Clock) -> None:
    for number in range(3):
        ann = open_session(members, f"c{number}")
        begin(members, ann, 2, has_presence=True)
        begin(members, ann, 3, topic="sport")
        members.end_subscription(f"c{number}", "sport", command=4)
    members.end_session("c0")
    clock.advance(TTL / 2)
    begin(members, open_session(members, "d="), 2, has_presence=True)
    clock.advance(TTL / 2)

    begin(members, open_session(members, "e="), 2, has_presence=True)

    assert {each.connection_id for each in members.presence("news")} == {"d=", "e="}
    assert set(members.subscribers("news")) == {"d=", "e="}
    assert set(members.connections_of("ann")) == {"d=", "e="}
    assert members.end_session("c1").left == {}

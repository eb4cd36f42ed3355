"""The contract of `MemberStore`: commands, presence, and what was lost."""

from tests.contracts.members import MakeMembers, begin, open_session, session
from tests.support.virtual_time import NOW, Clock
from wspubsub import Pruned
from wspubsub.subscriptions.members import MemberStore
from wspubsub.subscriptions.sessions import Ended, Presence, Subscription

HOUR = 3600.0
TTL = 2 * HOUR + 600
ANN = Presence(connection_id="a=", user="ann", info='{"n":1}')


def test_the_last_command_wins(members: MemberStore) -> None:
    ann = open_session(members)

    assert members.end_subscription("a=", "news", command=5) is None
    late = begin(members, ann, 4)

    assert (late.is_current, late.is_refused, late.has_joined) == (False, False, False)
    assert members.topics("a=") == frozenset()
    assert list(members.members("news")) == []

    assert begin(members, ann, 6).is_current
    assert members.end_subscription("a=", "news", command=5) is None
    assert not begin(members, ann, 5).is_current

    assert members.read_session("a=").subscriptions == {"news": Subscription(command=6)}
    assert list(members.subscribers("news")) == ["a="]


def test_a_command_that_comes_twice_does_nothing_more(members: MemberStore) -> None:
    ann = open_session(members, info='{"n":1}')

    assert begin(members, ann, 3, has_presence=True).has_joined
    again = begin(members, ann, 3, has_presence=True)
    assert again.is_current
    assert members.presence("news") == (ANN,)

    assert members.end_subscription("a=", "news", command=4) == ANN
    assert members.end_subscription("a=", "news", command=4) is None
    assert not begin(members, ann, 4).is_current
    assert list(members.members("news")) == []


def test_what_was_unsubscribed_is_remembered_for_two_minutes(
    members: MemberStore, clock: Clock
) -> None:
    ann = open_session(members)
    begin(members, ann, 3)
    members.end_subscription("a=", "news", command=5)

    clock.advance(119)
    assert not begin(members, ann, 4).is_current
    clock.advance(1)
    assert begin(members, ann, 4).is_current


def test_a_command_without_a_rule_asks_for_no_time(members: MemberStore) -> None:
    ann = open_session(members)
    members.end_subscription("a=", "news", command=None)

    assert members.begin_subscription(ann, "news", command=2).is_current


def test_commands_for_other_topics_and_connections_do_not_matter(
    members: MemberStore,
) -> None:
    ann, bob = open_session(members), open_session(members, "b=", "bob")
    members.end_subscription("a=", "news", command=9)

    assert begin(members, ann, 1, topic="sport").is_current
    assert begin(members, bob, 1).is_current


def test_a_rule_that_was_called_before_the_server_unsubscribed_is_called_again(
    members: MemberStore, clock: Clock
) -> None:
    ann = open_session(members)
    begin(members, ann, 3, called_at=NOW)
    clock.advance(10)

    members.end_subscription("a=", "news", command=None)

    assert list(members.members("news")) == []
    for called_at in (NOW, NOW + 10):
        refused = begin(members, ann, 4, called_at=called_at)
        assert (refused.is_current, refused.is_refused) == (False, True)
    assert members.topics("a=") == frozenset()
    assert begin(members, ann, 4, called_at=NOW + 10.5).is_current
    # It is not forgotten because somebody was in time.
    assert begin(members, ann, 5, called_at=NOW + 9).is_refused
    assert members.topics("a=") == {"news"}


def test_a_subscribe_that_the_server_has_ended_is_refused_if_it_comes_again(
    members: MemberStore, clock: Clock
) -> None:
    ann = open_session(members)
    begin(members, ann, 3, called_at=NOW)
    clock.advance(1)
    members.unsubscribe("a=", "news")

    assert begin(members, ann, 3, called_at=NOW).is_refused
    assert list(members.members("news")) == []


def test_the_server_may_unsubscribe_before_anybody_subscribed(
    members: MemberStore,
) -> None:
    ann = open_session(members)
    members.end_subscription("a=", "news", command=None)

    assert begin(members, ann, 1, called_at=NOW - 1).is_refused
    assert begin(members, ann, 1, called_at=NOW + 1).is_current


def test_what_the_server_does_keeps_the_client_s_number(members: MemberStore) -> None:
    ann = open_session(members)
    members.end_subscription("a=", "news", command=5)

    members.subscribe("a=", "news")
    assert members.read_session("a=").subscriptions["news"].command == 5
    assert not begin(members, ann, 4).is_current
    assert not begin(members, ann, 5).is_refused
    assert members.topics("a=") == {"news"}

    members.end_subscription("a=", "news", command=6)
    assert members.topics("a=") == frozenset()


def test_presence_is_told_once(members: MemberStore) -> None:
    ann = open_session(members, info='{"n":1}')

    assert begin(members, ann, 2, has_presence=True).has_joined
    assert not begin(members, ann, 3, has_presence=True).has_joined
    assert members.presence("news") == (ANN,)
    assert members.presence("sport") == ()

    assert members.end_subscription("a=", "news", command=4) == ANN
    assert members.end_subscription("a=", "news", command=5) is None
    assert members.presence("news") == ()
    assert begin(members, ann, 6, has_presence=True).has_joined
    assert members.end_subscription("a=", "news", command=None) == ANN


def test_without_presence_nobody_joins_or_leaves(members: MemberStore) -> None:
    ann = open_session(members)

    assert not begin(members, ann, 2).has_joined

    assert members.presence("news") == ()
    assert members.end_subscription("a=", "news", command=3) is None


def test_presence_shows_who_the_user_is_now(members: MemberStore) -> None:
    ann = open_session(members, info='{"n":1}')
    begin(members, ann, 2, has_presence=True)

    begin(members, ann.__replace__(info=None), 3, has_presence=True)

    assert members.presence("news") == (Presence(connection_id="a=", user="ann"),)


def test_what_is_expired_is_never_shown(members: MemberStore, clock: Clock) -> None:
    ann = open_session(members, info='{"n":1}')
    begin(members, ann, 2, has_presence=True)
    members.mark_lost("news", "a=", 7)
    clock.advance(TTL)

    assert members.presence("news") == ()
    assert list(members.members("news")) == []
    assert members.end_subscription("a=", "news", command=3) is None
    assert members.end_session("a=") == Ended()


def test_who_comes_back_after_everything_expired_joins_again(
    members: MemberStore, clock: Clock
) -> None:
    ann = open_session(members)
    begin(members, ann, 9, has_presence=True)
    members.mark_lost("news", "a=", 7)
    clock.advance(TTL)

    again = begin(members, ann, 2, has_presence=True)

    assert (again.is_current, again.has_joined, again.lost) == (True, True, None)
    assert members.read_session("a=").subscriptions["news"].command == 2


def test_an_undone_subscription_is_as_if_it_had_never_been(
    members: MemberStore,
) -> None:
    ann = open_session(members)
    began = begin(members, ann, 3, has_presence=True)

    assert members.undo_subscription("a=", "news", began.number) is None

    assert members.presence("news") == ()
    assert list(members.members("news")) == []
    assert members.topics("a=") == frozenset()
    assert not begin(members, ann, 2).is_current


def test_to_undo_a_second_subscribe_ends_the_presence_of_the_first(
    members: MemberStore,
) -> None:
    ann = open_session(members, info='{"n":1}')
    begin(members, ann, 3, has_presence=True)
    began = begin(members, ann, 4, has_presence=True)

    assert members.undo_subscription("a=", "news", began.number) == ANN


def test_what_a_later_command_did_is_not_undone(members: MemberStore) -> None:
    ann = open_session(members)
    began = begin(members, ann, 3, has_presence=True)
    begin(members, ann, 4, has_presence=True)

    assert members.undo_subscription("a=", "news", began.number) is None

    assert len(members.presence("news")) == 1
    assert list(members.subscribers("news")) == ["a="]


def test_a_subscription_of_a_connection_that_ended_can_be_undone(
    members: MemberStore,
) -> None:
    ann = open_session(members)
    members.end_session("a=")
    began = begin(members, ann, 3, has_presence=True)
    assert began.is_current

    assert members.is_gone("a=")
    assert members.undo_subscription("a=", "news", began.number) is None

    assert list(members.subscribers("news")) == []
    assert members.presence("news") == ()


def test_the_first_lost_message_is_marked(members: MemberStore) -> None:
    ann = open_session(members)
    begin(members, ann, 2)
    lost = []
    for offset in (7, 9, 5, 5):
        assert members.mark_lost("news", "a=", offset)
        lost += [each.lost for each in members.members("news")]
    assert lost == [7, 7, 5, 5]

    assert begin(members, ann, 3).lost == 5
    assert [each.lost for each in members.members("news")] == [None]
    assert begin(members, ann, 4).lost is None


def test_who_is_not_subscribed_cannot_be_marked(members: MemberStore) -> None:
    ann = open_session(members)
    assert not members.mark_lost("news", "a=", 3)
    begin(members, ann, 2)
    members.mark_lost("news", "a=", 3)
    members.end_subscription("a=", "news", command=3)

    assert not members.mark_lost("news", "a=", 3)

    assert list(members.members("news")) == []
    assert begin(members, ann, 4).lost is None


def test_a_session_s_end_tells_who_left_what(members: MemberStore) -> None:
    ann = open_session(members, info='{"n":1}')
    begin(members, ann, 2, has_presence=True)
    begin(members, ann, 3, topic="sport")
    begin(members, ann, 4, topic="chess", has_presence=True)
    members.end_subscription("a=", "chess", command=5)

    members.renew_session(ann.__replace__(expires_at=NOW + 60))

    ended = members.end_session("a=")

    assert ended == Ended(
        left={"a=": frozenset({"news", "sport"})},
        sessions={"a=": ann.__replace__(expires_at=NOW + 60)},
        presences={"a=": {"news": ANN}},
    )
    assert members.presence("news") == ()
    assert list(members.members("sport")) == []
    assert members.end_session("a=") == Ended()
    assert members.end_sessions(["a="], topic="news") == Ended()


def test_whoever_ends_it_a_presence_s_end_is_told_once(
    members: MemberStore, clock: Clock
) -> None:
    ann, bob = open_session(members, info='{"n":1}'), open_session(members, "b=", "bob")
    for each in (ann, bob):
        begin(members, each, 2, has_presence=True)
    members.end_subscription("b=", "news", command=3)
    clock.advance(60)

    ended = members.end_sessions(["a=", "b=", "a="], topic="news", timeout_seconds=60)

    assert ended == Ended(
        left={"a=": frozenset({"news"})},
        sessions={"a=": ann, "b=": bob},
        presences={"a=": {"news": ANN}},
    )
    assert members.end_session("a=") == Ended()
    assert members.is_gone("b=")


def test_only_what_was_a_session_ends_as_one(
    members: MemberStore, clock: Clock
) -> None:
    ann, bob = open_session(members), open_session(members, "b=", user="")
    members.connect(session("c=").connection)
    open_session(members, "d=")
    assert members.end_session("d=").sessions.keys() == {"d="}
    assert not members.begin_session(session("d="))
    clock.advance(60)

    ended = members.end_sessions(["a=", "b=", "c=", "d=", "e="])

    assert ended.sessions == {"a=": ann, "b=": bob}
    open_session(members, "f=")
    clock.advance(TTL)
    assert members.end_session("f=") == Ended()


def test_young_connections_are_left_alone(members: MemberStore, clock: Clock) -> None:
    ann = open_session(members)
    begin(members, ann, 2, has_presence=True)
    clock.advance(59)

    assert members.end_sessions(["a="]) == Ended(young=frozenset({"a="}))
    assert not members.is_gone("a=")
    clock.advance(1)
    assert members.end_sessions(["a="]).left == {"a=": {"news"}}
    assert members.is_gone("a=")


def test_a_pruned_connection_is_gone_for_two_minutes(
    members: MemberStore, clock: Clock
) -> None:
    open_session(members)
    clock.advance(HOUR)

    assert members.prune(["a="]) == Pruned()

    assert members.read_session("a=").is_gone
    clock.advance(120)
    assert not members.read_session("a=").is_gone


def test_connections_of_other_apis_are_left_alone(
    make_members: MakeMembers, clock: Clock
) -> None:
    members = make_members(api="abcdef1234/dev")
    ann = open_session(members)
    foreign = ann.connection.__replace__(id="b=", api="abcdef1234/prod")
    bob = ann.__replace__(connection=foreign)
    members.begin_session(bob)
    for each in (ann, bob):
        begin(members, each, 2)
    clock.advance(HOUR)

    assert members.end_sessions(["a=", "b="], topic="news").left == {"a=": {"news"}}
    assert list(members.subscribers("news")) == ["b="]

"""The contract of `MemberStore.stays`: users who may be back before they have left."""

from tests.contracts.members import begin as subscribe, open_session, session
from tests.support.virtual_time import Clock
from wspubsub.subscriptions.members import MemberStore
from wspubsub.subscriptions.sessions import Presence

TTL = 2 * 3600 + 600
GRACE = 10
AWAITED = GRACE + 60
"""How long a user without a connection is shown."""


def present(members: MemberStore, id_: str = "a=", user: str = "ann") -> Presence:
    """Let a connection of a user come into the topic."""
    who = open_session(members, id_, user, info='{"n":1}')
    subscribe(members, who, 2, has_presence=True)
    return Presence(connection_id=id_, user=user, info='{"n":1}')


def begin(members: MemberStore, who: Presence, topic: str = "news") -> bool:
    return members.stays.begin(topic, who, grace_seconds=GRACE)


def pause(members: MemberStore, who: Presence) -> int:
    return members.stays.pause("news", who, grace_seconds=GRACE)


def leave(members: MemberStore, who: Presence) -> int:
    members.end_session(who.connection_id)
    return pause(members, who)


def test_a_stay_begins_with_the_first_connection_and_ends_once(
    members: MemberStore,
) -> None:
    ann = present(members)

    assert begin(members, ann)
    assert not begin(members, present(members, "b="))
    assert begin(members, present(members, "c=", "bob"))
    assert begin(members, ann, "sport")

    leave(members, ann)
    number = leave(members, Presence(connection_id="b=", user="ann"))
    left = Presence(connection_id="b=", user="ann")
    assert members.stays.find_absent("news", "ann", number) == left
    assert members.stays.end("news", "ann", number)
    assert not members.stays.end("news", "ann", number)
    assert members.stays.find_absent("news", "ann", number) is None
    assert begin(members, ann)


def test_nobody_is_absent_while_a_connection_is_present(members: MemberStore) -> None:
    ann, other = present(members), present(members, "b=")
    for each in (ann, other, present(members, "c=", "bob")):
        begin(members, each)

    first = leave(members, ann)

    assert members.stays.find_absent("news", "ann", first) is None
    second = leave(members, other)
    # Something has happened since, so that the first says nothing any more.
    assert members.stays.find_absent("news", "ann", first) is None
    assert not members.stays.end("news", "ann", first)
    assert members.stays.find_absent("news", "ann", second) == other


def test_who_is_back_is_not_absent(members: MemberStore) -> None:
    ann = present(members)
    begin(members, ann)
    number = leave(members, ann)

    assert not begin(members, present(members, "b="))

    assert members.stays.find_absent("news", "ann", number) is None
    assert not members.stays.end("news", "ann", number)


def test_a_user_without_a_connection_is_shown_until_the_stay_ends(
    members: MemberStore,
) -> None:
    ann, other = present(members), present(members, "b=")
    for each in (ann, other):
        begin(members, each)
    assert {each.connection_id for each in members.presence("news")} == {"a=", "b="}

    leave(members, ann)
    assert members.presence("news") == (other,)
    number = leave(members, other)
    assert members.presence("news") == (other,)
    members.stays.end("news", "ann", number)

    assert members.presence("news") == ()


def test_what_is_said_of_a_user_may_change(members: MemberStore) -> None:
    bare = Presence(connection_id="b=", user="ann")
    full = Presence(connection_id="a=", user="ann", info="1", topic_info="2")

    for who in (full, bare, full):
        number = pause(members, who)
        assert members.stays.find_absent("news", "ann", number) == who


def test_a_pause_may_be_the_first_that_is_heard_of_a_user(
    members: MemberStore,
) -> None:
    ann = Presence(connection_id="a=", user="ann")

    number = pause(members, ann)

    assert members.stays.find_absent("news", "ann", number) == ann


def test_a_stay_of_which_nothing_is_heard_expires(
    members: MemberStore, clock: Clock
) -> None:
    ann = Presence(connection_id="a=", user="ann")
    begin(members, ann)
    number = pause(members, ann)
    clock.advance(TTL - 1)
    assert members.stays.find_absent("news", "ann", number) == ann
    pause(members, Presence(connection_id="b=", user="bob"))
    clock.advance(1)

    assert members.stays.find_absent("news", "ann", number) is None
    assert [each.user for each in members.presence("news")] == ["bob"]
    members.begin_session(session("d="))
    assert [each.user for each in members.presence("news")] == ["bob"]
    assert begin(members, ann)


def test_a_stay_that_nobody_ends_shows_the_user_until_it_should_have_ended(
    members: MemberStore, clock: Clock
) -> None:
    ann = present(members)
    begin(members, ann)
    number = leave(members, ann)
    clock.advance(AWAITED - 1)
    assert members.presence("news") == (ann,)
    clock.advance(1)

    assert members.presence("news") == ()
    # Whoever looks into it late says so nevertheless.
    assert members.stays.find_absent("news", "ann", number) == ann


def test_a_stay_that_was_not_even_paused_shows_nobody_either(
    members: MemberStore, clock: Clock
) -> None:
    ann = present(members)
    begin(members, ann)
    clock.advance(AWAITED)

    members.end_session("a=")

    assert members.presence("news") == ()


def test_after_an_abandoned_stay_the_first_who_comes_begins_another(
    members: MemberStore, clock: Clock
) -> None:
    begin(members, present(members))
    members.end_session("a=")
    clock.advance(AWAITED)

    first, second = present(members, "b="), present(members, "c=")

    assert begin(members, second)
    assert not begin(members, first)


def test_a_stay_is_not_abandoned_while_a_connection_is_present(
    members: MemberStore, clock: Clock
) -> None:
    for each in (
        present(members),
        present(members, "b="),
        present(members, "c=", "bob"),
    ):
        begin(members, each)
    leave(members, Presence(connection_id="b=", user="ann"))
    clock.advance(AWAITED)

    assert not begin(members, present(members, "d="))
    assert {each.connection_id for each in members.presence("news")} == {
        "a=",
        "c=",
        "d=",
    }

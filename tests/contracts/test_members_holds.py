"""The contract of `MemberStore`: publishers that are held back, and their traces."""

import pytest

from tests.contracts.members import MakeMembers, begin, open_session
from tests.support.virtual_time import NOW, Clock
from wspubsub import UsageError
from wspubsub.subscriptions.members import MemberStore
from wspubsub.subscriptions.sessions import Member

TTL = 2 * 3600 + 600
TOLD = ("epoch", 7)


def test_a_member_is_held_until_it_is_released(
    members: MemberStore, clock: Clock
) -> None:
    ann = open_session(members)
    clock.advance(5)

    began = begin(members, ann, 3, is_held=True, is_server_side=True, until=NOW + 90)

    assert (began.is_current, began.lost) == (True, None)
    held = Member("a=", NOW + 90, None, is_server_side=True, held_at=NOW + 5)
    assert list(members.members("news")) == [held]
    assert (
        members.release("a=", "news", number=began.number, traces=0, told=TOLD) is None
    )
    released = held._replace(held_at=None, told=TOLD)
    assert list(members.members("news")) == [released]
    assert (
        members.release("a=", "news", number=began.number, traces=0, told=TOLD) is None
    )


def test_a_trace_keeps_it_held_until_it_is_known(members: MemberStore) -> None:
    ann = open_session(members)
    number = begin(members, ann, 3, is_held=True).number

    held = Member("a=", held_at=NOW)
    assert members.trace("news", "a=") == held
    assert members.trace("news", "a=", timeout_seconds=60) == held

    assert members.release("a=", "news", number=number, traces=0, told=TOLD) == 2
    assert members.trace("news", "a=")
    assert members.release("a=", "news", number=number, traces=2, told=TOLD) == 3
    assert members.release("a=", "news", number=number, traces=3, told=TOLD) is None
    assert [each.held_at for each in members.members("news")] == [None]


def test_who_is_not_held_is_returned_as_it_is(
    members: MemberStore, clock: Clock
) -> None:
    ann = open_session(members)
    assert members.trace("news", "a=") is None
    begin(members, ann, 2)
    assert members.trace("news", "a=") == Member("a=")
    number = begin(
        members, ann, 3, is_held=True, is_server_side=True, until=NOW + 90
    ).number
    members.release("a=", "news", number=number, traces=0, told=TOLD)
    (released,) = members.members("news")
    assert members.trace("news", "a=") == released
    assert released.told == TOLD
    members.mark_lost("news", "a=", 5)
    assert members.trace("news", "a=") == released._replace(lost=5)

    begin(members, ann, 4, is_held=True)
    members.end_subscription("a=", "news", command=5)
    assert members.trace("news", "a=") is None
    assert list(members.members("news")) == []

    begin(members, ann, 6, is_held=True)
    clock.advance(TTL)
    assert members.trace("news", "a=") is None
    begin(members, ann, 7)
    clock.advance(TTL)
    assert members.trace("news", "a=") is None


def test_a_later_subscribe_holds_it_anew(members: MemberStore) -> None:
    ann = open_session(members)
    first = begin(members, ann, 3, is_held=True)
    members.trace("news", "a=")
    second = begin(members, ann, 4, is_held=True)

    assert (
        members.release("a=", "news", number=first.number, traces=1, told=TOLD) is None
    )
    assert [each.held_at for each in members.members("news")] == [NOW]
    assert (
        members.release("a=", "news", number=second.number, traces=0, told=TOLD) is None
    )
    assert [each.held_at for each in members.members("news")] == [None]

    third = begin(members, ann, 5, is_held=True)
    begin(members, ann, 6)
    assert [each.held_at for each in members.members("news")] == [None]
    assert (
        members.release("a=", "news", number=third.number, traces=0, told=TOLD) is None
    )


def test_what_it_was_told_is_known_until_it_subscribes_again(
    members: MemberStore,
) -> None:
    ann = open_session(members)
    for command, is_held in ((3, True), (5, False), (7, True)):
        number = begin(members, ann, command, is_held=True).number
        assert [each.told for each in members.members("news")] == [None]
        told = ("e" * 64, command)
        members.release("a=", "news", number=number, traces=0, told=told)
        members.renew_session(ann.__replace__(expires_at=NOW + 60))
        assert [each.told for each in members.members("news")] == [told]
        assert list(members.subscribers("news")) == ["a="]

        begin(members, ann, command + 1, is_held=is_held)
        assert [each.told for each in members.members("news")] == [None]


def test_only_who_ends_the_hold_says_what_was_told(members: MemberStore) -> None:
    ann = open_session(members)
    number = begin(members, ann, 3, is_held=True).number
    members.trace("news", "a=")
    late = ("epoch", 9)

    members.release("a=", "news", number=number, traces=0, told=("epoch", 6))
    members.release("a=", "news", number=number, traces=1, told=TOLD)
    members.release("a=", "news", number=number, traces=1, told=late)
    members.release("a=", "news", number=number + 1, traces=1, told=late)

    assert list(members.members("news")) == [Member("a=", told=TOLD)]


@pytest.mark.parametrize("told", [("", 1), (b"epoch", 1), ("epoch", -1)])
def test_what_is_not_a_position_is_refused(
    members: MemberStore, told: tuple[str, int]
) -> None:
    with pytest.raises(UsageError, match=r"epoch|offset"):
        members.release("a=", "news", number=1, traces=0, told=told)


def test_what_was_lost_stays_marked_until_the_release(members: MemberStore) -> None:
    ann = open_session(members)
    begin(members, ann, 2)
    members.mark_lost("news", "a=", 7)

    began = begin(members, ann, 3, is_held=True)

    assert began.lost == 7
    assert [each.lost for each in members.members("news")] == [7]
    # Its function was stopped: who comes next hears of it as well.
    again = begin(members, ann, 4, is_held=True)
    assert again.lost == 7
    members.trace("news", "a=")
    assert members.release("a=", "news", number=again.number, traces=0, told=TOLD) == 1
    assert [each.lost for each in members.members("news")] == [7]
    assert (
        members.release("a=", "news", number=again.number, traces=1, told=TOLD) is None
    )
    assert list(members.members("news")) == [Member("a=", told=TOLD)]


@pytest.mark.parametrize(
    ("before", "meanwhile", "after"),
    [(None, 5, 5), (7, 5, 5), (7, 7, None), (7, 9, None), (0, 3, None)],
)
def test_a_mark_that_is_written_meanwhile_survives_the_release(
    members: MemberStore, before: int | None, meanwhile: int, after: int | None
) -> None:
    ann = open_session(members)
    begin(members, ann, 2)
    if before is not None:
        members.mark_lost("news", "a=", before)
    began = begin(members, ann, 3, is_held=True)
    assert began.lost == before

    assert members.mark_lost("news", "a=", meanwhile)

    # Where it would go with the release, the release has to notice it.
    is_noticed = members.release("a=", "news", number=began.number, traces=0, told=TOLD)
    assert is_noticed == (1 if after is None else None)
    if is_noticed:
        assert (
            members.release("a=", "news", number=began.number, traces=1, told=TOLD)
            is None
        )
    assert list(members.members("news")) == [Member("a=", lost=after, told=TOLD)]
    assert begin(members, ann, 4, is_held=True).lost == after


def test_a_held_subscription_can_be_undone_and_extended(members: MemberStore) -> None:
    ann = open_session(members)
    began = begin(members, ann, 3, is_held=True)
    members.renew_session(ann.__replace__(expires_at=NOW + 60))
    assert list(members.members("news")) == [Member("a=", NOW + 60, held_at=NOW)]

    members.undo_subscription("a=", "news", began.number)

    assert list(members.members("news")) == []
    assert (
        members.release("a=", "news", number=began.number, traces=0, told=TOLD) is None
    )
    assert members.trace("news", "a=") is None


def test_the_server_can_hold_a_member_too(members: MemberStore) -> None:
    ann = open_session(members)
    begin(members, ann, 3)

    began = begin(members, ann, None, is_held=True, is_server_side=True)
    members.trace("news", "a=")

    assert members.release("a=", "news", number=began.number, traces=0, told=TOLD) == 1
    assert (
        members.release("a=", "news", number=began.number, traces=1, told=TOLD) is None
    )


def test_who_moves_to_another_shard_is_held_there(make_members: MakeMembers) -> None:
    old = make_members(shards=1)
    sessions = [open_session(old, f"c{number}") for number in range(6)]
    for each in sessions:
        begin(old, each, 1)
        old.mark_lost("news", each.connection_id, 7)
    new = make_members(shards=5, previous_shards=1)

    for each in sessions:
        began = begin(new, each, 2, is_held=True)
        assert began.lost == 7
        id_ = each.connection_id
        assert new.trace("news", id_)
        assert new.release(id_, "news", number=began.number, traces=0, told=TOLD) == 1
        assert (
            new.release(id_, "news", number=began.number, traces=1, told=TOLD) is None
        )
    assert [each.held_at for each in new.members("news")] == [None] * 6


@pytest.mark.parametrize("traces", [-1, True, 1.5])
def test_what_is_not_a_number_of_traces_is_refused(
    members: MemberStore, traces: int
) -> None:
    with pytest.raises(UsageError, match="traces"):
        members.release("a=", "news", number=1, traces=traces, told=TOLD)

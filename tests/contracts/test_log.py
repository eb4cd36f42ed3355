"""What every `TopicLog` does."""

from collections.abc import Sequence

import pytest

from tests.contracts.logs import LogKind
from tests.support.virtual_time import Clock
from wspubsub import (
    History,
    LoggedMessage,
    Position,
    Replay,
    TopicLog,
)

SKEW = 15 * 60
DAY = 24 * 60 * 60
YEAR = 365 * DAY
MINUTE = History(ttl_seconds=60, position_ttl_seconds=60)
STRANGE = ["a", "#", "1#a", "a#b", "L#a", "émoji 🎉", "x" * 256]


def fill(log: TopicLog, topic: str, count: int) -> list[LoggedMessage]:
    return [log.append(topic, b"%d" % number).message for number in range(count)]


def lost(position: Position | None) -> Replay:
    return Replay(messages=(), recovered=False, position=position, newest=position)


def whole(messages: Sequence[LoggedMessage], newest: Position) -> Replay:
    return Replay(
        messages=tuple(messages),
        recovered=True,
        position=messages[-1].position if messages else newest,
        newest=newest,
    )


def test_a_message_is_read_as_it_was_appended(
    log: TopicLog, clock: Clock, news: str
) -> None:
    clock.advance(0.125)

    appended = log.append(news, b"h\xc3\xa9llo", exclude=["a=", "b="])

    message = appended.message
    assert appended.is_new
    assert message.topic == news
    assert message.position.offset == 1
    assert len(message.position.epoch) == 16
    assert message.data == b"h\xc3\xa9llo"
    assert message.published_at == clock.time
    assert message.exclude == {"a=", "b="}
    assert log.read(news) == whole([message], message.position)


def test_offsets_count_up_in_one_epoch_with_ids_of_their_own(
    log: TopicLog, news: str
) -> None:
    messages = fill(log, news, 5)

    assert [each.position.offset for each in messages] == [1, 2, 3, 4, 5]
    assert len({each.position.epoch for each in messages}) == 1
    assert len({each.id for each in messages}) == 5
    assert log.position(news) == messages[-1].position


def test_an_empty_log_has_nothing_to_say(log: TopicLog, news: str) -> None:
    assert log.position(news) is None
    assert log.read(news) == Replay(messages=(), recovered=True, position=None)
    assert log.read(news, Position("0" * 16, 1)) == lost(None)


def test_topics_have_logs_of_their_own(log: TopicLog) -> None:
    messages = [log.append(topic, topic.encode()).message for topic in STRANGE]

    assert {each.position.offset for each in messages} == {1}
    assert len({each.position.epoch for each in messages}) == len(STRANGE)
    assert [log.read(topic).messages for topic in STRANGE] == [
        (message,) for message in messages
    ]


def test_empty_data_is_data(log: TopicLog, news: str) -> None:
    message = log.append(news, b"").message

    assert log.read(news).messages == (message,)
    assert message.data == b""


def test_the_largest_message_is_kept_whole(log: TopicLog, news: str) -> None:
    message = log.append(news, b"\xff" * 131_072).message

    assert log.read(news).messages == (message,)


def test_a_reader_gets_what_came_after_its_position(log: TopicLog, news: str) -> None:
    messages = fill(log, news, 5)

    replay = log.read(news, messages[1].position)

    assert replay.messages == tuple(messages[2:])
    assert replay.recovered
    assert replay.position == messages[-1].position
    assert not replay.has_more


def test_a_reader_that_has_all_gets_nothing_and_keeps_its_position(
    log: TopicLog, news: str
) -> None:
    messages = fill(log, news, 2)

    replay = log.read(news, messages[-1].position)

    assert replay == whole([], messages[-1].position)


def test_a_long_replay_is_read_on_from_its_position(log: TopicLog, news: str) -> None:
    messages = fill(log, news, 5)

    first = log.read(news, messages[0].position, limit=2)
    second = log.read(news, first.position, limit=2)

    assert (first.messages, first.has_more) == (tuple(messages[1:3]), True)
    assert (second.messages, second.has_more) == (tuple(messages[3:]), False)
    assert first.position == messages[2].position


def test_a_replay_of_many_large_messages_is_whole(log: TopicLog, news: str) -> None:
    messages = [
        log.append(news, bytes([number]) * 131_072).message for number in range(10)
    ]

    replay = log.read(news, messages[0].position)

    assert replay.messages == tuple(messages[1:])


def test_without_a_position_a_reader_gets_the_newest(log: TopicLog, news: str) -> None:
    messages = fill(log, news, 5)

    replay = log.read(news, limit=2)

    assert replay == whole(messages[3:], messages[-1].position)


def test_a_reader_gets_a_hundred_at_a_time_unless_it_says_otherwise(
    log: TopicLog, news: str
) -> None:
    messages = fill(log, news, 101)

    assert log.read(news).messages == tuple(messages[1:])


def test_another_epoch_cannot_be_recovered(log: TopicLog, news: str) -> None:
    newest = fill(log, news, 3)[-1].position

    assert log.read(news, Position("f" * 16, 2)) == lost(newest)


@pytest.mark.parametrize("offset", [4, 10**30, -1])
def test_a_position_that_never_was_cannot_be_recovered(
    log: TopicLog, offset: int, news: str
) -> None:
    newest = fill(log, news, 3)[-1].position

    assert log.read(news, newest._replace(offset=offset)) == lost(newest)


def test_what_is_over_the_limit_is_trimmed(kind: LogKind, news: str) -> None:
    log = kind.make(history=History(limit=3))
    messages = fill(log, news, 5)

    assert log.read(news).messages == tuple(messages[2:])
    assert log.read(news, messages[1].position).messages == tuple(messages[2:])
    assert log.read(news, messages[0].position) == lost(messages[-1].position)


def test_what_is_too_old_is_trimmed(kind: LogKind, clock: Clock, news: str) -> None:
    log = kind.make(history=History(ttl_seconds=60))
    old = fill(log, news, 2)
    clock.advance(30)
    new = fill(log, news, 2)

    clock.advance(30)

    assert log.read(news).messages == tuple(new)
    assert log.read(news, old[1].position).messages == tuple(new)
    assert log.read(news, old[0].position) == lost(new[-1].position)


def test_a_position_outlives_the_messages(
    kind: LogKind, clock: Clock, news: str
) -> None:
    log = kind.make(history=History(ttl_seconds=60))
    older, newest = (each.position for each in fill(log, news, 2))

    for seconds in (60, 7 * DAY - 60):
        clock.advance(seconds)

        assert log.position(news) == newest
        assert log.ensure_position(news) == newest
        assert log.read(news) == whole([], newest)
        assert log.read(news, newest) == whole([], newest)
        assert log.read(news, older) == lost(newest)


def test_a_log_whose_position_has_expired_is_empty(
    kind: LogKind, clock: Clock, news: str
) -> None:
    log = kind.make(history=MINUTE)
    newest = fill(log, news, 2)[-1].position

    clock.advance(60 + SKEW)

    assert log.position(news) is None
    assert log.read(news) == Replay(messages=(), recovered=True, position=None)
    assert log.read(news, newest) == lost(None)


def test_after_a_position_that_has_expired_a_new_epoch_goes_on_counting(
    kind: LogKind, clock: Clock, news: str
) -> None:
    kind.require_transactions()
    log = kind.make(history=MINUTE)
    before = fill(log, news, 2)[-1].position
    clock.advance(60 + SKEW)

    after = log.append(news, b"late").message

    # The entry that begins the epoch has offset 3.
    assert after.position.offset == 4
    assert after.position.epoch != before.epoch
    assert log.read(news).messages == (after,)
    assert log.read(news, before) == lost(after.position)


def test_an_epoch_goes_on_for_as_long_as_clocks_may_differ(
    kind: LogKind, clock: Clock, news: str
) -> None:
    log = kind.make(history=MINUTE)
    first, second = fill(log, news, 2)
    clock.advance(60 + SKEW - 1)

    third = log.append(news, b"late").message

    assert third.position == Position(second.position.epoch, 3)
    assert third.published_at == clock.time
    assert log.read(news).messages == (third,)
    assert log.read(news, second.position).messages == (third,)
    assert log.read(news, first.position) == lost(third.position)


def test_a_clock_that_is_fast_by_what_clocks_may_differ_is_followed(
    kind: LogKind, clock: Clock, news: str
) -> None:
    log = kind.make(history=History(ttl_seconds=60))
    first = log.append(news, b"1").message
    clock.advance(SKEW)
    fast = log.append(news, b"from a fast clock").message
    clock.advance(-SKEW)

    last = log.append(news, b"3").message

    assert [each.position.epoch for each in (fast, last)] == [first.position.epoch] * 2
    assert last.published_at == fast.published_at
    assert log.read(news, first.position).messages == (fast, last)


@pytest.mark.parametrize("ahead", [20 * YEAR, SKEW + 1])
def test_a_clock_that_is_wrong_does_not_extend_the_history(
    kind: LogKind, clock: Clock, news: str, ahead: float
) -> None:
    kind.require_transactions()
    log = kind.make(history=History(ttl_seconds=60))
    clock.advance(ahead)
    wrong = log.append(news, b"from the future", key="k").message
    clock.advance(-ahead)
    assert log.position(news) is None
    assert log.read(news, wrong.position) == lost(None)

    right = log.append(news, b"right").message
    again = log.append(news, b"right again", key="k")

    assert right.published_at == clock.time
    assert right.position == Position(right.position.epoch, wrong.position.offset + 2)
    assert right.position.epoch != wrong.position.epoch
    assert again.is_new
    assert again.message.position.epoch == right.position.epoch
    assert log.read(news).messages == (right, again.message)
    clock.advance(60)
    assert log.read(news).messages == ()
    assert log.append(news, b"again", key="k").is_new


def test_a_log_goes_on_in_its_epoch_while_it_has_a_position(
    kind: LogKind, clock: Clock, news: str
) -> None:
    log = kind.make(history=MINUTE)
    messages = []
    for _ in range(4):
        messages += fill(log, news, 1)
        clock.advance(59)

    assert [each.position.offset for each in messages] == [1, 2, 3, 4]
    assert len({each.position.epoch for each in messages}) == 1


def test_times_do_not_go_backwards_when_the_clock_does(
    log: TopicLog, clock: Clock, news: str
) -> None:
    first = log.append(news, b"1").message
    clock.advance(-5)

    second = log.append(news, b"2").message

    assert second.published_at == first.published_at
    assert second.position.offset == 2

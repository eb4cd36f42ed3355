"""What every `TopicLog` does for a topic's position, and for whom it can recover."""

import pytest

from tests.contracts.logs import LogKind
from tests.contracts.test_log import MINUTE, SKEW, fill, lost, whole
from tests.support.virtual_time import Clock
from wspubsub import History, Position, TopicLog, UsageError


def test_a_topic_without_messages_gets_a_position(log: TopicLog, news: str) -> None:
    position = log.ensure_position(news)

    assert position.offset == 0
    assert len(position.epoch) == 16
    assert log.ensure_position(news) == position
    assert log.position(news) == position
    assert log.read(news) == whole([], position)
    assert log.read(news, position) == whole([], position)


def test_who_subscribed_to_an_empty_topic_misses_nothing(
    log: TopicLog, news: str
) -> None:
    position = log.ensure_position(news)
    messages = fill(log, news, 3)

    assert [each.position.offset for each in messages] == [1, 2, 3]
    assert {each.position.epoch for each in messages} == {position.epoch}
    assert log.read(news, position).messages == tuple(messages)
    assert log.recover(news, position).messages == tuple(messages)


def test_who_subscribed_to_an_empty_topic_is_told_if_too_much_was_missed(
    kind: LogKind, news: str
) -> None:
    log = kind.make(history=History(limit=3))
    position = log.ensure_position(news)

    fill(log, news, 3)
    assert log.recover(news, position).recovered

    newest = fill(log, news, 1)[-1].position
    assert log.recover(news, position) == lost(newest)
    assert log.read(news, position) == lost(newest)


def test_a_topic_that_is_quiet_keeps_its_position(
    kind: LogKind, clock: Clock, news: str
) -> None:
    log = kind.make(history=History(ttl_seconds=60, position_ttl_seconds=600))
    older, newest = (each.position for each in fill(log, news, 2))
    clock.advance(600)

    assert log.recover(news, newest) == whole([], newest)
    assert log.recover(news, older) == lost(newest)

    message = log.append(news, b"next").message
    assert message.position == newest._replace(offset=3)
    assert log.recover(news, newest).messages == (message,)
    assert log.recover(news, older) == lost(message.position)


def test_nothing_renews_a_position_but_a_message(
    kind: LogKind, clock: Clock, news: str
) -> None:
    kind.require_transactions()
    log = kind.make(history=MINUTE)
    position = log.append(news, b"x").message.position
    clock.advance(60 + SKEW - 1)
    assert log.ensure_position(news) == position
    assert log.recover(news, position).recovered
    clock.advance(1)

    begun = log.ensure_position(news)

    assert begun == Position(begun.epoch, 2)
    assert begun.epoch != position.epoch
    assert log.recover(news, position) == lost(begun)


def test_recovering_begins_an_epoch_where_there_is_none(
    log: TopicLog, news: str
) -> None:
    replay = log.recover(news, Position("0" * 16, 5))

    assert replay.position == log.position(news)
    assert replay == lost(log.position(news))


@pytest.mark.parametrize(("limit", "recovered"), [(3, True), (2, False)])
def test_a_recovery_is_whole_or_nothing(
    log: TopicLog, news: str, limit: int, *, recovered: bool
) -> None:
    messages = fill(log, news, 4)

    replay = log.recover(news, messages[0].position, limit=limit)

    newest = messages[-1].position
    assert replay == (whole(messages[1:], newest) if recovered else lost(newest))


@pytest.mark.parametrize("since", [None, ("x", 1), Position("x", 1.5)])  # type: ignore[arg-type] # that is the mistake
def test_a_recovery_needs_a_position(log: TopicLog, since: Position, news: str) -> None:
    with pytest.raises(UsageError, match="since must be a Position"):
        log.recover(news, since)

    assert log.position(news) is None


@pytest.mark.parametrize("seconds", [-1, float("nan"), "5", True])
def test_an_illegal_timeout_begins_nothing(
    log: TopicLog, seconds: float, news: str
) -> None:
    with pytest.raises(UsageError, match="timeout_seconds"):
        log.ensure_position(news, timeout_seconds=seconds)
    with pytest.raises(UsageError, match="timeout_seconds"):
        log.recover(news, Position("x", 1), timeout_seconds=seconds)

    assert log.position(news) is None


def test_info_is_kept_with_a_message(log: TopicLog, news: str) -> None:
    with_info = log.append(news, b"x", info=b'{"user":"ann"}').message
    without = log.append(news, b"x").message

    assert (with_info.info, without.info) == (b'{"user":"ann"}', None)
    assert log.read(news).messages == (with_info, without)


@pytest.mark.parametrize("info", ["text", 5, {"user": "ann"}])
def test_info_that_is_no_bytes_is_refused(
    log: TopicLog, info: bytes, news: str
) -> None:
    with pytest.raises(UsageError, match="info must be bytes"):
        log.append(news, b"x", info=info)

    assert log.position(news) is None


def test_info_counts_among_the_bytes_of_an_entry(log: TopicLog, news: str) -> None:
    with pytest.raises(UsageError, match="pass less info"):
        log.append(news, b"x" * 100_000, info=b"x" * 300_001)

    assert log.append(news, b"x", info=b"x" * 100_000).is_new


def test_an_epoch_that_begins_is_not_a_message(
    kind: LogKind, clock: Clock, news: str
) -> None:
    kind.require_transactions()
    log = kind.make(history=MINUTE)
    fill(log, news, 2)
    clock.advance(60 + SKEW)
    begun = log.ensure_position(news)

    assert begun.offset == 3
    assert log.read(news) == whole([], begun)
    assert log.read_history(news) == whole([], begun)

    message = log.append(news, b"x").message
    assert message.position.offset == 4
    for replay in (
        log.read(news),
        log.read_history(news),
        log.read_history(news, reverse=True),
        log.recover(news, begun),
    ):
        assert replay == whole([message], message.position)

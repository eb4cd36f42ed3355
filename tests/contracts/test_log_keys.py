"""What every `TopicLog` does with messages that have a key."""

import pytest

from tests.contracts.logs import LogKind
from tests.support.virtual_time import Clock
from wspubsub import Appended, History, KeyConflictError, LoggedMessage


def test_a_key_is_appended_once(kind: LogKind, clock: Clock, news: str) -> None:
    kind.require_transactions()
    log = kind.make()
    first = log.append(news, b"1", key="order 5")
    log.append(news, b"0")
    clock.advance(3)

    again = log.append(news, b"1", key="order 5", exclude={"a="})

    assert first.is_new
    assert not again.is_new
    assert again.message == LoggedMessage(
        topic=news,
        position=first.message.position,
        id=first.message.id,
        data=b"1",
        published_at=first.message.published_at,
        exclude=frozenset({"a="}),
    )
    assert [each.data for each in log.read(news).messages] == [b"1", b"0"]


def test_the_same_key_of_another_topic_is_another_key(kind: LogKind) -> None:
    kind.require_transactions()
    log = kind.make()

    appended = [
        log.append(topic, b"x", key=key)
        for topic, key in [("k", "b#c"), ("k#b", "c"), ("k", "b"), ("1#k", "b#c")]
    ]

    assert all(each.is_new for each in appended)


def test_a_key_is_forgotten_when_its_message_is_too_old(
    kind: LogKind, clock: Clock, news: str
) -> None:
    kind.require_transactions()
    log = kind.make(history=History(ttl_seconds=60))
    first = log.append(news, b"1", key="k").message
    clock.advance(59)
    assert not log.append(news, b"1", key="k").is_new
    log.mark_sent(first, "k")

    clock.advance(1)
    again = log.append(news, b"2", key="k")

    assert again.is_new
    assert not again.is_sent
    assert again.message.position.offset == 2
    assert not log.append(news, b"2", key="k").is_new


def test_a_key_belongs_to_the_data_that_it_came_with(
    kind: LogKind, clock: Clock, news: str
) -> None:
    kind.require_transactions()
    log = kind.make(history=History(ttl_seconds=60))
    first = log.append(news, b"1", key="k").message
    log.mark_sent(first, "k")

    with pytest.raises(KeyConflictError, match="'k'") as caught:
        log.append(news, b"2", key="k")

    assert (caught.value.topic, caught.value.key) == (news, "k")
    assert log.read(news).messages == (first,)
    clock.advance(60)
    assert log.append(news, b"2", key="k").is_new


def test_who_repeats_a_key_is_told_whether_the_message_was_sent(
    kind: LogKind, news: str
) -> None:
    kind.require_transactions()
    log = kind.make()
    first = log.append(news, b"1", key="k")
    log.append(news, b"1", key="other key")
    log.append(f"other {news}", b"1", key="k")
    assert not first.is_sent
    assert not log.append(news, b"1", key="k").is_sent

    log.mark_sent(first.message, "k")
    log.mark_sent(first.message, "k", timeout_seconds=0)

    again = log.append(news, b"1", key="k")
    assert again == Appended(first.message, is_new=False, is_sent=True)
    assert not log.append(news, b"1", key="other key").is_sent
    assert not log.append(f"other {news}", b"1", key="k").is_sent
    assert len(log.read(news).messages) == 2


def test_a_repeated_message_can_be_marked_as_well_as_the_first(
    kind: LogKind, news: str
) -> None:
    kind.require_transactions()
    log = kind.make()
    first = log.append(news, b"1", key="k").message

    log.mark_sent(log.append(news, b"1", key="k").message, "k")

    again = log.append(news, b"1", key="k")
    assert again == Appended(first, is_new=False, is_sent=True)


def test_a_mark_that_comes_too_late_is_not_taken_for_the_next_message_s(
    kind: LogKind, clock: Clock, news: str
) -> None:
    kind.require_transactions()
    log = kind.make(history=History(ttl_seconds=60))
    first = log.append(news, b"1", key="k").message
    clock.advance(60)
    second = log.append(news, b"1", key="k").message

    log.mark_sent(first, "k")
    log.mark_sent(first, "never used")

    again = log.append(news, b"1", key="k")
    assert again == Appended(second, is_new=False, is_sent=False)
    assert log.append(news, b"1", key="never used").is_new

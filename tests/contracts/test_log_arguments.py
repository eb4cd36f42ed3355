"""What every `TopicLog` takes, and what it refuses."""

import enum
from typing import Any

import pytest

from wspubsub import (
    MessageError,
    MessageTooLargeError,
    Position,
    TopicError,
    TopicLog,
    UsageError,
)


@pytest.mark.parametrize("topic", ["", "x" * 257, "a\nb", "\ud800", 5])
def test_an_illegal_topic_is_refused(log: TopicLog, topic: str) -> None:
    with pytest.raises(TopicError):
        log.append(topic, b"")
    with pytest.raises(TopicError):
        log.read(topic)
    with pytest.raises(TopicError):
        log.position(topic)


@pytest.mark.parametrize(
    "key", ["", "x" * 257, "é" * 129, "\x1f", "\x7f", "\x9f", "\ud800", 5]
)
def test_an_illegal_key_is_refused_and_nothing_appended(
    log: TopicLog, key: Any, news: str
) -> None:
    error = MessageError if isinstance(key, str) else UsageError
    with pytest.raises(error, match="key"):
        log.append(news, b"", key=key)

    assert log.position(news) is None


@pytest.mark.parametrize("key", ["x", " ~\xa0", "x" * 256, "é" * 128])
def test_any_text_of_up_to_256_bytes_is_a_key(
    keyed_log: TopicLog, key: str, news: str
) -> None:
    assert keyed_log.append(news, b"", key=key).is_new
    assert not keyed_log.append(news, b"", key=key).is_new


def test_members_of_an_enumeration_are_their_text(
    keyed_log: TopicLog, news: str
) -> None:
    log = keyed_log

    class Name(str, enum.Enum):  # noqa: UP042 - what older programs have
        TOPIC = news
        KEY = "order 5"
        ID = "a="

    first = log.append(news, b"1", key="order 5", exclude={"a="})
    log.mark_sent(first.message, Name.KEY)

    again = log.append(Name.TOPIC, b"1", key=Name.KEY, exclude={Name.ID})

    assert not again.is_new
    assert again.is_sent
    assert log.append(Name.TOPIC, b"2", exclude={Name.ID}).message.exclude == {"a="}


@pytest.mark.parametrize("exclude", ["a=", [""], [5], ["\ud800"], 5])
def test_an_illegal_exclude_is_refused_and_nothing_appended(
    log: TopicLog, exclude: list[str], news: str
) -> None:
    with pytest.raises(UsageError, match="connection ID"):
        log.append(news, b"", exclude=exclude)

    assert log.position(news) is None


def test_what_is_too_large_is_refused_and_nothing_appended(
    log: TopicLog, news: str
) -> None:
    crowd = [f"{number:020}" for number in range(20_000)]

    with pytest.raises(MessageTooLargeError, match="131,072"):
        log.append(news, b"x" * 131_073)
    with pytest.raises(UsageError, match="exclude fewer connections"):
        log.append(news, b"x", exclude=crowd)

    assert log.position(news) is None


def test_as_many_connections_as_are_allowed_can_be_excluded(log: TopicLog) -> None:
    crowd = {f"{number:0400}" for number in range(1000)}
    topic = "y" * 256

    message = log.append(topic, b"", exclude=crowd).message

    assert log.read(topic).messages[0].exclude == crowd
    assert message.exclude == crowd


def test_data_that_is_no_bytes_is_refused(log: TopicLog, news: str) -> None:
    text: bytes = "text"  # type: ignore[assignment]  # that is the mistake

    with pytest.raises(UsageError, match="bytes"):
        log.append(news, text)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, None])
def test_an_illegal_limit_is_refused(log: TopicLog, limit: int, news: str) -> None:
    with pytest.raises(UsageError, match="limit"):
        log.read(news, limit=limit)


@pytest.mark.parametrize(
    "since",
    ["x", ("x", 1), Position(5, 1), Position("x", 1.5)],  # type: ignore[arg-type] # that is the mistake
)
def test_a_position_that_is_none_is_refused(
    log: TopicLog, since: Position, news: str
) -> None:
    with pytest.raises(UsageError, match="Position"):
        log.read(news, since)


@pytest.mark.parametrize("seconds", [-1, float("nan"), "5", True])
def test_an_illegal_timeout_is_refused_and_nothing_appended(
    log: TopicLog, seconds: float, news: str
) -> None:
    with pytest.raises(UsageError, match="timeout_seconds"):
        log.append(news, b"", timeout_seconds=seconds)

    assert log.position(news) is None


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_an_illegal_timeout_of_a_mark_is_refused(
    log: TopicLog, seconds: float, news: str
) -> None:
    message = log.append(news, b"").message

    with pytest.raises(UsageError, match="timeout_seconds"):
        log.mark_sent(message, "k", timeout_seconds=seconds)


@pytest.mark.parametrize("seconds", [None, 0, 0.5, 60, float("inf")])
def test_an_append_may_be_given_a_time(
    log: TopicLog, seconds: float | None, news: str
) -> None:
    assert log.append(news, b"", timeout_seconds=seconds).is_new

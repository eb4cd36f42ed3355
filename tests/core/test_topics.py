"""Topic names and shards."""

import enum
from collections import Counter

import pytest
from hypothesis import given, strategies as st

from wspubsub import TopicError
from wspubsub.topics import shard_of, validate_topic


@pytest.mark.parametrize(
    "topic", ["a", "x" * 256, "ü" * 128, "#/ $connect", "🎉", " ", "~", "\xa0"]
)
def test_any_text_of_up_to_256_bytes_is_a_topic(topic: str) -> None:
    assert validate_topic(topic) == topic


@pytest.mark.parametrize(
    ("topic", "reason"),
    [
        (None, "must be text"),
        (5, "must be text"),
        (["a"], "must be text"),
        ("", "not be empty"),
        ("x" * 257, "at most 256 bytes, not 257"),
        ("ü" * 129, "at most 256 bytes, not 258"),
        ("a\n", "control characters"),
        ("\x00", "control characters"),
        ("\x1f", "control characters"),
        ("\x80", "control characters"),
        ("\x9f", "control characters"),
        ("\x7f", "control characters"),
        ("\ud800", "valid Unicode"),
    ],
)
def test_anything_else_is_refused_with_the_reason(topic: object, reason: str) -> None:
    with pytest.raises(TopicError, match=reason) as caught:
        validate_topic(topic)

    assert caught.value.topic == topic


def test_a_long_topic_is_shown_in_short() -> None:
    with pytest.raises(TopicError) as caught:
        validate_topic("x" * 100_000)

    assert len(str(caught.value)) < 200


@given(st.text())
def test_a_topic_is_legal_or_refused(topic: str) -> None:
    try:
        assert validate_topic(topic) == topic
    except TopicError:
        return
    assert 1 <= len(topic.encode()) <= 256


def test_shards_are_used_evenly_and_stay_the_same() -> None:
    ids = [f"connection-{number}=" for number in range(8000)]

    shards = Counter(shard_of(connection_id, 8) for connection_id in ids)

    assert set(shards) == set(range(8))
    assert min(shards.values()) > 800
    assert shard_of("L0SM9cOFvHcCIhw=", 1) == 0
    assert shard_of("L0SM9cOFvHcCIhw=", 8) == shard_of("L0SM9cOFvHcCIhw=", 8)


def test_a_member_of_an_enumeration_is_its_text() -> None:
    class Topic(str, enum.Enum):  # noqa: UP042 - what older programs have
        NEWS = "news"

    assert repr(validate_topic(Topic.NEWS)) == "'news'"

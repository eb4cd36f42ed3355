"""What a topic name may be, and what depends on it: a pattern, a shard."""

from binascii import crc32
from collections.abc import Mapping
from typing import TypeVar

from wspubsub.errors import TopicError

MAX_TOPIC_BYTES = 256
"""Longest topic name in bytes of UTF-8.

A sort key holds 1,024 bytes at most; a short name also keeps a publish cheap, since
the name is read once for each subscriber.
"""


def validate_topic(topic: object) -> str:
    """Return the topic as plain text if it is valid: 1 to 256 bytes of UTF-8.

    Any character but control characters (U+0000-U+001F, U+007F-U+009F) is legal.

    Raises:
        TopicError: It is not text, empty, too long, or holds a control character
            or half of a surrogate pair.
    """
    if not isinstance(topic, str):
        raise TopicError(topic, "a topic must be text")
    if not topic:
        raise TopicError(topic, "a topic must not be empty")
    try:
        size = len(topic.encode())
    except UnicodeEncodeError:
        raise TopicError(topic, "a topic must be valid Unicode text") from None
    if size > MAX_TOPIC_BYTES:
        raise TopicError(
            topic, f"a topic must have at most {MAX_TOPIC_BYTES} bytes, not {size}"
        )
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in topic):
        raise TopicError(topic, "a topic must not contain control characters")
    # Of a text of another class, such as a member of a `str` enumeration, only the
    # text counts; `str()` would return what that class makes of it.
    return str.__str__(topic)


ValueT = TypeVar("ValueT")


def find_by_pattern(patterns: Mapping[str, ValueT], topic: str) -> ValueT | None:
    """Return the value of the first pattern that a topic matches, or None.

    Patterns are those of the shell: `*` is any text, `?` any character, and `[…]` any
    of some characters.
    """
    from fnmatch import fnmatchcase  # few applications need it

    fitting = (
        value for pattern, value in patterns.items() if fnmatchcase(topic, pattern)
    )
    return next(fitting, None)


def shard_of(connection_id: str, shards: int) -> int:
    """Return the shard, 0 to shards - 1, that holds a connection's subscription."""
    return crc32(connection_id.encode()) % shards

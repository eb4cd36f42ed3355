"""Messages on their way into a log: what is checked before they are appended."""

import os
from collections.abc import Collection
from typing import NamedTuple

from wspubsub.errors import MessageError, MessageTooLargeError, UsageError
from wspubsub.log.rules import (
    MAX_OFFSET,
    LoggedMessage,
    Position,
    genesis_position,
)
from wspubsub.messages import MAX_MESSAGE_BYTES
from wspubsub.topics import validate_topic

MAX_KEY_BYTES = 256
MAX_ENTRY_BYTES = 400_000
"""Most bytes of a message, its info and the connection IDs in `exclude` together.

A DynamoDB item holds 400 KB (409,600 bytes, "Quotas in Amazon DynamoDB"), and the
topic, the position and the names of the attributes are in it too.
"""


_LONGEST_TIME = 1_999_999_999.1234567
"""No time, written as JSON, has more characters than this one."""


class Draft(NamedTuple):
    """A message that has been checked and has no position yet."""

    topic: str
    data: bytes
    key: str | None
    exclude: frozenset[str]
    info: bytes | None
    id: str

    def at(
        self, position: Position, published_at: float, *, id_: str | None = None
    ) -> LoggedMessage:
        """Return the message at a position, with an ID of its own or another's."""
        return LoggedMessage(
            topic=self.topic,
            position=position,
            id=id_ or self.id,
            data=self.data,
            published_at=published_at,
            exclude=self.exclude,
            info=self.info,
        )


def draft(
    topic: str,
    data: bytes,
    key: str | None,
    exclude: Collection[str],
    info: bytes | None,
) -> Draft:
    """Check what is to be appended, and give it an ID; see `TopicLog.append`.

    Raises:
        TopicError: The topic is not a legal name.
        MessageError: The key is empty, over 256 bytes, or has control characters.
        MessageTooLargeError: The data has more than 131,072 bytes.
        UsageError: Another argument is not what it must be.
    """
    topic = validate_topic(topic)
    _check_bytes("data", data)
    if info is not None:
        _check_bytes("info", info)
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageTooLargeError(len(data), MAX_MESSAGE_BYTES)
    excluded = _check_exclude(exclude)
    size = len(data) + len(info or b"") + sum(len(each.encode()) for each in excluded)
    if size > MAX_ENTRY_BYTES:
        raise UsageError(
            f"the message, its info and the {len(excluded):,} connection IDs in "
            f"exclude have {size:,} bytes, but a log accepts at most "
            f"{MAX_ENTRY_BYTES:,}; exclude fewer connections, or pass less info"
        )
    key = None if key is None else check_key(key)
    return Draft(topic, data, key, excluded, info, os.urandom(12).hex())


def make_longest(topic: str, data: bytes, info: bytes | None) -> LoggedMessage:
    """Return a message as long as any that these become, whatever its position."""
    position = genesis_position(Position("", MAX_OFFSET - 1))
    return draft(topic, data, None, (), info).at(position, _LONGEST_TIME)


def _check_bytes(what: str, value: object) -> None:
    if not isinstance(value, bytes):
        raise UsageError(
            f"{what} must be bytes, not {type(value).__name__}; encode it first"
        )


def digest(data: bytes) -> str:
    """Return a digest of data, in 64 characters."""
    from hashlib import sha256  # noqa: PLC0415 - only a message with a key needs it

    return sha256(data).hexdigest()


def check_timeout(timeout_seconds: object) -> None:
    """Check how long an append may be retried.

    Raises:
        UsageError: It is neither None nor a number of seconds from 0.
    """
    if timeout_seconds is None or (
        isinstance(timeout_seconds, int | float)
        and not isinstance(timeout_seconds, bool)
        and timeout_seconds >= 0
    ):
        return
    raise UsageError(
        f"timeout_seconds must be a number, 0 or more, not {timeout_seconds!r:.80}"
    )


def _check_exclude(exclude: object) -> frozenset[str]:
    if isinstance(exclude, str) or not isinstance(exclude, Collection):
        raise UsageError(
            "exclude must be a collection of connection IDs, such as {id}, not a "
            "single ID"
        )
    for connection_id in exclude:
        if not _utf8_size(connection_id):
            raise UsageError(
                f"a connection ID must be non-empty text, not {connection_id!r:.80}"
            )
    # Also of an ID that says what state its connection is in, only the text counts.
    return frozenset(map(str.__str__, exclude))


def check_key(key: str) -> str:
    """Return a message's key as plain text.

    Raises:
        MessageError: It is too long, or holds a control character.
        UsageError: It is not text.
    """
    if not isinstance(key, str):
        raise UsageError(f"a key must be text, not {key!r:.80}")
    # Keys are made of what clients send, such as the ID of an order.
    if not 1 <= _utf8_size(key) <= MAX_KEY_BYTES:
        raise MessageError(
            f"a key must be text of 1 to {MAX_KEY_BYTES} bytes of UTF-8, not "
            f"{key!r:.80}"
        )
    if any(char < " " or "\x7f" <= char <= "\x9f" for char in key):
        raise MessageError(f"a key must not contain control characters: {key!r:.80}")
    return str.__str__(key)


def _utf8_size(value: object) -> int:
    """Return how many bytes of UTF-8 a text has; 0 for anything else."""
    try:
        return len(value.encode()) if isinstance(value, str) else 0
    except UnicodeEncodeError:
        return 0

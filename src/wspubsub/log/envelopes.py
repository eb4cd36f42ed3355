"""What clients receive of a logged message."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wspubsub.messages import encode

if TYPE_CHECKING:
    from wspubsub.log.rules import LoggedMessage

Envelope = Callable[["LoggedMessage"], object]
"""Makes what clients receive of a logged message, such as JSON with its offset."""

LONGEST_TIME = 1_999_999_999.1234567
"""No time, written as JSON, has more characters than this one."""


def as_published(message: "LoggedMessage") -> bytes:
    """Return the data without an envelope."""
    return message.data


def check_size(envelope: Envelope, topic: str, data: bytes, info: bytes | None) -> None:
    """Check a message, with all that an envelope adds, before it is logged.

    Raises:
        MessageTooLargeError: It has over 131,072 bytes.
        UsageError: The envelope makes something that cannot be encoded.
    """
    from wspubsub.log.rules import (  # noqa: PLC0415 - only where there is a log
        LoggedMessage,
        Position,
    )

    longest = LoggedMessage(
        topic=topic,
        position=Position("f" * 16, 2**53),
        id="f" * 32,
        data=data,
        published_at=LONGEST_TIME,
        info=info,
    )
    encode(envelope(longest))

"""What clients receive of a logged message."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wspubsub.messages import encode

if TYPE_CHECKING:
    from wspubsub.log.rules import LoggedMessage

Envelope = Callable[["LoggedMessage"], object]
"""Makes what clients receive of a logged message, such as JSON with its offset."""


def as_published(message: "LoggedMessage") -> bytes:
    """Return the data without an envelope."""
    return message.data


def check_size(envelope: Envelope, topic: str, data: bytes, info: bytes | None) -> None:
    """Check a message, with all that an envelope adds, before it is logged.

    Raises:
        MessageTooLargeError: It has over 131,072 bytes.
        UsageError: The envelope makes something that cannot be encoded, or the data
            cannot be logged.
    """
    from wspubsub.log.drafts import make_longest  # noqa: PLC0415 - if there is a log

    encode(envelope(make_longest(topic, data, info)))

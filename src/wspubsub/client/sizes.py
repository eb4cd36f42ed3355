"""How large a command may be.

API Gateway takes frames of 32 KB ("Quotas for configuring and running a WebSocket
API": WebSocket frame size), and ends a connection that sends a larger one with 1009.
SDKs send each message in one frame.
"""

import json
from typing import Any

from wspubsub.errors import MessageTooLargeError, UsageError

MAX_FRAME_BYTES = 32_768
"""What a frame may have."""

_LONGEST_ID = 2**32 - 1

_RECOVERY_BYTES = 1024
"""What an SDK adds to a subscribe: epoch, offset, flags and some of a token."""


def check_size(name: str, fields: dict[str, Any]) -> None:
    """Refuse a command that would end the connection.

    Args:
        name: The command's name.
        fields: Its fields.

    Raises:
        MessageTooLargeError: It has more than 32 KB.
        UsageError: It cannot be written as JSON.
    """
    try:
        # As the SDK writes it, with every other character than ASCII escaped.
        text = json.dumps({"id": _LONGEST_ID, name: fields}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot send this as JSON: {error}") from error
    room = _RECOVERY_BYTES if name in ("connect", "subscribe") else 0
    if len(text) + room > MAX_FRAME_BYTES:
        raise MessageTooLargeError(len(text), MAX_FRAME_BYTES - room)

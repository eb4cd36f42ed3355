"""From frames to messages: what API Gateway accepts from a client, and what it rejects.

"Quotas for configuring and running a WebSocket API": a frame carries at most 32 KB,
a message 128 KB, and more of either closes the connection with 1009. "Binary media
types for WebSocket APIs": binary frames close it with 1003.
"""

from wspubsub.gateway.closecodes import (
    INVALID_PAYLOAD,
    PROTOCOL_ERROR,
    TOO_BIG,
    UNSUPPORTED_DATA,
)
from wspubsub.gateway.inputs import DataFrame
from wspubsub.messages import MAX_MESSAGE_BYTES

MAX_FRAME_BYTES = 32_768


class UnacceptableFrameError(Exception):
    """A frame for which the connection must be closed.

    Attributes:
        code: Close code (RFC 6455 §7.4).
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"close code {code}")
        self.code = code


class Assembly:
    """The fragments of one connection's current message."""

    __slots__ = ("_fragments", "_size")

    def __init__(self) -> None:
        self._fragments: list[bytes] = []
        self._size = 0

    def add(self, frame: DataFrame) -> str | None:
        """Take the next frame and return the message that it completes, if it does.

        Raises:
            UnacceptableFrameError: The connection must be closed.
        """
        self._check(frame)
        self._fragments.append(frame.data)
        self._size += len(frame.data)
        if self._size > MAX_MESSAGE_BYTES:
            raise UnacceptableFrameError(TOO_BIG)
        if not frame.is_final:
            return None
        message = b"".join(self._fragments)
        self._fragments, self._size = [], 0
        try:
            return message.decode()
        except UnicodeDecodeError:  # RFC 6455 §8.1
            raise UnacceptableFrameError(INVALID_PAYLOAD) from None

    def _check(self, frame: DataFrame) -> None:
        is_continuation = frame.is_text is None
        if is_continuation != bool(self._fragments):  # RFC 6455 §5.4
            raise UnacceptableFrameError(PROTOCOL_ERROR)
        if frame.is_text is False:
            raise UnacceptableFrameError(UNSUPPORTED_DATA)
        if len(frame.data) > MAX_FRAME_BYTES:
            raise UnacceptableFrameError(TOO_BIG)

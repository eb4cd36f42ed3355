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
    """A frame for which the connection must be closed; the text says why.

    Attributes:
        code: Close code (RFC 6455 §7.4).
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Assembly:
    """The fragments of one connection's current message."""

    __slots__ = ("_has_begun", "_received")

    def __init__(self) -> None:
        self._has_begun = False
        self._received = bytearray()

    def add(self, frame: DataFrame) -> str | None:
        """Take the next frame and return the message that it completes, if it does.

        Raises:
            UnacceptableFrameError: The connection must be closed.
        """
        self._check(frame)
        self._received += frame.data
        self._has_begun = not frame.is_final
        if len(self._received) > MAX_MESSAGE_BYTES:
            raise UnacceptableFrameError(
                TOO_BIG, f"a message has at most {MAX_MESSAGE_BYTES:,} bytes"
            )
        if not frame.is_final:
            return None
        message, self._received = self._received, bytearray()
        try:
            return message.decode()
        except UnicodeDecodeError:  # RFC 6455 §8.1
            raise UnacceptableFrameError(
                INVALID_PAYLOAD, "a text message must be UTF-8"
            ) from None

    def _check(self, frame: DataFrame) -> None:
        is_continuation = frame.is_text is None
        if is_continuation != self._has_begun:  # RFC 6455 §5.4
            raise UnacceptableFrameError(
                PROTOCOL_ERROR, "the frames of two messages are mixed"
            )
        if frame.is_text is False:
            raise UnacceptableFrameError(UNSUPPORTED_DATA, "binary, not text")
        if len(frame.data) > MAX_FRAME_BYTES:
            raise UnacceptableFrameError(
                TOO_BIG,
                f"a frame of {len(frame.data):,} bytes: one has at most "
                f"{MAX_FRAME_BYTES:,}; send a longer message in several",
            )

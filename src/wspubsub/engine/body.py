"""Reading the body of an HTTP/1.1 response (RFC 9112 §6 and §7) as its bytes come in.

Each byte is looked at once, so a page of a megabyte costs no more for coming in many
small pieces.
"""

import re
from collections.abc import Callable

from wspubsub.errors import WspubsubError

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_LINE_BYTES = 65_536
"""For a line between chunks."""

_CHUNK_SIZE = rb"[0-9A-Fa-f]{1,8}"


class ResponseError(WspubsubError):
    """The peer sent something that is not an HTTP/1.1 response."""


class _Content:
    """Content that comes in parts, and says itself where it ends."""

    __slots__ = ("_parts", "_size")

    is_delimited = True

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def finish(self) -> bytes | None:
        """Return the content if the end of the connection completes it."""
        return None

    def _add(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            raise ResponseError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        self._parts.append(data)

    def _take(self) -> bytes:
        # A connection that is kept does not keep its last answer too.
        content = b"".join(self._parts)
        self._parts.clear()
        return content


class SizedBody(_Content):
    """A body with a known length, which may be 0."""

    __slots__ = ("_length",)

    def __init__(self, length: int) -> None:
        super().__init__()
        if length > MAX_BODY_BYTES:
            raise ResponseError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        self._length = length

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes in and return the content once it is complete."""
        self._add(data)
        if self._size > self._length:
            raise ResponseError("the answer is longer than its content-length")
        return self._take() if self._size == self._length else None


class EndlessBody(_Content):
    """A body that ends with the connection."""

    __slots__ = ()

    is_delimited = False

    def feed(self, data: bytes) -> None:
        """Take bytes in; only the end of the connection completes the content."""
        self._add(data)

    def finish(self) -> bytes | None:
        """Return the content."""
        return self._take()


class ChunkedBody(_Content):
    """A body in chunks (RFC 9112 §7.1): size, data, line end; size 0; trailers."""

    __slots__ = ("_is_complete", "_missing", "_read_next", "_unread")

    def __init__(self) -> None:
        super().__init__()
        self._unread = b""
        self._missing = 0
        self._is_complete = False
        self._read_next: Callable[[], bool] = self._read_size

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes in and return the content once it is complete."""
        self._unread += data
        while self._read_next():
            pass
        return self._take() if self._is_complete else None

    # Each returns whether there may be more to read.

    def _read_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._missing = _chunk_size(line)
        if self._size + self._missing > MAX_BODY_BYTES:
            raise ResponseError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        self._read_next = self._read_data if self._missing else self._read_trailer
        return True

    def _read_data(self) -> bool:
        data = self._unread[: self._missing]
        self._unread = self._unread[self._missing :]
        self._add(data)
        self._missing -= len(data)
        if self._missing:
            return False
        self._read_next = self._read_line_end
        return True

    def _read_line_end(self) -> bool:
        if len(self._unread) < len(b"\r\n"):
            return False
        if not self._unread.startswith(b"\r\n"):
            raise ResponseError(
                "a chunk of the answer does not end where its size says"
            )
        self._unread = self._unread[len(b"\r\n") :]
        self._read_next = self._read_size
        return True

    def _read_trailer(self) -> bool:
        line = self._line()
        if line:
            return True
        if line is not None:
            if self._unread:
                raise ResponseError("bytes follow the end of the answer")
            self._is_complete = True
        return False

    def _line(self) -> bytes | None:
        line, end, rest = self._unread.partition(b"\r\n")
        if end:
            self._unread = rest
            return line
        if len(line) > MAX_LINE_BYTES:
            raise ResponseError("a line between chunks of the answer is too long")
        return None


Body = SizedBody | EndlessBody | ChunkedBody
"""A body that is being received."""


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not re.fullmatch(_CHUNK_SIZE, digits):
        raise ResponseError(f"a chunk of the answer has an invalid size: {line[:20]!r}")
    return int(digits, 16)

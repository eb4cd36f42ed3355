"""Reading the body of an HTTP/1.1 response (RFC 9112 §6 and §7) as its bytes come in.

Each byte is looked at once, so a page of a megabyte costs no more for coming in many
small pieces.
"""

import re
from collections.abc import Callable
from typing import Protocol

from wspubsub.errors import WspubsubError

MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_LINE_BYTES = 65_536
"""For a line between chunks."""

_CHUNK_SIZE = rb"[0-9A-Fa-f]{1,8}"


class ResponseError(WspubsubError):
    """The peer sent something that is not an HTTP/1.1 response."""


class Body(Protocol):
    """A body that is being received.

    Attributes:
        is_delimited: Whether it says itself where it ends.
    """

    is_delimited: bool

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes in and return the content once it is complete."""
        ...

    def finish(self) -> bytes | None:
        """Return the content if the end of the connection completes it."""
        ...


class _Parts:
    """Content that comes in parts."""

    __slots__ = ("_parts", "size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def add(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > MAX_BODY_BYTES:
            raise ResponseError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        self._parts.append(data)

    def take(self) -> bytes:
        # A connection that is kept does not keep its last answer too.
        content = b"".join(self._parts)
        self._parts.clear()
        return content


class SizedBody:
    """A body with a known length, which may be 0."""

    __slots__ = ("_content", "_length", "is_delimited")

    def __init__(self, length: int) -> None:
        if length > MAX_BODY_BYTES:
            raise ResponseError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        self.is_delimited = True
        self._length = length
        self._content = _Parts()

    def feed(self, data: bytes) -> bytes | None:
        """See `Body.feed`."""
        self._content.add(data)
        if self._content.size > self._length:
            raise ResponseError("the answer is longer than its content-length")
        complete = self._content.size == self._length
        return self._content.take() if complete else None

    def finish(self) -> bytes | None:
        """See `Body.finish`."""
        return None


class EndlessBody:
    """A body that ends with the connection."""

    __slots__ = ("_content", "is_delimited")

    def __init__(self) -> None:
        self.is_delimited = False
        self._content = _Parts()

    def feed(self, data: bytes) -> bytes | None:
        """See `Body.feed`."""
        self._content.add(data)
        return None

    def finish(self) -> bytes | None:
        """See `Body.finish`."""
        return self._content.take()


class ChunkedBody:
    """A body in chunks (RFC 9112 §7.1): size, data, line end; size 0; trailers."""

    __slots__ = (
        "_content",
        "_is_complete",
        "_missing",
        "_read_next",
        "_unread",
        "is_delimited",
    )

    def __init__(self) -> None:
        self.is_delimited = True
        self._content = _Parts()
        self._unread = b""
        self._missing = 0
        self._is_complete = False
        self._read_next: Callable[[], bool] = self._read_size

    def feed(self, data: bytes) -> bytes | None:
        """See `Body.feed`."""
        self._unread += data
        while self._read_next():
            pass
        return self._content.take() if self._is_complete else None

    def finish(self) -> bytes | None:
        """See `Body.finish`."""
        return None

    # Each returns whether there may be more to read.

    def _read_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        self._missing = _chunk_size(line)
        if self._content.size + self._missing > MAX_BODY_BYTES:
            raise ResponseError(f"the answer is longer than {MAX_BODY_BYTES} bytes")
        self._read_next = self._read_data if self._missing else self._read_trailer
        return True

    def _read_data(self) -> bool:
        data = self._unread[: self._missing]
        self._unread = self._unread[self._missing :]
        self._content.add(data)
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


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not re.fullmatch(_CHUNK_SIZE, digits):
        raise ResponseError(f"a chunk of the answer has an invalid size: {line[:20]!r}")
    return int(digits, 16)

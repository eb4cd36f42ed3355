"""Reading an HTTP/1.1 response strictly (RFC 9112), as its bytes come in.

The answer that nearly every post gets, a head with `Content-Length: 0`, is recognized
with one comparison; everything else takes the general way. What is not exactly a
response is an error, never a guess: a guess could call a live connection gone.
"""

import re
from functools import cache

from wspubsub.engine.body import (
    Body,
    ChunkedBody,
    EndlessBody,
    ResponseError,
    SizedBody,
)

MAX_HEAD_BYTES = 65_536

_END_OF_HEAD = b"\r\n\r\n"
_HARMLESS = (
    rb"(?:(?:date|server|vary|content-type|x-amzn?-(?!errortype)[a-z-]+): [^\r\n]*"
    rb"|connection: keep-alive)\r\n"
)
_PLAIN_SUCCESS = (
    rb"HTTP/1\.1 200 [^\r\n]*\r\n(?:%b)*content-length: 0\r\n(?:%b)*\r\n"
    % (_HARMLESS, _HARMLESS)
)
"""The Management API's answer to a post, complete in one read. An answer with a header
that is not known to be harmless is parsed in full instead."""

_MAX_DIGITS = 18
_NO_BODY = frozenset({204, 304})
_INFORMATIONAL = range(100, 200)


class HttpResponse:
    """An HTTP response.

    Attributes:
        status: Status code.
        headers: Values by name in lower case.
        body: Content, with the transfer coding removed.
        keeps_alive: Whether the connection can be used again.
    """

    __slots__ = ("body", "headers", "keeps_alive", "status")

    def __init__(
        self, status: int, headers: dict[str, str], body: bytes, *, keeps_alive: bool
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.keeps_alive = keeps_alive


class ResponseReader:
    """Takes the bytes of one response after another.

    Bytes after a response are an error: nothing was asked that they could answer.
    """

    __slots__ = ("_body", "_buffer", "_head")

    def __init__(self) -> None:
        self._buffer = b""
        self._head: _Head | None = None
        self._body: Body = SizedBody(0)

    @property
    def has_begun(self) -> bool:
        """Whether part of a response has arrived."""
        return bool(self._buffer) or self._head is not None

    def feed(self, data: bytes) -> HttpResponse | None:
        """Take bytes in and return the response once it is complete.

        Raises:
            ResponseError: This is not an HTTP/1.1 response.
        """
        # An answer of DynamoDB has a body, and does not end here.
        if (
            data.endswith(_END_OF_HEAD)
            and self._head is None
            and not self._buffer
            and _plain_success().fullmatch(data)
        ):
            return HttpResponse(200, {}, b"", keeps_alive=True)
        if self._head is None:
            self._buffer += data
            data = self._begin_body()
        return None if self._head is None else self._end(self._body.feed(data))

    def finish(self) -> HttpResponse:
        """Return the response that the end of the connection completes.

        Raises:
            ResponseError: The connection was closed before the response was complete.
        """
        response = self._end(self._body.finish())
        if response is None:
            raise ResponseError(
                "the connection was closed before the answer was complete"
            )
        return response

    def _begin_body(self) -> bytes:
        """Read the head if it is complete, and return what follows it."""
        while (end := self._buffer.find(_END_OF_HEAD)) >= 0:
            head = _Head(self._buffer[:end])
            rest = self._buffer[end + len(_END_OF_HEAD) :]
            if head.status not in _INFORMATIONAL:
                self._head, self._body, self._buffer = head, head.body(), b""
                return rest
            self._buffer = rest  # RFC 9110 §15.2: interim answers come before it
        if len(self._buffer) > MAX_HEAD_BYTES:
            raise ResponseError(
                f"the head of the answer is longer than {MAX_HEAD_BYTES} bytes"
            )
        return b""

    def _end(self, content: bytes | None) -> HttpResponse | None:
        head = self._head
        if head is None or content is None:
            return None
        self._head = None
        keeps_alive = head.keeps_alive and self._body.is_delimited
        return HttpResponse(head.status, head.headers, content, keeps_alive=keeps_alive)


@cache
def _plain_success() -> re.Pattern[bytes]:
    # Compiled for the first post, not for a cold start.
    return re.compile(_PLAIN_SUCCESS, re.IGNORECASE)


class _Head:
    """The status line and the headers of a response."""

    __slots__ = ("headers", "keeps_alive", "status")

    def __init__(self, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        self.status, minor = _status_line(lines[0])
        self.headers: dict[str, str] = {}
        for text in lines[1:]:
            self._add(text)
        options = self.headers.get("connection", "").lower()
        self.keeps_alive = (
            "keep-alive" in options if minor == 0 else "close" not in options
        )

    def body(self) -> Body:
        """Return how the body is read."""
        coding = self.headers.get("transfer-encoding")
        length = self.headers.get("content-length")
        if coding is not None:
            # RFC 9112 §6.1: with both, someone may be smuggling a second answer.
            if coding.lower() != "chunked" or length is not None:
                raise ResponseError(
                    "the transfer coding of the answer is not supported: "
                    f"{coding[:40]!r}"
                )
            return ChunkedBody()
        if self.status in _NO_BODY:
            return SizedBody(0)
        if length is None:
            return EndlessBody()
        is_number = length.isascii() and length.isdigit() and len(length) <= _MAX_DIGITS
        if not is_number:
            raise ResponseError(
                f"the answer has an invalid content-length: {length[:40]!r}"
            )
        return SizedBody(int(length))

    def _add(self, text: str) -> None:
        name, colon, value = text.partition(":")
        if not colon or not name or name != name.strip() or "\n" in text:
            raise ResponseError(f"the answer has an invalid header line: {text[:40]!r}")
        name, value = name.lower(), value.strip()
        if name == "content-length" and self.headers.get(name, value) != value:
            raise ResponseError("the answer has two different content-lengths")
        self.headers[name] = value


def _status_line(line: str) -> tuple[int, int]:
    version, status = line[:8], line[9:12]
    if version not in {"HTTP/1.1", "HTTP/1.0"} or line[8:9] != " ":
        raise ResponseError(f"the answer has an invalid status line: {line[:40]!r}")
    if not (status.isascii() and status.isdigit()) or line[12:13] not in {"", " "}:
        raise ResponseError(f"the answer has an invalid status line: {line[:40]!r}")
    return int(status), int(version[-1])

"""Reading an HTTP/1.1 response strictly (RFC 9112), as its bytes come in.

The answer that nearly every post gets, a head with `Content-Length: 0`, is recognized
with one comparison once a server has given one; everything else takes the general way.
What is not exactly a response is an error, never a guess: a guess could call a live
connection gone.
"""

import re
from collections.abc import Callable

from wspubsub.engine.body import (
    Body,
    ChunkedBody,
    EndlessBody,
    ResponseError,
    SizedBody,
)

MAX_HEAD_BYTES = 65_536

_END_OF_LINE = b"\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_FRAMING = frozenset({b"connection", b"content-length"})
_MAX_DIGITS = 18
_OK = 200
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


class PlainSuccess:
    """What a server's success without content looks like: learned from one of them.

    The next one has the same headers in the same order, and in those that say where
    it ends, and whether the connection lives on, the same values. An answer that
    differs in anything else is parsed in full, so learning changes no result.
    """

    __slots__ = ("_match",)

    def __init__(self) -> None:
        self._match: Callable[[bytes], object] | None = None

    def is_repeated_by(self, data: bytes) -> bool:
        """Return whether data is one more such answer, complete."""
        return self._match is not None and self._match(data) is not None

    def learn(self, head: bytes) -> None:
        """Take one that has been parsed, without the empty line at its end."""
        status, *headers = head.split(_END_OF_LINE)
        lines = [re.escape(status), *map(_header_pattern, headers), _END_OF_LINE]
        self._match = re.compile(_END_OF_LINE.join(lines)).fullmatch


class ResponseReader:
    """Takes the bytes of one response after another.

    Bytes after a response are an error: nothing was asked that they could answer.

    Args:
        plain_success: What is known of the server's answers.
    """

    __slots__ = ("_body", "_buffer", "_head", "_plain_success")

    def __init__(self, plain_success: PlainSuccess) -> None:
        self._plain_success = plain_success
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
        if (
            self._head is None
            and not self._buffer
            and self._plain_success.is_repeated_by(data)
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
            raw = self._buffer[:end]
            head = _Head(raw)
            rest = self._buffer[end + len(_END_OF_HEAD) :]
            if head.status not in _INFORMATIONAL:
                self._head, self._body, self._buffer = head, head.body(), b""
                if head.is_plain_success:
                    self._plain_success.learn(raw)
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


def _header_pattern(line: bytes) -> bytes:
    name = line.partition(b":")[0]
    if name.lower() in _FRAMING:
        return re.escape(line)
    return re.escape(name) + b":.*"  # a dot is anything but a line feed


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

    @property
    def is_plain_success(self) -> bool:
        """Whether it says all: success, no content, and the connection lives on."""
        return (
            self.status == _OK
            and self.keeps_alive
            and self.headers.get("content-length") == "0"
            and "x-amzn-errortype" not in self.headers
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

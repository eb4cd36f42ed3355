"""Reading an HTTP/1.1 response strictly (RFC 9112), as its bytes come in.

The answer that nearly every post gets, a head with `Content-Length: 0`, is recognised
with one comparison; everything else takes the general way. What is not exactly a
response is an error, never a guess: a guess could call a live connection gone.
"""

import re
from functools import cache

from wspubsub.errors import WspubsubError

MAX_HEAD_BYTES = 65_536
MAX_BODY_BYTES = 32 * 1024 * 1024

_END_OF_HEAD = b"\r\n\r\n"
_HARMLESS = (
    rb"(?:(?:date|server|vary|content-type|x-amzn?-(?!errortype)[a-z-]+): [^\r\n]*"
    rb"|connection: keep-alive)\r\n"
)
_PLAIN_SUCCESS = (
    rb"HTTP/1\.1 200 [^\r\n]*\r\n(?:%b)*content-length: 0\r\n(?:%b)*\r\n"
    % (_HARMLESS, _HARMLESS)
)
"""What the Management API answers to a post, whole in one read. Whatever has a header
that is not known to mean nothing here goes the general way."""

_CHUNK_SIZE = rb"[0-9A-Fa-f]{1,8}"
_NO_BODY = frozenset({204, 304})
_INFORMATIONAL = range(100, 200)


class ResponseError(WspubsubError):
    """The peer sent something that is not an HTTP/1.1 response."""


class Response:
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

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    @property
    def has_begun(self) -> bool:
        """Whether part of a response has come in."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Response | None:
        """Take bytes in and return the response once it is complete.

        Raises:
            ResponseError: This is no HTTP/1.1 response.
        """
        # An answer of DynamoDB has a body, and does not end here.
        if (
            data.endswith(_END_OF_HEAD)
            and not self._buffer
            and _plain_success().fullmatch(data)
        ):
            return Response(200, {}, b"", keeps_alive=True)
        buffer = self._buffer + data if self._buffer else data
        response = _parsed(buffer, is_closed=False)
        self._buffer = b"" if response is not None else buffer
        return response

    def closed(self) -> Response:
        """Return the response that the end of the connection completes.

        Raises:
            ResponseError: The connection was closed before the response was complete.
        """
        response = _parsed(self._buffer, is_closed=True) if self._buffer else None
        self._buffer = b""
        if response is None:
            raise ResponseError("the connection was closed before the answer was whole")
        return response


@cache
def _plain_success() -> re.Pattern[bytes]:
    # Compiled for the first post, not for a cold start.
    return re.compile(_PLAIN_SUCCESS, re.IGNORECASE)


def _parsed(buffer: bytes, *, is_closed: bool) -> Response | None:
    while True:
        end = buffer.find(_END_OF_HEAD)
        if end < 0:
            if len(buffer) > MAX_HEAD_BYTES:
                raise ResponseError("the head of the answer is too long")
            return None
        status, minor, headers = _head(buffer[:end])
        rest = buffer[end + len(_END_OF_HEAD) :]
        if status not in _INFORMATIONAL:
            break
        buffer = rest  # RFC 9110 §15.2: interim answers come before the final one
    keeps_alive = _keeps_alive(minor, headers)
    body = _body(status, headers, rest, is_closed=is_closed)
    if body is None:
        return None
    content, is_delimited = body
    return Response(status, headers, content, keeps_alive=keeps_alive and is_delimited)


def _head(head: bytes) -> tuple[int, int, dict[str, str]]:
    lines = head.decode("latin-1").split("\r\n")
    line = lines[0]
    version, status = line[:8], line[9:12]
    if version not in {"HTTP/1.1", "HTTP/1.0"} or line[8:9] != " ":
        raise ResponseError(f"the answer begins with {line[:40]!r}")
    if not (status.isascii() and status.isdigit()) or line[12:13] not in {"", " "}:
        raise ResponseError(f"the answer begins with {line[:40]!r}")
    headers: dict[str, str] = {}
    for text in lines[1:]:
        name, colon, value = text.partition(":")
        if not colon or not name or name != name.strip() or "\n" in text:
            raise ResponseError(f"the answer has the header line {text[:40]!r}")
        name, value = name.lower(), value.strip()
        if name in headers and name == "content-length" and headers[name] != value:
            raise ResponseError("the answer has two different lengths")
        headers[name] = value
    return int(status), int(version[-1]), headers


def _keeps_alive(minor: int, headers: dict[str, str]) -> bool:
    options = headers.get("connection", "").lower()
    return "keep-alive" in options if minor == 0 else "close" not in options


def _body(
    status: int, headers: dict[str, str], rest: bytes, *, is_closed: bool
) -> tuple[bytes, bool] | None:
    coding = headers.get("transfer-encoding")
    length = headers.get("content-length")
    if coding is not None:
        # RFC 9112 §6.1: with both, someone may be smuggling a second answer.
        if coding.lower() != "chunked" or length is not None:
            raise ResponseError(f"the answer is transfer-coded as {coding[:40]!r}")
        chunks = _chunked(rest)
        return None if chunks is None else (chunks, True)
    if status in _NO_BODY:
        return _exactly(rest, 0)
    if length is None:
        if len(rest) > MAX_BODY_BYTES:
            raise ResponseError("the answer is too long")
        return (rest, False) if is_closed else None
    if not (length.isascii() and length.isdigit()):
        raise ResponseError(f"the answer has the length {length[:40]!r}")
    return _exactly(rest, int(length))


def _exactly(rest: bytes, length: int) -> tuple[bytes, bool] | None:
    if length > MAX_BODY_BYTES or len(rest) > length:
        raise ResponseError("the answer is longer than it says, or too long")
    return (rest, True) if len(rest) == length else None


def _chunked(rest: bytes) -> bytes | None:
    # RFC 9112 §7.1.
    parts: list[bytes] = []
    position = total = 0
    while True:
        end = rest.find(b"\r\n", position)
        if end < 0:
            return None
        size = _chunk_size(rest[position:end])
        start = end + 2
        if size == 0:
            return _after_trailers(rest, start, parts)
        total += size
        if total > MAX_BODY_BYTES:
            raise ResponseError("the answer is too long")
        if len(rest) < start + size + 2:
            return None
        if rest[start + size : start + size + 2] != b"\r\n":
            raise ResponseError("a chunk of the answer does not end where it says")
        parts.append(rest[start : start + size])
        position = start + size + 2


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not re.fullmatch(_CHUNK_SIZE, digits):
        raise ResponseError(f"a chunk of the answer has the size {line[:20]!r}")
    return int(digits, 16)


def _after_trailers(rest: bytes, start: int, parts: list[bytes]) -> bytes | None:
    if rest.startswith(b"\r\n", start):
        end = start + 2
    else:
        found = rest.find(_END_OF_HEAD, start)
        if found < 0:
            return None
        end = found + len(_END_OF_HEAD)
    if len(rest) > end:
        raise ResponseError("the answer goes on after its end")
    return b"".join(parts)

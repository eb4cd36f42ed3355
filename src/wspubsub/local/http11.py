"""HTTP/1.1 on an asyncio stream, with a limit for everything that a peer may send.

`requests` decides what a head may be. Here are the bounds: how long a request may take,
how much of its head is read and how much of its body is kept. A body that is longer is
read to its end, up to `MAX_DISCARDED_BYTES`, so that the peer can read the answer.

What has arrived already is processed without a timer, and an answer is one write: a
laptop's gateway spends most of its time here.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

from wspubsub.local.requests import BadRequestError, HttpRequest, read_head

HEAD_SECONDS = 10.0
"""How long a request may take from its first byte to the end of its head."""

BODY_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 120.0
LINGER_SECONDS = 1.0
MAX_HEAD_BYTES = 16_384
MAX_DISCARDED_BYTES = 67_108_864
_CHUNK = 65_536
_HEAD_TOO_LONG = 431
_FIRST_VISIBLE = 0x21
_END = b"\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 \r\n\r\n"
_BARE_LINE_END = re.compile(rb"(?<!\r)\n")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*")
# The extension of a chunk is ignored (RFC 9112 §7.1.1).
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_TOO_LONG = (
    f"the request line and headers have more than {MAX_HEAD_BYTES:,} bytes; send less, "
    "such as fewer cookies"
)


class HttpConnection:
    """The server's side of one connection.

    Args:
        reader: What the peer sends.
        writer: Where answers go.
        max_body_bytes: How much of a request's body is kept.
        head_seconds: How long the head of a request may take.
        is_patient: Whether the peer may be silent between two requests for as long
            as it likes.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        max_body_bytes: int,
        head_seconds: float = HEAD_SECONDS,
        is_patient: bool = False,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._max_body_bytes = max_body_bytes
        self._head_seconds = head_seconds
        self._is_patient = is_patient
        self._patience: float | None = head_seconds
        self._received = b""
        # Of the request that is being answered.
        self._is_head = False
        self._is_last = True
        self._has_left = False

    @property
    def unread(self) -> bytes:
        """What was received after the end of the request."""
        return self._received

    @property
    def has_left(self) -> bool:
        """Whether the connection speaks another protocol now."""
        return self._has_left

    def leave(self) -> None:
        """Note that the connection speaks another protocol from now on."""
        self._has_left = True
        self._received = b""

    async def next_request(self) -> HttpRequest | None:
        """Return the next request, or None if the peer has finished or is silent.

        Raises:
            BadRequestError: It is not HTTP, is too long, or arrives too slowly.
            OSError: The connection is lost.
        """
        if not await self._await_request():
            return None
        self._is_head, self._is_last = False, True
        try:
            return await self._read()
        except TimeoutError:
            raise BadRequestError(408, "the request took too long") from None

    async def respond(
        self,
        status: int,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        close: bool = False,
    ) -> bool:
        """Answer the request.

        Args:
            status: HTTP status.
            headers: All but `Date`, `Connection` and `Content-Length`.
            body: Payload.
            close: Whether this is the last answer on the connection.

        Returns:
            Whether another request may follow.

        Raises:
            OSError: The connection is lost.
            ValueError: A header cannot be sent (RFC 9110 §5.5).
        """
        fields = list(headers.items() if isinstance(headers, Mapping) else headers)
        is_last = close or self._is_last
        fields.append(("date", _date()))
        if is_last:
            fields.append(("connection", "close"))
        has_body = status not in _WITHOUT_BODY
        if has_body and all(name.lower() != "content-length" for name, _ in fields):
            fields.append(("content-length", str(len(body))))
        head = _format_head(status, fields)
        # One write is one system call, and one packet.
        self._writer.write(head + body if has_body and not self._is_head else head)
        await self._writer.drain()
        self._patience = None if self._is_patient else KEEP_ALIVE_SECONDS
        return not is_last

    async def linger(self) -> None:
        """Let the peer read the last answer before the connection closes.

        To close while something is unread would reset the connection, and the answer
        with it (RFC 9112 §9.6).
        """
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(_CHUNK):
                    pass

    async def _await_request(self) -> bool:
        # Waiting for a request to begin is not the peer's fault: no answer to that.
        if self._received:
            return True
        try:
            async with asyncio.timeout(self._patience):
                data = await self._reader.read(_CHUNK)
        except TimeoutError:
            data = await self._read_at_once()
        self._received = data
        return bool(data)

    async def _read_at_once(self) -> bytes:
        # A machine that was asleep, or too busy, finds both at once when it wakes: what
        # the peer has sent, and that the time for it is over.
        try:
            async with asyncio.timeout(0):
                return await self._reader.read(_CHUNK)
        except TimeoutError:
            return b""

    async def _read(self) -> HttpRequest:
        head = self._take_head()
        if head is None:
            async with asyncio.timeout(self._head_seconds):
                while head is None:
                    await self._receive()
                    head = self._take_head()
        self._is_head = head.startswith(b"HEAD ")
        request = read_head(head)
        if request.expects_continue:
            self._writer.write(_CONTINUE)
        if request.is_chunked:
            async with asyncio.timeout(BODY_SECONDS):
                body, size = await self._chunked_body()
        elif size := request.length:
            body = await self._body(size)
        else:
            self._is_last = request.is_last
            return request
        self._is_last = request.is_last
        request.body, request.is_cut = body, size > len(body)
        return request

    def _take_head(self) -> bytes | None:
        received = self._received
        end = received.find(_END)
        if end < 0:
            if len(received) > MAX_HEAD_BYTES:
                raise BadRequestError(_HEAD_TOO_LONG, _TOO_LONG)
            # Whoever speaks something else may wait for an answer to that.
            if received[0] < _FIRST_VISIBLE or _BARE_LINE_END.search(received):
                raise BadRequestError(
                    400, "the request is not valid HTTP/1.1: lines end with CR and LF"
                )
            return None
        if end + len(_END) > MAX_HEAD_BYTES:
            raise BadRequestError(_HEAD_TOO_LONG, _TOO_LONG)
        self._received = received[end + len(_END) :]
        return received[:end]

    async def _body(self, size: int) -> bytes:
        if size <= len(self._received):
            return self._take(size)[: self._max_body_bytes]
        async with asyncio.timeout(BODY_SECONDS):
            kept = bytearray()
            await self._keep(kept, size, 0)
        return bytes(kept)

    async def _chunked_body(self) -> tuple[bytes, int]:
        kept = bytearray()
        size = 0
        while length := _chunk_size(await self._line()):
            await self._keep(kept, length, size)
            size += length
            if await self._line():
                raise BadRequestError(400, "a chunk is longer than it says")
        trailer = 0
        while line := await self._line():  # nobody needs it
            trailer += len(line)
            if trailer > MAX_HEAD_BYTES:
                raise BadRequestError(_HEAD_TOO_LONG, _TOO_LONG)
        return bytes(kept), size

    async def _keep(self, kept: bytearray, size: int, before: int) -> None:
        """Read a part of a body, of which some is kept."""
        while size:
            if not self._received:
                await self._receive()
            data = self._take(min(size, len(self._received)))
            size -= len(data)
            before += len(data)
            if before > MAX_DISCARDED_BYTES:
                raise BadRequestError(413, "the request is too long")
            kept += data[: self._max_body_bytes - len(kept)]

    async def _line(self) -> bytes:
        while (end := self._received.find(b"\r\n")) < 0:
            if len(self._received) > MAX_HEAD_BYTES:
                raise BadRequestError(_HEAD_TOO_LONG, _TOO_LONG)
            await self._receive()
        line = self._take(end)
        self._take(2)
        return line

    def _take(self, size: int) -> bytes:
        data, self._received = self._received[:size], self._received[size:]
        return data

    async def _receive(self) -> None:
        data = await self._reader.read(_CHUNK)
        if not data:
            raise BadRequestError(400, "the request is incomplete")
        self._received += data


def _chunk_size(line: bytes) -> int:
    found = _CHUNK_SIZE.fullmatch(line)
    if found is None:
        raise BadRequestError(
            400, "the request is not valid HTTP/1.1: illegal chunk size"
        )
    return int(found[1], 16)


def _format_head(status: int, fields: Iterable[tuple[str, str]]) -> bytes:
    reason = HTTPStatus(status).phrase if status in _STATUSES else ""
    lines = [f"{name}: {value}" for name, value in fields]
    for line in lines:
        if not _HEADER.fullmatch(line):
            raise ValueError(f"cannot send the header {line!r}")
    text = "\r\n".join((f"HTTP/1.1 {status} {reason}", *lines, "", ""))
    return text.encode("ascii")


def _date() -> str:
    return _format_date(int(time.time()))


@lru_cache(maxsize=1)
def _format_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


_STATUSES = frozenset(status.value for status in HTTPStatus)
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})

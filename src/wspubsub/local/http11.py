"""HTTP/1.1 on an asyncio stream, with a limit for everything that a peer may send.

The parsing is h11's. What is added are the bounds: how long a request may take, how
much of its head is read and how much of its body is kept. A body that is longer is
read to its end, up to `MAX_DISCARDED_BYTES`, so that the peer can read the answer.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from email.utils import formatdate
from http import HTTPStatus

import h11

from wspubsub.local.requests import BadRequestError, HttpRequest, read_head

HEAD_SECONDS = 10.0
"""How long a request may take from its first byte to the end of its head."""

BODY_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 120.0
LINGER_SECONDS = 1.0
MAX_HEAD_BYTES = 16_384
MAX_DISCARDED_BYTES = 67_108_864
_CHUNK = 65_536
_MAX_REASON = 200
_HEAD_TOO_LONG = 431
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
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._head_seconds = head_seconds
        self._is_patient = is_patient
        self._patience: float | None = head_seconds
        self._is_head = False
        self._received = 0
        self._has_left = False

    @property
    def unread(self) -> bytes:
        """What was received after the end of the request."""
        return self._h11.trailing_data[0]

    @property
    def has_left(self) -> bool:
        """Whether the connection speaks another protocol now."""
        return self._has_left

    def leave(self) -> None:
        """Note that the connection speaks another protocol from now on."""
        self._has_left = True

    async def next_request(self) -> HttpRequest | None:
        """Return the next request, or None if the peer has finished or is silent.

        Raises:
            BadRequestError: It is not HTTP, is too long, or arrives too slowly.
            OSError: The connection is lost.
        """
        if not await self._await_request():
            return None
        try:
            return await self._read()
        except h11.RemoteProtocolError as error:
            raise _bad_request(error) from None
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
        """
        fields = list(headers.items() if isinstance(headers, Mapping) else headers)
        fields.append(("date", formatdate(usegmt=True)))
        if close or self._h11.their_state is not h11.DONE:
            fields.append(("connection", "close"))
        names = {name.lower() for name, _ in fields}
        if "content-length" not in names and status not in (204, 304):
            fields.append(("content-length", str(len(body))))
        reason = HTTPStatus(status).phrase if status in _STATUSES else ""
        self._send(h11.Response(status_code=status, headers=fields, reason=reason))
        if body and not self._is_head:
            self._send(h11.Data(data=body))
        self._send(h11.EndOfMessage())
        await self._writer.drain()
        if not (self._h11.our_state is self._h11.their_state is h11.DONE):
            return False
        self._h11.start_next_cycle()
        self._patience = None if self._is_patient else KEEP_ALIVE_SECONDS
        return True

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
        if self._h11.trailing_data[0]:
            return True
        try:
            async with asyncio.timeout(self._patience):
                data = await self._reader.read(_CHUNK)
        except TimeoutError:
            data = await self._read_at_once()
        self._receive(data)
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
        async with asyncio.timeout(self._head_seconds):
            request = read_head(await self._head())
        if self._h11.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=100, headers=[]))
        async with asyncio.timeout(BODY_SECONDS):
            body, is_cut = await self._body()
        return replace(request, body=body, is_cut=is_cut)

    async def _head(self) -> h11.Request:
        before = self._received - len(self.unread)
        head = await self._event()
        if not isinstance(head, h11.Request):
            raise BadRequestError(400, "the request is incomplete")
        self._is_head = head.method == b"HEAD"
        # h11 looks at the size only while the end of a head is missing, so it would
        # depend on how the network cuts a head whether that is too long.
        if self._received - len(self.unread) - before > MAX_HEAD_BYTES:
            raise BadRequestError(_HEAD_TOO_LONG, _TOO_LONG)
        return head

    async def _body(self) -> tuple[bytes, bool]:
        kept = bytearray()
        size = 0
        while True:
            event = await self._event()
            if not isinstance(event, h11.Data):
                return bytes(kept), size > len(kept)
            size += len(event.data)
            if size > MAX_DISCARDED_BYTES:
                raise BadRequestError(413, "the request is too long")
            kept += event.data[: self._max_body_bytes - len(kept)]

    async def _event(self) -> h11.Event:
        event = self._h11.next_event()
        while isinstance(event, type):  # h11.NEED_DATA
            self._receive(await self._reader.read(_CHUNK))
            event = self._h11.next_event()
        return event

    def _receive(self, data: bytes) -> None:
        self._received += len(data)
        self._h11.receive_data(data)

    def _send(self, event: h11.Event) -> None:
        data = self._h11.send(event)
        if data:
            self._writer.write(data)


def _bad_request(error: h11.RemoteProtocolError) -> BadRequestError:
    status = error.error_status_hint
    if status == _HEAD_TOO_LONG:
        return BadRequestError(status, _TOO_LONG)
    text = str(error)[:_MAX_REASON]
    is_line = "request line" in text
    advice = "; percent-encode what is not ASCII" if is_line else ""
    return BadRequestError(
        status,
        f"the request is not valid HTTP/1.1: {text}{advice}",
    )


_STATUSES = frozenset(status.value for status in HTTPStatus)

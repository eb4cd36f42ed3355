"""One client's WebSocket connection (RFC 6455), between its socket and the gateway.

The protocol is that of the library websockets, without its I/O; what API Gateway
allows is the model's business. This file knows how frames become inputs of the model,
and how long a client may leave what was sent to it unread.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass

from websockets.datastructures import Headers
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from wspubsub.gateway import DataFrame, Refuse
from wspubsub.gateway.closecodes import ABNORMAL, NO_CODE
from wspubsub.local.apigateway.compression import (
    SharedDeflate,
    SharedDeflateFactory,
    serialize_text,
)
from wspubsub.local.apigateway.pace import Pace
from wspubsub.local.requests import HttpRequest
from wspubsub.local.tasks import first_of
from wspubsub.messages import MAX_MESSAGE_BYTES

MAX_EARLY_BYTES = 65_536
"""How much is read before the handshake is answered; clients must not send any."""

CLOSE_SECONDS = 2.0
"""How long a client has to answer a close frame."""

TURN_BYTES = 4096
"""How much of what a client has sent is processed before others have their turn."""

SWITCHING_PROTOCOLS = 101
_CHUNK = 65_536
_DEFLATE = SharedDeflateFactory()


@dataclass(frozen=True, slots=True)
class Pinged:
    """The client sent a ping, which has been answered."""


@dataclass(frozen=True, slots=True)
class ConnectionEnd:
    """The client or the network ended the connection.

    Attributes:
        code: Code of the close frame, None if it had none; 1006 without a close frame.
        reason: Reason of the close frame.
        fault: What the client did against the protocol, for which the gateway ended
            the connection; empty otherwise.
    """

    code: int | None
    reason: str = ""
    fault: str = ""


LOST = ConnectionEnd(ABNORMAL)


class WebSocketConnection:
    """The gateway's end of one client's connection.

    Args:
        reader: What the client sends.
        writer: Where it receives.
        request: Its handshake.
        early: What it has sent after the handshake already.
        max_buffer_bytes: While more than this waits to be sent, nothing is read.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        request: HttpRequest,
        early: bytes,
        *,
        max_buffer_bytes: int,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._pace: Pace | None = None
        self._early = bytearray(early)
        self._loop = asyncio.get_running_loop()
        self._verdict: asyncio.Future[Refuse | None] = self._loop.create_future()
        self._handshake = ServerProtocol(extensions=[_DEFLATE])
        self._response: Response = self._handshake.accept(
            Request(path=request.path, headers=Headers(request.headers))
        )
        # The request has been read already, so this one begins after it.
        # Of a message that is too long no more is read than shows that it is.
        self._protocol = ServerProtocol(state=State.OPEN, max_size=MAX_MESSAGE_BYTES)
        self._protocol.extensions = self._handshake.extensions
        self._window_bits = next(
            (
                each.local_max_window_bits
                for each in self._handshake.extensions
                if isinstance(each, SharedDeflate)
            ),
            None,
        )
        self._max_buffer_bytes = max_buffer_bytes
        writer.transport.set_write_buffer_limits(high=max_buffer_bytes)

    @property
    def fault(self) -> Response | None:
        """The answer to an invalid handshake (RFC 6455 §4.2.1), or None."""
        is_sound = self._response.status_code == SWITCHING_PROTOCOLS
        return None if is_sound else self._response

    @property
    def fault_reason(self) -> str:
        """What makes the handshake invalid, and what to do."""
        return (
            f"the WebSocket handshake is invalid: {self._handshake.handshake_exc}; "
            "RFC 6455 §4.2.1 says what a handshake must have"
        )

    @property
    def backlog_bytes(self) -> int:
        """How many bytes wait to be sent to the client."""
        held = 0 if self._pace is None else self._pace.held_bytes
        return held + self._writer.transport.get_write_buffer_size()

    @property
    def is_congested(self) -> bool:
        """Whether more than the limit waits to be sent to the client."""
        return self.backlog_bytes > self._max_buffer_bytes

    def accept(self, headers: Mapping[str, str]) -> None:
        """Answer the handshake with 101."""
        for name, value in headers.items():
            self._response.headers[name] = value
        self._handshake.send_response(self._response)
        for data in self._handshake.data_to_send():
            self._writer.write(data)
        # There may be thousands of connections: what is over takes no memory.
        del self._handshake, self._response
        self._verdict.set_result(None)

    def refuse(self, refusal: Refuse) -> None:
        """Decide that the handshake is refused; `verdict` returns the refusal."""
        self._verdict.set_result(refusal)

    def send(self, text: str) -> None:
        """Send one message, in frames as long as API Gateway's; none after the end."""
        if self._protocol.state is not State.OPEN or self._writer.is_closing():
            return
        self._write(serialize_text(text, self._window_bits))

    def close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake (RFC 6455 §7.1.2)."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._flush()
            self._loop.call_later(CLOSE_SECONDS, self._writer.transport.abort)

    @property
    def bytes_per_second(self) -> float | None:
        """How fast it passes what is sent, or None without a limit."""
        return None if self._pace is None else self._pace.bytes_per_second

    def slow_down(self, bytes_per_second: float | None) -> None:
        """Limit what passes to the client; None lifts the limit."""
        if self._pace is None:
            self._pace = Pace(self._writer)
        self._pace.set(bytes_per_second)

    def drop(self) -> None:
        """Cut the connection without a word."""
        self._writer.transport.abort()

    async def verdict(self) -> Refuse | ConnectionEnd | None:
        """Wait for the answer to the handshake.

        Returns:
            None if it was accepted, what refuses it, or that the client has left.
        """
        while not self._verdict.done():
            reading = self._loop.create_task(self._read())
            await first_of(self._verdict, reading)
            if not reading.done():
                reading.cancel()
                await asyncio.wait({reading})
            elif not reading.result():
                return LOST
            else:
                self._early += reading.result()
            if len(self._early) > MAX_EARLY_BYTES:
                await asyncio.wait({self._verdict})
        return self._verdict.result()

    async def inputs(self) -> AsyncIterator[DataFrame | Pinged | ConnectionEnd]:
        """Yield what the client sends; the last item is that it has ended."""
        data = bytes(self._early)
        while True:
            for begin in range(0, len(data), TURN_BYTES):
                self._protocol.receive_data(data[begin : begin + TURN_BYTES])
                for item in self._take_inputs():
                    yield item
                ended = self._find_end()
                if ended is not None:
                    yield ended
                    return
                if not await self.drain():
                    yield LOST
                    return
                await asyncio.sleep(0)
            data = await self._read()
            if not data:
                self._protocol.receive_eof()
                yield self._find_end() or LOST
                return

    async def drain(self) -> bool:
        """Wait while too much waits to be sent; return False if the client is lost."""
        try:
            if self._pace is not None and self.is_congested:
                await self._pace.drain()
            await self._writer.drain()
        except OSError:
            return False
        return True

    def _take_inputs(self) -> Iterator[DataFrame | Pinged]:
        self._flush()  # pongs do not wait for what the messages cause
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode in _INPUTS:
                yield _INPUTS[event.opcode](event)

    async def _read(self) -> bytes:
        try:
            return await self._reader.read(_CHUNK)
        except OSError:
            return b""

    def _find_end(self) -> ConnectionEnd | None:
        if self._protocol.close_rcvd is not None:
            code, reason = (
                self._protocol.close_rcvd.code,
                self._protocol.close_rcvd.reason,
            )
            return ConnectionEnd(None if code == NO_CODE else int(code), reason)
        if isinstance(self._protocol.parser_exc, EOFError):
            return LOST
        if self._protocol.parser_exc is not None and self._protocol.close_sent:
            fault = str(self._protocol.parser_exc)
            return ConnectionEnd(int(self._protocol.close_sent.code), fault=fault)
        return None

    def _write(self, data: bytes) -> None:
        if self._pace is None:
            self._writer.write(data)
        else:
            self._pace.write(data)

    def _end(self) -> None:
        if self._pace is None:
            self._writer.close()
        else:
            self._pace.end()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if self._writer.is_closing():
                return  # asyncio would log each write to a client that has gone
            if data:
                self._write(data)
            else:
                self._end()
                self._loop.call_later(CLOSE_SECONDS, self._writer.transport.abort)


def _make_data_frame(frame: Frame) -> DataFrame:
    is_text = None if frame.opcode is Opcode.CONT else frame.opcode is Opcode.TEXT
    return DataFrame(bytes(frame.data), is_text=is_text, is_final=frame.fin)


def _make_ping(_frame: Frame) -> Pinged:
    return Pinged()


_INPUTS: dict[Opcode, Callable[[Frame], DataFrame | Pinged]] = {
    Opcode.TEXT: _make_data_frame,
    Opcode.BINARY: _make_data_frame,
    Opcode.CONT: _make_data_frame,
    Opcode.PING: _make_ping,
}

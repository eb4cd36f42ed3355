"""A WebSocket client of an in-process gateway."""

import json
from collections import deque
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Protocol, Self

from typing_extensions import override

from wspubsub.errors import UsageError
from wspubsub.gateway.closecodes import ABNORMAL, NO_CODE
from wspubsub.gateway.inputs import DataFrame
from wspubsub.messages import Json
from wspubsub.testing.errors import (
    ClientClosedError,
    NoMessageError,
    UnexpectedMessageError,
)

_SUBPROTOCOL = "sec-websocket-protocol"
# RFC 6455 §7.4.1: these stand for the absence of a code and are never sent.
_NEVER_SENT = frozenset({NO_CODE, ABNORMAL, 1015})
_CODES = range(1000, 5000)
_MAX_REASON_BYTES = 123


class Wire(Protocol):
    """What a client is connected to."""

    def take_frame(self, connection_id: str, frame: DataFrame) -> None:
        """Receive a data frame from a client."""
        ...

    def take_ping(self, connection_id: str) -> None:
        """Receive a ping from a client."""
        ...

    def take_close(self, connection_id: str, code: int | None, reason: str) -> None:
        """Receive the end of a connection from a client."""
        ...

    def last_failure(self) -> str:
        """Return the last error of a handler; empty if there was no error."""
        ...


class TestClient:
    """A client that is connected to an `InProcessGateway`; `connect` returns it.

    Handlers have run when `send` returns, so what they sent can be received at once.
    As a context manager it closes the connection at the end.

    Attributes:
        connection_id: The ID that API Gateway gave the connection.
        subprotocol: The subprotocol that the `connect` handler chose; None if none.
        close_code: Close code (RFC 6455 §7.4) once the connection has ended, 1006 if
            it ended without a close frame; None while it is open.
        close_reason: Reason in the close frame.
    """

    __test__ = False  # pytest is not to collect this class as a test

    def __init__(self, connection_id: str, wire: Wire) -> None:
        self.connection_id = connection_id
        self.subprotocol: str | None = None
        self.close_code: int | None = None
        self.close_reason = ""
        self._wire = wire
        self._inbox: deque[str] = deque()

    @override
    def __repr__(self) -> str:
        state = "open" if self.is_open else f"closed with {self.close_code}"
        return f"<TestClient {self.connection_id} {state}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.is_open:
            self.close()

    @property
    def is_open(self) -> bool:
        """Whether the connection is still open."""
        return self.close_code is None

    def send(self, data: object) -> None:
        """Send one message in one frame, as most client libraries do.

        Args:
            data: Text as it is, bytes as a binary message, anything else as JSON.

        Raises:
            ClientClosedError: The connection has ended.
        """
        if isinstance(data, bytes):
            self.send_frames([DataFrame(data, is_text=False)])
        else:
            self.send_frames([as_text(data)])

    def send_frames(self, fragments: Iterable[str | bytes | DataFrame]) -> None:
        """Send one message in several frames (RFC 6455 §5.4).

        Args:
            fragments: Text, or bytes of a text; a `DataFrame` is sent as it is.

        Raises:
            ClientClosedError: The connection has ended.
        """
        given = list(fragments)
        for index, fragment in enumerate(given):
            if self.close_code is not None:
                raise ClientClosedError(self.close_code)
            frame = _frame(
                fragment, is_first=index == 0, is_last=index == len(given) - 1
            )
            self._wire.take_frame(self.connection_id, frame)

    def ping(self) -> None:
        """Send a ping, which API Gateway answers."""
        self._wire.take_ping(self.connection_id)

    def receive(self) -> str:
        """Return the next message.

        Raises:
            NoMessageError: None has come.
        """
        if not self._inbox:
            raise NoMessageError(f"no message has arrived{self._why()}")
        return self._inbox.popleft()

    def receive_json(self) -> Json:
        """Return the value of the next message, which must be JSON.

        Raises:
            NoMessageError: None has come.
        """
        return json.loads(self.receive())

    def receive_all(self) -> list[str]:
        """Return all messages that have arrived and were not received yet."""
        messages = list(self._inbox)
        self._inbox.clear()
        return messages

    def receive_all_json(self) -> list[Json]:
        """Return the values of all messages that have arrived; each must be JSON."""
        return [json.loads(message) for message in self.receive_all()]

    def expect(self, data: object) -> None:
        """Check that the next message equals `data`.

        Args:
            data: Text is compared with the message itself, anything else with the
                JSON value of the message.

        Raises:
            NoMessageError: None has come.
            UnexpectedMessageError: Another one has come.
        """
        message = self.receive()
        if message != data and (isinstance(data, str) or _value(message) != data):
            raise UnexpectedMessageError(f"expected {data!r}, but received {message!r}")

    def expect_nothing(self) -> None:
        """Check that no message has arrived that was not received yet.

        Raises:
            UnexpectedMessageError: One has come.
        """
        if self._inbox:
            raise UnexpectedMessageError(
                f"expected no message, but received {self._inbox[0]!r}"
            )

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close the connection; does nothing if it has ended.

        Args:
            code: Close code; None closes without one, as browsers do.
            reason: Reason for the close frame; needs a code.

        Raises:
            UsageError: A client cannot send this code or reason.
        """
        _check_close(code, reason)
        self._end(NO_CODE if code is None else code, reason)
        self._wire.take_close(self.connection_id, code, reason)

    def kill(self) -> None:
        """Lose the network: the connection ends without a close frame."""
        self._end(ABNORMAL, "")
        self._wire.take_close(self.connection_id, ABNORMAL, "")

    def take_accept(self, headers: Mapping[str, str]) -> None:
        """Receive the 101 answer to the handshake; the gateway calls this."""
        chosen = [
            text for name, text in headers.items() if name.lower() == _SUBPROTOCOL
        ]
        self.subprotocol = chosen[0] if chosen else None

    def take_message(self, text: str) -> None:
        """Receive a message; the gateway calls this."""
        self._inbox.append(text)

    def take_close(self, code: int, reason: str) -> None:
        """Receive a close frame; the gateway calls this."""
        self._end(code, reason)

    def _end(self, code: int, reason: str) -> None:
        if self.close_code is None:
            self.close_code, self.close_reason = code, reason

    def _why(self) -> str:
        ended = (
            ""
            if self.is_open
            else f", and none will arrive: closed with {self.close_code}"
        )
        failure = self._wire.last_failure()
        return (
            f"{ended}; the last handler that failed raised {failure}"
            if failure
            else ended
        )


def as_text(data: object) -> str:
    """Return data as a client writes it: text unchanged, anything else as JSON."""
    return data if isinstance(data, str) else json.dumps(data)


def _frame(
    fragment: str | bytes | DataFrame, *, is_first: bool, is_last: bool
) -> DataFrame:
    if isinstance(fragment, DataFrame):
        return fragment
    data = fragment.encode() if isinstance(fragment, str) else fragment
    return DataFrame(data, is_text=True if is_first else None, is_final=is_last)


def _value(message: str) -> object:
    try:
        return json.loads(message)
    except ValueError:
        return message


def _check_close(code: int | None, reason: str) -> None:
    if code is not None and (code in _NEVER_SENT or code not in _CODES):
        raise UsageError(
            f"{code} is not a close code that a client can send; leave it out to "
            "close without a code, or use kill() to simulate the loss of the "
            "network"
        )
    if reason and code is None:
        raise UsageError("a reason needs a code: close(1000, reason)")
    if len(reason.encode()) > _MAX_REASON_BYTES:
        raise UsageError(
            f"a close reason must have at most {_MAX_REASON_BYTES} bytes of UTF-8, "
            f"not {len(reason.encode())}"
        )

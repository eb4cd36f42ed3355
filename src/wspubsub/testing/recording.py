"""A double of the Management API that records what was posted, and can fail."""

import json
import time
from collections.abc import Callable, Iterable

from typing_extensions import override

from wspubsub.connections import ConnectionInfo
from wspubsub.faults import Fault, Faults
from wspubsub.faults.answers import answer_management
from wspubsub.faults.occasions import see_post
from wspubsub.gateway.management import GONE, TOO_LARGE
from wspubsub.gateway.times import iso_8601
from wspubsub.messages import MAX_MESSAGE_BYTES
from wspubsub.testing.attempts import Answer, AttemptedConnections
from wspubsub.testing.faults import SILENT, suffer


class RecordingConnections(AttemptedConnections):
    """A `Connections` for tests: knows who is connected, and records what was posted.

    A connection that it does not know is gone, as on AWS. Those that fail are tried
    again when, and for as long as, they would be on AWS, but waiting takes no time.

    Example:
        >>> connections = RecordingConnections({"a", "b"})
        >>> connections.post("a", b"hello")
        >>> connections.messages("a")
        [b'hello']
        >>> connections.disconnect("b")
        >>> connections.post("b", b"hello")
        Traceback (most recent call last):
        wspubsub.errors.ConnectionGoneError: connection b is gone

    Args:
        connected: Connections that exist from the start.
        clock: Monotonic clock in seconds, of the deadlines.
        sleep: Lets time pass on that clock, if it is a test's own.
        faults: Rules of what fails; `throttle`, `fail` and `silence` add to them.

    Attributes:
        posted: Every message that was delivered, with its connection ID, in order.
        closed: Connections that were closed by `close`, in order.
        waited_seconds: How long the calls would have waited between attempts.
    """

    def __init__(
        self,
        connected: Iterable[str] = (),
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        faults: Faults | None = None,
    ) -> None:
        super().__init__(faults or Faults(), clock)
        self._sleep = sleep
        self.posted: list[tuple[str, bytes]] = []
        self.closed: list[str] = []
        self.waited_seconds = 0.0
        self._connected: dict[str, ConnectionInfo] = {}
        self._attempts: dict[str, int] = {}
        for connection_id in connected:
            self.connect(connection_id)

    def connect(
        self,
        connection_id: str,
        *,
        source_ip: str = "127.0.0.1",
        user_agent: str | None = None,
        connected_at: float | None = None,
    ) -> None:
        """Connect a client.

        Args:
            connection_id: ID of its connection.
            source_ip: Its address.
            user_agent: What it calls itself.
            connected_at: When it connected, in seconds since the epoch; now if None.
        """
        at = time.time() if connected_at is None else connected_at
        self._connected[connection_id] = ConnectionInfo(
            connected_at=at,
            last_active_at=at,
            source_ip=source_ip,
            user_agent=user_agent,
        )

    def disconnect(self, connection_id: str) -> None:
        """Disconnect a client; its connection is gone from now on."""
        self._connected.pop(connection_id, None)

    def is_connected(self, connection_id: str) -> bool:
        """Return whether a connection exists."""
        return connection_id in self._connected

    def messages(self, connection_id: str) -> list[bytes]:
        """Return the messages that were delivered to a connection, in order."""
        return [data for id_, data in self.posted if id_ == connection_id]

    def attempts(self, connection_id: str) -> int:
        """Return how many requests were made for a connection, including failures."""
        return self._attempts.get(connection_id, 0)

    @override
    def _attempt(self, method: str, connection_id: str, data: bytes) -> Answer:
        self._attempts[connection_id] = self.attempts(connection_id) + 1
        occasion = see_post(method, connection_id, data)
        fault = self._faults.find(occasion)

        def act() -> Answer:
            return self._do(method, connection_id, data)

        if fault is None:
            return act()
        return suffer(
            fault,
            act,
            wait=self._let_pass,
            answer=_refuse,
            silence=lambda: Answer(SILENT),
        )

    def _do(self, method: str, connection_id: str, data: bytes) -> Answer:
        if len(data) > MAX_MESSAGE_BYTES:
            return Answer(TOO_LARGE.status, TOO_LARGE.error_type)
        if connection_id not in self._connected:
            return Answer(GONE.status, GONE.error_type)
        match method:
            case "POST":
                self.posted.append((connection_id, bytes(data)))
                return Answer(200)
            case "DELETE":
                self.disconnect(connection_id)
                self.closed.append(connection_id)
                return Answer(204)
            case _:
                return Answer(200, body=self._description(connection_id))

    def _description(self, connection_id: str) -> bytes:
        info = self._connected[connection_id]
        description = {
            "connectedAt": iso_8601(info.connected_at),
            "lastActiveAt": iso_8601(info.last_active_at),
            "identity": {"sourceIp": info.source_ip, "userAgent": info.user_agent},
        }
        return json.dumps(description).encode()

    @override
    def _wait(self, seconds: float) -> None:
        self.waited_seconds += seconds
        if self._sleep is not None:
            self._sleep(seconds)


def _refuse(fault: Fault) -> Answer:
    response = answer_management(fault)
    return Answer(response.status, response.headers.get("x-amzn-errortype", ""))

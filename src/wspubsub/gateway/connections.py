"""The connections of a gateway, and when each of them must end."""

from wspubsub.gateway.config import GatewayConfig
from wspubsub.gateway.connection import ClientConnection, State
from wspubsub.gateway.deadlines import Deadlines


class ClientConnections:
    """Every connection from its handshake to its end.

    Args:
        config: Says how long connections may last.
        deadlines: Where their time is noted.
    """

    __slots__ = ("_config", "_connections", "_deadlines", "_established")

    def __init__(self, config: GatewayConfig, deadlines: Deadlines) -> None:
        self._config = config
        self._deadlines = deadlines
        self._connections: dict[str, ClientConnection] = {}
        self._established = 0

    def __len__(self) -> int:
        return self._established

    def __getitem__(self, connection_id: str) -> ClientConnection:
        return self._connections[connection_id]

    def add(self, connection: ClientConnection) -> None:
        """Add a connection whose handshake is pending."""
        self._connections[connection.id] = connection

    def get(self, connection_id: str) -> ClientConnection | None:
        """Return a connection, or None if it is unknown or has ended."""
        return self._connections.get(connection_id)

    def find_established(self, connection_id: str) -> ClientConnection | None:
        """Return a connection whose handshake is over, or None."""
        connection = self._connections.get(connection_id)
        return None if connection is None or connection.is_pending else connection

    def find_open(self, connection_id: str) -> ClientConnection | None:
        """Return a connection whose client is there, or None."""
        connection = self._connections.get(connection_id)
        return connection if connection and connection.state is State.OPEN else None

    def establish(self, connection: ClientConnection, *, now: float) -> None:
        """Start the clocks of a connection whose handshake was accepted."""
        connection.state = State.OPEN
        self._established += 1
        self.touch(connection, now=now)

    def touch(self, connection: ClientConnection, *, now: float) -> None:
        """Note that a message was sent or received: the connection is not idle."""
        connection.last_active_at = now
        self._deadlines.set(
            connection.id,
            min(
                now + self._config.idle_timeout_seconds,
                connection.connected_at + self._config.max_duration_seconds,
            ),
        )

    def explain_end(self, connection: ClientConnection, *, now: float) -> str:
        """Return why the time of a connection is up."""
        longest = self._config.max_duration_seconds
        if now >= connection.connected_at + longest:
            return f"open for {longest:g} s, the longest that a connection may last"
        return f"no message for {self._config.idle_timeout_seconds:g} s"

    def remove(self, connection: ClientConnection) -> None:
        """Forget a connection."""
        self._established -= not connection.is_pending
        del self._connections[connection.id]
        self._deadlines.drop(connection.id)
